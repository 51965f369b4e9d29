//! L2: the release on a mini cluster, as the stage would have it.
//!
//! ```text
//! fresh      seed ──► render ──► look ──► install ──► tests
//! from live  seed ──► install what is live ──► render ──► upgrade ──► tests ──► roll back
//! ```
//!
//! Each begins with a cluster of its own, and ends with the first step that fails. The engine is the one that delivers.

use std::time::Instant;

use chart::functions::Host;
use cluster::rendering::Made;
use cluster::run::Watching;
use kinds::Level;
use manifest::{Finding, Object, Severity};

use crate::assumed;
use crate::failure::Step;
use crate::report::{FRESH, FROM_LIVE, Phase};
use crate::sandbox::{self, Plan, Sandbox};
use crate::served;
use crate::stage::{Live, Request, Stage};
use crate::standin;
use crate::steps::{Deployed, Ended, Ground, Outcome, Runner, Steps};

/// One rehearsal under way.
struct Rehearsal<'a> {
    sandbox: Sandbox,
    steps: Steps<'a>,
}

/// Installs where nothing is. `look` is shown what was rendered before it is installed.
pub(crate) fn fresh(
    request: &Request,
    stage: &Stage,
    host: Host,
    look: impl FnOnce(&Sandbox, &Made) -> Vec<Finding>,
) -> Result<Outcome, sandbox::Error> {
    let mut rehearsal = Rehearsal::begin(request, stage, FRESH)?;
    let _ = rehearsal.install(host, look);
    Ok(rehearsal.end())
}

/// Upgrades from what is live, and goes back.
pub(crate) fn from_live(
    request: &Request,
    stage: &Stage,
    (before, host): (Host, Host),
    live: &Live,
) -> Result<Outcome, sandbox::Error> {
    let mut rehearsal = Rehearsal::begin(request, stage, FROM_LIVE)?;
    let _ = rehearsal.upgrade(before, host, live);
    Ok(rehearsal.end())
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
        let ground = Ground {
            cluster,
            runner: Runner::Own(sandbox.runtime()),
            namespace: stage.namespace.clone(),
            began: sandbox.began(),
            stop: None,
            watching: Watching::nobody(),
        };
        let phase = Phase {
            level: Level::L2,
            stage: stage.name.clone(),
            run,
            step: Step::Seed,
            took: began.elapsed(),
            simulated: ground.elapsed(),
            passed: true,
        };
        let outcome = Outcome {
            phases: vec![phase],
            ..Outcome::default()
        };
        Ok(Self {
            sandbox,
            steps: Steps {
                request,
                stage,
                ground,
                level: Level::L2,
                run,
                outcome,
            },
        })
    }

    fn end(mut self) -> Outcome {
        self.steps.gather(&self.sandbox.cluster);
        self.steps.outcome
    }

    fn install(
        &mut self,
        host: Host,
        look: impl FnOnce(&Sandbox, &Made) -> Vec<Finding>,
    ) -> Result<(), Ended> {
        let (made, objects) = self.steps.render(host, false)?;
        self.assume(&objects);
        let (sandbox, request) = (&self.sandbox, self.steps.request);
        let found = match request.checks.wants(Level::L1) {
            true => self.steps.timed(Step::Look, |_| look(sandbox, &made)),
            false => Vec::new(),
        };
        let refused = found
            .iter()
            .any(|finding| finding.severity == Severity::Error && request.counts(finding));
        self.steps.outcome.seen.extend(found);
        if refused || !request.checks.wants(Level::L2) {
            return Err(Ended);
        }
        self.deploy(Step::Install, Deployed::made(made, objects))?;
        self.steps.test()
    }

    fn upgrade(&mut self, before: Host, host: Host, live: &Live) -> Result<(), Ended> {
        let served = self.steps.live(before, live)?;
        if !self.steps.request.checks.wants(Level::L2) {
            return Err(Ended);
        }
        self.assume(&served.objects);
        self.deploy(Step::Live, served)?;
        let namespace = self.steps.stage.namespace.as_str();
        let before = served::ready(&self.sandbox, namespace);
        let (made, objects) = self.steps.render(host, true)?;
        self.assume(&objects);
        let wanted = Deployed::made(made, objects);
        let rendered = wanted.rendered.clone();
        self.deploy(Step::Upgrade, wanted)?;
        let after = served::ready(&self.sandbox, namespace);
        let lost = rendered.map(|rendered| served::lost(&before, &after, &rendered));
        self.steps.outcome.happened.extend(lost.into_iter().flatten());
        self.steps.test()?;
        self.steps.go_back()
    }

    /// Puts in what an undescribed cluster is taken to have.
    fn assume(&mut self, objects: &[Object]) {
        let stage = self.steps.stage;
        if stage.target.is_known {
            return;
        }
        let catalog = self.sandbox.wait(self.sandbox.cluster.catalog());
        let Ok(catalog) = catalog else { return };
        let (given, nodes) = (&stage.target.objects, &stage.target.nodes);
        let mut all = assumed::assumed(objects, given, &catalog);
        if stage.tenant.is_none() {
            all.splice(0..0, assumed::namespaces(objects, stage.namespace.as_str()));
        }
        all.extend(assumed::labelled(objects, nodes));
        let seen = &mut self.steps.outcome.seen;
        for one in all {
            if self.sandbox.seed(std::iter::once(&one.object)).is_ok() && !seen.contains(&one.finding) {
                seen.push(one.finding);
            }
        }
    }

    fn deploy(&mut self, step: Step, wanted: Deployed) -> Result<(), Ended> {
        self.stand_in(&wanted.objects);
        self.steps.deploy(step, wanted)
    }

    /// Puts in what the release would make for itself.
    fn stand_in(&mut self, objects: &[Object]) {
        let stage = self.steps.stage;
        let given = &stage.target.objects;
        let happened = &mut self.steps.outcome.happened;
        for stand_in in standin::stand_ins(objects, given, stage.namespace.as_str()) {
            let put = self.sandbox.seed(std::iter::once(&stand_in.object));
            if put.is_ok() && !happened.contains(&stand_in.note) {
                happened.push(stand_in.note);
            }
        }
    }
}
