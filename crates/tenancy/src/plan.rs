//! What has to be done in a cluster, so that a tenant has there what it should.
//!
//! ```text
//! wanted ─┐                            ┌─ refusals: a person must decide
//!         ├─► held against each other ─┼─ drift: what somebody else changed
//! live ───┘                            └─ steps: take away, let leave, apply, record
//! ```
//!
//! The last object of `wanted` records what was applied. Where the record says that all of it was, a difference is
//! somebody else's doing; where it says something else, the manifest, the cluster or this program has changed.

mod difference;
mod print;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kinds::{Drift, Object, Tenant};
use manifest::Change;
use objects::{Key, Kind, meta};
use serde_json::Value;

use crate::leave::{self, Proof};
use crate::names::{APPLIED_ANNOTATION, TENANT_LABEL, TENANTS_NAMESPACE, is_given_to};
pub(crate) use difference::differences;
use difference::is_made_anew;
pub(crate) use print::Named;

pub(crate) const NETWORK_POLICY: Kind = Kind {
    group: std::borrow::Cow::Borrowed("networking.k8s.io"),
    name: std::borrow::Cow::Borrowed("NetworkPolicy"),
};

pub(crate) const ROLE_BINDING: Kind = Kind {
    group: std::borrow::Cow::Borrowed("rbac.authorization.k8s.io"),
    name: std::borrow::Cow::Borrowed("RoleBinding"),
};

/// The kinds to read for a plan.
pub const KINDS: [Kind; 6] = [
    Kind::NAMESPACE,
    NETWORK_POLICY,
    Kind::RESOURCE_QUOTA,
    Kind::LIMIT_RANGE,
    ROLE_BINDING,
    Kind::SERVICE_ACCOUNT,
];

/// What to do in one cluster for one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TenantPlan {
    /// To be performed in this order, each of which prints as one line. The first that fails ends the plan, as the last
    /// one records that all were performed.
    pub steps: Vec<Step>,
    /// What the cluster has in the way. A person must decide.
    pub refusals: Vec<Refusal>,
    /// What somebody else changed since it was applied. `Drift::PutBack` has steps for it, `Drift::Report` none.
    pub drift: Vec<Drifted>,
    /// When there is something to do again, though nothing changes: the end of a retention.
    pub again: Option<Timestamp>,
    /// What is left, if the tenant is to have nothing in the cluster.
    pub proof: Option<Proof>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Server-side apply, by force.
    Create { object: Value },
    /// Server-side apply, by force.
    Change { object: Value, changes: Vec<Change> },
    /// Server-side apply of the namespace with the time at which it began to leave, by force.
    Leave {
        namespace: String,
        object: Value,
        /// When it will be deleted.
        until: Timestamp,
    },
    /// With the uid as a precondition, so that a newer object of that name stays.
    Delete {
        key: Key,
        api_version: String,
        uid: String,
        why: &'static str,
    },
}

/// An object in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub key: Key,
    pub problem: String,
    pub cure: String,
}

/// An object that somebody else changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Drifted {
    pub key: Key,
    pub deviation: Deviation,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Deviation {
    /// From what there is to what there should be.
    Changed(Vec<Change>),
    Missing,
    /// It carries the tenant's labels and is not ours.
    Extra,
}

/// Holds what is wanted against what there is in a cluster.
///
/// Guarantees: what is applied as wanted has an empty plan. Nothing outside the tenant's own namespaces is touched but
/// its deploy identity.
/// Assumptions: `live` has every object of [`KINDS`] that is wanted or carries the tenant's label, and the NetworkPolicies
/// and RoleBindings of its namespaces; more does no harm. `wanted` is of this tenant and this cluster.
#[must_use]
pub fn plan(wanted: &[Value], live: &[Value], tenant: &Object<Tenant>, now: Timestamp) -> TenantPlan {
    let scene = Scene::of(wanted, live, tenant);
    let mut plan = TenantPlan {
        refusals: scene.refusals(),
        ..TenantPlan::default()
    };
    // As with a mistake: nothing new is half made, and what was whole is kept so.
    if !plan.refusals.is_empty() && !scene.settled {
        return plan;
    }
    scene.take_away(&mut plan);
    leave::stages(&scene, now, &mut plan);
    scene.apply(&mut plan);
    scene.withdraw_record(&mut plan);
    if wanted.is_empty() {
        plan.proof = Some(leave::proof(&scene));
    }
    plan
}

/// Everything that a plan is made from, by its names.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) tenant: &'a Object<Tenant>,
    wanted: Vec<(Key, &'a Value)>,
    pub(crate) live: BTreeMap<Key, &'a Value>,
    /// The tenant's namespaces in the cluster that were given to it.
    given: BTreeSet<&'a str>,
    /// Whether all that is wanted was applied, so that every difference is somebody else's doing.
    settled: bool,
}

impl<'a> Scene<'a> {
    fn of(wanted: &'a [Value], live: &'a [Value], tenant: &'a Object<Tenant>) -> Self {
        let key = |object: &'a Value| (Key::of(Kind::of(object), object), object);
        let live: BTreeMap<Key, &Value> = live.iter().map(key).collect();
        let wanted: Vec<(Key, &Value)> = wanted.iter().map(key).collect();
        let name = tenant.metadata.name.as_str();
        let namespaces = live.iter().filter(|(key, _)| key.kind == Kind::NAMESPACE);
        let given = namespaces
            .filter(|(_, object)| is_given_to(object, name))
            .map(|(_, object)| meta::name(object))
            .collect();
        let settled = wanted.last().is_some_and(|(key, record)| {
            let applied = meta::annotation(record, APPLIED_ANNOTATION);
            let found = live
                .get(key)
                .and_then(|live| meta::annotation(live, APPLIED_ANNOTATION));
            applied.is_some() && applied == found
        });
        Self {
            tenant,
            wanted,
            live,
            given,
            settled,
        }
    }

    fn wants(&self, key: &Key) -> bool {
        self.wanted.iter().any(|(wanted, _)| wanted == key)
    }

    /// Everything that was given to the tenant: its namespaces, what is in them, and the deploy identity. What carries
    /// its labels elsewhere is somebody else's affair.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&Key, &'a Value)> {
        let name = self.tenant.metadata.name.as_str();
        let objects = self.live.iter().map(|(key, object)| (key, *object));
        objects.filter(move |(key, object)| {
            let place = match key.kind == Kind::NAMESPACE {
                true => self.given.contains(key.name.as_ref()),
                false if key.kind == Kind::SERVICE_ACCOUNT && key.namespace.as_ref() == TENANTS_NAMESPACE => {
                    key.name.as_ref() == name
                }
                false => KINDS.contains(&key.kind) && self.given.contains(key.namespace.as_ref()),
            };
            place && is_given_to(object, name)
        })
    }

    /// The namespaces that were given to the tenant and are not wanted any more.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = (&Key, &'a Value)> {
        self.given()
            .filter(|(key, _)| key.kind == Kind::NAMESPACE && !self.wants(key))
    }

    /// The wanted namespaces that can't be taken.
    fn refusals(&self) -> Vec<Refusal> {
        let namespaces = self.wanted.iter().filter(|(key, _)| key.kind == Kind::NAMESPACE);
        namespaces.filter_map(|(key, _)| self.refusal(key)).collect()
    }

    fn refusal(&self, key: &Key) -> Option<Refusal> {
        let live = self.live.get(key)?;
        let name = &self.tenant.metadata.name;
        let refused = |problem: String, cure: String| {
            Some(Refusal {
                key: key.clone(),
                problem,
                cure,
            })
        };
        match meta::label(live, TENANT_LABEL) {
            Some(owner) if owner == name => {}
            Some(owner) if !owner.is_empty() => {
                return refused(
                    format!("is there already, and the tenant {owner}'s"),
                    "take another name for the namespace".to_owned(),
                );
            }
            _ => {
                return refused(
                    format!("is there already, and was not made for the tenant {name}"),
                    format!(
                        "hand it over with `kubectl label namespace {} {TENANT_LABEL}={name}`, or take another name",
                        key.name
                    ),
                );
            }
        }
        if meta::is_deleted(live) {
            return refused(
                "is being deleted".to_owned(),
                "wait until it is gone; it is made anew then".to_owned(),
            );
        }
        None
    }

    /// Plans for what carries the tenant's labels and isn't wanted, where its namespace stays.
    fn take_away(&self, plan: &mut TenantPlan) {
        let leaving: BTreeSet<&str> = self.leaving().map(|(key, _)| key.name.as_ref()).collect();
        let refused: BTreeSet<&str> = plan.refusals.iter().map(|one| one.key.name.as_ref()).collect();
        let mut extra: Vec<(Key, &Value)> = Vec::new();
        for (key, object) in self.given() {
            let place = key.namespace.as_ref();
            let stays = key.kind == Kind::NAMESPACE || leaving.contains(place) || refused.contains(place);
            if !stays && !self.wants(key) && !meta::is_deleted(object) {
                extra.push((key.clone(), object));
            }
        }
        for (key, object) in extra {
            if self.settled {
                plan.drift.push(Drifted {
                    key: key.clone(),
                    deviation: Deviation::Extra,
                });
            }
            if !self.is_left_alone() {
                plan.steps.push(delete(&key, object, "not wanted any more"));
            }
        }
    }

    /// Plans for what is wanted.
    fn apply(&self, plan: &mut TenantPlan) {
        let refused: BTreeSet<String> = plan.refusals.iter().map(|one| one.key.name.to_string()).collect();
        for (key, wanted) in &self.wanted {
            let place = match key.kind == Kind::NAMESPACE {
                true => &key.name,
                false => &key.namespace,
            };
            if refused.contains(place.as_ref()) {
                continue;
            }
            let Some(live) = self.live.get(key) else {
                self.differ(plan, key, Deviation::Missing, |steps| {
                    steps.push(Step::Create {
                        object: (*wanted).clone(),
                    });
                });
                continue;
            };
            let Some((object, changes)) = differences(wanted, live) else {
                continue;
            };
            let deviation = Deviation::Changed(changes.clone());
            self.differ(plan, key, deviation, |steps| {
                if is_made_anew(wanted, live) {
                    steps.push(delete(key, live, "its role can't be changed: it is made anew"));
                    steps.push(Step::Create { object });
                } else {
                    steps.push(Step::Change { object, changes });
                }
            });
        }
    }

    /// Where differences are left alone, takes the record back before anything is changed. A plan that ends half way
    /// would leave it standing, and if the manifest then became again what it says, the half would pass for drift.
    fn withdraw_record(&self, plan: &mut TenantPlan) {
        if self.settled || self.tenant.spec.drift != Drift::Report || plan.steps.is_empty() {
            return;
        }
        let Some((key, record)) = self.wanted.last() else {
            return;
        };
        let there = self.live.get(key);
        let applied = there.and_then(|live| meta::annotation(live, APPLIED_ANNOTATION));
        if applied.unwrap_or_default().is_empty() {
            return;
        }
        let mut object = (*record).clone();
        meta::map_mut(&mut object, &["metadata", "annotations"])
            .insert(APPLIED_ANNOTATION.to_owned(), Value::String(String::new()));
        let changes = there.and_then(|live| differences(&object, live));
        if let Some((object, changes)) = changes {
            plan.steps.insert(0, Step::Change { object, changes });
        }
    }

    /// Notes a difference: as drift if somebody else made it, and the steps against it unless it is left alone.
    fn differ(
        &self,
        plan: &mut TenantPlan,
        key: &Key,
        deviation: Deviation,
        steps: impl FnOnce(&mut Vec<Step>),
    ) {
        if self.settled {
            plan.drift.push(Drifted {
                key: key.clone(),
                deviation,
            });
        }
        if !self.is_left_alone() {
            steps(&mut plan.steps);
        }
    }

    /// Whether what somebody else changed stays.
    fn is_left_alone(&self) -> bool {
        self.settled && self.tenant.spec.drift == Drift::Report
    }
}

/// Deletes this very object.
pub(crate) fn delete(key: &Key, object: &Value, why: &'static str) -> Step {
    Step::Delete {
        key: key.clone(),
        api_version: meta::text(object, "apiVersion").to_owned(),
        uid: meta::uid(object).to_owned(),
        why,
    }
}
