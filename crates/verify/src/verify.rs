//! A verification: every stage rehearsed fresh and from what is live, beside each other, and one report of all.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kinds::{Level, LevelResult, Verdict};
use manifest::{Finding, Object, Severity, defined_kind};

use crate::changes::StageChange;
use crate::evidence::{Evidence, Remains};
use crate::failure::Step;
use crate::looks;
use crate::real::{self, Real};
use crate::registry;
use crate::rehearsal;
use crate::report::{Found, Report};
use crate::sandbox::Error;
use crate::stage::{Checks, Live, Request, Stage};
use crate::steps::Outcome;

/// What L1 leaves open, and L2.
const NOT_L1: &str = "that anything starts";
const NOT_L2: &str = "images, programs, storage and networks: pods are simulated";

/// Why a level is skipped.
const STOPPED: &str = "what was found before would stop it";
const NOT_ASKED: &str = "none of its checks is among those of --only";

/// One rehearsal to make.
#[derive(Clone, Copy)]
struct Task<'a> {
    stage: &'a Stage,
    is_fresh: bool,
}

/// Verifies a chart for all stages.
///
/// # Errors
/// When a mini cluster does not start, or does not take what is said to be there: no fault of the chart.
pub fn verify(request: &Request) -> Result<Report, Error> {
    let began = Instant::now();
    let tasks: Vec<Task<'_>> = request
        .stages
        .iter()
        .flat_map(|stage| {
            let live = stage.live.is_some();
            let both = [true, false].into_iter().filter(move |fresh| *fresh || live);
            both.map(move |is_fresh| Task { stage, is_fresh })
        })
        .collect();
    let outcomes = beside_each_other(&tasks, |task| rehearse(request, *task));
    let mut report = Report {
        chart: format!("{} {}", request.chart.name(), request.chart.metadata().version),
        levels: Vec::new(),
        findings: Vec::new(),
        excepted: Vec::new(),
        restricted: restricted(&request.checks),
        changes: Vec::new(),
        phases: Vec::new(),
        evidence: None,
        took: Duration::ZERO,
    };
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let of_stage = |stage: &Stage| -> Vec<&Outcome> {
        let both = tasks.iter().zip(&outcomes);
        both.filter(|(task, _)| std::ptr::eq(task.stage, stage))
            .map(|(_, outcome)| outcome)
            .collect()
    };
    let changes = request.stages.iter();
    report.changes = changes
        .filter_map(|stage| change(stage, &of_stage(stage)))
        .collect();
    let mut remains = Vec::new();
    for (task, mut outcome) in tasks.iter().zip(outcomes) {
        remains.extend(outcome.remains.take());
        take_in(&mut report, (request, *task), outcome);
    }
    if request.checks.wants(Level::L1) {
        lint(&mut report, request);
    }
    for (place, stage) in request.stages.iter().enumerate() {
        if let Some(real) = &stage.real {
            remains.extend(on_real(&mut report, request, (stage, real, place)));
        }
    }
    except(&mut report, request);
    report.findings.sort_by(|a, b| {
        let order = |found: &Found| (found.finding.severity, found.level);
        order(a).cmp(&order(b))
    });
    report.took = began.elapsed();
    if request.evidence {
        report.evidence = Some(Evidence::of(&report, &remains));
    }
    Ok(report)
}

/// What would change in a stage; nothing is said where one side can't be rendered.
fn change(stage: &Stage, outcomes: &[&Outcome]) -> Option<StageChange> {
    // What was rendered over what is live comes last: there `lookup` found what it would find.
    let rendered = outcomes
        .iter()
        .rev()
        .find_map(|outcome| outcome.rendered.as_ref())?;
    let live = outcomes.iter().find_map(|outcome| outcome.live.as_ref());
    // A record has no definitions, and nobody changes them with an upgrade.
    let rendered = rendered.iter().filter(|object| {
        !matches!(stage.live, Some(Live::Record(_))) || defined_kind(&object.value).is_none()
    });
    let rendered: Vec<Object> = rendered.cloned().collect();
    let live = match (&stage.live, live) {
        (None, _) => &[][..],
        (Some(_), Some(live)) => live,
        (Some(_), None) => return None,
    };
    Some(StageChange::of(
        &stage.name,
        stage.namespace.as_str(),
        (live, &rendered),
    ))
}

/// Tries a stage on its real cluster, unless what was found before would stop it.
fn on_real(
    report: &mut Report,
    request: &Request,
    (stage, real, place): (&Stage, &Real, usize),
) -> Vec<Remains> {
    let stops = |found: &Found| {
        let is_its = found.stages.contains(&stage.name);
        is_its && found.finding.severity == Severity::Error && request.counts(&found.finding)
    };
    let skipped = match report.findings.iter().any(stops) {
        _ if !request.checks.wants(Level::L3) => Some(NOT_ASKED),
        true => Some(STOPPED),
        false => None,
    };
    if let Some(why) = skipped {
        report.levels.push(LevelResult {
            level: Level::L3,
            stage: stage.name.clone(),
            result: Verdict::Skipped,
            message: why.to_owned(),
        });
        return Vec::new();
    }
    let outcomes = real::rehearse(request, stage, (real, place));
    report.levels.push(real::level(stage, &outcomes));
    let mut remains = Vec::new();
    for outcome in outcomes {
        report.phases.extend(outcome.phases);
        for finding in outcome.seen.into_iter().chain(outcome.happened) {
            add(report, Level::L3, finding, &stage.name);
        }
        remains.extend(outcome.remains);
    }
    remains
}

/// Adds what was found in the files. A template that can't be rendered is told of by its stages already.
fn lint(report: &mut Report, request: &Request) {
    let fails = |found: &Found| found.finding.check == Step::Render.check();
    let is_told = report.findings.iter().any(fails);
    for finding in &request.lint {
        if is_told && finding.source.contains("templates/") {
            continue;
        }
        for stage in &request.stages {
            add(report, Level::L1, finding.clone(), &stage.name);
        }
    }
    for level in report.levels.iter_mut().filter(|one| one.level == Level::L1) {
        if request.lint.iter().any(|one| one.severity == Severity::Error) {
            level.result = Verdict::Failed;
        }
    }
}

/// Sets aside what the chart has exceptions for, and what nobody asked about.
fn except(report: &mut Report, request: &Request) {
    let mut used = Vec::new();
    let all = std::mem::take(&mut report.findings);
    for found in all {
        match request.exceptions.of(&found.finding, request.today) {
            Some((place, exception)) => {
                used.push(place);
                report.excepted.push((found, exception.clone()));
            }
            None if request.checks.counts(found.finding.check) => report.findings.push(found),
            None => {}
        }
    }
    let stages: Vec<String> = request.stages.iter().map(|stage| stage.name.clone()).collect();
    let of_exceptions = request.exceptions.findings(request.today, &used);
    report
        .findings
        .extend(of_exceptions.into_iter().map(|finding| Found {
            finding,
            level: Level::L1,
            stages: stages.clone(),
        }));
    for level in report
        .levels
        .iter_mut()
        .filter(|one| one.result == Verdict::Failed)
    {
        let is_left = |found: &Found| {
            let counts = found.level == level.level && found.stages.contains(&level.stage);
            counts && found.finding.severity == Severity::Error
        };
        if !report.findings.iter().any(is_left) {
            level.result = Verdict::Passed;
        }
    }
}

fn restricted(checks: &Checks) -> String {
    let mut parts = Vec::new();
    if !checks.only.is_empty() {
        parts.push(format!("only {}", checks.only.join(", ")));
    }
    if !checks.skip.is_empty() {
        parts.push(format!("without {}", checks.skip.join(", ")));
    }
    parts.join(", ")
}

fn rehearse(request: &Request, Task { stage, is_fresh }: Task<'_>) -> Result<Outcome, Error> {
    match &stage.live {
        Some(live) if !is_fresh => {
            rehearsal::from_live(request, stage, (request.host(), request.host()), live)
        }
        _ => rehearsal::fresh(request, stage, request.host(), |sandbox, made| {
            looks::look(stage, sandbox, made)
        }),
    }
}

fn take_in(report: &mut Report, (request, Task { stage, is_fresh }): (&Request, Task<'_>), outcome: Outcome) {
    report.phases.extend(outcome.phases);
    let failed = |findings: &[Finding]| findings.iter().any(|one| one.severity == Severity::Error);
    let name = &stage.name;
    if is_fresh {
        let l1 = LevelResult {
            level: Level::L1,
            stage: name.clone(),
            result: match request.checks.wants(Level::L1) {
                false if !failed(&outcome.seen) => Verdict::Skipped,
                _ => verdict(failed(&outcome.seen)),
            },
            message: match request.checks.wants(Level::L1) {
                true => format!("does not prove {NOT_L1}"),
                false => NOT_ASKED.to_owned(),
            },
        };
        report.levels.push(l1);
    }
    let l2 = LevelResult {
        level: Level::L2,
        stage: name.clone(),
        result: match outcome.was_run {
            true => verdict(failed(&outcome.happened)),
            false => Verdict::Skipped,
        },
        message: match (outcome.was_run, is_fresh, &stage.live) {
            (false, ..) if !request.checks.wants(Level::L2) => NOT_ASKED.to_owned(),
            (false, ..) => STOPPED.to_owned(),
            (true, true, None) => {
                format!("nothing is live, so no upgrade was tried; does not prove {NOT_L2}")
            }
            _ => format!("does not prove {NOT_L2}"),
        },
    };
    match report
        .levels
        .iter_mut()
        .find(|one| one.level == Level::L2 && one.stage == *name)
    {
        Some(known) if known.result == Verdict::Passed => *known = l2,
        Some(_) => {}
        None => report.levels.push(l2),
    }
    let seen = outcome.seen.into_iter().map(|finding| (Level::L1, finding));
    let happened = outcome.happened.into_iter().map(|finding| (Level::L2, finding));
    for (level, finding) in seen.chain(happened) {
        add(report, level, finding, name);
    }
}

/// Adds a finding, once for all stages that have it.
fn add(report: &mut Report, level: Level, finding: Finding, stage: &str) {
    debug_assert!(
        registry::is_known(finding.check),
        "{} is in no table",
        finding.check
    );
    let is_it = |found: &&mut Found| found.level == level && found.finding == finding;
    let known = report.findings.iter_mut().find(is_it);
    match known {
        Some(found) => {
            if !found.stages.iter().any(|one| one == stage) {
                found.stages.push(stage.to_owned());
            }
        }
        None => report.findings.push(Found {
            finding,
            level,
            stages: vec![stage.to_owned()],
        }),
    }
}

fn verdict(failed: bool) -> Verdict {
    match failed {
        true => Verdict::Failed,
        false => Verdict::Passed,
    }
}

/// Does each task on a thread of its own, as many at once as there are cores, and answers in the order of the tasks.
fn beside_each_other<T: Sync, R: Send>(tasks: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..cores.min(tasks.len()) {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(task) = tasks.get(index)
                {
                    let result = work(task);
                    done.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
