//! The runs of containers that are processes: started, watched, stopped, and what was seen of them.
//!
//! ```text
//! kubelet loop ──start, stop──► Runs ──a task each──► process, probes, hooks, log
//!       ▲                         │
//!       └────── woken by ◄────────┴── what was seen: ended, ready, a probe that failed
//! ```
//!
//! The kubelet decides, a task does; what the task sees is a value that the next decision reads.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kubelet::pod::{self, Container};
use kubelet::runtime::{Doing, Exit, Failure, Health, News, Probe, Stop};
use objects::{Key, Kind, Quantity, meta};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use super::keeper;
use super::launch::Launch;
use super::log::{self, Log};
use super::probe;
use super::spawn::{Group, Spawned, Starter, Terminal};
use crate::engine::Wakes;

/// After a group was killed its streams close at once; whoever holds one open elsewhere is not waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// What a container has to end when its pod was deleted without any grace, as a kubelet grants.
const LEAST_GRACE: Duration = Duration::from_secs(2);

/// The code of a container that nobody saw end.
const UNKNOWN: i64 = 255;

/// As much as a kubelet takes of a termination message, and of a log in its place.
const MOST_WORDS: usize = 4096;
const LINES_OF_LOG: usize = 80;
const BYTES_OF_LOG: usize = 2048;

/// What is attached may lag so many pieces behind before it misses some.
const ATTACHED: usize = 256;

/// One run of one container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) run: i64,
}

/// A run that was started.
pub(crate) struct Run {
    pub(crate) id: Id,
    pub(crate) key: Key,
    pub(crate) launch: Launch,
    pub(crate) spec: Value,
    pub(crate) address: String,
    pub(crate) group: Group,
    pub(crate) began: Instant,
    pub(crate) since: Timestamp,
    /// The file in which it may leave its last words.
    last_words: PathBuf,
    pub(crate) log: Log,
    pub(crate) terminal: Option<Terminal>,
    /// What is attached hears.
    pub(crate) said: broadcast::Sender<(u8, Vec<u8>)>,
    /// What is attached says; gone where the container takes nothing.
    pub(crate) heard: Option<mpsc::Sender<Vec<u8>>>,
    limit: Option<Quantity>,
    grace: SignedDuration,
    seen: Mutex<Seen>,
    stop: watch::Sender<Option<Stop>>,
    /// True when it has ended.
    over: watch::Sender<bool>,
}

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
struct Seen {
    exit: Option<Exit>,
    /// Its `postStart` hook is not done.
    starting: bool,
    started: bool,
    ready: bool,
    failures: Vec<Failure>,
    /// What was not told yet: one for each of the few things that can go wrong beside it.
    news: Vec<News>,
    out_of_memory: bool,
    usage: Option<Usage>,
}

/// What a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In a thousandth of a CPU.
    pub(crate) cpu_milli: i64,
    /// Over how long.
    pub(crate) over: Duration,
    pub(crate) bytes: i64,
}

/// All runs of a cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Runs {
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<HashMap<Id, Arc<Run>>>,
    starter: Starter,
    wakes: Wakes,
    lifeline: Mutex<Option<File>>,
}

/// What a run is started from.
pub(crate) struct Start<'a> {
    pub(crate) id: Id,
    pub(crate) pod: &'a Value,
    pub(crate) container: &'a Container<'a>,
    pub(crate) address: &'a str,
    pub(crate) launch: Launch,
    pub(crate) log: Log,
}

impl Runs {
    pub(crate) fn new(starter: Starter, lifeline: File, wakes: Wakes) -> Self {
        let shared = Shared {
            table: Mutex::default(),
            starter,
            wakes,
            lifeline: Mutex::new(Some(lifeline)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn starter(&self) -> &Starter {
        &self.shared.starter
    }

    pub(crate) fn find(&self, id: &Id) -> Option<Arc<Run>> {
        self.table().get(id).cloned()
    }

    /// The run of a container that was started last.
    pub(crate) fn latest(&self, pod: &str, container: &str) -> Option<Arc<Run>> {
        let table = self.table();
        let own = table
            .values()
            .filter(|run| run.id.pod == pod && run.id.container == container);
        own.max_by_key(|run| run.id.run).cloned()
    }

    /// All that run.
    pub(crate) fn running(&self) -> Vec<Arc<Run>> {
        let table = self.table();
        table
            .values()
            .filter(|run| run.lock().exit.is_none())
            .cloned()
            .collect()
    }

    /// Starts a run. Only the last one of a container is remembered.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn start(&self, start: Start<'_>) -> std::io::Result<()> {
        let Start {
            id,
            pod,
            container,
            address,
            launch,
            log,
        } = start;
        let mut spawned = self.shared.starter.start(&launch)?;
        let resources = container.spec.pointer("/resources/limits/memory");
        let (heard, hears) = mpsc::channel(ATTACHED);
        let run = Arc::new(Run {
            key: Key::of(Kind::POD, pod),
            spec: container.spec.clone(),
            address: address.to_owned(),
            group: spawned.group,
            began: Instant::now(),
            since: Timestamp::now(),
            last_words: launch.last_words.clone(),
            terminal: spawned.terminal.take(),
            said: broadcast::Sender::new(ATTACHED),
            heard: launch.stdin.then_some(heard),
            limit: resources.and_then(Quantity::of),
            grace: SignedDuration::from_secs(pod::grace(pod)),
            seen: Mutex::default(),
            stop: watch::Sender::new(None),
            over: watch::Sender::new(false),
            id: id.clone(),
            launch,
            log,
        });
        {
            let mut seen = run.lock();
            seen.started = container.probe(Probe::Startup.field()).is_none();
            seen.ready = seen.started && container.probe(Probe::Readiness.field()).is_none();
            seen.starting = container.hook("postStart").is_some();
        }
        let mut table = self.table();
        table.retain(|known, _| known.pod != id.pod || known.container != id.container);
        table.insert(id, Arc::clone(&run));
        drop(table);
        for kind in [Probe::Startup, Probe::Readiness, Probe::Liveness] {
            if let Some(spec) = container.probe(kind.field()) {
                tokio::spawn(probe::run(self.clone(), Arc::clone(&run), kind, spec.clone()));
            }
        }
        tokio::spawn(self.clone().watch(run, spawned, hears));
        Ok(())
    }

    /// What a run is doing; one that nobody knows ended unseen.
    pub(crate) fn look(&self, id: &Id, since: Timestamp) -> Doing {
        let Some(run) = self.find(id) else {
            let now = Timestamp::now();
            return Doing::Ended(Exit {
                code: UNKNOWN,
                reason: "Unknown".to_owned(),
                message: "the process ended with the cluster that ran it".to_owned(),
                started: since,
                finished: now,
            });
        };
        let seen = run.lock();
        match &seen.exit {
            Some(exit) => Doing::Ended(Exit {
                started: since,
                ..exit.clone()
            }),
            None => Doing::Running(Health {
                started: seen.started,
                ready: seen.ready && seen.started,
                failures: seen.failures.clone(),
                next: None,
            }),
        }
    }

    /// Wants a run to end.
    pub(crate) fn stop(&self, id: &Id, stop: Stop) {
        if let Some(run) = self.find(id) {
            run.stop.send_if_modified(|wanted| {
                let sooner = wanted.is_none_or(|wanted| stop.deadline < wanted.deadline);
                if sooner {
                    *wanted = Some(stop);
                }
                sooner
            });
        }
    }

    /// Ends what is left of a pod that is gone, and forgets it.
    pub(crate) fn forget(&self, pod: &str) -> Vec<Arc<Run>> {
        let mut table = self.table();
        let gone: Vec<Id> = table.keys().filter(|id| id.pod == pod).cloned().collect();
        let runs: Vec<Arc<Run>> = gone.iter().filter_map(|id| table.remove(id)).collect();
        drop(table);
        let now = Timestamp::now();
        let deadline = now.saturating_add(LEAST_GRACE).unwrap_or(now);
        for run in &runs {
            run.stop.send_if_modified(|wanted| {
                let later = wanted.is_none_or(|wanted| wanted.deadline > deadline);
                if later {
                    *wanted = Some(Stop {
                        begins: now,
                        deadline,
                    });
                }
                later
            });
        }
        runs
    }

    /// Asks everything to end, and waits for that as long as pods have grace, but no longer than is said.
    pub(crate) async fn stop_all(&self, patience: Duration) {
        let now = Timestamp::now();
        let most = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        let runs = self.running();
        for run in &runs {
            let grace = run.grace.min(most);
            let deadline = now.saturating_add(grace).unwrap_or(now);
            self.stop(
                &run.id,
                Stop {
                    begins: now,
                    deadline,
                },
            );
        }
        let all = async {
            for run in &runs {
                run.ended().await;
            }
        };
        // Whatever is left then is killed by the end.
        let _ = tokio::time::timeout(patience.saturating_add(DRAIN), all).await;
    }

    /// Ends everything at once.
    pub(crate) fn end(&self) {
        self.running().iter().for_each(|run| run.group.kill());
        self.table().clear();
        // Whatever was not in the table, such as an `exec`, ends with the lifeline.
        self.shared
            .lifeline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// A probe has come to a conclusion.
    pub(crate) fn judge(&self, run: &Run, probe: Probe, failure: Option<Failure>) {
        let mut seen = run.lock();
        let good = failure.is_none();
        let was = (seen.started, seen.ready, seen.failures.clone());
        seen.failures
            .retain(|known| known.probe != probe || known.final_one);
        match probe {
            Probe::Startup if good => {
                seen.started = true;
                seen.ready |= probe::of(&run.spec, Probe::Readiness).is_none();
            }
            Probe::Readiness => seen.ready = good,
            _ => {}
        }
        seen.failures.extend(failure);
        let changed = was != (seen.started, seen.ready, seen.failures.clone());
        drop(seen);
        if changed {
            self.shared.wakes.wake(&run.key);
        }
    }

    /// A failure that changes nothing but is told.
    pub(crate) fn note(&self, run: &Run, failure: Failure) {
        let mut seen = run.lock();
        seen.failures
            .retain(|known| known.probe != failure.probe || known.final_one);
        seen.failures.push(failure);
        drop(seen);
        self.shared.wakes.wake(&run.key);
    }

    /// What a run uses was measured; one that is over its limit is ended.
    pub(crate) fn measured(&self, run: &Run, usage: Usage) {
        let mut seen = run.lock();
        seen.usage = Some(usage);
        if run.limit.is_some_and(|limit| usage.bytes > limit.as_whole()) {
            seen.out_of_memory = true;
            drop(seen);
            run.group.kill();
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Id, Arc<Run>>> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn watch(self, run: Arc<Run>, mut spawned: Spawned, mut hears: mpsc::Receiver<Vec<u8>>) {
        let mut drains = tokio::task::JoinSet::new();
        let streams = [
            (1, "stdout", spawned.stdout.take()),
            (2, "stderr", spawned.stderr.take()),
        ];
        for (number, name, stream) in streams {
            if let Some(stream) = stream {
                let tee = super::attach::Tee::new(stream, number, run.said.clone());
                drains.spawn(run.log.clone().drain(name, tee));
            }
        }
        if let Some(mut stdin) = spawned.stdin.take() {
            tokio::spawn(async move {
                while let Some(bytes) = hears.recv().await {
                    let written = tokio::io::AsyncWriteExt::write_all(&mut stdin, &bytes).await;
                    let flushed = tokio::io::AsyncWriteExt::flush(&mut stdin).await;
                    if bytes.is_empty() || written.is_err() || flushed.is_err() {
                        return;
                    }
                }
            });
        }
        let hook = run.spec.pointer("/lifecycle/postStart").cloned();
        if let Some(hook) = hook {
            tokio::spawn(self.clone().after_start(Arc::clone(&run), hook));
        }
        tokio::spawn(self.clone().watch_log(Arc::clone(&run)));
        let status = self.until_over(&run, &mut spawned).await;
        run.group.sweep();
        let _ = tokio::time::timeout(DRAIN, async { while drains.join_next().await.is_some() {} }).await;
        self.ended(
            &run,
            status.map_or(UNKNOWN, |status| i64::from(keeper::code(status))),
        );
    }

    /// Waits for the end, and brings it about when it is wanted: hook, SIGTERM, SIGKILL.
    async fn until_over(&self, run: &Arc<Run>, spawned: &mut Spawned) -> Option<std::process::ExitStatus> {
        let mut wanted = run.stop.subscribe();
        let mut told = false;
        loop {
            let stop = *wanted.borrow_and_update();
            let kill = async {
                let Some(stop) = stop else {
                    return std::future::pending().await;
                };
                tokio::time::sleep(until(stop.deadline)).await;
            };
            if stop.is_some() && !told {
                told = true;
                tokio::spawn(self.clone().before_stop(Arc::clone(run)));
            }
            tokio::select! {
                status = spawned.child.wait() => return status.ok(),
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return killed(run.group, spawned).await;
                    }
                }
                () = kill => return killed(run.group, spawned).await,
            }
        }
    }

    async fn before_stop(self, run: Arc<Run>) {
        if let Some(hook) = run.spec.pointer("/lifecycle/preStop") {
            let done = tokio::select! {
                done = probe::act(&self, &run, hook) => done,
                () = run.ended() => return,
            };
            if let Err(cause) = done {
                self.tell(&run, "FailedPreStopHook", format!("PreStopHook failed: {cause}"));
            }
        }
        run.group.terminate();
    }

    async fn after_start(self, run: Arc<Run>, hook: Value) {
        let done = tokio::select! {
            done = probe::act(&self, &run, &hook) => done,
            () = run.ended() => return,
        };
        match done {
            Ok(()) => {
                run.lock().starting = false;
                self.shared.wakes.wake(&run.key);
            }
            Err(cause) => {
                self.tell(
                    &run,
                    "FailedPostStartHook",
                    format!("PostStartHook failed: {cause}"),
                );
                let now = Timestamp::now();
                let deadline = now.saturating_add(run.grace).unwrap_or(now);
                self.stop(
                    &run.id,
                    Stop {
                        begins: now,
                        deadline,
                    },
                );
            }
        }
    }

    /// Tells once when the log of a run can't be written.
    async fn watch_log(self, run: Arc<Run>) {
        let cause = tokio::select! {
            cause = run.log.broken() => cause,
            () = run.ended() => return,
        };
        let message = format!(
            "can't write the log of container {}: {cause}; what it says is dropped until there is room",
            run.id.container
        );
        self.tell(&run, "FailedLogging", message);
    }

    fn tell(&self, run: &Run, reason: &'static str, message: String) {
        run.lock().news.push(News { reason, message });
        self.shared.wakes.wake(&run.key);
    }

    fn ended(&self, run: &Run, code: i64) {
        let message = last_words(run, code);
        let mut seen = run.lock();
        let reason = if seen.out_of_memory {
            "OOMKilled"
        } else {
            Exit::reason_of(code)
        };
        let dropped = run.log.dropped();
        let message = if dropped == 0 || !message.is_empty() {
            message
        } else {
            format!("{dropped} lines of its log could not be written: see whether the disk is full")
        };
        let now = Timestamp::now();
        seen.exit = Some(Exit {
            code,
            reason: reason.to_owned(),
            message,
            started: now,
            finished: now,
        });
        (seen.ready, seen.starting) = (false, false);
        drop(seen);
        run.over.send_replace(true);
        self.shared.wakes.wake(&run.key);
    }
}

impl Run {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_started(&self) -> bool {
        self.lock().started
    }

    /// Whether its `postStart` hook is not done.
    pub(crate) fn is_starting(&self) -> bool {
        self.lock().starting
    }

    /// What was not told yet.
    pub(crate) fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut self.lock().news)
    }

    /// What it used when it was looked at last, if it was.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.lock().usage
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) {
        let mut over = self.over.subscribe();
        let _ = over.wait_for(|over| *over).await;
    }

    /// True once it has ended.
    pub(crate) fn over(&self) -> watch::Receiver<bool> {
        self.over.subscribe()
    }
}

/// Kills a run, and its keeper too where that does not do it.
async fn killed(group: Group, spawned: &mut Spawned) -> Option<std::process::ExitStatus> {
    group.kill();
    if let Ok(status) = tokio::time::timeout(DRAIN, spawned.child.wait()).await {
        return status.ok();
    }
    group.sweep();
    spawned.child.wait().await.ok()
}

/// What a container left to say why it ended: its file, or the end of its log where it is to speak for it.
fn last_words(run: &Run, code: i64) -> String {
    let mut words = std::fs::read(&run.last_words).unwrap_or_default();
    words.truncate(MOST_WORDS);
    let policy = meta::text(&run.spec, "terminationMessagePolicy");
    if words.is_empty() && code != 0 && policy == "FallbackToLogsOnError" {
        words = run.log.end(LINES_OF_LOG);
        words.drain(..words.len().saturating_sub(BYTES_OF_LOG));
    }
    String::from_utf8_lossy(&words).into_owned()
}

/// How long it is until a time.
fn until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default()
}

/// The id of a run of a container of a pod.
pub(crate) fn id(pod: &Value, container: &str, run: i64) -> Id {
    Id {
        pod: meta::uid(pod).to_owned(),
        container: container.to_owned(),
        run,
    }
}

/// Removes what a pod has written, when its last process has ended.
pub(crate) async fn clean(runs: Vec<Arc<Run>>, folders: [std::path::PathBuf; 2]) {
    for run in runs {
        // Bounded: it is killed after its grace.
        run.ended().await;
    }
    for folder in folders {
        let _ = tokio::fs::remove_dir_all(&folder).await;
    }
}

pub(crate) use log::folder as log_folder;
