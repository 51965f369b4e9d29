//! The audit log in a hub: whole whatever is killed and whoever writes beside, and nothing can be done to it unseen.

use std::time::Duration;

use cluster::{Delete, Patch, Write};
use control::AuditLog;
use control::audit::Extent;
use delivery::audit::{Head, How, Record};
use serde_json::{Value, json};

use crate::ground::{Ground, now};

const PATIENCE: Duration = Duration::from_secs(60);

const NAMESPACE: &str = "shipway-system";

fn record(what: &str) -> Record {
    Record {
        time: now(),
        who: "ana@example.com".to_owned(),
        what: what.to_owned(),
        plan: None,
        why: "because \"so\"\nit is".to_owned(),
        outcome: "done".to_owned(),
    }
}

fn open(ground: &Ground) -> (AuditLog, tokio::task::JoinHandle<()>) {
    let (log, writer) = AuditLog::open(ground.hub.clone(), NAMESPACE);
    (log, tokio::spawn(writer))
}

async fn config_map(ground: &Ground, name: &str) -> Value {
    let client = ground.hub.cluster();
    let kind = client.resource("v1", "ConfigMap").await.unwrap().unwrap();
    client.get(kind.at(NAMESPACE, name)).await.unwrap().unwrap()
}

async fn change(ground: &Ground, name: &str, patch: Value) -> Result<Value, cluster::Error> {
    let client = ground.hub.cluster();
    let kind = client.resource("v1", "ConfigMap").await.unwrap().unwrap();
    client
        .patch(kind.at(NAMESPACE, name), Patch::Merge(&patch), Write::default())
        .await
}

async fn remove(ground: &Ground, name: &str) {
    let client = ground.hub.cluster();
    let kind = client.resource("v1", "ConfigMap").await.unwrap().unwrap();
    client
        .delete(kind.at(NAMESPACE, name), Delete::default())
        .await
        .unwrap();
}

/// Writes records from both at once, and gives where each came to be.
async fn write(logs: &[&AuditLog], count: usize, tag: &str) -> Vec<u64> {
    let all = (0..count).map(|at| {
        let log = logs[at % logs.len()];
        let what = format!("{tag} {at}");
        async move { log.append(record(&what)).await.unwrap().number }
    });
    let mut numbers = futures::future::join_all(all).await;
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replicas_write_one_chain_in_bounded_segments() {
    let ground = Ground::new(&[]).await;
    let ((one, _one), (other, _other)) = (open(&ground), open(&ground));
    assert_eq!(one.head().await.unwrap(), Head::empty());
    assert_eq!(one.verify().await.unwrap(), Ok(Head::empty()));
    assert_eq!(
        write(&[&one, &other], 700, "x").await,
        (1..=700).collect::<Vec<u64>>()
    );
    let head = other.verify().await.unwrap().unwrap();
    assert_eq!((head.number, one.head().await.unwrap()), (700, head));
    // Each record once.
    let lines = one.lines(1, 1_000).await.unwrap();
    let mut said: Vec<String> = lines
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["what"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 700);
    // From anywhere, over the borders of segments.
    assert_eq!(one.lines(250, 300).await.unwrap(), lines[249..549]);
    assert_eq!(one.lines(700, 10).await.unwrap(), lines[699..]);
    assert!(one.lines(701, 10).await.unwrap().is_empty());
    // A full one can't be changed any more.
    let full = config_map(&ground, "shipway-audit-000001").await;
    assert_eq!(full["data"].as_object().unwrap().len(), 256);
    assert_eq!(full["immutable"], true);
    change(
        &ground,
        "shipway-audit-000001",
        json!({"data": {"000000000001": "x"}}),
    )
    .await
    .unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_too_long_is_cut_and_written() {
    let ground = Ground::new(&[]).await;
    let (log, _writer) = open(&ground);
    let long = Record {
        outcome: "z".repeat(70_000),
        why: "because".repeat(10_000),
        ..record(&"x".repeat(70_000))
    };
    for _ in 0..12 {
        log.append(long.clone()).await.unwrap();
    }
    assert_eq!(log.verify().await.unwrap().unwrap().number, 12);
    let line = log.lines(12, 1).await.unwrap().remove(0);
    assert!(
        line.len() < 64 * 1024 && line.contains("z… (70000 bytes)"),
        "{line}"
    );
    // Fewer lines fit where they are long.
    let first = config_map(&ground, "shipway-audit-000001").await;
    assert!(first["data"].as_object().unwrap().len() <= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_verified_is_read_again_only_where_it_was_changed() {
    let ground = Ground::new(&[]).await;
    let (log, _writer) = open(&ground);
    write(&[&log], 600, "x").await;
    let cost = async || {
        let before = ground.hub.cluster().requests();
        let found = log.verify().await.unwrap();
        (found, ground.hub.cluster().requests() - before)
    };
    let (first, whole) = cost().await;
    assert_eq!(first.unwrap().number, 600);
    let (again, less) = cost().await;
    assert_eq!(again.unwrap().number, 600);
    // The kept head, the list, and the segment whose last line it has to be; not the other two.
    assert!(less <= 3 && less + 2 <= whole, "{less} after {whole}");
    let everything = log.verify_over(Extent::Everything).await.unwrap();
    assert_eq!(everything.unwrap().number, 600);
    write(&[&log], 10, "more").await;
    let (grown, less) = cost().await;
    assert_eq!((grown.unwrap().number, less), (610, 3));

    // In what was read long ago, as whoever has the hub's kubeconfig can.
    let name = "shipway-audit-000001";
    let mut changed = config_map(&ground, name).await;
    let line = changed["data"]["000000000003"]
        .as_str()
        .unwrap()
        .replace("ana@", "eve@");
    changed["data"]["000000000003"] = json!(line);
    remove(&ground, name).await;
    let metadata = json!({
        "name": name,
        "namespace": NAMESPACE,
        "labels": changed["metadata"]["labels"],
        "annotations": changed["metadata"]["annotations"],
    });
    let data = &changed["data"];
    ground
        .create(
            "v1",
            json!({"kind": "ConfigMap", "metadata": metadata, "data": data}),
        )
        .await;
    let broken = log.verify().await.unwrap().unwrap_err();
    assert_eq!((broken.line, broken.how), (3, How::Changed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_anywhere_leaves_a_whole_chain_with_everything_that_was_told() {
    let ground = Ground::new(&[]).await;
    let told = std::sync::Mutex::new(Vec::new());
    for round in 0..40_u32 {
        let (log, writer) = AuditLog::open(ground.hub.clone(), NAMESPACE);
        let appends = (0..20).map(|at| {
            let (log, told) = (&log, &told);
            async move {
                let what = format!("{round}/{at}");
                let head = log.append(record(&what)).await.unwrap();
                told.lock().unwrap().push((head.number, what));
            }
        });
        let appends = std::pin::pin!(futures::future::join_all(appends));
        let writer = std::pin::pin!(writer);
        let all = futures::future::select(writer, appends);
        // Wherever it is by then, it is dropped; the last one gets to its end.
        let most = match round {
            39 => PATIENCE,
            round => Duration::from_micros(u64::from(round) * 1_000),
        };
        let _ = tokio::time::timeout(most, all).await;
        let (after, _running) = open(&ground);
        assert!(after.verify().await.unwrap().is_ok(), "round {round}");
        let what = format!("after {round}");
        let head = after.append(record(&what)).await.unwrap();
        told.lock().unwrap().push((head.number, what));
        assert!(after.verify().await.unwrap().is_ok(), "round {round}, later");
    }
    let told = told.into_inner().unwrap();
    assert!(told.len() >= 60, "{}", told.len());
    let (log, _writer) = open(&ground);
    for (number, what) in told {
        let line = log.lines(number, 1).await.unwrap().remove(0);
        assert!(line.contains(&format!("\"what\":\"{what}\"")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_the_log_is_found_also_after_it_has_grown() {
    for (tamper, line, how) in [
        ("change", 3, How::Changed),
        ("lose", 3, How::Missing),
        ("cut", 9, How::Missing),
        ("drop", 1, How::Missing),
    ] {
        let ground = Ground::new(&[]).await;
        let (log, _writer) = open(&ground);
        write(&[&log], 10, "x").await;
        let name = "shipway-audit-000001";
        match tamper {
            "change" => {
                let line = log.lines(3, 1).await.unwrap().remove(0).replace("ana@", "eve@");
                change(&ground, name, json!({"data": {"000000000003": line}}))
                    .await
                    .unwrap();
            }
            "lose" => drop(
                change(&ground, name, json!({"data": {"000000000003": null}}))
                    .await
                    .unwrap(),
            ),
            "cut" => {
                let cut = json!({"data": {"000000000009": null, "000000000010": null}});
                change(&ground, name, cut).await.unwrap();
            }
            _ => remove(&ground, name).await,
        }
        let broken = log.verify().await.unwrap().unwrap_err();
        assert_eq!((broken.line, broken.how), (line, how), "{tamper}");
        let (next, _writer) = open(&ground);
        write(&[&next], 3, "later").await;
        let broken = next.verify().await.unwrap().unwrap_err();
        assert_eq!((broken.line, broken.how), (line, how), "{tamper}, later");
    }
}
