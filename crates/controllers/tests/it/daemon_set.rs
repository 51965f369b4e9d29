//! DaemonSets.

use controllers::daemon_set::DaemonSets;
use objects::control::Loop;
use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::harness::{Cluster, set_image, workload};

pub fn loops() -> Vec<Box<dyn Loop>> {
    vec![Box::new(DaemonSets::default())]
}

pub fn agent(update: &Value) -> Value {
    let spec = json!({
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": update},
        "revisionHistoryLimit": 10,
    });
    let mut set = workload("DaemonSet", "agent", "a", &spec);
    set["metadata"]["annotations"] = json!({"deprecated.daemonset.template.generation": "1"});
    set
}

fn with(nodes: usize, update: &Value) -> Cluster {
    let mut cluster = Cluster::new(loops, 5).with_nodes(nodes);
    cluster.create(agent(update));
    cluster.settle();
    cluster
}

/// Node and image of each pod.
fn pods(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.list(&Kind::POD);
    let place = |pod| {
        (
            meta::text_at(pod, "/spec/nodeName"),
            meta::text_at(pod, "/spec/containers/0/image"),
        )
    };
    let mut pods: Vec<_> = pods
        .iter()
        .map(|pod| format!("{} {}", place(pod).0, place(pod).1))
        .collect();
    pods.sort();
    pods
}

#[test]
fn every_node_gets_one_and_the_status_says_so() {
    let cluster = with(3, &json!({"maxUnavailable": 1, "maxSurge": 0}));
    assert_eq!(pods(&cluster), ["node-0 a", "node-1 a", "node-2 a"]);
    let pod = &cluster.list(&Kind::POD)[0];
    let revision = &cluster.list(&Kind::CONTROLLER_REVISION)[0];
    let hash = meta::label(revision, "controller-revision-hash").expect("a hash");
    assert_eq!(
        pod["metadata"]["labels"],
        json!({"app": "agent", "controller-revision-hash": hash, "pod-template-generation": "1"})
    );
    let keys: Vec<_> = meta::list_at(pod, "/spec/tolerations")
        .iter()
        .map(|one| meta::text(one, "key"))
        .collect();
    assert_eq!(
        keys,
        [
            "not-ready",
            "unreachable",
            "disk-pressure",
            "memory-pressure",
            "pid-pressure",
            "unschedulable"
        ]
        .map(|key| format!("node.kubernetes.io/{key}"))
    );
    assert_eq!(
        cluster.get(&Kind::DAEMON_SET, "agent")["status"],
        json!({
            "currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberAvailable": 3,
            "numberMisscheduled": 0, "numberReady": 3, "observedGeneration": 1, "updatedNumberScheduled": 3,
        })
    );
}

#[test]
fn nodes_come_go_and_change() {
    let mut cluster = with(2, &json!({"maxUnavailable": 1}));
    cluster.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-2"}}));
    cluster.settle();
    assert_eq!(pods(&cluster), ["node-0 a", "node-1 a", "node-2 a"]);
    cluster.edit(&Kind::NODE, "node-0", |node| {
        node["spec"] = json!({"taints": [{"key": "k", "effect": "NoExecute"}]});
    });
    cluster.edit(&Kind::NODE, "node-1", |node| {
        node["spec"] = json!({"taints": [{"key": "k", "effect": "NoSchedule"}]});
    });
    cluster.settle();
    assert_eq!(pods(&cluster), ["node-1 a", "node-2 a"]);
    let status = cluster.get(&Kind::DAEMON_SET, "agent")["status"].clone();
    assert_eq!(
        (&status["desiredNumberScheduled"], &status["numberMisscheduled"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn an_update_keeps_within_its_bounds() {
    for update in [
        json!({"maxUnavailable": 1, "maxSurge": 0}),
        json!({"maxUnavailable": 0, "maxSurge": "50%"}),
    ] {
        let mut cluster = with(4, &update);
        cluster.edit(&Kind::DAEMON_SET, "agent", |set| set_image(set, "b"));
        cluster.settle_without_nodes();
        let changed = (
            cluster.told("SuccessfulDelete").len(),
            cluster.told("SuccessfulCreate").len() - 4,
        );
        let surging = update["maxSurge"] == "50%";
        assert_eq!(changed, if surging { (0, 2) } else { (1, 0) }, "{update}");
        cluster.settle();
        assert_eq!(
            pods(&cluster),
            ["node-0 b", "node-1 b", "node-2 b", "node-3 b"],
            "{update}"
        );
    }
}

#[test]
fn a_broken_update_stops_and_can_be_taken_back() {
    let mut cluster = with(3, &json!({"maxUnavailable": 1}));
    cluster.edit(&Kind::DAEMON_SET, "agent", |set| set_image(set, "broken"));
    cluster.settle();
    let broken = pods(&cluster)
        .into_iter()
        .filter(|pod| pod.ends_with("broken"))
        .count();
    assert_eq!(broken, 1);
    cluster.edit(&Kind::DAEMON_SET, "agent", |set| set_image(set, "a"));
    cluster.settle();
    assert_eq!(pods(&cluster), ["node-0 a", "node-1 a", "node-2 a"]);
    assert_eq!(cluster.list(&Kind::CONTROLLER_REVISION).len(), 2);
}

#[test]
fn on_delete_leaves_pods_alone() {
    let mut cluster = with(2, &json!({"maxUnavailable": 1}));
    cluster.edit(&Kind::DAEMON_SET, "agent", |set| {
        set["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
        set_image(set, "b");
    });
    cluster.settle();
    assert_eq!(pods(&cluster), ["node-0 a", "node-1 a"]);
}

#[test]
fn failed_pods_are_replaced_ever_more_slowly() {
    let mut cluster = with(1, &json!({"maxUnavailable": 1}));
    let start = cluster.now;
    for _ in 0..4 {
        let name = meta::name(&cluster.list(&Kind::POD)[0]).to_owned();
        cluster.set_pod(&name, "Failed", false);
        cluster.settle();
    }
    assert_eq!(pods(&cluster), ["node-0 a"]);
    assert_eq!(cluster.told("FailedDaemonPod").len(), 4);
    // At once, then after 1, 2 and 4 seconds.
    assert_eq!(cluster.now.duration_since(start).as_secs(), 7);
}

#[test]
fn a_pod_that_waits_for_a_node_that_is_gone_is_deleted() {
    let mut cluster = Cluster::new(loops, 5);
    cluster.create(agent(&json!({"maxUnavailable": 1})));
    cluster.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0"}}));
    cluster.settle_without_nodes();
    assert_eq!(cluster.list(&Kind::POD).len(), 1);
    cluster.delete(&Kind::NODE, "node-0");
    cluster.settle_without_nodes();
    assert_eq!(cluster.list(&Kind::POD).len(), 0);
}
