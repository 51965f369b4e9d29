//! Patches give what kubectl 1.35 makes of them: `tests/recorded/kubectl.json` holds documents, patches and the
//! results or errors of `kubectl patch --local`, which runs the API server's own patch code.

use minicluster::patch;
use minicluster::schema::Table;
use serde_json::{Value, json};

fn patched(document: &Value, kind: &str, patch: &Value) -> Result<Value, patch::Error> {
    let mut document = document.clone();
    match kind {
        "json" => patch::json::apply(&mut document, patch)?,
        "merge" => patch::merge::apply(&mut document, patch.clone())?,
        _ => {
            let (group, version) = match document["apiVersion"].as_str().unwrap() {
                "v1" => ("", "v1"),
                other => other.split_once('/').unwrap(),
            };
            let ty = Table::get()
                .kind(group, version, document["kind"].as_str().unwrap())
                .unwrap();
            patch::strategic::apply(&mut document, patch.clone(), ty)?;
        }
    }
    Ok(document)
}

#[test]
fn patches_give_what_kubectl_gives() {
    let cases: Value = serde_json::from_str(include_str!("../recorded/kubectl.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let (kind, patch) = (case["type"].as_str().unwrap(), &case["patch"]);
        match (patched(&case["doc"], kind, patch), case.get("error")) {
            (Ok(result), None) => assert_eq!(result, case["result"], "{patch}"),
            // The API server does not send the texts of JSON patch's errors.
            (Err(patch::Error::Unprocessable(_)), Some(_)) if kind == "json" => {}
            (Err(error), Some(expected)) => assert_eq!(error.to_string().trim(), expected, "{patch}"),
            (got, expected) => panic!("{patch}: got {got:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn taints_have_no_merge_key_so_a_directive_becomes_a_taint() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}});
    let patch = json!({"spec": {"taints": [{"key": "a", "$patch": "delete"}]}});
    let result = patched(&node, "strategic", &patch).unwrap();
    assert_eq!(result["spec"], patch["spec"]);
}

#[test]
fn bad_directives_are_bad_requests() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "spec": {"unschedulable": true}});
    for (patch, expected) in [
        (json!({"$retainKeys": "x"}), "invalid patch format of retainKeys"),
        (
            json!({"$deleteFromPrimitiveList": []}),
            "invalid patch format of primitive list",
        ),
        (
            json!({"$setElementOrder": []}),
            "invalid patch format of setElementOrder list",
        ),
        (
            json!([]),
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
    ] {
        let error = patched(&node, "strategic", &patch).unwrap_err();
        assert_eq!(error, patch::Error::BadRequest(expected.to_owned()));
    }
}
