//! DaemonSets: one pod on every node that its template fits.
//!
//! ```text
//! nodes × its pods ──► each node: fits? ──► create, or delete what failed or is too much ──► update ──► status
//! ```
//!
//! A pod is bound to its node by the scheduler, as any other; here it gets an affinity to that one node.

mod backoff;
mod nodes;
mod pods;
mod status;
mod update;

use std::collections::BTreeSet;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, Selector, World, meta};
use serde_json::Value;

use crate::claim::{self, Owner};
use crate::pod::{self, Availability};
use crate::pod_template::{self, Names};
use crate::refusal::{self, Meaning};
use crate::revision::{self, Draft, Outcome};
use crate::status::Status;
use crate::template_hash;
use backoff::Backoff;
use nodes::{Fit, Needs};

static DAEMON_SET: Kind = Kind::DAEMON_SET;

const HASH: &str = "controller-revision-hash";

/// How many pods one look creates or deletes at most, as the real controller's.
const MAX_WRITES: usize = 250;

/// How many revisions a set keeps that does not say it, as the server's default has it.
const DEFAULT_LIMIT: i64 = 10;

/// The loop of DaemonSets.
#[derive(Debug, Default)]
pub struct DaemonSets {
    /// Of failed pods that are replaced: lost with the process, and then it begins anew.
    backoff: Backoff,
}

/// A node and the set's pods there.
#[derive(Debug)]
struct Place<'a> {
    node: &'a str,
    fit: Fit,
    /// The bound ones first, then the oldest.
    pods: Vec<&'a Value>,
}

/// A set at one moment.
#[derive(Debug)]
struct Look<'a> {
    world: &'a World,
    key: &'a Key,
    set: &'a Value,
    /// By the name of the node.
    places: Vec<Place<'a>>,
    /// Of the set's template.
    hash: &'a str,
    now: Timestamp,
}

/// What is to be created and deleted, each once.
#[derive(Debug, Default)]
struct Changes<'a> {
    create_on: BTreeSet<&'a str>,
    delete: Vec<&'a Value>,
    events: Vec<Event>,
    again: Option<Timestamp>,
}

impl Loop for DaemonSets {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:daemon-set-controller",
            manager: "kube-controller-manager",
            component: "daemonset-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let kind = &change.key.kind;
        if *kind == DAEMON_SET {
            keys.push(change.key.clone());
        } else if *kind == Kind::POD || *kind == Kind::CONTROLLER_REVISION {
            claim::touch_owners(change, &DAEMON_SET, keys);
            claim::touch_adopters(world, change, &DAEMON_SET, selector, keys);
        } else if *kind == Kind::NODE
            && (change.changed("/metadata/labels") || change.changed("/spec/taints"))
        {
            keys.extend(world.all(&DAEMON_SET).map(|set| Key::of(Kind::DAEMON_SET, set)));
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(set) = world.get(key).filter(|set| !meta::is_deleted(set)) else {
            return Plan::nothing();
        };
        let selector = selector(set);
        if selector.is_empty() {
            return selects_all(set, key);
        }
        let owner = owner(set);
        let revisions = claim::claim(world, &owner, &selector, &revision::KIND, |_| true);
        let pods = claim::claim(world, &owner, &selector, &pod::KIND, |_| true);
        let mut adoptions = revisions.actions;
        adoptions.extend(pods.actions);
        if !adoptions.is_empty() {
            return Plan::of(adoptions);
        }
        let mut revisions: Vec<&Value> = revisions.mine.iter().map(|one| &***one).collect();
        revisions.sort_by_key(|one| (revision::number(one), meta::created(one), meta::name(one)));
        let current = match settle(world, &owner, &revisions) {
            Ok(current) => current,
            Err(action) => return Plan::of(vec![*action]),
        };
        let pods: Vec<&Value> = pods.mine.iter().map(|pod| &***pod).collect();
        let look = Look {
            world,
            key,
            set,
            places: places(world, set, &pods),
            hash: meta::label(current, HASH).unwrap_or_default(),
            now,
        };
        let mut changes = look.manage(&mut self.backoff);
        changes.delete.extend(pods::without_node(world, &pods));
        if meta::text_at(set, "/spec/updateStrategy/type") != "OnDelete" {
            look.update(&mut changes);
        }
        let mut plan = look.plan(changes);
        plan.actions.extend(surplus(set, &revisions, current, &pods));
        plan
    }

    fn refused(&mut self, _world: &World, key: &Key, refusal: &Refusal<'_>, _now: Timestamp) -> Plan {
        let (reason, told) = match refusal::meaning(refusal) {
            Meaning::NotCreated(why) => ("FailedCreate", format!("Error creating: {why}")),
            Meaning::NotDeleted(why) => ("FailedDelete", format!("Error deleting: {why}")),
            Meaning::Nothing => return Plan::nothing(),
        };
        Plan::of(vec![Action::Record(Event::warning(key, reason, told))])
    }
}

impl<'a> Look<'a> {
    /// What each node lacks or has too much.
    fn manage(&self, backoff: &mut Backoff) -> Changes<'a> {
        let mut changes = Changes::default();
        let surging = update::bounds(self.set, self.wanted()).surge > 0;
        for place in &self.places {
            if place.fit.run && place.pods.is_empty() {
                changes.create_on.insert(place.node);
            } else if !place.fit.keep {
                changes
                    .delete
                    .extend(place.pods.iter().filter(|pod| !meta::is_deleted(pod)));
            } else {
                let running = self.running(place, backoff, &mut changes);
                if !surging {
                    changes.delete.extend(running.into_iter().skip(1));
                } else if running.is_empty() && place.fit.run {
                    // What is on its way out does not count where one more is allowed.
                    changes.create_on.insert(place.node);
                } else {
                    changes.delete.extend(self.surplus_of_surge(&running));
                }
            }
        }
        changes
    }

    /// The pods of a node that are neither at an end nor on their way out; finished ones are replaced, failed ones
    /// ever more slowly: a kubelet that refuses a pod would refuse the next one, too.
    fn running(&self, place: &Place<'a>, backoff: &mut Backoff, changes: &mut Changes<'a>) -> Vec<&'a Value> {
        let mut running = Vec::new();
        for pod in place.pods.iter().copied().filter(|pod| !meta::is_deleted(pod)) {
            let who = format!(
                "{}/{} on node {}",
                self.key.namespace,
                meta::name(pod),
                place.node
            );
            match pod::phase(pod) {
                "Failed" => {
                    let key = (meta::uid(self.set), place.node);
                    if let Some(due) = backoff.blocked_until(key, self.now) {
                        changes.look_at(due);
                        continue;
                    }
                    backoff.note(key, self.now);
                    let told = format!("Found failed daemon pod {who}, will try to kill it");
                    changes
                        .events
                        .push(Event::warning(self.key, "FailedDaemonPod", told));
                    changes.delete.push(pod);
                }
                "Succeeded" => {
                    let told = format!("Found succeeded daemon pod {who}, will try to delete it");
                    changes
                        .events
                        .push(Event::normal(self.key, "SucceededDaemonPod", told));
                    changes.delete.push(pod);
                }
                _ => running.push(pod),
            }
        }
        running
    }

    /// Two pods may share a node only while the old one serves and the new one does not yet.
    fn surplus_of_surge(&self, running: &[&'a Value]) -> Vec<&'a Value> {
        let (new, old): (Vec<_>, Vec<_>) = running.iter().copied().partition(|pod| self.is_new(pod));
        let mut surplus: Vec<_> = new.iter().chain(&old).copied().collect();
        surplus.retain(|pod| Some(pod) != new.first() && Some(pod) != old.first());
        if let (Some(new), Some(old)) = (new.first(), old.first())
            && (!pod::is_ready(old) || self.is_available(new))
        {
            surplus.push(old);
        }
        surplus
    }

    fn plan(&self, changes: Changes<'a>) -> Plan {
        let mut plan = Plan {
            actions: Vec::new(),
            again: changes.again,
        };
        if let Some(changed) = status::changed(self) {
            plan.push(Action::UpdateStatus(DAEMON_SET.clone(), changed));
        }
        for place in &self.places {
            for pod in &place.pods {
                if let Availability::At(due) = pod::availability(pod, min_ready_seconds(self.set), self.now) {
                    plan.look_at(due);
                }
            }
        }
        plan.actions
            .extend(changes.events.into_iter().map(Action::Record));
        let mut names = Names::of(self.world, self.set, self.now);
        let blank = pods::blank(&owner(self.set), self.hash);
        for node in changes.create_on.into_iter().take(MAX_WRITES) {
            let (key, pod) = pod_template::named(pods::bound_for(&blank, node), &mut names);
            let told = format!("Created pod: {}", key.name);
            plan.push(Action::Create(pod));
            plan.push(Action::Record(Event::normal(self.key, "SuccessfulCreate", told)));
        }
        let mut deleted = BTreeSet::new();
        let delete = changes
            .delete
            .into_iter()
            .filter(|pod| deleted.insert(meta::uid(pod)));
        for pod in delete.take(MAX_WRITES) {
            let told = format!("Deleted pod: {}", meta::name(pod));
            plan.push(Action::delete(Key::of(Kind::POD, pod), pod));
            plan.push(Action::Record(Event::normal(self.key, "SuccessfulDelete", told)));
        }
        plan
    }

    /// How many nodes the set wants a pod on.
    fn wanted(&self) -> i64 {
        let wanted = self.places.iter().filter(|place| place.fit.run).count();
        i64::try_from(wanted).unwrap_or(i64::MAX)
    }

    /// Whether a pod is as the set's template says.
    fn is_new(&self, pod: &Value) -> bool {
        meta::label(pod, HASH) == Some(self.hash)
    }

    fn is_available(&self, pod: &Value) -> bool {
        pod::is_available(pod, min_ready_seconds(self.set), self.now)
    }
}

impl Changes<'_> {
    fn look_at(&mut self, time: Timestamp) {
        self.again = Some(self.again.map_or(time, |earlier| earlier.min(time)));
    }
}

/// Every node with what the set has there.
fn places<'a>(world: &'a World, set: &'a Value, pods: &[&'a Value]) -> Vec<Place<'a>> {
    let needs = Needs::of(set);
    let mut by_node = pods::by_node(pods);
    let nodes = world.all(&Kind::NODE).map(|node| {
        let name = meta::name(node);
        Place {
            node: name,
            fit: needs.fit(node),
            pods: by_node.remove(name).unwrap_or_default(),
        }
    });
    nodes.collect()
}

/// The revision of the set's template, or what has to be written first.
fn settle<'a>(world: &World, owner: &Owner<'a>, revisions: &[&'a Value]) -> Result<&'a Value, Box<Action>> {
    let set = owner.object;
    let template = set.pointer("/spec/template").unwrap_or(&Value::Null);
    let collisions = meta::number_at(set, "/status/collisionCount");
    let data = revision::data(template);
    let hash = template_hash::of_template(template, collisions);
    let draft = Draft {
        owner: *owner,
        hash: &hash,
        hash_label: HASH,
        data: &data,
        number: revision::next_number(revisions.iter().copied()),
    };
    let taken = world.find(&revision::KIND, meta::namespace(set), &revision::name(set, &hash));
    match revision::settle(revisions, taken.map(|taken| &**taken), &draft) {
        Outcome::Found(current) => Ok(current),
        Outcome::Write(action) => Err(Box::new(action)),
        Outcome::Collision => {
            let mut status = Status::of(set);
            status.always("collisionCount", collisions.unwrap_or_default() + 1);
            let changed = status.applied(set).unwrap_or_else(|| set.clone());
            Err(Box::new(Action::UpdateStatus(DAEMON_SET.clone(), changed)))
        }
    }
}

/// Deletes old revisions that no pod has, but for as many as the set keeps for rollbacks.
fn surplus(set: &Value, revisions: &[&Value], current: &Value, pods: &[&Value]) -> Vec<Action> {
    let live: BTreeSet<&str> = pods.iter().filter_map(|pod| meta::label(pod, HASH)).collect();
    let old = revisions
        .iter()
        .copied()
        .filter(|one| meta::name(one) != meta::name(current));
    let old: Vec<_> = old.filter(|one| !meta::is_deleted(one)).collect();
    let limit = meta::number_at(set, "/spec/revisionHistoryLimit").unwrap_or(DEFAULT_LIMIT);
    let unused = old
        .iter()
        .copied()
        .filter(|one| !meta::label(one, HASH).is_some_and(|hash| live.contains(hash)));
    let unused: Vec<_> = unused.collect();
    // Those in use count among those that are kept.
    let in_use = i64::try_from(old.len() - unused.len()).unwrap_or_default();
    revision::surplus(&unused, limit - in_use)
}

fn selects_all(set: &Value, key: &Key) -> Plan {
    let mut status = Status::of(set);
    status.unless_zero("observedGeneration", meta::generation(set));
    let Some(changed) = status.applied(set) else {
        return Plan::nothing();
    };
    let told = "This daemon set is selecting all pods. A non-empty selector is required.";
    Plan::of(vec![
        Action::Record(Event::warning(key, "SelectingAll", told)),
        Action::UpdateStatus(DAEMON_SET.clone(), changed),
    ])
}

fn min_ready_seconds(set: &Value) -> i64 {
    meta::number_at(set, "/spec/minReadySeconds").unwrap_or_default()
}

fn owner(set: &Value) -> Owner<'_> {
    Owner {
        object: set,
        api_version: "apps/v1",
        kind: &DAEMON_SET,
    }
}

fn selector(set: &Value) -> Selector {
    Selector::from_json(set.pointer("/spec/selector").unwrap_or(&Value::Null))
}
