//! The loop of delivery: what comes where by itself, what people asked for, and every step of it, as `delivery` plans it.
//!
//! ```text
//! Feed ──► World ──plan(application)──► steps ──► writes, one task per application ──► the World again
//!                                         │  └──► outlines of plans, a task each
//!                                         └─ steps under way in a status ──► releases, a task per promotion and cluster
//! ```
//!
//! One task owns the world and every decision. What runs follows from the statuses alone: a step that is `Running` has a task,
//! and a task whose step is not is stopped. So a controller that is killed goes on where its successor reads that it was. A
//! status is written with the version that was read, so that nothing is ever begun twice.

mod carry;
mod fights;
mod looks;
mod orders;
mod outlines;
mod past;
mod runs;
mod secret;
pub(crate) mod shelf;
mod standings;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use artifact::SigningKey;
use delivery::{Name, Plan, Step, Target};
use jiff::Timestamp;
use kinds::{Object, Promotion};
use model::Diagnose as _;
use stdx::chain;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::audit::AuditLog;
use crate::clusters::AllKnown;
use crate::error::Error;
use crate::feed::{Feed, Touched};
use crate::hub::Hub;
use crate::queue::Queue;

use carry::Means;
use outlines::Outlines;
use runs::{Runs, Told};
use shelf::Shelf;
use standings::Standings;
use writes::{Write, Writer, Written};

/// Everything is planned this often, whatever the events said.
const SWEEP: Duration = Duration::from_secs(300);

/// No plan is looked at again later than this by its own wish: clocks jump.
const LONGEST: Duration = Duration::from_secs(60);

/// The statuses of stages and freeze windows follow what happens no faster than this.
const OVERVIEW: Duration = Duration::from_secs(2);

/// What tasks tell may lie unread: as many as there may be tasks that tell at once, more or less.
const TOLD: usize = 1024;

/// What the loop is started with.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) hub: Hub,
    pub(crate) shelf: Shelf,
    pub(crate) known: watch::Receiver<AllKnown>,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) audit: AuditLog,
    /// How often what is deployed is looked at.
    pub(crate) look: Duration,
    /// The controller's namespace.
    pub(crate) namespace: String,
    /// Who this replica is, and how the names of all replicas of this controller begin.
    pub(crate) process: String,
    pub(crate) follows: String,
    pub(crate) clock: fn() -> Timestamp,
}

/// Everything that the one task owns.
struct Running {
    feed: Feed,
    queue: Queue<Name>,
    /// Applications of which something is being written.
    busy: BTreeSet<Name>,
    writer: Writer,
    writes: JoinSet<Wrote>,
    /// Of each write, what it is about.
    writing: BTreeMap<Id, Option<Name>>,
    runs: Runs,
    outlines: Outlines,
    standings: Standings,
    key: Arc<SigningKey>,
    clock: fn() -> Timestamp,
    swept: Instant,
    overview: Overview,
}

/// When the statuses of stages and freeze windows are looked at.
struct Overview {
    next: Instant,
    is_stale: bool,
    is_written: bool,
}

/// What became of writes.
struct Wrote {
    written: Vec<Written>,
    failed: Option<Error>,
}

/// Runs until it is dropped, and all it has begun with it.
pub(crate) async fn run(around: Around) {
    let (teller, mut told) = mpsc::channel(TOLD);
    let room = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let audit = around.audit;
    let means = Means {
        shelf: around.shelf,
        known: around.known,
        room: Arc::new(Semaphore::new(room)),
        process: around.process,
        follows: around.follows,
        clock: around.clock,
    };
    let mut running = Running {
        feed: Feed::new(&around.hub, &around.namespace),
        queue: Queue::default(),
        busy: BTreeSet::new(),
        writer: Writer {
            hub: around.hub,
            audit: audit.clone(),
            clock: around.clock,
        },
        writes: JoinSet::new(),
        writing: BTreeMap::new(),
        runs: Runs::new(means.clone(), Arc::clone(&around.key), teller.clone()),
        outlines: Outlines::new(means.clone(), Arc::clone(&around.key), teller),
        standings: Standings::new(means, audit, around.look),
        key: around.key,
        clock: around.clock,
        swept: Instant::now(),
        overview: Overview {
            next: Instant::now(),
            is_stale: true,
            is_written: false,
        },
    };
    loop {
        running.attend();
        let due = running.next_due();
        tokio::select! {
            touched = running.feed.next() => running.touched(touched),
            Some(told) = told.recv() => running.told(told),
            ended = running.standings.ended() => {
                let application = running.standings.take(ended);
                running.queue.look(application, Instant::now());
            }
            Some(wrote) = running.writes.join_next_with_id() => match wrote {
                Ok((id, wrote)) => running.wrote(&id, wrote),
                Err(error) => running.wrote(&error.id(), bug(&error)),
            },
            () = sleep_until(due) => {}
        }
    }
}

/// What is made of a write that ended in a bug: it is tried again, and told.
fn bug(error: &JoinError) -> Wrote {
    let failed = Error::Mistake {
        problem: format!("a write ended in a bug: {error}"),
        cure: "report it".to_owned(),
    };
    Wrote {
        written: Vec::new(),
        failed: Some(failed),
    }
}

impl Running {
    fn touched(&mut self, touched: Touched) {
        self.overview.is_stale = true;
        let now = Instant::now();
        if touched.all {
            self.look_at_all(now);
        }
        for name in touched.applications {
            self.queue.look(name, now);
        }
    }

    fn look_at_all(&mut self, now: Instant) {
        for (name, _) in self.feed.world().applications() {
            self.queue.look(name.clone(), now);
        }
    }

    fn told(&mut self, told: Told) {
        let application = match told {
            Told::Outlined(outlined) => self.outlines.take(outlined),
            Told::Ran {
                application,
                key,
                came,
            } => {
                self.runs.finished(&application, &key, came);
                Some(application)
            }
            Told::Sick {
                application,
                key,
                sickness,
            } => self
                .runs
                .sick(&application, &key, sickness)
                .then_some(application),
        };
        if let Some(name) = application {
            self.queue.look(name, Instant::now());
        }
    }

    fn wrote(&mut self, id: &Id, wrote: Wrote) {
        let Some(application) = self.writing.remove(id) else {
            return;
        };
        let Wrote { written, failed } = wrote;
        for one in written {
            match one {
                Written::Promotion(promotion) => self.feed.put(promotion),
                Written::Application(object) => self.feed.put(object),
                Written::Artifact(artifact) => self.feed.put(artifact),
                Written::Stage(stage) => self.feed.put(stage),
                Written::Window(window) => self.feed.put(window),
            }
        }
        let now = Instant::now();
        let Some(application) = application else {
            self.overview.is_written = false;
            self.overview.is_stale |= failed.is_some();
            return;
        };
        self.busy.remove(&application);
        self.overview.is_stale = true;
        match failed {
            None => {
                self.queue.succeeded(&application);
                self.queue.look(application, now);
            }
            // Somebody else wrote it; that comes with the feed.
            Some(error) if error.code() == model::Code::CONFLICT => self.queue.failed(application, now),
            Some(error) => {
                let code = error.code();
                tracing::warn!(%application, %code, error = %chain(&error), "not written");
                self.queue.failed(application, now);
            }
        }
    }

    fn next_due(&self) -> Instant {
        let due = self.queue.next_due(|name| !self.busy.contains(name));
        let sweep = self.swept + SWEEP;
        let looks = self.standings.next_due();
        [due, looks].into_iter().flatten().fold(sweep, Instant::min)
    }

    /// Plans what is due.
    fn attend(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.overview.is_stale = true;
            self.look_at_all(now);
        }
        self.standings.attend(self.feed.world(), &self.key);
        while let Some(name) = self.queue.take(now, |name| !self.busy.contains(name)) {
            let time = (self.clock)();
            let (writes, again) = self.decide(&name, time);
            if let Some(again) = again {
                let wait = Duration::try_from(again.duration_since(time)).unwrap_or_default();
                self.queue.look(name.clone(), now + wait.min(LONGEST));
            }
            if writes.is_empty() {
                continue;
            }
            self.busy.insert(name.clone());
            self.write(Some(name), writes);
        }
        self.look_over(now);
    }

    /// Reports of stages and freeze windows.
    fn look_over(&mut self, now: Instant) {
        let Overview {
            next,
            is_stale,
            is_written,
        } = &mut self.overview;
        if !*is_stale || *is_written || now < *next {
            return;
        }
        (*next, *is_stale) = (now + OVERVIEW, false);
        let writes = writes::overview(self.feed.world(), (self.clock)());
        if !writes.is_empty() {
            self.overview.is_written = true;
            self.write(None, writes);
        }
    }

    fn write(&mut self, application: Option<Name>, writes: Vec<Write>) {
        let writer = self.writer.clone();
        let handle = self.writes.spawn(async move {
            let (written, failed) = writer.write(writes).await;
            Wrote { written, failed }
        });
        self.writing.insert(handle.id(), application);
    }

    /// What is to be written about an application now, and when to look again.
    fn decide(&mut self, name: &Name, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
        let world = self.feed.world();
        let ended = self.runs.outcomes(world, name, now);
        if !ended.is_empty() {
            return (ended, None);
        }
        self.standings.follow(world, name);
        self.runs.follow(world, name);
        let Plan { steps, again } = delivery::plan(world, name, now);
        let mut pages = Pages::default();
        let mut writes = Vec::new();
        let mut asked = BTreeSet::new();
        for step in &steps {
            match step {
                Step::Create { promotion, because } => {
                    writes.push(Write::create(promotion, because));
                }
                Step::Hold {
                    application,
                    hold,
                    because,
                } => writes.extend(Write::hold(world, application, hold, because)),
                Step::Look { promotion, .. } => {
                    asked.insert(promotion.clone());
                    if let Some(plans) = self.outlines.of(world, promotion, step) {
                        pages.turn_to(world, promotion, |page| outlines::show(page, world, plans, now));
                    }
                }
                Step::Begin {
                    promotion, target, ..
                } => {
                    asked.insert(promotion.clone());
                    if let Target::Pair { name, .. } = target {
                        pages.turn_to(world, promotion, |page| outlines::cannot(page, name, now));
                        continue;
                    }
                    let Some(plans) = self.outlines.of(world, promotion, step) else {
                        continue;
                    };
                    pages.turn_to(world, promotion, |page| {
                        outlines::begin(page, world, plans, (step, now));
                    });
                }
                Step::Report { promotion, .. }
                | Step::Perform { promotion, .. }
                | Step::End { promotion, .. } => {
                    pages.turn_to(world, promotion, |page| delivery::report::record(page, step, now));
                }
            }
        }
        self.outlines.keep_only(name, &asked);
        writes.extend(pages.writes(&steps));
        if writes.is_empty() {
            let found = self.standings.of(world, name);
            writes = writes::statuses(world, name, &found, now);
            writes.extend(writes::forgotten(world, name, now));
        }
        (writes, again)
    }
}

/// Promotions with what is to be written into each, in the order in which they came up.
#[derive(Default)]
struct Pages {
    order: Vec<Name>,
    pages: BTreeMap<Name, (Object<Promotion>, Object<Promotion>)>,
}

impl Pages {
    fn turn_to(
        &mut self,
        world: &delivery::World,
        promotion: &Name,
        write: impl FnOnce(&mut Object<Promotion>),
    ) {
        if !self.pages.contains_key(promotion) {
            let Some(object) = world.promotion(promotion) else {
                return;
            };
            self.order.push(promotion.clone());
            self.pages
                .insert(promotion.clone(), (object.clone(), object.clone()));
        }
        if let Some((_, page)) = self.pages.get_mut(promotion) {
            write(page);
            let application = promotion.beside(&page.spec.application);
            if let Some(artifact) = world.artifact(&application, &page.spec.artifact) {
                artifact.version().clone_into(&mut page.status.version);
            }
        }
    }

    fn writes(mut self, steps: &[Step]) -> Vec<Write> {
        let mut writes = Vec::new();
        for name in self.order {
            let Some((before, after)) = self.pages.remove(&name) else {
                continue;
            };
            if before.status != after.status {
                writes.push(Write::status(before, after, steps));
            }
        }
        writes
    }
}
