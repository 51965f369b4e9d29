//! How much a namespace may use: its ResourceQuota, and the LimitRange without which the quota would refuse containers
//! that say nothing.

use kinds::{Object, Quota, Tenant, TenantNamespace};
use objects::{Quantity, Units};
use serde_json::{Value, json};

use crate::names::{OURS, labels_of, our_labels};

/// How many objects of a kind a namespace may have, so that one tenant can't fill the cluster's store. Ten times what
/// a hundred pods commonly need: a release of Helm keeps ten Secrets, a CronJob a few Jobs.
const COUNTS: &[(&str, u32)] = &[
    ("count/configmaps", 1000),
    ("count/cronjobs.batch", 100),
    ("count/jobs.batch", 1000),
    ("count/secrets", 1000),
    ("count/services", 500),
];

/// What a container gets that says nothing, in thousandths of a core and in bytes, where the quota is large enough.
const CPU_MILLI: i64 = 100;
const MEMORY_BYTES: i64 = 256 << 20;

/// A container that says nothing gets this part of the quota at most, so that a few of them fit.
const PART: i64 = 8;

/// The quota of a namespace: its own, or the tenant's.
pub(crate) fn quota_of<'a>(tenant: &'a Object<Tenant>, namespace: &'a TenantNamespace) -> &'a Quota {
    namespace.quota.as_ref().unwrap_or(&tenant.spec.quota)
}

pub(super) fn quota(tenant: &Object<Tenant>, namespace: &TenantNamespace) -> Value {
    let quota = quota_of(tenant, namespace);
    let no_storage = Quantity::parse(&quota.storage) == Some(Quantity::ZERO);
    // Claims of no size would be left otherwise. With storage there may be one for every pod.
    let claims = if no_storage { 0 } else { quota.pods };
    let mut hard = json!({
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "requests.storage": quota.storage,
        "persistentvolumeclaims": claims.to_string(),
        "pods": quota.pods.to_string(),
        "services.loadbalancers": quota.load_balancers.to_string(),
        "services.nodeports": quota.node_ports.to_string(),
    });
    for (count, bound) in COUNTS {
        hard[*count] = json!(bound.to_string());
    }
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": OURS, "namespace": namespace.name, "labels": labels_of(&tenant.metadata.name)},
        "spec": {"hard": hard},
    })
}

/// A namespace in which nothing runs.
pub(super) fn nothing(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": OURS, "namespace": namespace, "labels": our_labels()},
        "spec": {"hard": {"pods": "0"}},
    })
}

/// No limit of CPU: it is shared out by requests, and an idle core may be used.
pub(super) fn limits(tenant: &Object<Tenant>, namespace: &TenantNamespace) -> Value {
    let quota = quota_of(tenant, namespace);
    let cpu = Quantity::milli(share_of(&quota.cpu, Quantity::as_milli, CPU_MILLI)).print(Units::Decimal);
    let memory =
        Quantity::whole(share_of(&quota.memory, Quantity::as_whole, MEMORY_BYTES)).print(Units::Binary);
    json!({
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": OURS, "namespace": namespace.name, "labels": labels_of(&tenant.metadata.name)},
        "spec": {"limits": [{
            "type": "Container",
            "default": {"memory": memory},
            "defaultRequest": {"cpu": cpu, "memory": memory},
        }]},
    })
}

/// The usual amount, or the largest part of the quota that a container may get without saying so. Under a quota of
/// nothing it does not matter: every pod is refused.
fn share_of(quota: &str, unit: fn(Quantity) -> i64, usual: i64) -> i64 {
    let quota = Quantity::parse(quota).map_or(0, unit);
    usual.min(quota / PART).max(1)
}
