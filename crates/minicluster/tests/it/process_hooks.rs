//! What goes on beside a process: hooks, volumes that change, last words.

use std::path::Path;

use rustix::process::{Pid, test_kill_process_group};
use serde_json::{Value, json};

use crate::process_pods::{LONGEST, PODS, cluster, create, event, gone, is_phase, is_ready, shell, until};
use crate::server::json;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn with_hook(kind: &str, script: &str) -> Value {
    let mut container = shell("while :; do sleep 0.1; done");
    container["lifecycle"] = json!({kind: {"exec": {"command": ["sh", "-c", script]}}});
    container
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_counts_as_started_when_its_hook_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let gate = folder.path().join("gate");
    let script = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
    create(
        &handle,
        "p",
        json!({"containers": [with_hook("postStart", &script)]}),
    )
    .await;
    event(&handle, "p", |event| event["reason"] == "Started").await;
    let pod = until(&handle, "p", |_| true).await.unwrap();
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "ContainerCreating", "{pod:#}");
    std::fs::write(gate, "").unwrap();
    until(&handle, "p", is_ready).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_is_told_and_ends_the_container() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let mut bad = json!({"containers": [with_hook("postStart", "echo no luck; exit 1")]});
    bad["terminationGracePeriodSeconds"] = json!(1);
    bad["restartPolicy"] = json!("Never");
    create(&handle, "start", bad).await;
    let told = event(&handle, "start", |event| event["reason"] == "FailedPostStartHook").await;
    assert_eq!(told["message"], "PostStartHook failed: no luck\n");
    until(&handle, "start", is_phase("Failed")).await.unwrap();

    let bad = json!({"containers": [with_hook("preStop", "exit 3")]});
    create(&handle, "stop", bad).await;
    until(&handle, "stop", is_ready).await.unwrap();
    json(&handle, "DELETE", &format!("{PODS}/stop"), &Value::Null).await;
    let told = event(&handle, "stop", |event| event["reason"] == "FailedPreStopHook").await;
    assert_eq!(told["message"], "PreStopHook failed: command exited with 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_deleted_amid_its_hook_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let mut living = Vec::new();
    // Each writes down its group, which is that of its keeper: the fifth field.
    let files = ["main", "hook"].map(|name| folder.path().join(name));
    let write = |name: &Path| {
        let shown = name.display();
        format!("cut -d' ' -f5 /proc/self/stat > {shown}.new; mv {shown}.new {shown}; sleep 1000")
    };
    let mut container = shell(&write(&files[0]));
    container["lifecycle"] = json!({"postStart": {"exec": {"command": ["sh", "-c", write(&files[1])]}}});
    let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [container]});
    create(&handle, "p", spec).await;
    let groups = files.map(|file| async move {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(group) => return Pid::from_raw(group.trim().parse().unwrap()).unwrap(),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    for group in groups {
        let group = tokio::time::timeout(LONGEST, group).await.unwrap();
        assert!(test_kill_process_group(group).is_ok());
        living.push(group);
    }
    json(&handle, "DELETE", &format!("{PODS}/p"), &Value::Null).await;
    gone(&handle, "p").await;
    let dead = async {
        while living.iter().any(|group| test_kill_process_group(*group).is_ok()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, dead).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_that_changes_is_seen_by_the_process_that_mounts_it() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let map = |text: &str| json!({"metadata": {"name": "conf"}, "data": {"k": text}});
    json(&handle, "POST", MAPS, &map("old")).await;
    let mut container = shell("until grep -q new /etc/conf/k; do sleep 0.05; done; cat /etc/labels/v");
    container["volumeMounts"] = json!([
        {"name": "conf", "mountPath": "/etc/conf"}, {"name": "labels", "mountPath": "/etc/labels"}]);
    let items = json!([{"path": "v", "fieldRef": {"fieldPath": "metadata.labels['app']"}}]);
    let volumes = json!([
        {"name": "conf", "configMap": {"name": "conf"}}, {"name": "labels", "downwardAPI": {"items": items}}]);
    create(
        &handle,
        "p",
        json!({"restartPolicy": "Never", "volumes": volumes, "containers": [container]}),
    )
    .await;
    until(&handle, "p", is_ready).await.unwrap();
    let mut pod = json(&handle, "GET", &format!("{PODS}/p"), &Value::Null).await.1;
    pod["metadata"]["labels"]["app"] = json!("changed");
    let (code, answer) = json(&handle, "PUT", &format!("{PODS}/p"), &pod).await;
    assert_eq!(code, 200, "{answer}");
    let (code, answer) = json(&handle, "PUT", &format!("{MAPS}/conf"), &map("new")).await;
    assert_eq!(code, 200, "{answer}");
    until(&handle, "p", is_phase("Succeeded")).await.unwrap();
    let (_, log) = crate::process_pods::get(&handle, &format!("{PODS}/p/log")).await;
    assert_eq!(log, "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_words_are_in_the_status() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let written = shell("echo why > /dev/termination-log; echo said; exit 1");
    let mut logged = shell("echo said; exit 1");
    logged["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    for (name, container, expected) in [
        ("written", written, json!("why\n")),
        ("logged", logged, json!("said\n")),
        ("silent", shell("echo said; exit 1"), Value::Null),
    ] {
        create(
            &handle,
            name,
            json!({"restartPolicy": "Never", "containers": [container]}),
        )
        .await;
        let pod = until(&handle, name, is_phase("Failed")).await.unwrap();
        let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        assert_eq!(ended["message"], expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_https_probe_asks_whatever_the_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // The API server itself is one whose certificate no system knows.
    let (host, port) = (handle.address().ip(), handle.address().port());
    let probed = |path: &str, scheme: &str| {
        let mut container = shell("while :; do sleep 1; done");
        let get = json!({"scheme": scheme, "host": host, "port": port, "path": path});
        container["readinessProbe"] = json!({"httpGet": get, "periodSeconds": 1, "failureThreshold": 1});
        json!({"containers": [container]})
    };
    create(&handle, "good", probed("/livez", "HTTPS")).await;
    create(&handle, "bad", probed("/api/v1/secrets", "HTTPS")).await;
    create(&handle, "plain", probed("/livez", "HTTP")).await;
    until(&handle, "good", is_ready).await.unwrap();
    let told = event(&handle, "bad", |event| event["reason"] == "Unhealthy").await;
    assert_eq!(
        told["message"],
        "Readiness probe failed: HTTP probe failed with statuscode: 403"
    );
    event(&handle, "plain", |event| event["reason"] == "Unhealthy").await;
}
