//! Who has to go for a more urgent pod.

use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::cluster::{Cluster, node, placed, pod, with};

fn running(name: &str, cpu: &str, node: &str, priority: i64) -> Value {
    let start = json!({"spec": {"priority": priority}, "status": {"startTime": "1970-01-01T00:00:00Z"}});
    with(placed(pod(name, cpu), node), &start)
}

fn urgent(cpu: &str) -> Value {
    with(pod("p", cpu), &json!({"spec": {"priority": 100}}))
}

/// The pods that are deleted for one of priority 100, and where it goes.
#[track_caller]
fn check(nodes: &[&str], pods: &[Value], cpu: &str, expected: (&[&str], &str)) {
    let nodes: Vec<_> = nodes.iter().map(|name| node(name)).collect();
    let mut cluster = Cluster::of(&nodes);
    for pod in pods {
        cluster.put(Kind::POD, pod.clone());
    }
    cluster.put(Kind::POD, urgent(cpu));
    cluster.settle();
    let there = |pod: &&Value| cluster.world.find(&Kind::POD, "n", meta::name(pod)).is_some();
    let gone: Vec<_> = pods.iter().filter(|pod| !there(pod)).map(meta::name).collect();
    assert_eq!((gone.as_slice(), cluster.node_of("p")), expected);
}

#[test]
fn the_fewest_and_least_urgent_pods_go() {
    check(&["a"], &[running("x", "4", "a", 0)], "1", (&["x"], "a"));
    check(&["a"], &[running("x", "4", "a", 100)], "1", (&[], ""));
    check(
        &["a"],
        &[running("x", "2", "a", 1), running("y", "2", "a", 0)],
        "2",
        (&["y"], "a"),
    );
    check(
        &["a"],
        &[running("x", "2", "a", 0), running("y", "2", "a", 0)],
        "4",
        (&["x", "y"], "a"),
    );
    check(
        &["a", "b"],
        &[running("x", "4", "a", 5), running("y", "4", "b", 1)],
        "1",
        (&["y"], "b"),
    );
    let two = [
        running("x", "2", "a", 1),
        running("y", "2", "a", 1),
        running("z", "4", "b", 1),
    ];
    check(&["a", "b"], &two, "4", (&["z"], "b"));
    // Of equals, the one that has run for a shorter time.
    let late = json!({"status": {"startTime": "1970-01-01T00:01:00Z"}});
    let pair = [running("x", "2", "a", 0), with(running("y", "2", "a", 0), &late)];
    check(&["a"], &pair, "2", (&["y"], "a"));
}

#[test]
fn a_used_up_budget_is_spared() {
    let mut cluster = Cluster::of(&[node("a"), node("b")]);
    let kept = with(
        running("x", "4", "a", 0),
        &json!({"metadata": {"labels": {"app": "kept"}}}),
    );
    cluster.put(Kind::POD, kept);
    cluster.put(Kind::POD, running("y", "4", "b", 50));
    cluster.put(
        Kind::POD_DISRUPTION_BUDGET,
        json!({
            "metadata": {"name": "b", "namespace": "n"},
            "spec": {"selector": {"matchLabels": {"app": "kept"}}},
            "status": {"disruptionsAllowed": 0},
        }),
    );
    cluster.put(Kind::POD, urgent("1"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "b");
}

#[test]
fn the_pod_waits_for_its_victims_and_keeps_the_room() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.graceful = true;
    cluster.put(Kind::POD, running("x", "4", "a", 0));
    cluster.put(Kind::POD, urgent("3"));
    cluster.settle();
    assert_eq!(cluster.pod("p")["status"]["nominatedNodeName"], "a");
    assert_eq!(
        cluster.message("p"),
        "0/1 nodes are available: 1 Insufficient cpu."
    );
    let condition = &cluster.pod("x")["status"]["conditions"][0];
    assert_eq!(condition["type"], "DisruptionTarget");
    assert_eq!(condition["status"], "True");
    assert_eq!(condition["reason"], "PreemptionByScheduler");
    assert_eq!(
        condition["message"],
        "default-scheduler: preempting to accommodate a higher priority pod"
    );
    let said = (
        "x".to_owned(),
        "Preempted",
        "Preempted by pod uid-p on node a".to_owned(),
    );
    assert!(cluster.events.contains(&said), "{:?}", cluster.events);
    // Another look changes nothing while the victim is on its way out.
    cluster.pass(301);
    assert!(
        cluster
            .message("p")
            .ends_with("preemption: not eligible due to a terminating pod on the nominated node.")
    );
    // A less urgent pod does not take the room.
    cluster.put(Kind::POD, pod("q", "3"));
    cluster.remove(Kind::POD, "n", "x");
    cluster.settle();
    assert_eq!((cluster.node_of("p"), cluster.node_of("q")), ("a", ""));
}

#[test]
fn urgent_pods_go_first() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::POD, pod("q", "3"));
    cluster.put(Kind::POD, urgent("3"));
    cluster.settle();
    assert_eq!((cluster.node_of("p"), cluster.node_of("q")), ("a", ""));
}
