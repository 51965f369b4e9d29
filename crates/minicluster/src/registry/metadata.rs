//! The part of an object that the server writes: name, uid, times, generation, and what an update may not change.

use serde_json::{Map, Value, json};

use super::Call;
use super::catalog::Served;
use super::failure::Failure;

/// What the server keeps over an update, whatever the client sends.
const KEPT: &[&str] = &[
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "namespace",
    "selfLink",
];

/// Built-in kinds that count changes of their specification; custom ones all do.
const GENERATIONS: &[(&str, &[&str])] = &[
    ("", &["pods", "replicationcontrollers"]),
    ("admissionregistration.k8s.io", &[]),
    ("apiextensions.k8s.io", &[]),
    (
        "apps",
        &["daemonsets", "deployments", "replicasets", "statefulsets"],
    ),
    ("batch", &["cronjobs", "jobs"]),
    ("flowcontrol.apiserver.k8s.io", &[]),
    (
        "networking.k8s.io",
        &["ingressclasses", "ingresses", "networkpolicies"],
    ),
    ("policy", &["poddisruptionbudgets"]),
];

pub(super) fn of(object: &Value) -> &Value {
    object.get("metadata").unwrap_or(&Value::Null)
}

pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    of(object).get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The metadata, for writing; an object that has none gets it.
pub(super) fn of_mut(object: &mut Value) -> &mut Map<String, Value> {
    if !object.get("metadata").is_some_and(Value::is_object) {
        object["metadata"] = json!({});
    }
    object["metadata"]
        .as_object_mut()
        .expect("metadata was just made an object")
}

pub(super) fn has_finalizers(object: &Value) -> bool {
    let finalizers = of(object).get("finalizers").and_then(Value::as_array);
    finalizers.is_some_and(|all| !all.is_empty())
}

pub(super) fn is_terminating(object: &Value) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

/// Fills in what the path says of an object and refuses what contradicts it.
pub(super) fn place(call: &Call, object: &mut Value) -> Result<(), Failure> {
    let namespace = text(object, "namespace").to_owned();
    match call.namespace() {
        Some(wanted) if namespace.is_empty() => {
            of_mut(object).insert("namespace".to_owned(), json!(wanted));
        }
        Some(wanted) if namespace != wanted => {
            return Err(wrong_namespace());
        }
        None if !namespace.is_empty() => {
            of_mut(object).remove("namespace");
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn wrong_namespace() -> Failure {
    Failure::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    )
}

/// Names a new object and gives it what only the server can.
pub(super) fn begin(call: &Call, object: &mut Value) -> Result<(), Failure> {
    if !text(object, "resourceVersion").is_empty() {
        return Err(Failure::internal(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let generate = text(object, "generateName").to_owned();
    if text(object, "name").is_empty() && !generate.is_empty() {
        // Room for the suffix inside the 63 characters of a label, as the real server cuts it.
        let base: String = generate.chars().take(58).collect();
        of_mut(object).insert(
            "name".to_owned(),
            json!(format!("{base}{}", call.around.suffix())),
        );
    }
    let metadata = of_mut(object);
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
        "resourceVersion",
    ] {
        metadata.remove(field);
    }
    metadata.insert("uid".to_owned(), json!(call.around.uid()));
    metadata.insert("creationTimestamp".to_owned(), json!(call.around.now()));
    if counts_generations(&call.served) {
        metadata.insert("generation".to_owned(), json!(1));
    }
    drop_empty(metadata);
    Ok(())
}

/// Takes over from the stored object what an update can't change.
pub(super) fn carry_over(live: &Value, object: &mut Value) {
    let kept = KEPT.iter().map(|field| (*field, of(live).get(*field).cloned()));
    let kept: Vec<_> = kept.collect();
    let metadata = of_mut(object);
    for (field, value) in kept {
        match value {
            Some(value) => metadata.insert(field.to_owned(), value),
            None => metadata.remove(field),
        };
    }
    metadata.insert("resourceVersion".to_owned(), of(live)["resourceVersion"].clone());
    drop_empty(metadata);
}

/// Counts the generation of an object that is about to replace another.
pub(super) fn count(served: &Served, live: &Value, object: &mut Value) {
    if counts_generations(served) && specification_differs(live, object) {
        let generation = of(live).get("generation").and_then(Value::as_i64).unwrap_or(0);
        of_mut(object).insert("generation".to_owned(), json!(generation.saturating_add(1)));
    }
}

/// Refuses an update of another object than the one that is there.
pub(super) fn check_identity(call: &Call, live: &Value, object: &Value) -> Result<(), Failure> {
    let resource = &call.served.resource;
    let name = text(object, "name");
    if !name.is_empty() && name != call.name() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name()
        )));
    }
    let version = text(object, "resourceVersion");
    if !version.is_empty() {
        let number: u64 = version.parse().map_err(|_| {
            Failure::internal(format!(
                "{} \"{}\" is invalid: metadata.resourceVersion: Invalid value: \"{version}\": must be an integer",
                resource.kind,
                call.name()
            ))
        })?;
        if text(live, "resourceVersion") != number.to_string() && number != 0 {
            return Err(Failure::modified(resource, call.name()));
        }
    }
    let uid = text(object, "uid");
    if !uid.is_empty() && uid != text(live, "uid") {
        let cause = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            text(live, "uid")
        );
        let mut failure = Failure::modified(resource, call.name());
        failure.message = failure.message.split(": ").next().unwrap_or_default().to_owned() + ": " + &cause;
        return Err(failure);
    }
    Ok(())
}

fn counts_generations(served: &Served) -> bool {
    let resource = &served.resource;
    let known = GENERATIONS
        .iter()
        .find(|(group, _)| *group == resource.group)
        .is_some_and(|(_, plurals)| plurals.is_empty() || plurals.contains(&resource.plural.as_str()));
    served.custom.is_some() || known
}

fn specification_differs(live: &Value, object: &Value) -> bool {
    fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let all = value.as_object().into_iter().flatten();
        all.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"))
    }
    !fields(live).eq(fields(object)) || text(live, "deletionTimestamp") != text(object, "deletionTimestamp")
}

/// Empty maps and lists of metadata are left out, as by the real server's encoder.
fn drop_empty(metadata: &mut Map<String, Value>) {
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let empty = match metadata.get(field) {
            Some(Value::Object(entries)) => entries.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Null) => true,
            _ => false,
        };
        if empty {
            metadata.remove(field);
        }
    }
    for field in ["generateName", "namespace"] {
        if metadata.get(field).is_some_and(|value| value == "") {
            metadata.remove(field);
        }
    }
}
