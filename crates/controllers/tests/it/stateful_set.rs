//! StatefulSets.

use controllers::stateful_set::StatefulSets;
use objects::control::Loop;
use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::harness::{Cluster, set_image, workload};

pub fn loops() -> Vec<Box<dyn Loop>> {
    vec![Box::new(StatefulSets)]
}

pub fn db(replicas: i64) -> Value {
    let spec = json!({
        "replicas": replicas,
        "serviceName": "db",
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "revisionHistoryLimit": 10,
    });
    workload("StatefulSet", "db", "a", &spec)
}

fn with(change: impl FnOnce(&mut Value)) -> Cluster {
    let mut cluster = Cluster::new(loops, 3).with_nodes(2);
    let mut set = db(3);
    change(&mut set);
    cluster.create(set);
    cluster.settle();
    cluster
}

fn edit(cluster: &mut Cluster, change: impl FnOnce(&mut Value)) {
    cluster.edit(&Kind::STATEFUL_SET, "db", change);
    cluster.settle();
}

/// Name and image of each pod.
fn pods(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.list(&Kind::POD);
    let image = |pod| meta::text_at(pod, "/spec/containers/0/image");
    pods.iter()
        .map(|pod| format!("{} {}", meta::name(pod), image(pod)))
        .collect()
}

#[test]
fn pods_come_in_order_with_their_names_labels_and_revision() {
    let mut cluster = Cluster::new(loops, 3).with_nodes(2);
    cluster.create(db(3));
    cluster.settle_without_nodes();
    assert_eq!(pods(&cluster), ["db-0 a"]);
    cluster.settle();
    assert_eq!(
        cluster.told("SuccessfulCreate"),
        [0, 1, 2].map(|at| format!("create Pod db-{at} in StatefulSet db successful"))
    );
    let revisions = cluster.list(&Kind::CONTROLLER_REVISION);
    let [revision] = revisions.as_slice() else {
        panic!("{revisions:?}");
    };
    let name = meta::name(revision);
    let hash = meta::label(revision, "controller.kubernetes.io/hash").expect("a hash");
    assert_eq!(name, format!("db-{hash}"));
    assert_eq!(revision["revision"], json!(1));
    assert_eq!(revision["data"]["spec"]["template"]["$patch"], json!("replace"));
    let pod = cluster.get(&Kind::POD, "db-1");
    assert_eq!(
        pod["metadata"]["labels"],
        json!({
            "app": "db", "apps.kubernetes.io/pod-index": "1", "controller-revision-hash": name,
            "statefulset.kubernetes.io/pod-name": "db-1",
        })
    );
    assert_eq!(
        (&pod["spec"]["hostname"], &pod["spec"]["subdomain"]),
        (&json!("db-1"), &json!("db"))
    );
    assert_eq!(
        cluster.get(&Kind::STATEFUL_SET, "db")["status"],
        json!({
            "availableReplicas": 3, "collisionCount": 0, "currentReplicas": 3, "currentRevision": name,
            "observedGeneration": 1, "readyReplicas": 3, "replicas": 3, "updateRevision": name,
            "updatedReplicas": 3,
        })
    );
}

#[test]
fn parallel_waits_for_nobody_and_ordinals_begin_where_they_shall() {
    let mut cluster = Cluster::new(loops, 3).with_nodes(2);
    let mut set = db(2);
    set["spec"]["podManagementPolicy"] = json!("Parallel");
    set["spec"]["ordinals"] = json!({"start": 5});
    cluster.create(set);
    cluster.settle_without_nodes();
    assert_eq!(pods(&cluster), ["db-5 a", "db-6 a"]);
}

#[test]
fn pods_go_in_reverse_order() {
    let mut cluster = with(|_| {});
    edit(&mut cluster, |set| set["spec"]["replicas"] = json!(1));
    assert_eq!(pods(&cluster), ["db-0 a"]);
    assert_eq!(
        cluster.told("SuccessfulDelete"),
        [2, 1].map(|at| format!("delete Pod db-{at} in StatefulSet db successful"))
    );
}

#[test]
fn an_update_begins_at_the_end_and_stops_at_the_partition() {
    let mut cluster = with(|_| {});
    edit(&mut cluster, |set| {
        set_image(set, "b");
        set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(2);
    });
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 b"]);
    let status = cluster.get(&Kind::STATEFUL_SET, "db")["status"].clone();
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(
        (&status["currentReplicas"], &status["updatedReplicas"]),
        (&json!(2), &json!(1))
    );

    // A pod below the partition comes back as it was.
    let old = cluster.get(&Kind::POD, "db-0");
    cluster.edit(&Kind::POD, "db-0", |pod| {
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    cluster.settle();
    assert_ne!(meta::uid(&cluster.get(&Kind::POD, "db-0")), meta::uid(&old));
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 b"]);

    edit(&mut cluster, |set| {
        set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(0);
    });
    assert_eq!(pods(&cluster), ["db-0 b", "db-1 b", "db-2 b"]);
    let status = cluster.get(&Kind::STATEFUL_SET, "db")["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);
}

#[test]
fn a_broken_update_stays_until_its_pod_is_deleted() {
    let mut cluster = with(|_| {});
    edit(&mut cluster, |set| set_image(set, "broken"));
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 broken"]);
    edit(&mut cluster, |set| set_image(set, "a"));
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 broken"]);
    cluster.edit(&Kind::POD, "db-2", |pod| {
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    cluster.settle();
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 a"]);
    // The revision that came back has the highest number again.
    let numbers: Vec<_> = cluster
        .list(&Kind::CONTROLLER_REVISION)
        .iter()
        .map(|one| one["revision"].clone())
        .collect();
    assert!(
        numbers.contains(&json!(2)) && numbers.contains(&json!(3)),
        "{numbers:?}"
    );
}

#[test]
fn on_delete_leaves_pods_alone() {
    let mut cluster = with(|set| set["spec"]["updateStrategy"] = json!({"type": "OnDelete"}));
    edit(&mut cluster, |set| set_image(set, "b"));
    assert_eq!(pods(&cluster), ["db-0 a", "db-1 a", "db-2 a"]);
    cluster.edit(&Kind::POD, "db-0", |pod| {
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    cluster.settle();
    assert_eq!(pods(&cluster), ["db-0 b", "db-1 a", "db-2 a"]);
}

#[test]
fn max_unavailable_lets_several_go_at_once() {
    let mut cluster = with(|set| {
        set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!(2);
        set["spec"]["podManagementPolicy"] = json!("Parallel");
    });
    cluster.edit(&Kind::STATEFUL_SET, "db", |set| set_image(set, "b"));
    cluster.settle_without_nodes();
    assert_eq!(cluster.told("SuccessfulDelete").len(), 2);
}

#[test]
fn claims_come_first_and_belong_to_whom_the_policy_says() {
    let data = json!([{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]);
    let mut cluster = with(|set| {
        set["spec"]["volumeClaimTemplates"] = data;
        set["spec"]["persistentVolumeClaimRetentionPolicy"] =
            json!({"whenDeleted": "Retain", "whenScaled": "Delete"});
    });
    let claim = cluster.get(&Kind::PERSISTENT_VOLUME_CLAIM, "data-db-0");
    assert_eq!(claim["metadata"]["labels"], json!({"app": "db"}));
    assert_eq!(meta::owners(&claim).len(), 0);
    assert_eq!(
        cluster.told("SuccessfulCreate")[0],
        "create Claim data-db-0 Pod db-0 in StatefulSet db success"
    );
    let pod = cluster.get(&Kind::POD, "db-0");
    assert_eq!(
        pod["spec"]["volumes"],
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}])
    );
    edit(&mut cluster, |set| set["spec"]["replicas"] = json!(2));
    let claim = cluster.get(&Kind::PERSISTENT_VOLUME_CLAIM, "data-db-2");
    assert_eq!(claim["metadata"]["ownerReferences"][0]["kind"], json!("Pod"));
    edit(&mut cluster, |set| {
        set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = json!("Delete");
    });
    let claim = cluster.get(&Kind::PERSISTENT_VOLUME_CLAIM, "data-db-1");
    assert_eq!(
        claim["metadata"]["ownerReferences"][0]["kind"],
        json!("StatefulSet")
    );
}

#[test]
fn a_failed_pod_is_replaced_under_its_name() {
    let mut cluster = with(|_| {});
    let old = cluster.get(&Kind::POD, "db-1");
    cluster.set_pod("db-1", "Failed", false);
    cluster.settle();
    assert_ne!(meta::uid(&cluster.get(&Kind::POD, "db-1")), meta::uid(&old));
}

#[test]
fn a_refusal_names_pod_and_set() {
    let mut cluster = Cluster::new(loops, 3).with_nodes(2);
    cluster.quota = Some(0);
    cluster.create(db(1));
    cluster.settle();
    assert_eq!(
        cluster.told("FailedCreate")[0],
        "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: few"
    );
}
