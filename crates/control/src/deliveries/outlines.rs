//! What promotions would do, asked of the clusters: shown to people, and held against what they agreed to before it begins.
//!
//! ```text
//! Look, Begin ──► a task for the promotion ──► ClusterPlan of each cluster ──► the promotion is planned again, and takes it
//! ```
//!
//! An outline is for one promotion at one version of it and is taken once; what was decided meanwhile counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use artifact::SigningKey;
use delivery::{
    Action, Admitted, Case, Name, Step, World, admit, gate, report, settings_digest, shown_digest,
};
use jiff::Timestamp;
use kinds::condition::{self, Condition, READY, reason};
use kinds::{ClusterPlan, Object, Phase, Promotion};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::carry::{Means, Order};
use super::orders::order;
use super::runs::{Told, caught};
use crate::error::Error;

/// Outlines under way and made.
pub(super) struct Outlines {
    means: Means,
    key: Arc<SigningKey>,
    teller: mpsc::Sender<Told>,
    /// By application and promotion.
    all: BTreeMap<Name, BTreeMap<Name, Outline>>,
    /// Promotions that delete something and were let go, but are not known to run yet; with the application and the stage.
    losing: BTreeMap<Name, (Name, String)>,
    tasks: JoinSet<()>,
    last: u64,
}

struct Outline {
    /// Another one for every time that it is asked for.
    number: u64,
    /// The digest of what the application said of the stage: what is made of anything else is for nothing.
    settings: String,
    made: Option<Made>,
}

/// How soon is looked again whether another that deletes has begun. It is one write away.
const SOON: Duration = Duration::from_millis(100);

/// What clusters say, or why they don't.
pub(super) type Made = Result<Vec<ClusterPlan>, String>;

/// What a task found out.
pub(super) struct Outlined {
    application: Name,
    promotion: Name,
    number: u64,
    made: Made,
}

impl Outlines {
    pub(super) fn new(means: Means, key: Arc<SigningKey>, teller: mpsc::Sender<Told>) -> Self {
        Self {
            means,
            key,
            teller,
            all: BTreeMap::new(),
            losing: BTreeMap::new(),
            tasks: JoinSet::new(),
            last: 0,
        }
    }

    /// Takes note of what a task found out, and says whose plan it is for.
    pub(super) fn take(&mut self, outlined: Outlined) -> Option<Name> {
        while self.tasks.try_join_next().is_some() {}
        let of = self.all.get_mut(&outlined.application)?;
        let outline = of.get_mut(&outlined.promotion)?;
        if outline.number != outlined.number {
            return None;
        }
        outline.made = Some(outlined.made);
        Some(outlined.application)
    }

    /// The outline of a promotion for a step, once; it is begun if there is none.
    pub(super) fn of(&mut self, world: &World, promotion: &Name, step: &Step) -> Option<Made> {
        let object = world.promotion(promotion)?;
        let name = promotion.beside(&object.spec.application);
        let to = &object.spec.stage;
        let settings = settings_digest(world.application(&name)?, to);
        let of = self.all.entry(name.clone()).or_default();
        of.retain(|one, outline| one != promotion || outline.made.is_none() || outline.settings == settings);
        match of.get_mut(promotion) {
            Some(Outline { made: None, .. }) => return None,
            Some(outline) => {
                let made = outline.made.take()?;
                let is_begun = matches!(step, Step::Begin { .. });
                let deletes = made.iter().flatten().any(|plan| plan.deletes > 0);
                if is_begun && deletes && self.is_losing(world, promotion, (&name, to)) {
                    self.put_off(name, promotion.clone(), made);
                    return None;
                }
                self.all.get_mut(&name)?.remove(promotion);
                return Some(made);
            }
            None => {}
        }
        self.start(world, (promotion, object), (name, settings), step);
        None
    }

    /// Whether another promotion into a stage was let go with what it deletes, which the world does not count yet. If none was,
    /// this one is next.
    fn is_losing(&mut self, world: &World, promotion: &Name, (application, stage): (&Name, &str)) -> bool {
        let is_waiting = |one: &Object<Promotion>| one.status.phase == Phase::Waiting;
        self.losing
            .retain(|one, _| world.promotion(one).is_some_and(is_waiting));
        let is_other = |(one, (_, to)): (&Name, &(Name, String))| one != promotion && to == stage;
        let is_losing = self.losing.iter().any(is_other);
        if !is_losing {
            let place = (application.clone(), stage.to_owned());
            self.losing.insert(promotion.clone(), place);
        }
        is_losing
    }

    /// Tells the same once more in a moment.
    fn put_off(&mut self, application: Name, promotion: Name, made: Made) {
        let of = self.all.get(&application);
        let Some(number) = of.and_then(|of| of.get(&promotion)).map(|one| one.number) else {
            return;
        };
        let teller = self.teller.clone();
        self.tasks.spawn(async move {
            sleep(SOON).await;
            let outlined = Outlined {
                application,
                promotion,
                number,
                made,
            };
            drop(teller.send(Told::Outlined(outlined)).await);
        });
    }

    fn start(
        &mut self,
        world: &World,
        (promotion, object): (&Name, &Object<Promotion>),
        (application, settings): (Name, String),
        step: &Step,
    ) {
        let Some(stage) = world.stage(&object.spec.stage) else {
            return;
        };
        let is_first = world.current(&application, &object.spec.stage).is_none();
        let is_asked = stage.spec.gates.approvals.is_some() || !matches!(step, Step::Begin { .. });
        let clusters = gate::clusters(world, &application, stage);
        let orders: Result<Vec<Order>, String> = clusters
            .iter()
            .map(|cluster| order(world, object, (Action::Apply, cluster), &self.key))
            .collect();
        self.last += 1;
        let number = self.last;
        let of = self.all.entry(application.clone()).or_default();
        of.insert(
            promotion.clone(),
            Outline {
                number,
                settings,
                made: None,
            },
        );
        let (means, teller, promotion) = (self.means.clone(), self.teller.clone(), promotion.clone());
        self.tasks.spawn(async move {
            let made = caught(async {
                let orders = orders?;
                // What was never there deletes nothing, and where nobody has to agree nobody has to see it.
                if is_first && !is_asked && !is_known(&means, &orders).await? {
                    return Ok(Vec::new());
                }
                outlines(&means, &orders).await
            });
            let made = made.await.unwrap_or_else(Err);
            let outlined = Outlined {
                application,
                promotion,
                number,
                made,
            };
            drop(teller.send(Told::Outlined(outlined)).await);
        });
    }

    /// Forgets what is not asked for any more.
    pub(super) fn keep_only(&mut self, application: &Name, asked: &BTreeSet<Name>) {
        self.losing
            .retain(|promotion, (of, _)| of != application || asked.contains(promotion));
        if let Some(of) = self.all.get_mut(application) {
            of.retain(|promotion, _| asked.contains(promotion));
            if of.is_empty() {
                self.all.remove(application);
            }
        }
    }
}

async fn outlines(means: &Means, orders: &[Order]) -> Made {
    let all = orders.iter().map(|order| async move {
        let made = means.outline(order).await;
        made.map_err(|error| told(order, &error))
    });
    futures::future::join_all(all).await.into_iter().collect()
}

/// Whether any of the clusters has a release of that name, whoever made it.
async fn is_known(means: &Means, orders: &[Order]) -> Result<bool, String> {
    let all = orders.iter().map(|order| async move {
        let known = means.is_known(order).await;
        known.map_err(|error| told(order, &error))
    });
    let all: Result<Vec<bool>, String> = futures::future::join_all(all).await.into_iter().collect();
    Ok(all?.contains(&true))
}

fn told(order: &Order, error: &Error) -> String {
    format!("{}: {}", order.cluster, error.told())
}

/// Writes into a promotion what it would do.
pub(super) fn show(page: &mut Object<Promotion>, world: &World, made: Made, now: Timestamp) {
    let plans = match made {
        Ok(plans) => plans,
        Err(why) => return not_known(page, &why, now),
    };
    let Ok(case) = Case::of(world, page, now) else {
        return;
    };
    let digest = shown_digest(&case, &plans);
    report::plan(page, (plans, digest), now);
}

/// Begins a promotion, if what it does now is what it may.
pub(super) fn begin(
    page: &mut Object<Promotion>,
    world: &World,
    made: Made,
    (step, now): (&Step, Timestamp),
) {
    let plans = match made {
        Ok(plans) => plans,
        // Nobody had to see it, so it is tried, and fails with the same words where they are looked for. It deletes no more
        // than the stage lets go of one release.
        Err(_) if !is_agreed_to(step) => Vec::new(),
        Err(why) => return not_known(page, &why, now),
    };
    let Ok(case) = Case::of(world, page, now) else {
        return;
    };
    match admit(&case, &plans) {
        Admitted::Go => {
            show(page, world, Ok(plans), now);
            report::record(page, step, now);
        }
        Admitted::Show { .. } => show(page, world, Ok(plans), now),
    }
}

fn is_agreed_to(step: &Step) -> bool {
    matches!(step, Step::Begin { agreed: Some(_), .. })
}

/// Says of a promotion into a pair that it waits for who carries rollouts out.
pub(super) fn cannot(page: &mut Object<Promotion>, pair: &str, now: Timestamp) {
    let message = format!(
        "every gate is open; a rollout over the cluster pair {pair} is not carried out by this version"
    );
    not_ready(page, reason::WAITING, message, now);
}

/// Says of a promotion why it can't be said what it would do.
fn not_known(page: &mut Object<Promotion>, why: &str, now: Timestamp) {
    let message = format!("what it would do can't be found out: {why}");
    not_ready(page, reason::REFUSED_BY_CLUSTER, message, now);
}

fn not_ready(page: &mut Object<Promotion>, why: &'static str, message: String, now: Timestamp) {
    let said = Condition::of(READY, page.metadata.generation, ("False", why, message));
    condition::set(&mut page.status.conditions, said, now);
}
