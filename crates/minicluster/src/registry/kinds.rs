//! What single built-in kinds do differently when they are written, in tables where a table will do.
//!
//! Definitions get their conditions, Secrets their data, deleted pods their time to end. The
//! rules that every kind has stand in `metadata` and `write`; controllers' work is none of this file's.

use ::base64::Engine as _;
use objects::meta;
use serde_json::{Value, json};

use super::catalog::Served;
use super::{Call, definition, metadata};

/// The status of a new object as the server prints it, by kind; all others have none.
const INITIAL_STATUS: &[(&str, &str, &str)] = &[
    ("", "replicationcontrollers", r#"{"replicas":0}"#),
    ("", "resourcequotas", "{}"),
    (
        "apps",
        "daemonsets",
        r#"{"currentNumberScheduled":0,"desiredNumberScheduled":0,"numberMisscheduled":0,"numberReady":0}"#,
    ),
    ("apps", "deployments", "{}"),
    ("apps", "replicasets", r#"{"replicas":0}"#),
    ("apps", "statefulsets", r#"{"availableReplicas":0,"replicas":0}"#),
    (
        "autoscaling",
        "horizontalpodautoscalers",
        r#"{"currentMetrics":null,"desiredReplicas":0}"#,
    ),
    ("batch", "cronjobs", "{}"),
    ("batch", "jobs", "{}"),
    ("networking.k8s.io", "ingresses", r#"{"loadBalancer":{}}"#),
    (
        "policy",
        "poddisruptionbudgets",
        r#"{"currentHealthy":0,"desiredHealthy":0,"disruptionsAllowed":0,"expectedPods":0}"#,
    ),
    ("certificates.k8s.io", "certificatesigningrequests", "{}"),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        "{}",
    ),
];

/// Clients don't say the status of a new object; the server does.
pub(super) fn strip_status(served: &Served, object: &mut Value) {
    if served.has_status
        && !served.is("", "nodes")
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
}

/// What a kind's object is read as, before its owners are recorded.
pub(super) fn read(served: &Served, object: &mut Value) {
    match (served.resource.group.as_str(), served.resource.plural.as_str()) {
        ("", "secrets") => secret(object),
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => forget_empty_rules(object),
        _ => {}
    }
}

/// Counts the templates that a DaemonSet has had, in the annotation that its pods are labelled from.
pub(super) fn count_template(served: &Served, object: &mut Value, live: Option<&Value>) {
    const COUNT: &str = "deprecated.daemonset.template.generation";
    if !served.is("apps", "daemonsets") {
        return;
    }
    let count = live.map_or(1, |live| {
        let before = meta::annotation(live, COUNT).and_then(|count| count.parse::<i64>().ok());
        let changed = live.pointer("/spec/template") != object.pointer("/spec/template");
        before.unwrap_or(1).saturating_add(i64::from(changed))
    });
    meta::map_mut(object, &["metadata", "annotations"]).insert(COUNT.to_owned(), json!(count.to_string()));
}

/// The status of a new object, which nobody owns yet.
pub(super) fn finish(served: &Served, object: &mut Value) {
    let found = INITIAL_STATUS
        .iter()
        .find(|(group, plural, _)| served.is(group, plural) && served.custom.is_none());
    if let Some((_, _, status)) = found {
        object["status"] = serde_json::from_str(status).expect("the table holds JSON");
    }
}

/// What an update of a kind can't change, whatever the client sends.
pub(super) fn keep(call: &Call, live: &Value, object: &mut Value) {
    if call.served.is("", "namespaces") && call.subresource() != "finalize" {
        object["spec"] = live["spec"].clone();
    }
    // Who asked for what is said once.
    if call
        .served
        .is("certificates.k8s.io", "certificatesigningrequests")
    {
        object["spec"] = live["spec"].clone();
    }
}

/// True while something must happen before a deleted object goes.
pub(super) fn is_held(served: &Served, object: &Value) -> bool {
    let contents = object.pointer("/spec/finalizers").and_then(Value::as_array);
    let namespace = served.is("", "namespaces") && contents.is_some_and(|all| !all.is_empty());
    metadata::has_finalizers(object) || namespace || is_in_grace(served, object)
}

/// A pod that its node still has to stop: the node deletes it again, with no grace, when nothing of it runs.
fn is_in_grace(served: &Served, object: &Value) -> bool {
    let grace = object.pointer("/metadata/deletionGracePeriodSeconds");
    served.is("", "pods") && grace.and_then(Value::as_i64).is_some_and(|grace| grace > 0)
}

/// Kinds whose deletion is answered with the object even when it is gone.
pub(super) fn answers_deleted_object(served: &Served) -> bool {
    served.is("", "pods") || served.is("", "namespaces")
}

/// Kinds that `PUT` creates.
pub(super) fn created_by_update(served: &Served) -> bool {
    let resource = &served.resource;
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        ("coordination.k8s.io", "leases") | ("", "endpoints" | "events") | ("rbac.authorization.k8s.io", _)
    )
}

pub(super) fn grace_seconds(served: &Served, object: &Value, asked: Option<i64>) -> i64 {
    let scheduled = object
        .pointer("/spec/nodeName")
        .and_then(Value::as_str)
        .is_some_and(|node| !node.is_empty());
    if !served.is("", "pods") || !scheduled || objects::pod::is_finished(object) {
        return 0;
    }
    let own = object
        .pointer("/spec/terminationGracePeriodSeconds")
        .and_then(Value::as_i64);
    asked.or(own).unwrap_or(30).max(0)
}

pub(super) fn mark(call: &Call, object: &mut Value) {
    let served = &*call.served;
    if served.is("", "namespaces") {
        object["status"]["phase"] = json!("Terminating");
    }
    if definition::is_definition(served) {
        definition::mark(object, &call.around.now());
    }
}

/// The real server's storage doesn't tell an empty list from none, and prints both as null.
fn forget_empty_rules(object: &mut Value) {
    if object["rules"].as_array().is_some_and(Vec::is_empty) {
        object["rules"] = Value::Null;
    }
}

fn secret(object: &mut Value) {
    if !object["type"].is_string() {
        object["type"] = json!("Opaque");
    }
    let Some(plain) = object
        .as_object_mut()
        .and_then(|fields| fields.remove("stringData"))
    else {
        return;
    };
    for (key, value) in plain.as_object().into_iter().flatten() {
        let bytes = value.as_str().unwrap_or_default().as_bytes();
        if !object["data"].is_object() {
            object["data"] = json!({});
        }
        object["data"][key] = json!(base64(bytes));
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
