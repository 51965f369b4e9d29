//! Discovery and OpenAPI against the answers recorded from a real 1.35 API server.

use minicluster::schema::resources::STORED;
use minicluster::schema::{OpenApi, Resource, Table, discovery, openapi};
use serde_json::{Value, json};

const RECORDED: &str = include_str!("../conformance/discovery.json");

/// Compares what was recorded at each path (`body.items[metadata.name=apps].versions`) of a step's answer.
fn check(step: &str, answer: &Value) {
    let recorded: Value = serde_json::from_str(RECORDED).expect("the recorded answers are JSON");
    let mut steps = recorded["steps"].as_array().into_iter().flatten();
    let step = steps.find(|one| one["name"] == step);
    let step = step
        .and_then(|one| one["answer"].as_object())
        .expect("the step was recorded");
    let paths = step.iter().filter(|(path, _)| path.starts_with("body"));
    for (path, expected) in paths {
        let found = select(answer, path.strip_prefix("body").unwrap_or_default());
        let found = found.unwrap_or_else(|| panic!("nothing at {path}")).clone();
        assert_eq!(&normalise(found), expected, "{path}");
    }
}

/// Follows `.name`, `[0]`, `['name']` and `[field.path=value]`.
fn select<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (inside, rest) = rest.split_once(']')?;
        let next = match inside.split_once('=') {
            Some((field, wanted)) => {
                let pointer = format!("/{}", field.replace('.', "/"));
                value
                    .as_array()?
                    .iter()
                    .find(|item| item.pointer(&pointer).is_some_and(|found| found == wanted))
            }
            None if inside.starts_with('\'') => value.get(inside.trim_matches('\'')),
            None => value.get(inside.parse::<usize>().ok()?),
        };
        return select(next?, rest);
    }
    let rest = path.strip_prefix('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    select(value.get(&rest[..end])?, &rest[end..])
}

/// The recorder replaces hashes; theirs are checked where they are computed.
fn normalise(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (name, value) in map {
                *value = if name == "storageVersionHash" {
                    "<hash>".into()
                } else {
                    normalise(value.take())
                };
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| *value = normalise(value.take())),
        _ => {}
    }
    value
}

#[test]
fn aggregated_discovery_is_the_recorded_one() {
    let resources = Table::get().resources().iter();
    let core = discovery::aggregated(true, resources.clone());
    check("agg-core-workloads", &core);
    check("agg-core-misc", &core);
    let groups = discovery::aggregated(false, resources);
    for step in [
        "agg-apps",
        "agg-rbac",
        "agg-apiextensions",
        "agg-authentication",
        "agg-policy",
    ] {
        check(step, &groups);
    }
}

#[test]
fn plain_discovery_is_the_recorded_one() {
    let resources = Table::get().resources().iter();
    check("apis-plain-apps", &discovery::group_list(resources.clone()));
    check(
        "group-apps",
        &discovery::group("apps", resources.clone()).expect("apps is served"),
    );
    let steps = [
        ("plain-apps", "apps/v1"),
        ("plain-rbac", "rbac.authorization.k8s.io/v1"),
        ("plain-networking", "networking.k8s.io/v1"),
        ("plain-authz", "authorization.k8s.io/v1"),
        ("core-v1-pods", "v1"),
    ];
    for (step, group_version) in steps {
        check(step, &discovery::resource_list(group_version, resources.clone()));
    }
}

#[test]
fn openapi_v3_is_the_recorded_one() {
    let documents = OpenApi::new(Table::get());
    let document: Value =
        serde_json::from_slice(documents.document("apis/apps/v1").expect("apps is served")).expect("JSON");
    check("openapi-v3-apps-deploymentspec", &document);
    let index: Value = serde_json::from_slice(&openapi::index(documents.entries())).expect("JSON");
    let url = index
        .pointer("/paths/api~1v1/serverRelativeURL")
        .and_then(Value::as_str)
        .expect("the core group");
    assert!(url.starts_with("/openapi/v3/api/v1?hash="), "{url}");
    let again = OpenApi::new(Table::get());
    assert!(documents.entries().eq(again.entries()), "hashes are stable");
}

#[test]
fn every_openapi_document_refers_only_to_what_it_holds() {
    for minor in [33, 34, 35] {
        let documents = OpenApi::new(Table::of(minor).expect("a version of the table"));
        for entry in documents.entries() {
            let document = documents.document(&entry.path).expect("an entry has a document");
            let document: Value = serde_json::from_slice(document).expect("JSON");
            references(&document, &mut |reference| {
                let found = reference
                    .strip_prefix('#')
                    .and_then(|pointer| document.pointer(pointer));
                assert!(found.is_some(), "1.{minor} {}: {reference}", entry.path);
            });
        }
        let v2: Value = serde_json::from_slice(documents.v2()).expect("JSON");
        references(&v2, &mut |reference| {
            assert!(
                reference
                    .strip_prefix('#')
                    .and_then(|pointer| v2.pointer(pointer))
                    .is_some(),
                "{reference}"
            );
        });
    }
}

#[test]
fn a_custom_kind_is_documented_with_what_every_object_has() {
    let text = |text: &str| text.to_owned();
    let resource = Resource {
        group: text("crd.conf.example.com"),
        version: text("v1"),
        kind: text("Widget"),
        plural: text("widgets"),
        singular: text("widget"),
        short_names: vec![],
        categories: vec![],
        namespaced: true,
        verbs: STORED.split(' ').map(text).collect(),
        subresources: vec![],
        storage: None,
        custom: true,
    };
    let schema = json!({"type": "object", "required": ["spec"], "properties": {"spec": {"type": "object"}}});
    let kind = openapi::CustomKind {
        resource: &resource,
        list_kind: "WidgetList",
        schema: &schema,
    };
    let (entry, document) = openapi::custom_document(Table::get(), ("crd.conf.example.com", "v1"), &[kind]);
    assert_eq!(entry.path, "apis/crd.conf.example.com/v1");
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let widget = &document["components"]["schemas"]["com.example.conf.crd.v1.Widget"];
    // As recorded in the step crd/openapi-v3.
    assert_eq!(widget["required"], json!(["spec"]));
    let expected = json!([{"group": "crd.conf.example.com", "kind": "Widget", "version": "v1"}]);
    assert_eq!(widget["x-kubernetes-group-version-kind"], expected);
    let patch =
        &document["paths"]["/apis/crd.conf.example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"], expected[0]);
    assert!(
        patch["parameters"]
            .as_array()
            .is_some_and(|list| list.iter().any(|p| p["name"] == "fieldValidation"))
    );
    references(&document, &mut |reference| {
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer));
        assert!(found.is_some(), "{reference}");
    });
}

fn references(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                check(reference);
            }
            map.values().for_each(|value| references(value, check));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, check)),
        _ => {}
    }
}
