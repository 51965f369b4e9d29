//! Pods with claims: what holds them, and where their volumes let them go.

use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::cluster::{Cluster, node, node_in, placed, pod_with, with};

const HOST: &str = "kubernetes.io/hostname";

fn claim(name: &str, extra: &Value) -> Value {
    let claim = json!({
        "metadata": {"name": name, "namespace": "n"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Pending"},
    });
    with(claim, extra)
}

fn bound(name: &str, volume: &str) -> Value {
    claim(
        name,
        &json!({"spec": {"volumeName": volume}, "status": {"phase": "Bound"}}),
    )
}

fn volume(name: &str, node: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "storageClassName": "late",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": HOST, "operator": "In", "values": [node]}]},
            ]}},
        },
        "status": {"phase": "Available"},
    })
}

fn class(provisioner: &str) -> Value {
    json!({
        "metadata": {"name": "late"},
        "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn using(name: &str, claim: &str) -> Value {
    pod_with(
        name,
        &json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]}),
    )
}

#[test]
fn claims_that_are_not_ready_hold_the_pod() {
    let not_helpful = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful \
                       for scheduling.";
    for (claims, expected) in [
        (vec![], "0/1 nodes are available: persistentvolumeclaim \"c\" not found. not found".to_owned()),
        (
            vec![claim("c", &json!({}))],
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found".to_owned(),
        ),
        (
            vec![with(bound("c", "v"), &json!({"status": {"phase": "Lost"}}))],
            "0/1 nodes are available: persistentvolumeclaim \"c\" bound to non-existent persistentvolume \"v\". not \
             found"
                .to_owned(),
        ),
        (
            vec![with(bound("c", "v"), &json!({"metadata": {"deletionTimestamp": "1970-01-01T00:00:00Z"}}))],
            "0/1 nodes are available: persistentvolumeclaim \"c\" is being deleted. not found".to_owned(),
        ),
        (
            vec![bound("c", "gone")],
            format!(
                "0/1 nodes are available: 1 node(s) unavailable due to one or more pvc(s) bound to non-existent \
                 pv(s). {not_helpful}"
            ),
        ),
        (
            vec![bound("c", "elsewhere")],
            format!("0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity. {not_helpful}"),
        ),
        (
            vec![claim("c", &json!({"spec": {"storageClassName": "late"}}))],
            format!("0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. {not_helpful}"),
        ),
    ] {
        let mut cluster = Cluster::of(&[node("a")]);
        cluster.put(Kind::PERSISTENT_VOLUME, volume("elsewhere", "b"));
        cluster.put(Kind::STORAGE_CLASS, class("kubernetes.io/no-provisioner"));
        for claim in claims {
            cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, claim);
        }
        cluster.put(Kind::POD, using("p", "c"));
        cluster.settle();
        assert_eq!(cluster.message("p"), expected);
        // Ready at last.
        cluster.put(Kind::PERSISTENT_VOLUME, volume("here", "a"));
        cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, bound("c", "here"));
        cluster.settle();
        assert_eq!(cluster.node_of("p"), "a");
    }
}

#[test]
fn a_bound_volume_decides_the_node() {
    let mut cluster = Cluster::of(&[node("a"), node("b")]);
    cluster.put(Kind::PERSISTENT_VOLUME, volume("v", "b"));
    cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, bound("c", "v"));
    cluster.put(Kind::POD, using("p", "c"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "b");
}

#[test]
fn a_volume_in_a_zone_keeps_the_pod_there() {
    let mut cluster = Cluster::of(&[node_in("a", "1"), node_in("b", "2")]);
    let labels =
        json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "2"}}, "spec": {"nodeAffinity": null}});
    cluster.put(Kind::PERSISTENT_VOLUME, with(volume("v", ""), &labels));
    cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, bound("c", "v"));
    cluster.put(Kind::POD, using("p", "c"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "b");
}

#[test]
fn a_late_claim_gets_its_volume_before_the_pod_its_node() {
    // A volume is made.
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::STORAGE_CLASS, class("example.com/disk"));
    cluster.put(
        Kind::PERSISTENT_VOLUME_CLAIM,
        claim("c", &json!({"spec": {"storageClassName": "late"}})),
    );
    cluster.put(Kind::POD, using("p", "c"));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    let there = cluster
        .world
        .find(&Kind::PERSISTENT_VOLUME_CLAIM, "n", "c")
        .expect("the claim");
    assert_eq!(
        meta::annotation(there, "volume.kubernetes.io/selected-node"),
        Some("a")
    );
    cluster.put(Kind::PERSISTENT_VOLUME, volume("v", "a"));
    cluster.put(
        Kind::PERSISTENT_VOLUME_CLAIM,
        with(bound("c", "v"), &json!({"spec": {"storageClassName": "late"}})),
    );
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");

    // A volume that is there is taken.
    let mut cluster = Cluster::of(&[node("a"), node("b")]);
    cluster.put(Kind::STORAGE_CLASS, class("kubernetes.io/no-provisioner"));
    cluster.put(Kind::PERSISTENT_VOLUME, volume("v", "b"));
    cluster.put(
        Kind::PERSISTENT_VOLUME_CLAIM,
        claim("c", &json!({"spec": {"storageClassName": "late"}})),
    );
    cluster.put(Kind::POD, using("p", "c"));
    cluster.settle();
    let there = cluster
        .world
        .find(&Kind::PERSISTENT_VOLUME, "", "v")
        .expect("the volume");
    assert_eq!(there["spec"]["claimRef"]["name"], "c");
    cluster.put(
        Kind::PERSISTENT_VOLUME_CLAIM,
        with(bound("c", "v"), &json!({"spec": {"storageClassName": "late"}})),
    );
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "b");
}

#[test]
fn a_claim_for_one_pod_alone_is_not_shared() {
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(Kind::PERSISTENT_VOLUME, volume("v", "a"));
    let alone = with(
        bound("c", "v"),
        &json!({"spec": {"accessModes": ["ReadWriteOncePod"]}}),
    );
    cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, alone);
    cluster.put(Kind::POD, placed(using("x", "c"), "a"));
    cluster.put(Kind::POD, using("p", "c"));
    cluster.settle();
    assert!(cluster.message("p").contains(
        "1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode."
    ));
    cluster.remove(Kind::POD, "n", "x");
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");
}

#[test]
fn an_ephemeral_volume_waits_for_its_claim() {
    let mut cluster = Cluster::of(&[node("a")]);
    let own = json!({"volumes": [{"name": "v", "ephemeral": {}}]});
    cluster.put(Kind::POD, pod_with("p", &own));
    cluster.settle();
    assert!(cluster.message("p").contains(
        "waiting for ephemeral volume controller to create the persistentvolumeclaim \"p-v\". not found"
    ));
    cluster.put(Kind::PERSISTENT_VOLUME, volume("v", "a"));
    let owner = json!({"metadata": {"ownerReferences": [{"uid": "uid-p", "controller": true}]}});
    cluster.put(Kind::PERSISTENT_VOLUME_CLAIM, with(bound("p-v", "v"), &owner));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");
}
