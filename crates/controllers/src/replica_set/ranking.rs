//! Which pods go first when there are too many: those whose loss is felt least.
//!
//! In this order: not bound to a node; pending before unknown before running; not ready; a low
//! `controller.kubernetes.io/pod-deletion-cost`; on a node with many of its kind; ready since recently; restarted
//! often; created recently. Ages are compared by their order of magnitude, so that a rollout's pods don't all die
//! in the order of their birth; between equals the uid decides, which is as good as chance.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use jiff::Timestamp;
use objects::meta;
use serde_json::Value;

use crate::pod;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The pods to delete, `count` of them. `related` are all pods that serve the same purpose.
pub(super) fn victims<'a>(
    active: &[&'a Value],
    related: &[&'a Value],
    count: usize,
    now: Timestamp,
) -> Vec<&'a Value> {
    if count >= active.len() {
        return active.to_vec();
    }
    let mut neighbours: HashMap<&str, usize> = HashMap::new();
    for pod in related.iter().filter(|pod| pod::is_active(pod)) {
        *neighbours.entry(pod::node(pod)).or_default() += 1;
    }
    let mut ranked: Vec<_> = active
        .iter()
        .map(|pod| (rank(pod, &neighbours, now), *pod))
        .collect();
    ranked.sort_by_key(|(one, _)| *one);
    ranked.into_iter().take(count).map(|(_, pod)| pod).collect()
}

/// What is compared, in its order.
type Rank<'a> = (
    (bool, u8, bool, i64),
    (Reverse<usize>, i64, Reverse<i64>, i64),
    &'a str,
);

fn rank<'a>(pod: &'a Value, neighbours: &HashMap<&str, usize>, now: Timestamp) -> Rank<'a> {
    let node = pod::node(pod);
    let cost = meta::annotation(pod, DELETION_COST).and_then(|cost| cost.parse::<i32>().ok());
    let phase = match pod::phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    (
        (
            !node.is_empty(),
            phase,
            pod::is_ready(pod),
            cost.map_or(0, i64::from),
        ),
        (
            Reverse(neighbours.get(node).copied().unwrap_or_default()),
            magnitude(pod::ready_since(pod), now),
            Reverse(pod::restarts(pod)),
            magnitude(meta::created(pod), now),
        ),
        meta::uid(pod),
    )
}

/// The order of magnitude of an age; what has no beginning is younger than all.
fn magnitude(since: Option<Timestamp>, now: Timestamp) -> i64 {
    let age = since.map_or(0, |since| now.duration_since(since).as_nanos());
    match age.cmp(&0) {
        Ordering::Greater => i64::from(age.ilog2()),
        Ordering::Less | Ordering::Equal => -1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(uid: &str, node: &str, change: &Value) -> Value {
        let mut pod = json!({
            "metadata": {"uid": uid, "name": uid, "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {}},
            "spec": {"nodeName": node},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        });
        for (pointer, value) in change.as_object().into_iter().flatten() {
            *pod.pointer_mut(pointer).expect("a field of the pod above") = value.clone();
        }
        pod
    }

    #[test]
    fn the_least_useful_pod_goes_first() {
        let now = "2026-01-01T10:00:00Z".parse().expect("a time");
        let cost = json!({DELETION_COST: "-5"});
        let restarted = json!({"phase": "Running", "containerStatuses": [{"restartCount": 3}], "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        ]});
        let plain = json!({});
        // Each of the second is worth less than any of the first.
        for (better, worse) in [
            (pod("a", "n", &plain), pod("b", "", &plain)),
            (
                pod("a", "n", &plain),
                pod("b", "n", &json!({"/status/phase": "Pending"})),
            ),
            (
                pod("a", "n", &plain),
                pod("b", "n", &json!({"/status/conditions/0/status": "False"})),
            ),
            (
                pod("a", "n", &plain),
                pod("b", "n", &json!({"/metadata/annotations": cost})),
            ),
            (
                pod("a", "n", &plain),
                pod(
                    "b",
                    "n",
                    &json!({"/status/conditions/0/lastTransitionTime": "2026-01-01T09:59:00Z"}),
                ),
            ),
            (
                pod("a", "n", &plain),
                pod("b", "n", &json!({"/status": restarted})),
            ),
            (
                pod("a", "n", &plain),
                pod(
                    "b",
                    "n",
                    &json!({"/metadata/creationTimestamp": "2026-01-01T09:59:00Z"}),
                ),
            ),
        ] {
            let active = [&better, &worse];
            let victims = victims(&active, &active, 1, now);
            assert_eq!(victims, [&worse], "{worse}");
        }
    }

    #[test]
    fn a_node_with_several_gives_one_up() {
        let now = "2026-01-01T10:00:00Z".parse().expect("a time");
        let pods = [
            pod("a", "alone", &json!({})),
            pod("b", "shared", &json!({})),
            pod("c", "shared", &json!({})),
        ];
        let active: Vec<_> = pods.iter().collect();
        assert_eq!(meta::uid(victims(&active, &active, 1, now)[0]), "b");
    }
}
