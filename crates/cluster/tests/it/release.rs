//! Releases for tests: small manifests, and what the cluster has of them.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use cluster::run::{Operation, Options, Release, Wanted, Watching};
use cluster::{Cluster, ListQuery};
use jiff::Timestamp;
use objects::meta;
use release::record::{Contents, Hook};
use release::{Record, StoredChart};
use serde_json::{Map, Value, json};

pub const NAME: &str = "web";
pub const NAMESPACE: &str = "default";

/// The time of a run that begins after every hold of an earlier one is over.
const LATER: Duration = Duration::from_secs(600);

pub fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}

pub fn later() -> Timestamp {
    now() + LATER
}

pub fn options(holder: &str) -> Options {
    Options {
        timeout: Duration::from_secs(60),
        wait: Some(Duration::ZERO),
        brake: None,
        ..Options::new(holder.to_owned(), now)
    }
}

pub async fn open(cluster: &Cluster, options: Options) -> Release {
    Release::open(cluster, (NAMESPACE, NAME), options, Watching::nobody())
        .await
        .unwrap()
}

/// A revision of these objects, with hooks.
pub fn contents(objects: &[Value], hooks: Vec<Hook>) -> Contents {
    let text = |object: &Value| {
        format!(
            "---\n# Source: web/templates/{}.yaml\n{object}\n",
            meta::name(object)
        )
    };
    Contents {
        chart: StoredChart::default(),
        config: Map::new(),
        manifest: objects.iter().map(text).collect(),
        hooks,
        notes: String::new(),
    }
}

pub fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})
}

pub fn deployment(name: &str, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

/// A Job that runs at these events and ends well.
pub fn hook(name: &str, events: &[&str]) -> Hook {
    hook_of_image(name, events, "job")
}

/// A Job of this image.
pub fn hook_of_image(name: &str, events: &[&str], image: &str) -> Hook {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "run", "image": image}]}}}});
    Hook {
        name: name.to_owned(),
        kind: "Job".to_owned(),
        path: format!("web/templates/{name}.yaml"),
        manifest: job.to_string(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        ..Hook::default()
    }
}

/// The first revision of the release of these tests.
pub fn first() -> Contents {
    let objects = [
        config_map("kept", "1"),
        config_map("dropped", "1"),
        deployment("web", "web:1"),
    ];
    contents(
        &objects,
        vec![hook("before", &["pre-upgrade"]), hook("after", &["post-upgrade"])],
    )
}

/// The second: one object changed, one dropped, one new, and hooks before and after.
pub fn second() -> Contents {
    let objects = [
        config_map("kept", "2"),
        config_map("new", "2"),
        deployment("web", "web:2"),
    ];
    contents(
        &objects,
        vec![hook("before", &["pre-upgrade"]), hook("after", &["post-upgrade"])],
    )
}

pub async fn install(cluster: &Cluster, contents: Contents) -> Record {
    let mut release = open(cluster, options("setup")).await;
    let wanted = release.wanted(Operation::Install, contents).unwrap();
    release.deploy(wanted).await.unwrap()
}

pub fn upgrade(release: &Release, contents: Contents) -> Wanted {
    release.wanted(Operation::Upgrade, contents).unwrap()
}

/// What there is of the kinds that releases of these tests have, without what differs from run to run.
pub async fn state(cluster: &Cluster) -> BTreeSet<String> {
    let mut state = BTreeSet::new();
    for (api_version, kind) in [
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "Job"),
    ] {
        let resource = cluster.resource(api_version, kind).await.unwrap().unwrap();
        let listed = cluster
            .list(&resource, Some(NAMESPACE), &ListQuery::default())
            .await
            .unwrap();
        for object in listed.items {
            let image = meta::text_at(&object, "/spec/template/spec/containers/0/image");
            let data = object.get("data").map(Value::to_string).unwrap_or_default();
            // The certificate of each cluster is its own.
            if meta::name(&object) != "kube-root-ca.crt" {
                state.insert(format!("{kind} {} {image}{data}", meta::name(&object)));
            }
        }
    }
    state
}

/// The revisions with their statuses, as `1 superseded`.
pub async fn history(cluster: &Cluster) -> Vec<String> {
    let release = open(cluster, options("reader")).await;
    let records = release.history().records().iter();
    records
        .map(|record| format!("{} {}", record.revision, record.info.status))
        .collect()
}
