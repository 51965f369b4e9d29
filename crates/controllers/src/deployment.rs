//! Deployments: one ReplicaSet per pod template, and the way from the old ones to the new one.
//!
//! ```text
//! its ReplicaSets ──► Family ──► paused or resized: scale in proportion ──────┐
//!                                Recreate: old to zero, then new              ├──► status
//!                                RollingUpdate: new up, old down, in bounds ──┘
//! ```
//!
//! What happens to pods is the ReplicaSets' affair; a rollback is nobody's: a client puts an earlier template back.

mod condition;
mod family;
mod progress;
mod proportion;
mod rollout;
mod spawn;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, Selector, World, meta};
use serde_json::Value;

use crate::claim::{self, Owner};
use crate::pod;
use crate::refusal::{self, Meaning};
use crate::status::{Status, conditions};
use condition::Said;
use family::Family;
use rollout::Rollout;

static DEPLOYMENT: Kind = Kind::DEPLOYMENT;
static REPLICA_SET: Kind = Kind::REPLICA_SET;

/// The loop of Deployments.
#[derive(Debug, Default)]
pub struct Deployments;

impl Loop for Deployments {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:deployment-controller",
            manager: "kube-controller-manager",
            component: "deployment-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == DEPLOYMENT {
            keys.push(change.key.clone());
        } else if change.key.kind == REPLICA_SET {
            claim::touch_owners(change, &DEPLOYMENT, keys);
            claim::touch_adopters(world, change, &DEPLOYMENT, selector, keys);
        } else if change.key.kind == Kind::POD && change.new.is_none_or(pod::is_finished) {
            keys.extend(waits_for(world, change.object()));
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(deployment) = world.get(key) else {
            return Plan::nothing();
        };
        let selector = selector(deployment);
        if selector.is_empty() {
            return selects_all(deployment, key);
        }
        let owner = owner(deployment);
        let claims = claim::claim(world, &owner, &selector, &REPLICA_SET, |_| true);
        if !claims.actions.is_empty() {
            return Plan::of(claims.actions);
        }
        let family = Family::of(deployment, claims.mine.iter().map(|set| &***set));
        Rollout::new(world, key, deployment, family, now).decide()
    }

    fn refused(&mut self, world: &World, key: &Key, refusal: &Refusal<'_>, now: Timestamp) -> Plan {
        let (Action::Create(set), Meaning::NotCreated(why)) = (refusal.action, refusal::meaning(refusal))
        else {
            return Plan::nothing();
        };
        let told = format!("Failed to create new replica set {:?}: {why}", meta::name(set));
        let event = Event::warning(key, "ReplicaSetCreateError", told.as_str());
        let mut plan = Plan::of(vec![Action::Record(event)]);
        if let Some(deployment) = world
            .get(key)
            .filter(|deployment| progress::deadline(deployment).is_some())
        {
            let mut conditions = conditions(deployment);
            let failed = Said::progressing("False", "ReplicaSetCreateError", &told);
            condition::set(&mut conditions, failed, now);
            let mut status = Status::of(deployment);
            status.conditions(conditions);
            let changed = status.applied(deployment);
            plan.actions
                .extend(changed.map(|deployment| Action::UpdateStatus(DEPLOYMENT.clone(), deployment)));
        }
        plan
    }
}

fn owner(deployment: &Value) -> Owner<'_> {
    Owner {
        object: deployment,
        api_version: "apps/v1",
        kind: &DEPLOYMENT,
    }
}

fn selector(deployment: &Value) -> Selector {
    Selector::from_json(deployment.pointer("/spec/selector").unwrap_or(&Value::Null))
}

/// The Deployment that may have waited for the end of this pod before it makes new ones.
fn waits_for(world: &World, pod: &Value) -> Option<Key> {
    let set = world.get(&claim::owner_of(pod, &REPLICA_SET)?)?;
    let key = claim::owner_of(set, &DEPLOYMENT)?;
    let deployment = world.get(&key)?;
    (meta::text_at(deployment, "/spec/strategy/type") == "Recreate").then_some(key)
}

fn selects_all(deployment: &Value, key: &Key) -> Plan {
    let mut status = Status::of(deployment);
    status.unless_zero("observedGeneration", meta::generation(deployment));
    let Some(changed) = status.applied(deployment) else {
        return Plan::nothing();
    };
    let told = "This deployment is selecting all pods. A non-empty selector is required.";
    Plan::of(vec![
        Action::Record(Event::warning(key, "SelectingAll", told)),
        Action::UpdateStatus(DEPLOYMENT.clone(), changed),
    ])
}
