//! A durable cluster whose pods are processes is killed, and stopped, and comes back as a node does after a reboot.
//!
//! The child process is this test binary, which keeps its pods by `pod-keeper` as ever.

use std::path::Path;
use std::time::Duration;

use minicluster::server::Cluster;
use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::process_pods::{self, LONGEST, PODS, options, shell};
use crate::server::json;
use crate::server_crash::{Life, tell};

const FOLDER: &str = "SHIPWAY_PROCESS_RESTARTS_FOLDER";
const EVENTS: &str = "/api/v1/namespaces/default/events";

#[tokio::test(flavor = "multi_thread")]
async fn child_that_runs_pods() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut options = options(Path::new(&folder));
    options.folder = Some(folder.into());
    options.processes.as_mut().unwrap().keep = true;
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let cluster = Cluster::start(options).await.unwrap();
    tell(&cluster.handle());
    terminate.recv().await;
    cluster.stop(LONGEST).await;
    // Nobody reads any more what a test would say at its end.
    std::process::exit(0);
}

fn begin(folder: &Path, first: Option<&Value>) -> Life {
    Life::of(("process_restarts::child_that_runs_pods", FOLDER), folder, first)
}

/// Asks until an object is as it should be.
async fn until(life: &Life, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let object = life.get(path).await.unwrap_or_default();
            if holds(&object) {
                return object;
            }
        }
    };
    let found = tokio::time::timeout(LONGEST, asked).await;
    match found {
        Ok(object) => object,
        Err(_) => panic!(
            "{path} never came so far: {:#}",
            life.get(path).await.unwrap_or_default()
        ),
    }
}

/// Runs for the so-manieth time and is ready.
fn runs_again(restarts: i64) -> impl Fn(&Value) -> bool {
    move |pod| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"] == restarts && status["ready"] == true
    }
}

/// The group of processes that a pod wrote down.
async fn group(file: &Path) -> Pid {
    let read = async {
        loop {
            match std::fs::read_to_string(file) {
                Ok(group) => return Pid::from_raw(group.trim().parse().unwrap()).unwrap(),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let group = tokio::time::timeout(LONGEST, read).await.unwrap();
    std::fs::remove_file(file).unwrap();
    group
}

async fn until_gone(group: Pid) {
    let gone = async {
        while test_kill_process_group(group).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, gone).await.unwrap();
}

/// What a log holds, line by line.
async fn log(life: &Life, folder: &Path, run: i64) -> String {
    let pod = life.get(&format!("{PODS}/p")).await.unwrap();
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let file = folder.join(format!("pods/logs/pods/default_p_{uid}/c/{run}.log"));
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Waits until the first run's log holds a word.
async fn until_said(life: &Life, folder: &Path, word: &str) {
    let said = async {
        while !log(life, folder, 0)
            .await
            .contains(&format!(" stdout F {word}\n"))
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, said).await.unwrap();
}

fn ended(pod: &Value) -> (&Value, &Value) {
    let last = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"];
    (&last["exitCode"], &last["reason"])
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_come_back_as_after_a_reboot() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (inits, file) = (folder.join("inits"), folder.join("group"));
    let script = format!(
        "trap 'echo bye; exit 0' TERM; echo hello; cut -d' ' -f5 /proc/self/stat > {0}.new; mv {0}.new {0}; while :; do sleep 0.1; done",
        file.display()
    );
    let life = begin(folder, None);
    let first = life.told.clone();
    let mut init = shell(&format!("echo x >> {}", inits.display()));
    init["name"] = json!("i");
    let pod = json!({"metadata": {"name": "p"}, "spec": {
        "initContainers": [init], "containers": [shell(&script)], "terminationGracePeriodSeconds": 20}});
    let once = json!({"metadata": {"name": "once"}, "spec": {
        "restartPolicy": "Never", "containers": [shell("sleep 1000")]}});
    for pod in [&pod, &once] {
        let (code, answer) = life.ask("POST", PODS, pod).await.unwrap();
        assert_eq!(code, 201, "{answer}");
    }
    until(&life, &format!("{PODS}/p"), runs_again(0)).await;
    until(&life, &format!("{PODS}/once"), runs_again(0)).await;
    let before = group(&file).await;
    // What a container says is written down by its node: killed sooner, it would be lost with it.
    until_said(&life, folder, "hello").await;
    life.kill();

    let mut life = begin(folder, Some(&first));
    let pod = until(&life, &format!("{PODS}/p"), runs_again(1)).await;
    assert_eq!(ended(&pod), (&json!(255), &json!("Unknown")), "{pod:#}");
    assert_eq!(pod["status"]["initContainerStatuses"][0]["restartCount"], 1);
    assert_eq!(std::fs::read_to_string(&inits).unwrap(), "x\nx\n");
    until_gone(before).await;
    let after = group(&file).await;
    assert!(test_kill_process_group(after).is_ok());
    let failed = |pod: &Value| pod["status"]["phase"] == "Failed";
    let once = until(&life, &format!("{PODS}/once"), failed).await;
    let state = &once["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(state["exitCode"], 255, "{once:#}");
    let told = |events: &Value| {
        let mut events = events["items"].as_array().into_iter().flatten();
        events.any(|event| event["reason"] == "SandboxChanged" && event["involvedObject"]["name"] == "p")
    };
    until(&life, EVENTS, told).await;
    assert!(log(&life, folder, 0).await.contains(" stdout F hello\n"));

    // Told to stop, it lets its pods end.
    let child = Pid::from_raw(i32::try_from(life.child.id()).unwrap()).unwrap();
    kill_process(child, Signal::TERM).unwrap();
    let status = tokio::task::spawn_blocking(move || life.child.wait().unwrap());
    let status = tokio::time::timeout(LONGEST + Duration::from_secs(5), status).await;
    assert!(status.unwrap().unwrap().success());
    assert!(test_kill_process_group(after).is_err());

    let life = begin(folder, Some(&first));
    until(&life, &format!("{PODS}/p"), runs_again(2)).await;
    assert!(log(&life, folder, 1).await.contains(" stdout F bye\n"));
    assert_eq!(
        log(&life, folder, 0).await,
        "",
        "logs before the last run are gone"
    );
    life.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_were_simulated_really_run_after_a_restart_with_processes() {
    let folder = tempfile::tempdir().unwrap();
    let options = |simulated: bool| {
        let mut options = options(folder.path());
        options.folder = Some(folder.path().into());
        options.processes.as_mut().unwrap().keep = true;
        options.processes = options.processes.filter(|_| !simulated);
        options
    };
    let node = "/api/v1/nodes/node-1";
    let first = Cluster::start(options(true)).await.unwrap();
    let handle = first.handle();
    process_pods::create(
        &handle,
        "p",
        json!({"containers": [shell("while :; do sleep 1; done")]}),
    )
    .await;
    process_pods::until(&handle, "p", process_pods::is_ready)
        .await
        .unwrap();
    let mut cordoned = json(&handle, "GET", node, &Value::Null).await.1;
    cordoned["metadata"]["labels"]["disk"] = json!("ssd");
    cordoned["spec"]["unschedulable"] = json!(true);
    let (code, answer) = json(&handle, "PUT", node, &cordoned).await;
    assert_eq!(code, 200, "{answer}");
    first.stop(LONGEST).await;

    let second = Cluster::start(options(false)).await.unwrap();
    let handle = second.handle();
    let really = |pod: &Value| {
        let address = pod["status"]["podIP"].as_str().unwrap_or_default();
        process_pods::is_ready(pod) && address.starts_with("127.")
    };
    let pod = process_pods::until(&handle, "p", really).await.unwrap();
    assert_eq!(
        pod["status"]["containerStatuses"][0]["restartCount"], 1,
        "{pod:#}"
    );
    let node = json(&handle, "GET", node, &Value::Null).await.1;
    assert_eq!(node["metadata"]["labels"]["disk"], "ssd");
    assert_eq!(node["spec"]["unschedulable"], true);
    second.stop(LONGEST).await;
}
