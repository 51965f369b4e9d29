//! What the API server sets on a new object beyond defaults, whatever the client sent.

use serde_json::{Map, Value, json};

use super::defaults::{labels_of_template, qos_class};

/// Prepares an object that is about to be created, after its defaults and before its validation. `uid` is the uid
/// that it will have: the selector of a Job is made of it.
pub fn on_create(group: &str, kind: &str, object: &mut Value, uid: &str) {
    match (group, kind) {
        ("", "Pod") => {
            let class = qos_class(object.get("spec").unwrap_or(&Value::Null));
            insert(object, "status", json!({"phase": "Pending", "qosClass": class}));
        }
        ("", "Namespace") => {
            insert(object, "status", json!({"phase": "Active"}));
            let spec = object
                .as_object_mut()
                .map(|object| object.entry("spec").or_insert_with(|| json!({})));
            if let Some(spec) = spec {
                let own = spec
                    .get("finalizers")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                let mut all: Vec<Value> = own
                    .into_iter()
                    .filter(|finalizer| finalizer != "kubernetes")
                    .collect();
                all.push(json!("kubernetes"));
                insert(spec, "finalizers", Value::Array(all));
            }
        }
        ("batch", "Job") => select_by_uid(object, uid),
        _ => {}
    }
}

/// Gives a Job that doesn't choose its own selector one that no other Job has.
fn select_by_uid(job: &mut Value, uid: &str) {
    let manual = job.pointer("/spec/manualSelector").and_then(Value::as_bool) == Some(true);
    let name = job
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let Some(template) = job.pointer_mut("/spec/template").filter(|_| !manual) else {
        return;
    };
    let labels = [
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", uid),
        ("job-name", &name),
    ];
    let metadata = child(template, "metadata");
    let own = metadata.map(|metadata| child(metadata, "labels"));
    if let Some(Some(Value::Object(own))) = own {
        for (label, value) in labels {
            own.insert(label.to_owned(), json!(value));
        }
    }
    if let Some(Value::Object(selector)) = job.get_mut("spec").and_then(|spec| child(spec, "selector")) {
        let selected = selector.entry("matchLabels").or_insert_with(|| json!({}));
        insert(selected, "batch.kubernetes.io/controller-uid", json!(uid));
    }
    labels_of_template(job);
}

fn child<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let child = value.as_object_mut()?.entry(name).or_insert(Value::Null);
    if child.is_null() {
        *child = Value::Object(Map::new());
    }
    Some(child)
}

fn insert(value: &mut Value, name: &str, new: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(name.to_owned(), new);
    }
}
