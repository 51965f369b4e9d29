//! Pods by the hundred and by the ten thousand on simulated nodes, and a node that goes silent.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Setting;
use crate::client::Client;
use crate::report::{Goal, Report, Result, cost, median};
use crate::server::{self, Server};

const RUNS: usize = 3;
const REPLICAS: u64 = 500;
const NODES: &str = "1000";
/// Deployments of the fleet: 50,000 pods, 50 on each node.
const DEPLOYMENTS: u64 = 100;

/// The longest that pods are waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the idle fleet is measured.
const IDLE: Duration = Duration::from_secs(10);

const PATH: &str = "/apis/apps/v1/namespaces/default/deployments";

pub fn deployment(setting: &Setting, report: &mut Report) -> Result<()> {
    let (mut times, mut paid) = (Vec::new(), String::new());
    for _ in 0..RUNS {
        let server = Server::start(&setting.shipway, &["--nodes", "5"])?;
        let before = (server.spent()?, server::own()?);
        let taken = crate::runtime()?.block_on(async {
            let client = Client::connect(&server).await?;
            let started = Instant::now();
            client.create(PATH, &manifest("one")).await?;
            until_ready(&client, REPLICAS, Duration::from_millis(10)).await?;
            Ok::<_, Box<dyn std::error::Error>>(started.elapsed())
        })?;
        times.push(taken.as_secs_f64());
        paid = cost(server.spent()?.since(before.0), server::own()?.since(before.1));
    }
    let what = format!("a Deployment of {REPLICAS} all Ready on 5 nodes");
    report.figure(&what, median(times), Goal::AtMost(1.0, "s"), &paid)
}

pub fn fleet(setting: &Setting, report: &mut Report) -> Result<()> {
    let server = Server::start(&setting.shipway, &["--nodes", NODES])?;
    let before = (server.spent()?, server::own()?);
    crate::runtime()?.block_on(async {
        let client = Client::connect(&server).await?;
        let started = Instant::now();
        for number in 0..DEPLOYMENTS {
            client.create(PATH, &manifest(&format!("d{number}"))).await?;
        }
        let pods = DEPLOYMENTS * REPLICAS;
        until_ready(&client, pods, Duration::from_millis(500)).await?;
        let taken = started.elapsed().as_secs_f64();
        let paid = cost(server.spent()?.since(before.0), server::own()?.since(before.1));
        let what = format!("{pods} pods Ready on {NODES} nodes");
        report.figure(&what, taken, Goal::AtMost(60.0, "s"), &paid)?;
        let (held, most) = server.memory()?;
        let cost = format!("at most {most:.0} MB");
        report.figure("    their memory", held, Goal::AtMost(1536.0, "MB"), &cost)?;
        failure(&server, &client, report).await
    })
}

/// One node goes silent: its pods are replaced elsewhere, and the others are left in peace.
async fn failure(server: &Server, client: &Client, report: &mut Report) -> Result<()> {
    let before = server.spent()?;
    tokio::time::sleep(IDLE).await;
    let idle = server.spent()?.since(before).cpu.as_secs_f64() / IDLE.as_secs_f64();
    report.figure(
        "    CPU of the idle fleet",
        idle * 100.0,
        Goal::None("%"),
        "heartbeats",
    )?;

    let pods = "/api/v1/pods?fieldSelector=spec.nodeName=node-1";
    let bound = |list: &Value| {
        let pods = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let left = pods
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        left.count()
    };
    let there = bound(&client.get(pods).await?);
    let (before, started) = (server.spent()?, Instant::now());
    let down = json!({"metadata": {"annotations": {"shipway.dev/down": "true"}}});
    client.patch("/api/v1/nodes/node-1", &down).await?;
    let mut noticed = None;
    loop {
        let left = bound(&client.get(pods).await?);
        if left < there && noticed.is_none() {
            noticed = Some(started.elapsed());
        }
        if left == 0 {
            break;
        }
        patience(started)?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    until_ready(client, DEPLOYMENTS * REPLICAS, Duration::from_millis(250)).await?;
    let taken = started.elapsed().as_secs_f64();
    let cpu = server.spent()?.since(before).cpu.as_secs_f64();
    let noticed = noticed.unwrap_or_default().as_secs_f64();
    let cost = format!("{there} pods; the first was evicted after {noticed:.1} s; {cpu:.2} CPU s in all");
    let what = "    a node fails: its pods Ready elsewhere";
    report.figure(what, taken, Goal::None("s"), &cost)?;
    let extra = (cpu - idle * taken).max(0.0);
    report.figure(
        "    what that cost beyond heartbeats",
        extra,
        Goal::None("CPU s"),
        "",
    )
}

/// Asks until so many replicas are ready.
async fn until_ready(client: &Client, wanted: u64, pause: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let list = client.get(PATH).await?;
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let ready = items
            .iter()
            .filter_map(|one| one["status"]["readyReplicas"].as_u64());
        if ready.sum::<u64>() == wanted {
            return Ok(());
        }
        patience(started)?;
        tokio::time::sleep(pause).await;
    }
}

fn patience(since: Instant) -> Result<()> {
    if since.elapsed() > PATIENCE {
        return Err("the pods did not become ready in ten minutes".into());
    }
    Ok(())
}

/// A Deployment whose pods leave a silent node at once.
fn manifest(name: &str) -> Value {
    let leave =
        |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "tolerations": [leave("node.kubernetes.io/not-ready"), leave("node.kubernetes.io/unreachable")],
                    "containers": [{
                        "name": "main", "image": "example.org/app:1",
                        "ports": [{"containerPort": 8080}],
                        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                    }],
                },
            },
        },
    })
}
