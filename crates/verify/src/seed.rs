//! What is in the cluster of a stage before the release comes.

use kinds::{Cluster, ClusterSpec, Tenant};
use objects::meta;
use serde_json::{Map, Value, json};

use crate::assumed;
use crate::stage::Stage;

/// The tenant's share as the controller would make it, or the bare namespace; then whatever else is known to be there.
pub(crate) fn of(stage: &Stage) -> Vec<Value> {
    let mut objects = Vec::new();
    let (definitions, others): (Vec<_>, Vec<_>) = stage
        .target
        .objects
        .iter()
        .cloned()
        .partition(|object| object["kind"] == "CustomResourceDefinition");
    objects.extend(definitions);
    match &stage.tenant {
        Some(tenant) => objects.extend(share(tenant, stage.target.cluster.as_ref())),
        None => {
            let name = stage.namespace.as_str();
            objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
    }
    let has_class = others.iter().any(|object| object["kind"] == "StorageClass");
    if !stage.target.is_known && !has_class {
        objects.push(assumed::default_class());
    }
    objects.extend(others);
    objects
}

/// What a tenant has in a cluster that it may use.
fn share(tenant: &kinds::Object<Tenant>, cluster: Option<&kinds::Object<Cluster>>) -> Vec<Value> {
    let mut objects = tenancy::foundation();
    objects.extend(tenancy::guard::policies());
    match cluster {
        Some(cluster) => objects.extend(tenancy::wanted(tenant, cluster)),
        None => objects.extend(tenancy::wanted(tenant, &some_cluster(tenant))),
    }
    objects
}

/// What the namespace of a rehearsal on a real cluster has of the tenant's: the level of its pods' security as labels, its quota
/// and its limits. The tenant's own label is none of them: whoever looks after tenants would take it for the tenant's.
pub(crate) fn bounds(stage: &Stage, namespace: &str) -> (Map<String, Value>, Vec<Value>) {
    let Some(tenant) = &stage.tenant else {
        return (Map::new(), Vec::new());
    };
    let all = share(tenant, stage.target.cluster.as_ref());
    let has = |name: &str| {
        let is_it = |one: &&Value| one["kind"] == "Namespace" && meta::name(one) == name;
        all.iter().find(is_it)
    };
    let home = tenancy::home(tenant);
    let (own, name) = match has(stage.namespace.as_str()) {
        Some(own) => (Some(own), stage.namespace.as_str()),
        None => (has(home), home),
    };
    let labels = own.and_then(|own| own.pointer("/metadata/labels")?.as_object());
    let labels = labels.into_iter().flatten();
    let security = labels
        .filter(|(label, _)| label.starts_with("pod-security.kubernetes.io/"))
        .map(|(label, level)| (label.clone(), level.clone()));
    let is_bound = |one: &&Value| {
        ["ResourceQuota", "LimitRange"].contains(&meta::text(one, "kind")) && meta::namespace(one) == name
    };
    let bounds = all.iter().filter(is_bound).map(|one| {
        let mut one = one.clone();
        let named = meta::name(&one).to_owned();
        one["metadata"] = json!({"name": named, "namespace": namespace});
        one
    });
    (security.collect(), bounds.collect())
}

/// A cluster that the tenant may use.
fn some_cluster(tenant: &kinds::Object<Tenant>) -> kinds::Object<Cluster> {
    let name = tenant.spec.clusters.first().map_or("stage", String::as_str);
    kinds::Object::new(name, ClusterSpec::default())
}
