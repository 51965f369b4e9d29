//! Replays recorded steps of a real API server on plain objects: patches, applies and their managed fields.
//!
//! The files under `tests/recorded` are requests and the answers that a Kubernetes 1.35 control plane gave. What
//! needs a server (routing, options, validation) is left out by name.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::replay::World;

/// Steps that are about the server around patches and applies.
const NEEDS_SERVER: &[&str] = &[
    "no-field-manager-422",
    "dry-run-create",
    "dry-run-nothing",
    "scale-takes-replicas",
    "scale-ownership",
    "patch-wrong-type-415",
    "patch-missing-404",
    "patch-stale-rv-409",
    "patch-rename-400",
    "patch-status",
    "cr-strat-415",
    "cr-invalid-422",
    "merge-malformed-400",
];

fn replay(file: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let scenario = read(&folder.join(file));
    let golden = read(&folder.join("golden").join(file));
    let mut world = World::default();
    let mut wrong = Vec::new();
    let mut done = 0;
    for step in scenario["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        if NEEDS_SERVER.contains(&name) {
            continue;
        }
        let answer = world.run(step);
        done += 1;
        for (path, expected) in golden[name].as_object().unwrap() {
            let Some(got) = answer.view(path) else { continue };
            if sorted(&got) != sorted(expected) {
                wrong.push(format!("{name}: {path}\n  want {expected}\n  got  {got}"));
            }
        }
    }
    assert!(done > 10, "only {done} steps were replayed");
    wrong
}

/// Entries are compared without their order, which depends on the times.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| {
                    let mut field = sorted(field);
                    if name == "managedFields" {
                        order(&mut field);
                    }
                    (name.clone(), field)
                })
                .collect(),
        ),
        Value::Array(items) => {
            let mut list = Value::Array(items.iter().map(sorted).collect());
            if items.iter().all(|item| item.get("fieldsType").is_some()) {
                order(&mut list);
            }
            list
        }
        other => other.clone(),
    }
}

fn order(list: &mut Value) {
    if let Some(items) = list.as_array_mut() {
        let mut by_text: BTreeMap<String, Value> = BTreeMap::new();
        for item in items.drain(..) {
            by_text.insert(item.to_string(), item);
        }
        items.extend(by_text.into_values());
    }
}

#[test]
fn applies_are_answered_as_recorded() {
    let wrong = replay("ssa.json");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn patches_are_answered_as_recorded() {
    let wrong = replay("patches.json");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
