//! How a tenant leaves a cluster, or a namespace leaves a tenant.
//!
//! ```text
//! rights go ──► network closed ──► marked with the time ──retention──► deleted ──► proof: nothing is left
//! ```
//!
//! The time is written on the namespace itself, so that a restart, or another replica, counts on from there. Until it
//! is deleted, what is in it stays and runs, and a namespace that is wanted again is opened as it was; what charts and
//! members themselves made of rights for outsiders and of openings is gone then, and the next release brings it back.

use std::fmt::{self, Display, Formatter};

use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Tenant};
use objects::{Key, Kind, meta, time};
use serde_json::{Map, Value, json};

use crate::names::{HOSTS_ANNOTATION, LEAVING_ANNOTATION, OURS, labels_of};
use crate::plan::{NETWORK_POLICY, Named, ROLE_BINDING, Scene, Step, TenantPlan, delete, differences, plan};
use crate::wanted::closed;

/// What is kept of a namespace's labels while it leaves, beside our own: what its pods may be stays as it was.
const POD_SECURITY: &str = "pod-security.kubernetes.io/";

/// The retention where a manifest's can't be read: the default of a Tenant. Nothing is deleted too early.
const WEEK: SignedDuration = SignedDuration::from_hours(168);

/// What a tenant has still in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub left: Vec<Left>,
}

/// One object that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub key: Key,
    /// Until when it stays; only of a namespace.
    pub until: Option<Timestamp>,
    /// Whether it was deleted, and something keeps it yet.
    pub deleted: bool,
}

impl Proof {
    /// Whether nothing is left, so that the finalizer may go once every cluster says so.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left.is_empty()
    }
}

impl Display for Left {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Named(&self.key))?;
        match (self.deleted, self.until) {
            (true, _) => f.write_str(" is being deleted"),
            (false, Some(until)) => write!(f, " stays until {}", time::seconds(until)),
            (false, None) => Ok(()),
        }
    }
}

/// The next stage of leaving in one cluster. What was given to the tenant before the last step is in the proof.
#[must_use]
pub fn leave(tenant: &Object<Tenant>, live: &[Value], now: Timestamp) -> TenantPlan {
    plan(&[], live, tenant, now)
}

/// Plans the next stage of every namespace that is not wanted any more.
pub(crate) fn stages(scene: &Scene<'_>, now: Timestamp, plan: &mut TenantPlan) {
    for (key, namespace) in scene
        .leaving()
        .filter(|(_, namespace)| !meta::is_deleted(namespace))
    {
        let name = key.name.as_ref();
        close(scene, name, plan);
        let Some(since) = since(namespace) else {
            let until = after(now, scene.tenant);
            plan.steps.push(Step::Leave {
                namespace: name.to_owned(),
                object: marked(namespace, scene.tenant, now),
                until,
            });
            look_at(plan, until);
            continue;
        };
        let until = after(since, scene.tenant);
        if until <= now {
            plan.steps.push(delete(key, namespace, "its retention is over"));
        } else {
            look_at(plan, until);
        }
    }
}

/// What is left of a tenant.
pub(crate) fn proof(scene: &Scene<'_>) -> Proof {
    let left = scene.given().map(|(key, object)| {
        let since = since(object).filter(|_| key.kind == Kind::NAMESPACE);
        Left {
            key: key.clone(),
            until: since.map(|since| after(since, scene.tenant)),
            deleted: meta::is_deleted(object),
        }
    });
    Proof { left: left.collect() }
}

/// Takes everybody's rights and closes the network, also where members and charts opened them.
fn close(scene: &Scene<'_>, namespace: &str, plan: &mut TenantPlan) {
    let inside = scene
        .live
        .iter()
        .filter(|(key, _)| key.namespace.as_ref() == namespace);
    let mut policy = None;
    let mut opened = Vec::new();
    for (key, object) in inside {
        if key.kind == ROLE_BINDING && is_for_outsiders(object, namespace) {
            plan.steps.push(delete(key, object, "its namespace is leaving"));
        } else if key.kind == NETWORK_POLICY {
            match key.name.as_ref() == OURS {
                true => policy = Some(*object),
                false => opened.push(delete(key, object, "its namespace is leaving")),
            }
        }
    }
    let object = closed(&scene.tenant.metadata.name, namespace);
    match policy.map(|live| differences(&object, live)) {
        None => plan.steps.push(Step::Create { object }),
        Some(None) => {}
        Some(Some((object, changes))) => plan.steps.push(Step::Change { object, changes }),
    }
    // In this order there is always a policy that selects every pod.
    plan.steps.extend(opened);
}

/// Whether a RoleBinding gives rights to anybody but the namespace's own ServiceAccounts, which the pods have that stay.
fn is_for_outsiders(binding: &Value, namespace: &str) -> bool {
    meta::list_at(binding, "/subjects").iter().any(|subject| {
        meta::text(subject, "kind") != "ServiceAccount" || meta::text(subject, "namespace") != namespace
    })
}

/// The namespace as it is applied while it leaves. It has no hosts any more.
fn marked(namespace: &Value, tenant: &Object<Tenant>, now: Timestamp) -> Value {
    let mut labels = labels_of(&tenant.metadata.name);
    let there = meta::at(namespace, "/metadata/labels").and_then(Value::as_object);
    let kept: Map<String, Value> = there
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with(POD_SECURITY))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Value::Object(labels) = &mut labels {
        labels.extend(kept);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": meta::name(namespace),
            "labels": labels,
            "annotations": {HOSTS_ANNOTATION: "", LEAVING_ANNOTATION: time::seconds(now)},
        },
    })
}

/// Since when a namespace is leaving. What can't be read counts as not marked, and is written anew.
fn since(namespace: &Value) -> Option<Timestamp> {
    time::parse(meta::annotation(namespace, LEAVING_ANNOTATION)?)
}

/// The end of the retention.
fn after(since: Timestamp, tenant: &Object<Tenant>) -> Timestamp {
    let retention = kinds::duration(&tenant.spec.leaving.retention).unwrap_or(WEEK);
    since.checked_add(retention).unwrap_or(Timestamp::MAX)
}

fn look_at(plan: &mut TenantPlan, time: Timestamp) {
    plan.again = Some(plan.again.map_or(time, |again| again.min(time)));
}
