//! Work grows with the number of pods, not with its square.

use objects::Kind;
use serde_json::json;

use crate::deployment;
use crate::harness::Cluster;

#[test]
fn a_big_deployment_is_decided_in_few_looks_and_other_pods_cost_nothing() {
    let mut cluster = Cluster::new(deployment::loops, 1).with_nodes(5);
    // Strangers' pods in the same namespace, which no look has to see.
    for at in 0..2_000 {
        cluster.create(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("stranger-{at}"), "namespace": "n", "labels": {"app": "web2"},
                "ownerReferences": [{"uid": "x", "name": "x", "kind": "X", "apiVersion": "v1", "controller": true}],
            },
            "spec": {"nodeName": "node-0"},
        }));
    }
    cluster.create(deployment::web(1_200));
    cluster.settle_without_nodes();
    assert_eq!(cluster.list(&Kind::POD).len(), 3_200);
    // Each creation and each batch's status, but no write per pod and look.
    assert!(
        cluster.writes() < 2_000 + 1_200 + 50,
        "{} writes",
        cluster.writes()
    );
    assert!(cluster.looks < 100 + 1_200 * 2, "{} looks", cluster.looks);
}
