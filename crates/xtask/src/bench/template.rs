//! `cargo xtask bench template --helm PATH`: rendering, process against process and in process.
//!
//! The two processes run in turn on the same chart, so that a noisy machine hurts both; what counts is the ratio of
//! their medians. Without `--helm` only our own figures are printed. The figures of Helm's own engine in process come
//! from the corpus' notes and were taken on another machine of this kind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{parity, tree};

/// Charts of the corpus by the last part of their folder, small ones first.
const CHARTS: &[&str] = &[
    "loki-canary",
    "metrics-server",
    "cert-manager",
    "kube-prometheus-stack",
    "argo-cd",
    "external-secrets",
    "gitlab",
    "kyverno",
    "prometheus-operator-crds",
];

/// Runs of each command on each chart: the median of fewer jumps on a shared machine.
const RUNS: usize = 9;

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    let (helm, corpus) = options(args)?;
    let Some(corpus) = parity::corpus(corpus.as_deref())? else {
        bail!("no corpus of charts: give one with --corpus DIR");
    };
    let shipway = tree::build_release("shipway", "shipway")?;
    processes(&shipway, helm.as_deref(), &corpus)?;
    in_process(&corpus)
}

fn options(args: &[&str]) -> Result<(Option<PathBuf>, Option<PathBuf>)> {
    let (mut helm, mut corpus) = (None, None);
    for pair in args.chunks(2) {
        match pair {
            ["--helm", path] => helm = Some(PathBuf::from(path)),
            ["--corpus", path] => corpus = Some(PathBuf::from(path)),
            _ => bail!("usage: cargo xtask bench template [--helm PATH] [--corpus DIR]"),
        }
    }
    Ok((helm, corpus))
}

/// Prints the median wall time and the peak memory of each process on each chart.
fn processes(shipway: &Path, helm: Option<&Path>, corpus: &Path) -> Result<()> {
    println!("{:24} {:>12} {:>12} {:>8}", "chart", "shipway", "helm", "ratio");
    for name in CHARTS {
        let Some(chart) = chart(corpus, name)? else {
            println!("{name:24} not in the corpus");
            continue;
        };
        let (mut ours, mut helms) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            ours.push(time(shipway, &chart, corpus)?);
            if let Some(helm) = helm {
                helms.push(time(helm, &chart, corpus)?);
            }
        }
        let ours = median(&mut ours);
        match helm.map(|_| median(&mut helms)) {
            Some(helms) => {
                let ratio = helms.as_secs_f64() / ours.as_secs_f64();
                println!("{name:24} {:>12} {:>12} {ratio:>7.1}x", ms(ours), ms(helms));
            }
            None => println!("{name:24} {:>12}", ms(ours)),
        }
    }
    Ok(())
}

/// The folder of a chart: the newest of those whose name is NAME-VERSION.
pub(super) fn chart(corpus: &Path, name: &str) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for repository in std::fs::read_dir(corpus.join("charts")).context("the corpus has no charts")? {
        let repository = repository.context("can't read the corpus")?.path();
        for chart in std::fs::read_dir(&repository).context("can't read the corpus")? {
            let chart = chart.context("can't read the corpus")?.path();
            let file = chart
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            if version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')) {
                found.push(chart);
            }
        }
    }
    found.sort();
    Ok(found.pop())
}

fn time(engine: &Path, chart: &Path, corpus: &Path) -> Result<Duration> {
    let started = Instant::now();
    let status = Command::new(engine)
        .args(["template", "rel"])
        .arg(chart)
        .args(["-n", "ns", "--kube-version", "1.35"])
        .current_dir(corpus)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("can't run {}", engine.display()))?;
    ensure!(status.code().is_some(), "{} was killed", engine.display());
    Ok(started.elapsed())
}

/// Loads, composes, renders and orders every case of the corpus in one process on one thread.
fn in_process(corpus: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args([
            "bench",
            "--quiet",
            "--locked",
            "--package",
            "shipway",
            "--bench",
            "corpus",
            "--",
        ])
        .arg(corpus)
        .current_dir(tree::root())
        .status()
        .context("can't run cargo bench")?;
    ensure!(status.success(), "the benchmark in process failed");
    Ok(())
}

pub(super) fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(super) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
