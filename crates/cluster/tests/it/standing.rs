//! How a release stands on a cluster: what is compared, what is put back, and what is nobody's fault.

use cluster::run::{Drifted, OnFailure, Options};
use cluster::{Cluster, Patch, Resource, Write};
use kubelet::behaviour;
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

use crate::ground::connected;
use crate::release::{
    NAMESPACE, config_map, contents, deployment, first, history, hook_of_image, install, open, options,
    second, upgrade,
};

/// A cluster with nodes, on which the image `broken` ends with a failure.
struct Ground {
    cluster: Cluster,
    _server: server::Cluster,
    _folder: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let behaviour = behaviour::parse("rules:\n- {image: broken, does: exit 1}\n").unwrap();
        let server = server::Cluster::start(server::Options {
            nodes: fleet(2, &Shape::default()),
            behaviour: Arc::new(behaviour),
            ..server::Options::default()
        });
        let server = server.await.unwrap();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, server.handle().kubeconfig().unwrap()).unwrap();
        Self {
            cluster: connected(path).await,
            _server: server,
            _folder: folder,
        }
    }

    async fn resource(&self, api_version: &str, kind: &str) -> Resource {
        self.cluster.resource(api_version, kind).await.unwrap().unwrap()
    }

    /// Changes an object, or a subresource of it, as somebody else.
    async fn change(&self, kind: (&str, &str), (name, subresource): (&str, &str), patch: &Value) {
        let resource = self.resource(kind.0, kind.1).await;
        let at = resource.at(NAMESPACE, name);
        let at = match subresource {
            "" => at,
            subresource => at.subresource(subresource),
        };
        let how = Write {
            manager: "somebody",
            ..Write::default()
        };
        self.cluster.patch(at, Patch::Merge(patch), how).await.unwrap();
    }

    async fn get(&self, kind: (&str, &str), name: &str) -> Option<Value> {
        let resource = self.resource(kind.0, kind.1).await;
        self.cluster.get(resource.at(NAMESPACE, name)).await.unwrap()
    }
}

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
/// A rollout of five pods writes the status of its Deployment a few times.
const TRIES: usize = 100;

const JOB: (&str, &str) = ("batch/v1", "Job");

fn told(drifted: &[Drifted]) -> Vec<String> {
    let of = |one: &Drifted| {
        let paths: Vec<&str> = one
            .difference
            .fields
            .iter()
            .map(|field| field.path.as_str())
            .collect();
        format!("{} {} by {}", one.difference.key.name, paths.join(" "), one.by)
    };
    drifted.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_upgrade_that_failed_nothing_is_compared_with_the_revision_before() {
    let ground = Ground::new().await;
    install(&ground.cluster, first()).await;
    let standing = open(&ground.cluster, options("look"))
        .await
        .standing()
        .await
        .unwrap();
    assert_eq!((standing.revision, &standing.amiss), (1, &None));
    assert_eq!((standing.unready, told(&standing.drifted)), (vec![], vec![]));

    // It fails after its objects were applied, as after a migration.
    let mut release = open(
        &ground.cluster,
        Options {
            on_failure: OnFailure::Leave,
            ..options("upgrade")
        },
    )
    .await;
    let mut failing = second();
    failing.hooks = vec![hook_of_image("after", &["post-upgrade"], "broken")];
    let wanted = upgrade(&release, failing);
    release.deploy(wanted).await.unwrap_err();
    assert_eq!(history(&ground.cluster).await, ["1 deployed", "2 failed"]);
    let standing = open(&ground.cluster, options("look"))
        .await
        .standing()
        .await
        .unwrap();
    let amiss = standing.amiss.unwrap();
    assert!(amiss.starts_with("the last revision, 2, is failed"), "{amiss}");
    assert_eq!((standing.revision, told(&standing.drifted)), (0, vec![]));

    let mut release = open(&ground.cluster, options("uninstall")).await;
    release.uninstall(false).await.unwrap();
    let standing = open(&ground.cluster, options("look"))
        .await
        .standing()
        .await
        .unwrap();
    let amiss = standing.amiss.unwrap();
    assert!(amiss.starts_with("nothing is deployed"), "{amiss}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_back_keeps_the_replicas_of_an_autoscaler_and_a_finished_job_stays_away() {
    let ground = Ground::new().await;
    let mut job: Value = serde_json::from_str(&hook_of_image("once", &[], "job").manifest).unwrap();
    job["spec"]["ttlSecondsAfterFinished"] = json!(3600);
    install(
        &ground.cluster,
        contents(
            &[config_map("kept", "1"), deployment("web", "web:1"), job],
            vec![],
        ),
    )
    .await;
    ground
        .change(DEPLOYMENT, ("web", "scale"), &json!({"spec": {"replicas": 5}}))
        .await;
    let resource = ground.resource(JOB.0, JOB.1).await;
    let delete = cluster::Delete::default();
    ground
        .cluster
        .delete(resource.at(NAMESPACE, "once"), delete)
        .await
        .unwrap();
    let release = open(&ground.cluster, options("look")).await;
    let standing = release.standing().await.unwrap();
    assert_eq!((told(&standing.drifted), &standing.amiss), (vec![], &None));
    assert!(
        !standing.unready.iter().any(|(key, _)| &*key.name == "once"),
        "{:?}",
        standing.unready
    );

    let changed =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:9"}]}}}});
    ground.change(DEPLOYMENT, ("web", ""), &changed).await;
    let path = "spec.template.spec.containers[name=web].image";
    // Its controller writes the status meanwhile, so the first look may be too old when it is acted on.
    let mut last = None;
    for _ in 0..TRIES {
        let mut standing = release.standing().await.unwrap();
        assert_eq!(told(&standing.drifted), [format!("web {path} by somebody")]);
        let drifted = standing.drifted.remove(0);
        let is_back = release.put_back(&drifted).await.unwrap();
        last = Some(drifted);
        if is_back {
            break;
        }
    }
    let web = ground.get(DEPLOYMENT, "web").await.unwrap();
    assert_eq!(web["spec"]["replicas"], 5);
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "web:1");
    assert_eq!(ground.get(JOB, "once").await, None);
    // What was looked at before it was changed again is not written over.
    assert!(!release.put_back(&last.unwrap()).await.unwrap());
}
