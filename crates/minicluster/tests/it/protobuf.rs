//! Clients that speak protobuf: what they send and ask for, over the wire.

use minicluster::protobuf::{decode, encode};
use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use crate::server::{json as ask_json, send_bytes};

const MEDIA: &str = "application/vnd.kubernetes.protobuf";

/// Sends an object as protobuf and gives the code and the answer, decoded.
async fn ask(handle: &Handle, method: &str, path: &str, accept: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map(|body| encode(body).unwrap()).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: {MEDIA}\r\nAccept: {accept}\r\nContent-Length: {}\r\n\r\n",
        handle.token(),
        body.len()
    );
    let (code, answer) = send_bytes(handle, &[head.as_bytes(), &body].concat()).await;
    let answer = match answer.starts_with(b"k8s\0") {
        true => decode(&answer, ("", "")).unwrap(),
        false => serde_json::from_slice(&answer).unwrap_or(Value::Null),
    };
    (code, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_sent_and_read_as_protobuf_is_the_one_sent_as_json() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let deployment = |name: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
            "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i",
                "livenessProbe": {"httpGet": {"path": "/", "port": "web"}},
                "ports": [{"name": "web", "containerPort": 80}],
                "resources": {"requests": {"cpu": "100m"}}}]}}}})
    };
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let (code, one) = ask(&handle, "POST", path, MEDIA, Some(&deployment("one"))).await;
    assert_eq!((code, &one["kind"]), (201, &json!("Deployment")));
    let (code, _) = ask_json(&handle, "POST", path, &deployment("two")).await;
    assert_eq!(code, 201);
    let (_, one) = ask_json(&handle, "GET", &format!("{path}/one"), &Value::Null).await;
    let (_, two) = ask_json(&handle, "GET", &format!("{path}/two"), &Value::Null).await;
    assert_eq!(one["spec"], two["spec"]);
    // Beside what a controller owns by now.
    let owned = |object: &Value| {
        let mut entries = object["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten();
        entries.find(|one| one["fieldsV1"]["f:spec"].is_object()).cloned()
    };
    let owned = |object: &Value| owned(object).map(|one| one["fieldsV1"].clone());
    assert_eq!(owned(&one), owned(&two));
    let (_, list) = ask(&handle, "GET", path, MEDIA, None).await;
    assert_eq!(
        (&list["kind"], list["items"].as_array().map(Vec::len)),
        (&json!("DeploymentList"), Some(2))
    );
    assert_eq!(list["items"][0]["spec"]["replicas"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_metadata_come_as_protobuf_and_tables_as_json() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let meta = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let table = format!("{MEDIA};as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1");
    for (path, accept, code, kind) in [
        ("/api/v1/namespaces/none", MEDIA, 404, "Status"),
        (
            "/api/v1/namespaces",
            &format!("{MEDIA};{meta}"),
            200,
            "PartialObjectMetadataList",
        ),
        ("/api/v1/namespaces", &table, 200, "Table"),
        ("/api/v1/namespaces", "image/png", 406, "Status"),
        ("/apis", MEDIA, 200, "APIGroupList"),
        ("/api/v1", MEDIA, 200, "APIResourceList"),
    ] {
        let (got, answer) = ask(&handle, "GET", path, accept, None).await;
        assert_eq!((got, &answer["kind"]), (code, &json!(kind)), "{path} as {accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_is_read_in_the_version_asked_for() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let (v1, v2) = (
        "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
        "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
    );
    let object = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 40,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}});
    let (code, created) = ask(&handle, "POST", v1, "application/json", Some(&object)).await;
    assert_eq!(
        (code, &created["spec"]["targetCPUUtilizationPercentage"]),
        (201, &json!(40))
    );
    let (_, stored) = ask_json(&handle, "GET", &format!("{v2}/h"), &Value::Null).await;
    assert_eq!(stored["apiVersion"], "autoscaling/v2");
    assert_eq!(
        stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"],
        40
    );
    let (_, list) = ask_json(&handle, "GET", v1, &Value::Null).await;
    assert_eq!(list["items"][0]["spec"]["targetCPUUtilizationPercentage"], 40);
    assert_eq!(list["items"][0].get("apiVersion"), None);
    for (accept, expected) in [
        ("application/json", &b"\"targetCPUUtilizationPercentage\":40"[..]),
        (MEDIA, b"k8s\0"),
    ] {
        let request = format!(
            "GET {v1}?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nAccept: {accept}\r\n\r\n",
            handle.token()
        );
        let (code, watched) = send_bytes(&handle, request.as_bytes()).await;
        let found = watched.windows(expected.len()).any(|window| window == expected);
        assert!(code == 200 && found, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_kubernetes_serves_what_it_had() {
    let options = |minor| Options {
        minor: Some(minor),
        ..Options::default()
    };
    for (minor, devices) in [(33, 404), (34, 200), (35, 200)] {
        let cluster = Cluster::start(options(minor)).await.unwrap();
        let handle = cluster.handle();
        let (_, version) = ask_json(&handle, "GET", "/version", &Value::Null).await;
        assert_eq!(version["minor"], minor.to_string());
        let (code, _) = ask_json(
            &handle,
            "GET",
            "/apis/resource.k8s.io/v1/deviceclasses",
            &Value::Null,
        )
        .await;
        assert_eq!(code, devices, "1.{minor}");
    }
    assert!(Cluster::start(options(12)).await.is_err());
}
