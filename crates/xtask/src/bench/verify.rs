//! `cargo xtask bench verify [--shipway PATH]`: how long a verification takes, process by process.
//!
//! A service as `shipway new service` makes it, for its tenant, with itself as what is live, so that both rehearsals run:
//! two stages, four mini clusters. Then large charts of the corpus, fresh. The goals are 1 s and 5 s, and 300 MB. Last, from
//! a push to its verdict, through a controller.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::template::{chart, median, ms};
use crate::{parity, tree};

/// Runs of each: the median of fewer jumps on a shared machine.
const RUNS: usize = 9;

/// How often a process is asked for its memory.
const LOOK: Duration = Duration::from_millis(2);

/// Charts of the corpus by the last part of their folder.
const CHARTS: &[&str] = &[
    "prometheus-pushgateway",
    "prometheus",
    "argo-cd",
    "kube-prometheus-stack",
];

const TENANT: &str = "apiVersion: shipway.dev/v1alpha1\nkind: Tenant\nmetadata: {name: payments}\nspec: {quota: {cpu: 8, memory: 16Gi}}\n";

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    let shipway = match args {
        [] => tree::build_release("shipway", "shipway")?,
        ["--shipway", path] => PathBuf::from(path),
        _ => bail!("usage: cargo xtask bench verify [--shipway PATH]"),
    };
    let folder = std::env::temp_dir().join(format!("shipway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).context("can't make a folder")?;
    let service = folder.join("api");
    let made = Command::new(&shipway)
        .args(["new", "service", "api", "--tenant", "payments", "--dir"])
        .arg(&service)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        made.context("can't run shipway")?.success(),
        "no service was made"
    );
    let tenant = folder.join("tenant.yaml");
    std::fs::write(&tenant, TENANT).context("can't write the tenant")?;
    println!("{:28} {:>12} {:>10} {:>8}", "chart", "median", "memory", "passed");
    let of_service = [
        service.as_os_str(),
        "-t".as_ref(),
        tenant.as_ref(),
        "--live".as_ref(),
        service.as_ref(),
    ];
    let last = measure(&shipway, "a service, two stages", &of_service)?;
    if let Some(corpus) = parity::corpus(None)? {
        for name in CHARTS {
            if let Some(path) = chart(&corpus, name)? {
                measure(&shipway, name, &[path.as_os_str()])?;
            }
        }
    }
    println!("\nthe parts of the last run of the service");
    parts(&last);
    std::fs::remove_dir_all(&folder).context("can't remove the folder")?;
    println!();
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--package", "control"])
        .args(["--example", "bench_push"])
        .current_dir(tree::root())
        .status();
    ensure!(status.context("can't run cargo")?.success(), "bench_push failed");
    Ok(())
}

/// Prints the median of a chart, and gives the last report.
fn measure(shipway: &Path, name: &str, args: &[&std::ffi::OsStr]) -> Result<Value> {
    let (mut times, mut most, mut last) = (Vec::new(), 0, Value::Null);
    for _ in 0..RUNS {
        let began = Instant::now();
        let mut child = Command::new(shipway)
            .arg("verify")
            .args(args)
            .args(["-o", "json", "-q"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("can't run shipway")?;
        let process = child.id();
        let output = child.stdout.take().context("no output")?;
        let reader = std::thread::spawn(move || std::io::read_to_string(output));
        while child.try_wait().context("can't wait for shipway")?.is_none() {
            most = most.max(memory(process));
            std::thread::sleep(LOOK);
        }
        times.push(began.elapsed());
        let text = reader.join().map_err(|_| anyhow::anyhow!("the reader failed"))?;
        last = serde_json::from_str(&text.context("can't read the report")?).context("no report")?;
    }
    let passed = if last["passed"] == true { "yes" } else { "no" };
    println!(
        "{name:28} {:>12} {:>7} MB {passed:>8}",
        ms(median(&mut times)),
        most / 1024
    );
    Ok(last)
}

/// The most memory that a process has had, in KiB; 0 when it can't be told.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn parts(report: &Value) {
    for phase in report["phases"].as_array().into_iter().flatten() {
        let text = |field: &str| phase[field].as_str().unwrap_or_default();
        println!(
            "{:12} {:10} {:10} {:>6} ms {:>8} ms in the mini cluster",
            text("stage"),
            text("run"),
            text("step"),
            phase["tookMs"],
            phase["simulatedMs"]
        );
    }
}
