//! The pods of a DaemonSet: how they are made, and for which node each one is.

use std::collections::HashMap;

use objects::{Kind, World, meta};
use serde_json::{Value, json};

use super::HASH;
use crate::claim::Owner;
use crate::{pod, pod_template};

const GENERATION: &str = "pod-template-generation";
const GENERATION_ANNOTATION: &str = "deprecated.daemonset.template.generation";

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// The taints that a daemon's pods live with, and their effect: what is wrong with a node is often what they are
/// there to see or to cure.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The tolerations of a pod spec with those that every daemon has.
pub(super) fn tolerations(spec: &Value) -> Vec<Value> {
    let mut tolerations = meta::list_at(spec, "/tolerations").to_vec();
    let on_host = spec.get("hostNetwork") == Some(&Value::Bool(true));
    let network = on_host.then_some(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    for (key, effect) in TOLERATED.into_iter().chain(network) {
        let wanted = json!({"key": key, "operator": "Exists", "effect": effect});
        let same = |one: &Value| {
            ["key", "operator", "effect"]
                .into_iter()
                .all(|field| meta::text(one, field) == meta::text(&wanted, field))
        };
        match tolerations.iter_mut().find(|one| same(one)) {
            Some(one) => *one = wanted,
            None => tolerations.push(wanted),
        }
    }
    tolerations
}

/// A pod as it is on every node.
pub(super) fn blank(owner: &Owner<'_>, hash: &str) -> Value {
    let set = owner.object;
    let template = set.pointer("/spec/template").unwrap_or(&Value::Null);
    let mut pod = pod_template::pod(template, set, owner.api_version, owner.kind);
    let labels = meta::map_mut(&mut pod, &["metadata", "labels"]);
    labels.insert(HASH.to_owned(), json!(hash));
    if let Some(generation) = meta::annotation(set, GENERATION_ANNOTATION) {
        labels.insert(GENERATION.to_owned(), json!(generation));
    }
    pod["spec"]["tolerations"] = json!(tolerations(&pod["spec"]));
    pod
}

/// The pod for a node. It may run nowhere else; what the template asked of nodes has been seen to already.
pub(super) fn bound_for(blank: &Value, node: &str) -> Value {
    let mut pod = blank.clone();
    let affinity = meta::map_mut(&mut pod, &["spec", "affinity", "nodeAffinity", REQUIRED]);
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    affinity.insert("nodeSelectorTerms".to_owned(), json!([term]));
    pod
}

/// Pods by the node that they are bound to or made for; the bound ones first, then the oldest.
pub(super) fn by_node<'a>(pods: &[&'a Value]) -> HashMap<&'a str, Vec<&'a Value>> {
    let mut by_node: HashMap<&str, Vec<&Value>> = HashMap::new();
    for pod in pods {
        by_node.entry(target(pod)).or_default().push(pod);
    }
    for pods in by_node.values_mut() {
        pods.sort_by_key(|pod| (pod::node(pod).is_empty(), meta::created(pod), meta::name(pod)));
    }
    by_node
}

/// Pods that wait for a node which is gone: nothing else would ever end them.
pub(super) fn without_node<'a>(world: &World, pods: &[&'a Value]) -> Vec<&'a Value> {
    let waiting = pods
        .iter()
        .copied()
        .filter(|pod| pod::node(pod).is_empty() && !meta::is_deleted(pod));
    waiting
        .filter(|pod| world.find(&Kind::NODE, "", target(pod)).is_none())
        .collect()
}

fn target(pod: &Value) -> &str {
    let node = pod::node(pod);
    if !node.is_empty() {
        return node;
    }
    let required = pod
        .pointer("/spec/affinity/nodeAffinity")
        .and_then(|affinity| affinity.get(REQUIRED));
    let terms = required.map_or(&[][..], |required| meta::list_at(required, "/nodeSelectorTerms"));
    let fields = terms.iter().flat_map(|term| meta::list_at(term, "/matchFields"));
    let mut names = fields.filter(|field| meta::text(field, "key") == "metadata.name");
    names.next().map_or("", |field| meta::text_at(field, "/values/0"))
}
