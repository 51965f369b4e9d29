//! An upgrade that meets every fault at every one of its requests, and what becomes of it.
//!
//! Each case has a cluster of its own. docs/operating/release-faults.md says what these tests hold.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::run::{Error, Interrupted, OnFailure, Options};
use cluster::{Cluster, Event, Files, Limits, ListQuery, Target};
use kubelet::behaviour;
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use objects::meta;
use tempfile::TempDir;
use testkit::faulty::{Fault, Faulty, Seen};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::release::{first, history, install, later, open, options, second, state, upgrade};

/// A cluster with a release on it, the way to it that fails, and the Jobs that ever were.
struct Story {
    server: server::Cluster,
    faulty: Faulty,
    /// By the bad way, as the run under test goes.
    bad: Cluster,
    /// By a good way.
    good: Cluster,
    jobs: Arc<Mutex<BTreeSet<String>>>,
    follower: tokio::task::JoinHandle<()>,
    _folder: TempDir,
}

/// What became of an upgrade.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    state: BTreeSet<String>,
    history: Vec<String>,
    /// How many Jobs were made for each hook.
    jobs: BTreeMap<String, usize>,
}

impl Story {
    async fn new() -> Self {
        let behaviour = behaviour::parse("rules:\n- {image: broken, does: exit 1}\n").unwrap();
        let server = server::Cluster::start(server::Options {
            nodes: fleet(2, &Shape::default()),
            behaviour: Arc::new(behaviour),
            ..server::Options::default()
        });
        let server = server.await.unwrap();
        let faulty = Faulty::start(&server.handle()).await.unwrap();
        let folder = TempDir::new().unwrap();
        let good = connected(
            &folder.path().join("good"),
            &server.handle().kubeconfig().unwrap(),
            7,
        )
        .await;
        // A single try: what a client survives by itself is tested elsewhere, and a run that is killed tries nothing.
        let bad = connected(&folder.path().join("bad"), &faulty.kubeconfig(), 4).await;
        install(&good, first()).await;
        let jobs = Arc::new(Mutex::new(BTreeSet::new()));
        let follower = tokio::spawn(follow_jobs(good.clone(), Arc::clone(&jobs)));
        Self {
            server,
            faulty,
            bad,
            good,
            jobs,
            follower,
            _folder: folder,
        }
    }

    /// Upgrades by the bad way; every fault is of `fault`'s choice.
    async fn upgrade(
        &self,
        options: Options,
        fault: impl FnMut(&Seen) -> Option<Fault> + Send + 'static,
    ) -> Result<(), Error> {
        let mut release = open(&self.bad, options).await;
        let wanted = upgrade(&release, second());
        self.faulty.plan(fault);
        release.deploy(wanted).await.map(drop)
    }

    /// Kills an upgrade: the request of this number is its last, and fails.
    async fn killed_at(&self, number: usize, last: Fault) {
        let chosen = move |seen: &Seen| match seen.number.cmp(&number) {
            Ordering::Less => None,
            Ordering::Equal if befalls(&last, &seen.path) => Some(last.clone()),
            _ => Some(Fault::Cut),
        };
        let done = self.upgrade(options("first"), chosen).await;
        let is_over = self.faulty.seen().len() < number;
        assert!(done.is_ok() || !is_over, "killed at {number}: {done:?}");
    }

    /// Upgrades by the good way, after every hold is over.
    async fn again(&self, interrupted: Interrupted) -> Result<(), Error> {
        self.faulty.plan(|_| None);
        let options = Options {
            interrupted,
            now: later,
            ..options("second")
        };
        let mut release = open(&self.good, options).await;
        // Done before the answer was lost: then there is nothing to do again.
        if release
            .history()
            .deployed()
            .is_some_and(|record| record.revision.get() > 1)
        {
            return Ok(());
        }
        let wanted = upgrade(&release, second());
        release.deploy(wanted).await.map(drop)
    }

    async fn outcome(self) -> Outcome {
        let state = state(&self.good).await;
        let mut history = history(&self.good).await;
        // Of several that say they are deployed the last one is: the next operation puts the others aside.
        let old = history.len().saturating_sub(1);
        for revision in &mut history[..old] {
            *revision = revision.replace("deployed", "superseded");
        }
        self.follower.abort();
        let mut jobs = BTreeMap::new();
        for job in self.jobs.lock().await.iter() {
            let name = job.split(' ').next().unwrap_or_default();
            *jobs.entry(name.to_owned()).or_default() += 1;
        }
        drop(self.server);
        Outcome { state, history, jobs }
    }
}

async fn connected(path: &Path, kubeconfig: &str, tries: u32) -> Cluster {
    std::fs::write(path, kubeconfig).unwrap();
    let target = Target {
        kubeconfig: Files::One(path.to_owned()),
        limits: Limits {
            first_wait: Duration::from_millis(1),
            request: Duration::from_millis(500),
            tries,
            ..Limits::default()
        },
        ..Target::default()
    };
    Cluster::connect(target).await.unwrap()
}

/// Notes the name and uid of every Job that is ever there.
async fn follow_jobs(cluster: Cluster, jobs: Arc<Mutex<BTreeSet<String>>>) {
    let resource = cluster.resource("batch/v1", "Job").await.unwrap().unwrap();
    let mut watch = cluster.watch(&resource, None, &ListQuery::default(), "");
    while let Ok(event) = watch.next().await {
        let objects = match event {
            Event::Added(object) | Event::Modified(object) | Event::Deleted(object) => vec![object],
            Event::Relisted(objects) => objects,
        };
        let name = |object: &serde_json::Value| format!("{} {}", meta::name(object), meta::uid(object));
        let names: Vec<String> = objects.iter().map(name).collect();
        jobs.lock().await.extend(names);
    }
}

/// What an upgrade comes to when nothing fails, and how many requests it makes.
async fn undisturbed() -> (Outcome, usize) {
    let story = Story::new().await;
    story.upgrade(options("first"), |_| None).await.unwrap();
    let requests = story.faulty.seen().len();
    (story.outcome().await, requests)
}

/// Plays a case for each request of an upgrade, some of them at once.
///
/// Watches may be more or fewer from run to run, so a few numbers that no run comes to are tried as well.
async fn at_each_request<F>(requests: usize, case: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    const MORE: usize = 3;
    const AT_ONCE: usize = 4;
    let mut running = JoinSet::new();
    for number in 1..=requests + MORE {
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(case(number));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// What a run meets at one of its requests and gets over by itself.
fn faults() -> [(&'static str, Fault); 7] {
    [
        ("429 Too Many Requests", Fault::busy(0)),
        ("500 Internal Server Error", Fault::status(500, "InternalError")),
        ("504 Gateway Timeout", Fault::status(504, "Timeout")),
        ("connection reset before the request is read", Fault::Cut),
        (
            "connection reset after it is done: the answer is lost",
            Fault::Lose,
        ),
        ("no answer in time", Fault::Hang),
        ("a watch is closed by the server", Fault::End { lines: 0 }),
    ]
}

/// Whether a fault can befall a request: a watch has no answer that could be lost or late, and only a watch is closed.
fn befalls(fault: &Fault, path: &str) -> bool {
    match fault {
        Fault::Lose | Fault::Hang => !path.contains("watch="),
        Fault::End { .. } => path.contains("watch="),
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_request_changes_nothing_in_the_end() {
    let (expected, requests) = undisturbed().await;
    let expected = Arc::new(expected);
    for (name, fault) in faults() {
        at_each_request(requests, |number| {
            let (fault, expected) = (fault.clone(), Arc::clone(&expected));
            async move {
                let story = Story::new().await;
                let chosen = move |seen: &Seen| {
                    (seen.number == number && befalls(&fault, &seen.path)).then(|| fault.clone())
                };
                let done = story.upgrade(options("first"), chosen).await;
                let seen = story.faulty.seen();
                assert!(done.is_ok(), "{name} at {number}: {done:?} {seen:#?}");
                assert_eq!(story.outcome().await, *expected, "{name} at {number}: {seen:#?}");
            }
        })
        .await;
    }
}

/// Runs that are killed at any request, before or after it is done, and what the next one makes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_request_is_resumed() {
    let (expected, requests) = undisturbed().await;
    let expected = Arc::new(expected);
    for last in [Fault::Cut, Fault::Lose] {
        at_each_request(requests, |number| {
            let (last, expected) = (last.clone(), Arc::clone(&expected));
            async move {
                let story = Story::new().await;
                story.killed_at(number, last.clone()).await;
                story.again(Interrupted::Resume).await.unwrap();
                let seen = story.faulty.seen();
                assert_eq!(
                    story.outcome().await,
                    *expected,
                    "killed at {number} by {last:?}: {seen:#?}"
                );
            }
        })
        .await;
    }
}

/// The same, with the policy that the release goes back first: nothing is lost, and hooks run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_request_is_rolled_back_where_that_is_the_policy() {
    let (expected, requests) = undisturbed().await;
    let expected = Arc::new(expected);
    at_each_request(requests, |number| {
        let expected = Arc::clone(&expected);
        async move {
            let story = Story::new().await;
            story.killed_at(number, Fault::Cut).await;
            story.again(Interrupted::RollBack).await.unwrap();
            let outcome = story.outcome().await;
            assert_eq!(outcome.state, expected.state, "killed at {number}");
            let (last, old) = outcome.history.split_last().unwrap();
            assert!(
                last.ends_with(" deployed"),
                "killed at {number}: {:?}",
                outcome.history
            );
            let is_settled =
                |revision: &String| revision.ends_with(" superseded") || revision.ends_with(" failed");
            assert!(
                old.iter().all(is_settled),
                "killed at {number}: {:?}",
                outcome.history
            );
        }
    })
    .await;
}

/// Between the plan and the apply somebody else changes what the plan is about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_somebody_else_takes_meanwhile_is_a_conflict_and_nothing_is_lost() {
    let story = Story::new().await;
    let mut release = open(&story.good, options("first")).await;
    let wanted = upgrade(&release, second());
    let maps = story.good.resource("v1", "ConfigMap").await.unwrap().unwrap();
    let theirs = crate::release::config_map("kept", "theirs");
    let how = cluster::Apply {
        manager: "somebody",
        force: true,
        dry_run: false,
    };
    story
        .good
        .apply(maps.at("default", "kept"), &theirs, how)
        .await
        .unwrap();
    let error = release.deploy(wanted).await.unwrap_err().to_string();
    assert!(error.contains("somebody"), "{error}");
    let kept = story.good.get(maps.at("default", "kept")).await.unwrap().unwrap();
    assert_eq!(kept["data"]["k"], "theirs");
    assert_eq!(history(&story.good).await, ["1 deployed", "2 failed"]);
    // With the right to take it, the next run does.
    let options = Options {
        force_conflicts: true,
        ..options("second")
    };
    let mut release = open(&story.good, options).await;
    let wanted = upgrade(&release, second());
    release.deploy(wanted).await.unwrap();
    assert_eq!(
        history(&story.good).await,
        ["1 superseded", "2 failed", "3 deployed"]
    );
    assert_eq!(state(&story.good).await, undisturbed().await.0.state);
}

/// A hook that fails stops the operation before the objects are touched, and going back needs no more than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_fails_stops_the_operation_and_the_release_goes_back() {
    for (on_failure, expected) in [
        (OnFailure::Leave, vec!["1 deployed", "2 failed"]),
        (OnFailure::GoBack, vec!["1 superseded", "2 failed", "3 deployed"]),
    ] {
        let story = Story::new().await;
        let before = state(&story.good).await;
        let options = Options {
            on_failure,
            ..options("first")
        };
        let mut release = open(&story.good, options).await;
        let mut contents = second();
        contents.hooks = vec![crate::release::hook_of_image(
            "before",
            &["pre-upgrade"],
            "broken",
        )];
        let wanted = upgrade(&release, contents);
        let error = release.deploy(wanted).await.unwrap_err().to_string();
        assert!(error.contains("hook before failed"), "{error}");
        assert_eq!(history(&story.good).await, expected);
        let mut after = state(&story.good).await;
        after.retain(|object| !object.starts_with("Job"));
        assert_eq!(after, before);
    }
}
