//! Which kinds a cluster serves, and when it is asked about them.

use cluster::Write;
use objects::Kind;
use serde_json::{Value, json};

use testkit::faulty::{Fault, Faulty};

use crate::ground::{Ground, connected};

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_asked_once() {
    let ground = Ground::new().await;
    let deployment = ground.resource("apps/v1", "Deployment").await;
    assert_eq!(
        (deployment.plural.as_str(), deployment.namespaced),
        ("deployments", true)
    );
    assert!(deployment.has_verb("patch") && deployment.subresources.contains(&"status".to_owned()));
    let asked = ground.cluster.requests();
    assert_eq!(asked, 2);
    let node = ground
        .cluster
        .clone()
        .resource("v1", "Node")
        .await
        .unwrap()
        .unwrap();
    assert!(!node.namespaced);
    let versions = ground.cluster.api_versions().await.unwrap();
    for known in ["v1", "v1/Pod", "apps/v1", "apps/v1/Deployment"] {
        assert!(versions.iter().any(|version| version == known), "{known}");
    }
    let catalog = ground.cluster.catalog().await.unwrap();
    assert_eq!(catalog.preferred(&Kind::DEPLOYMENT), Some(&deployment));
    assert_eq!(ground.cluster.requests(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_comes_later_is_found_and_one_that_does_not_is_asked_for_once() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    let definitions = ground
        .resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        .await;
    let at = definitions.at("", "things.example.com");
    cluster.create(at, &definition(), Write::default()).await.unwrap();
    let things = ground.resource("example.com/v1", "Thing").await;
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}});
    cluster
        .create(things.at("default", "a"), &thing, Write::default())
        .await
        .unwrap();

    let before = cluster.requests();
    for _ in 0..3 {
        assert_eq!(cluster.resource("example.com/v1", "Other").await.unwrap(), None);
    }
    assert_eq!(cluster.requests() - before, 2);

    cluster.forget().await;
    let before = cluster.requests();
    assert!(cluster.resource("v1", "Pod").await.unwrap().is_some());
    assert_eq!(cluster.requests() - before, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_aggregated_discovery_is_asked_group_by_group() {
    let ground = Ground::new().await;
    let faulty = Faulty::start(&ground.server.handle()).await.unwrap();
    let path = ground.folder.path().join("faulty");
    std::fs::write(&path, faulty.kubeconfig()).unwrap();
    let version = |group: &str| json!({"groupVersion": format!("{group}/v1"), "version": "v1"});
    let group =
        |name: &str| json!({"name": name, "versions": [version(name)], "preferredVersion": version(name)});
    let core = json!({"kind": "APIVersions", "versions": ["v1"]});
    let groups = json!({"kind": "APIGroupList", "groups": [group("apps"), group("down.example.com")]});
    faulty.plan(move |seen| match seen.path.as_str() {
        "/api" => Some(Fault::lines(std::slice::from_ref(&core))),
        "/apis" => Some(Fault::lines(std::slice::from_ref(&groups))),
        "/apis/down.example.com/v1" => Some(Fault::status(503, "ServiceUnavailable")),
        _ => None,
    });
    let cluster = connected(path).await;
    for (api_version, kind) in [("v1", "ConfigMap"), ("apps/v1", "Deployment")] {
        let found = cluster.resource(api_version, kind).await.unwrap();
        let known = ground.cluster.resource(api_version, kind).await.unwrap();
        let shown = |found: Option<cluster::Resource>| {
            found.map(|found| (found.plural, found.namespaced, found.verbs))
        };
        assert_eq!(shown(found), shown(known));
    }
}
