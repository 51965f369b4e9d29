//! ReplicaSets and ReplicationControllers.

use controllers::replica_set::ReplicaSets;
use objects::control::Loop;
use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::harness::{Cluster, workload};

fn loops() -> Vec<Box<dyn Loop>> {
    vec![
        Box::new(ReplicaSets::new()),
        Box::new(ReplicaSets::of_replication_controllers()),
    ]
}

fn cluster() -> Cluster {
    Cluster::new(loops, 1).with_nodes(3)
}

fn set(replicas: i64) -> Value {
    workload("ReplicaSet", "web", "a", &json!({"replicas": replicas}))
}

fn pod(name: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "image": "a"}]},
    })
}

#[test]
fn pods_are_made_and_counted() {
    let mut cluster = cluster();
    cluster.create(set(3));
    cluster.settle();
    let pods = cluster.list(&Kind::POD);
    assert_eq!(pods.len(), 3);
    for pod in &pods {
        assert_eq!(meta::text_at(pod, "/metadata/generateName"), "web-");
        assert_eq!(
            pod.pointer("/metadata/ownerReferences/0/controller"),
            Some(&json!(true))
        );
        assert_eq!(
            pod.pointer("/metadata/ownerReferences/0/kind"),
            Some(&json!("ReplicaSet"))
        );
        assert!(
            cluster
                .told("SuccessfulCreate")
                .contains(&format!("Created pod: {}", meta::name(pod)).as_str())
        );
    }
    assert_eq!(
        cluster.get(&Kind::REPLICA_SET, "web")["status"],
        json!({
            "replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "observedGeneration": 1,
        })
    );

    cluster.edit(&Kind::REPLICA_SET, "web", |set| {
        set["spec"]["replicas"] = json!(0);
    });
    cluster.settle();
    assert_eq!(cluster.list(&Kind::POD).len(), 0);
    assert_eq!(cluster.told("SuccessfulDelete").len(), 3);
    let status = &cluster.get(&Kind::REPLICA_SET, "web")["status"];
    assert_eq!(*status, json!({"replicas": 0, "observedGeneration": 2}));
}

#[test]
fn a_replication_controller_is_a_replica_set_of_old() {
    let mut cluster = cluster();
    let mut controller = set(2);
    controller["apiVersion"] = json!("v1");
    controller["kind"] = json!("ReplicationController");
    controller["spec"]["selector"] = json!({"app": "web"});
    cluster.create(controller);
    cluster.settle();
    let pods = cluster.list(&Kind::POD);
    assert_eq!(pods.len(), 2);
    assert_eq!(
        pods[0].pointer("/metadata/ownerReferences/0/apiVersion"),
        Some(&json!("v1"))
    );
}

#[test]
fn orphans_are_adopted_and_strangers_released() {
    let mut cluster = cluster();
    cluster.create(pod("found", "web"));
    cluster.create(pod("other", "db"));
    cluster.create(set(2));
    cluster.settle();
    let owners = |cluster: &Cluster, name| meta::owners(&cluster.get(&Kind::POD, name)).len();
    assert_eq!(owners(&cluster, "found"), 1);
    assert_eq!(owners(&cluster, "other"), 0);
    assert_eq!(cluster.list(&Kind::POD).len(), 3);

    // A pod that is looked at closely is taken out of its set, which makes another one.
    cluster.edit(&Kind::POD, "found", |pod| {
        pod["metadata"]["labels"] = json!({"app": "debug"});
    });
    cluster.settle();
    assert_eq!(owners(&cluster, "found"), 0);
    assert_eq!(cluster.list(&Kind::POD).len(), 4);
}

#[test]
fn a_full_quota_is_told_once_a_look_and_forgotten_when_there_is_room() {
    let mut cluster = cluster();
    cluster.quota = Some(2);
    cluster.create(set(3));
    cluster.settle();
    let set = cluster.get(&Kind::REPLICA_SET, "web");
    assert_eq!(set["status"]["replicas"], json!(2));
    let failure = objects::condition::find(&set, "ReplicaFailure").expect("a condition");
    assert_eq!(
        (meta::text(failure, "status"), meta::text(failure, "reason")),
        ("True", "FailedCreate")
    );
    assert!(meta::text(failure, "message").contains("exceeded quota"));
    assert!(cluster.told("FailedCreate")[0].starts_with("Error creating: pods \"web-"));

    cluster.quota = None;
    cluster.settle();
    let set = cluster.get(&Kind::REPLICA_SET, "web");
    assert_eq!(set["status"]["availableReplicas"], json!(3));
    assert!(objects::condition::find(&set, "ReplicaFailure").is_none());
}

#[test]
fn availability_takes_the_time_that_it_is_given() {
    let mut cluster = cluster();
    let mut set = set(1);
    set["spec"]["minReadySeconds"] = json!(30);
    cluster.create(set);
    let start = cluster.now;
    cluster.settle();
    assert_eq!(
        cluster.get(&Kind::REPLICA_SET, "web")["status"]["availableReplicas"],
        json!(1)
    );
    assert_eq!(cluster.now.duration_since(start).as_secs(), 30);
}

#[test]
fn a_finished_pod_is_replaced_and_kept() {
    let mut cluster = cluster();
    cluster.create(set(1));
    cluster.settle();
    let name = meta::name(&cluster.list(&Kind::POD)[0]).to_owned();
    cluster.set_pod(&name, "Failed", false);
    cluster.settle();
    assert_eq!(cluster.list(&Kind::POD).len(), 2);
    assert_eq!(
        cluster.get(&Kind::REPLICA_SET, "web")["status"]["replicas"],
        json!(1)
    );
}
