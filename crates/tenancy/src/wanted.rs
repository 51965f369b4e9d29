//! The objects that a tenant is given in a cluster, and those that every cluster has once.
//!
//! ```text
//! Tenant, Cluster ──► per namespace: Namespace, NetworkPolicy, ResourceQuota, LimitRange, RoleBindings
//!                     and the deploy identity, which records what was applied
//! ```
//!
//! Only what is written is here: what others add to these objects, and the server's defaults, are their own.

mod bounds;
mod network;
mod roles;

use kinds::{Cluster, Object, PodSecurity, Tenant, TenantNamespace};
use model::Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::names::{APPLIED_ANNOTATION, HOSTS_ANNOTATION, TENANTS_NAMESPACE, labels_of, our_labels};

pub(crate) use bounds::quota_of;
pub(crate) use network::closed;
pub use roles::{controller, hub_controller, hub_keeper};

/// Digits of the digest that are kept: 64 bits, as nobody gains from two sets with the same.
const DIGITS: usize = 16;

/// What every cluster has once: where the deploy identities are, and what the roles may do.
#[must_use]
pub fn foundation() -> Vec<Value> {
    let mut labels = our_labels();
    pod_security(&mut labels, PodSecurity::Restricted);
    let mut all = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TENANTS_NAMESPACE, "labels": labels}}),
        // Nothing runs there, so that no pod has a deploy identity's token.
        bounds::nothing(TENANTS_NAMESPACE),
    ];
    all.extend(roles::cluster_roles());
    all
}

/// Whether a tenant may use a cluster.
#[must_use]
pub fn uses(tenant: &Object<Tenant>, cluster: &str) -> bool {
    let named = &tenant.spec.clusters;
    named.is_empty() || named.iter().any(|name| name == cluster)
}

/// The objects of a tenant in a cluster, in the order in which they are applied: a namespace is closed before anybody
/// is let in. The last one records what was applied. None for a cluster that it may not use, and when it is leaving.
///
/// Assumptions: the tenant is granted. Of a manifest with mistakes come objects that the API server refuses.
#[must_use]
pub fn wanted(tenant: &Object<Tenant>, cluster: &Object<Cluster>) -> Vec<Value> {
    if tenant.is_leaving() || !uses(tenant, &cluster.metadata.name) {
        return Vec::new();
    }
    let name = &tenant.metadata.name;
    let namespaces = namespaces_of(tenant);
    let mut all: Vec<Value> = Vec::new();
    for one in &namespaces {
        all.push(namespace(tenant, one));
        all.push(network::opened(tenant, cluster, &one.name));
        all.push(bounds::quota(tenant, one));
        all.push(bounds::limits(tenant, one));
    }
    for one in &namespaces {
        all.extend(roles::bindings(tenant, &one.name));
    }
    let digest = digest(&all);
    all.push(json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": name,
            "namespace": TENANTS_NAMESPACE,
            "labels": labels_of(name),
            "annotations": {APPLIED_ANNOTATION: digest},
        },
        "automountServiceAccountToken": false,
    }));
    all
}

/// The namespace of a tenant that counts where none is said: its first.
#[must_use]
pub fn home(tenant: &Object<Tenant>) -> &str {
    let first = tenant.spec.namespaces.first();
    first.map_or(&tenant.metadata.name, |first| &first.name)
}

/// A namespace of a tenant in the hub, where its Applications are.
#[must_use]
pub fn of_hub(namespace: &str, tenant: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels_of(tenant)}})
}

/// The namespaces of a tenant, by name.
pub fn namespaces(tenant: &Object<Tenant>) -> impl Iterator<Item = &str> {
    let named = tenant.spec.namespaces.iter().map(|one| one.name.as_str());
    let only = tenant
        .spec
        .namespaces
        .is_empty()
        .then_some(tenant.metadata.name.as_str());
    named.chain(only)
}

/// The namespaces of a tenant, the one that need not be written among them.
pub(crate) fn namespaces_of(tenant: &Object<Tenant>) -> Vec<TenantNamespace> {
    if !tenant.spec.namespaces.is_empty() {
        return tenant.spec.namespaces.clone();
    }
    vec![TenantNamespace {
        name: tenant.metadata.name.clone(),
        quota: None,
        pod_security: None,
    }]
}

/// A namespace of a tenant, with all that admission and the guard ask of it.
pub(crate) fn namespace(tenant: &Object<Tenant>, of: &TenantNamespace) -> Value {
    let mut labels = labels_of(&tenant.metadata.name);
    pod_security(&mut labels, of.pod_security.unwrap_or(tenant.spec.pod_security));
    let mut hosts = tenant.spec.hosts.clone();
    hosts.sort_unstable();
    hosts.dedup();
    // Written though there may be none: an annotation that is left out can't be told from one that somebody added.
    let annotations = json!({HOSTS_ANNOTATION: hosts.join(",")});
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": of.name, "labels": labels, "annotations": annotations},
    })
}

fn pod_security(labels: &mut Value, level: PodSecurity) {
    let level = match level {
        PodSecurity::Restricted => "restricted",
        PodSecurity::Baseline => "baseline",
    };
    for mode in ["enforce", "audit", "warn"] {
        labels[format!("pod-security.kubernetes.io/{mode}")] = json!(level);
        labels[format!("pod-security.kubernetes.io/{mode}-version")] = json!("latest");
    }
}

fn digest(objects: &[Value]) -> String {
    let mut sum = Sha256::new();
    for object in objects {
        sum.update(object.to_string());
    }
    let mut digits = Digest::from_sha256(sum.finalize().into()).hex();
    digits.truncate(DIGITS);
    digits
}
