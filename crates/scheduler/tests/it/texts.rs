//! What the scheduler says, in the real one's words.

use objects::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Trouble, node, placed, pod, pod_with, with};

/// Schedules one pod in vain; its condition must say this.
#[track_caller]
fn check(nodes: &[Value], running: &[Value], wanted: Value, expected: &str) {
    let mut cluster = Cluster::of(nodes);
    for pod in running {
        cluster.put(Kind::POD, pod.clone());
    }
    cluster.put(Kind::POD, wanted);
    cluster.settle();
    assert_eq!(cluster.message("p"), expected);
    let said = ("p".to_owned(), "FailedScheduling", expected.to_owned());
    assert_eq!(cluster.events, [said]);
}

#[test]
fn a_pod_that_fits_nowhere_is_told_why() {
    let five: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|name| node(name)).collect();
    let taint = json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}});
    let mut mixed = five.clone();
    mixed[0] = with(mixed[0].clone(), &taint);
    mixed[1] = with(mixed[1].clone(), &json!({"spec": {"unschedulable": true}}));
    let full: Vec<_> = ["c", "d", "e"]
        .iter()
        .map(|name| placed(pod(&format!("x{name}"), "4"), name))
        .collect();
    let one = &five[..1];
    let port = json!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]});
    let named = json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}],
    }}}});
    let named = with(
        pod_with("p", &named),
        &json!({"spec": {"nodeSelector": {"no": "where"}}}),
    );
    for (nodes, running, wanted, expected) in [
        (
            &[][..],
            &[][..],
            pod("p", "1"),
            "no nodes available to schedule pods",
        ),
        (
            &five,
            &[],
            pod_with("p", &json!({"nodeSelector": {"never": "here"}})),
            "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector. no new claims to \
             deallocate, preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
        ),
        (
            &mixed,
            &full,
            pod("p", "1"),
            "0/5 nodes are available: 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable, 3 \
             Insufficient cpu. no new claims to deallocate, preemption: 0/5 nodes are available: 2 Preemption is not \
             helpful for scheduling, 3 No preemption victims found for incoming pod.",
        ),
        (
            one,
            &[],
            pod("p", "5"),
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are \
             available: 1 Preemption is not helpful for scheduling.",
        ),
        (
            one,
            &[placed(pod_with("x", &port), "a")],
            pod_with("p", &port),
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to \
             deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
        ),
        (
            one,
            &[placed(pod("x", "4"), "a")],
            pod_with("p", &json!({"priority": 5, "preemptionPolicy": "Never"})),
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due \
             to preemptionPolicy=Never.",
        ),
        (
            &five,
            &[],
            named,
            "0/5 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 4 node(s) didn't satisfy \
             plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/5 nodes are available: 5 \
             Preemption is not helpful for scheduling.",
        ),
    ] {
        check(nodes, running, wanted, expected);
    }
}

#[test]
fn the_condition_is_written_as_the_real_one() {
    let mut cluster = Cluster::of(&[]);
    cluster.put(Kind::POD, pod("p", "1"));
    cluster.settle();
    assert_eq!(
        cluster.pod("p")["status"]["conditions"],
        json!([{
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "no nodes available to schedule pods",
            "observedGeneration": 1,
            "lastProbeTime": null,
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }])
    );
}

#[test]
fn a_placed_pod_is_told_where() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, pod("p", "1"));
    cluster.settle();
    let said = (
        "p".to_owned(),
        "Scheduled",
        "Successfully assigned n/p to a".to_owned(),
    );
    assert_eq!(cluster.events, [said]);
}

#[test]
fn a_gated_pod_waits_until_its_gates_are_gone() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(
        Kind::POD,
        pod_with("p", &json!({"schedulingGates": [{"name": "g"}]})),
    );
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    let condition = &cluster.pod("p")["status"]["conditions"][0];
    assert_eq!(condition["reason"], "SchedulingGated");
    assert_eq!(
        cluster.message("p"),
        "Scheduling is blocked due to non-empty scheduling gates"
    );
    assert!(cluster.events.is_empty());
    cluster.put(Kind::POD, pod("p", "100m"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");
}

#[test]
fn a_refused_binding_is_told_and_tried_again() {
    for (trouble, told) in [(Trouble::Refused, true), (Trouble::Overtaken, false)] {
        let mut cluster = Cluster::of(&[node("a")]);
        cluster.trouble = Some(trouble);
        cluster.put(Kind::POD, pod("p", "4"));
        cluster.settle();
        assert_eq!(cluster.node_of("p"), "", "{trouble:?}");
        let text = "running Bind plugin \"DefaultBinder\": no".to_owned();
        assert_eq!(
            cluster
                .events
                .contains(&("p".to_owned(), "FailedScheduling", text)),
            told
        );
        // Its room is free for others, and it comes back.
        cluster.pass(2);
        assert_eq!(cluster.node_of("p"), "a", "{trouble:?}");
    }
}
