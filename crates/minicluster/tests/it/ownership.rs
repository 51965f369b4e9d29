//! Rules of ownership that the recorded steps don't show.

use minicluster::apply::managed::{self, Managed};
use minicluster::apply::scale::{self, Replicas};
use minicluster::apply::{self, Applied, FieldSet, Manager, Options, Target};
use minicluster::schema::{CustomType, Table};
use serde_json::{Value, json};

const NOW: &str = "2024-01-01T00:00:00Z";
const LATER: &str = "2024-01-01T00:00:09Z";

static NO_RESET: FieldSet = FieldSet::new();

fn config_maps() -> Target<'static> {
    Target {
        ty: Table::get().kind("", "v1", "ConfigMap").unwrap(),
        api_version: "v1",
        kind: "ConfigMap",
        builtin: true,
        reset: &NO_RESET,
    }
}

fn manager(name: &str) -> Manager<'_> {
    Manager {
        name,
        subresource: "",
    }
}

fn options<'a>(name: &'a str, now: &'a str) -> Options<'a> {
    Options {
        manager: manager(name),
        force: false,
        now,
    }
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn stored(mut object: Value) -> Value {
    object["metadata"]["uid"] = json!("u");
    object
}

fn apply_as(live: Option<&Value>, name: &str, data: &Value) -> Result<Applied, apply::Error> {
    apply::apply(live, &config_map(data), &options(name, NOW), &config_maps())
}

fn created(name: &str, data: &Value) -> Value {
    let mut object = config_map(data);
    apply::track(None, &mut object, &manager(name), &config_maps(), NOW);
    stored(object)
}

fn entries(object: &Value) -> &Value {
    &object["metadata"]["managedFields"]
}

#[test]
fn nothing_owned_leaves_managed_fields_absent() {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    apply::track(None, &mut object, &manager("m"), &config_maps(), NOW);
    assert_eq!(entries(&object), &Value::Null);
    assert!(object["metadata"].get("managedFields").is_none());
}

#[test]
fn an_object_whose_owners_were_forgotten_stays_untracked() {
    let before = created("m", &json!({"a": "1"}));
    for reset in [json!([{}]), json!([])] {
        let mut after = before.clone();
        after["metadata"]["managedFields"] = reset;
        after["data"]["b"] = json!("2");
        apply::track(Some(&before), &mut after, &manager("m"), &config_maps(), NOW);
        assert_eq!(entries(&after), &Value::Null);
        let mut next = after.clone();
        next["data"]["c"] = json!("3");
        apply::track(Some(&after), &mut next, &manager("m"), &config_maps(), NOW);
        assert_eq!(entries(&next), &Value::Null);
    }
}

#[test]
fn a_client_that_drops_managed_fields_does_not_delete_them() {
    let before = created("m", &json!({"a": "1"}));
    for sent in [None, Some(json!(null)), Some(json!([{"operation": "Melt"}]))] {
        let mut after = before.clone();
        match sent {
            Some(sent) => after["metadata"]["managedFields"] = sent,
            None => managed::strip(&mut after),
        }
        apply::track(
            Some(&before),
            &mut after,
            &manager("other"),
            &config_maps(),
            LATER,
        );
        assert_eq!(entries(&after), entries(&before));
    }
}

#[test]
fn a_client_may_edit_managed_fields_but_not_through_a_subresource() {
    let before = created("m", &json!({"a": "1"}));
    let edited = json!([{"manager": "new", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {}}}}]);
    let mut after = before.clone();
    after["metadata"]["managedFields"] = edited.clone();
    apply::track(Some(&before), &mut after, &manager("m"), &config_maps(), LATER);
    assert_eq!(entries(&after), &edited);

    let mut after = before.clone();
    after["metadata"]["managedFields"] = edited;
    let through = Manager {
        name: "m",
        subresource: "status",
    };
    apply::track(Some(&before), &mut after, &through, &config_maps(), LATER);
    assert_eq!(entries(&after), entries(&before));
}

#[test]
fn first_apply_to_an_untracked_object_records_its_past() {
    let live = stored(config_map(&json!({"a": "1", "b": "2"})));
    let error = apply_as(Some(&live), "m", &json!({"a": "changed"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.a"
    );
    let applied = apply_as(Some(&live), "m", &json!({"a": "1"})).unwrap();
    let names: Vec<_> = entries(&applied.object)
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["manager"].clone())
        .collect();
    assert_eq!(names, ["m", "before-first-apply"]);
}

#[test]
fn a_new_owner_of_unchanged_values_has_no_time() {
    let live = created("m", &json!({"a": "1"}));
    let applied = apply_as(Some(&live), "second", &json!({"a": "1"})).unwrap();
    assert!(!applied.changed);
    assert_eq!(entries(&applied.object)[0].get("time"), None);
    assert_eq!(entries(&applied.object)[1]["time"], json!(NOW));
}

#[test]
fn the_time_of_an_entry_moves_only_with_its_object() {
    let first = stored(apply_as(None, "m", &json!({"a": "1"})).unwrap().object);
    let config = config_map(&json!({"a": "1"}));
    let again = apply::apply(Some(&first), &config, &options("m", LATER), &config_maps()).unwrap();
    assert_eq!(again.object, first);
    let mut updated = first.clone();
    apply::track(Some(&first), &mut updated, &manager("u"), &config_maps(), LATER);
    assert_eq!(updated, first);
}

#[test]
fn writes_that_only_move_times_are_told() {
    let first = created("m", &json!({"a": "1"}));
    let mut later = first.clone();
    later["metadata"]["managedFields"][0]["time"] = json!(LATER);
    assert!(managed::only_times_differ(&first, &later));
    later["data"]["a"] = json!("2");
    assert!(!managed::only_times_differ(&first, &later));
}

#[test]
fn the_eleventh_updater_merges_the_two_oldest() {
    let mut object = created("m-00", &json!({"k-00": "1"}));
    for at in 1..12 {
        let mut next = object.clone();
        next["data"][format!("k-{at:02}")] = json!("1");
        let now = format!("2024-01-01T00:00:{at:02}Z");
        apply::track(
            Some(&object),
            &mut next,
            &manager(&format!("m-{at:02}")),
            &config_maps(),
            &now,
        );
        object = next;
    }
    let list = entries(&object).as_array().unwrap();
    assert_eq!(list.len(), 10);
    assert_eq!(list[0]["manager"], "ancient-changes");
    assert_eq!(list[0]["time"], "2024-01-01T00:00:02Z");
    assert_eq!(
        list[0]["fieldsV1"],
        json!({"f:data": {".": {}, "f:k-00": {}, "f:k-01": {}, "f:k-02": {}}})
    );
    assert_eq!(list[1]["manager"], "m-03");
}

#[test]
fn kubectl_takes_over_what_it_applied_on_the_clients_side() {
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let mut live = config_map(&json!({"a": "1", "b": "1"}));
    live["metadata"]["annotations"] =
        json!({annotation: config_map(&json!({"a": "1", "b": "other"})).to_string()});
    apply::track(
        None,
        &mut live,
        &manager("kubectl-client-side-apply"),
        &config_maps(),
        NOW,
    );
    let live = stored(live);

    let applied = apply_as(Some(&live), "kubectl", &json!({"a": "2<3"})).unwrap();
    assert_eq!(applied.object["data"], json!({"a": "2<3", "b": "1"}));
    assert_eq!(
        applied.object["metadata"]["annotations"][annotation],
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\\u003c3\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n"
    );
    // What has another value than in the annotation is somebody else's; others than kubectl never take over.
    for (name, data) in [("kubectl", json!({"b": "2"})), ("helm", json!({"a": "2"}))] {
        let error = apply_as(Some(&live), name, &data).unwrap_err();
        assert!(error.to_string().contains("kubectl-client-side-apply"), "{error}");
    }
}

#[test]
fn wrong_kinds_and_wrong_values_are_refused_with_the_servers_texts() {
    let check = |applied: Value, expected: &str| {
        let error = apply::apply(None, &applied, &options("m", NOW), &config_maps()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        json!({"apiVersion": "v1", "kind": "Secret"}),
        "invalid object type: /v1, Kind=Secret",
    );
    check(
        config_map(&json!({"n": 1})),
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.n: expected string, got &value.valueUnstructured{Value:1}",
    );
    check(
        config_map(&json!([1])),
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data: expected map, got &{[1]}",
    );
}

#[test]
fn replicas_move_between_an_object_and_its_scale() {
    let replicas = Replicas {
        api_version: "apps/v1",
        path: &["spec", "replicas"],
    };
    let entry = |manager: &str, operation: &str, fields: Value| {
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": NOW,
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    let object = json!({"metadata": {"managedFields": [
        entry("applier", "Apply", json!({"f:spec": {"f:replicas": {}, "f:paused": {}}})),
        entry("updater", "Update", json!({"f:spec": {"f:replicas": {}}})),
    ]}});
    let object = Managed::of(&object).unwrap();
    let scale = scale::to_scale(&object, replicas);
    assert_eq!(scale.entries.len(), 2);
    assert_eq!(scale::from_scale(&object, scale, replicas), object);

    let scaled = json!({"metadata": {"managedFields": [{"manager": "hpa", "operation": "Update",
        "apiVersion": "autoscaling/v1", "subresource": "scale", "time": LATER, "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
    let after = scale::from_scale(&object, Managed::of(&scaled).unwrap(), replicas)
        .to_list()
        .unwrap();
    assert_eq!(after[0]["fieldsV1"], json!({"f:spec": {"f:paused": {}}}));
    assert_eq!(
        after[1],
        json!({"manager": "hpa", "operation": "Update", "apiVersion": "apps/v1", "subresource": "scale",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}})
    );
}

fn custom(list: &Value) -> CustomType {
    CustomType::parse(
        &json!({"type": "object", "properties": {"spec": {"type": "object", "properties":
        {"list": list, "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}),
    )
    .unwrap()
}

fn apply_custom(ty: &CustomType, live: Option<&Value>, name: &str, spec: &Value) -> Value {
    let target = Target {
        ty: ty.type_ref(),
        api_version: "x.io/v1",
        kind: "X",
        builtin: false,
        reset: &NO_RESET,
    };
    let config = json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec});
    let options = Options {
        force: true,
        ..options(name, NOW)
    };
    stored(apply::apply(live, &config, &options, &target).unwrap().object)
}

#[test]
fn a_list_that_became_atomic_is_owned_as_one() {
    let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
    let atomic = json!({"type": "array", "items": {"type": "string"}});
    let live = apply_custom(&custom(&set), None, "m", &json!({"list": ["a"]}));
    assert_eq!(
        entries(&live)[0]["fieldsV1"],
        json!({"f:spec": {"f:list": {"v:\"a\"": {}}}})
    );
    let live = apply_custom(&custom(&atomic), Some(&live), "other", &json!({"any": {"x": 1}}));
    assert_eq!(entries(&live)[0]["fieldsV1"], json!({"f:spec": {"f:list": {}}}));
}

#[test]
fn untyped_values_are_deduced() {
    let ty = custom(&json!({"type": "array", "items": {"type": "string"}}));
    let live = apply_custom(
        &ty,
        None,
        "m",
        &json!({"any": {"map": {"a": 1}, "list": [1, {"b": 2}]}}),
    );
    assert_eq!(
        entries(&live)[0]["fieldsV1"],
        json!({"f:spec": {"f:any": {"f:list": {}, "f:map": {".": {}, "f:a": {}}}}})
    );
    let live = apply_custom(&ty, Some(&live), "n", &json!({"any": {"map": {"c": 1}}}));
    let live = apply_custom(&ty, Some(&live), "m", &json!({"any": {"map": "scalar"}}));
    assert_eq!(live["spec"], json!({"any": {"map": "scalar"}}));
}

#[test]
fn merged_lists_keep_the_applied_order() {
    let ty = custom(&json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}));
    for (live, applied, expected) in [
        ("a b c", "c a", "b c a"),
        ("a b c", "x", "a b c x"),
        ("a b c", "b x c", "a b x c"),
        ("a b c d", "d x a", "b c d x a"),
    ] {
        let list = |text: &str| json!({"list": text.split(' ').collect::<Vec<_>>()});
        let first = apply_custom(&ty, None, "m", &list(live));
        let merged = apply_custom(&ty, Some(&first), "n", &list(applied));
        assert_eq!(merged["spec"], list(expected), "{live} + {applied}");
    }
}

#[test]
fn what_is_emptied_but_still_applied_is_left_out() {
    let first = stored(apply_as(None, "m", &json!({"a": "1"})).unwrap().object);
    let second = apply_as(Some(&first), "m", &json!({})).unwrap();
    assert_eq!(second.object.get("data"), None);
    assert_eq!(entries(&second.object)[0]["fieldsV1"], json!({"f:data": {}}));
}
