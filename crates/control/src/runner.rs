//! The form of every loop: observe → plan → check → execute → report, over the objects of one kind of the hub.
//!
//! ```text
//!  objects of the kind ──watch──┐
//!  other triggers ──channel─────┼─► Queue ──due──► Loop::begin (observe; pure) ──► Work (plan, check, execute)
//!  a slow sweep ────────────────┘                                                    │
//!            Loop::finished ◄── the world as it is now, the status is reported ◄─────┘
//! ```
//!
//! One task owns everything, so nothing is locked. A trigger only says "look again": what is done follows from what is
//! there. One object is worked on once at a time, and at most so many at once; what failed waits and is tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Event, ListQuery};
use kinds::{Kind, Object};
use model::Diagnose as _;
use objects::meta;
use serde_json::Value;
use stdx::chain;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Error;
use crate::hub::{HUB_AGAIN, Hub};
use crate::queue::Queue;

/// How many objects are worked on at once. Each may speak to several clusters, which have bounds of their own.
const AT_ONCE: usize = 16;

/// Everything is looked at this often, whatever the triggers said; it finds what a lost event missed.
const SWEEP: Duration = Duration::from_secs(300);

/// The objects of a kind by name, with the namespace before it where there is one: `payments/api`.
pub type Objects<K> = BTreeMap<String, Arc<Object<K>>>;

/// What came of one look at an object.
#[derive(Debug)]
pub struct Outcome<K: Kind, C> {
    pub status: K::Status,
    /// The finalizers it is to have from now on; `None` for those it has.
    pub finalizers: Option<Vec<String>>,
    /// What the loop is told about the world.
    pub changes: C,
    /// When to look again even if nothing happens.
    pub again: Again,
}

/// When an object is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// When something changes, and with the sweep.
    Later,
    After(Duration),
    /// Something failed: after a wait that doubles.
    Failed,
}

/// A loop.
pub trait Loop {
    type Kind: Kind;
    /// What else it is told of.
    type Trigger: Send + 'static;
    /// What a look tells it about the world.
    type Changes: Send + 'static;

    /// Takes note of the objects as they are now, and says at which of them to look.
    fn changed(&mut self, objects: &Objects<Self::Kind>, name: &str) -> BTreeSet<String>;

    /// Takes note of something else, and says at which objects to look.
    fn triggered(&mut self, trigger: Self::Trigger) -> BTreeSet<String>;

    /// Observes what a look needs, and says how it goes on from there. Nothing is awaited here.
    fn begin(
        &mut self,
        object: &Arc<Object<Self::Kind>>,
    ) -> impl Future<Output = OutcomeOf<Self>> + Send + 'static;

    /// Takes note of what a look did.
    fn finished(&mut self, changes: Self::Changes);
}

/// The outcome of a look of a loop.
pub type OutcomeOf<L> = Outcome<<L as Loop>::Kind, <L as Loop>::Changes>;

/// What a look gives back to the one task: whose it was, what it did, and when to look again.
type Looked<L> = (String, <L as Loop>::Changes, Result<Again, Error>);

/// Everything that the one task owns.
struct Running<L: Loop> {
    hub: Hub,
    the_loop: L,
    objects: Objects<L::Kind>,
    queue: Queue<String>,
    at_work: BTreeMap<Id, String>,
    work: JoinSet<Looked<L>>,
    swept: Instant,
}

/// Runs a loop until it is dropped.
pub async fn run<L>(hub: Hub, the_loop: L, mut triggers: mpsc::Receiver<L::Trigger>)
where
    L: Loop,
    L::Kind: 'static,
    Object<L::Kind>: Send + Sync,
    <L::Kind as Kind>::Status: Send + Sync,
{
    let mut running = Running {
        hub: hub.clone(),
        the_loop,
        objects: BTreeMap::new(),
        queue: Queue::default(),
        at_work: BTreeMap::new(),
        work: JoinSet::new(),
        swept: Instant::now(),
    };
    let kind = hub.served::<L::Kind>().await;
    let mut watch = hub.cluster().watch(&kind, None, &ListQuery::default(), "");
    loop {
        running.start();
        let due = running.next_due();
        tokio::select! {
            event = watch.next() => match event {
                Ok(event) => running.observed(event),
                Err(error) => {
                    tracing::warn!(kind = L::Kind::NAME, error = %chain(&error), "the hub can't be watched");
                    sleep(HUB_AGAIN).await;
                }
            },
            Some(trigger) = triggers.recv() => {
                let names = running.the_loop.triggered(trigger);
                running.look(names);
            }
            Some(done) = running.work.join_next_with_id() => running.done(done),
            () = sleep_until(due) => {}
        }
    }
}

impl<L> Running<L>
where
    L: Loop,
    L::Kind: 'static,
    Object<L::Kind>: Send + Sync,
    <L::Kind as Kind>::Status: Send + Sync,
{
    /// Starts what is due, as far as there is room.
    fn start(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.swept) >= SWEEP {
            self.swept = now;
            let all = self.objects.keys().cloned().collect();
            self.look(all);
        }
        while self.at_work.len() < AT_ONCE {
            let busy: BTreeSet<&String> = self.at_work.values().collect();
            let Some(name) = self.queue.take(now, |name| !busy.contains(name)) else {
                return;
            };
            let Some(object) = self.objects.get(&name).cloned() else {
                self.queue.forget(&name);
                continue;
            };
            let looked = self.the_loop.begin(&object);
            let hub = self.hub.clone();
            let key = name.clone();
            let handle = self.work.spawn(async move {
                let Outcome {
                    status,
                    finalizers,
                    changes,
                    again,
                } = looked.await;
                let reported = report(&hub, &object, &status, finalizers).await;
                (key, changes, reported.map(|()| again))
            });
            self.at_work.insert(handle.id(), name);
        }
    }

    fn next_due(&self) -> Instant {
        let sweep = self.swept + SWEEP;
        if self.at_work.len() >= AT_ONCE {
            return sweep;
        }
        let busy: BTreeSet<&String> = self.at_work.values().collect();
        let due = self.queue.next_due(|name| !busy.contains(name));
        due.map_or(sweep, |due| due.min(sweep))
    }

    fn observed(&mut self, event: Event) {
        let names: BTreeSet<String> = match event {
            Event::Added(object) | Event::Modified(object) => self.keep(&object).into_iter().collect(),
            Event::Deleted(object) => {
                let name = named(&object);
                self.objects.remove(&name);
                self.queue.forget(&name);
                BTreeSet::from([name])
            }
            Event::Relisted(objects) => {
                let mut gone = std::mem::take(&mut self.objects);
                for object in &objects {
                    self.keep(object);
                    gone.remove(&named(object));
                }
                self.objects.keys().chain(gone.keys()).cloned().collect()
            }
        };
        for name in names {
            let further = self.the_loop.changed(&self.objects, &name);
            self.look(further);
        }
    }

    /// Keeps an object, and gives its name if there is something new to it.
    fn keep(&mut self, object: &Value) -> Option<String> {
        let name = named(object);
        match Object::<L::Kind>::read(object) {
            Ok(read) => {
                // Reporting a status is no reason to look again.
                let is_new = self.objects.get(&name).is_none_or(|old| {
                    old.metadata.generation != read.metadata.generation
                        || old.metadata.uid != read.metadata.uid
                        || old.metadata.deletion_timestamp != read.metadata.deletion_timestamp
                        || old.metadata.annotations != read.metadata.annotations
                        || old.metadata.labels != read.metadata.labels
                        || old.metadata.finalizers != read.metadata.finalizers
                });
                self.objects.insert(name.clone(), Arc::new(read));
                is_new.then_some(name)
            }
            Err(error) => {
                tracing::error!(kind = L::Kind::NAME, %name, error = %chain(&error), "an object can't be read");
                None
            }
        }
    }

    fn look(&mut self, names: BTreeSet<String>) {
        let now = Instant::now();
        for name in names.into_iter().filter(|name| self.objects.contains_key(name)) {
            self.queue.look(name, now);
        }
    }

    fn done(&mut self, done: Result<(Id, Looked<L>), JoinError>) {
        let now = Instant::now();
        match done {
            Ok((id, (name, changes, again))) => {
                self.at_work.remove(&id);
                self.the_loop.finished(changes);
                match again {
                    Ok(Again::Later) => self.queue.succeeded(&name),
                    Ok(Again::After(wait)) => {
                        self.queue.succeeded(&name);
                        self.queue.look(name, now + wait);
                    }
                    Ok(Again::Failed) => self.queue.failed(name, now),
                    Err(error) => {
                        let code = error.code();
                        tracing::warn!(kind = L::Kind::NAME, %name, %code, error = %chain(&error), "no report");
                        self.queue.failed(name, now);
                    }
                }
            }
            Err(error) => {
                let name = self.at_work.remove(&error.id());
                tracing::error!(kind = L::Kind::NAME, ?name, %error, "a look ended in a bug");
                if let Some(name) = name {
                    self.queue.failed(name, now);
                }
            }
        }
    }
}

async fn report<K: Kind>(
    hub: &Hub,
    object: &Object<K>,
    status: &K::Status,
    finalizers: Option<Vec<String>>,
) -> Result<(), Error> {
    let finalizers = finalizers.filter(|wanted| *wanted != object.metadata.finalizers);
    // Setting them is refused if the object has changed since it was read, as a report changes it. Those that are added
    // come first, which is also the safer order; when the last one goes there is nothing to report to afterwards.
    let is_longer = |wanted: &&Vec<String>| wanted.len() > object.metadata.finalizers.len();
    if let Some(longer) = finalizers.as_ref().filter(is_longer) {
        hub.set_finalizers(object, longer).await?;
    }
    hub.report(object, status).await?;
    if let Some(shorter) = finalizers.filter(|wanted| !is_longer(&wanted)) {
        hub.set_finalizers(object, &shorter).await?;
    }
    Ok(())
}

/// The name of an object in [`Objects`].
pub(crate) fn named(object: &Value) -> String {
    match meta::namespace(object) {
        "" => meta::name(object).to_owned(),
        namespace => format!("{namespace}/{}", meta::name(object)),
    }
}
