//! Laws that hold for any input: set algebra, idempotence, and that hostile input is answered in time.

use std::time::{Duration, Instant};

use minicluster::apply::fieldpath::PathElement;
use minicluster::apply::{self, FieldSet, Manager, Options, Target, fields_v1};
use minicluster::patch;
use minicluster::schema::{CustomType, Table, TypeRef};
use proptest::prelude::*;
use serde_json::{Value, json};

static NO_RESET: FieldSet = FieldSet::new();

fn sets() -> impl Strategy<Value = FieldSet> {
    let step = prop_oneof![
        "[a-c]".prop_map(PathElement::Field),
        (0..3_i64).prop_map(PathElement::Index),
        "[a-b]".prop_map(|name| key(&json!(name))),
        (0..3).prop_map(|number| key(&json!(number))),
    ];
    proptest::collection::vec(proptest::collection::vec(step, 1..4), 0..8).prop_map(|paths| {
        let mut set = FieldSet::new();
        for path in paths {
            set.insert(&path);
        }
        set
    })
}

fn key(value: &Value) -> PathElement {
    let text = json!({format!("k:{}", json!({"n": value})): {}});
    let set = fields_v1::parse(&text).unwrap();
    set.nodes().next().unwrap().0.clone()
}

/// Any JSON with few names and values, so that things collide.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        "[ab]".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(
                prop_oneof!["[a-c]", Just("$patch".to_owned()), Just("name".to_owned())],
                inner,
                0..4
            )
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn mixed() -> CustomType {
    let string = json!({"type": "string"});
    CustomType::parse(
        &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": string},
        "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": string, "v": string}}},
        "list": {"type": "array", "items": string},
        "labels": {"type": "object", "additionalProperties": string},
        "any": {"x-kubernetes-preserve-unknown-fields": true}}}}}),
    )
    .unwrap()
}

fn target(ty: TypeRef<'_>) -> Target<'_> {
    Target {
        ty,
        api_version: "x.io/v1",
        kind: "X",
        builtin: false,
        reset: &NO_RESET,
    }
}

fn options(name: &str) -> Options<'_> {
    Options {
        manager: Manager {
            name,
            subresource: "",
        },
        force: true,
        now: "2024-01-01T00:00:00Z",
    }
}

fn object(spec: &Value) -> Value {
    json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec})
}

/// Specs of `mixed`, without nulls.
fn specs() -> impl Strategy<Value = Value> {
    let names =
        || proptest::collection::btree_set("[a-d]", 0..4).prop_map(|names| names.into_iter().collect());
    let items = proptest::collection::btree_map("[a-d]", proptest::option::of("[xy]"), 0..4);
    let labels = proptest::collection::btree_map("[a-d]", "[xy]", 0..3);
    (names(), names(), items, labels).prop_map(
        |(set, list, items, labels): (Vec<String>, Vec<String>, _, _)| {
            let map: Vec<_> = items
                .into_iter()
                .map(|(k, v)| match v {
                    Some(v) => json!({"k": k, "v": v}),
                    None => json!({"k": k}),
                })
                .collect();
            json!({"set": set, "list": list, "map": map, "labels": labels, "any": {"copy": labels}})
        },
    )
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, found)),
        leaf => found.push(leaf.to_string()),
    }
}

proptest! {
    #[test]
    fn printed_sets_read_back(set in sets()) {
        prop_assert_eq!(fields_v1::parse(&fields_v1::print(&set)).unwrap(), set);
    }

    #[test]
    fn sets_obey_their_algebra(a in sets(), b in sets(), c in sets()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert_eq!(a.difference(&b).difference(&c), a.difference(&b.union(&c)));
        for path in a.without(&b).paths() {
            prop_assert!(a.contains(&path) && !b.contains(&path));
        }
    }

    #[test]
    fn applying_twice_changes_nothing(first in specs(), second in specs()) {
        let ty = mixed();
        let target = target(ty.type_ref());
        let live = apply::apply(None, &object(&first), &options("a"), &target).unwrap().object;
        let once = apply::apply(Some(&live), &object(&second), &options("b"), &target).unwrap().object;
        let twice = apply::apply(Some(&once), &object(&second), &options("b"), &target).unwrap();
        prop_assert!(!twice.changed);
        prop_assert_eq!(twice.object, once);
    }

    #[test]
    fn an_only_applier_gets_what_it_applied(first in specs(), second in specs()) {
        let ty = mixed();
        let target = target(ty.type_ref());
        let live = apply::apply(None, &object(&first), &options("a"), &target).unwrap().object;
        let again = apply::apply(Some(&live), &object(&second), &options("a"), &target).unwrap().object;
        let fresh = apply::apply(None, &object(&second), &options("a"), &target).unwrap().object;
        prop_assert_eq!(
            &again["metadata"]["managedFields"][0]["fieldsV1"],
            &fresh["metadata"]["managedFields"][0]["fieldsV1"]
        );
        let (mut got, mut wanted) = (Vec::new(), Vec::new());
        leaves(&again["spec"], &mut got);
        leaves(&fresh["spec"], &mut wanted);
        got.sort();
        wanted.sort();
        prop_assert_eq!(got, wanted);
    }

    #[test]
    fn merging_invents_no_values(first in specs(), second in specs()) {
        let ty = mixed();
        let target = target(ty.type_ref());
        let live = apply::apply(None, &object(&first), &options("a"), &target).unwrap().object;
        let merged = apply::apply(Some(&live), &object(&second), &options("b"), &target).unwrap().object;
        let (mut got, mut known) = (Vec::new(), Vec::new());
        leaves(&merged["spec"], &mut got);
        leaves(&first, &mut known);
        leaves(&second, &mut known);
        prop_assert!(got.iter().all(|leaf| known.contains(leaf)));
    }

    #[test]
    fn any_input_is_answered(live in values(), sent in values()) {
        let ty = mixed();
        let target = target(ty.type_ref());
        let with = |spec: &Value| object(spec);
        let _ = apply::apply(Some(&with(&live)), &with(&sent), &options("a"), &target);
        let _ = apply::apply(Some(&live), &sent, &options("a"), &target);
        let mut after = sent.clone();
        apply::track(Some(&live), &mut after, &options("a").manager, &target, "now");
        let mut managed = with(&live);
        managed["metadata"]["managedFields"] = sent.clone();
        let _ = apply::apply(Some(&managed), &with(&live), &options("a"), &target);
        apply::track(Some(&with(&live)), &mut managed, &options("a").manager, &target, "now");

        let pods = Table::get().kind("", "v1", "Pod").unwrap();
        let pod = |containers: &Value| json!({"spec": {"containers": containers, "volumes": containers}});
        let _ = patch::strategic::apply(&mut pod(&live), pod(&sent), pods);
        let _ = patch::strategic::apply(&mut live.clone(), sent.clone(), TypeRef::untyped());
        let _ = patch::merge::apply(&mut live.clone(), sent.clone());
        let _ = patch::json::apply(&mut live.clone(), &sent);
    }
}

#[test]
fn long_lists_are_merged_in_time() {
    // Far above any real object; quadratic work would take minutes.
    const ITEMS: usize = 8_000;
    let started = Instant::now();
    let ty = mixed();
    let target = target(ty.type_ref());
    let list = |offset: usize| -> Value {
        let map: Vec<_> = (0..ITEMS)
            .rev()
            .map(|at| json!({"k": (at + offset).to_string(), "v": "x"}))
            .collect();
        let set: Vec<_> = (0..ITEMS).map(|at| json!((at + offset).to_string())).collect();
        json!({"map": map, "set": set})
    };
    let live = apply::apply(None, &object(&list(0)), &options("a"), &target)
        .unwrap()
        .object;
    let merged = apply::apply(Some(&live), &object(&list(ITEMS / 2)), &options("b"), &target).unwrap();
    assert_eq!(
        merged.object["spec"]["map"].as_array().unwrap().len(),
        ITEMS + ITEMS / 2
    );

    let pods = Table::get().kind("", "v1", "Pod").unwrap();
    let volumes = |range: std::ops::Range<usize>| -> Value {
        let volumes: Vec<_> = range
            .map(|at| json!({"name": at.to_string(), "emptyDir": {}}))
            .collect();
        json!({"spec": {"volumes": volumes}})
    };
    let mut pod = volumes(0..ITEMS);
    patch::strategic::apply(&mut pod, volumes(ITEMS / 2..2 * ITEMS), pods).unwrap();
    assert_eq!(pod["spec"]["volumes"].as_array().unwrap().len(), 2 * ITEMS);
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn deep_input_is_refused() {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({"a": inner}));
    let ty = mixed();
    let target = target(ty.type_ref());
    let spec = json!({"any": deep(apply::MAX_DEPTH)});
    assert!(apply::apply(None, &object(&spec), &options("a"), &target).is_err());
    assert!(patch::merge::apply(&mut json!({}), deep(patch::MAX_DEPTH + 1)).is_err());
}
