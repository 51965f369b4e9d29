//! What a running cluster gives out and counts: addresses, node ports, quotas, evictions.

use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use crate::server::json as ask;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const PODS: &str = "/api/v1/namespaces/default/pods";

async fn start() -> (Cluster, Handle) {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    (cluster, handle)
}

fn service(name: &str, spec: &Value) -> Value {
    let mut object = json!({"metadata": {"name": name}, "spec": spec});
    if object["spec"]["ports"].is_null() {
        object["spec"]["ports"] = json!([{"port": 80}]);
    }
    object
}

async fn made(handle: &Handle, path: &str, object: &Value) -> Value {
    let (code, made) = ask(handle, "POST", path, object).await;
    assert_eq!(code, 201, "{made}");
    made
}

async fn refused(handle: &Handle, path: &str, object: &Value) -> (u16, String) {
    let (code, status) = ask(handle, "POST", path, object).await;
    (code, status["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_ports_are_given_once_and_given_back() {
    let (_cluster, handle) = start().await;
    let asked =
        json!({"clusterIP": "10.96.0.77", "type": "NodePort", "ports": [{"port": 80, "nodePort": 31000}]});
    made(&handle, SERVICES, &service("a", &asked)).await;
    let other = service("b", &json!({"clusterIP": "10.96.0.77"}));
    let (code, message) = refused(&handle, SERVICES, &other).await;
    assert_eq!(
        (code, message.as_str()),
        (
            422,
            "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.77\"]: failed to allocate IP \
             10.96.0.77: provided IP is already allocated"
        )
    );
    let port = service(
        "b",
        &json!({"type": "NodePort", "ports": [{"port": 1, "nodePort": 31000}]}),
    );
    assert_eq!(refused(&handle, SERVICES, &port).await.0, 422);
    ask(&handle, "DELETE", &format!("{SERVICES}/a"), &Value::Null).await;
    made(&handle, SERVICES, &service("b", &asked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_and_a_refused_write_keep_nothing() {
    let (_cluster, handle) = start().await;
    let asked = service("a", &json!({"clusterIP": "10.96.0.77"}));
    let (code, rehearsed) = ask(&handle, "POST", &format!("{SERVICES}?dryRun=All"), &asked).await;
    assert_eq!(
        (code, &rehearsed["spec"]["clusterIP"]),
        (201, &json!("10.96.0.77"))
    );
    let mut bad = asked.clone();
    bad["spec"]["ports"] = json!([{"port": 70000}]);
    assert_eq!(refused(&handle, SERVICES, &bad).await.0, 422);
    made(&handle, SERVICES, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_type_takes_ports_and_gives_them_back() {
    let (_cluster, handle) = start().await;
    let path = format!("{SERVICES}/a");
    let made = made(&handle, SERVICES, &service("a", &json!({}))).await;
    let address = &made["spec"]["clusterIP"];
    let outside = service(
        "a",
        &json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
    );
    let (code, changed) = ask(&handle, "PUT", &path, &outside).await;
    assert_eq!((code, &changed["spec"]["clusterIP"]), (200, address), "{changed}");
    assert!(changed["spec"]["ports"][0]["nodePort"].is_u64());
    assert!(changed["spec"]["healthCheckNodePort"].is_u64());
    let (_, again) = ask(&handle, "PUT", &path, &outside).await;
    assert_eq!(
        again["spec"], changed["spec"],
        "an update that leaves the ports out keeps them"
    );
    let (code, inside) = ask(
        &handle,
        "PUT",
        &path,
        &service("a", &json!({"type": "ClusterIP"})),
    )
    .await;
    assert_eq!(
        (code, &inside["spec"]["ports"][0]["nodePort"]),
        (200, &Value::Null),
        "{inside}"
    );
    let taken = changed["spec"]["ports"][0]["nodePort"].clone();
    let other = service(
        "b",
        &json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": taken}]}),
    );
    self::made(&handle, SERVICES, &other).await;
    let name = json!({"type": "ExternalName", "externalName": "example.com", "ports": []});
    let (code, named) = ask(&handle, "PUT", &path, &service("a", &name)).await;
    assert_eq!(
        (code, &named["spec"]["clusterIP"]),
        (200, &Value::Null),
        "{named}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_remembers_what_is_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let asked = service("a", &json!({"clusterIP": "10.96.0.77"}));
    {
        let cluster = Cluster::start(options()).await.unwrap();
        made(&cluster.handle(), SERVICES, &asked).await;
    }
    let cluster = Cluster::start(options()).await.unwrap();
    let other = service("b", &json!({"clusterIP": "10.96.0.77"}));
    assert_eq!(refused(&cluster.handle(), SERVICES, &other).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_side_by_side_never_exceed_a_quota() {
    let (_cluster, handle) = start().await;
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"secrets": "5"}}});
    made(&handle, "/api/v1/namespaces/default/resourcequotas", &quota).await;
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let handle = handle.clone();
            tokio::spawn(async move {
                let secret = json!({"metadata": {"name": format!("s{number}")}});
                ask(&handle, "POST", "/api/v1/namespaces/default/secrets", &secret)
                    .await
                    .0
            })
        })
        .collect();
    let mut codes = Vec::new();
    for task in tasks {
        codes.push(task.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|code| **code == 201).count(), 5, "{codes:?}");
    let path = "/api/v1/namespaces/default/resourcequotas/q";
    let (_, quota) = ask(&handle, "GET", path, &Value::Null).await;
    assert_eq!(quota["status"]["used"], json!({"secrets": "5"}));
    let (code, _) = ask(
        &handle,
        "DELETE",
        "/api/v1/namespaces/default/secrets",
        &Value::Null,
    )
    .await;
    assert_eq!(code, 200);
    loop {
        let (_, quota) = ask(&handle, "GET", path, &Value::Null).await;
        if quota["status"]["used"] == json!({"secrets": "0"}) {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_bound_once_and_evicted_without_a_budget() {
    let (_cluster, handle) = start().await;
    let pod = json!({
        "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i:1"}]},
    });
    made(&handle, PODS, &pod).await;
    let binding = json!({"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}});
    let path = format!("{PODS}/p/binding");
    assert_eq!(ask(&handle, "POST", &path, &binding).await.0, 201);
    let (code, message) = refused(&handle, &path, &binding).await;
    assert_eq!(
        (code, message.as_str()),
        (
            409,
            "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n\""
        )
    );
    let eviction = json!({"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "p"}});
    assert_eq!(
        ask(&handle, "POST", &format!("{PODS}/p/eviction"), &eviction)
            .await
            .0,
        201
    );
    let (code, pod) = ask(&handle, "GET", &format!("{PODS}/p"), &Value::Null).await;
    let going = pod["metadata"]["deletionTimestamp"].is_string();
    assert!(code == 404 || going, "{pod}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_namespace_has_comes_back() {
    let (_cluster, handle) = start().await;
    let account = "/api/v1/namespaces/default/serviceaccounts/default";
    let (_, before) = ask(&handle, "GET", account, &Value::Null).await;
    assert_eq!(ask(&handle, "DELETE", account, &Value::Null).await.0, 200);
    // A controller brings it back: the next pod waits for that, and finds it.
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(ask(&handle, "POST", PODS, &pod).await.0, 201);
    let (code, after) = ask(&handle, "GET", account, &Value::Null).await;
    assert_eq!(code, 200);
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    let (code, status) = ask(&handle, "DELETE", "/api/v1/namespaces/default", &Value::Null).await;
    assert_eq!(
        (code, &status["message"]),
        (
            403,
            &json!("namespaces \"default\" is forbidden: this namespace may not be deleted")
        )
    );
}
