//! The fault table: an upgrade that meets every fault at every one of its requests, and what becomes of it.
//!
//! The table stands in docs/operating/release-faults.md and is held equal; `SHIPWAY_UPDATE=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::run::{Error, Interrupted, Options};
use cluster::{Cluster, Event, Files, Limits, ListQuery, Target};
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use objects::meta;
use tempfile::TempDir;
use testkit::faulty::{Fault, Faulty};
use tokio::sync::Mutex;

use crate::release::{first, history, install, later, open, options, second, state, upgrade};

/// No upgrade of these tests has more requests than this.
const REQUESTS_MAX: usize = 200;

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
        let server = server::Cluster::start(server::Options {
            nodes: fleet(2, &Shape::default()),
            ..server::Options::default()
        });
        let server = server.await.unwrap();
        let faulty = Faulty::start(&server.handle()).await.unwrap();
        let folder = TempDir::new().unwrap();
        let good = connected(&folder.path().join("good"), &server.handle().kubeconfig().unwrap(), 7).await;
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
        fault: impl FnMut(&testkit::faulty::Seen) -> Option<Fault> + Send + 'static,
    ) -> Result<(), Error> {
        let mut release = open(&self.bad, options).await;
        let wanted = upgrade(&release, second());
        self.faulty.plan(fault);
        release.deploy(wanted).await.map(drop)
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
        if release.history().deployed().is_some_and(|record| record.revision.get() > 1) {
            return Ok(());
        }
        let wanted = upgrade(&release, second());
        release.deploy(wanted).await.map(drop)
    }

    async fn outcome(self) -> Outcome {
        let state = state(&self.good).await;
        let history = history(&self.good).await;
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
            request: Duration::from_millis(1_000),
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

/// What an upgrade comes to when nothing fails.
async fn undisturbed() -> (Outcome, usize) {
    let story = Story::new().await;
    story.upgrade(options("first"), |_| None).await.unwrap();
    let requests = story.faulty.seen().len();
    (story.outcome().await, requests)
}

/// Faults at one request, which a run gets over by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_request_changes_nothing_in_the_end() {
    let (expected, _) = undisturbed().await;
    let faults: [(&str, Fault); 5] = [
        ("429 Too Many Requests", Fault::busy(0)),
        ("500 Internal Server Error", Fault::status(500, "InternalError")),
        ("connection cut before the request", Fault::Cut),
        ("connection cut after the request, its answer lost", Fault::Lose),
        ("no answer in time", Fault::Hang),
    ];
    for (name, fault) in faults {
        for number in 1..REQUESTS_MAX {
            let story = Story::new().await;
            let fault = fault.clone();
            let is_watch = |path: &str| path.contains("watch=");
            let done = story
                .upgrade(options("first"), move |seen| {
                    // A watch has no answer that could be lost, nor one that is late.
                    let fits = !(is_watch(&seen.path) && matches!(fault, Fault::Lose | Fault::Hang));
                    (seen.number == number && fits).then(|| fault.clone())
                })
                .await;
            let is_over = story.faulty.seen().len() < number;
            assert!(done.is_ok(), "{name} at {number}: {:?}\n{:#?}", done, story.faulty.seen());
            let seen = story.faulty.seen();
            assert_eq!(story.outcome().await, expected, "{name} at {number}: {seen:#?}");
            if is_over {
                break;
            }
        }
    }
}

/// Runs that are killed at any request, before or after it is done, and what the next one makes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_request_is_resumed() {
    let (expected, _) = undisturbed().await;
    for last in [Fault::Cut, Fault::Lose] {
        for number in 1..REQUESTS_MAX {
            let story = Story::new().await;
            let is_over = killed_at(&story, number, last.clone()).await;
            story.again(Interrupted::Resume).await.unwrap();
            let seen = story.faulty.seen();
            let outcome = story.outcome().await;
            assert_eq!(outcome, expected, "killed at {number} by {last:?}: {seen:#?}");
            if is_over {
                break;
            }
        }
    }
}

/// The same, with the policy that the release goes back first: nothing is lost, and every hook runs again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_request_is_rolled_back_where_that_is_the_policy() {
    let (expected, _) = undisturbed().await;
    for number in 1..REQUESTS_MAX {
        let story = Story::new().await;
        let is_over = killed_at(&story, number, Fault::Cut).await;
        story.again(Interrupted::RollBack).await.unwrap();
        let outcome = story.outcome().await;
        assert_eq!(outcome.state, expected.state, "killed at {number}");
        let last = outcome.history.last().cloned().unwrap_or_default();
        assert!(last.ends_with(" deployed"), "killed at {number}: {:?}", outcome.history);
        let pending = outcome.history.iter().any(|revision| revision.contains("pending"));
        assert!(!pending, "killed at {number}: {:?}", outcome.history);
        if is_over {
            break;
        }
    }
}

/// Kills an upgrade: the request of this number is its last, and fails; says whether it was over before.
async fn killed_at(story: &Story, number: usize, last: Fault) -> bool {
    let done = story
        .upgrade(options("first"), move |seen| match seen.number.cmp(&number) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal if !seen.path.contains("watch=") => Some(last.clone()),
            _ => Some(Fault::Cut),
        })
        .await;
    let is_over = story.faulty.seen().len() < number;
    assert_eq!(done.is_ok(), is_over, "killed at {number}: {done:?}");
    is_over
}
