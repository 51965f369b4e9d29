//! Holds what is wanted against what there is, as server-side apply would.
//!
//! ```text
//! desired, live ──► Covered: applying changes nothing   Differs: it changes something   Unsure
//! ```
//!
//! Fields that the desired object leaves out are the server's defaults or somebody else's and stay as they are. Where
//! an apply replaces a map or list as a whole, there may be no others, but for known defaults. Not here: a field that
//! the last revision had and this one has not; who asks must know that revision.

use std::collections::HashMap;

use objects::{Quantity, meta};
use serde_json::{Map, Value};

use crate::secret;
use crate::spot::{Keys, Spot, are_unique, key_of};

/// What applying would do to what there is. In order: a part that differs makes the whole differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    Covered,
    Unsure,
    Differs,
}

/// How the surroundings are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Field by field.
    Merged,
    /// As a whole.
    Replaced,
}

/// Whether applying an object would change nothing of the live one.
///
/// Guarantees: false when it is not sure. `stringData` of a Secret counts as the `data` that it becomes.
/// Assumptions: the live object was read in full; what the desired one leaves out, the last applied one left out too.
#[must_use]
pub fn covers(desired: &Value, live: &Value) -> bool {
    let same = |field| meta::text(desired, field) == meta::text(live, field);
    if !same("apiVersion") || !same("kind") {
        return false;
    }
    let desired = secret::folded(desired);
    compare(&desired, live, &Spot::root(&desired), Applied::Merged) == Match::Covered
}

/// Compares what stands at a place.
pub(crate) fn compare(desired: &Value, live: &Value, spot: &Spot<'_>, applied: Applied) -> Match {
    let applied = if spot.is_atomic() {
        Applied::Replaced
    } else {
        applied
    };
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => maps(desired, live, spot, applied),
        (Value::Array(desired), Value::Array(live)) => lists(desired, live, spot, applied),
        _ if is_same(desired, live, spot) => Match::Covered,
        (Value::Null, _) if spot.is_null_kept_as(live) => Match::Covered,
        // Null takes a field away, or is dropped on the way: the server's decoders differ.
        (Value::Null, _) => Match::Unsure,
        (_, Value::Null) => absent(desired, spot),
        // For many fields an empty text is no text, which the server then chooses.
        (Value::String(text), Value::String(_)) if text.is_empty() && !spot.is_text() => Match::Unsure,
        _ => Match::Differs,
    }
}

/// Whether two values that aren't both maps or both lists mean the same.
pub(crate) fn is_same(one: &Value, other: &Value, spot: &Spot<'_>) -> bool {
    if one == other {
        return true;
    }
    if let (Value::Number(one), Value::Number(other)) = (one, other) {
        return !spot.is_free()
            && one.as_f64().is_some_and(|one| Some(one) == other.as_f64())
            && is_small(one);
    }
    spot.is_amount() && Quantity::of(one).is_some_and(|amount| Some(amount) == Quantity::of(other))
}

/// Whether a number is small enough for a float to tell it from its neighbours.
fn is_small(number: &serde_json::Number) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_f64().is_some_and(|value| value.abs() < EXACT)
}

fn maps(desired: &Map<String, Value>, live: &Map<String, Value>, spot: &Spot<'_>, applied: Applied) -> Match {
    let mut all = Match::Covered;
    for (field, wanted) in desired {
        let child = spot.child(field);
        if child.is_servers() {
            continue;
        }
        all = all.max(match live.get(field) {
            Some(found) => compare(wanted, found, &child, applied),
            None => absent(wanted, &child),
        });
        if all == Match::Differs {
            return all;
        }
    }
    if applied == Applied::Merged {
        return all;
    }
    let extra = live.iter().filter(|(field, _)| !desired.contains_key(*field));
    extra.fold(all, |all, (field, found)| {
        all.max(match spot.child(field).is_default(found) {
            true => Match::Covered,
            false if spot.is_free() => Match::Differs,
            false => Match::Unsure,
        })
    })
}

/// What a wanted value means where there is none.
fn absent(desired: &Value, spot: &Spot<'_>) -> Match {
    let zero = match desired {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    match zero {
        _ if spot.vanishes(desired) => Match::Covered,
        true => Match::Unsure,
        false => Match::Differs,
    }
}

fn lists(desired: &[Value], live: &[Value], spot: &Spot<'_>, applied: Applied) -> Match {
    if let Some(keys) = spot.keys() {
        return keyed(desired, live, (spot, keys), applied);
    }
    if spot.is_set() {
        let found = desired
            .iter()
            .map(|item| live.iter().position(|other| other == item));
        return in_order(found.collect::<Vec<_>>());
    }
    if desired.len() != live.len() {
        return Match::Differs;
    }
    let pairs = desired.iter().zip(live);
    pairs.fold(Match::Covered, |all, (wanted, found)| {
        all.max(compare(wanted, found, spot, Applied::Replaced))
    })
}

/// A list that is merged: each wanted item is there, in this order, and others may be between.
fn keyed(desired: &[Value], live: &[Value], (spot, keys): (&Spot<'_>, Keys), applied: Applied) -> Match {
    if !are_unique(desired, keys) || !are_unique(live, keys) {
        return Match::Unsure;
    }
    let positions = live.iter().enumerate();
    let positions: HashMap<String, usize> = positions
        .filter_map(|(at, item)| Some((key_of(item, keys)?, at)))
        .collect();
    let found: Vec<Option<usize>> = desired
        .iter()
        .map(|item| positions.get(&key_of(item, keys)?).copied())
        .collect();
    let mut all = in_order(found.clone());
    if applied == Applied::Replaced && desired.len() != live.len() {
        all = all.max(Match::Unsure);
    }
    for (wanted, at) in desired.iter().zip(found) {
        if let Some(found) = at.and_then(|at| live.get(at)) {
            all = all.max(compare(wanted, found, spot, applied));
        }
    }
    all
}

/// What the positions say at which wanted items were found.
fn in_order(positions: Vec<Option<usize>>) -> Match {
    let mut last = None;
    let mut all = Match::Covered;
    for position in positions {
        match position {
            None => return Match::Differs,
            Some(at) if last.is_some_and(|last| at <= last) => all = Match::Unsure,
            Some(_) => {}
        }
        last = position;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::any_value;

    fn of(version: &str, kind: &str, rest: &Value) -> Value {
        let mut object = json!({"apiVersion": version, "kind": kind});
        for (field, value) in rest.as_object().unwrap() {
            object[field] = value.clone();
        }
        object
    }

    fn check(kind: (&str, &str), desired: &Value, live: &Value, expected: bool) {
        let (desired, live) = (of(kind.0, kind.1, desired), of(kind.0, kind.1, live));
        assert_eq!(covers(&desired, &live), expected, "{desired}\n{live}");
    }

    const POD: (&str, &str) = ("v1", "Pod");
    const CUSTOM: (&str, &str) = ("x.io/v1", "X");

    /// Wraps a field of a pod's container.
    fn container(fields: &Value) -> Value {
        let mut one = json!({"name": "a"});
        for (field, value) in fields.as_object().unwrap() {
            one[field] = value.clone();
        }
        json!({"spec": {"containers": [one]}})
    }

    #[test]
    fn defaults_and_other_peoples_fields_do_no_harm() {
        check(
            POD,
            &json!({"metadata": {"name": "a", "labels": {"a": "b"}, "creationTimestamp": null}, "spec": {"containers": [{"name": "a"}]}}),
            &json!({"metadata": {"name": "a", "labels": {"a": "b", "c": "d"}, "uid": "1", "creationTimestamp": "now"},
                "spec": {"dnsPolicy": "Default", "containers": [{"name": "injected"}, {"name": "a", "image": "i"}]},
                "status": {"phase": "Running"}}),
            true,
        );
        check(
            CUSTOM,
            &json!({"spec": {"a": {"b": 1}}}),
            &json!({"spec": {"a": {"b": 1, "c": 2}}}),
            true,
        );
    }

    #[test]
    fn a_changed_or_missing_field_is_seen() {
        for (desired, live) in [
            (json!({"image": "b"}), json!({"image": "a"})),
            (json!({"image": "b"}), json!({})),
            (json!({"args": ["a"]}), json!({"args": ["a", "b"]})),
            (json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]})),
            (json!({"tty": true}), json!({})),
            (json!({"securityContext": {}}), json!({})),
            (
                json!({"ports": [{"containerPort": 80}]}),
                json!({"ports": [{"containerPort": 80, "protocol": "UDP"}]}),
            ),
        ] {
            check(POD, &container(&desired), &container(&live), false);
        }
        let two = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        let turned = json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}});
        let twice = json!({"spec": {"containers": [{"name": "a"}, {"name": "a"}]}});
        check(POD, &two, &two, true);
        check(POD, &two, &turned, false);
        check(POD, &twice, &twice, false);
        check(
            POD,
            &json!({"metadata": {"namespace": "a"}}),
            &json!({"metadata": {"namespace": "b"}}),
            false,
        );
        assert!(!covers(
            &of("v1", "Pod", &json!({})),
            &of("v1", "Secret", &json!({}))
        ));
    }

    #[test]
    fn what_the_server_writes_otherwise_is_the_same() {
        for (desired, live) in [
            (
                json!({"resources": {"limits": {"cpu": "1000m"}}}),
                json!({"resources": {"limits": {"cpu": "1"}}}),
            ),
            (
                json!({"resources": {"limits": {"cpu": 1}}}),
                json!({"resources": {"limits": {"cpu": "1"}}}),
            ),
            (
                json!({"env": [{"name": "A", "value": ""}]}),
                json!({"env": [{"name": "A"}]}),
            ),
            (json!({"env": [], "tty": false}), json!({})),
            (
                json!({"ports": [{"containerPort": 80}]}),
                json!({"ports": [{"containerPort": 80, "protocol": "TCP"}]}),
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}),
                json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}}]}),
            ),
        ] {
            check(POD, &container(&desired), &container(&live), true);
        }
        check(
            ("v1", "Service"),
            &json!({"spec": {"ports": [{"port": 80, "targetPort": "80"}]}}),
            &json!({"spec": {"ports": [{"port": 80, "targetPort": 80}]}}),
            false,
        );
        check(
            CUSTOM,
            &json!({"spec": {"limits": {"cpu": "1000m"}}}),
            &json!({"spec": {"limits": {"cpu": "1"}}}),
            false,
        );
    }

    #[test]
    fn nulls_and_a_namespace_are_as_the_server_keeps_them() {
        check(
            POD,
            &container(&json!({"resources": null})),
            &container(&json!({"resources": {}})),
            true,
        );
        check(
            POD,
            &container(&json!({"resources": null})),
            &container(&json!({"resources": {"limits": {}}})),
            false,
        );
        check(
            POD,
            &json!({"metadata": {"labels": {"a": null}}}),
            &json!({"metadata": {"labels": {"a": ""}}}),
            true,
        );
        check(
            ("rbac.authorization.k8s.io/v1", "ClusterRole"),
            &json!({"metadata": {"name": "a", "namespace": "ns"}}),
            &json!({"metadata": {"name": "a"}}),
            true,
        );
        check(
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            &json!({"status": {"conditions": []}}),
            &json!({"status": {}}),
            true,
        );
    }

    #[test]
    fn what_is_replaced_as_a_whole_has_no_extra_fields() {
        check(
            ("v1", "Service"),
            &json!({"spec": {"selector": {"app": "a"}}}),
            &json!({"spec": {"selector": {"app": "a", "track": "x"}}}),
            false,
        );
        let metric = |extra: &Value| json!({"spec": {"metrics": [{"type": "Resource", "resource": extra}]}});
        check(
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            &metric(&json!({"name": "cpu"})),
            &metric(&json!({"name": "cpu", "target": {}})),
            false,
        );
        check(
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            &json!({"spec": {"versions": [{"name": "v1", "schema": {}}]}}),
            &json!({"spec": {"versions": [{"name": "v1", "schema": {"old": 1}}]}}),
            false,
        );
        check(
            ("apps/v1", "StatefulSet"),
            &json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {"accessModes": ["RWO"]}}]}}),
            &json!({"spec": {"volumeClaimTemplates": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "d"}, "status": {"phase": "Pending"},
                "spec": {"accessModes": ["RWO"], "volumeMode": "Filesystem"}}]}}),
            true,
        );
    }

    #[test]
    fn the_texts_of_a_secret_are_its_data() {
        let live = json!({"data": {"k": "dmFsdWU="}, "type": "Opaque"});
        check(
            ("v1", "Secret"),
            &json!({"stringData": {"k": "value"}}),
            &live,
            true,
        );
        check(
            ("v1", "Secret"),
            &json!({"stringData": {"k": "other"}}),
            &live,
            false,
        );
        check(
            ("v1", "Secret"),
            &json!({"data": {"k": "eA=="}, "stringData": {"k": "value"}}),
            &live,
            true,
        );
    }

    /// Adds a field to every map that is merged field by field.
    fn with_extra(value: &Value) -> Value {
        let Value::Object(fields) = value else {
            return value.clone();
        };
        let fields = fields.iter().map(|(name, value)| match name.as_str() {
            "selector" => (name.clone(), value.clone()),
            _ => (name.clone(), with_extra(value)),
        });
        let extra = [("extra".to_owned(), json!("theirs"))];
        Value::Object(fields.chain(extra).collect())
    }

    /// Every value with one of its leaves changed.
    fn changed(value: &Value) -> Vec<Value> {
        match value {
            Value::Object(fields) => fields
                .iter()
                .flat_map(|(name, value)| {
                    changed(value).into_iter().map(|value| {
                        let mut all = fields.clone();
                        all.insert(name.clone(), value);
                        Value::Object(all)
                    })
                })
                .collect(),
            Value::Array(items) => (0..items.len())
                .flat_map(|at| {
                    changed(&items[at]).into_iter().map(move |value| {
                        let mut all = items.clone();
                        all[at] = value;
                        Value::Array(all)
                    })
                })
                .collect(),
            _ => vec![json!("changed")],
        }
    }

    proptest! {
        #[test]
        fn an_object_covers_itself_with_what_others_add(value in any_value()) {
            let object = of("x.io/v1", "X", &json!({"spec": value}));
            prop_assert!(covers(&object, &object));
            prop_assert!(covers(&object, &with_extra(&object)));
        }

        #[test]
        fn no_change_goes_unseen(value in any_value(), built_in in any::<bool>()) {
            let (version, kind) = if built_in { ("v1", "Pod") } else { ("x.io/v1", "X") };
            let object = of(version, kind, &json!({"spec": value}));
            for other in changed(&object["spec"]) {
                let mut live = object.clone();
                live["spec"] = other;
                prop_assert!(!covers(&object, &live), "{object} {live}");
            }
        }
    }
}
