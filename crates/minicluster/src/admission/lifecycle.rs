//! Namespaces that must exist and stay, the classes that every cluster has, and the taint of a new node.

use serde_json::{Value, json};

use super::{Lookup, Operation, Refusal, Request, list, list_mut, text};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// Refuses new objects of a namespace that is not there or going.
pub(super) fn namespace(request: &Request<'_>, lookup: &dyn Lookup) -> Result<(), Refusal> {
    if request.namespace.is_empty() || request.operation != Operation::Create {
        return Ok(());
    }
    let Some(namespace) = lookup.get("", "namespaces", "", request.namespace) else {
        return Err(Refusal::NoNamespace(request.namespace.to_owned()));
    };
    let going = namespace
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(Value::is_string);
    if going {
        return Err(Refusal::Terminating(request.namespace.to_owned()));
    }
    Ok(())
}

/// Whether an object may be deleted.
///
/// # Errors
/// The namespaces that every cluster has stay.
pub fn deletable(group: &str, resource: &str, name: &str) -> Result<(), Refusal> {
    if group.is_empty() && resource == "namespaces" && IMMORTAL.contains(&name) {
        return Err(Refusal::Forbidden("this namespace may not be deleted".to_owned()));
    }
    Ok(())
}

/// A node is not ready until its kubelet has said that it is.
pub(super) fn taint_new_node(request: &Request<'_>, node: &mut Value) {
    if !request.creates("nodes") {
        return;
    }
    let taint = json!({"key": NOT_READY, "effect": "NoSchedule"});
    let has = |taints: &[Value]| {
        taints
            .iter()
            .any(|one| text(one, "key") == NOT_READY && text(one, "effect") == "NoSchedule")
    };
    if has(list(&node["spec"], "taints")) {
        return;
    }
    if !node["spec"].is_object() {
        node["spec"] = json!({});
    }
    if let Some(taints) = list_mut(&mut node["spec"], "taints") {
        taints.push(taint);
    }
}

/// The PriorityClasses that every cluster has.
#[must_use]
pub fn system_priority_classes() -> [Value; 2] {
    let class = |name: &str, value: u32, about: &str| {
        json!({
            "metadata": {"name": name, "generation": 1},
            "value": value,
            "description": about,
            "preemptionPolicy": "PreemptLowerPriority",
        })
    };
    [
        class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if \
             necessary.",
        ),
    ]
}
