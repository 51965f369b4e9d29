//! How what is deployed stands: looked at again and again, and put back where the stage says so.
//!
//! ```text
//! what a stage has ──Looks──► a task: release engine, each cluster ──► Stands ──► the application's status
//!                                   └─ the stage says PutBack, nobody holds it ─► Fights ─► put back, with a line of the audit log
//! ```
//!
//! Never while a promotion is under way there: a look that is at work is stopped when one begins. Nothing is put back where one
//! failed and left something: its version may have changed what an older one can't live with. Each cluster is looked at by
//! itself, and of one that can't be, it is said that nobody knows.

use std::collections::BTreeMap;
use std::time::Duration;

use artifact::SigningKey;
use cluster::run::{Drifted, Release, Standing};
use delivery::audit::Record;
use delivery::report::Stands;
use delivery::{Action, BY_ITSELF, Name, World, gate};
use futures::future::join_all;
use kinds::{Drift, Object, Phase, Stage};
use stdx::chain;
use tokio::time::{Instant, timeout};

use super::carry::{Means, Order};
use super::fights::{Fights, Turn};
use super::looks::{EACH, Ended, Looks, Place};
use super::orders::order;
use crate::audit::AuditLog;

/// How many fields of one object are told.
const FIELDS: usize = 5;

/// How long a cluster may take to say how a release stands: many times what hundreds of objects take.
const LONGEST: Duration = Duration::from_secs(60);

/// The looks, and what they found.
pub(super) struct Standings {
    means: Means,
    audit: AuditLog,
    /// How often one is looked at.
    every: Duration,
    looks: Looks<Vec<Seen>>,
    found: BTreeMap<Name, BTreeMap<String, Found>>,
}

/// What was found last of an application in a stage.
struct Found {
    /// The turn that it is about.
    turn: u64,
    stands: Vec<Stands>,
    /// By cluster.
    fights: BTreeMap<String, Fights>,
}

/// What a look found in one cluster.
pub(super) struct Seen {
    stands: Stands,
    fights: Fights,
    /// When to look again at what differs.
    again: Option<Instant>,
}

/// What is to be looked at of an application in a stage.
struct Wanted {
    turn: u64,
    /// What to ask each cluster, or why it can't be asked.
    clusters: Vec<(String, Result<Order, String>)>,
    puts_back: bool,
}

/// What differs, and how often it did before.
struct Fought<'a> {
    drifted: Vec<Drifted>,
    fights: &'a mut Fights,
    now: Instant,
}

/// Where what others changed is put back, and who writes that down.
struct Back<'a> {
    place: &'a Place,
    audit: &'a AuditLog,
}

impl Standings {
    pub(super) fn new(means: Means, audit: AuditLog, every: Duration) -> Self {
        Self {
            means,
            audit,
            every,
            looks: Looks::new(),
            found: BTreeMap::new(),
        }
    }

    /// Takes note of what is deployed of an application, and stops looking where a promotion is under way.
    pub(super) fn follow(&mut self, world: &World, name: &Name) {
        for stage in world.route() {
            let stage = stage.metadata.name.as_str();
            let place = (name.clone(), stage.to_owned());
            let is_there = world.current(name, stage).is_some();
            if !is_there || is_moving(world, name, stage) {
                self.looks.stop(&place);
            } else if !self.looks.holds(&place) {
                self.looks.look(place, Instant::now() + self.every);
            }
        }
    }

    /// What was found of an application as it is deployed now, by stage.
    pub(super) fn of(&self, world: &World, name: &Name) -> BTreeMap<&str, &[Stands]> {
        let found = self.found.get(name).into_iter().flatten();
        let is_now = |stage: &str, turn: u64| world.current(name, stage).is_some_and(|one| one.turn == turn);
        let now = found.filter(|(stage, found)| is_now(stage, found.turn));
        now.map(|(stage, found)| (stage.as_str(), found.stands.as_slice()))
            .collect()
    }

    /// Waits for a look to end. May be dropped while it waits.
    pub(super) async fn ended(&mut self) -> Ended<Vec<Seen>> {
        self.looks.ended().await
    }

    /// Takes note of a look, and says whose it was.
    pub(super) fn take(&mut self, ended: Ended<Vec<Seen>>) -> Name {
        let Ended { place, look, found } = ended;
        let now = Instant::now();
        let known = self.found.values().map(BTreeMap::len).sum::<usize>();
        let every = self.every.max(EACH * u32::try_from(known).unwrap_or(u32::MAX));
        let (name, stage) = place.clone();
        let seen = match found {
            Ok(seen) => {
                self.looks.succeeded(&place);
                let again = seen.iter().filter_map(|one| one.again).min();
                let next = again.map_or(now + every, |again| again.max(now).min(now + every));
                self.looks.look(place.clone(), next);
                seen
            }
            Err(error) => {
                tracing::error!(application = %name, %stage, %error, "a look ended in a bug");
                self.looks.failed(place.clone(), now);
                let why =
                    "looking at it ended in a bug; the log of the controller has it, report it".to_owned();
                let clusters = look.clusters.into_iter();
                clusters.map(|cluster| unknown(cluster, why.clone())).collect()
            }
        };
        self.tell(&place, &seen);
        let (stands, fights) = seen
            .into_iter()
            .map(|one| (one.stands.clone(), (one.stands.cluster, one.fights)))
            .unzip();
        let found = Found {
            turn: look.turn,
            stands,
            fights,
        };
        self.found.entry(name.clone()).or_default().insert(stage, found);
        name
    }

    /// Logs what is the matter, once.
    fn tell(&self, (name, stage): &Place, seen: &[Seen]) {
        let before = self.found.get(name).and_then(|of| of.get(stage));
        let before = before.map(|found| found.stands.as_slice()).unwrap_or_default();
        for one in seen.iter().map(|one| &one.stands) {
            let Some(why) = matter(one) else {
                continue;
            };
            let mut same = before.iter().filter(|old| old.cluster == one.cluster);
            if !same.any(|old| matter(old) == Some(why)) {
                tracing::info!(application = %name, %stage, cluster = %one.cluster, %why, "not ready, or not known to be");
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.looks.next_due()
    }

    /// Looks at what is due.
    pub(super) fn attend(&mut self, world: &World, key: &SigningKey) {
        let now = Instant::now();
        while let Some(place) = self.looks.take(now, |place| asked(world, place)) {
            let wanted = world
                .stage(&place.1)
                .and_then(|stage| wanted(world, &place.0, stage, key));
            match wanted {
                Some(wanted) => self.begin(place, wanted),
                None => self.forget(&place),
            }
        }
    }

    fn begin(&mut self, place: Place, wanted: Wanted) {
        let Wanted {
            turn,
            clusters,
            puts_back,
        } = wanted;
        let mut fights = self.fights(&place, turn);
        let named = clusters.iter().map(|(cluster, _)| cluster.clone()).collect();
        let (means, audit, of) = (self.means.clone(), self.audit.clone(), place.clone());
        self.looks.begin(place, (turn, named), async move {
            let looks = clusters.into_iter().map(|(cluster, order)| {
                let fights = fights.remove(&cluster).unwrap_or_default();
                let back = Back {
                    place: &of,
                    audit: &audit,
                };
                let back = puts_back.then_some(back);
                let means = &means;
                async move {
                    match order {
                        Ok(order) => seen(means, &order, (back, fights)).await,
                        Err(why) => unknown(cluster, why),
                    }
                }
            });
            join_all(looks).await
        });
    }

    /// What was fought over of what a stage has; another promotion begins anew.
    fn fights(&self, (name, stage): &Place, turn: u64) -> BTreeMap<String, Fights> {
        let found = self.found.get(name).and_then(|of| of.get(stage));
        found
            .filter(|found| found.turn == turn)
            .map(|found| found.fights.clone())
            .unwrap_or_default()
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

/// The clusters that a look asks: those that answer.
fn asked(world: &World, (name, stage): &Place) -> Vec<String> {
    let clusters = world.stage(stage).map(|stage| gate::clusters(world, name, stage));
    let clusters = clusters.into_iter().flatten();
    clusters.filter(|cluster| gate::answers(world, cluster)).collect()
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

/// What to look at of an application in a stage.
fn wanted(world: &World, name: &Name, stage: &Object<Stage>, key: &SigningKey) -> Option<Wanted> {
    let to = stage.metadata.name.as_str();
    let current = world.current(name, to)?;
    if is_moving(world, name, to) || stage.spec.pair.is_some() {
        return None;
    }
    let promotion = world.promotion(&name.beside(&current.promotion));
    let ask = |cluster: &str| {
        // One that does not answer would keep a place that others wait for.
        if !gate::answers(world, cluster) {
            return Err("the cluster does not answer".to_owned());
        }
        let promotion =
            promotion.ok_or_else(|| format!("the promotion {} is gone; promote again", current.promotion))?;
        order(world, promotion, (Action::Apply, cluster), key)
    };
    let clusters = gate::clusters(world, name, stage).into_iter();
    let clusters: Vec<_> = clusters
        .map(|cluster| {
            let order = ask(&cluster);
            (cluster, order)
        })
        .collect();
    (!clusters.is_empty()).then_some(Wanted {
        turn: current.turn,
        clusters,
        puts_back: puts_back(world, name, stage),
    })
}

/// Whether what others change is put back.
fn puts_back(world: &World, name: &Name, stage: &Object<Stage>) -> bool {
    let to = &stage.metadata.name;
    let Some(application) = world.application(name) else {
        return false;
    };
    // Who holds it may be at work on it by hand.
    let is_held = application.spec.holds.iter().any(|hold| hold.stage == *to);
    // What a promotion left there is for a person to look at. To put the version before back in part would be a rollback that
    // nobody asked for, and past one that can't be undone.
    let is_left = !world.left(name, to).is_empty();
    stage.spec.drift == Drift::PutBack && !is_held && !is_left
}

/// Why something is not ready, or nobody knows.
fn matter(stands: &Stands) -> Option<&String> {
    stands.unready.as_ref().or(stands.unknown.as_ref())
}

fn unknown(cluster: String, why: String) -> Seen {
    Seen {
        stands: Stands {
            cluster,
            unknown: Some(why),
            ..Stands::default()
        },
        fights: Fights::default(),
        again: None,
    }
}

/// How one release stands; with somewhere to write it down, what others changed is put back.
async fn seen(means: &Means, order: &Order, (back, mut fights): (Option<Back<'_>>, Fights)) -> Seen {
    let cluster = order.cluster.clone();
    let why = match timeout(LONGEST, means.standing(order)).await {
        Ok(Ok((release, standing))) => {
            let now = Instant::now();
            let mut stands = told(cluster, &standing);
            if let Some(back) = back {
                let fought = Fought {
                    drifted: standing.drifted,
                    fights: &mut fights,
                    now,
                };
                put_back(means, &release, (back, fought), &mut stands).await;
            }
            fights.calm(now);
            let again = fights.next(now);
            return Seen {
                stands,
                fights,
                again,
            };
        }
        Ok(Err(error)) => chain(&error),
        Err(_) => format!("it gave no answer within {} s", LONGEST.as_secs()),
    };
    Seen {
        fights,
        ..unknown(cluster, why)
    }
}

fn told(cluster: String, standing: &Standing) -> Stands {
    let unready = standing.unready.first();
    let unready = unready.map(|(key, why)| format!("{key}: {why}"));
    Stands {
        cluster,
        unknown: None,
        unready: standing.amiss.clone().or(unready),
        drifted: u32::try_from(standing.drifted.len()).unwrap_or(u32::MAX),
        fields: standing.drifted.iter().flat_map(fields).collect(),
        is_back: false,
    }
}

/// Puts back what is not fought over, and says so.
async fn put_back(
    means: &Means,
    release: &Release,
    (back, fought): (Back<'_>, Fought<'_>),
    stands: &mut Stands,
) {
    let Fought { drifted, fights, now } = fought;
    let mut due: Vec<(&Drifted, String)> = Vec::new();
    for one in &drifted {
        let over = over(one);
        match fights.turn(&one.difference.key, &over, now) {
            Turn::Back => due.push((one, over)),
            Turn::Later => {}
            Turn::Left => stands.fields.insert(0, left(one)),
        }
    }
    if due.is_empty() {
        return;
    }
    let (name, stage) = back.place;
    let changed: Vec<String> = due.iter().flat_map(|(one, _)| fields(one)).collect();
    let record = Record {
        time: (means.clock)(),
        who: BY_ITSELF.to_owned(),
        what: format!("put back drift of {name} in {stage}, cluster {}", stands.cluster),
        plan: None,
        why: format!("somebody else changed {}", changed.join(", ")),
        outcome: "decided".to_owned(),
    };
    if let Err(error) = back.audit.append(record).await {
        tracing::warn!(application = %name, %stage, error = %chain(&error), "drift is not put back");
        return;
    }
    let mut all = 0;
    for (one, over) in due {
        // One that is refused counts as well, or it would be tried for ever.
        fights.back(&one.difference.key, &over, now);
        match release.put_back(one).await {
            Ok(is_back) => all += usize::from(is_back),
            Err(error) => {
                let refused = format!("{} (can't be put back: {})", one.difference.key, chain(&error));
                stands.fields.insert(0, refused);
            }
        }
    }
    stands.is_back = all == drifted.len();
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

/// What is fought over: the fields, and who else writes them.
fn over(drifted: &Drifted) -> String {
    let paths: Vec<&str> = drifted
        .difference
        .fields
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    format!("{} by {}", paths.join(" "), drifted.by)
}

fn left(drifted: &Drifted) -> String {
    let by = match drifted.by.as_str() {
        "" => "somebody",
        by => by,
    };
    format!(
        "{} (is fought over: {by} changes it each time it is put back, so it is left as it is)",
        drifted.difference.key
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn put<K: delivery::Seen>(world: &mut World, name: &str, spec: &Value, status: &Value) {
        let metadata = json!({"name": name, "namespace": if K::NAME == "Stage" || K::NAME == "Tenant" || K::NAME == "Cluster"
            { "" } else { "shop" }});
        let object = json!({"metadata": metadata, "spec": spec, "status": status});
        world.put(Object::<K>::read(&object).unwrap());
    }

    fn promotion(world: &mut World, artifact: &str, status: &Value) {
        let spec = json!({"application": "web", "artifact": artifact, "stage": "staging", "by": "shipway"});
        put::<kinds::Promotion>(world, &format!("{artifact}-staging"), &spec, status);
    }

    /// An application that a promotion brought to two clusters, of which one does not answer.
    fn world(holds: &Value) -> World {
        let mut world = World::default();
        let none = json!({});
        let stage = json!({"clusters": ["a", "b"], "drift": "PutBack"});
        put::<Stage>(&mut world, "staging", &stage, &none);
        let tenant = json!({"quota": {"cpu": "1", "memory": "1Gi"}});
        put::<kinds::Tenant>(&mut world, "shop", &tenant, &none);
        for (name, answers) in [("a", "True"), ("b", "False")] {
            let reachable = json!({"conditions": [{"type": "Reachable", "status": answers, "reason": "", "message": "",
                "lastTransitionTime": "2026-03-02T09:00:00Z"}]});
            put::<kinds::Cluster>(&mut world, name, &none, &reachable);
        }
        let chart = json!({"chart": {"source": "charts", "path": "charts/web"}, "holds": holds});
        put::<kinds::Application>(&mut world, "web", &chart, &none);
        promotion(
            &mut world,
            "web-1",
            &json!({"phase": "Succeeded", "turn": 1, "ended": "2026-03-02T09:00:00Z"}),
        );
        world
    }

    fn looked(world: &World) -> Wanted {
        let key = SigningKey::from_seed(&[7; 32]);
        let stage = world.stage("staging").unwrap();
        wanted(world, &Name::new("shop", "web"), stage, &key).unwrap()
    }

    #[test]
    fn nothing_is_put_back_where_a_promotion_failed_and_left_something() {
        let mut world = world(&json!([]));
        assert!(looked(&world).puts_back);
        let left = |state: &str| {
            json!({"phase": "Failed", "turn": 2, "steps": [
                {"cluster": "a", "name": "apply", "state": "Failed", "started": "2026-03-02T10:00:00Z"},
                {"cluster": "a", "name": "put back", "state": state, "started": "2026-03-02T10:00:00Z"}]})
        };
        promotion(&mut world, "web-2", &left("Failed"));
        assert!(!looked(&world).puts_back);
        promotion(&mut world, "web-2", &left("Done"));
        assert!(looked(&world).puts_back);
    }

    #[test]
    fn a_release_that_is_gone_or_whose_last_revision_failed_is_not_ready() {
        let standing = Standing {
            amiss: Some("nothing is deployed: there is no release web".to_owned()),
            ..Standing::default()
        };
        let stands = told("a".to_owned(), &standing);
        assert_eq!((stands.unready, stands.unknown), (standing.amiss, None));
    }

    #[test]
    fn nothing_is_put_back_where_somebody_holds_the_application() {
        let hold = json!([{"stage": "staging", "by": "ada", "reason": "wait"}]);
        assert!(!looked(&world(&hold)).puts_back);
    }

    #[test]
    fn a_cluster_that_can_not_be_asked_is_told_and_keeps_no_other_from_it() {
        let world = world(&json!([]));
        let wanted = looked(&world);
        let why: Vec<(&str, &str)> = wanted
            .clusters
            .iter()
            .map(|(cluster, order)| (cluster.as_str(), order.as_ref().err().map_or("", String::as_str)))
            .collect();
        // Of the other one the artifact is not known, so there is nothing to ask with: that is told, and not passed over.
        let expected = [
            ("a", "shop/web has no artifact web-1"),
            ("b", "the cluster does not answer"),
        ];
        assert_eq!(why, expected);
        assert_eq!(
            asked(&world, &(Name::new("shop", "web"), "staging".to_owned())),
            ["a"]
        );
    }
}
