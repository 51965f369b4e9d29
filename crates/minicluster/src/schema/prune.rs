//! Changes that a type alone decides: unknown fields go, `null`s become what they mean, schema defaults come.
//!
//! ```text
//! built-in: walk ─► prune ─► settle_nulls ─► (defaulting in code)
//! custom:   walk ─► prune ─► default
//! ```
//!
//! `walk` reports what `prune` drops, so both see the same paths. Values deeper than `walk` follows are left alone.

use serde_json::{Map, Value, json};

use super::types::{Kind, Scalar, TypeRef};
use super::walk::DEPTH_MAX;

/// Drops every field that the type does not have.
pub fn prune(ty: TypeRef<'_>, value: &mut Value) {
    prune_at(ty, value, 0);
}

/// Gives `null` the meaning that the real server's decoder gives it in a built-in kind: a field that is `null` is
/// absent, an element or map value that is `null` is the zero value.
pub fn settle_nulls(ty: TypeRef<'_>, value: &mut Value) {
    settle_at(ty, value, 0);
}

/// Times that Go has no pointer to, which it prints as `null` while they are not set.
const PRINTED_TIMES: &[&str] = &[
    "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp",
    "eventTime",
    "finishedAt",
    "firstTimestamp",
    "lastHeartbeatTime",
    "lastObservedTime",
    "lastProbeTime",
    "lastTimestamp",
    "lastTransitionTime",
    "lastUpdateTime",
    "startedAt",
];

/// Gives the status of a built-in object, or an Event, the times that the real server prints though they are not set.
pub fn show_unset_times(ty: TypeRef<'_>, object: &mut Value) {
    if let (Some(status), Some(ty)) = (object.get_mut("status"), ty.field("status")) {
        show_times_at(ty, status, 0);
    } else if object.get("kind").is_some_and(|kind| kind == "Event") {
        show_times_at(ty, object, 0);
    }
}

/// Fills in the defaults of a custom kind's schema.
///
/// A `null` that is not allowed becomes the default or, if there is none, disappears. Defaults are filled in from
/// the root down, so that a default object gets the defaults of its fields.
pub fn default(ty: TypeRef<'_>, value: &mut Value) {
    default_at(ty, value, 0);
}

fn prune_at(ty: TypeRef<'_>, value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match (ty.kind(), value) {
        (Kind::Struct { .. }, Value::Object(map)) => {
            if !ty.keeps_unknown_fields() {
                map.retain(|name, _| ty.field(name).is_some());
            }
            each_field(ty, map, |ty, value| prune_at(ty, value, depth + 1));
        }
        (Kind::Map { .. }, Value::Object(map)) => {
            each_field(ty, map, |ty, value| prune_at(ty, value, depth + 1));
        }
        (Kind::List(_), Value::Array(list)) => {
            each_element(ty, list, |ty, value| prune_at(ty, value, depth + 1));
        }
        _ => {}
    }
}

fn show_times_at(ty: TypeRef<'_>, value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match (ty.kind(), value) {
        (Kind::Struct { .. }, Value::Object(map)) => {
            for name in PRINTED_TIMES {
                if !map.contains_key(*name) && ty.field(name).is_some_and(|ty| ty.format() == "date-time") {
                    map.insert((*name).to_owned(), Value::Null);
                }
            }
            each_field(ty, map, |ty, value| show_times_at(ty, value, depth + 1));
        }
        (Kind::Map { .. }, Value::Object(map)) => {
            if let Some(element) = ty.element() {
                map.values_mut()
                    .for_each(|value| show_times_at(element, value, depth + 1));
            }
        }
        (Kind::List(_), Value::Array(list)) => {
            each_element(ty, list, |ty, value| show_times_at(ty, value, depth + 1));
        }
        _ => {}
    }
}

fn settle_at(ty: TypeRef<'_>, value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let settle = |ty: TypeRef<'_>, value: &mut Value| {
        if value.is_null() {
            *value = zero(ty);
        }
        settle_at(ty, value, depth + 1);
    };
    match (ty.kind(), value) {
        (Kind::Struct { .. }, Value::Object(map)) => {
            map.retain(|_, value| !value.is_null());
            each_field(ty, map, |ty, value| settle_at(ty, value, depth + 1));
        }
        (Kind::Map { .. }, Value::Object(map)) => each_field(ty, map, settle),
        (Kind::List(_), Value::Array(list)) => each_element(ty, list, settle),
        _ => {}
    }
}

fn default_at(ty: TypeRef<'_>, value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let refill = |ty: TypeRef<'_>, value: &mut Value| {
        if let (Value::Null, false, Some(default)) = (&*value, ty.nullable(), ty.default()) {
            *value = default.clone();
        }
        default_at(ty, value, depth + 1);
    };
    match (ty.kind(), value) {
        (Kind::Struct { .. }, Value::Object(map)) => {
            for field in ty.fields() {
                let is_forbidden_null =
                    !field.ty.nullable() && map.get(field.name).is_some_and(Value::is_null);
                match field.ty.default() {
                    Some(default) if is_forbidden_null || !map.contains_key(field.name) => {
                        map.insert(field.name.to_owned(), default.clone());
                    }
                    None if is_forbidden_null => drop(map.remove(field.name)),
                    _ => {}
                }
            }
            each_field(ty, map, |ty, value| default_at(ty, value, depth + 1));
        }
        (Kind::Map { .. }, Value::Object(map)) => each_field(ty, map, refill),
        (Kind::List(_), Value::Array(list)) => each_element(ty, list, refill),
        _ => {}
    }
}

fn each_field(
    ty: TypeRef<'_>,
    map: &mut Map<String, Value>,
    mut change: impl FnMut(TypeRef<'_>, &mut Value),
) {
    for (name, value) in map {
        if let Some(field) = ty.field(name) {
            change(field, value);
        }
    }
}

fn each_element(ty: TypeRef<'_>, list: &mut [Value], mut change: impl FnMut(TypeRef<'_>, &mut Value)) {
    if let Some(element) = ty.element() {
        list.iter_mut().for_each(|value| change(element, value));
    }
}

fn zero(ty: TypeRef<'_>) -> Value {
    match ty.kind() {
        Kind::Scalar(Scalar::String) if ty.format() == "date-time" => Value::Null,
        Kind::Scalar(Scalar::String) => json!(""),
        Kind::Scalar(Scalar::Integer | Scalar::Number | Scalar::IntOrString) => json!(0),
        Kind::Scalar(Scalar::Quantity) => json!("0"),
        Kind::Scalar(Scalar::Boolean) => json!(false),
        Kind::Struct { .. } => json!({}),
        Kind::Map { .. } | Kind::List(_) | Kind::Untyped => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Table;
    use super::*;

    #[test]
    fn unknown_fields_go_at_every_depth() {
        let ty = Table::get().kind("", "v1", "Pod").expect("a Pod");
        let mut pod = json!({"x": 1, "metadata": {"labels": {"x": "y"}, "y": 1},
            "spec": {"containers": [{"name": "a", "z": {}}]}});
        prune(ty, &mut pod);
        assert_eq!(
            pod,
            json!({"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "a"}]}})
        );
    }

    #[test]
    fn times_that_are_not_set_are_shown_where_go_prints_them() {
        let ty = Table::get().kind("", "v1", "Pod").expect("a Pod");
        let mut pod = json!({"status": {
            "conditions": [{"type": "Ready", "lastTransitionTime": "2024-01-01T00:00:00Z"}],
            "containerStatuses": [{"state": {"running": {}}}],
        }});
        show_unset_times(ty, &mut pod);
        assert_eq!(
            pod,
            json!({"status": {
                "conditions": [{"type": "Ready", "lastProbeTime": null, "lastTransitionTime": "2024-01-01T00:00:00Z"}],
                "containerStatuses": [{"state": {"running": {"startedAt": null}}}],
            }})
        );
        let ty = Table::get().kind("", "v1", "Event").expect("an Event");
        let mut event = json!({"kind": "Event", "metadata": {}});
        show_unset_times(ty, &mut event);
        let expected = json!({"kind": "Event", "metadata": {}, "eventTime": null, "firstTimestamp": null, "lastTimestamp": null});
        assert_eq!(event, expected);
    }

    #[test]
    fn null_is_absent_in_a_struct_and_zero_elsewhere() {
        let ty = Table::get().kind("", "v1", "Pod").expect("a Pod");
        let mut pod = json!({"metadata": {"labels": {"a": null}, "name": null},
            "spec": {"containers": [null, {"name": "a", "args": [null], "env": null}]}});
        settle_nulls(ty, &mut pod);
        assert_eq!(
            pod,
            json!({"metadata": {"labels": {"a": ""}}, "spec": {"containers": [{}, {"name": "a", "args": [""]}]}})
        );
    }
}
