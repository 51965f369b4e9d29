//! Uninstalling: what it asks of the cluster, what it leaves alone, and what a killed one leaves.

use std::cmp::Ordering;

use cluster::run::Operation;
use cluster::{Cluster, ListQuery, Patch, Write};
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use objects::meta;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::faulty::{Fault, Faulty, Seen};

use crate::ground::{Ground, connected};
use crate::release::{
    NAME, NAMESPACE, config_map, contents, deployment, history, hook, install, later, open, options, state,
    upgrade,
};

/// As many ConfigMaps, and a Deployment.
fn objects(count: usize) -> Vec<Value> {
    let maps = (0..count).map(|number| config_map(&format!("map-{number}"), "1"));
    maps.chain([deployment("web", "web:1")]).collect()
}

async fn uninstalled(cluster: &Cluster, options: cluster::run::Options) -> (Vec<String>, Vec<String>) {
    let mut release = open(cluster, options).await;
    let done = release.uninstall(false).await.unwrap();
    let names = |keys: Vec<objects::Key>| keys.iter().map(ToString::to_string).collect();
    (names(done.gone), names(done.kept))
}

/// No more than helm, which looks at nothing: one request for each object, and a few for the rest.
#[tokio::test]
async fn what_nobody_has_touched_is_deleted_without_a_look() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    let options = || cluster::run::Options {
        wait: None,
        ..options("run")
    };
    for operation in [Operation::Install, Operation::Upgrade, Operation::Upgrade] {
        let mut release = open(cluster, options()).await;
        let wanted = release.wanted(operation, contents(&objects(20), Vec::new()));
        release.deploy(wanted.unwrap()).await.unwrap();
    }
    let before = cluster.requests();
    let (gone, kept) = uninstalled(cluster, options()).await;
    assert_eq!((gone.len(), kept.len()), (21, 0));
    // The records, the Deployment, the mark, two records by one request, and the last.
    assert_eq!(cluster.requests() - before, 21 + 5);
    assert_eq!(history(cluster).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_somebody_has_touched_is_looked_at_first() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    install(cluster, contents(&objects(4)[..4], Vec::new())).await;
    let maps = ground.config_maps().await;
    let patch = |name: &'static str, annotations: Value| {
        let patch = json!({"metadata": {"annotations": annotations}});
        let (cluster, maps) = (cluster.clone(), maps.clone());
        async move {
            let at = maps.at(NAMESPACE, name);
            cluster
                .patch(at, Patch::Merge(&patch), Write::default())
                .await
                .unwrap();
        }
    };
    patch("map-0", json!({"a": "b"})).await;
    patch("map-1", json!({"helm.sh/resource-policy": "keep"})).await;
    patch("map-2", json!({"meta.helm.sh/release-name": "other"})).await;
    let (mut gone, mut kept) = uninstalled(cluster, options("run")).await;
    gone.sort();
    kept.sort();
    assert_eq!(gone, ["ConfigMap default/map-0", "ConfigMap default/map-3"]);
    assert_eq!(kept, ["ConfigMap default/map-1", "ConfigMap default/map-2"]);
    let listed = cluster.list(&maps, Some(NAMESPACE), &ListQuery::default()).await;
    let there: Vec<String> = listed
        .unwrap()
        .items
        .iter()
        .map(|map| meta::name(map).to_owned())
        .filter(|name| name.starts_with("map-"))
        .collect();
    assert_eq!(there, ["map-1", "map-2"]);
}

/// A release of two revisions, by whose way its uninstall is killed at a request, and then done again.
async fn killed_at(number: usize, last: Fault) -> bool {
    let server = server::Cluster::start(server::Options {
        nodes: fleet(1, &Shape::default()),
        ..server::Options::default()
    });
    let server = server.await.unwrap();
    let faulty = Faulty::start(&server.handle()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let way = async |name: &str, kubeconfig: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, kubeconfig).unwrap();
        connected(path).await
    };
    let good = way("good", &server.handle().kubeconfig().unwrap()).await;
    let bad = way("bad", &faulty.kubeconfig()).await;
    let hooks = || vec![hook("before", &["pre-delete"]), hook("after", &["post-delete"])];
    install(&good, contents(&objects(2), hooks())).await;
    let mut release = open(&good, options("setup")).await;
    let wanted = upgrade(&release, contents(&objects(3), hooks()));
    release.deploy(wanted).await.unwrap();
    let chosen = move |seen: &Seen| match seen.number.cmp(&number) {
        Ordering::Less => None,
        Ordering::Equal if !seen.path.contains("watch=") => Some(last.clone()),
        // What it is told may not be tried again: it is dead.
        _ => Some(Fault::status(403, "Forbidden")),
    };
    let mut release = open(&bad, options("first")).await;
    faulty.plan(chosen);
    let is_done = release.uninstall(false).await.is_ok();
    let mut release = open(
        &good,
        cluster::run::Options {
            now: later,
            ..options("second")
        },
    )
    .await;
    if release.history().last().is_some() {
        release.uninstall(false).await.unwrap();
    }
    assert_eq!(history(&good).await, Vec::<String>::new(), "killed at {number}");
    let left = state(&good).await;
    // Hooks without a policy stay, one of each; pods of theirs are no objects of the release.
    assert!(
        left.iter().all(|object| object.starts_with("Job ")),
        "killed at {number}: {left:?} of {NAME}"
    );
    is_done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_uninstall_that_is_killed_at_any_request_is_finished_by_the_next() {
    // More than it takes.
    const MOST: usize = 80;
    for last in [
        Fault::Answer {
            code: 403,
            retry_after: None,
            body: String::new(),
        },
        Fault::Lose,
    ] {
        let mut number = 1;
        while !killed_at(number, last.clone()).await {
            number += 1;
            assert!(number < MOST);
        }
        assert!(number > 10, "{number}");
    }
}
