//! ReplicaSets and ReplicationControllers: as many pods as asked for, from one template.
//!
//! ```text
//! its pods ──► claim ──► status ──► too few: create    too many: delete the least useful
//! ```
//!
//! Pods are created until one is refused, so a full quota is asked once per look and not once per pod; the real
//! controller reaches the same by growing batches.

mod counts;
mod ranking;

use jiff::Timestamp;
use objects::condition::{self, Condition};
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Brief, Change, Key, Kind, Selector, World, meta};
use serde_json::Value;

use crate::claim::{self, Owner};
use crate::pod;
use crate::pod_template::{self, Names};
use crate::refusal::{self, Meaning};
use crate::status::{Status, conditions, remove_condition};
use counts::Counts;

/// How many pods one look creates or deletes at most, as the real controller's: others get their turn in between.
const MAX_WRITES: usize = 500;

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// The loop of one of the two kinds.
#[derive(Debug)]
pub struct ReplicaSets {
    flavour: &'static Flavour,
}

/// Where the two kinds differ.
#[derive(Debug)]
struct Flavour {
    kind: Kind,
    api_version: &'static str,
    identity: Identity,
}

static REPLICA_SET: Flavour = Flavour {
    kind: Kind::REPLICA_SET,
    api_version: "apps/v1",
    identity: Identity {
        user: "system:serviceaccount:kube-system:replicaset-controller",
        manager: "kube-controller-manager",
        component: "replicaset-controller",
    },
};

static REPLICATION_CONTROLLER: Flavour = Flavour {
    kind: Kind::REPLICATION_CONTROLLER,
    api_version: "v1",
    identity: Identity {
        user: "system:serviceaccount:kube-system:replication-controller",
        manager: "kube-controller-manager",
        component: "replication-controller",
    },
};

impl ReplicaSets {
    /// The loop of ReplicaSets.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flavour: &REPLICA_SET,
        }
    }

    /// The loop of ReplicationControllers.
    #[must_use]
    pub fn of_replication_controllers() -> Self {
        Self {
            flavour: &REPLICATION_CONTROLLER,
        }
    }

    fn selector(&self, set: &Value) -> Selector {
        let nothing = Value::Null;
        let selector = set.pointer("/spec/selector").unwrap_or(&nothing);
        if self.flavour.kind == Kind::REPLICA_SET {
            Selector::from_json(selector)
        } else {
            Selector::from_map(selector)
        }
    }

    /// Creates or deletes what is missing or too much.
    fn manage(&self, seen: &Seen<'_>, plan: &mut Plan) {
        let missing = seen.missing();
        if missing > 0 {
            let template = seen.set.pointer("/spec/template").unwrap_or(&Value::Null);
            let blank = pod_template::pod(template, seen.set, self.flavour.api_version, &self.flavour.kind);
            let mut names = Names::of(seen.world, seen.set, seen.now);
            for _ in 0..bounded(missing) {
                let (key, pod) = pod_template::named(blank.clone(), &mut names);
                let told = format!("Created pod: {}", key.name);
                plan.push(Action::Create(pod));
                plan.push(Action::Record(Event::normal(seen.key, "SuccessfulCreate", told)));
            }
        } else if missing < 0 {
            let related = related(seen.world, seen.set, &self.flavour.kind);
            let active = seen.active.iter().filter_map(|(key, _)| seen.world.get(key));
            let active: Vec<&Value> = active.map(|pod| &**pod).collect();
            for pod in ranking::victims(&active, &related, bounded(-missing), seen.now) {
                let told = format!("Deleted pod: {}", meta::name(pod));
                plan.push(Action::delete(Key::of(Kind::POD, pod), pod));
                plan.push(Action::Record(Event::normal(seen.key, "SuccessfulDelete", told)));
            }
        }
    }
}

impl Default for ReplicaSets {
    fn default() -> Self {
        Self::new()
    }
}

/// One set and its pods at one moment.
#[derive(Debug)]
struct Seen<'a> {
    world: &'a World,
    key: &'a Key,
    set: &'a Value,
    active: Vec<(&'a Key, &'a Brief)>,
    now: Timestamp,
}

impl Seen<'_> {
    /// How many pods are missing; negative when there are too many.
    fn missing(&self) -> i64 {
        let wanted = meta::number_at(self.set, "/spec/replicas").unwrap_or(1);
        wanted - i64::try_from(self.active.len()).unwrap_or(i64::MAX)
    }
}

impl Loop for ReplicaSets {
    fn identity(&self) -> Identity {
        self.flavour.identity
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let kind = &self.flavour.kind;
        if change.key.kind == *kind {
            keys.push(change.key.clone());
        } else if change.key.kind == Kind::POD {
            claim::touch_owners(change, kind, keys);
            claim::touch_adopters(world, change, kind, |set| self.selector(set), keys);
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(set) = world.get(key) else {
            return Plan::nothing();
        };
        let owner = Owner {
            object: set,
            api_version: self.flavour.api_version,
            kind: &self.flavour.kind,
        };
        // A finished pod is not worth adopting, but it stays with the owner that it has.
        let eligible = |pod: &Value| meta::controller(pod).is_some() || pod::is_active(pod);
        let (mine, actions) = claim::claim_pods(world, &owner, &self.selector(set), eligible);
        if !actions.is_empty() {
            return Plan::of(actions);
        }
        let seen = Seen {
            world,
            key,
            set,
            active: mine.into_iter().filter(|(_, pod)| pod.active).collect(),
            now,
        };
        let counts = Counts::of(set, &seen.active, now);
        let mut conditions = conditions(set);
        if seen.missing() == 0 {
            remove_condition(&mut conditions, REPLICA_FAILURE);
        }
        let mut plan = Plan::nothing();
        if let Some(set) = counts.status(set, conditions).applied(set) {
            plan.push(Action::UpdateStatus(key.kind.clone(), set));
        }
        if let Some(due) = counts.next_available {
            plan.look_at(due);
        }
        if !meta::is_deleted(set) {
            self.manage(&seen, &mut plan);
        }
        plan
    }

    fn refused(&mut self, world: &World, key: &Key, refusal: &Refusal<'_>, now: Timestamp) -> Plan {
        let (reason, told, message) = match refusal::meaning(refusal) {
            Meaning::NotCreated(message) => ("FailedCreate", format!("Error creating: {message}"), message),
            Meaning::NotDeleted(message) => ("FailedDelete", format!("Error deleting: {message}"), message),
            Meaning::Nothing => return Plan::nothing(),
        };
        let mut plan = Plan::of(vec![Action::Record(Event::warning(key, reason, told))]);
        let Some(set) = world.get(key) else {
            return plan;
        };
        let mut conditions = conditions(set);
        let said = condition::find(set, REPLICA_FAILURE);
        if said.is_none_or(|said| meta::text(said, "reason") != reason) {
            let failure = Condition {
                kind: REPLICA_FAILURE,
                status: "True",
                reason,
                message: &message,
            };
            condition::set(&mut conditions, failure, now);
            let mut status = Status::of(set);
            status.conditions(conditions);
            let changed = status.applied(set);
            plan.actions
                .extend(changed.map(|set| Action::UpdateStatus(key.kind.clone(), set)));
        }
        plan
    }
}

fn bounded(count: i64) -> usize {
    usize::try_from(count).unwrap_or(MAX_WRITES).min(MAX_WRITES)
}

/// The pods of all sets that have the same controller as this one: a node that holds several of them can spare one.
fn related<'a>(world: &'a World, set: &'a Value, kind: &'a Kind) -> Vec<&'a Value> {
    let pods = |set: &'a Value| world.controlled(meta::uid(set), &pod::KIND).map(|pod| &**pod);
    let Some(controller) = meta::controller(set) else {
        return pods(set).collect();
    };
    let siblings = world.controlled(meta::text(controller, "uid"), kind);
    siblings.flat_map(|sibling| pods(sibling)).collect()
}
