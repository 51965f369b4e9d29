//! L3: the same steps on a real cluster, in namespaces of their own that go when they end, however they end.
//!
//! ```text
//! render ──► refuse what a namespace does not hold ──► for fresh, then from live:
//!            namespace ──► the steps of a rehearsal ──► evidence ──► clean up, waited for
//! ```
//!
//! Nothing is touched before everything was looked at, and nothing but those namespaces afterwards. Not here: which cluster, and
//! who stops it; both are given.

mod moved;
mod namespace;
mod refusal;

use cluster::Cluster;
use cluster::run::Watching;
use kinds::{Level, LevelResult, Verdict};
use manifest::Severity;
use model::Namespace;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::failure::{Step, chain};
use crate::report::{FRESH, FROM_LIVE};
use crate::stage::{Live, Request, Stage};
use crate::steps::{Deployed, Ended, Ground, Outcome, Runner, Steps};

/// What L3 leaves open.
const NOT_L3: &str = "the size and traffic of production";

/// What the names of all such namespaces begin with; no tenant may have one that begins so.
const PREFIX: &str = "shipway-verify-";

/// The most objects that a message names; the findings have all.
const NAMED: usize = 3;

/// A real cluster to try releases on.
#[derive(Clone, Debug)]
pub struct Real {
    /// As whoever may make a namespace, and deploy into it.
    pub cluster: Cluster,
    /// That of the cluster. [`crate::verify`] has to be called from outside of it, as on a thread for blocking work.
    pub runtime: Handle,
    /// What no other run has: the names of the namespaces end with it. Lower case letters and digits, at most 16.
    pub word: String,
    /// What kubectl takes to reach it, for people: `--context prod`; empty for what it reaches by itself.
    pub flags: String,
    /// How often it was asked to stop. At one the steps stop and it is cleaned up, at two nobody waits for that any more.
    pub stop: watch::Receiver<u32>,
    /// Told of every step.
    pub watching: Watching,
}

/// One rehearsal on a real cluster.
struct Trial<'a> {
    real: &'a Real,
    live: Option<&'a Live>,
    steps: Steps<'a>,
    /// The uid of its namespace, once that is there.
    made: Option<String>,
}

/// What is deployed, rendered before anything is touched.
struct Prepared {
    live: Option<Deployed>,
    new: Deployed,
}

/// Tries a stage. `place` is that of the stage among all of them.
pub(crate) fn rehearse(request: &Request, stage: &Stage, (real, place): (&Real, usize)) -> Vec<Outcome> {
    let mut trials: Vec<Trial<'_>> = Vec::new();
    for live in [None, stage.live.as_ref()] {
        let is_it = trials.is_empty() || live.is_some();
        let name = format!("{PREFIX}{}-{}", real.word, place * 2 + trials.len());
        match name.parse::<Namespace>() {
            Ok(namespace) if is_it => trials.push(Trial::new((request, stage), (real, namespace), live)),
            Ok(_) => {}
            Err(error) => {
                return vec![Outcome {
                    undone: Some(chain(&error)),
                    ..Outcome::default()
                }];
            }
        }
    }
    let prepared: Vec<Result<Prepared, Ended>> = trials.iter_mut().map(Trial::prepare).collect();
    let is_ready = prepared.iter().all(Result::is_ok);
    for (trial, prepared) in trials.iter_mut().zip(prepared) {
        if let (true, Ok(prepared)) = (is_ready, prepared) {
            trial.take_place(prepared);
        }
    }
    trials.into_iter().map(|trial| trial.steps.outcome).collect()
}

/// What came out.
pub(crate) fn level(stage: &Stage, outcomes: &[Outcome]) -> LevelResult {
    let undone = outcomes.iter().find_map(|outcome| outcome.undone.clone());
    let errors = outcomes
        .iter()
        .flat_map(|outcome| outcome.seen.iter().chain(&outcome.happened));
    let failed = errors.filter(|one| one.severity == Severity::Error).count();
    let (result, message) = match (failed, undone, &stage.live) {
        (0, Some(undone), _) => (Verdict::Error, undone),
        (0, None, None) => (
            Verdict::Passed,
            format!("nothing is live, so no upgrade was tried; does not prove {NOT_L3}"),
        ),
        (0, None, Some(_)) => (Verdict::Passed, format!("does not prove {NOT_L3}")),
        (_, Some(undone), _) => (Verdict::Failed, undone),
        (_, None, _) => (Verdict::Failed, format!("does not prove {NOT_L3}")),
    };
    LevelResult {
        level: Level::L3,
        stage: stage.name.clone(),
        result,
        message,
    }
}

impl Real {
    /// A cluster that nobody stops and of which nobody is told.
    #[must_use]
    pub fn new(cluster: Cluster, runtime: Handle, word: String) -> Self {
        Self {
            cluster,
            runtime,
            word,
            flags: String::new(),
            stop: watch::channel(0).1,
            watching: Watching::nobody(),
        }
    }
}

impl<'a> Trial<'a> {
    fn new(
        (request, stage): (&'a Request, &'a Stage),
        (real, namespace): (&'a Real, Namespace),
        live: Option<&'a Live>,
    ) -> Self {
        let ground = Ground {
            cluster: real.cluster.clone(),
            runner: Runner::Shared(real.runtime.clone()),
            namespace,
            began: tokio::time::Instant::now(),
            stop: Some(real.stop.clone()),
            watching: real.watching.clone(),
        };
        Self {
            real,
            live,
            steps: Steps {
                request,
                stage,
                ground,
                level: Level::L3,
                run: if live.is_some() { FROM_LIVE } else { FRESH },
                outcome: Outcome::default(),
            },
            made: None,
        }
    }

    /// Renders all that will be deployed, and refuses what can't be tried. Nothing is touched.
    fn prepare(&mut self) -> Result<Prepared, Ended> {
        let live = match self.live {
            Some(live) => Some(self.served(live)?),
            None => None,
        };
        let new = self.rendered()?;
        Ok(Prepared { live, new })
    }

    fn served(&mut self, live: &Live) -> Result<Deployed, Ended> {
        let stage = self.steps.stage;
        let moved = match live {
            Live::Record(contents) => {
                let way = (stage.namespace.as_str(), self.steps.ground.namespace.as_str());
                match moved::moved(contents, way) {
                    Ok(moved) => Some(Live::Record(Box::new(moved))),
                    Err(error) => return self.undone(&chain(&error)),
                }
            }
            Live::Chart { .. } => None,
        };
        let live = moved.as_ref().unwrap_or(live);
        let deployed = self.steps.live(self.steps.request.host(), live)?;
        self.checked(deployed)
    }

    fn rendered(&mut self) -> Result<Deployed, Ended> {
        let (made, objects) = self
            .steps
            .render(self.steps.request.host(), self.live.is_some())?;
        self.checked(Deployed::made(made, objects))
    }

    fn checked(&mut self, mut deployed: Deployed) -> Result<Deployed, Ended> {
        let ground = &self.steps.ground;
        let work = refusal::refusals(&ground.cluster, ground.namespace.as_str(), &deployed);
        match ground.runner.wait(work) {
            Ok(refusals) if refusals.is_empty() => {
                // Those that it needs are there, and are everybody's.
                deployed.crds.clear();
                Ok(deployed)
            }
            Ok(refusals) => {
                let names: Vec<&str> = refusals.iter().map(|one| one.object.as_str()).collect();
                let more = match names.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let names = names[..names.len().min(NAMED)].join(", ");
                let seen = &mut self.steps.outcome.seen;
                seen.extend(refusals);
                self.undone(&format!(
                    "it can't be tried in a namespace of its own: {names}{more}"
                ))
            }
            Err(error) => self.undone(&chain(&error)),
        }
    }

    fn undone<T>(&mut self, why: &str) -> Result<T, Ended> {
        let touched = match self.made {
            Some(_) => "",
            None => "nothing was touched: ",
        };
        self.steps.undone(format!("{touched}{why}"))
    }

    /// From the namespace to the end of it.
    fn take_place(&mut self, prepared: Prepared) {
        let _ = self.make_namespace().and_then(|()| self.perform(prepared));
        if let Some(uid) = self.made.clone() {
            let cluster = self.real.cluster.clone();
            if !self.steps.ground.is_stopped() {
                self.steps.gather(&cluster);
            }
            self.clean_up(&uid);
        }
    }

    fn perform(&mut self, Prepared { live, new }: Prepared) -> Result<(), Ended> {
        match live {
            None => {
                self.steps.deploy(Step::Install, new)?;
                self.steps.test()
            }
            Some(live) => {
                self.steps.deploy(Step::Live, live)?;
                // Now that it is there, `lookup` finds it.
                let new = self.rendered()?;
                self.steps.deploy(Step::Upgrade, new)?;
                self.steps.test()?;
                self.steps.go_back()
            }
        }
    }
}
