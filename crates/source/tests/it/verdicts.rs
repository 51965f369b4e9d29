//! Verdicts as git notes, with others writing at the same time.

use model::Diagnose as _;
use source::{Outcome, Verdict};

use crate::origin::Origin;

pub fn verdict(summary: &str) -> Verdict {
    Verdict {
        outcome: Outcome::Passed,
        summary: summary.to_owned(),
        findings: Vec::new(),
        level: Some("L2".to_owned()),
        evidence: None,
        url: None,
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_verdict_is_a_note_that_others_can_read() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let mut one = origin.fetched().await;
    assert!(one.verdict(commit).await.unwrap().verdicts.is_empty());
    one.tell(commit, "shipway/a", &verdict("first")).await.unwrap();
    one.tell(commit, "shipway/a", &verdict("second")).await.unwrap();
    let shown = origin.git(&["notes", "--ref=shipway", "show", &commit.to_string()]);
    assert!(
        shown.contains("\"summary\": \"second\"") && !shown.contains("first"),
        "{shown}"
    );
    assert!(
        origin
            .git(&["log", "-1", "--format=%an %at", "refs/notes/shipway"])
            .starts_with("shipway 1795341600")
    );
    let mut other = origin.open("other").await;
    other.fetch(&[]).await.unwrap();
    assert_eq!(
        other.verdict(commit).await.unwrap().verdicts["shipway/a"],
        verdict("second")
    );
}

#[tokio::test]
async fn verdicts_that_are_there_at_once_are_one_push() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let mut one = origin.fetched().await;
    let all: Vec<(String, Verdict)> = (0..50)
        .map(|at| (format!("shipway/{at}"), verdict("ok")))
        .collect();
    one.tell_all(commit, &all).await.unwrap();
    one.tell_all(commit, &[]).await.unwrap();
    let count = origin.git(&["rev-list", "--count", "refs/notes/shipway"]);
    assert_eq!(count.trim(), "1");
    assert_eq!(one.verdict(commit).await.unwrap().verdicts.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_of_several_writers_are_all_kept() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let mut writers = Vec::new();
    for index in 0..4 {
        let mut repository = origin.open(&format!("cache{index}")).await;
        repository.fetch(&[]).await.unwrap();
        writers.push(tokio::spawn(async move {
            let context = format!("shipway/{index}");
            repository.tell(commit, &context, &verdict("ok")).await
        }));
    }
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let mut repository = origin.fetched().await;
    assert_eq!(repository.verdict(commit).await.unwrap().verdicts.len(), 4);
}

#[tokio::test]
async fn a_lost_race_is_run_again_on_what_there_is_now() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let (mut one, mut other) = (origin.open("one").await, origin.open("other").await);
    one.fetch(&[]).await.unwrap();
    other.fetch(&[]).await.unwrap();
    one.tell(commit, "shipway/one", &verdict("1")).await.unwrap();
    // It has not seen the other's note.
    other.tell(commit, "shipway/other", &verdict("2")).await.unwrap();
    let found = other.verdict(commit).await.unwrap();
    assert_eq!(
        found.verdicts.keys().collect::<Vec<_>>(),
        ["shipway/one", "shipway/other"]
    );
}

#[tokio::test]
async fn a_push_that_is_refused_is_not_tried_again() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    origin.hook("pre-receive", "echo no notes here >&2; exit 1");
    let mut repository = origin.fetched().await;
    let error = repository
        .tell(commit, "shipway/a", &verdict("ok"))
        .await
        .unwrap_err();
    assert_eq!(error.code().id, "SW0803", "{error}");
    assert!(error.to_string().contains("no notes here"), "{error}");
}

#[tokio::test]
async fn races_end_after_some_tries() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let tries = origin.place("tries");
    // What git says where another push holds the reference.
    let hook = format!("echo x >> {}; echo cannot lock ref >&2; exit 1", tries.display());
    origin.hook("pre-receive", &hook);
    let mut repository = origin.fetched().await;
    let error = repository
        .tell(commit, "shipway/a", &verdict("ok"))
        .await
        .unwrap_err();
    assert_eq!(error.code().id, "SW0807", "{error}");
    assert_eq!(std::fs::read_to_string(tries).unwrap().lines().count(), 10);
}

#[tokio::test]
async fn a_note_of_somebody_else_is_told_and_replaced() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    origin.git(&[
        "notes",
        "--ref=shipway",
        "add",
        "--message=mine",
        &commit.to_string(),
    ]);
    let mut repository = origin.fetched().await;
    assert!(repository.verdict(commit).await.is_err());
    repository
        .tell(commit, "shipway/a", &verdict("ok"))
        .await
        .unwrap();
    assert_eq!(repository.verdict(commit).await.unwrap().verdicts.len(), 1);
}
