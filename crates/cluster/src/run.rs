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
mod error;
mod hold;
mod hooks;
mod options;
mod preview;
mod reason;
mod shown;
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
use objects::{Key, Kind};
use release::history::Vacancy;
use release::journal::{Journal, Step};
use release::record::Contents;
use release::{ApplyMethod, History, Plan, Record, Refused, Request, Status};
use serde_json::{Value, json};
use tokio::time::Instant;

pub use error::Error;
pub use options::{Interrupted, OnFailure, Options, WhenHeld};
pub use preview::Preview;
pub use reason::Symptom;
pub use shown::Shown;
pub use stored::Releases;
pub use wait::Unready;
pub use watching::{Progress, Watching};

use crate::{At, Cluster, Resource, Why};
use hold::Held;
use hooks::When;
use stored::Stored;
use turn::Turn;
use wait::Until;

/// What Helm's tools are to take our records for. They would otherwise send their objects as server-side apply of their
/// own, and meet our fields as conflicts; as client-side apply they take over what they change.
const METHOD: ApplyMethod = ApplyMethod::ClientSide;

/// How the description of an interrupted revision begins.
const INTERRUPTED: &str = "Interrupted while";

/// What everything that is done for one operation shares.
pub(crate) struct Work<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) watching: &'a Watching,
    pub(crate) now: fn() -> Timestamp,
    /// Whether the logs of all hooks are told.
    pub(crate) logs: bool,
    /// When waiting ends.
    pub(crate) deadline: Instant,
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
        let mut record = match (operation, self.history.last()) {
            (Operation::Upgrade, Some(last)) => last.upgrade(revision, contents, now),
            _ => Record::install(&self.name, &self.namespace, revision, contents, now),
        };
        record.apply_method = METHOD;
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
        let mut record = last.rollback(self.history.next_revision()?, target, (self.options.now)());
        record.apply_method = METHOD;
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
        let planned = self.plan(&wanted).await?;
        if let Some(brake) = self.options.brake {
            brake.check(&self.name, &planned.plan)?;
        }
        // A repair may have taken the number.
        wanted.record.revision = self.history.next_revision()?;
        let (cluster, options, watching) =
            (self.cluster.clone(), self.options.clone(), self.watching.clone());
        let work = Work {
            cluster: &cluster,
            watching: &watching,
            now: options.now,
            logs: options.logs,
            deadline: Instant::now() + options.timeout,
        };
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
        match perform(&work, &options, &mut held, &mut wanted, &planned).await {
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
        let work = Work {
            cluster: &self.cluster,
            watching: &self.watching,
            now: self.options.now,
            logs: self.options.logs,
            deadline: Instant::now() + self.options.timeout,
        };
        let mut outcome = Ok(());
        for place in hooks::order(&record, HookEvent::Test) {
            if chosen(&record.hooks[place].name) {
                outcome = hooks::once(&work, &mut record, place, HookEvent::Test).await;
            }
            if outcome.is_err() {
                break;
            }
        }
        stored
            .update(&self.cluster, &record, (self.options.now)())
            .await?;
        outcome.map(|()| record)
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

    /// Sees what became of the last operation: waits for one that goes on, repairs one that was interrupted.
    ///
    /// With the target of the interrupted one wanted again, gives its record and step to go on from.
    async fn settle(&mut self, wanted: Option<&Wanted>) -> Result<Option<(Stored, Step)>, Error> {
        match self.turn().await? {
            Turn::Free => Ok(None),
            Turn::Abandoned(journal) => self.repair(wanted, journal).await,
        }
    }

    /// Repairs what was left by a run that is no more.
    async fn repair(
        &mut self,
        wanted: Option<&Wanted>,
        journal: Option<Journal>,
    ) -> Result<Option<(Stored, Step)>, Error> {
        let Some(last) = self.revisions.last().cloned() else {
            return Ok(None);
        };
        if last.record.info.status == Status::Uninstalling {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(Error::Uninstalling {
                    release: self.name.clone(),
                }),
            };
        }
        let resumes = self.options.interrupted == Interrupted::Resume;
        if let (Some(journal), Some(wanted), true) = (journal, wanted, resumes)
            && is_same(&last.record, &wanted.record)
            && last.record.info.status == wanted.operation.pending()
        {
            let note = format!(
                "revision {} was interrupted; going on with it",
                last.record.revision
            );
            self.watching.tell(Progress::Note(note));
            return Ok(Some((last, journal.step)));
        }
        let note = format!(
            "revision {} was interrupted; it counts as failed",
            last.record.revision
        );
        self.watching.tell(Progress::Note(note));
        let mut record = last.record.clone();
        record.info.description = format!("{INTERRUPTED} {}", record.info.status);
        record.info.status = Status::Failed;
        last.update(&self.cluster, &record, (self.options.now)()).await?;
        self.reload().await?;
        if self.options.interrupted == Interrupted::RollBack
            && wanted.is_some()
            && let Some(deployed) = self.history.deployed().map(|record| record.revision)
        {
            self.roll_back(deployed).await?;
            self.reload().await?;
        }
        Ok(None)
    }

    /// Whether the operation fits what there is, as Helm has it.
    fn check_name(&self, wanted: &Wanted, is_resumed: bool) -> Result<(), Error> {
        match (wanted.operation, self.history.vacancy()) {
            _ if is_resumed => Ok(()),
            (Operation::Install, Vacancy::Free) => Ok(()),
            (Operation::Install, Vacancy::Over(last)) if self.is_replaced(last) => Ok(()),
            (Operation::Install, Vacancy::Over(last) | Vacancy::Taken(last)) => Err(Error::NameInUse {
                release: self.name.clone(),
                status: last.info.status,
            }),
            (Operation::Upgrade | Operation::Rollback, Vacancy::Free) => Err(self.none()),
            (Operation::Upgrade, _) => Ok(self.history.current().map(drop)?),
            (Operation::Rollback, _) => Ok(()),
        }
    }

    /// Whether an install may take the name of one that is over: when it is asked to, or when it is over because it was
    /// interrupted before it ever served.
    fn is_replaced(&self, last: &Record) -> bool {
        let was_interrupted =
            last.info.description.starts_with(INTERRUPTED) && self.history.successful().is_none();
        self.options.replace || was_interrupted
    }

    fn none(&self) -> Error {
        Error::NoRelease {
            release: self.name.clone(),
            namespace: self.namespace.clone(),
        }
    }

    /// Reads everything that a plan needs, and plans.
    async fn plan(&self, wanted: &Wanted) -> Result<Planned, Error> {
        let Inventory { previous, stray } = self.inventory()?;
        let objects = manifest::read(&wanted.record.manifest)?;
        let refused = |refusals| Refused {
            operation: wanted.operation.word(),
            release: self.name.clone(),
            refusals,
        };
        let all = objects.iter().chain(&previous).chain(&stray);
        let mut served = survey::served(&self.cluster, all).await?;
        served.expect(&wanted.crds);
        served.expect(&objects);
        let objects = served.place(objects, &self.namespace).map_err(refused)?;
        // What the cluster no longer serves is not there any more.
        let still = |objects: Vec<Object>| -> Vec<Object> {
            let served_still = objects
                .into_iter()
                .filter(|object| served.scope(object).is_some());
            served
                .place(served_still.collect(), &self.namespace)
                .unwrap_or_default()
        };
        let (previous, stray) = (still(previous), still(stray));
        let all: Vec<&Object> = objects.iter().chain(&previous).chain(&stray).collect();
        let mut namespaces: Vec<&str> = objects
            .iter()
            .map(|object| object.key.namespace.as_ref())
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        namespaces.retain(|namespace| !namespace.is_empty());
        let live = survey::live(&self.cluster, &all, &namespaces).await?;
        let request = Request {
            owner: release::Owner {
                release: &self.name,
                namespace: &self.namespace,
            },
            wanted: objects,
            previous: &previous,
            stray: &stray,
            take_ownership: self.options.take_ownership,
        };
        let plan = release::plan(request, &live).map_err(refused)?;
        Ok(Planned {
            plan,
            live: live.objects,
        })
    }

    /// What the release may have in the cluster: the deployed revision's objects, and those of whatever came after it.
    fn inventory(&self) -> Result<Inventory, Error> {
        let deployed = self.history.deployed().map(|record| record.revision);
        let mut inventory = Inventory::default();
        for record in self.history.records() {
            let objects = if Some(record.revision) == deployed {
                &mut inventory.previous
            } else if Some(record.revision) > deployed && record.info.status != Status::Uninstalled {
                &mut inventory.stray
            } else {
                continue;
            };
            objects.extend(manifest::read(&record.manifest)?);
        }
        Ok(inventory)
    }

    async fn create_namespace(&self) -> Result<(), Error> {
        let resource = kind(&self.cluster, "v1", "Namespace").await?;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": self.namespace, "labels": {"name": self.namespace}}});
        match self
            .cluster
            .create(resource.at("", ""), &namespace, stored::how())
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.is(&Why::Exists) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The last writes: the new revision serves, the old ones are superseded, and the oldest go.
    ///
    /// In this order, so that whoever is killed here leaves two deployed revisions, of which the newer counts, and never
    /// none.
    async fn finish(&mut self, held: Held<'_>, wanted: Wanted) -> Result<Record, Error> {
        let Wanted {
            operation,
            mut record,
            description,
            crds: _,
        } = wanted;
        record.deployed(description.as_deref());
        held.finish(&record).await?;
        // It serves by now: what is left to do does not make it fail, and is done by the next operation if it can't be now.
        if let Err(error) = self.put_aside(operation, &record).await {
            self.watching.tell(Progress::Note(format!(
                "older revisions could not be put aside: {error}"
            )));
        }
        Ok(record)
    }

    /// Supersedes the revisions that served before, and deletes the oldest.
    async fn put_aside(&self, operation: Operation, record: &Record) -> Result<(), Error> {
        let now = (self.options.now)();
        for old in &self.revisions {
            if let Some(over) = self.given_up(&old.record, operation, record.revision) {
                old.update(&self.cluster, &over, now).await?;
            }
        }
        // The new one counts as deployed by now, so an old one may go that was.
        let surplus: Vec<Revision> = self
            .history
            .surplus(self.options.history_max)
            .iter()
            .map(|old| old.revision)
            .collect();
        for old in self
            .revisions
            .iter()
            .filter(|old| surplus.contains(&old.record.revision))
        {
            old.delete(&self.cluster).await?;
        }
        Ok(())
    }

    /// What an earlier revision becomes now that a newer one serves; `None` if it stays as it is. An upgrade supersedes
    /// what it started from even if that had failed, and an install what it took the name of, as Helm's do: helm would
    /// otherwise take the release for one that is over.
    fn given_up(&self, old: &Record, operation: Operation, newest: Revision) -> Option<Record> {
        if old.revision >= newest {
            return None;
        }
        let is_last = !self
            .history
            .records()
            .iter()
            .any(|record| old.revision < record.revision && record.revision < newest);
        let mut over = old.clone();
        match (operation, old.info.status) {
            (_, Status::Deployed) => over.superseded(),
            (Operation::Install, Status::Failed | Status::Uninstalled) if is_last => over.replaced(),
            (Operation::Upgrade, Status::Failed) if is_last && self.history.deployed().is_none() => {
                over.superseded();
            }
            _ => return None,
        }
        Some(over)
    }

    /// Records a failure and does what the policy says.
    async fn fail(&mut self, held: Held<'_>, wanted: Wanted, error: Error) -> Error {
        if error.is_lost() {
            return error;
        }
        let Wanted {
            operation,
            mut record,
            ..
        } = wanted;
        let error = error.explained(&self.cluster).await;
        record.failed(&error.line());
        if let Err(unrecorded) = held.finish(&record).await {
            return Error::Unrecorded {
                error: Box::new(error),
                unrecorded: Box::new(unrecorded),
            };
        }
        if self.options.on_failure == OnFailure::Leave {
            return error;
        }
        let back = self.go_back(operation).await;
        Error::WentBack {
            error: Box::new(error),
            outcome: back.map_err(Box::new),
        }
    }

    /// Puts everything back to the revision that served, or removes what was never installed.
    async fn go_back(&mut self, operation: Operation) -> Result<String, Error> {
        self.reload().await?;
        self.options.on_failure = OnFailure::Leave;
        // What is put back was there before: there is nothing to be asked.
        self.options.brake = None;
        self.options.force_conflicts = true;
        let deployed = self.history.deployed().map(|record| record.revision);
        match (operation, deployed) {
            (Operation::Rollback, _) => Ok("a rollback is not rolled back".to_owned()),
            (_, Some(revision)) => {
                self.roll_back(revision).await?;
                Ok(format!("it is back at what revision {revision} was"))
            }
            (_, None) => {
                self.uninstall(false).await?;
                Ok("it is uninstalled".to_owned())
            }
        }
    }

    async fn roll_back(&mut self, to: Revision) -> Result<(), Error> {
        let wanted = self.wanted_back(Some(to.get()))?;
        // It calls itself, and that once: a rollback is not rolled back, and the release is settled by now.
        Box::pin(self.deploy(wanted)).await?;
        Ok(())
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
    options: &Options,
    held: &mut Held<'_>,
    wanted: &mut Wanted,
    planned: &Planned,
) -> Result<(), Error> {
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
        held.during(objects(work, options, (planned, known))).await?;
    }
    if options.hooks {
        hooks::run(work, held, &mut wanted.record, (after, When::After)).await?;
    }
    Ok(())
}

/// Applies, prunes and waits. Done again after a kill, it comes to the same.
async fn objects(
    work: &Work<'_>,
    options: &Options,
    (planned, known): (&Planned, Option<&HashMap<Key, Value>>),
) -> Result<(), Error> {
    let Planned { plan, live } = planned;
    let applied = apply::apply(work, &plan.apply, known, options.force_conflicts).await?;
    apply::prune(work, &plan.prune, live).await?;
    match options.wait {
        Some(soak) => {
            let until = Until::Healthy {
                jobs: options.wait_for_jobs,
                soak,
            };
            wait::wait(work, applied, until).await
        }
        None => Ok(()),
    }
}

/// Whether two records want the same of the cluster.
fn is_same(one: &Record, other: &Record) -> bool {
    let hooks =
        |record: &Record| -> Vec<String> { record.hooks.iter().map(|hook| hook.manifest.clone()).collect() };
    one.manifest == other.manifest && one.config == other.config && hooks(one) == hooks(other)
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

async fn kind(cluster: &Cluster, api_version: &str, kind: &str) -> Result<Resource, Error> {
    let found = cluster.resource(api_version, kind).await?;
    found.ok_or_else(|| Error::KindGone {
        key: Key::new(Kind::new("", kind.to_owned()), "", ""),
    })
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
