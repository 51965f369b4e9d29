//! What is in the cluster of a stage before the release comes.

use kinds::{Cluster, ClusterSpec, Tenant};
use serde_json::{Value, json};

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

/// A cluster that the tenant may use.
fn some_cluster(tenant: &kinds::Object<Tenant>) -> kinds::Object<Cluster> {
    let name = tenant.spec.clusters.first().map_or("stage", String::as_str);
    kinds::Object::new(name, ClusterSpec::default())
}
