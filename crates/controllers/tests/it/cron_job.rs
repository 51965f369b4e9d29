//! What becomes of CronJobs: their Jobs, what they say, what is left.

use controllers::cron_job::CronJobs;
use controllers::job::Jobs;
use objects::control::Loop;
use objects::{Kind, meta};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Nodes, merge};

fn loops() -> Vec<Box<dyn Loop>> {
    vec![Box::new(CronJobs::default()), Box::new(Jobs::default())]
}

/// The minute since the epoch at which [`Cluster::new`] begins.
const MINUTE: i64 = 29_453_760;

fn started(fields: Value, nodes: Nodes, seed: u64) -> Cluster {
    let mut spec = json!({
        "schedule": "* * * * *", "concurrencyPolicy": "Allow",
        "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        "jobTemplate": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "completions": 1, "parallelism": 1, "backoffLimit": 0,
                "template": {"spec": {"containers": [{"name": "c"}], "restartPolicy": "Never"}},
            },
        },
    });
    merge(&mut spec, &fields);
    let mut cluster = Cluster::new(loops, nodes, seed);
    cluster.create(
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": spec}),
    );
    cluster
}

fn jobs(cluster: &Cluster) -> Vec<i64> {
    let names = cluster.names(&Kind::JOB);
    let minutes = names
        .iter()
        .filter_map(|name| name.strip_prefix("c-")?.parse::<i64>().ok());
    minutes.map(|minute| minute - MINUTE).collect()
}

fn active(cluster: &Cluster) -> Vec<String> {
    let cron = cluster.get(&Kind::CRON_JOB, "c");
    let active = meta::list_at(&cron, "/status/active").iter();
    active.map(|one| meta::text(one, "name").to_owned()).collect()
}

#[test]
fn every_moment_has_its_job_and_the_old_ones_go() {
    let mut cluster = started(json!({"timeZone": "Asia/Kathmandu"}), |_| Some(0), 0);
    cluster.run(59);
    assert_eq!(jobs(&cluster), [0; 0]);
    cluster.run(2);
    assert_eq!(jobs(&cluster), [1]);
    let job = cluster.get(&Kind::JOB, &format!("c-{}", MINUTE + 1));
    let at = meta::annotation(&job, "batch.kubernetes.io/cronjob-scheduled-timestamp");
    assert_eq!(at, Some("2026-01-01T05:46:00+05:45"));
    assert_eq!(
        (meta::label(&job, "a"), &job["spec"]["backoffLimit"]),
        (Some("b"), &json!(0))
    );
    cluster.run(240);
    assert_eq!(jobs(&cluster), [3, 4, 5]);
    let status = cluster.get(&Kind::CRON_JOB, "c")["status"].clone();
    assert_eq!(status["lastScheduleTime"], "2026-01-01T00:05:00Z");
    assert_eq!(status["lastSuccessfulTime"], "2026-01-01T00:05:00Z");
    assert_eq!(status.get("active"), None);
    assert_eq!(
        cluster
            .said("SuccessfulCreate")
            .iter()
            .filter(|said| said.starts_with("Created job c-"))
            .count(),
        5
    );
    let ended = format!("Saw completed job: c-{}, status: Complete", MINUTE + 5);
    assert!(cluster.said("SawCompletedJob").contains(&ended.as_str()));
    let gone = format!("Deleted job c-{}", MINUTE + 1);
    assert!(cluster.said("SuccessfulDelete").contains(&gone.as_str()));
    for unsaid in ["UnexpectedJob", "MissingJob", "TooManyMissedTimes"] {
        assert_eq!(cluster.said(unsaid), [""; 0], "{unsaid}");
    }
}

#[test]
fn concurrency_is_allowed_forbidden_or_ended() {
    let told = "Not starting job because prior execution is running and concurrency policy is Forbid";
    for (policy, expected, said) in [
        ("Allow", vec![1, 2, 3], 0),
        ("Forbid", vec![1], 2),
        ("Replace", vec![3], 0),
    ] {
        let mut cluster = started(json!({"concurrencyPolicy": policy}), |_| None, 0);
        cluster.run(185);
        assert_eq!(jobs(&cluster), expected, "{policy}");
        assert_eq!(active(&cluster).len(), expected.len(), "{policy}");
        assert_eq!(cluster.said("JobAlreadyActive"), vec![told; said], "{policy}");
        assert_eq!(cluster.said("MissingJob"), [""; 0], "{policy}");
    }
}

#[test]
fn a_late_start_happens_within_its_deadline_only() {
    for (deadline, expected) in [
        (Value::Null, vec![30]),
        (json!(400), vec![30]),
        (json!(200), vec![]),
    ] {
        let fields =
            json!({"schedule": "*/30 * * * *", "suspend": true, "startingDeadlineSeconds": deadline});
        let mut cluster = started(fields, |_| Some(0), 0);
        cluster.run(35 * 60);
        cluster.patch(&Kind::CRON_JOB, "c", json!({"spec": {"suspend": false}}));
        cluster.run(1);
        assert_eq!(jobs(&cluster), expected, "{deadline}");
    }
}

#[test]
fn only_the_latest_of_many_missed_moments_is_made_up_for() {
    let mut cluster = started(json!({"suspend": true}), |_| None, 0);
    cluster.run(150 * 60);
    cluster.patch(&Kind::CRON_JOB, "c", json!({"spec": {"suspend": false}}));
    cluster.run(10);
    assert_eq!(jobs(&cluster), [150]);
    let told =
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
    assert_eq!(cluster.said("TooManyMissedTimes"), [told]);
}

#[test]
fn what_cannot_be_scheduled_says_why_once() {
    for (fields, reason, message) in [
        (
            json!({"schedule": "61 * * * *"}),
            "UnparseableSchedule",
            "unparseable schedule: \"61 * * * *\" : end of range (61) above maximum (59): 61",
        ),
        (
            json!({"timeZone": "Mars/X"}),
            "UnknownTimeZone",
            "invalid timeZone: \"Mars/X\": unknown time zone Mars/X",
        ),
    ] {
        let mut cluster = started(fields, |_| None, 0);
        cluster.run(300);
        cluster.patch(&Kind::CRON_JOB, "c", json!({"metadata": {"labels": {"x": "y"}}}));
        cluster.run(300);
        assert_eq!(cluster.said(reason), [message]);
        assert_eq!(jobs(&cluster), [0; 0]);
    }
}

#[test]
fn a_job_that_somebody_deleted_or_made_is_noticed() {
    let mut cluster = started(json!({"schedule": "1 * * * *"}), |_| None, 0);
    cluster.run(65);
    let name = format!("c-{}", MINUTE + 1);
    cluster.delete(&Kind::JOB, &name);
    cluster.run(5);
    assert_eq!(
        cluster.said("MissingJob"),
        [format!("Active job went missing: {name}")]
    );
    assert_eq!(active(&cluster), [""; 0]);
    let owner = meta::controller_reference(&cluster.get(&Kind::CRON_JOB, "c"), "batch/v1", &Kind::CRON_JOB);
    let mut mine = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "mine"}});
    mine["metadata"]["ownerReferences"] = json!([owner]);
    mine["spec"] = json!({"suspend": true, "template": {}});
    cluster.create(mine);
    cluster.run(5);
    assert_eq!(
        cluster.said("UnexpectedJob"),
        ["Saw a job that the controller did not create or forgot: mine"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_moment_has_two_jobs_or_none_whatever_is_lost(seed in 1_u64..) {
        let mut cluster = started(json!({"successfulJobsHistoryLimit": 100}), |_| Some(0), seed);
        cluster.run(605);
        prop_assert_eq!(jobs(&cluster), (1..=10).collect::<Vec<i64>>());
        let status = cluster.get(&Kind::CRON_JOB, "c")["status"].clone();
        prop_assert_eq!(&status["lastScheduleTime"], "2026-01-01T00:10:00Z");
        prop_assert_eq!(status.get("active"), None);
        prop_assert_eq!(cluster.said("UnexpectedJob"), [""; 0]);
    }
}
