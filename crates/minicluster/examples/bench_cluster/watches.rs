//! Very many watches on one kind: how late they hear, and whether it becomes later.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use crate::Setting;
use crate::client::{self, Client};
use crate::report::{Goal, Report, Result, cost};
use crate::server::{self, Server};

const WATCHES: usize = 1000;
/// Connections that share the watches: more streams than 1,000 the server does not take on one.
const CONNECTIONS: usize = 10;
/// Changes in all, at 100 a second.
const CHANGES: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(10);

const PATH: &str = "/api/v1/namespaces/default/configmaps";
const WATCH: &str = "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=";

/// How late each event was, in ms, by the change.
type Lags = Rc<RefCell<Vec<Vec<f64>>>>;

pub fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let server = Server::start(&setting.shipway, &[])?;
    let before = (server.spent()?, server::own()?);
    let local = tokio::task::LocalSet::new();
    let lags = crate::runtime()?.block_on(local.run_until(follow(&server)))?;
    let paid = cost(server.spent()?.since(before.0), server::own()?.since(before.1));
    let quarter = lags.len() / 4;
    let quantile = |lags: &[Vec<f64>], at: f64| {
        let mut all = lags.concat();
        all.sort_by(f64::total_cmp);
        let index = ((all.len() as f64 - 1.0) * at) as usize;
        all.get(index).copied().unwrap_or(f64::NAN)
    };
    let what = format!("{WATCHES} watches, 100 changes/s: lag, median");
    report.figure(&what, quantile(&lags, 0.5), Goal::None("ms"), &paid)?;
    let what = format!("{WATCHES} watches, 100 changes/s: lag, 99 of 100");
    report.figure(&what, quantile(&lags, 0.99), Goal::None("ms"), "")?;
    let (first, last) = (&lags[quarter / 2..quarter], &lags[lags.len() - quarter / 2..]);
    let (first, last) = (quantile(first, 0.5), quantile(last, 0.5));
    let cost = format!("median {first:.1} ms in the first quarter, {last:.1} ms in the last");
    // A queue that grows does so by far more than the noise of a machine.
    let goal = Goal::AtMost(10.0, "ms");
    report.figure(
        "    how much later the last are than the first",
        (last - first).max(0.0),
        goal,
        &cost,
    )
}

async fn follow(server: &Server) -> Result<Vec<Vec<f64>>> {
    let writer = Client::connect(server).await?;
    let object = json!({"metadata": {"name": "watched"}, "data": {"sent": "0"}});
    let created = writer.create(PATH, &object).await?;
    let created: serde_json::Value = serde_json::from_slice(&created)?;
    let revision = created["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    let origin = Instant::now();
    let lags: Lags = Rc::new(RefCell::new(vec![Vec::new(); CHANGES as usize]));
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = Client::connect(server).await?;
        for _ in 0..WATCHES / CONNECTIONS {
            let path = format!("{WATCH}{revision}");
            let (_, stream) = client.open("GET", &path, ("", Bytes::new())).await?;
            tasks.push(tokio::task::spawn_local(listen(stream, origin, Rc::clone(&lags))));
        }
    }
    let begun = Instant::now();
    for change in 0..CHANGES {
        let due = begun + PAUSE * change;
        tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
        let sent = format!("{change}@{}", origin.elapsed().as_micros());
        writer
            .patch(&format!("{PATH}/watched"), &json!({"data": {"sent": sent}}))
            .await?;
    }
    for task in tasks {
        task.await?.map_err(|error| format!("a watch ended: {error}"))?;
    }
    Ok(lags.take())
}

/// Notes how late each change is heard of, until the last one is.
async fn listen(mut stream: h2::RecvStream, origin: Instant, lags: Lags) -> std::result::Result<(), String> {
    let mark = b"\"sent\":\"";
    let mut rest = Vec::new();
    loop {
        let chunk = client::next(&mut stream)
            .await
            .map_err(|error| error.to_string())?;
        rest.extend_from_slice(&chunk.ok_or("the stream closed")?);
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let Some(at) = memchr::memmem::find(&line, mark) else {
                continue;
            };
            let text = line[at + mark.len()..].split(|byte| *byte == b'"').next();
            let text = std::str::from_utf8(text.unwrap_or_default()).unwrap_or_default();
            let Some((change, sent)) = text.split_once('@') else {
                continue;
            };
            let change: usize = change.parse().unwrap_or_default();
            let sent = Duration::from_micros(sent.parse().unwrap_or_default());
            let late = origin.elapsed().saturating_sub(sent);
            lags.borrow_mut()[change].push(late.as_secs_f64() * 1e3);
            if change + 1 == CHANGES as usize {
                return Ok(());
            }
        }
    }
}
