//! The steps of a release, each timed, and what went wrong in it kept as findings: the same on a mini cluster and on a real one.
//!
//! ```text
//! Ground: cluster, how to wait for it ──► render ─ deploy ─ test ─ go back ──► Outcome: phases, findings
//! ```
//!
//! The first step that fails ends a rehearsal. Not here: where a cluster comes from, what is put into it before, and what
//! becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chart::functions::Host;
use chart::render::Rendered;
use cluster::Cluster;
use cluster::rendering::{self, Made, Template, Wait, Work, render};
use cluster::run::{self, Operation, Options, Release, Watching};
use jiff::Timestamp;
use kinds::Level;
use manifest::{Finding, Object};
use model::{Namespace, Revision};
use release::record::Contents;
use release::values::Chosen;
use release::{Record, Scope, Served};
use serde_json::json;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;

use crate::blame;
use crate::evidence::Remains;
use crate::failure::{self, Step};
use crate::gather::gather;
use crate::report::Phase;
use crate::stage::{Live, Request, Stage};

/// Why a rehearsal was not done that somebody stopped.
pub(crate) const STOPPED: &str = "it was asked to stop";

/// How long gathering what is left may take: some sixty lists, of which a cluster answers ten in a second or more.
const GATHERED: Duration = Duration::from_mins(1);

/// What a rehearsal came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub phases: Vec<Phase>,
    /// What was found before anything ran.
    pub seen: Vec<Finding>,
    /// What went wrong when it ran.
    pub happened: Vec<Finding>,
    /// Whether it came so far that something ran.
    pub was_run: bool,
    /// The objects of what is live, if it came so far.
    pub live: Option<Vec<Object>>,
    /// Those that this chart was rendered to.
    pub rendered: Option<Vec<Object>>,
    /// Why it could not be done to its end, which is no fault of the chart.
    pub undone: Option<String>,
    /// What is left in its cluster, if that was asked for.
    pub remains: Option<Remains>,
}

/// How the work of a cluster is waited for, from outside of the runtime.
#[derive(Clone, Debug)]
pub(crate) enum Runner {
    /// A runtime without threads of its own: waiting does the work of its other tasks as well.
    Own(Arc<Runtime>),
    Shared(Handle),
}

/// Where a rehearsal takes place.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// As whoever deploys.
    pub cluster: Cluster,
    pub runner: Runner,
    pub namespace: Namespace,
    /// By the clock of the runtime.
    pub began: tokio::time::Instant,
    /// How often it was asked to stop, if anybody can.
    pub stop: Option<watch::Receiver<u32>>,
    pub watching: Watching,
}

/// One rehearsal under way.
pub(crate) struct Steps<'a> {
    pub request: &'a Request,
    pub stage: &'a Stage,
    pub ground: Ground,
    pub level: Level,
    /// `fresh` or `from live`.
    pub run: &'static str,
    pub outcome: Outcome,
}

/// What is deployed: its objects were read once for all that look at them.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub contents: Contents,
    pub crds: Vec<Object>,
    pub objects: Vec<Object>,
    /// What its lines come from, where there are templates.
    pub rendered: Option<Arc<Rendered>>,
}

/// Where a rehearsal stops: what was found is in the outcome.
pub(crate) struct Ended;

impl Runner {
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        match self {
            Self::Own(runtime) => runtime.block_on(work),
            Self::Shared(handle) => handle.block_on(work),
        }
    }
}

impl Wait for Runner {
    fn wait(&self, work: Work<'_>) {
        Runner::wait(self, work);
    }
}

impl Ground {
    pub(crate) fn elapsed(&self) -> Duration {
        self.runner.wait(async { self.began.elapsed() })
    }

    /// Waits until it was asked to stop so often.
    pub(crate) async fn stopped(&self, times: u32) {
        if let Some(stop) = &self.stop
            && stop.clone().wait_for(|asked| *asked >= times).await.is_ok()
        {
            return;
        }
        // Nobody is left who could ask.
        std::future::pending::<()>().await;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| *stop.borrow() > 0)
    }

    /// The objects with where they are, whether they say it or not. Of kinds that nobody knows it stays as it is written.
    fn placed(&self, objects: &[Object]) -> Vec<Object> {
        let mut served = Served::default();
        let catalog = self.runner.wait(self.cluster.catalog());
        for resource in catalog.iter().flat_map(|catalog| catalog.resources()) {
            let scope = match resource.namespaced {
                true => Scope::Namespace,
                false => Scope::Cluster,
            };
            served.add(&resource.api_version(), &resource.kind.name, scope);
        }
        served.expect(objects);
        let mut objects = objects.to_vec();
        for object in &mut objects {
            match served.scope(object) {
                Some(Scope::Cluster) => object.key.namespace = "".into(),
                Some(Scope::Namespace) if object.key.namespace.is_empty() => {
                    object.key.namespace = self.namespace.as_str().into();
                }
                _ => {}
            }
        }
        objects
    }
}

impl Deployed {
    /// What is live, as its record says.
    pub(crate) fn recorded(contents: &Contents) -> Self {
        Self {
            objects: objects(contents),
            contents: contents.clone(),
            crds: Vec::new(),
            rendered: None,
        }
    }

    /// What a chart was rendered to.
    pub(crate) fn made(made: Made, objects: Vec<Object>) -> Self {
        Self {
            contents: made.contents,
            crds: made.crds,
            objects,
            rendered: Some(Arc::new(made.rendered)),
        }
    }
}

impl Steps<'_> {
    /// Renders the chart that is verified.
    pub(crate) fn render(&mut self, host: Host, is_upgrade: bool) -> Result<(Made, Vec<Object>), Ended> {
        let subject = (&self.request.chart, &self.stage.values);
        let (made, objects) = self.made(Step::Render, host, subject, is_upgrade)?;
        self.outcome.rendered = Some(self.ground.placed(&objects));
        Ok((made, objects))
    }

    /// What is live: its record, or the chart that it was, rendered.
    pub(crate) fn live(&mut self, host: Host, live: &Live) -> Result<Deployed, Ended> {
        let deployed = match live {
            Live::Record(contents) => Deployed::recorded(contents),
            Live::Chart { chart, values } => {
                let (made, objects) = self.made(Step::Live, host, (chart, values), false)?;
                Deployed::made(made, objects)
            }
        };
        self.outcome.live = Some(self.ground.placed(&deployed.objects));
        Ok(deployed)
    }

    fn made(
        &mut self,
        step: Step,
        host: Host,
        (chart, values): (&chart::Chart, &chart::values::Map),
        is_upgrade: bool,
    ) -> Result<(Made, Vec<Object>), Ended> {
        let stage = self.stage;
        let made = self.timed(step, |this| {
            let template = Template {
                chart,
                values: Chosen::from(values.clone()),
                name: &stage.release,
                namespace: &this.ground.namespace,
                revision: Revision::FIRST,
                is_upgrade,
                skip_crds: false,
                skip_schema_validation: false,
                subchart_notes: false,
                is_traced: step == Step::Render,
            };
            render(&this.ground.cluster, this.ground.runner.clone(), host, template).map_err(Box::new)
        });
        if let Err(rendering::Error::Cluster(error)) = made.as_ref().map_err(Box::as_ref)
            && is_away(error)
        {
            return self.undone(failure::chain(error));
        }
        let made = self.keep(step, made, |step, error| failure::of_rendering(step, &error))?;
        let mut objects = objects(&made.contents);
        objects.extend(made.crds.iter().cloned());
        Ok((made, objects))
    }

    /// Installs or, at [`Step::Upgrade`], upgrades.
    pub(crate) fn deploy(&mut self, step: Step, wanted: Deployed) -> Result<(), Ended> {
        self.outcome.was_run = true;
        let Deployed {
            contents,
            crds,
            rendered,
            ..
        } = wanted;
        let done = self.run(step, async |mut release| {
            let operation = match step {
                Step::Upgrade => Operation::Upgrade,
                _ => Operation::Install,
            };
            let mut wanted = release.wanted(operation, contents)?;
            wanted.crds = crds;
            release.deploy(wanted).await
        });
        // The lines of what is live are those of another commit.
        let rendered = rendered.filter(|_| step != Step::Live);
        if let (Err(Ended), Some(rendered)) = (&done, rendered) {
            let happened = std::mem::take(&mut self.outcome.happened);
            self.outcome.happened = blame::placed(
                happened,
                self.ground.namespace.as_str(),
                (&self.request.chart, &rendered),
            );
        }
        done
    }

    pub(crate) fn test(&mut self) -> Result<(), Ended> {
        self.run(Step::Tests, async |mut release| release.test(|_| true).await)
    }

    pub(crate) fn go_back(&mut self) -> Result<(), Ended> {
        self.run(Step::Rollback, async |mut release| {
            let wanted = release.wanted_back(None)?;
            release.deploy(wanted).await
        })
    }

    /// Gathers what is left, if that was asked for. `cluster` is asked as somebody who may read all of it.
    pub(crate) fn gather(&mut self, cluster: &Cluster) {
        if !self.request.evidence {
            return;
        }
        let Outcome { live, rendered, .. } = &self.outcome;
        let owned: Vec<&Object> = live.iter().chain(rendered).flatten().collect();
        let work = gather(cluster, self.ground.namespace.as_str(), &owned);
        let items = self.ground.runner.wait(async {
            tokio::select! {
                biased;
                items = tokio::time::timeout(GATHERED, work) => items.ok(),
                () = self.ground.stopped(1) => None,
            }
        });
        let late = || {
            vec![(
                "unread",
                json!({"what": "the cluster", "why": "it took too long, or was stopped"}),
            )]
        };
        self.outcome.remains = Some(Remains {
            level: self.level,
            stage: self.stage.name.clone(),
            run: self.run,
            items: items.unwrap_or_else(late),
        });
    }

    /// Does something with the release as it is now.
    fn run(
        &mut self,
        step: Step,
        work: impl AsyncFnOnce(Release) -> Result<Record, run::Error>,
    ) -> Result<(), Ended> {
        let (ground, release, options) = (self.ground.clone(), &self.stage.release, self.options());
        let done = self.timed(step, |_| {
            let work = async {
                let place = (ground.namespace.as_str(), release.as_str());
                work(Release::open(&ground.cluster, place, options, ground.watching.clone()).await?).await
            };
            ground.runner.wait(async {
                tokio::select! {
                    biased;
                    () = ground.stopped(1) => None,
                    done = work => Some(done),
                }
            })
        });
        let done = match done {
            None => return self.undone(STOPPED.to_owned()),
            Some(Err(run::Error::Cluster(error))) if is_away(&error) => {
                return self.undone(failure::chain(&error));
            }
            Some(done) => done,
        };
        self.keep(step, done.map(|_| ()), |step, error| {
            failure::of_running(step, &error)
        })
    }

    /// Ends with what is no fault of the chart.
    pub(crate) fn undone<T>(&mut self, why: String) -> Result<T, Ended> {
        if let Some(phase) = self.outcome.phases.last_mut() {
            phase.passed = false;
        }
        self.outcome.undone = Some(why);
        Err(Ended)
    }

    /// Keeps what went wrong as findings.
    fn keep<T, E>(
        &mut self,
        step: Step,
        done: Result<T, E>,
        findings: impl FnOnce(Step, E) -> Vec<Finding>,
    ) -> Result<T, Ended> {
        done.map_err(|error| {
            if let Some(phase) = self.outcome.phases.last_mut() {
                phase.passed = false;
            }
            let found = findings(step, error);
            match step {
                Step::Render => self.outcome.seen.extend(found),
                _ => self.outcome.happened.extend(found),
            }
            Ended
        })
    }

    pub(crate) fn timed<T>(&mut self, step: Step, work: impl FnOnce(&Self) -> T) -> T {
        let (began, simulated) = (Instant::now(), self.ground.elapsed());
        let done = work(self);
        let phase = Phase {
            level: self.level,
            stage: self.stage.name.clone(),
            run: self.run,
            step,
            took: began.elapsed(),
            simulated: self.ground.elapsed().saturating_sub(simulated),
            passed: true,
        };
        self.outcome.phases.push(phase);
        done
    }

    fn options(&self) -> Options {
        Options {
            timeout: self.request.timeout,
            wait: Some(Duration::ZERO),
            wait_for_jobs: true,
            // A rehearsal deletes what the chart says: whether that is too much is asked when it is delivered.
            brake: None,
            ..Options::new("shipway verify".to_owned(), Timestamp::now)
        }
    }
}

/// Whether a cluster did not answer at all, or not us; one in this process always does.
fn is_away(error: &cluster::Error) -> bool {
    use cluster::{Error, Why};
    matches!(
        error,
        Error::Unreachable { .. } | Error::NoAnswer { .. } | Error::Answer { .. }
    ) || error.why() == Some(&Why::Unauthorized)
}

/// The objects of a release, its hooks among them. What can't be read is told by the engine.
fn objects(contents: &Contents) -> Vec<Object> {
    let mut text = contents.manifest.clone();
    for hook in &contents.hooks {
        text.push_str(&format!("\n---\n{}", hook.manifest));
    }
    manifest::read(&text).unwrap_or_default()
}
