//! How what is deployed stands: looked at again and again, and put back where the stage says so.
//!
//! ```text
//! what a stage has ──now and then──► a task: release engine, each cluster ──► Stands ──► the application's status
//!                                            └─ the stage says PutBack, nobody holds it ─► put back, with a line of the audit log
//! ```
//!
//! Never while a promotion is under way there: a look that is at work is stopped when one begins.

use std::collections::BTreeMap;
use std::time::Duration;

use artifact::SigningKey;
use cluster::run::Drifted;
use delivery::audit::Record;
use delivery::report::Stands;
use delivery::{Action, BY_ITSELF, Name, World, gate};
use kinds::{Drift, Object, Phase, Stage};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::carry::{Means, Order};
use super::orders::order;
use super::runs::Told;
use crate::audit::AuditLog;
use crate::error::Error;
use crate::queue::Queue;

/// How much time there is for each that is deployed at least: no more than ten are looked at in a second.
const EACH: Duration = Duration::from_millis(100);

/// How soon after something was put back it is looked at again.
const AGAIN: Duration = Duration::from_secs(2);

/// How many are looked at at once.
const AT_ONCE: usize = 16;

/// How many fields of one object are told.
const FIELDS: usize = 5;

/// An application in a stage.
type Place = (Name, String);

/// The looks.
pub(super) struct Standings {
    means: Means,
    audit: AuditLog,
    teller: mpsc::Sender<Told>,
    /// How often one is looked at.
    every: Duration,
    queue: Queue<Place>,
    at_work: BTreeMap<Place, AbortHandle>,
    /// What was found last, with the turn that it is about.
    found: BTreeMap<Name, BTreeMap<String, (u64, Vec<Stands>)>>,
    tasks: JoinSet<()>,
}

/// What a look found.
pub(super) struct Found {
    place: Place,
    turn: u64,
    stands: Result<Vec<Stands>, Error>,
}

impl Standings {
    pub(super) fn new(means: Means, audit: AuditLog, teller: mpsc::Sender<Told>, every: Duration) -> Self {
        Self {
            means,
            audit,
            teller,
            every,
            queue: Queue::default(),
            at_work: BTreeMap::new(),
            found: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Takes note of what is deployed of an application, and stops looking where a promotion is under way.
    pub(super) fn follow(&mut self, world: &World, name: &Name) {
        for stage in world.route() {
            let stage = stage.metadata.name.as_str();
            let place = (name.clone(), stage.to_owned());
            let is_there = world.current(name, stage).is_some();
            if !is_there || is_moving(world, name, stage) {
                if let Some(look) = self.at_work.remove(&place) {
                    look.abort();
                }
            } else if !self.at_work.contains_key(&place) && !self.queue.holds(&place) {
                self.queue.look(place, Instant::now() + self.every);
            }
        }
    }

    /// What was found of an application as it is deployed now, by stage.
    pub(super) fn of(&self, world: &World, name: &Name) -> BTreeMap<&str, &[Stands]> {
        let found = self.found.get(name).into_iter().flatten();
        let is_now = |stage: &str, turn: u64| world.current(name, stage).is_some_and(|one| one.turn == turn);
        let now = found.filter(|(stage, (turn, _))| is_now(stage, *turn));
        now.map(|(stage, (_, stands))| (stage.as_str(), stands.as_slice()))
            .collect()
    }

    /// Takes note of a look, and says whose it was.
    pub(super) fn take(&mut self, found: Found) -> Option<Name> {
        while self.tasks.try_join_next().is_some() {}
        let Found { place, turn, stands } = found;
        self.at_work.remove(&place)?;
        let now = Instant::now();
        let (name, stage) = place.clone();
        let known = self.found.values().map(BTreeMap::len).sum::<usize>();
        let every = self.every.max(EACH * u32::try_from(known).unwrap_or(u32::MAX));
        match stands {
            Ok(stands) => {
                let is_back = stands.iter().any(|one| one.is_back);
                for one in &stands {
                    if let Some(why) = &one.unready {
                        tracing::info!(application = %name, %stage, cluster = %one.cluster, %why, "not ready");
                    }
                }
                self.queue.succeeded(&place);
                self.queue
                    .look(place, now + if is_back { AGAIN.min(every) } else { every });
                self.found
                    .entry(name.clone())
                    .or_default()
                    .insert(stage, (turn, stands));
                Some(name)
            }
            Err(error) => {
                tracing::debug!(application = %name, %stage, %error, "not looked at");
                self.queue.look(place, now + every);
                None
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        (self.at_work.len() < AT_ONCE)
            .then(|| self.queue.next_due(|_| true))
            .flatten()
    }

    /// Looks at what is due.
    pub(super) fn attend(&mut self, world: &World, key: &SigningKey) {
        let now = Instant::now();
        while self.at_work.len() < AT_ONCE {
            let Some(place) = self.queue.take(now, |_| true) else {
                return;
            };
            let (name, stage) = &place;
            // One that does not answer would keep a place that others wait for.
            if !answer(world, name, stage) {
                self.queue.look(place, now + self.every);
                continue;
            }
            let looked = world
                .stage(stage)
                .and_then(|stage| looks(world, name, stage, key));
            let Some((turn, orders, puts_back)) = looked else {
                self.forget(&place);
                continue;
            };
            let (means, audit, teller) = (self.means.clone(), self.audit.clone(), self.teller.clone());
            let of = place.clone();
            let handle = self.tasks.spawn(async move {
                let audit = puts_back.then_some(&audit);
                let looks = orders.iter().map(|order| stands(&means, order, (&of, audit)));
                let stands = futures::future::join_all(looks).await.into_iter().collect();
                let found = Found {
                    place: of,
                    turn,
                    stands,
                };
                drop(teller.send(Told::Stands(found)).await);
            });
            self.at_work.insert(place, handle);
        }
    }

    fn forget(&mut self, (name, stage): &Place) {
        if let Some(of) = self.found.get_mut(name) {
            of.remove(stage);
            if of.is_empty() {
                self.found.remove(name);
            }
        }
    }
}

/// Whether every cluster answers that an application is deployed to in a stage.
fn answer(world: &World, name: &Name, stage: &str) -> bool {
    let clusters = world.stage(stage).map(|stage| gate::clusters(world, name, stage));
    clusters
        .into_iter()
        .flatten()
        .all(|cluster| gate::answers(world, &cluster))
}

/// Whether something is being brought to a stage, or put back there.
fn is_moving(world: &World, name: &Name, stage: &str) -> bool {
    world.promotions(name, stage).any(|one| {
        let is_at_work = one
            .status
            .steps
            .iter()
            .any(|step| step.state == kinds::StepState::Running);
        one.status.phase == Phase::Running || is_at_work
    })
}

/// What to look at of an application in a stage: its turn, each cluster, and whether what others changed is put back.
fn looks(
    world: &World,
    name: &Name,
    stage: &Object<Stage>,
    key: &SigningKey,
) -> Option<(u64, Vec<Order>, bool)> {
    let to = stage.metadata.name.as_str();
    let current = world.current(name, to)?;
    if is_moving(world, name, to) || stage.spec.pair.is_some() {
        return None;
    }
    let promotion = world.promotion(&name.beside(&current.promotion))?;
    let clusters = gate::clusters(world, name, stage);
    let orders = clusters
        .iter()
        .map(|cluster| order(world, promotion, (Action::Apply, cluster), key));
    let orders: Vec<Order> = orders.collect::<Result<_, String>>().ok()?;
    let holds = &world.application(name)?.spec.holds;
    // Who holds it may be at work on it by hand.
    let is_held = holds.iter().any(|hold| hold.stage == to);
    let puts_back = stage.spec.drift == Drift::PutBack && !is_held;
    (!orders.is_empty()).then_some((current.turn, orders, puts_back))
}

/// How one release stands; with an audit log, what others changed is put back.
async fn stands(
    means: &Means,
    order: &Order,
    ((name, stage), audit): (&Place, Option<&AuditLog>),
) -> Result<Stands, Error> {
    let Some((release, standing)) = means.standing(order).await? else {
        return Err(Error::Mistake {
            problem: format!("nothing is deployed in {}, or somebody is at work", order.cluster),
            cure: "wait for the next look".to_owned(),
        });
    };
    let mut stands = Stands {
        cluster: order.cluster.clone(),
        unready: standing.unready.first().map(|(key, why)| format!("{key}: {why}")),
        drifted: u32::try_from(standing.drifted.len()).unwrap_or(u32::MAX),
        fields: standing.drifted.iter().flat_map(fields).collect(),
        is_back: false,
    };
    let Some(audit) = audit.filter(|_| !standing.drifted.is_empty()) else {
        return Ok(stands);
    };
    let record = Record {
        time: (means.clock)(),
        who: BY_ITSELF.to_owned(),
        what: format!("put back drift of {name} in {stage}, cluster {}", order.cluster),
        plan: None,
        why: format!("somebody else changed {}", stands.fields.join(", ")),
        outcome: "decided".to_owned(),
    };
    audit.append(record).await?;
    let back = release.put_back(&standing.drifted).await;
    stands.is_back = back.map_err(|error| Error::Release(Box::new(error)))? == standing.drifted.len();
    Ok(stands)
}

fn fields(drifted: &Drifted) -> Vec<String> {
    let difference = &drifted.difference;
    let field = |path: &str| match (difference.what, path) {
        ("create", _) => format!("{} (deleted)", difference.key),
        (_, "") => difference.key.to_string(),
        (_, path) => format!("{} {path}", difference.key),
    };
    difference
        .fields
        .iter()
        .take(FIELDS)
        .map(|one| field(&one.path))
        .collect()
}
