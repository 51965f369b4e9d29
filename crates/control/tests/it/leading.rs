//! One replica works at a time, and the next takes over.

use kinds::Cluster;
use kinds::condition::READY;
use objects::meta;
use serde_json::json;

use crate::ground::{Ground, until};

async fn leader(ground: &Ground, holds: impl Fn(&str) -> bool) -> String {
    let client = ground.hub.cluster();
    let leases = client
        .resource("coordination.k8s.io/v1", "Lease")
        .await
        .unwrap()
        .unwrap();
    let lease = until(client, &leases, ("", "shipway-controller"), |lease| {
        lease.is_some_and(|lease| holds(meta::text(&lease["spec"], "holderIdentity")))
    });
    meta::text(&lease.await.unwrap()["spec"], "holderIdentity").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_replica_leads_when_the_first_is_stopped_or_killed() {
    let ground = Ground::new(&[]).await;
    let first = ground.controller("first").await;
    leader(&ground, |holder| holder == "first").await;
    let second = ground.controller("second").await;
    first.stop().await;
    leader(&ground, |holder| holder == "second").await;
    let third = ground.controller("third").await;
    second.kill().await;
    leader(&ground, |holder| holder == "third").await;
    third.stop().await;
    leader(&ground, str::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_reported_with_what_it_has_or_what_is_the_matter() {
    let ground = Ground::new(&["staging"]).await;
    let spec = json!({"kubeconfig": {"secret": "nothing"}});
    ground
        .create(
            kinds::API_VERSION,
            json!({"kind": "Cluster", "metadata": {"name": "lost"}, "spec": spec}),
        )
        .await;
    let _running = ground.controller("only").await;
    let staging = ground
        .until::<Cluster>("staging", |cluster| cluster.status.capacity.is_some())
        .await;
    let capacity = staging.status.capacity.unwrap();
    assert_eq!(capacity.nodes, 2);
    assert!(
        staging.status.version.starts_with("v1."),
        "{}",
        staging.status.version
    );
    let lost = ground
        .until::<Cluster>("lost", |cluster| !cluster.status.conditions.is_empty())
        .await;
    let ready = lost
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == READY)
        .unwrap();
    assert_eq!(
        (ready.status.as_str(), ready.reason.as_str()),
        ("False", "NoAnswer")
    );
    assert!(
        ready
            .message
            .contains("there is no Secret shipway-system/nothing in the hub"),
        "{}",
        ready.message
    );
    assert!(
        ready.message.contains("kubectl create secret generic nothing"),
        "{}",
        ready.message
    );
}
