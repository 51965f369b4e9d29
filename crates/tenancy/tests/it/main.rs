//! Tenants as manifests, and what comes of them: each file below `tests/cases` is a case, its snapshot what is expected;
//! and the guard against objects that a tenant may and may not write.
//!
//! `INSTA_UPDATE=always cargo test -p tenancy` writes the snapshots anew; read the difference before it is committed.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod cases;
mod guard;
mod probe;
mod properties;
mod tenants;

use jiff::Timestamp;
use kinds::{Cluster, Kind, Object, Tenant};
use serde_json::Value;

/// The objects of a manifest, those of the hub and the others.
struct Manifests {
    tenants: Vec<Object<Tenant>>,
    clusters: Vec<Object<Cluster>>,
    others: Vec<Value>,
}

fn read(text: &str) -> Manifests {
    let mut all = Manifests {
        tenants: Vec::new(),
        clusters: Vec::new(),
        others: Vec::new(),
    };
    for object in manifest::read(text).expect("manifests") {
        match object.key.kind.name.as_ref() {
            Tenant::NAME => all.tenants.push(Object::read(&object.value).expect("a Tenant")),
            Cluster::NAME => all.clusters.push(Object::read(&object.value).expect("a Cluster")),
            _ => all.others.push(object.value),
        }
    }
    all
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// What an API server has once these objects were applied to an empty cluster.
fn applied(wanted: &[Value]) -> Vec<Value> {
    let mut live = wanted.to_vec();
    for (at, object) in live.iter_mut().enumerate() {
        object["metadata"]["uid"] = format!("uid-{at}").into();
        object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
        if object["kind"] == "Namespace" {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            object["spec"] = serde_json::json!({"finalizers": ["kubernetes"]});
            object["status"] = serde_json::json!({"phase": "Active"});
        }
        // An empty list is not kept.
        for list in ["ingress", "egress"] {
            let spec = object.get_mut("spec").and_then(Value::as_object_mut);
            if let Some(spec) =
                spec.filter(|spec| spec.get(list).is_some_and(|list| list == &Value::Array(vec![])))
            {
                spec.remove(list);
            }
        }
    }
    live
}
