//! Performing operations on a release: the plan of the crate `release`, step by step, so that it can be killed anywhere.
//!
//! ```text
//! open ──► settle (held? interrupted?) ──► plan ──► begin ──► hooks ──► objects ──► hooks ──► finish
//!                                                     └───────── the journal ──────────┘      or fail, and go back
//! ```
//!
//! It makes no choice of its own beyond the order of requests: what to do is planned, and what a failure means is a
//! policy.

mod apply;
mod ending;
mod error;
mod hold;
mod hooks;
mod options;
mod planning;
mod preview;
mod reason;
mod settle;
mod shown;
mod sickness;
mod standing;
mod stored;
mod survey;
mod turn;
mod uninstall;
mod wait;
mod watching;

use std::collections::{BTreeMap, HashMap};

use chart::render::HookEvent;
use jiff::Timestamp;
use manifest::Object;
use model::Revision;
use objects::Key;
use release::journal::Step;
use release::record::Contents;
use release::{History, Left, Plan, Record, Status};
use serde_json::{Value, json};
use tokio::time::Instant;

pub use error::Error;
pub use options::{Interrupted, OnFailure, Options, WhenHeld};
pub use preview::{Difference, Preview};
pub use reason::Symptom;
pub use shown::Shown;
pub use sickness::{Sickness, sickness};
pub use standing::{Drifted, Standing};
pub use stored::Releases;
pub use wait::Unready;
pub use watching::{Progress, Watching};

use crate::{At, Cluster, Resource, Why};
use hold::Held;
use hooks::When;
use stored::Stored;
use wait::Until;

/// What everything that is done for one operation shares.
pub(crate) struct Work<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) options: &'a Options,
    pub(crate) watching: &'a Watching,
    /// When waiting ends.
    pub(crate) deadline: Instant,
}

impl<'a> Work<'a> {
    /// Begins now: what it waits for has from here on.
    fn new(cluster: &'a Cluster, options: &'a Options, watching: &'a Watching) -> Self {
        Self {
            cluster,
            options,
            watching,
            deadline: Instant::now() + options.timeout,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.now)()
    }
}

/// An operation that makes a new revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Install,
    Upgrade,
    Rollback,
}

/// What a release is to become.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub operation: Operation,
    /// The record as it is when the operation begins.
    pub record: Record,
    /// The objects of `crds/`.
    pub crds: Vec<Object>,
    /// What the history says of it in the end, instead of Helm's words.
    pub description: Option<String>,
}

/// One release of one cluster, as its records say.
#[derive(Debug)]
pub struct Release {
    cluster: Cluster,
    namespace: String,
    name: String,
    options: Options,
    watching: Watching,
    /// As they were read, oldest first.
    revisions: Vec<Stored>,
    history: History,
    /// Whether an operation was begun since they were read.
    is_stale: bool,
}

/// A plan with what it was made against.
struct Planned {
    plan: Plan,
    live: HashMap<Key, Value>,
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
        }
    }

    fn pending(self) -> Status {
        match self {
            Self::Install => Status::PendingInstall,
            Self::Upgrade => Status::PendingUpgrade,
            Self::Rollback => Status::PendingRollback,
        }
    }

    fn events(self) -> (HookEvent, HookEvent) {
        match self {
            Self::Install => (HookEvent::PreInstall, HookEvent::PostInstall),
            Self::Upgrade => (HookEvent::PreUpgrade, HookEvent::PostUpgrade),
            Self::Rollback => (HookEvent::PreRollback, HookEvent::PostRollback),
        }
    }
}

impl Release {
    /// Reads the records of a release.
    ///
    /// # Errors
    /// When the cluster can't be read, or a record can't.
    pub async fn open(
        cluster: &Cluster,
        (namespace, name): (&str, &str),
        options: Options,
        watching: Watching,
    ) -> Result<Self, Error> {
        let mut release = Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            options,
            watching,
            revisions: Vec::new(),
            history: History::new(name, Vec::new()),
            is_stale: false,
        };
        release.reload().await?;
        Ok(release)
    }

    /// Tells another listener from now on.
    pub fn watched_by(&mut self, watching: Watching) {
        self.watching = watching;
    }

    /// Every revision that is kept.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Whether there is no such release, or none any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let last = self.history.last();
        last.is_none_or(|last| last.info.status == Status::Uninstalled)
    }

    /// The record of a revision; of the last one with `None`.
    ///
    /// # Errors
    /// When there is no such revision.
    pub fn revision(&self, revision: Option<u32>) -> Result<&Record, Error> {
        let last = self.history.last().ok_or_else(|| self.none())?;
        match revision.filter(|revision| *revision > 0) {
            Some(_) => Ok(self.history.rollback_target(revision)?),
            None => Ok(last),
        }
    }

    /// All labels of the object that holds a revision's record.
    #[must_use]
    pub fn all_labels(&self, revision: Revision) -> BTreeMap<String, String> {
        let stored = self
            .revisions
            .iter()
            .find(|stored| stored.record.revision == revision);
        stored
            .map(|stored| release::storage::all_labels(&stored.object))
            .unwrap_or_default()
    }

    /// What is wanted when a chart is installed or the release upgraded with what it was rendered to.
    ///
    /// # Errors
    /// A release that can't have another revision.
    pub fn wanted(&self, operation: Operation, contents: Contents) -> Result<Wanted, Error> {
        let (revision, now) = (self.history.next_revision()?, (self.options.now)());
        let record = match (operation, self.history.last()) {
            (Operation::Upgrade, Some(last)) => last.upgrade(revision, contents, now),
            _ => Record::install(&self.name, &self.namespace, revision, contents, now),
        };
        Ok(Wanted {
            operation,
            record,
            crds: Vec::new(),
            description: None,
        })
    }

    /// What is wanted when the release goes back to a revision; to the one before the last with `None`.
    ///
    /// # Errors
    /// When there is no such revision.
    pub fn wanted_back(&self, to: Option<u32>) -> Result<Wanted, Error> {
        let target = self.history.rollback_target(to)?;
        let last = self.history.last().unwrap_or(target);
        let record = last.rollback(self.history.next_revision()?, target, (self.options.now)());
        Ok(Wanted {
            operation: Operation::Rollback,
            record,
            crds: Vec::new(),
            description: None,
        })
    }

    /// Installs, upgrades or rolls back.
    ///
    /// # Errors
    /// Before anything is touched: [`Error::Refused`], [`Error::Braked`], [`Error::Busy`]. After that, whatever failed; the
    /// release is then in the state that the policy [`OnFailure`] says, and the error says which.
    pub async fn deploy(&mut self, mut wanted: Wanted) -> Result<Record, Error> {
        self.refresh().await?;
        let resumed = self.settle(Some(&wanted)).await?;
        self.check_name(&wanted, resumed.is_some())?;
        let mut planned = self.plan(&wanted).await?;
        self.keep(&mut planned.plan);
        if let Some(brake) = self.options.brake {
            brake.check(&self.name, &planned.plan)?;
        }
        // A repair may have taken the number.
        wanted.record.revision = self.history.next_revision()?;
        let (cluster, options, watching) =
            (self.cluster.clone(), self.options.clone(), self.watching.clone());
        let work = Work::new(&cluster, &options, &watching);
        let mut held = match resumed {
            Some((stored, step)) => {
                wanted.record = stored.record.clone();
                Held::take(&cluster, &options, &stored, (&wanted.record, step)).await?
            }
            None => {
                if options.create_namespace {
                    self.create_namespace().await?;
                }
                let before = hooks::order(&wanted.record, wanted.operation.events().0);
                let first = match before.is_empty() || !options.hooks {
                    true => Step::Objects,
                    false => Step::Before {
                        done: 0,
                        begun: false,
                    },
                };
                Held::begin(&cluster, &options, &wanted.record, first).await?
            }
        };
        match perform(&work, &mut held, &mut wanted, &planned).await {
            Ok(()) => self.finish(held, wanted).await,
            Err(error) => Err(self.fail(held, wanted, error).await),
        }
    }

    /// Runs the release's tests: its hooks for the event `test` whose names `chosen` accepts.
    ///
    /// # Errors
    /// [`Error::Hook`] for the first that failed; the outcome is in the record.
    pub async fn test(&mut self, chosen: impl Fn(&str) -> bool) -> Result<Record, Error> {
        let stored = self.revisions.last().cloned().ok_or_else(|| self.none())?;
        let mut record = stored.record.clone();
        let work = Work::new(&self.cluster, &self.options, &self.watching);
        let mut places = hooks::order(&record, HookEvent::Test);
        places.retain(|place| chosen(&record.hooks[*place].name));
        let outcome = hooks::unheld(&work, &mut record, places, HookEvent::Test).await;
        stored
            .update(&self.cluster, &record, (self.options.now)())
            .await?;
        outcome.map(|()| record)
    }

    /// Leaves what takes along what is in it, where that is to stay.
    fn keep(&self, plan: &mut Plan) {
        if self.options.keeps_precious {
            plan.precious()
                .for_each(|key| self.watching.tell_changed(key, "kept"));
            plan.keep_precious();
        }
    }

    /// Reads the records anew if an operation may have changed them since.
    async fn refresh(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_stale, true) {
            self.reload().await?;
        }
        Ok(())
    }

    /// Reads the records anew.
    async fn reload(&mut self) -> Result<(), Error> {
        self.revisions =
            stored::of_release(&self.cluster, self.options.driver, &self.namespace, &self.name).await?;
        let records = self.revisions.iter().map(|stored| stored.record.clone());
        self.history = History::new(&self.name, records.collect());
        Ok(())
    }

    fn none(&self) -> Error {
        Error::NoRelease {
            release: self.name.clone(),
            namespace: self.namespace.clone(),
        }
    }

    /// The release's namespace as it is made where there is none, with the label that helm gives it.
    fn own_namespace(&self) -> Object {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": self.namespace, "labels": {"name": self.namespace}}});
        Object::new(namespace, "")
    }

    async fn create_namespace(&self) -> Result<(), Error> {
        let namespace = self.own_namespace();
        let resource = self
            .cluster
            .served(&namespace.api_version, &namespace.key)
            .await?;
        match self
            .cluster
            .create(resource.at("", ""), &namespace.value, stored::how())
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.is(&Why::Exists) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The objects of a release's revisions.
#[derive(Default)]
struct Inventory {
    previous: Vec<Object>,
    stray: Vec<Object>,
}

/// The steps between the first and the last write of the record.
async fn perform(
    work: &Work<'_>,
    held: &mut Held<'_>,
    wanted: &mut Wanted,
    planned: &Planned,
) -> Result<(), Error> {
    let options = work.options;
    let (before, after) = wanted.operation.events();
    let begun = held.step();
    if begun <= Step::Objects {
        held.during(apply::apply_crds(work, &wanted.crds)).await?;
    }
    if begun < Step::Objects && options.hooks {
        hooks::run(work, held, &mut wanted.record, (before, When::Before)).await?;
        held.mark(&wanted.record, Step::Objects).await?;
    }
    if begun <= Step::Objects {
        // What the plan was made against is a moment old, unless hooks came in between.
        let known = (begun == Step::Objects).then_some(&planned.live);
        let left = held.during(objects(work, planned, known)).await?;
        held.leaves(left);
    }
    if options.hooks {
        hooks::run(work, held, &mut wanted.record, (after, When::After)).await?;
    }
    Ok(())
}

/// Applies, prunes and waits, and says how it left the objects. Done again after a kill, it comes to the same.
async fn objects(
    work: &Work<'_>,
    planned: &Planned,
    known: Option<&HashMap<Key, Value>>,
) -> Result<Left, Error> {
    let Planned { plan, live } = planned;
    let options = work.options;
    let applied = apply::apply(work, &plan.apply, known, options.force_conflicts).await?;
    let left = Left::of(applied.iter().map(|one| (&one.key, &one.live)));
    apply::prune(work, &plan.prune, live).await?;
    if let Some(soak) = options.wait {
        let until = Until::Healthy {
            jobs: options.wait_for_jobs,
            soak,
        };
        wait::wait(work, applied, until).await?;
    }
    Ok(left)
}

/// Creates an object of which nothing was there before. A request whose answer was lost is looked for before it is made
/// again, so that it is never made twice.
async fn create(cluster: &Cluster, at: At<'_>, object: &Value) -> Result<Value, crate::Error> {
    // As often as any other request is tried.
    const TRIES: u32 = 7;
    let mut tried = 0;
    loop {
        tried += 1;
        match cluster.create(at, object, stored::how()).await {
            Err(error) if error.may_be_done() && !at.name.is_empty() => match cluster.get(at).await? {
                Some(there) => return Ok(there),
                None if tried < TRIES => {}
                None => return Err(error),
            },
            other => return other,
        }
    }
}

impl Cluster {
    /// The kind of an object that is served, or was a moment ago.
    ///
    /// # Errors
    /// [`Error::KindGone`], and those of asking.
    pub(crate) async fn served(&self, api_version: &str, key: &Key) -> Result<Resource, Error> {
        let found = self.resource(api_version, &key.kind.name).await?;
        found.ok_or_else(|| Error::KindGone { key: key.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    /// The loops that will run operations are tasks that may move between threads.
    #[expect(dead_code, reason = "that it compiles is the test")]
    fn operations_can_be_tasks(mut release: Release, wanted: Wanted) {
        is_send(&release.preview(&wanted));
        is_send(&release.uninstall(false));
        is_send(&release.test(|_| true));
        is_send(&release.deploy(wanted));
    }
}
