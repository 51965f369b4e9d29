//! What becomes of Jobs.

use controllers::job::Jobs;
use objects::control::Loop;
use objects::{Kind, meta};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Nodes};

fn jobs() -> Vec<Box<dyn Loop>> {
    vec![Box::new(Jobs::default())]
}

/// A Job `j` whose spec has these fields.
fn job(fields: Value) -> Value {
    let mut spec = json!({
        "completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed",
        "podReplacementPolicy": "TerminatingOrFailed",
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}], "restartPolicy": "Never"}},
    });
    crate::cluster::merge(&mut spec, &fields);
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec})
}

fn index(pod: &Value) -> i64 {
    let index = meta::annotation(pod, "batch.kubernetes.io/job-completion-index");
    index.and_then(|index| index.parse().ok()).unwrap_or(-1)
}

fn failures(pod: &Value) -> i64 {
    let count = meta::annotation(pod, "batch.kubernetes.io/job-index-failure-count");
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn started(spec: Value, nodes: Nodes, seed: u64) -> Cluster {
    let mut cluster = Cluster::new(jobs, nodes, seed);
    cluster.create(job(spec));
    cluster
}

/// What remains of a status when its times are left out.
fn end(cluster: &Cluster) -> Value {
    let mut status = cluster.get(&Kind::JOB, "j")["status"].clone();
    let conditions = meta::list_at(&status, "/conditions").iter();
    let conditions: Vec<String> = conditions
        .map(|one| {
            format!(
                "{} {} {}",
                meta::text(one, "type"),
                meta::text(one, "status"),
                meta::text(one, "reason")
            )
        })
        .collect();
    status["conditions"] = json!(conditions);
    for field in ["startTime", "completionTime"] {
        status.as_object_mut().expect("a status").remove(field);
    }
    status
}

/// Where pods end in a way that does not depend on their order: the spec, the pods, what the status says at last.
fn stories() -> Vec<(Value, Nodes, Value)> {
    let done = |reason: &str| {
        json!([
            format!("SuccessCriteriaMet True {reason}"),
            format!("Complete True {reason}")
        ])
    };
    let failed = |reason: &str| {
        json!([
            format!("FailureTarget True {reason}"),
            format!("Failed True {reason}")
        ])
    };
    let status = |fields: Value| {
        let mut status = json!({"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}});
        crate::cluster::merge(&mut status, &fields);
        status
    };
    vec![
        (
            json!({"completions": 7, "parallelism": 3}),
            |_| Some(0),
            status(json!({"succeeded": 7, "conditions": done("CompletionsReached")})),
        ),
        (
            json!({"backoffLimit": 2}),
            |_| Some(1),
            status(json!({"failed": 3, "conditions": failed("BackoffLimitExceeded")})),
        ),
        (
            json!({"completions": 6, "parallelism": 4, "completionMode": "Indexed", "backoffLimit": 1000}),
            |pod| {
                Some(i64::from(
                    index(pod) % 2 == 1 && meta::name(pod).ends_with(['b', 'c', 'd', 'f', 'g']),
                ))
            },
            status(
                json!({"succeeded": 6, "completedIndexes": "0-5", "conditions": done("CompletionsReached")}),
            ),
        ),
        (
            json!({
                "completions": 5, "parallelism": 5, "completionMode": "Indexed", "backoffLimitPerIndex": 1,
                "backoffLimit": 2_147_483_647,
            }),
            |pod| {
                Some(i64::from(
                    index(pod) == 1 || (index(pod) == 3 && failures(pod) == 0),
                ))
            },
            status(json!({
                "succeeded": 4, "failed": 3, "completedIndexes": "0,2-4", "failedIndexes": "1",
                "conditions": failed("FailedIndexes"),
            })),
        ),
        (
            json!({
                "completions": 3, "parallelism": 1, "completionMode": "Indexed",
                "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
            }),
            |_| Some(0),
            status(json!({"succeeded": 1, "completedIndexes": "0", "conditions": done("SuccessPolicy")})),
        ),
        (
            json!({
                "podFailurePolicy": {"rules": [
                    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
                ]},
                "podReplacementPolicy": "Failed",
            }),
            |_| Some(42),
            status(json!({"failed": 1, "conditions": failed("PodFailurePolicy")})),
        ),
        (
            json!({"completions": 0}),
            |_| Some(0),
            status(json!({"conditions": done("CompletionsReached")})),
        ),
    ]
}

#[test]
fn jobs_end_as_their_pods_do() {
    for (spec, nodes, expected) in stories() {
        let mut cluster = started(spec.clone(), nodes, 0);
        cluster.run(7200);
        let mut status = end(&cluster);
        if spec["completionMode"] == "Indexed" && spec.get("backoffLimitPerIndex").is_none() {
            // How many fail on the way is chance.
            status.as_object_mut().expect("a status").remove("failed");
        }
        assert_eq!(status, expected, "{spec}");
        let pods = cluster.world.all(&Kind::POD);
        assert!(
            pods.into_iter()
                .all(|pod| meta::list_at(pod, "/metadata/finalizers").is_empty()),
            "{spec}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In any order, and however often the controller is killed between two writes, every pod is counted once.
    #[test]
    fn any_order_and_any_loss_lead_to_the_same_end(seed in 1_u64..) {
        for (spec, nodes, expected) in stories() {
            let mut cluster = started(spec.clone(), nodes, seed);
            cluster.run(7200);
            let mut status = end(&cluster);
            if spec["completionMode"] == "Indexed" && spec.get("backoffLimitPerIndex").is_none() {
                status.as_object_mut().expect("a status").remove("failed");
            }
            prop_assert_eq!(status, expected, "{} with {}", spec, seed);
        }
    }
}

#[test]
fn what_happens_is_told() {
    let mut cluster = started(json!({}), |_| Some(0), 0);
    cluster.run(60);
    let pod = &cluster.names(&Kind::POD)[0];
    assert!(pod.starts_with("j-"));
    assert_eq!(cluster.said("SuccessfulCreate"), [format!("Created pod: {pod}")]);
    assert_eq!(cluster.said("Completed"), ["Job completed"]);
    let mut cluster = started(json!({"backoffLimit": 0}), |_| Some(1), 0);
    cluster.run(60);
    assert_eq!(
        cluster.said("BackoffLimitExceeded"),
        ["Job has reached the specified backoff limit"]
    );
}

#[test]
fn failed_pods_are_replaced_after_a_wait_that_doubles() {
    let mut cluster = started(json!({}), |_| Some(1), 0);
    let mut counts = Vec::new();
    for second in [0, 9, 2, 18, 3, 37, 5] {
        cluster.run(second);
        counts.push(cluster.names(&Kind::POD).len());
    }
    assert_eq!(counts, [1, 1, 2, 2, 3, 3, 4]);
}

#[test]
fn a_deadline_ends_a_job_with_its_pods() {
    let mut cluster = started(
        json!({"activeDeadlineSeconds": 30, "parallelism": 2, "completions": 2}),
        |_| None,
        0,
    );
    cluster.run(29);
    assert_eq!(end(&cluster)["active"], 2);
    cluster.run(2);
    let status = end(&cluster);
    assert_eq!(
        status["conditions"],
        json!([
            "FailureTarget True DeadlineExceeded",
            "Failed True DeadlineExceeded"
        ])
    );
    assert_eq!((&status["failed"], &status["active"]), (&json!(2), &Value::Null));
    assert_eq!(
        cluster.said("DeadlineExceeded"),
        ["Job was active longer than specified deadline"]
    );
    assert_eq!(cluster.said("SuccessfulDelete").len(), 2);
}

#[test]
fn a_suspended_job_has_no_pods_and_goes_on_when_it_is_resumed() {
    let mut cluster = started(json!({"parallelism": 2, "completions": 2}), |_| None, 0);
    cluster.run(5);
    assert_eq!(end(&cluster)["active"], 2);
    cluster.patch(&Kind::JOB, "j", json!({"spec": {"suspend": true}}));
    cluster.run(5);
    assert_eq!(cluster.names(&Kind::POD), [""; 0]);
    let status = end(&cluster);
    assert_eq!(status["conditions"], json!(["Suspended True JobSuspended"]));
    // Nothing has failed.
    assert_eq!(status.get("failed"), None);
    cluster.patch(&Kind::JOB, "j", json!({"spec": {"suspend": false}}));
    cluster.run(5);
    assert_eq!(end(&cluster)["conditions"], json!(["Suspended False JobResumed"]));
    assert_eq!(
        cluster.get(&Kind::JOB, "j")["status"]["startTime"],
        "2026-01-01T00:00:10Z"
    );
    assert_eq!(cluster.names(&Kind::POD).len(), 2);
    assert_eq!(
        (cluster.said("Suspended"), cluster.said("Resumed")),
        (vec!["Job suspended"], vec!["Job resumed"])
    );
}

#[test]
fn fewer_pods_in_parallel_are_deleted_without_being_counted() {
    let mut cluster = started(json!({"parallelism": 4, "completions": 8}), |_| None, 0);
    cluster.run(5);
    cluster.patch(&Kind::JOB, "j", json!({"spec": {"parallelism": 1}}));
    cluster.run(5);
    let status = end(&cluster);
    assert_eq!((&status["active"], status.get("failed")), (&json!(1), None));
    assert_eq!(cluster.names(&Kind::POD).len(), 1);
}

#[test]
fn ignored_failures_do_not_count() {
    let policy = json!({"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}]});
    let mut cluster = started(
        json!({"backoffLimit": 0, "podFailurePolicy": policy}),
        |_| Some(3),
        0,
    );
    cluster.run(65);
    assert_eq!(cluster.names(&Kind::POD).len(), 3);
    assert_eq!(end(&cluster).get("failed"), None);
}

#[test]
fn pods_of_a_deleted_job_are_let_go() {
    let mut cluster = started(json!({"parallelism": 3, "completions": 3}), |_| None, 0);
    cluster.run(5);
    cluster.delete(&Kind::JOB, "j");
    cluster.run(5);
    assert_eq!(cluster.names(&Kind::JOB), [""; 0]);
    assert_eq!(cluster.names(&Kind::POD), [""; 0]);
}

#[test]
fn an_orphan_that_matches_is_adopted_and_counted() {
    let mut cluster = started(json!({"parallelism": 0}), |_| None, 0);
    cluster.run(1);
    let labels = cluster.get(&Kind::JOB, "j")["spec"]["selector"]["matchLabels"].clone();
    cluster.create(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": labels}}));
    cluster.patch(&Kind::JOB, "j", json!({"spec": {"parallelism": 1}}));
    cluster.run(1);
    let pod = cluster.get(&Kind::POD, "p");
    assert!(meta::is_controlled_by(
        &pod,
        meta::uid(&cluster.get(&Kind::JOB, "j"))
    ));
    assert_eq!(
        pod["metadata"]["finalizers"],
        json!(["batch.kubernetes.io/job-tracking"])
    );
    assert_eq!(cluster.names(&Kind::POD), ["p"]);
}
