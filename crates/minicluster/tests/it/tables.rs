//! Tables as a client of a running cluster gets them, and what the server puts into a cluster by itself.

use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use super::server::{ask, json as request};

/// Asks for the table of a path: the names of its columns and the cells of its rows.
async fn table(handle: &Handle, path: &str) -> (Vec<String>, Vec<Vec<Value>>) {
    let headers = format!(
        "Authorization: Bearer {}\r\nAccept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n",
        handle.token()
    );
    let (code, body) = ask(handle, "GET", path, &headers, "").await;
    assert_eq!(code, 200, "{body}");
    let table: Value = serde_json::from_str(&body).unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap().iter();
    let names = columns.map(|column| column["name"].as_str().unwrap().to_owned());
    let rows = table["rows"].as_array().unwrap().iter();
    let cells = rows.map(|row| row["cells"].as_array().unwrap().clone());
    (names.collect(), cells.collect())
}

async fn create(handle: &Handle, path: &str, object: Value) {
    let (code, answer) = request(handle, "POST", path, &object).await;
    assert_eq!(code, 201, "{answer}");
}

#[tokio::test]
async fn kinds_are_shown_as_kubectl_prints_them() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    create(
        &handle,
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        json!({"metadata": {"name": "high"}, "value": 7}),
    )
    .await;
    let (names, rows) = table(&handle, "/apis/scheduling.k8s.io/v1/priorityclasses/high").await;
    assert_eq!(
        names,
        ["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"]
    );
    assert_eq!(rows[0][..3], [json!("high"), json!(7), json!(false)]);

    let hpa = json!({"metadata": {"name": "h"}, "spec": {"maxReplicas": 4,
        "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
        "metrics": [{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}}]}});
    create(
        &handle,
        "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
        hpa,
    )
    .await;
    for version in ["v1", "v2"] {
        let path = format!("/apis/autoscaling/{version}/namespaces/default/horizontalpodautoscalers");
        let (names, rows) = table(&handle, &path).await;
        assert_eq!(
            names,
            [
                "Name",
                "Reference",
                "Targets",
                "MinPods",
                "MaxPods",
                "Replicas",
                "Age"
            ]
        );
        let expected = json!(["h", "Deployment/web", "cpu: <unknown>/80%", "1", 4, 0]);
        assert_eq!(rows[0][..6], *expected.as_array().unwrap());
    }

    let class = json!({"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "p.io/x"});
    create(&handle, "/apis/storage.k8s.io/v1/storageclasses", class).await;
    let (_, rows) = table(&handle, "/apis/storage.k8s.io/v1/storageclasses").await;
    let expected = json!(["fast (default)", "p.io/x", "Delete", "Immediate", false]);
    assert_eq!(rows[0][..5], *expected.as_array().unwrap());

    let (names, _) = table(&handle, "/api/v1/namespaces/default/events").await;
    assert_eq!(names[..4], ["Last Seen", "Type", "Reason", "Object"]);
    let (names, _) = table(&handle, "/apis/rbac.authorization.k8s.io/v1/clusterroles").await;
    assert_eq!(names, ["Name", "Created At"]);
}

#[tokio::test]
async fn the_server_is_a_service_of_its_own_cluster() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let port = handle.address().port();
    let (code, service) = request(
        &handle,
        "GET",
        "/api/v1/namespaces/default/services/kubernetes",
        &Value::Null,
    )
    .await;
    assert_eq!((code, &service["spec"]["clusterIP"]), (200, &json!("10.96.0.1")));
    assert_eq!(service["spec"]["ports"][0]["targetPort"], port);
    let (_, endpoints) = request(
        &handle,
        "GET",
        "/api/v1/namespaces/default/endpoints/kubernetes",
        &Value::Null,
    )
    .await;
    assert_eq!(endpoints["subsets"][0]["ports"][0]["port"], port);
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let (_, rows) = table(&handle, slices).await;
    assert_eq!(
        rows[0][..4],
        [
            json!("kubernetes"),
            json!("IPv4"),
            json!(port.to_string()),
            json!("127.0.0.1")
        ]
    );

    // Its address is nobody else's.
    let taken =
        json!({"metadata": {"name": "a"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]}});
    let (code, _) = request(&handle, "POST", "/api/v1/namespaces/default/services", &taken).await;
    assert_eq!(code, 422);
}

#[tokio::test]
async fn a_durable_cluster_says_where_it_is_after_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Cluster::start(Options {
            folder: Some(folder.path().to_owned()),
            ..Options::default()
        })
    };
    drop(start().await.unwrap());
    let cluster = loop {
        // The first one's lock on the folder goes with its last task.
        match start().await {
            Ok(cluster) => break cluster,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let handle = cluster.handle();
    let (_, endpoints) = request(
        &handle,
        "GET",
        "/api/v1/namespaces/default/endpoints/kubernetes",
        &Value::Null,
    )
    .await;
    assert_eq!(
        endpoints["subsets"][0]["ports"][0]["port"],
        handle.address().port()
    );
}

#[tokio::test]
async fn openapi_v2_is_also_protobuf() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let request = format!(
        "GET /openapi/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf\r\n\r\n",
        handle.token()
    );
    let (code, body) = super::server::send_bytes(&handle, request.as_bytes()).await;
    assert_eq!(code, 200);
    assert!(body.starts_with(b"\x0a\x032.0"), "{:?}", &body[..16]);
}

#[tokio::test]
async fn nodes_made_by_hand_have_empty_fields_and_older_bindings_work() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let (_, node) = request(
        &handle,
        "POST",
        "/api/v1/nodes",
        &json!({"metadata": {"name": "n"}}),
    )
    .await;
    assert_eq!(
        node["status"]["daemonEndpoints"],
        json!({"kubeletEndpoint": {"Port": 0}})
    );
    assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], "");

    let pod = json!({"metadata": {"name": "p"}, "spec": {"schedulerName": "mine", "containers": [{"name": "c", "image": "i"}]}});
    create(&handle, "/api/v1/namespaces/default/pods", pod).await;
    let binding = json!({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}});
    create(&handle, "/api/v1/namespaces/default/bindings", binding).await;
    let (_, pod) = request(&handle, "GET", "/api/v1/namespaces/default/pods/p", &Value::Null).await;
    assert_eq!(pod["spec"]["nodeName"], "n");
    assert!(pod["status"]["conditions"][0]["lastProbeTime"].is_null());
}

#[tokio::test]
async fn a_negative_scale_is_refused_in_the_words_of_scales() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let deployment = json!({"metadata": {"name": "d"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    create(
        &handle,
        "/apis/apps/v1/namespaces/default/deployments",
        deployment,
    )
    .await;
    let path = "/apis/apps/v1/namespaces/default/deployments/d/scale";
    let scale = json!({"metadata": {"name": "d"}, "spec": {"replicas": -1}});
    let (code, answer) = request(&handle, "PUT", path, &scale).await;
    let expected = "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -1: must be greater than or \
                    equal to 0";
    assert_eq!((code, answer["message"].as_str()), (422, Some(expected)));
}
