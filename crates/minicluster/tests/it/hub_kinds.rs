//! The hub's own kinds on a cluster: their definitions are taken, good objects too, and bad ones are refused in words that
//! help.

use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use super::server::ask;

/// A cluster that knows the kinds, with the namespaces of the examples.
struct Hub {
    cluster: Cluster,
    handle: Handle,
}

/// What an object is, where it goes, and an example of it.
struct Sample {
    kind: String,
    /// The collection.
    path: String,
    name: String,
    object: Value,
}

impl Hub {
    async fn new() -> Self {
        let cluster = Cluster::start(Options::default()).await.unwrap();
        let handle = cluster.handle();
        let hub = Self { cluster, handle };
        for crd in kinds::crds() {
            let name = crd["metadata"]["name"].as_str().unwrap();
            let path = format!(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?fieldManager=test&fieldValidation=Strict"
            );
            let (code, answer) = hub
                .send("PATCH", &path, "application/apply-patch+yaml", &crd)
                .await;
            assert_eq!(code, 201, "{name}: {answer}");
        }
        for namespace in ["payments", "shipway-system"] {
            let path = "/api/v1/namespaces";
            hub.send(
                "POST",
                path,
                "application/json",
                &json!({"metadata": {"name": namespace}}),
            )
            .await;
        }
        hub
    }

    async fn send(&self, method: &str, path: &str, media: &str, body: &Value) -> (u16, Value) {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: {media}\r\nAccept: application/json\r\n",
            self.handle.token()
        );
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (code, text) = ask(&self.handle, method, path, &headers, &body).await;
        (code, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn create(&self, sample: &Sample) -> (u16, Value) {
        let path = format!("{}?fieldValidation=Strict", sample.path);
        self.send("POST", &path, "application/json", &sample.object).await
    }

    async fn patch(&self, sample: &Sample, patch: &Value) -> (u16, Value) {
        let path = format!("{}/{}?fieldValidation=Strict", sample.path, sample.name);
        self.send("PATCH", &path, "application/merge-patch+json", patch)
            .await
    }
}

/// The example of a kind.
fn sample(kind: &str) -> Sample {
    let crd = kinds::crds()
        .into_iter()
        .find(|crd| crd["spec"]["names"]["kind"] == kind)
        .unwrap();
    let file = format!(
        "{}/../kinds/examples/{}.yaml",
        env!("CARGO_MANIFEST_DIR"),
        kind.to_lowercase()
    );
    let object = json_of(yaml::read(&std::fs::read(file).unwrap(), yaml::Numbers::Kept).unwrap());
    let plural = crd["spec"]["names"]["plural"].as_str().unwrap();
    let namespace = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("namespaces/{namespace}/"),
        None => String::new(),
    };
    assert_eq!(namespace.is_empty(), crd["spec"]["scope"] == "Cluster", "{kind}");
    Sample {
        kind: kind.to_owned(),
        path: format!("/apis/shipway.dev/v1alpha1/{namespace}{plural}"),
        name: object["metadata"]["name"].as_str().unwrap().to_owned(),
        object,
    }
}

fn json_of(value: yaml::Value) -> Value {
    match value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(yes) => yes.into(),
        yaml::Value::Int(number) => number.into(),
        yaml::Value::Float(number) => number.into(),
        yaml::Value::String(text) => text.into(),
        yaml::Value::Seq(items) => items.into_iter().map(json_of).collect(),
        yaml::Value::Map(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, json_of(value)))
            .collect(),
    }
}

/// Puts a merge patch onto a value.
fn merged(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let fields = value.as_object_mut().unwrap();
    for (key, patch) in patch {
        match patch {
            Value::Null => drop(fields.remove(key)),
            patch => merged(fields.entry(key).or_insert(Value::Null), patch),
        }
    }
}

const KINDS: [&str; 10] = [
    "Cluster",
    "ClusterPair",
    "Stage",
    "Tenant",
    "ChartSource",
    "Application",
    "Verification",
    "Artifact",
    "Promotion",
    "FreezeWindow",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_established_and_takes_its_example() {
    let hub = Hub::new().await;
    let list = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (_, list) = hub.send("GET", list, "application/json", &Value::Null).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), KINDS.len());
    for crd in items {
        let conditions = crd["status"]["conditions"].as_array().unwrap();
        for kind in ["Established", "NamesAccepted"] {
            let condition = conditions.iter().find(|one| one["type"] == kind).unwrap();
            assert_eq!(
                condition["status"], "True",
                "{}: {condition}",
                crd["metadata"]["name"]
            );
        }
        assert!(
            !conditions.iter().any(|one| one["type"] == "NonStructuralSchema"),
            "{conditions:?}"
        );
    }
    for kind in KINDS {
        let sample = sample(kind);
        let (code, answer) = hub.create(&sample).await;
        assert_eq!(code, 201, "{kind}: {answer}");
        // What is written once may be written again: rules about changes see none.
        let path = format!("{}/{}?fieldManager=test&force=true", sample.path, sample.name);
        let (code, answer) = hub
            .send("PATCH", &path, "application/apply-patch+yaml", &sample.object)
            .await;
        assert_eq!(code, 200, "{kind}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_filled_in() {
    let hub = Hub::new().await;
    for (kind, pointer, expected) in [
        (
            "Cluster",
            "/spec/overcommit",
            json!({"cpuPercent": 200, "memoryPercent": 100}),
        ),
        (
            "Cluster",
            "/spec/kubeconfig",
            json!({"secret": "prod-a", "namespace": "shipway-system", "key": "kubeconfig"}),
        ),
        (
            "ClusterPair",
            "/spec/rollout/steps/0",
            json!({"canaryPercent": 10, "watch": "5m"}),
        ),
        (
            "ClusterPair",
            "/spec/rollout/analysis/confidencePercent",
            json!(95),
        ),
        ("ClusterPair", "/spec/drill/maxRecovery", json!("1m")),
        ("Stage", "/spec/promotion", json!("OnRequest")),
        ("Stage", "/spec/gates/verification", json!("L2")),
        ("Stage", "/spec/gates/provenance", json!(true)),
        ("Stage", "/spec/gates/approvals/author", json!(false)),
        (
            "Stage",
            "/spec/deletionBrake",
            json!({"objects": 10, "percent": 25, "releasesPerHour": 10}),
        ),
        ("Tenant", "/spec/leaving", json!({"retention": "168h"})),
        ("Tenant", "/spec/podSecurity", json!("Restricted")),
        ("Tenant", "/spec/quota/pods", json!(100)),
        (
            "Tenant",
            "/spec/network",
            json!({"ingress": true, "internet": false}),
        ),
        ("ChartSource", "/spec/branch", json!("main")),
        ("Application", "/spec/objective/window", json!("720h")),
        ("Verification", "/spec/level", json!("L2")),
        ("Artifact", "/spec/irreversible", json!(false)),
        ("Promotion", "/spec/direction", json!("Forward")),
        ("FreezeWindow", "/spec/rollbacks", json!(false)),
    ] {
        let mut sample = sample(kind);
        sample.object["metadata"]["name"] = json!("defaults");
        sample.path += "?dryRun=All";
        let (_, created) = hub
            .send("POST", &sample.path, "application/json", &sample.object)
            .await;
        assert_eq!(
            created.pointer(pointer),
            Some(&expected),
            "{kind} {pointer}: {created}"
        );
    }
}
