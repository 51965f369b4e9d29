//! One release in one cluster, as the tenant's deploy identity: planned, applied, put back.
//!
//! ```text
//! Order ──outline──► ClusterPlan                 Order ──carry──► Outcome
//!            chart, values ──► render ──► release engine: plan, hooks, objects, wait
//! ```
//!
//! Everything may be killed and done again: what was done already is recognised by what the release's history says, and what
//! was interrupted is gone on with. A cluster that does not answer is tried again until the stage's timeout is over.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use chart::functions::Host;
use cluster::Cluster;
use cluster::rendering::{Made, Template, render};
use cluster::run::{
    self, Operation, Options, Progress, Release, Sickness, Standing, Wanted, Watching, sickness,
};
use jiff::Timestamp;
use kinds::ClusterPlan;
use model::diagnose::Next;
use model::{Diagnose as _, Digest, Namespace, ReleaseName};
use objects::Key;
use release::values::Chosen;
use release::{Brake, Status};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::past::Past;
use super::secret::Secret;
use super::shelf::{Shelf, Subject};
use crate::clusters::AllKnown;
use crate::error::Error;

/// How many revisions of a release are kept, as helm keeps them.
const HISTORY: usize = 10;

/// The wait before a cluster that did not answer is tried again: the first, and the longest.
const AWAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How often is looked whether what is waited for can still become ready.
const SICK: Duration = Duration::from_secs(3);

/// How long letting go of a release may take that was stopped. Its hold ends by itself soon after.
const LET_GO: Duration = Duration::from_secs(10);

/// What to do about a promotion that is not any more what it was.
pub(super) const AGAIN: &str = "promote it again, so that what it does now is looked at";

/// The longest message about a failure that a status gets, in characters: a screen of it.
const MESSAGE: usize = 4096;

/// What is to become of a release in one cluster.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) cluster: String,
    /// The tenant, whose deploy identity acts.
    pub(super) tenant: String,
    pub(super) namespace: Namespace,
    pub(super) release: ReleaseName,
    pub(super) goal: Goal,
    /// What the history says of it: which promotion, and which turn.
    pub(super) note: String,
    /// The time that charts are told.
    pub(super) at: Timestamp,
    /// What random bytes of charts follow from.
    pub(super) secret: Digest,
    pub(super) timeout: Duration,
    pub(super) soak: Duration,
    /// Whether fields that others changed are taken back.
    pub(super) takes_fields: bool,
    /// What may be deleted. What goes back deletes what was made since, but for what takes along what is in it.
    pub(super) brake: Option<Brake>,
    pub(super) agreed: Agreed,
}

/// What was agreed to, by people or because nobody has to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Agreed {
    Anything,
    /// This, and nothing else.
    To(ClusterPlan),
    /// Not what it would be now, and why.
    Not(String),
}

/// What a release is to become.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// An artifact.
    Version(Box<Subject>),
    /// What the release was; if its history has that no longer, the artifact rendered anew, or why it may not be.
    Past(Past, Result<Box<Subject>, String>),
    /// What the release was before it was known here; if it was not, nothing is to be left.
    Before(Past),
}

/// What an order comes to in the release that is there.
enum Wish {
    /// This, and what is to be said of it.
    Become(Box<Wanted>, String),
    BeGone,
}

/// What all orders are carried out with. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) shelf: Shelf,
    pub(super) known: watch::Receiver<AllKnown>,
    /// How many charts are rendered at once: each takes all the CPU it gets.
    pub(super) room: Arc<Semaphore>,
    /// Who this replica is to others, as the engine's journal has it.
    pub(super) process: String,
    /// How that begins for every replica of this controller.
    pub(super) follows: String,
    pub(super) clock: fn() -> Timestamp,
}

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Came {
    pub(super) revision: Option<u32>,
    pub(super) deleted: u32,
    pub(super) failure: Option<String>,
    /// What was put back.
    pub(super) note: String,
}

impl Came {
    pub(super) fn failed(why: String) -> Self {
        Self {
            failure: Some(why),
            ..Self::default()
        }
    }
}

/// What an order has done so far, however often it is tried.
#[derive(Debug, Default)]
struct Done {
    deleted: AtomicU32,
    /// What stays though it is the release's no longer.
    kept: Lock<BTreeSet<String>>,
}

/// Why an order was not carried out.
#[derive(Debug)]
enum Failed {
    /// The cluster, the store or the repository does not answer: it may later.
    Away(String),
    Stays(String),
}

impl Means {
    /// Says what an order would do.
    ///
    /// # Errors
    /// Whatever is in the way; see [`Error`].
    pub(super) async fn outline(&self, order: &Order) -> Result<ClusterPlan, Error> {
        let deployer = self.deployer(order)?;
        let release = self.open(&deployer, order, Watching::nobody()).await?;
        let Wish::Become(wanted, _) = self.wish(&deployer, order, &release).await? else {
            return Err(Error::Mistake {
                problem: "nothing is to be deployed".to_owned(),
                cure: "promote a version".to_owned(),
            });
        };
        let plan = release.outline(&wanted).await.map_err(of_run)?;
        let [creates, changes, _, deletes] = plan
            .counts()
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let precious = plan.precious().map(ToString::to_string);
        Ok(ClusterPlan {
            cluster: order.cluster.clone(),
            manifest: manifest(&wanted),
            creates,
            changes,
            deletes,
            objects: u32::try_from(plan.had).unwrap_or(u32::MAX),
            precious: precious.take(ClusterPlan::MOST_NAMED).collect(),
        })
    }

    /// Whether there are records of an order's release: where there are none, it deletes nothing.
    ///
    /// # Errors
    /// The cluster can't be read.
    pub(super) async fn is_known(&self, order: &Order) -> Result<bool, Error> {
        let deployer = self.deployer(order)?;
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(&deployer, place, self.options(order), Watching::nobody());
        Ok(release.await.map_err(of_run)?.history().last().is_some())
    }

    /// Carries an order out, to its end or until `stop` says so. `sick` is told when what was applied fails already, and
    /// when it no longer does.
    pub(super) async fn carry(
        &self,
        order: &Order,
        stop: impl Future<Output = ()>,
        sick: impl Fn(Sickness),
    ) -> Option<Came> {
        let give_up = Instant::now() + order.timeout;
        let mut stop = std::pin::pin!(stop);
        let mut wait = AWAY.0;
        let done = Arc::new(Done::default());
        loop {
            let tried = tokio::select! {
                biased;
                () = &mut stop => None,
                tried = self.attempt(order, &done, &sick) => Some(tried),
            };
            let failure = match tried {
                None => {
                    let _ = tokio::time::timeout(LET_GO, self.let_go(order)).await;
                    return None;
                }
                Some(Ok(came)) => return Some(came),
                Some(Err(Failed::Stays(why))) => why,
                Some(Err(Failed::Away(why))) if Instant::now() + wait >= give_up => {
                    // Or what puts it back would wait for a hold of nobody.
                    let _ = tokio::time::timeout(LET_GO, self.let_go(order)).await;
                    why
                }
                Some(Err(Failed::Away(why))) => {
                    tracing::warn!(cluster = %order.cluster, release = %order.release, %why, "tried again");
                    tokio::select! {
                        biased;
                        () = &mut stop => return None,
                        () = async {
                            // The next try would take the hold of this one for somebody else's.
                            let _ = tokio::time::timeout(LET_GO, self.let_go(order)).await;
                            sleep(wait).await;
                        } => {}
                    }
                    wait = (wait * 2).min(AWAY.1);
                    continue;
                }
            };
            return Some(Came {
                failure: Some(failure.chars().take(MESSAGE).collect()),
                deleted: done.deleted.load(Ordering::Relaxed),
                ..Came::default()
            });
        }
    }

    /// How the release of an order stands.
    pub(super) async fn standing(&self, order: &Order) -> Result<(Release, Standing), Error> {
        let deployer = self.deployer(order)?;
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(&deployer, place, self.options(order), Watching::nobody());
        let release = release.await.map_err(of_run)?;
        let standing = release.standing().await.map_err(of_run)?;
        Ok((release, standing))
    }

    /// Whoever deploys for the tenant.
    fn deployer(&self, order: &Order) -> Result<Cluster, Error> {
        let known = self.known.borrow().get(&order.cluster).cloned();
        let (way, problem) = match known {
            Some(known) => (known.way, known.problem),
            None => (None, "there is no such Cluster".to_owned()),
        };
        let (_, cluster) = way.ok_or_else(|| Error::NoWay {
            problem: format!("there is no way to the cluster {}: {problem}", order.cluster),
            cure: format!("kubectl describe cluster {}", order.cluster),
        })?;
        Ok(cluster.impersonating(cluster::Impersonate {
            user: tenancy::names::deploy_identity(&order.tenant),
            ..cluster::Impersonate::default()
        }))
    }

    /// The release as it is when nobody else is at work on it.
    async fn open(&self, deployer: &Cluster, order: &Order, watching: Watching) -> Result<Release, Error> {
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(deployer, place, self.options(order), watching);
        let mut release = release.await.map_err(of_run)?;
        release.until_free().await.map_err(of_run)?;
        Ok(release)
    }

    /// What a release is to become.
    async fn wish(&self, deployer: &Cluster, order: &Order, release: &Release) -> Result<Wish, Error> {
        let (subject, past) = match &order.goal {
            Goal::Before(past) | Goal::Past(past, _) if let Some(found) = past.find(release.history()) => {
                let wanted = release.wanted_back(Some(found.get())).map_err(of_run)?;
                let note = match order.goal {
                    Goal::Before(_) => format!("revision {found} is back, which was there before"),
                    _ => format!("revision {found} is back"),
                };
                return Ok(Wish::Become(Box::new(self.noted(order, wanted)), note));
            }
            Goal::Before(_) => return Ok(Wish::BeGone),
            Goal::Past(past, Ok(subject)) => (subject, Some(past)),
            Goal::Past(_, Err(why)) => {
                return Err(Error::Mistake {
                    problem: why.clone(),
                    cure: "`shipway explain` shows what is there".to_owned(),
                });
            }
            Goal::Version(subject) => (subject, None),
        };
        let is_first = release.is_gone() || release.is_unborn();
        let made = self.made(deployer, order, subject, !is_first).await?;
        let operation = match is_first {
            true => Operation::Install,
            false => Operation::Upgrade,
        };
        let mut wanted = release.wanted(operation, made.contents).map_err(of_run)?;
        wanted.crds = made.crds;
        let note = past.map(|_| {
            format!(
                "{} was rendered anew, for the history has it not",
                subject.artifact.metadata.name
            )
        });
        Ok(Wish::Become(
            Box::new(self.noted(order, wanted)),
            note.unwrap_or_default(),
        ))
    }

    fn noted(&self, order: &Order, mut wanted: Wanted) -> Wanted {
        wanted.description = Some(order.note.clone());
        wanted
    }

    async fn made(
        &self,
        deployer: &Cluster,
        order: &Order,
        subject: &Subject,
        is_upgrade: bool,
    ) -> Result<Made, Error> {
        let (chart, values) = self.shelf.take(subject).await?;
        // A cluster that does not answer is found out here, before it keeps a place that others wait for.
        deployer.version().await?;
        let Ok(_room) = self.room.acquire().await else {
            return Err(ending());
        };
        let (deployer, order) = (deployer.clone(), order.clone());
        let runtime = Handle::current();
        let work = tokio::task::spawn_blocking(move || {
            let now = i64::try_from(order.at.as_nanosecond()).unwrap_or_default();
            let host = Host::new(now, Box::new(Secret::of(order.secret)));
            let template = Template {
                chart: &chart,
                values: Chosen::from(values),
                name: &order.release,
                namespace: &order.namespace,
                revision: model::Revision::FIRST,
                is_upgrade,
                skip_crds: false,
                skip_schema_validation: false,
                subchart_notes: false,
                is_traced: false,
            };
            render(&deployer, runtime, host, template).map_err(Box::new)
        });
        match work.await {
            Ok(made) => made.map_err(Error::Rendering),
            Err(error) => Err(Error::Mistake {
                problem: format!("rendering ended in a bug: {error}"),
                cure: "report it with the chart".to_owned(),
            }),
        }
    }

    async fn attempt(
        &self,
        order: &Order,
        done: &Arc<Done>,
        sick: &impl Fn(Sickness),
    ) -> Result<Came, Failed> {
        let deployer = self.deployer(order)?;
        let (waiting, waited) = watch::channel(None);
        let told = Arc::clone(done);
        let watching = Watching::new(move |progress| match progress {
            Progress::Waiting(objects) => drop(waiting.send(Some(objects))),
            Progress::Changed { key, what } => told.take_note(&key, what),
            _ => {}
        });
        let mut release = self.open(&deployer, order, watching).await?;
        let planned = match &order.agreed {
            Agreed::To(plan) => plan.deletes,
            Agreed::Anything | Agreed::Not(_) => 0,
        };
        if let Some(revision) = is_done(order, &release) {
            release.tidy().await.map_err(of_run)?;
            return Ok(Came {
                revision,
                deleted: planned,
                ..Came::default()
            });
        }
        let (revision, note) = match self.wish(&deployer, order, &release).await? {
            Wish::BeGone => {
                if !release.is_gone() {
                    release.uninstall(false).await.map_err(of_run)?;
                }
                (None, "nothing was there before, so it was uninstalled".to_owned())
            }
            Wish::Become(wanted, note) => {
                is_agreed(&order.cluster, &order.agreed, &wanted).map_err(Failed::Stays)?;
                let record = tokio::select! {
                    record = release.deploy(*wanted) => record.map_err(of_deploy)?,
                    never = tell_sick(&deployer, waited, sick) => match never {},
                };
                (Some(record.revision.get()), note)
            }
        };
        Ok(Came {
            revision,
            // Some may have been deleted before this was killed and begun again.
            deleted: done.deleted.load(Ordering::Relaxed).max(planned),
            failure: None,
            note: done.noted(note),
        })
    }

    async fn let_go(&self, order: &Order) -> Result<(), Error> {
        let deployer = self.deployer(order)?;
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(&deployer, place, self.options(order), Watching::nobody()).await;
        release.map_err(of_run)?.let_go().await.map_err(of_run)?;
        Ok(())
    }

    fn options(&self, order: &Order) -> Options {
        Options {
            process: self.process.clone(),
            follows: self.follows.clone(),
            timeout: order.timeout,
            wait: Some(order.soak),
            wait_for_jobs: true,
            replace: true,
            force_conflicts: order.takes_fields,
            brake: order.brake,
            keeps_precious: order.brake.is_none(),
            history_max: HISTORY,
            ..Options::new(format!("{} {}", self.process, order.note), self.clock)
        }
    }
}

impl Done {
    fn take_note(&self, key: &Key, what: &str) {
        match what {
            "deleted" => drop(self.deleted.fetch_add(1, Ordering::Relaxed)),
            "kept" => drop(
                self.kept
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(key.to_string()),
            ),
            _ => {}
        }
    }

    /// What is said of something that was put back, with what was left alone.
    fn noted(&self, mut note: String) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_empty() {
            let names: Vec<&str> = kept
                .iter()
                .take(ClusterPlan::MOST_NAMED)
                .map(String::as_str)
                .collect();
            note += &format!("; left for a person to delete: {}", names.join(", "));
        }
        note
    }
}

/// What would be applied, as one digest.
fn manifest(wanted: &Wanted) -> String {
    let mut text = wanted.record.manifest.clone();
    for hook in &wanted.record.hooks {
        text.push_str(&hook.manifest);
    }
    Digest::of(text.as_bytes()).to_string()
}

/// Whether what a cluster would get is what was agreed to.
///
/// # Errors
/// What it is instead.
fn is_agreed(cluster: &str, agreed: &Agreed, wanted: &Wanted) -> Result<(), String> {
    match agreed {
        Agreed::Anything => Ok(()),
        Agreed::Not(why) => Err(why.clone()),
        Agreed::To(plan) => {
            let now = manifest(wanted);
            let problem = || {
                format!(
                    "what was agreed to for {} is {}, and it would get {now}: somebody changed what the application says of the \
                     stage, or the chart looks at something else; {AGAIN}",
                    cluster, plan.manifest
                )
            };
            if now == plan.manifest {
                Ok(())
            } else {
                Err(problem())
            }
        }
    }
}

/// Whether the release is what was wanted already, made by this very order before it was killed.
fn is_done(order: &Order, release: &Release) -> Option<Option<u32>> {
    if matches!(order.goal, Goal::Before(_)) && release.is_gone() {
        return Some(None);
    }
    let last = release.history().last()?;
    let is_ours = last.info.status == Status::Deployed && last.info.description == order.note;
    is_ours.then(|| Some(last.revision.get()))
}

/// Tells whether containers of what is waited for come up; never returns.
async fn tell_sick(
    deployer: &Cluster,
    waited: watch::Receiver<Option<Vec<(Key, String)>>>,
    sick: &impl Fn(Sickness),
) -> std::convert::Infallible {
    loop {
        sleep(SICK).await;
        let Some(objects) = waited.borrow().clone() else {
            continue;
        };
        sick(sickness(deployer, &objects).await);
    }
}

fn ending() -> Error {
    Error::Mistake {
        problem: "the controller is ending".to_owned(),
        cure: "start it again".to_owned(),
    }
}

/// What is deleted is agreed to on a promotion, and not where an operation on a release is begun.
fn of_deploy(error: run::Error) -> Failed {
    match error {
        run::Error::Braked(braked) => Failed::Stays(format!(
            "{braked}\nnobody agreed to that; {AGAIN}, and agree with `shipway approve PROMOTION --confirm-deletions`"
        )),
        error => of_run(error).into(),
    }
}

fn of_run(error: run::Error) -> Error {
    Error::Release(Box::new(error))
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let may_pass = match &error {
            Error::NoWay { .. } => true,
            // It is repaired by whoever comes next.
            Error::Release(error) if matches!(**error, run::Error::Unrecorded { .. }) => true,
            error => matches!(error.code().next, Next::Retry | Next::Wait),
        };
        match may_pass {
            true => Self::Away(error.told()),
            false => Self::Stays(error.told()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cluster_gets_what_was_agreed_to_or_nothing() {
        let wanted = |manifest: &str| Wanted {
            operation: Operation::Upgrade,
            record: serde_json::from_value(json!({"name": "web", "version": 2, "manifest": manifest}))
                .unwrap(),
            crds: Vec::new(),
            description: None,
        };
        let plan = ClusterPlan {
            cluster: "east".to_owned(),
            manifest: manifest(&wanted("greeting: hello")),
            ..ClusterPlan::default()
        };
        let check = |agreed: &Agreed, now: &str| is_agreed("east", agreed, &wanted(now));
        assert_eq!(check(&Agreed::To(plan.clone()), "greeting: hello"), Ok(()));
        assert_eq!(check(&Agreed::Anything, "greeting: evil"), Ok(()));
        let why = check(&Agreed::To(plan), "greeting: evil").unwrap_err();
        assert!(why.contains("agreed to for east") && why.contains(AGAIN), "{why}");
        assert_eq!(
            check(&Agreed::Not("changed".to_owned()), "x"),
            Err("changed".to_owned())
        );
    }

    #[test]
    fn what_stays_is_told_with_what_was_put_back() {
        let done = Done::default();
        assert_eq!(done.noted("revision 3 is back".to_owned()), "revision 3 is back");
        done.take_note(
            &Key::new(objects::Kind::PERSISTENT_VOLUME_CLAIM, "shop", "data"),
            "kept",
        );
        done.take_note(&Key::new(objects::Kind::CONFIG_MAP, "shop", "web"), "deleted");
        assert_eq!(done.deleted.load(Ordering::Relaxed), 1);
        let told = done.noted("revision 3 is back".to_owned());
        assert_eq!(
            told,
            "revision 3 is back; left for a person to delete: PersistentVolumeClaim shop/data"
        );
    }
}
