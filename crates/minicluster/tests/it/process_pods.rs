//! Pods that are processes: they really run, are probed, logged and stopped, and nothing of them is left.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use kubelet::{Shape, nodes};
use minicluster::node::{self, Images};
use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{ask, connect, json};

/// Nothing here takes longer than a second or two, but the machine may be busy.
const LONGEST: Duration = Duration::from_secs(60);

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A cluster of one node whose images `sh` and `echo` are programs.
async fn cluster(folder: &Path) -> Cluster {
    let map = "images:\n- image: sh\n  program: /bin/sh\n  args: [-c, 'echo no command']\n";
    let processes = node::Options {
        images: Images::parse(map, folder).unwrap(),
        program: env!("CARGO_BIN_EXE_pod-keeper").into(),
        folder: folder.join("pods"),
        keep: false,
        environment: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
    };
    let options = Options {
        nodes: nodes::fleet(1, &Shape::default()),
        processes: Some(processes),
        ..Options::default()
    };
    Cluster::start(options).await.unwrap()
}

async fn create(handle: &Handle, name: &str, spec: Value) {
    let pod = json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": spec});
    let (code, answer) = json(handle, "POST", PODS, &pod).await;
    assert_eq!(code, 201, "{answer}");
}

fn shell(script: &str) -> Value {
    json!({"name": "c", "image": "sh", "command": ["sh", "-c", script]})
}

/// Watches a pod until something holds; nothing when it is deleted.
async fn until(handle: &Handle, name: &str, holds: impl Fn(&Value) -> bool) -> Option<Value> {
    let watched = async {
        let mut stream = connect(handle, None, &[]).await;
        let path = format!("{PODS}?watch=true&fieldSelector=metadata.name%3D{name}");
        let token = handle.token();
        let request = format!("GET {path} HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stream));
        while let Some(line) = lines.next_line().await.unwrap() {
            let Ok(event) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if event["type"] == "DELETED" {
                return None;
            }
            if event.is_object() && holds(&event["object"]) {
                return Some(event["object"].clone());
            }
        }
        panic!("the watch ended");
    };
    let found = tokio::time::timeout(LONGEST, watched).await;
    found.unwrap_or_else(|_| panic!("{name} never came so far"))
}

fn is_phase(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |pod| pod["status"]["phase"] == phase
}

fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
}

async fn get(handle: &Handle, path: &str) -> (u16, String) {
    let headers = format!("Authorization: Bearer {}\r\n", handle.token());
    let (code, body) = ask(handle, "GET", path, &headers, "").await;
    // A log comes in chunks: each with a line of its length.
    let is_length =
        |line: &&str| !line.is_empty() && line.len() <= 4 && line.chars().all(|c| c.is_ascii_hexdigit());
    let lines = body.split("\r\n").filter(|line| !is_length(line));
    (code, lines.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_has_its_environment_and_files_and_its_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let map = json!({"metadata": {"name": "conf"}, "data": {"k": "from a file"}});
    json(&handle, "POST", "/api/v1/namespaces/default/configmaps", &map).await;
    let mut container = shell("echo $GREETING $POD_NAME; cat /etc/conf/k; echo; echo bad >&2; exit 3");
    container["env"] = json!([
        {"name": "WHO", "value": "you"},
        {"name": "GREETING", "value": "hello $(WHO)"},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]);
    container["volumeMounts"] = json!([{"name": "conf", "mountPath": "/etc/conf"}]);
    let volumes = json!([{"name": "conf", "configMap": {"name": "conf"}}]);
    create(
        &handle,
        "p",
        json!({"restartPolicy": "Never", "volumes": volumes, "containers": [container]}),
    )
    .await;
    let pod = until(&handle, "p", is_phase("Failed")).await.unwrap();
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(
        (&ended["exitCode"], &ended["reason"]),
        (&json!(3), &json!("Error"))
    );
    let (code, log) = get(&handle, &format!("{PODS}/p/log")).await;
    assert_eq!(code, 200);
    for line in ["hello you p\n", "from a file\n", "bad\n"] {
        assert!(log.contains(line), "{log:?} lacks {line:?}");
    }
    let (code, text) = get(&handle, &format!("{PODS}/p/log?container=none")).await;
    assert_eq!(code, 400);
    assert!(text.contains("container none is not valid for pod p"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let missing = json!({"name": "c", "image": "sh", "command": ["no-such-program"]});
    create(&handle, "missing", json!({"containers": [missing]})).await;
    create(
        &handle,
        "unmapped",
        json!({"containers": [{"name": "c", "image": "nginx"}]}),
    )
    .await;
    for (name, reasons, text) in [
        (
            "missing",
            &["RunContainerError"][..],
            "executable file not found in $PATH",
        ),
        (
            "unmapped",
            &["ErrImagePull", "ImagePullBackOff"],
            "add it to the file of `--images`",
        ),
    ] {
        let state = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        let pod = until(&handle, name, |pod| {
            reasons.iter().any(|reason| state(pod)["reason"] == *reason)
        });
        let message = state(&pod.await.unwrap())["message"].to_string();
        assert!(message.contains(text), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_echo_server_is_probed_reached_and_ended_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let probe = json!({"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1});
    let echo = json!({
        "name": "echo", "image": "shipway.dev/echo:2", "readinessProbe": probe,
        "env": [{"name": "VERSION", "value": "2"}],
        "ports": [{"name": "http", "containerPort": 8080}],
    });
    create(&handle, "echo", json!({"containers": [echo]})).await;
    until(&handle, "echo", is_ready).await.unwrap();
    let (code, answer) = get(&handle, &format!("{PODS}/echo:http/proxy/some/path")).await;
    assert_eq!(code, 200, "{answer}");
    assert!(
        answer.contains("\"version\":\"2\"") && answer.contains("\"path\":\"/some/path\""),
        "{answer}"
    );
    let greedy = json!({
        "name": "c", "image": "shipway.dev/echo", "env": [{"name": "MEMORY_MB", "value": "200"}],
        "resources": {"limits": {"memory": "60Mi"}},
    });
    create(
        &handle,
        "greedy",
        json!({"restartPolicy": "Never", "containers": [greedy]}),
    )
    .await;
    let pod = until(&handle, "greedy", is_phase("Failed")).await.unwrap();
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(
        (&ended["exitCode"], &ended["reason"]),
        (&json!(137), &json!("OOMKilled"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_is_asked_to_end_and_killed_after_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    for (name, script) in [
        ("polite", "trap 'exit 0' TERM; while :; do sleep 0.1; done"),
        ("stubborn", "trap '' TERM; while :; do sleep 0.1; done"),
    ] {
        create(
            &handle,
            name,
            json!({"terminationGracePeriodSeconds": 1, "containers": [shell(script)]}),
        )
        .await;
        until(&handle, name, is_ready).await.unwrap();
        let (code, _) = json(&handle, "DELETE", &format!("{PODS}/{name}"), &Value::Null).await;
        assert!(code < 300, "{code}");
        // It may be gone before the watch begins.
        let (code, _) = get(&handle, &format!("{PODS}/{name}")).await;
        if code == 200 {
            assert_eq!(until(&handle, name, |_| false).await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_the_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // The group's number is that of the keeper: the fifth field.
    create(
        &handle,
        "p",
        json!({"containers": [shell("sleep 1000 & cut -d' ' -f5 /proc/self/stat; wait")]}),
    )
    .await;
    until(&handle, "p", is_ready).await.unwrap();
    let said = tokio::time::timeout(LONGEST, async {
        loop {
            let (_, log) = get(&handle, &format!("{PODS}/p/log")).await;
            if log.ends_with('\n') {
                return log;
            }
        }
    });
    let group: i32 = said.await.unwrap().trim().parse().unwrap();
    let group = rustix::process::Pid::from_raw(group).unwrap();
    assert!(rustix::process::test_kill_process_group(group).is_ok());
    drop(cluster);
    let gone = async {
        while rustix::process::test_kill_process_group(group).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, gone).await.unwrap();
    assert!(!folder.path().join("pods").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_beside_the_container_and_its_exit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    let mut container = shell("while :; do sleep 1; done");
    container["env"] = json!([{"name": "WORD", "value": "inside"}]);
    create(&handle, "p", json!({"containers": [container]})).await;
    until(&handle, "p", is_ready).await.unwrap();
    let mut stream = connect(&handle, None, &[]).await;
    let key = base64::engine::general_purpose::STANDARD.encode([7; 16]);
    let query = "command=sh&command=-c&command=echo+%24WORD%3B+exit+4&stdout=true&stderr=true";
    let request = format!(
        "GET {PODS}/p/exec?{query} HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
        handle.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LONGEST, stream.read_to_end(&mut answer)).await;
    // The server may close without TLS's own goodbye.
    let _ = read.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains("\u{1}inside\n"), "{answer}");
    assert!(
        answer.contains("command terminated with non-zero exit code: exit status 4"),
        "{answer}"
    );
}
