//! The hub's own kinds on a cluster: their definitions are taken, good objects too, and bad ones are refused in words that
//! help.

mod refused;

use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use super::server::ask;
use refused::{BAD, CHANGES};

/// A cluster that knows the kinds, with the namespaces of the examples.
struct Hub {
    /// Stops when it is dropped.
    _cluster: Cluster,
    handle: Handle,
}

/// An example of a kind, and where it goes.
struct Sample {
    /// The collection.
    path: String,
    name: String,
    object: Value,
}

impl Hub {
    async fn new() -> Self {
        let cluster = Cluster::start(Options::default()).await.unwrap();
        let handle = cluster.handle();
        let hub = Self {
            _cluster: cluster,
            handle,
        };
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

/// What a program writes that read the object.
fn written_back(kind: &str, object: &Value) -> Value {
    fn by<K: kinds::Kind>(object: &Value) -> Value {
        let read = kinds::Object::<K>::read(object).unwrap();
        let mut written = read.written();
        written["metadata"] = object["metadata"].clone();
        written["status"] = serde_json::to_value(&read.status).unwrap();
        written
    }
    match kind {
        "Cluster" => by::<kinds::Cluster>(object),
        "ClusterPair" => by::<kinds::ClusterPair>(object),
        "Stage" => by::<kinds::Stage>(object),
        "Tenant" => by::<kinds::Tenant>(object),
        "ChartSource" => by::<kinds::ChartSource>(object),
        "Application" => by::<kinds::Application>(object),
        "Verification" => by::<kinds::Verification>(object),
        "Artifact" => by::<kinds::Artifact>(object),
        "Promotion" => by::<kinds::Promotion>(object),
        "FreezeWindow" => by::<kinds::FreezeWindow>(object),
        other => unreachable!("no kind {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_write_what_they_read() {
    let hub = Hub::new().await;
    for kind in KINDS {
        let sample = sample(kind);
        let (code, created) = hub.create(&sample).await;
        assert_eq!(code, 201, "{kind}: {created}");
        let path = format!("{}/{}", sample.path, sample.name);
        let write = async |below: &str, object: &Value, last: &Value| {
            let mut written = written_back(kind, object);
            written["metadata"] = last["metadata"].clone();
            let path = format!("{path}{below}?fieldValidation=Strict");
            let (code, answer) = hub.send("PUT", &path, "application/json", &written).await;
            assert_eq!(code, 200, "{kind}: {answer}");
            answer
        };
        // Once as a file has it, then as the server keeps it, with every default.
        let kept = write("", &sample.object, &created).await;
        let again = write("", &kept, &kept).await;
        assert_eq!(again["spec"], kept["spec"], "{kind}");
        assert_eq!(
            again["metadata"]["generation"], kept["metadata"]["generation"],
            "{kind}"
        );
        write("/status", &again, &again).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn bad_objects_are_refused_in_words_that_help() {
    let hub = Hub::new().await;
    let mut wrong = Vec::new();
    for (kind, patch, expected) in BAD {
        let mut sample = sample(kind);
        merged(&mut sample.object, &serde_json::from_str(patch).unwrap());
        let (code, answer) = hub.create(&sample).await;
        let message = answer["message"].as_str().unwrap_or_default();
        if !matches!(code, 400 | 422) || !message.contains(expected) {
            wrong.push(format!(
                "{kind} {patch}\n  {code}: {message}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_object_is_can_not_be_changed() {
    let hub = Hub::new().await;
    for kind in KINDS {
        assert_eq!(hub.create(&sample(kind)).await.0, 201, "{kind}");
    }
    let mut wrong = Vec::new();
    for (kind, patch, expected) in CHANGES {
        let (code, answer) = hub
            .patch(&sample(kind), &serde_json::from_str(patch).unwrap())
            .await;
        let message = answer["message"].as_str().unwrap_or_default();
        let is_right = match *expected {
            "" => code == 200,
            expected => code == 422 && message.contains(expected),
        };
        if !is_right {
            wrong.push(format!(
                "{kind} {patch}\n  {code}: {message}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_show_spec_and_status() {
    let hub = Hub::new().await;
    for kind in ["Tenant", "Stage"] {
        assert_eq!(hub.create(&sample(kind)).await.0, 201, "{kind}");
    }
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": "m",
            "lastTransitionTime": "2026-11-22T08:00:00Z"})
    };
    let tenant = sample("Tenant");
    let path = format!("{}/{}/status", tenant.path, tenant.name);
    let status = json!({"status": {"observedGeneration": 1, "conditions": [condition("Ready", "False", "NoCluster")]}});
    let (code, answer) = hub
        .send("PATCH", &path, "application/merge-patch+json", &status)
        .await;
    assert_eq!(code, 200, "{answer}");
    assert_eq!(
        answer["metadata"]["generation"], 1,
        "a status is no change of the spec"
    );

    let table = async |sample: &Sample| {
        let headers = format!(
            "Authorization: Bearer {}\r\nAccept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n",
            hub.handle.token()
        );
        let (_, text) = ask(&hub.handle, "GET", &sample.path, &headers, "").await;
        let table: Value = serde_json::from_str(&text).unwrap();
        let columns = table["columnDefinitions"].as_array().unwrap().iter();
        let shown = columns.map(|column| column["name"].as_str().unwrap().to_owned());
        (shown.collect::<Vec<_>>(), table["rows"][0]["cells"].clone())
    };
    let (columns, cells) = table(&tenant).await;
    assert_eq!(columns, ["Name", "Ready", "Reason", "Age"]);
    assert_eq!(
        [&cells[0], &cells[1], &cells[2]],
        ["payments", "False", "NoCluster"]
    );
    let (columns, cells) = table(&sample("Stage")).await;
    assert_eq!(
        columns,
        [
            "Name",
            "After",
            "Promotion",
            "Ready",
            "Frozen",
            "Applications",
            "Waiting",
            "Age"
        ]
    );
    assert_eq!(
        [&cells[0], &cells[1], &cells[2]],
        ["production", "staging", "OnRequest"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_explain_themselves() {
    let hub = Hub::new().await;
    let path = "/openapi/v3/apis/shipway.dev/v1alpha1";
    let (code, document) = hub.send("GET", path, "application/json", &Value::Null).await;
    assert_eq!(code, 200);
    let schemas = &document["components"]["schemas"];
    for kind in KINDS {
        let schema = &schemas[format!("dev.shipway.v1alpha1.{kind}")];
        for field in [
            "/description",
            "/properties/spec/description",
            "/properties/status/description",
        ] {
            assert!(
                schema.pointer(field).is_some_and(Value::is_string),
                "{kind}{field}: {schema}"
            );
        }
    }
    let (_, list) = hub
        .send(
            "GET",
            "/apis/shipway.dev/v1alpha1",
            "application/json",
            &Value::Null,
        )
        .await;
    let resources = list["resources"].as_array().unwrap();
    let named = |name: &str| resources.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(named("tenants")["shortNames"], json!(["ten"]));
    for resource in resources
        .iter()
        .filter(|one| !one["name"].as_str().unwrap().contains('/'))
    {
        assert_eq!(resource["categories"], json!(["shipway"]), "{}", resource["name"]);
    }
}
