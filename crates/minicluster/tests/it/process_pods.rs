//! Pods that are processes: they really run, are probed, logged and stopped, and nothing of them is left.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use base64::Engine as _;
use kubelet::{Shape, nodes};
use minicluster::node::{self, Images};
use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::server::{ask, connect, json};

/// Nothing here takes longer than a second or two, but the machine may be busy.
pub(crate) const LONGEST: Duration = Duration::from_secs(180);

pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";

/// A cluster of one node whose images `sh` and `echo` are programs.
pub(crate) async fn cluster(folder: &Path) -> Cluster {
    start(folder, |_| {}).await
}

/// The same with other options.
pub(crate) async fn start(folder: &Path, change: impl FnOnce(&mut Options)) -> Cluster {
    let mut options = options(folder);
    change(&mut options);
    Cluster::start(options).await.unwrap()
}

/// One node that runs processes, with the folder `pods` of a folder.
pub(crate) fn options(folder: &Path) -> Options {
    let map = "images:\n- image: sh\n  program: /bin/sh\n  args: [-c, 'echo no command']\n";
    let processes = node::Options {
        images: Images::parse(map, folder).unwrap(),
        program: env!("CARGO_BIN_EXE_pod-keeper").into(),
        folder: folder.join("pods"),
        keep: false,
        environment: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
    };
    Options {
        nodes: nodes::fleet(1, &Shape::default()),
        processes: Some(processes),
        ..Options::default()
    }
}

pub(crate) async fn create(handle: &Handle, name: &str, spec: Value) {
    let pod = json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": spec});
    let (code, answer) = json(handle, "POST", PODS, &pod).await;
    assert_eq!(code, 201, "{answer}");
}

pub(crate) fn shell(script: &str) -> Value {
    json!({"name": "c", "image": "sh", "command": ["sh", "-c", script]})
}

/// Watches a pod until something holds; nothing when it is deleted.
pub(crate) async fn until(handle: &Handle, name: &str, holds: impl Fn(&Value) -> bool) -> Option<Value> {
    watch(handle, PODS, &format!("metadata.name%3D{name}"), holds).await
}

/// Watches an object of a list until something holds; nothing when it is deleted.
async fn watch(handle: &Handle, list: &str, selector: &str, holds: impl Fn(&Value) -> bool) -> Option<Value> {
    let watched = async {
        let mut stream = connect(handle, None, &[]).await;
        let path = format!("{list}?watch=true&fieldSelector={selector}");
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
    found.unwrap_or_else(|_| panic!("{selector} never came so far"))
}

/// Waits until something is told of a pod.
pub(crate) async fn event(handle: &Handle, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let events = "/api/v1/namespaces/default/events";
    let selector = format!("involvedObject.name%3D{name}");
    let told = watch(handle, events, &selector, is_it).await;
    told.unwrap_or_else(|| panic!("what was told of {name} is gone"))
}

/// Waits until a pod is gone. It may be before a watch begins, so it is asked for.
pub(crate) async fn gone(handle: &Handle, name: &str) {
    let path = format!("{PODS}/{name}");
    let asked = async { while json(handle, "GET", &path, &Value::Null).await.0 != 404 {} };
    let gone = tokio::time::timeout(LONGEST, asked).await;
    gone.unwrap_or_else(|_| panic!("{name} never went"));
}

pub(crate) fn is_phase(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |pod| pod["status"]["phase"] == phase
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
}

pub(crate) async fn get(handle: &Handle, path: &str) -> (u16, String) {
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
        gone(&handle, name).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_processes_use_is_measured_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = start(folder.path(), |options| options.metrics = true).await;
    let handle = cluster.handle();
    create(
        &handle,
        "busy",
        json!({"containers": [shell("while :; do :; done")]}),
    )
    .await;
    let measured = async |path: &str, find: &(dyn Fn(&Value) -> String + Sync)| {
        let path = format!("/apis/metrics.k8s.io/v1beta1/{path}");
        let asked = async {
            loop {
                let (code, answer) = json(&handle, "GET", &path, &Value::Null).await;
                let cpu = find(&answer);
                if code == 200 && cpu.ends_with('n') && cpu != "0n" {
                    return (cpu, answer);
                }
            }
        };
        tokio::time::timeout(LONGEST, asked).await.unwrap()
    };
    let (cpu, pod) = measured("namespaces/default/pods/busy", &|pod| {
        pod["containers"][0]["usage"]["cpu"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    })
    .await;
    // A simulated pod without requests uses 1m and 16Mi.
    assert_ne!(cpu, "1000000n", "{pod}");
    assert_ne!(pod["containers"][0]["usage"]["memory"], "16384Ki", "{pod}");
    assert_eq!(pod["containers"][0]["name"], "c");
    measured("nodes/node-1", &|node| {
        node["usage"]["cpu"].as_str().unwrap_or_default().to_owned()
    })
    .await;
    let used = cluster.usage();
    assert!(
        used.iter().any(|one| one.pod == "busy" && one.cpu_milli > 0),
        "{used:?}"
    );
}

/// Answers `grpc.health.v1.Health/Check` with a status until the listener is gone.
async fn health_server(listener: TcpListener, status: Arc<AtomicU8>) {
    while let Ok((stream, _)) = listener.accept().await {
        let status = Arc::clone(&status);
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
                let head = hyper::Response::builder().header("content-type", "application/grpc");
                let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
                let answer = vec![0, 0, 0, 0, 2, 8, status.load(Ordering::Relaxed)];
                stream.send_data(answer.into(), false).unwrap();
                let mut trailers = hyper::HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                stream.send_trailers(trailers).unwrap();
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_probe_asks_the_health_service() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // On all addresses, so on that of the pod too.
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let status = Arc::new(AtomicU8::new(2));
    tokio::spawn(health_server(listener, Arc::clone(&status)));
    let mut container = shell("while :; do sleep 1; done");
    container["readinessProbe"] =
        json!({"grpc": {"port": port, "service": "shop"}, "periodSeconds": 1, "failureThreshold": 1});
    create(&handle, "p", json!({"containers": [container]})).await;
    event(&handle, "p", |event| {
        event["reason"] == "Unhealthy"
            && event["message"]
                == "Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")"
    })
    .await;
    status.store(1, Ordering::Relaxed);
    until(&handle, "p", is_ready).await.unwrap();
    status.store(2, Ordering::Relaxed);
    until(&handle, "p", |pod| !is_ready(pod)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_ends_with_its_container() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path()).await;
    let handle = cluster.handle();
    // A session of its own, whose parent is gone: no group and no parent lead to it.
    let script = |name: &str, then: &str| {
        let file = folder.path().join(name);
        let file = file.display();
        format!(
            "(setsid sh -c 'echo $$$$ > {file}.new; mv {file}.new {file}; exec sleep 1000' &) ; until [ -e {file} ]; do sleep 0.05; done; {then}"
        )
    };
    let forever = "while :; do sleep 0.1; done";
    for (name, then) in [("done", "exit 0"), ("deleted", forever), ("left", forever)] {
        let spec = json!({
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
            "containers": [shell(&script(name, then))],
        });
        create(&handle, name, spec).await;
    }
    until(&handle, "done", is_phase("Succeeded")).await.unwrap();
    let daemon = async |name: &str| {
        let file = folder.path().join(name);
        let read = async {
            loop {
                match std::fs::read_to_string(&file) {
                    Ok(id) => return rustix::process::Pid::from_raw(id.trim().parse().unwrap()).unwrap(),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(LONGEST, read).await.unwrap()
    };
    let ended = async |daemon| {
        let gone = async {
            while rustix::process::test_kill_process(daemon).is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, gone).await.unwrap();
    };
    ended(daemon("done").await).await;
    let (deleted, left) = (daemon("deleted").await, daemon("left").await);
    assert!(rustix::process::test_kill_process(deleted).is_ok());
    json(&handle, "DELETE", &format!("{PODS}/deleted"), &Value::Null).await;
    gone(&handle, "deleted").await;
    ended(deleted).await;
    assert!(rustix::process::test_kill_process(left).is_ok());
    drop(cluster);
    ended(left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_follows_what_processes_use() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = start(folder.path(), |options| options.metrics = true).await;
    let handle = cluster.handle();
    // Enough for the scale, and little enough for the machine.
    let script = "while :; do i=0; while [ $i -lt 9000 ]; do i=$((i+1)); done; sleep 0.05; done";
    let mut container = shell(script);
    container["resources"] = json!({"requests": {"cpu": "20m"}});
    let labels = json!({"app": "busy"});
    let deployment = json!({"metadata": {"name": "busy"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [container], "terminationGracePeriodSeconds": 1}}}});
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let (code, answer) = json(&handle, "POST", path, &deployment).await;
    assert_eq!(code, 201, "{answer}");
    let metric = json!({"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}});
    let scaler = json!({"metadata": {"name": "busy"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
        "minReplicas": 1, "maxReplicas": 2, "metrics": [metric]}});
    let scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    let (code, answer) = json(&handle, "POST", scalers, &scaler).await;
    assert_eq!(code, 201, "{answer}");
    // Autoscalers look every 15 seconds, as real ones do.
    watch(&handle, path, "metadata.name%3Dbusy", |found| {
        found["spec"]["replicas"] == 2
    })
    .await
    .unwrap();
}
