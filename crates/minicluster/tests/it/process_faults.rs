//! What a machine refuses: room on its disk, and ports. Each gives an event or a status, and nothing hangs.

use serde_json::{Value, json};

use crate::process_pods::{PODS, cluster, create, event, get, is_ready, shell, until};
use crate::server::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_cant_be_written_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // Nobody can make folders below a file, not even the administrator of this machine.
    let pods = folder.path().join("pods/pods");
    std::fs::remove_dir_all(&pods).unwrap();
    std::fs::write(&pods, "").unwrap();
    let spec = json!({
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [shell("while :; do sleep 1; done")],
    });
    create(&handle, "p", spec).await;
    let told = event(&handle, "p", |event| event["reason"] == "FailedMount").await;
    let message = told["message"].as_str().unwrap();
    assert!(
        message.starts_with("MountVolume.SetUp failed for volume \"v\" : Not a directory"),
        "{message}"
    );
    std::fs::remove_file(&pods).unwrap();
    until(&handle, "p", is_ready).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_a_full_disk_is_told_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // The pod waits for its map until its log is where there is no room.
    let mut container = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 3");
    container["envFrom"] = json!([{"configMapRef": {"name": "m"}}]);
    create(
        &handle,
        "p",
        json!({"restartPolicy": "Never", "containers": [container]}),
    )
    .await;
    let pod = until(&handle, "p", |pod| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    });
    let uid = pod.await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    let logs = folder.path().join(format!("pods/logs/pods/default_p_{uid}/c"));
    std::fs::create_dir_all(&logs).unwrap();
    std::os::unix::fs::symlink("/dev/full", logs.join("0.log")).unwrap();
    let map = json!({"metadata": {"name": "m"}, "data": {}});
    json(&handle, "POST", "/api/v1/namespaces/default/configmaps", &map).await;
    let told = event(&handle, "p", |event| event["reason"] == "FailedLogging").await;
    let message = told["message"].as_str().unwrap();
    assert!(
        message.starts_with("can't write the log of container c: No space left on device"),
        "{message}"
    );
    let pod = until(&handle, "p", |pod| pod["status"]["phase"] == "Failed")
        .await
        .unwrap();
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(ended["exitCode"], 3);
    let message = ended["message"].as_str().unwrap();
    assert!(
        message.starts_with("20000 lines of its log could not be written"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_ends_in_a_crash_loop_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let server = |name: &str| {
        json!({
            "name": name, "image": "shipway.dev/echo", "terminationMessagePolicy": "FallbackToLogsOnError",
        })
    };
    // Two containers have one address.
    create(
        &handle,
        "p",
        json!({"containers": [server("one"), server("two")]}),
    )
    .await;
    let crashed = |pod: &Value| {
        let statuses = pod["status"]["containerStatuses"].as_array().cloned();
        let mut statuses = statuses.into_iter().flatten();
        statuses.find(|status| status["state"]["waiting"]["reason"] == "CrashLoopBackOff")
    };
    let pod = until(&handle, "p", |pod| crashed(pod).is_some()).await.unwrap();
    let status = crashed(&pod).unwrap();
    let refused =
        |text: &str| text.contains("can't listen on 127.") && text.contains("Address already in use");
    let ended = &status["lastState"]["terminated"];
    assert!(refused(ended["message"].as_str().unwrap()), "{status:#}");
    let name = status["name"].as_str().unwrap();
    for previous in [false, true] {
        let path = format!("{PODS}/p/log?container={name}&previous={previous}");
        let (code, log) = get(&handle, &path).await;
        assert!(code == 200 && refused(&log), "{code} {log:?}");
    }
    let told = event(&handle, "p", |event| event["reason"] == "BackOff").await;
    assert_eq!(told["type"], "Warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_followed_is_complete_though_it_is_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // About 12 MB with times and streams, so it is put aside once.
    let gate = folder.path().join("gate");
    let script = format!(
        "echo first; until [ -e {} ]; do sleep 0.05; done; i=0; while [ $i -lt 60000 ]; do echo {} $i; i=$((i+1)); done",
        gate.display(),
        "x".repeat(150),
    );
    create(
        &handle,
        "p",
        json!({"restartPolicy": "Never", "containers": [shell(&script)]}),
    )
    .await;
    until(&handle, "p", is_ready).await.unwrap();
    let path = format!("{PODS}/p/log?follow=true");
    let (_, (code, log)) = tokio::join!(async { std::fs::write(&gate, "").unwrap() }, get(&handle, &path));
    assert_eq!(code, 200);
    assert_eq!(log.lines().count(), 60001);
    assert!(log.ends_with(" 59999\n"), "{}", &log[log.len() - 200..]);
    let pod = until(&handle, "p", |pod| pod["status"]["phase"] == "Succeeded")
        .await
        .unwrap();
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let logs = folder.path().join(format!("pods/logs/pods/default_p_{uid}/c"));
    assert_eq!(std::fs::read_dir(logs).unwrap().count(), 2);
}
