//! One client that writes as fast as it can, and one that reads a long list.

use std::time::Instant;

use serde_json::{Value, json};

use crate::Setting;
use crate::client::Client;
use crate::report::{Goal, Report, Result, cost, median};
use crate::server::{self, Server};

const RUNS: usize = 3;
const OBJECTS: usize = 10_000;
/// Requests that are under way at a time, all on one connection.
const STREAMS: usize = 100;
const PAGE: usize = 500;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

pub fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    creates(setting, report, ("memory", 5000.0))?;
    creates(setting, report, ("durable", 2000.0))?;
    list(setting, report)
}

fn creates(setting: &Setting, report: &mut Report, (kind, goal): (&str, f64)) -> Result<()> {
    let folder = setting
        .folder
        .join(format!("bench-cluster-{}", std::process::id()));
    let flags = ["--data", &folder.to_string_lossy()];
    let (mut rates, mut paid) = (Vec::new(), String::new());
    for _ in 0..RUNS {
        let flags = if kind == "durable" { &flags[..] } else { &[] };
        let server = Server::start(&setting.shipway, flags)?;
        let before = (server.spent()?, server::own()?);
        let started = Instant::now();
        crate::runtime()?.block_on(write(&server, CONFIG_MAPS, config_map))?;
        rates.push(OBJECTS as f64 / started.elapsed().as_secs_f64());
        paid = cost(server.spent()?.since(before.0), server::own()?.since(before.1));
        drop(server);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    let what = format!("{OBJECTS} small objects created, {STREAMS} streams, {kind}");
    report.figure(&what, median(rates), Goal::AtLeast(goal, "/s"), &paid)
}

fn list(setting: &Setting, report: &mut Report) -> Result<()> {
    let server = Server::start(&setting.shipway, &["--nodes", "1"])?;
    let runtime = crate::runtime()?;
    runtime.block_on(write(&server, PODS, pod))?;
    let (mut times, mut paid) = (Vec::new(), String::new());
    for _ in 0..RUNS {
        let before = (server.spent()?, server::own()?);
        let started = Instant::now();
        let bytes = runtime.block_on(pages(&server))?;
        times.push(started.elapsed().as_secs_f64());
        paid = cost(server.spent()?.since(before.0), server::own()?.since(before.1));
        paid.push_str(&format!(", {:.1} MB", bytes as f64 / 1e6));
    }
    let what = format!("list of {OBJECTS} pods in pages of {PAGE}");
    report.figure(&what, median(times), Goal::AtMost(1.0, "s"), &paid)
}

/// Creates all objects, so many at a time.
async fn write(server: &Server, path: &'static str, object: fn(usize) -> Value) -> Result<()> {
    let client = Client::connect(server).await?;
    let local = tokio::task::LocalSet::new();
    let next = std::rc::Rc::new(std::cell::Cell::new(0));
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (client, next) = (client.clone(), std::rc::Rc::clone(&next));
            local.spawn_local(async move {
                while next.get() < OBJECTS {
                    let number = next.replace(next.get() + 1);
                    let created = client.create(path, &object(number)).await;
                    created.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    local.await;
    for stream in streams {
        stream.await??;
    }
    Ok(())
}

/// Reads all pages and gives their size. The text is searched for the next page's token, not parsed: a program that
/// reads pods does so with a parser of its own.
async fn pages(server: &Server) -> Result<usize> {
    let client = Client::connect(server).await?;
    let (mut token, mut bytes, mut count) = (String::new(), 0, 0);
    loop {
        let path = format!("{PODS}?limit={PAGE}&continue={token}");
        let page = client.ask("GET", &path, ("", bytes::Bytes::new())).await?;
        bytes += page.len();
        count += 1;
        let mark = b"\"continue\":\"";
        match memchr::memmem::find(&page, mark) {
            Some(at) => {
                let rest = &page[at + mark.len()..];
                let end = memchr::memchr(b'"', rest).unwrap_or(0);
                token = std::str::from_utf8(&rest[..end])?.to_owned();
            }
            None => token.clear(),
        }
        if token.is_empty() {
            break;
        }
    }
    if count == OBJECTS.div_ceil(PAGE) {
        Ok(bytes)
    } else {
        Err(format!("{count} pages").into())
    }
}

fn config_map(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("small-{number}"), "labels": {"app": "bench"}},
        "data": {"a": "x".repeat(100), "b": "y".repeat(100)},
    })
}

/// A pod that no node takes: what is measured is the list.
fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{number}"), "labels": {"app": "bench"}},
        "spec": {
            "schedulerName": "nobody",
            "containers": [{"name": "main", "image": "example.org/app:1", "ports": [{"containerPort": 8080}]}],
        },
    })
}
