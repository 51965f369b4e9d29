//! Which pods look again because of a change, and how few.

use objects::Kind;
use serde_json::json;

use crate::cluster::{Cluster, node, placed, pod, pod_with, with};

#[test]
fn a_change_that_helps_brings_a_pod_back() {
    let taint = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
    let tainted = with(node("a"), &taint);
    let small = with(node("a"), &json!({"status": {"allocatable": {"cpu": "10m"}}}));
    for before in [None, Some(tainted), Some(small)] {
        let mut cluster = Cluster::of(&[]);
        if let Some(node) = before {
            cluster.put(Kind::NODE, node);
        }
        cluster.put(Kind::POD, pod("p", "100m"));
        cluster.settle();
        assert_eq!(cluster.node_of("p"), "");
        cluster.put(Kind::NODE, node("a"));
        cluster.settle();
        assert_eq!(cluster.node_of("p"), "a");
    }
}

#[test]
fn pods_that_were_waited_for_bring_a_pod_back() {
    let near = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}},
    ]}}});
    let mut cluster = Cluster::of(&[node("a"), node("b")]);
    cluster.put(Kind::POD, pod_with("p", &near));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    let db = with(
        placed(pod("x", "1"), "b"),
        &json!({"metadata": {"labels": {"app": "db"}}}),
    );
    cluster.put(Kind::POD, db);
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "b");
}

#[test]
fn one_place_that_gets_free_wakes_two_pods_not_all() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, placed(pod("x", "4"), "a"));
    for number in 0..200 {
        cluster.put(Kind::POD, pod(&format!("p{number:03}"), "4"));
    }
    cluster.settle();
    assert_eq!(cluster.bound, []);
    let before = cluster.decisions;
    cluster.remove(Kind::POD, "n", "x");
    cluster.settle();
    assert_eq!(cluster.bound, [("p000".to_owned(), "a".to_owned())]);
    // The one that fits, the next of its kind, and turns that find nothing to do.
    let asked = cluster.decisions - before;
    assert!(asked <= 4, "{asked} decisions");
}

#[test]
fn a_chain_of_pods_fills_a_new_node() {
    let mut cluster = Cluster::of(&[]);
    for number in 0..20 {
        cluster.put(Kind::POD, pod(&format!("p{number:02}"), "1"));
    }
    cluster.settle();
    cluster.put(Kind::NODE, node("a"));
    cluster.settle();
    assert_eq!(cluster.bound.len(), 4);
    cluster.put(Kind::NODE, node("b"));
    cluster.settle();
    assert_eq!(cluster.bound.len(), 8);
}

#[test]
fn a_heartbeat_of_a_node_wakes_nobody() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, pod("p", "5"));
    cluster.settle();
    let before = cluster.decisions;
    cluster.put(
        Kind::NODE,
        with(node("a"), &json!({"status": {"conditions": [{"type": "Ready"}]}})),
    );
    cluster.settle();
    assert_eq!(cluster.decisions, before);
}

#[test]
fn a_pod_whose_rules_change_looks_again() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, pod("p", "5"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    cluster.put(Kind::POD, pod("p", "1"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");
}

#[test]
fn deleted_pods_leave_no_trace() {
    let mut cluster = Cluster::of(&[node("a")]);
    for name in ["p", "q"] {
        cluster.put(Kind::POD, pod(name, "5"));
    }
    cluster.settle();
    cluster.remove(Kind::POD, "n", "p");
    cluster.remove(Kind::POD, "n", "q");
    cluster.settle();
    assert_eq!(cluster.scheduler.waiting(), 0);
}

#[test]
fn pods_on_a_node_that_comes_back_still_take_room() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, placed(pod("x", "4"), "a"));
    cluster.remove(Kind::NODE, "", "a");
    cluster.put(Kind::POD, pod("p", "1"));
    cluster.settle();
    cluster.put(Kind::NODE, node("a"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    assert!(cluster.message("p").contains("1 Insufficient cpu"));
}
