//! Random values for the tests of this crate, and that nothing panics on them.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    covers, demand, diff, exceeds, health, health_of_hook, health_of_job_completion, immutable, mask, read,
};

const NAMES: &[&str] = &[
    "annotations",
    "clusterIP",
    "conditions",
    "containers",
    "cpu",
    "data",
    "env",
    "hard",
    "immutable",
    "items",
    "labels",
    "limits",
    "metadata",
    "name",
    "phase",
    "replicas",
    "requests",
    "resources",
    "selector",
    "spec",
    "status",
    "storage",
    "stringData",
    "template",
    "used",
];

const KINDS: &[(&str, &str)] = &[
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
    ("v1", "ConfigMap"),
    ("v1", "List"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("x.io/v1", "X"),
];

/// Values of few names, so that they meet what the rules look for.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let names = || prop::sample::select(NAMES);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..3).prop_map(Value::from),
        "[ab1]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names(), inner, 0..4).prop_map(|all| {
                Value::Object(
                    all.into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(KINDS);
    (any_value(), any_value(), any_value(), any_value(), kinds).prop_map(
        |(spec, status, metadata, data, (version, kind))| {
            json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "status": status,
                "data": data, "stringData": metadata, "items": [spec]})
        },
    )
}

proptest! {
    #[test]
    fn nothing_panics_on_any_object(one in any_object(), mut other in any_object()) {
        other["kind"] = one["kind"].clone();
        other["apiVersion"] = one["apiVersion"].clone();
        let _ = (health(&one), health_of_hook(&one), health_of_job_completion(&one), demand(&one));
        let _ = (covers(&one, &other), immutable(&one, &other), read(&one.to_string()));
        let _ = exceeds(std::slice::from_ref(&one), &[(Some(&one), Some(&other)), (None, Some(&one))]);
        let mut changes = diff(Some(&one), Some(&other));
        mask(&mut changes, &objects::Kind::SECRET);
        prop_assert_eq!(diff(Some(&one), Some(&one)), vec![]);
    }

    #[test]
    fn an_object_is_refused_nothing_of_itself(one in any_object()) {
        prop_assert_eq!(immutable(&one, &one), vec![]);
    }
}
