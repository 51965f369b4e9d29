//! The loop of `Verification`: the chart of a commit is verified for every stage as its cluster is now, and what passes on
//! the branch is published.
//!
//! ```text
//! Application, ChartSource, Tenant, Stages, clusters ──gather──► Request ──verify──► Report ──► status
//!                                                                                     └─ passed, of the branch ─► Publisher
//! ```
//!
//! A verdict is given once. It is `Ready` after what follows from it is done, so a controller that is killed does all of it
//! again, and to publish the same again is fine.

pub(crate) mod gather;
mod stages;
mod verdict;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use artifact::Package;
use jiff::Timestamp;
use kinds::{Application, Artifact, ChartSource, Object, Stage, Tenant, Verification, VerificationStatus};
use model::{Code, Diagnose as _};
use stdx::chain;
use tokio::sync::{Semaphore, watch};

use crate::clusters::AllKnown;
use crate::error::Error;
use crate::hub::Hub;
use crate::kept::Kept;
use crate::publisher::{Passed, Publisher};
use crate::runner::{Again, Loop, Objects, Outcome};
use crate::sites::Sites;
use crate::sources::owner;
use crate::sources::wanted::PROPOSED_BY;

use gather::{By, Files, Unfit, Whose};
use verdict::Came;

/// The wait for what is only not known yet: kinds that were not listed, a clone that was not opened.
const SOON: Duration = Duration::from_millis(200);

/// What the loop reads and uses.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) hub: Hub,
    pub(crate) sites: Sites,
    pub(crate) sources: Kept<ChartSource>,
    pub(crate) applications: Kept<Application>,
    pub(crate) tenants: Kept<Tenant>,
    pub(crate) stages: Kept<Stage>,
    pub(crate) artifacts: Kept<Artifact>,
    pub(crate) known: watch::Receiver<AllKnown>,
    pub(crate) publisher: Publisher,
    /// How many are verified at once: each takes all the CPU it gets.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) clock: fn() -> Timestamp,
}

/// The loop.
#[derive(Debug)]
pub(crate) struct Verifications {
    pub(crate) around: Around,
}

impl Loop for Verifications {
    type Kind = Verification;
    type Trigger = ();
    type Changes = ();

    fn changed(&mut self, objects: &Objects<Verification>, name: &str) -> BTreeSet<String> {
        let is_new = |object: &&Arc<Object<Verification>>| !verdict::is_done(object);
        objects
            .get(name)
            .filter(is_new)
            .map(|_| name.to_owned())
            .into_iter()
            .collect()
    }

    fn triggered(&mut self, (): ()) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn begin(
        &mut self,
        object: &Arc<Object<Verification>>,
    ) -> impl Future<Output = Outcome<Verification, ()>> + Send + 'static {
        let around = self.around.clone();
        let object = Arc::clone(object);
        async move {
            let (status, again) = match verdict::is_done(&object) {
                true => (object.status.clone(), Again::Later),
                false => attend(&around, &object).await,
            };
            Outcome {
                status,
                finalizers: None,
                changes: (),
                again,
            }
        }
    }

    fn finished(&mut self, (): ()) {}
}

/// What the hub says of an application that is verified.
struct Known {
    whose: Whose,
    source: Arc<Object<ChartSource>>,
    road: Vec<stages::OnRoad>,
}

async fn attend(around: &Around, object: &Object<Verification>) -> (VerificationStatus, Again) {
    let now = || (around.clock)();
    let known = match known(around, object) {
        Ok(Some(known)) => known,
        Ok(None) => return (object.status.clone(), Again::After(SOON)),
        Err(problem) => return (verdict::failed(object, problem, now()), Again::Later),
    };
    let at_work = verdict::at_work(object, now());
    if let Err(error) = around.hub.report(object, &at_work).await {
        return (verdict::failed(object, error.told(), now()), Again::Failed);
    }
    match verified(around, object, &known).await {
        Ok(came) => {
            let passed = came.passed();
            tracing::info!(verification = %object.metadata.name, passed, took_ms = came.took_ms, "verified");
            (verdict::done(object, &came, now()), Again::Later)
        }
        Err(error) => {
            let code = error.code();
            tracing::warn!(verification = %object.metadata.name, %code, error = %chain(&error), "not verified");
            (verdict::failed(object, error.told(), now()), Again::Failed)
        }
    }
}

/// What there is in the hub; `None` while that is not known yet.
fn known(around: &Around, object: &Object<Verification>) -> Result<Option<Known>, String> {
    let everything = (
        around.applications.now(),
        around.sources.now(),
        around.tenants.now(),
        around.stages.now(),
    );
    let (Some(applications), Some(sources), Some(tenants), Some(stages)) = everything else {
        return Ok(None);
    };
    let namespace = &object.metadata.namespace;
    let name = format!("{namespace}/{}", object.spec.application);
    let application = applications
        .get(&name)
        .ok_or_else(|| format!("there is no Application {name}; make it, or delete this"))?;
    let source = &application.spec.chart.source;
    let source = sources.get(source).ok_or_else(|| {
        format!("there is no ChartSource {source}; correct spec.chart.source of Application {name}")
    })?;
    let tenant = owner(&tenants, namespace);
    Ok(Some(Known {
        road: stages::road(&stages, application, tenant.map(AsRef::as_ref)),
        whose: Whose {
            application: Object::clone(application),
            tenant: tenant.map(|tenant| Object::clone(tenant)),
        },
        source: Arc::clone(source),
    }))
}

/// Verifies, and publishes what is to be published.
async fn verified(around: &Around, object: &Object<Verification>, known: &Known) -> Result<Came, Error> {
    let (files, by) = match files(around, object, known).await {
        Err(Error::Source(error)) if is_of_change(&error) => {
            return Ok(Came::unfit(chain(&error), error.hint().unwrap_or_default()));
        }
        files => files?,
    };
    let clusters = around.known.borrow().clone();
    let targets = gather::targets(&known.road, &known.whose, &clusters).await;
    let Ok(room) = around.room.acquire().await else {
        return Err(Error::Mistake {
            problem: "the controller is ending".to_owned(),
            cure: "start it again".to_owned(),
        });
    };
    let (whose, road, now) = (known.whose.clone(), known.road.clone(), (around.clock)());
    let work = tokio::task::spawn_blocking(move || rehearsed(&files, &road, targets, &whose, now));
    let rehearsed = work.await.unwrap_or_else(|error| {
        let problem = format!("the verification ended in a bug: {error}");
        let cure = "report it with the chart, and skip the verification of this commit meanwhile".to_owned();
        Err(Error::Mistake { problem, cure })
    })?;
    // The place is for what takes CPU; what follows waits for disks and others.
    drop(room);
    let Rehearsed {
        mut came,
        package,
        evidence,
    } = rehearsed;
    if let Some(evidence) = evidence {
        came.evidence = Some(around.publisher.keep(evidence).await?);
    }
    let Some(package) = package else {
        return Ok(came);
    };
    came.digest = Some(package.digest);
    if let Some((message, cure)) = around.publisher.taken(&package).await? {
        came.add(verdict::PUBLISHED, message, cure);
    }
    if let Some(by) = by.filter(|_| came.passed()) {
        let passed = Passed {
            source: &known.source,
            path: &known.whose.application.spec.chart.path,
            commit: &object.spec.commit,
            by: &by,
            verification: &object.metadata.name,
            levels: came.levels_passed(),
            evidence: came.evidence,
        };
        around
            .publisher
            .publish(&package, passed, (around.clock)())
            .await?;
    }
    Ok(came)
}

/// The files, from a clone that may not be open yet, or not have the commit; and of what is to be published, who made it.
async fn files(
    around: &Around,
    object: &Object<Verification>,
    known: &Known,
) -> Result<(Files, Option<By>), Error> {
    let site = around.sites.of(&known.source.metadata.name);
    let mut site = site.lock().await;
    if site.repository().is_err() {
        around.sites.open(&mut site, &known.source).await?;
    }
    let (commit, application) = (&object.spec.commit, &known.whose.application);
    let files = gather::files(&mut site, commit, application, &known.road).await?;
    if object.spec.proposal.is_some() {
        return Ok((files, None));
    }
    // Of an artifact that is not known yet its authors are taken for this one's too.
    let artifacts = around.artifacts.now().unwrap_or_default();
    let last = gather::published_last(artifacts.values().map(AsRef::as_ref), application);
    let mut by = gather::by(&mut site, commit, &files, last.as_deref()).await?;
    let proposers = object
        .metadata
        .annotations
        .get(PROPOSED_BY)
        .and_then(|one| one.as_str());
    for proposer in proposers
        .into_iter()
        .flat_map(|all| all.split(' '))
        .filter(|one| !one.is_empty())
    {
        // First, so that it is not one of those that are too many.
        by.authors.people.insert(0, proposer.to_owned());
    }
    Ok((files, Some(by)))
}

/// What came of the part that takes CPU.
struct Rehearsed {
    came: Came,
    /// The chart as it would be published, if it can be.
    package: Option<Package>,
    evidence: Option<verify::Evidence>,
}

/// The part that takes CPU: everything is given, and nothing waited for.
fn rehearsed(
    files: &Files,
    road: &[stages::OnRoad],
    targets: Vec<(verify::Target, Option<verify::Live>)>,
    whose: &Whose,
    now: Timestamp,
) -> Result<Rehearsed, Error> {
    let request = match gather::request(files, road, targets, whose, now) {
        Ok(request) => request,
        Err(Unfit::Files(error)) => {
            return Err(Error::Mistake {
                problem: format!("the chart can't be laid out as files: {error}"),
                cure: "look at the space in the folder for temporary files".to_owned(),
            });
        }
        Err(unfit) => {
            return Ok(Rehearsed {
                came: Came::unfit(chain(&unfit), unfit.cure()),
                package: None,
                evidence: None,
            });
        }
    };
    let report = verify::verify(&request)?;
    let mut came = Came::of(&report);
    let packed = chart::package::package(&request.chart, &chart::package::Overrides::default());
    let package = match packed.map(|packed| Package::read(packed.bytes)) {
        Ok(Ok(package)) => Some(package),
        Ok(Err(error)) => {
            came.add(
                verdict::UNREADABLE,
                chain(&error),
                error.hint().unwrap_or_default(),
            );
            None
        }
        Err(error) => {
            came.add(
                verdict::UNREADABLE,
                chain(&error),
                error.hint().unwrap_or_default(),
            );
            None
        }
    };
    Ok(Rehearsed {
        came,
        package,
        evidence: report.evidence,
    })
}

/// Whether the change itself is to blame: what it should have is not there, or can't be read.
fn is_of_change(error: &source::Error) -> bool {
    matches!(error.code(), Code::SOURCE_NOT_THERE | Code::SOURCE_CONTENT)
}
