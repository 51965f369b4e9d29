//! The taints that follow from a node's conditions and from `spec.unschedulable`.

use jiff::Timestamp;
use objects::control::Action;
use objects::{Key, condition, meta, time};
use serde_json::{Value, json};

/// Condition, the status that calls for a taint, the taint, and whether pods that are there must go, too.
const BY_CONDITION: &[(&str, &str, &str, bool)] = &[
    ("Ready", "False", "node.kubernetes.io/not-ready", true),
    ("Ready", "Unknown", "node.kubernetes.io/unreachable", true),
    (
        "MemoryPressure",
        "True",
        "node.kubernetes.io/memory-pressure",
        false,
    ),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure", false),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure", false),
    (
        "NetworkUnavailable",
        "True",
        "node.kubernetes.io/network-unavailable",
        false,
    ),
];

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// The patch that gives a node the taints it should have, if it has others. A node that has never reported keeps the
/// taint it was made with.
pub(super) fn plan(key: &Key, node: &Value, now: Timestamp) -> Option<Action> {
    let wanted = wanted(node);
    let old = meta::list_at(node, "/spec/taints");
    let reported = condition::find(node, "Ready").is_some();
    let ours = |taint: &str| {
        taint == UNSCHEDULABLE || reported && BY_CONDITION.iter().any(|(_, _, one, _)| *one == taint)
    };
    let same = |taint: &Value, (name, effect): &(&str, &str)| {
        meta::text(taint, "key") == *name && meta::text(taint, "effect") == *effect
    };
    let mut next: Vec<Value> = old
        .iter()
        .filter(|taint| !ours(meta::text(taint, "key")) || wanted.iter().any(|one| same(taint, one)))
        .cloned()
        .collect();
    for one in &wanted {
        if !next.iter().any(|taint| same(taint, one)) {
            next.push(json!({"key": one.0, "effect": one.1, "timeAdded": time::seconds(now)}));
        }
    }
    if next == old {
        return None;
    }
    let taints = if next.is_empty() { Value::Null } else { json!(next) };
    Some(Action::Patch {
        key: key.clone(),
        subresource: None,
        patch: json!({
            "metadata": {"resourceVersion": meta::resource_version(node)},
            "spec": {"taints": taints},
        }),
    })
}

fn wanted(node: &Value) -> Vec<(&'static str, &'static str)> {
    let mut wanted = Vec::new();
    if node.pointer("/spec/unschedulable") == Some(&json!(true)) {
        wanted.push((UNSCHEDULABLE, "NoSchedule"));
    }
    for (kind, status, taint, evicts) in BY_CONDITION {
        let found = condition::find(node, kind);
        if found.is_some_and(|found| meta::text(found, "status") == *status) {
            wanted.push((taint, "NoSchedule"));
            if *evicts {
                wanted.push((taint, "NoExecute"));
            }
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use objects::Kind;

    use super::*;

    fn taints(node: &Value) -> Option<Vec<String>> {
        let key = Key::new(Kind::NODE, "", "one");
        let action = plan(&key, node, Timestamp::UNIX_EPOCH)?;
        let Action::Patch { patch, .. } = action else {
            panic!("{action:?}");
        };
        let show = |taint: &Value| format!("{}:{}", meta::text(taint, "key"), meta::text(taint, "effect"));
        Some(meta::list_at(&patch, "/spec/taints").iter().map(show).collect())
    }

    #[test]
    fn taints_follow_conditions_and_leave_others_alone() {
        let own = json!({"key": "k", "value": "v", "effect": "NoSchedule"});
        let fresh = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
        let ready = |status: &str| json!({"conditions": [{"type": "Ready", "status": status}]});
        for (node, expected) in [
            (json!({"spec": {"taints": [fresh]}}), None),
            (
                json!({"spec": {"taints": [fresh, own]}, "status": ready("True")}),
                Some(vec!["k:NoSchedule"]),
            ),
            (
                json!({"spec": {"unschedulable": true}, "status": ready("True")}),
                Some(vec!["node.kubernetes.io/unschedulable:NoSchedule"]),
            ),
            (
                json!({"spec": {"taints": [own]}, "status": ready("Unknown")}),
                Some(vec![
                    "k:NoSchedule",
                    "node.kubernetes.io/unreachable:NoSchedule",
                    "node.kubernetes.io/unreachable:NoExecute",
                ]),
            ),
            (json!({"spec": {"taints": [own]}, "status": ready("True")}), None),
        ] {
            let expected = expected.map(|all: Vec<&str>| all.into_iter().map(str::to_owned).collect());
            assert_eq!(taints(&node), expected, "{node}");
        }
    }
}
