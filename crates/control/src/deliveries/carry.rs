//! One release in one cluster, as the tenant's deploy identity: planned, applied, put back.
//!
//! ```text
//! Order ──outline──► ClusterPlan                 Order ──carry──► Outcome
//!            chart, values ──► render ──► release engine: plan, hooks, objects, wait
//! ```
//!
//! Everything may be killed and done again: what was done already is recognised by what the release's history says, and what
//! was interrupted is gone on with. A cluster that does not answer is tried again until the stage's timeout is over.

use std::sync::Arc;
use std::time::Duration;

use chart::functions::Host;
use cluster::Cluster;
use cluster::rendering::{Made, Template, render};
use cluster::run::{self, Operation, Options, Progress, Release, Standing, Wanted, Watching, sickness};
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
    /// What may be deleted unasked; everything if that was decided already.
    pub(super) brake: Option<Brake>,
}

/// What a release is to become.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// An artifact.
    Version(Box<Subject>),
    /// What a revision of the release was; the artifact, rendered anew, if the revision is kept no longer.
    Revision(u32, Box<Subject>),
    /// Nothing is to be left.
    Nothing,
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
        let (release, wanted) = self.wanted(&deployer, order, Watching::nobody()).await?;
        let Some(wanted) = wanted else {
            return Err(Error::Mistake {
                problem: "nothing is to be deployed".to_owned(),
                cure: "promote a version".to_owned(),
            });
        };
        let plan = release.outline(&wanted).await.map_err(of_run)?;
        let [creates, changes, _, deletes] = plan
            .counts()
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let mut text = wanted.record.manifest.clone();
        for hook in &wanted.record.hooks {
            text.push_str(&hook.manifest);
        }
        Ok(ClusterPlan {
            cluster: order.cluster.clone(),
            manifest: Digest::of(text.as_bytes()).to_string(),
            creates,
            changes,
            deletes,
            objects: u32::try_from(plan.had).unwrap_or(u32::MAX),
        })
    }

    /// Carries an order out, to its end or until `stop` says so. `sick` is told when what was applied fails already.
    pub(super) async fn carry(
        &self,
        order: &Order,
        stop: impl Future<Output = ()>,
        sick: impl Fn(String),
    ) -> Option<Came> {
        let give_up = Instant::now() + order.timeout;
        let mut stop = std::pin::pin!(stop);
        let mut wait = AWAY.0;
        loop {
            let tried = tokio::select! {
                biased;
                () = &mut stop => None,
                tried = self.attempt(order, &sick) => Some(tried),
            };
            let failure = match tried {
                None => {
                    let _ = tokio::time::timeout(LET_GO, self.let_go(order)).await;
                    return None;
                }
                Some(Ok(came)) => return Some(came),
                Some(Err(Failed::Stays(why))) => why,
                Some(Err(Failed::Away(why))) if Instant::now() + wait >= give_up => why,
                Some(Err(Failed::Away(why))) => {
                    tracing::warn!(cluster = %order.cluster, release = %order.release, %why, "tried again");
                    tokio::select! {
                        biased;
                        () = &mut stop => return None,
                        () = sleep(wait) => {}
                    }
                    wait = (wait * 2).min(AWAY.1);
                    continue;
                }
            };
            return Some(Came {
                failure: Some(failure.chars().take(MESSAGE).collect()),
                ..Came::default()
            });
        }
    }

    /// How the release of an order stands; `None` while somebody is at work on it or nothing is deployed.
    pub(super) async fn standing(&self, order: &Order) -> Result<Option<(Release, Standing)>, Error> {
        let deployer = self.deployer(order)?;
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(&deployer, place, self.options(order), Watching::nobody());
        let release = release.await.map_err(of_run)?;
        let standing = release.standing().await.map_err(of_run)?;
        Ok(standing.map(|standing| (release, standing)))
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

    /// The release as it is, and what it is to become; `None` if it is to be uninstalled.
    async fn wanted(
        &self,
        deployer: &Cluster,
        order: &Order,
        watching: Watching,
    ) -> Result<(Release, Option<Wanted>), Error> {
        let place = (order.namespace.as_str(), order.release.as_str());
        let release = Release::open(deployer, place, self.options(order), watching);
        let mut release = release.await.map_err(of_run)?;
        release.until_free().await.map_err(of_run)?;
        let subject = match &order.goal {
            Goal::Nothing => return Ok((release, None)),
            Goal::Revision(revision, subject) => match release.wanted_back(Some(*revision)) {
                Ok(wanted) => return Ok((release, Some(self.noted(order, wanted)))),
                Err(_) => subject,
            },
            Goal::Version(subject) => subject,
        };
        let is_first = release.is_gone() || release.is_unborn();
        let made = self.made(deployer, order, subject, !is_first).await?;
        let operation = match is_first {
            true => Operation::Install,
            false => Operation::Upgrade,
        };
        let mut wanted = release.wanted(operation, made.contents).map_err(of_run)?;
        wanted.crds = made.crds;
        Ok((release, Some(self.noted(order, wanted))))
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

    async fn attempt(&self, order: &Order, sick: &impl Fn(String)) -> Result<Came, Failed> {
        let deployer = self.deployer(order)?;
        let (waiting, waited) = watch::channel(Vec::new());
        let deleted = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = Arc::clone(&deleted);
        let watching = Watching::new(move |progress| match progress {
            Progress::Waiting(objects) => drop(waiting.send(objects)),
            Progress::Changed { what: "deleted", .. } => {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            _ => {}
        });
        let (mut release, wanted) = self.wanted(&deployer, order, watching).await?;
        if let Some(revision) = self.is_done(order, &release) {
            release.tidy().await.map_err(of_run)?;
            return Ok(Came {
                revision,
                ..Came::default()
            });
        }
        let revision = match wanted {
            None => {
                if !release.is_gone() {
                    release.uninstall(false).await.map_err(of_run)?;
                }
                None
            }
            Some(wanted) => {
                let record = tokio::select! {
                    record = release.deploy(wanted) => record.map_err(of_run)?,
                    never = tell_sick(&deployer, waited, sick) => match never {},
                };
                Some(record.revision.get())
            }
        };
        Ok(Came {
            revision,
            deleted: deleted.load(std::sync::atomic::Ordering::Relaxed),
            failure: None,
        })
    }

    /// Whether the release is what was wanted already, made by this very order before it was killed.
    fn is_done(&self, order: &Order, release: &Release) -> Option<Option<u32>> {
        if matches!(order.goal, Goal::Nothing) {
            return release.is_gone().then_some(None);
        }
        let last = release.history().last()?;
        let is_ours = last.info.status == Status::Deployed && last.info.description == order.note;
        is_ours.then(|| Some(last.revision.get()))
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
            history_max: HISTORY,
            ..Options::new(format!("{} {}", self.process, order.note), self.clock)
        }
    }
}

/// Tells when containers of what is waited for do not come up; never returns.
async fn tell_sick(
    deployer: &Cluster,
    waited: watch::Receiver<Vec<(Key, String)>>,
    sick: &impl Fn(String),
) -> std::convert::Infallible {
    loop {
        sleep(SICK).await;
        let objects = waited.borrow().clone();
        if let Some(why) = sickness(deployer, &objects).await {
            sick(why);
        }
    }
}

fn ending() -> Error {
    Error::Mistake {
        problem: "the controller is ending".to_owned(),
        cure: "start it again".to_owned(),
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
