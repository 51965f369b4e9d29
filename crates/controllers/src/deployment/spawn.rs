//! The new ReplicaSet of a Deployment, as it is to be created.

use objects::meta;
use serde_json::{Value, json};

use super::family::{self, Bounds, Family, HASH};
use super::owner;
use crate::template_hash;

/// The name that the ReplicaSet for the Deployment's template has.
pub(super) fn name(deployment: &Value, hash: &str) -> String {
    format!("{}-{hash}", meta::name(deployment))
}

pub(super) fn hash(deployment: &Value) -> String {
    let template = deployment.pointer("/spec/template").unwrap_or(&Value::Null);
    template_hash::of_template(template, meta::number_at(deployment, "/status/collisionCount"))
}

/// The ReplicaSet for the Deployment's template, with as many pods as may be started at once.
pub(super) fn replica_set(deployment: &Value, family: &Family<'_>, bounds: &Bounds, hash: &str) -> Value {
    let spec = |field: &str| deployment.pointer(field).cloned().unwrap_or_else(|| json!({}));
    let mut template = spec("/spec/template");
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
    }
    meta::map_mut(&mut template, &["metadata", "labels"]).insert(HASH.to_owned(), json!(hash));
    let mut selector = spec("/spec/selector");
    meta::map_mut(&mut selector, &["matchLabels"]).insert(HASH.to_owned(), json!(hash));
    let owner = owner(deployment);
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name(deployment, hash),
            "namespace": meta::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [meta::controller_reference(deployment, owner.api_version, owner.kind)],
        },
        "spec": {
            "replicas": room(family, bounds, 0),
            "selector": selector,
            "template": template,
        },
    });
    if let Some(seconds) = meta::number_at(deployment, "/spec/minReadySeconds").filter(|seconds| *seconds > 0)
    {
        set["spec"]["minReadySeconds"] = json!(seconds);
    }
    let annotations = meta::map_mut(&mut set, &["metadata", "annotations"]);
    family::inherit(annotations, deployment, family.next_revision());
    family::note_bounds(annotations, bounds);
    set
}

/// How big the new ReplicaSet may be now, which has this size.
pub(super) fn room(family: &Family<'_>, bounds: &Bounds, size: i64) -> i64 {
    if !bounds.rolling {
        return bounds.replicas;
    }
    let free = bounds.most() - family.total_size();
    size + free.min(bounds.replicas - size).max(0)
}
