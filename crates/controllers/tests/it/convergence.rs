//! Whatever the order, and however often the controllers' process ends in the middle of a plan, the end is the same.

use controllers::daemon_set::DaemonSets;
use controllers::deployment::Deployments;
use controllers::replica_set::ReplicaSets;
use controllers::stateful_set::StatefulSets;
use objects::control::Loop;
use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::harness::{Cluster, set_image};
use crate::{daemon_set, deployment, stateful_set};

/// Enough to find what one order in ten breaks, and still done in a second or two.
const SEEDS: u64 = 20;

fn loops() -> Vec<Box<dyn Loop>> {
    vec![
        Box::new(Deployments),
        Box::new(ReplicaSets::new()),
        Box::new(StatefulSets),
        Box::new(DaemonSets::default()),
    ]
}

/// The end of a story without what chance decides: names of pods, uids, times, and how often a ReplicaSet was resized.
fn outcome(cluster: &Cluster) -> Value {
    let status = |kind: &Kind, name: &str| {
        let mut status = cluster.get(kind, name)["status"].clone();
        let conditions = meta::list_at(&json!({"status": status}), "/status/conditions").to_vec();
        let mut said: Vec<_> = conditions
            .iter()
            .map(|one| json!([one["type"], one["status"], one["reason"]]))
            .collect();
        said.sort_by_key(Value::to_string);
        status["conditions"] = json!(said);
        status
    };
    let mut sets: Vec<_> = cluster
        .list(&Kind::REPLICA_SET)
        .iter()
        .map(|set| {
            let status = &set["status"];
            let counts = [
                &status["replicas"],
                &status["readyReplicas"],
                &status["availableReplicas"],
            ];
            json!([
                meta::name(set),
                set["spec"]["replicas"],
                counts,
                set["metadata"]["annotations"]
            ])
        })
        .collect();
    sets.sort_by_key(Value::to_string);
    let mut pods: Vec<_> = cluster
        .list(&Kind::POD)
        .iter()
        .map(|pod| {
            json!([
                pod["metadata"]["labels"],
                meta::owners(pod)[0]["name"],
                pod["status"]["phase"]
            ])
        })
        .collect();
    pods.sort_by_key(Value::to_string);
    let revisions = cluster.list(&Kind::CONTROLLER_REVISION);
    let revisions: Vec<_> = revisions
        .iter()
        .map(|one| json!([meta::name(one), one["revision"]]))
        .collect();
    json!({
        "web": status(&Kind::DEPLOYMENT, "web"),
        "db": status(&Kind::STATEFUL_SET, "db"),
        "agent": status(&Kind::DAEMON_SET, "agent"),
        "sets": sets,
        "pods": pods,
        "revisions": revisions,
    })
}

/// Three workloads that are resized, updated, broken and mended.
fn story(seed: u64, crashes: u64) -> Value {
    let mut cluster = Cluster::new(loops, seed).with_nodes(4);
    cluster.crashes = crashes;
    cluster.create(deployment::web(5));
    cluster.create(stateful_set::db(3));
    cluster.create(daemon_set::agent(&json!({"maxUnavailable": 2})));
    cluster.settle();
    for (image, replicas) in [("b", 7), ("broken", 4), ("b", 4), ("c", 6)] {
        for (kind, name) in [
            (Kind::DEPLOYMENT, "web"),
            (Kind::STATEFUL_SET, "db"),
            (Kind::DAEMON_SET, "agent"),
        ] {
            // Any moment of the others' work will do.
            let turns = cluster.draw(10);
            cluster.turns(turns);
            cluster.edit(&kind, name, |object| {
                set_image(object, image);
                if kind != Kind::DAEMON_SET {
                    object["spec"]["replicas"] = json!(replicas);
                }
            });
        }
        cluster.settle();
        // What a person does about a StatefulSet that is stuck.
        for pod in cluster.list(&Kind::POD) {
            if image != "broken" && meta::text_at(&pod, "/spec/containers/0/image") == "broken" {
                cluster.delete(&Kind::POD, meta::name(&pod));
            }
        }
        cluster.settle();
    }
    outcome(&cluster)
}

#[test]
fn every_order_comes_to_the_same_end() {
    let first = story(0, 0);
    for seed in 1..SEEDS {
        assert_eq!(story(seed, 0), first, "seed {seed}");
    }
}

#[test]
fn controllers_that_end_in_the_middle_of_anything_come_to_the_same_end() {
    let first = story(0, 0);
    for seed in 1..SEEDS {
        assert_eq!(story(seed, 8), first, "seed {seed}");
    }
}

#[test]
fn what_is_at_rest_stays_at_rest_after_a_restart() {
    let mut cluster = Cluster::new(loops, 1).with_nodes(4);
    cluster.create(deployment::web(5));
    cluster.create(stateful_set::db(3));
    cluster.create(daemon_set::agent(&json!({"maxUnavailable": 2})));
    cluster.settle();
    let before = (cluster.writes(), cluster.events.len());
    cluster.restart();
    cluster.settle();
    assert_eq!((cluster.writes(), cluster.events.len()), before);
}
