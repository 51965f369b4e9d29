//! Defaults and rules of built-in kinds beyond their types, as the real API server applies them in code.
//!
//! ```text
//! decoded object ──► default ──► on_create (new ones) ──► validate ──► causes of a 422
//! ```
//!
//! Pure functions on objects whose fields already have the right types; what is missing or of a wrong type reads as
//! unset, so that no input panics. Deliberately absent: what needs other objects (quota, allocation), which belongs to
//! admission; and custom kinds, whose schema says everything.

mod autoscaler;
mod cause;
mod classes;
mod cluster;
mod container;
mod create;
mod defaults;
mod definition;
mod findings;
mod meta;
pub(crate) mod names;
mod network;
mod pod;
mod rbac;
mod status;
mod storage;
mod workload;

use serde_json::Value;

pub use cause::{Cause, message};
pub use create::on_create;
pub use defaults::default;
pub(crate) use defaults::qos_class;
pub use definition::definition;

use findings::Findings;

const RBAC: &str = "rbac.authorization.k8s.io";

/// Finds every fault of an object that has its defaults, in the order of the real server; with what is stored, also
/// what an update may not change. Kinds without rules of their own are checked for their metadata.
#[must_use]
pub fn validate(group: &str, kind: &str, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut out = Findings::default();
    meta::metadata(&mut out, group, kind, object);
    content(&mut out, group, kind, object);
    match old {
        Some(old) => update(&mut out, group, kind, (object, old)),
        None if (group, kind) == ("", "Pod") => pod::created(&mut out, object),
        None => {}
    }
    out.0
}

/// Finds the faults of a write to a subresource, which changes only a part of the object.
#[must_use]
pub fn part(part: &str, group: &str, kind: &str, (new, old): (&Value, &Value)) -> Vec<Cause> {
    let mut out = Findings::default();
    match (part, group, kind) {
        ("ephemeralcontainers", "", "Pod") => pod::ephemeral(&mut out, new, old),
        ("resize", "", "Pod") => pod::resize(&mut out, new, old),
        ("status", ..) => {
            meta::metadata(&mut out, group, kind, new);
            status::status(&mut out, group, kind, new);
        }
        _ => {}
    }
    out.0
}

fn content(out: &mut Findings, group: &str, kind: &str, object: &Value) {
    match (group, kind) {
        ("", "Pod") => pod::spec(out, "spec", &object["spec"]),
        ("", "Service") => network::service(out, object),
        ("", "ConfigMap") => storage::config_map(out, object),
        ("", "Secret") => storage::secret(out, object),
        ("", "PersistentVolumeClaim") => storage::claim(out, object),
        ("", "Node") => cluster::node(out, object),
        ("coordination.k8s.io", "Lease") => cluster::lease(out, object),
        ("discovery.k8s.io", "EndpointSlice") => cluster::endpoint_slice(out, object),
        ("apps", "Deployment") => workload::deployment(out, object),
        ("apps", "ReplicaSet") => workload::replica_set(out, object),
        ("apps", "DaemonSet") => workload::daemon_set(out, object),
        ("apps", "StatefulSet") => workload::stateful_set(out, object),
        ("batch", "Job") => workload::job(out, object),
        ("batch", "CronJob") => workload::cron_job(out, object),
        ("autoscaling", "HorizontalPodAutoscaler") => storage::autoscaler(out, object),
        ("policy", "PodDisruptionBudget") => storage::disruption_budget(out, object),
        ("networking.k8s.io", "Ingress") => network::ingress(out, object),
        ("networking.k8s.io", "NetworkPolicy") => network::network_policy(out, object),
        ("", "ResourceQuota") => classes::resource_quota(out, object),
        ("", "LimitRange") => classes::limit_range(out, object),
        ("scheduling.k8s.io", "PriorityClass") => classes::priority_class(out, object),
        ("storage.k8s.io", "StorageClass") => classes::storage_class(out, object),
        (RBAC, "Role") => rbac::role(out, object, true),
        (RBAC, "ClusterRole") => rbac::role(out, object, false),
        (RBAC, "RoleBinding") => rbac::binding(out, object, true),
        (RBAC, "ClusterRoleBinding") => rbac::binding(out, object, false),
        _ => {}
    }
}

fn update(out: &mut Findings, group: &str, kind: &str, (new, old): (&Value, &Value)) {
    match (group, kind) {
        ("", "Pod") => pod::update(out, new, old),
        ("", "Service") => network::service_update(out, new, old),
        ("", "ConfigMap" | "Secret") => storage::values_update(out, kind, new, old),
        ("", "PersistentVolumeClaim") => storage::claim_update(out, new, old),
        ("discovery.k8s.io", "EndpointSlice") => cluster::endpoint_slice_update(out, new, old),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => workload::selector_update(out, new, old),
        ("apps", "StatefulSet") => workload::stateful_set_update(out, new, old),
        ("batch", "Job") => workload::job_update(out, new, old),
        ("", "ResourceQuota") => classes::resource_quota_update(out, new, old),
        ("scheduling.k8s.io", "PriorityClass") => classes::priority_class_update(out, new, old),
        ("storage.k8s.io", "StorageClass") => classes::storage_class_update(out, new, old),
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => rbac::binding_update(out, new, old),
        _ => {}
    }
}
