//! A whole cluster on a clock that is moved by hand: minutes pass in milliseconds, and the same way every time.

use std::sync::Arc;
use std::time::Duration;

use kubelet::nodes::{Shape, fleet};
use minicluster::clock::{Clock, Virtual};
use minicluster::server::{Cluster, Handle, Options};
use objects::{condition, meta};
use serde_json::{Value, json};

use crate::server::ask;

/// New pods of image `slow` are ready after two minutes, those of `broken` never.
const BEHAVIOUR: &str = "rules:
- image: slow
  does: [ready after 2m]
- image: broken
  does: [never ready]
";

async fn started(seed: u64) -> Cluster {
    let behaviour = kubelet::behaviour::parse(BEHAVIOUR).unwrap();
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    Cluster::start(Options {
        clock: Clock::Virtual(Virtual::at(start)),
        seed: Some(seed),
        nodes: fleet(3, &Shape::default()),
        behaviour: Arc::new(behaviour),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Sends a request when everything before it is done, and waits until everything after it is.
async fn tell(handle: &Handle, method: &str, path: &str, body: &Value) -> Value {
    let media = if method == "PATCH" {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: {media}\r\n",
        handle.token()
    );
    handle.settle().await;
    let (code, answer) = ask(handle, method, path, &headers, &body.to_string()).await;
    assert!((200..300).contains(&code), "{code} {answer}");
    handle.settle().await;
    serde_json::from_str(&answer).unwrap()
}

async fn get(handle: &Handle, path: &str) -> Value {
    tell(handle, "GET", path, &Value::Null).await
}

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 4, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}},
        },
    })
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

#[tokio::test]
async fn a_rollout_of_minutes_takes_no_time() {
    let cluster = started(1).await;
    let handle = cluster.handle();
    tell(&handle, "POST", DEPLOYMENTS, &deployment("quick")).await;
    let web = format!("{DEPLOYMENTS}/web");
    assert_eq!(get(&handle, &web).await["status"]["readyReplicas"], 4);

    tell(&handle, "PATCH", &web, &image("slow")).await;
    let status = get(&handle, &web).await["status"].clone();
    assert_eq!(
        (&status["readyReplicas"], &status["updatedReplicas"]),
        (&json!(3), &json!(2))
    );
    handle.advance(Duration::from_secs(119)).await;
    assert_eq!(get(&handle, &web).await["status"]["updatedReplicas"], 2);
    handle.advance(Duration::from_secs(600)).await;
    let done = get(&handle, &web).await;
    assert_eq!(
        (
            &done["status"]["readyReplicas"],
            &done["status"]["updatedReplicas"]
        ),
        (&json!(4), &json!(4))
    );
    let progress = condition::find(&done, "Progressing").unwrap();
    assert_eq!(progress["reason"], "NewReplicaSetAvailable");

    tell(&handle, "PATCH", &web, &image("broken")).await;
    handle.advance(Duration::from_secs(599)).await;
    let progressing = get(&handle, &web).await;
    assert_eq!(
        condition::find(&progressing, "Progressing").unwrap()["status"],
        "True"
    );
    handle.advance(Duration::from_secs(2)).await;
    let stuck = get(&handle, &web).await;
    assert_eq!(
        condition::find(&stuck, "Progressing").unwrap()["reason"],
        "ProgressDeadlineExceeded"
    );
    assert_eq!(stuck["status"]["readyReplicas"], 3);
}

/// A little life of a cluster; gives every object that it leaves, as text.
async fn history(seed: u64) -> Vec<String> {
    let cluster = started(seed).await;
    let handle = cluster.handle();
    tell(&handle, "POST", DEPLOYMENTS, &deployment("slow")).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    tell(&handle, "POST", "/api/v1/namespaces/default/services", &service).await;
    handle.advance(Duration::from_secs(300)).await;
    tell(&handle, "PATCH", &format!("{DEPLOYMENTS}/web"), &image("quick")).await;
    handle.advance(Duration::from_secs(60)).await;
    let mut all = Vec::new();
    for path in [
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/services",
        "/api/v1/events",
        "/apis/apps/v1/replicasets",
        "/apis/apps/v1/deployments",
        "/apis/discovery.k8s.io/v1/endpointslices",
    ] {
        let list = get(&handle, path).await;
        all.extend(meta::list_at(&list, "/items").iter().map(Value::to_string));
    }
    all
}

#[tokio::test]
async fn the_same_seed_gives_the_same_history_to_the_last_byte() {
    let first = history(7).await;
    assert!(first.len() > 20, "{first:#?}");
    let again = history(7).await;
    for (one, other) in first.iter().zip(&again) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), again.len());
    assert_ne!(first, history(8).await);
}
