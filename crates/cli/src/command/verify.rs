//! `shipway verify`: a chart tried as its stages would try it, on a mini cluster, in about a second.

mod input;
mod real;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use model::{Code, Diagnose};
use verify::print::{self, Form};
use verify::{Checks, Evidence, Report, Request};

use super::loading::load;
use super::release::operate::duration;
use super::values::ValueArgs;
use crate::args::Format;
use crate::console::{Console, Verbosity};
use crate::{Failure, Outcome};

/// Verify a chart: everything that is wrong with it, and what becomes of it on a mini cluster like its stages'.
///
/// It is rendered for every stage, held against the rules, then installed, upgraded from what is live, tested and rolled
/// back. Pods are simulated and time passes by itself, so a rollout of minutes takes milliseconds. No cluster is needed;
/// with --context the same is done on a real one as well.
/// Exits with 3 if anything was found that forbids the change.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway verify ./services/api
  shipway verify ./services/api --tenant payments.yaml --live ../main/services/api
  shipway verify ./services/api --live ../main/services/api --diff
  shipway verify ./charts/api -f staging.yaml --given crds.yaml --report junit=verify.xml
  shipway verify ./charts/api --format github            annotations in a workflow
  shipway verify ./services/api --context staging        on a real cluster as well

Stages, values and hosts are those of the chart's application.yaml, if it has one. Exceptions stand in
.shipway/exceptions.yaml: check, object, reason, until.")]
pub(crate) struct Args {
    /// The chart: a folder or a .tgz archive.
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// The Application that says the stages. Default: application.yaml in the chart's folder, if it is there.
    #[arg(long, value_name = "FILE")]
    application: Option<PathBuf>,
    /// Only this stage; may be repeated.
    #[arg(long = "stage", value_name = "NAME")]
    stages: Vec<String>,
    /// The manifest of the tenant: its quotas, policies and rights count then.
    #[arg(short, long, value_name = "FILE")]
    tenant: Option<PathBuf>,
    /// The namespace of the release. Default: the Application's, or the tenant's first.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The name of the release. Default: the Application's, or the chart's.
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// What serves now and is upgraded: the chart of another commit, with the values that it has for the stage.
    #[arg(long, value_name = "CHART")]
    live: Option<PathBuf>,
    /// Objects that are there before the release, such as CRDs and Secrets; may be repeated.
    #[arg(long, value_name = "FILE")]
    given: Vec<PathBuf>,
    /// What the containers do, by image: a behaviour file. Without it they start at once and stay.
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,
    /// The nodes: the output of `kubectl get nodes -o json`. Default: three of 8 CPUs and 32 GiB.
    #[arg(long, value_name = "FILE")]
    nodes_from: Option<PathBuf>,
    /// The Kubernetes version, such as 1.34. Default: the newest that is known.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// How long something may take to become ready, in the time of the mini cluster.
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = duration)]
    timeout: std::time::Duration,
    /// A check that does not count; may be repeated.
    #[arg(long, value_name = "CHECK")]
    skip: Vec<String>,
    /// The only check that counts; may be repeated. A level without any of them is not run.
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// What is printed.
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form)]
    format: Form,
    /// A report to write into a file as well; may be repeated.
    #[arg(long, value_name = "FORM=FILE", value_parser = report)]
    report: Vec<(Form, PathBuf)>,
    /// Keep what the rehearsals left (objects, events, logs, the report) in this folder, as sha256/HEX.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// Print what would change in each stage, as unified diffs of the rendered objects; values of Secrets are masked.
    #[arg(long)]
    diff: bool,
    /// Print how long each step took.
    #[arg(long)]
    timings: bool,
    #[command(flatten)]
    real: real::RealArgs,
    #[command(flatten)]
    values: ValueArgs,
}

/// What a chart is to be verified with, and can't be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("can't read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("can't write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path}: {problem}")]
    Bad { path: PathBuf, problem: String },
    #[error("{application} has no stage {stage}; it has {known}")]
    NoStage {
        application: String,
        stage: String,
        known: String,
    },
    #[error("{version} is not a Kubernetes version that can be verified for: {known} are")]
    Version { version: String, known: String },
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let checks = Checks {
        skip: args.skip.clone(),
        only: args.only.clone(),
    };
    checks.known()?;
    let chart = load(&args.chart, console)?;
    let stages = input::stages(args, &chart, console)?;
    let request = Request {
        lint: input::lint(&args.chart, &stages)?,
        stages,
        chart,
        exceptions: input::exceptions(&args.chart)?,
        checks,
        today: Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        timeout: args.timeout,
        evidence: args.evidence.is_some(),
        seed: 1,
    };
    let verified = match args.real.connect()? {
        Some(way) => way.verify(request, console)?,
        None => (verify::verify(&request)?, None),
    };
    let report = &verified.0;
    tell(args, report, console)?;
    if let Some(undone) = real::undone(&verified) {
        return Err(undone);
    }
    Ok(match report.passed() {
        true => Outcome::Done,
        false => Outcome::Findings,
    })
}

/// Writes and prints all that was asked for.
fn tell(args: &Args, report: &Report, console: &mut Console) -> Result<(), Failure> {
    let folder = match args.chart.is_dir() {
        true => args.chart.display().to_string(),
        false => String::new(),
    };
    if let (Some(folder), Some(evidence)) = (&args.evidence, &report.evidence) {
        keep(folder, evidence)?;
    }
    for (form, path) in &args.report {
        std::fs::write(path, form.print(report, &folder)).map_err(|source| Problem::Write {
            path: path.clone(),
            source,
        })?;
    }
    match console.format() {
        Format::Table => {
            if args.diff {
                console.text(&print::diff(report))?;
            }
            console.text(&args.format.print(report, &folder))?;
        }
        _ => console.data(&print::value(report, &folder), String::new)?,
    }
    if args.timings {
        console.note(Verbosity::Normal, timings(report).trim_end());
    }
    Ok(())
}

/// Keeps evidence as the store of artifacts does: under its digest, whole or not at all.
fn keep(folder: &Path, evidence: &Evidence) -> Result<(), Problem> {
    let folder = folder.join("sha256");
    let path = folder.join(evidence.digest().hex());
    let part = path.with_extension("part");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&part, evidence.bytes()))
        .and_then(|()| std::fs::rename(&part, &path))
        .map_err(|source| Problem::Write { path, source })
}

fn timings(report: &Report) -> String {
    let lines = report.phases.iter().map(|phase| {
        format!(
            "{:?} {:<12} {:<9} {:<20} {:>8.1} ms, {:>6.1} s in the cluster\n",
            phase.level,
            phase.stage,
            phase.run,
            phase.step.to_string(),
            phase.took.as_secs_f64() * 1e3,
            phase.simulated.as_secs_f64()
        )
    });
    lines.collect()
}

fn form(text: &str) -> Result<Form, String> {
    let found = Form::ALL.iter().find(|(name, _)| *name == text);
    found.map(|(_, form)| *form).ok_or_else(|| {
        let names: Vec<&str> = Form::ALL.iter().map(|(name, _)| *name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

fn report(text: &str) -> Result<(Form, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("write FORM=FILE, such as junit=verify.xml")?;
    Ok((form(name)?, PathBuf::from(path)))
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|source| Problem::Read {
        path: path.to_owned(),
        source,
    })
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        Code::VERIFY_INPUT
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } | Self::Write { .. } => {
                "look whether the path is right and may be used".to_owned()
            }
            Self::Bad { .. } => "`shipway verify --help` says what each file is".to_owned(),
            Self::NoStage { .. } => "name one of those, or add it under spec.stages".to_owned(),
            Self::Version { .. } => "write it as in --kube-version 1.35".to_owned(),
        })
    }
}
