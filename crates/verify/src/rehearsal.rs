//! L2: the release on a mini cluster, as the stage would have it.
//!
//! ```text
//! fresh      seed ──► render ──► install ──► tests
//! from live  seed ──► install what is live ──► render ──► upgrade ──► tests ──► roll back
//! ```
//!
//! Each begins with a cluster of its own, and ends with the first step that fails. The engine is the one that delivers.

use std::time::{Duration, Instant};

use chart::functions::Host;
use cluster::Cluster;
use cluster::rendering::{Made, Template, render};
use cluster::run::{self, Operation, Options, Release, Watching};
use jiff::Timestamp;
use manifest::{Finding, Object, Severity};
use model::Revision;
use release::Record;
use release::record::Contents;
use release::values::Chosen;

use crate::assumed;
use crate::failure::{self, Step};
use crate::report::Phase;
use crate::sandbox::{self, Plan, Sandbox};
use crate::stage::{Live, Request, Stage};
use crate::standin;

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
}

/// One rehearsal under way.
struct Rehearsal<'a> {
    request: &'a Request,
    stage: &'a Stage,
    sandbox: Sandbox,
    /// As whoever deploys.
    cluster: Cluster,
    outcome: Outcome,
}

/// Where a rehearsal stops: what was found is in the outcome.
struct Ended;

/// Installs where nothing is. `look` is shown what was rendered before it is installed.
pub(crate) fn fresh(
    request: &Request,
    stage: &Stage,
    host: Host,
    look: impl FnOnce(&Sandbox, &Made) -> Vec<Finding>,
) -> Result<Outcome, sandbox::Error> {
    let mut rehearsal = Rehearsal::begin(request, stage, "fresh")?;
    let Ok((made, objects)) = rehearsal.render(host, false) else {
        return Ok(rehearsal.outcome);
    };
    let found = rehearsal.timed(Step::Look, |this| look(&this.sandbox, &made));
    let refused = found
        .iter()
        .any(|finding| finding.severity == Severity::Error && request.counts(finding));
    rehearsal.outcome.seen.extend(found);
    if !refused {
        let _ = rehearsal
            .deploy(Step::Install, (made.contents, made.crds), &objects)
            .and_then(|()| rehearsal.test());
    }
    Ok(rehearsal.outcome)
}

/// Upgrades from what is live, and goes back.
pub(crate) fn from_live(
    request: &Request,
    stage: &Stage,
    (before, host): (Host, Host),
    live: &Live,
) -> Result<Outcome, sandbox::Error> {
    let mut rehearsal = Rehearsal::begin(request, stage, "from live")?;
    let _ = rehearsal.upgrade(before, host, live);
    Ok(rehearsal.outcome)
}

impl<'a> Rehearsal<'a> {
    fn begin(request: &'a Request, stage: &'a Stage, run: &'static str) -> Result<Self, sandbox::Error> {
        let began = Instant::now();
        let sandbox = Sandbox::start(&Plan {
            minor: stage.target.minor,
            nodes: &stage.target.nodes,
            behaviour: &stage.target.behaviour,
            seed: request.seed,
        })?;
        sandbox.seed(&crate::seed::of(stage))?;
        let cluster = match &stage.tenant {
            Some(tenant) => sandbox.as_user(&tenancy::names::deploy_identity(&tenant.metadata.name)),
            None => sandbox.cluster.clone(),
        };
        let phase = Phase {
            stage: stage.name.clone(),
            run,
            step: Step::Seed,
            took: began.elapsed(),
            simulated: sandbox.elapsed(),
            passed: true,
        };
        Ok(Self {
            request,
            stage,
            sandbox,
            cluster,
            outcome: Outcome {
                phases: vec![phase],
                ..Outcome::default()
            },
        })
    }

    fn upgrade(&mut self, before: Host, host: Host, live: &Live) -> Result<(), Ended> {
        let (served, objects) = match live {
            Live::Record(contents) => (((**contents).clone(), Vec::new()), objects(contents)),
            Live::Chart { chart, values } => {
                let (made, objects) = self.made(Step::Live, before, (chart, values), false)?;
                ((made.contents, made.crds), objects)
            }
        };
        self.deploy(Step::Live, served, &objects)?;
        let (made, objects) = self.render(host, true)?;
        self.deploy(Step::Upgrade, (made.contents, made.crds), &objects)?;
        self.test()?;
        self.go_back()
    }

    fn render(&mut self, host: Host, is_upgrade: bool) -> Result<(Made, Vec<Object>), Ended> {
        let subject = (&self.request.chart, &self.stage.values);
        self.made(Step::Render, host, subject, is_upgrade)
    }

    /// Renders a chart, and reads its objects once for all that look at them.
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
                namespace: &stage.namespace,
                revision: Revision::FIRST,
                is_upgrade,
                skip_crds: false,
                skip_schema_validation: false,
                subchart_notes: false,
                is_traced: step == Step::Render,
            };
            render(&this.cluster, this.sandbox.runtime(), host, template).map_err(Box::new)
        });
        let made = self.keep(step, made, |step, error| failure::of_rendering(step, &error))?;
        let mut objects = objects(&made.contents);
        objects.extend(made.crds.iter().cloned());
        self.assume(&objects);
        Ok((made, objects))
    }

    /// Puts in what an undescribed cluster is taken to have.
    fn assume(&mut self, objects: &[Object]) {
        if self.stage.target.is_known {
            return;
        }
        let catalog = self.sandbox.wait(self.sandbox.cluster.catalog());
        let Ok(catalog) = catalog else { return };
        let (given, nodes) = (&self.stage.target.objects, &self.stage.target.nodes);
        let mut all = assumed::assumed(objects, given, &catalog);
        if self.stage.tenant.is_none() {
            all.splice(0..0, assumed::namespaces(objects, self.stage.namespace.as_str()));
        }
        all.extend(assumed::labelled(objects, nodes));
        for one in all {
            if self.sandbox.seed(std::iter::once(&one.object)).is_ok()
                && !self.outcome.seen.contains(&one.finding)
            {
                self.outcome.seen.push(one.finding);
            }
        }
    }

    fn deploy(
        &mut self,
        step: Step,
        (contents, crds): (Contents, Vec<Object>),
        objects: &[Object],
    ) -> Result<(), Ended> {
        self.outcome.was_run = true;
        self.stand_in(objects);
        self.run(step, async |mut release| {
            let operation = match step {
                Step::Upgrade => Operation::Upgrade,
                _ => Operation::Install,
            };
            let mut wanted = release.wanted(operation, contents)?;
            wanted.crds = crds;
            release.deploy(wanted).await
        })
    }

    fn test(&mut self) -> Result<(), Ended> {
        self.run(Step::Tests, async |mut release| release.test(|_| true).await)
    }

    fn go_back(&mut self) -> Result<(), Ended> {
        self.run(Step::Rollback, async |mut release| {
            let wanted = release.wanted_back(None)?;
            release.deploy(wanted).await
        })
    }

    /// Puts in what the release would make for itself.
    fn stand_in(&mut self, objects: &[Object]) {
        let given = &self.stage.target.objects;
        for stand_in in standin::stand_ins(objects, given, self.stage.namespace.as_str()) {
            let put = self.sandbox.seed(std::iter::once(&stand_in.object));
            if put.is_ok() && !self.outcome.happened.contains(&stand_in.note) {
                self.outcome.happened.push(stand_in.note);
            }
        }
    }

    /// Does something with the release as it is now.
    fn run(
        &mut self,
        step: Step,
        work: impl AsyncFnOnce(Release) -> Result<Record, run::Error>,
    ) -> Result<(), Ended> {
        let (cluster, stage, options) = (self.cluster.clone(), self.stage, self.options());
        let done = self.timed(step, |this| {
            this.sandbox.wait(async {
                let place = (stage.namespace.as_str(), stage.release.as_str());
                work(Release::open(&cluster, place, options, Watching::nobody()).await?).await
            })
        });
        self.keep(step, done.map(|_| ()), |step, error| {
            failure::of_running(step, &error)
        })
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

    fn timed<T>(&mut self, step: Step, work: impl FnOnce(&Self) -> T) -> T {
        let (began, simulated) = (Instant::now(), self.sandbox.elapsed());
        let done = work(self);
        let run = self.outcome.phases.first().map_or("", |phase| phase.run);
        let phase = Phase {
            stage: self.stage.name.clone(),
            run,
            step,
            took: began.elapsed(),
            simulated: self.sandbox.elapsed().saturating_sub(simulated),
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

/// The objects of a release, its hooks among them. What can't be read is told by the engine.
fn objects(contents: &Contents) -> Vec<Object> {
    let mut text = contents.manifest.clone();
    for hook in &contents.hooks {
        text.push_str(&format!("\n---\n{}", hook.manifest));
    }
    manifest::read(&text).unwrap_or_default()
}
