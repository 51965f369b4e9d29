//! Reading what every object has. What is missing or of another type reads as empty, so nothing here fails.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kind::Kind;
use crate::time;

/// A text field of a map, or "".
#[must_use]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What is below an object, by JSON pointer. Unlike `Value::pointer` it allocates nothing, which loops that look at
/// very many objects feel.
#[must_use]
pub fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() || pointer.contains('~') {
        return value.pointer(pointer);
    }
    let mut steps = pointer.strip_prefix('/')?.split('/');
    steps.try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(_) => value.pointer(&format!("/{step}")),
        _ => None,
    })
}

/// A text below an object, by JSON pointer, or "".
#[must_use]
pub fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number below an object, by JSON pointer.
#[must_use]
pub fn number_at(value: &Value, pointer: &str) -> Option<i64> {
    at(value, pointer).and_then(Value::as_i64)
}

/// The items of a list below an object, by JSON pointer; none if it is no list.
#[must_use]
pub fn list_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A field of the metadata. These are asked for more than anything else, so no path is taken apart for them.
fn metadata<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(field)
}

fn metadata_text<'a>(object: &'a Value, field: &str) -> &'a str {
    metadata(object, field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[must_use]
pub fn name(object: &Value) -> &str {
    metadata_text(object, "name")
}

#[must_use]
pub fn namespace(object: &Value) -> &str {
    metadata_text(object, "namespace")
}

#[must_use]
pub fn uid(object: &Value) -> &str {
    metadata_text(object, "uid")
}

#[must_use]
pub fn resource_version(object: &Value) -> &str {
    metadata_text(object, "resourceVersion")
}

/// `metadata.generation`, or 0.
#[must_use]
pub fn generation(object: &Value) -> i64 {
    number_at(object, "/metadata/generation").unwrap_or_default()
}

#[must_use]
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

#[must_use]
pub fn created(object: &Value) -> Option<Timestamp> {
    time::parse(text_at(object, "/metadata/creationTimestamp"))
}

/// When the object is to be gone, if somebody deleted it: then it is on its way out.
#[must_use]
pub fn deleted(object: &Value) -> Option<Timestamp> {
    time::parse(text_at(object, "/metadata/deletionTimestamp"))
}

#[must_use]
pub fn is_deleted(object: &Value) -> bool {
    metadata(object, "deletionTimestamp").is_some()
}

#[must_use]
pub fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    list_at(object, "/metadata/finalizers")
        .iter()
        .any(|one| one == finalizer)
}

/// `metadata.ownerReferences`.
#[must_use]
pub fn owners(object: &Value) -> &[Value] {
    let owners = metadata(object, "ownerReferences").and_then(Value::as_array);
    owners.map_or(&[], Vec::as_slice)
}

/// The owner that controls the object, if one does.
#[must_use]
pub fn controller(object: &Value) -> Option<&Value> {
    owners(object).iter().find(|owner| owner["controller"] == true)
}

/// Whether the object is controlled by the one with this uid.
#[must_use]
pub fn is_controlled_by(object: &Value, uid: &str) -> bool {
    controller(object).is_some_and(|owner| text(owner, "uid") == uid)
}

/// The reference that makes `owner` the controller of an object and holds its deletion in the foreground.
#[must_use]
pub fn controller_reference(owner: &Value, api_version: &str, kind: &Kind) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind.name,
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A map below an object, made when it is not there.
///
/// Guarantees: whatever stood in the way on the path is replaced by a map.
pub fn map_mut<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut at = object;
    for step in path {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[*step];
    }
    if !at.is_object() {
        *at = json!({});
    }
    at.as_object_mut().expect("it was made a map on the line before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_json_pointers_do() {
        let value = json!({"a": {"b": [{"c": 1}], "x/y": 2, "": 3}, "": {"z": 4}});
        for pointer in [
            "",
            "/a",
            "/a/b",
            "/a/b/0/c",
            "/a/b/1",
            "/a/b/00",
            "/a/x~1y",
            "/a/",
            "//z",
            "a",
            "/q/r",
            "/a/b/0/c/d",
        ] {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer:?}");
        }
    }
}
