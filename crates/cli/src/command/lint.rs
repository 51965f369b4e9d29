//! `shipway lint`: everything that is wrong with a chart, with file and line.

use std::path::{Path, PathBuf};

use chart::capabilities::KubeVersion;
use chart::lint::{Finding, Options, Severity, lint_rendered};
use model::Namespace;
use serde::Serialize;

use super::host::host;
use super::unpacked::Unpacked;
use super::values::ValueArgs;
use crate::console::{Console, Verbosity};
use crate::{Failure, Outcome};

/// Check charts and report every finding.
#[derive(Debug, clap::Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  shipway lint ./charts/api
  shipway lint ./charts/* --strict
  shipway lint ./charts/api -f production.yaml -o json

Finds all that `helm lint` finds. Exit code 3 when there is an error, or a warning with --strict."
)]
pub(crate) struct Args {
    /// The charts: folders or .tgz archives.
    #[arg(value_name = "CHART", default_value = ".")]
    charts: Vec<PathBuf>,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
    /// Check the charts below charts/ as well.
    #[arg(long)]
    with_subcharts: bool,
    /// The Kubernetes version to look for removed APIs in, such as 1.35.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Do not hold the values against the charts' schemas.
    #[arg(long)]
    skip_schema_validation: bool,
    /// The namespace templates see.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    #[command(flatten)]
    values: ValueArgs,
}

/// A finding with the chart it is in, as a program gets it.
#[derive(Debug, Serialize)]
struct Row {
    chart: String,
    severity: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    message: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let charts = charts(args);
    let options = Options {
        values: args.values.compose()?,
        kube_version: args.kube_version.as_deref().map(KubeVersion::parse).transpose()?,
        skip_schema: args.skip_schema_validation,
    };
    let namespace: Namespace = args.namespace.parse()?;
    let mut rows = Vec::new();
    let mut progress = console.progress();
    for (at, chart) in charts.iter().enumerate() {
        progress.show(&format!("{} of {}: {}", at + 1, charts.len(), chart.display()));
        rows.extend(findings(chart, &options, &namespace)?);
    }
    drop(progress);
    let fails = |row: &&Row| row.severity == "error" || (args.strict && row.severity == "warning");
    let failed = rows.iter().filter(fails).count();
    console.data(&rows, || text(&rows))?;
    let counted = format!(
        "{}, {}, {failed} of them failing",
        count(charts.len(), "chart"),
        count(rows.len(), "finding")
    );
    console.note(Verbosity::Normal, &counted);
    Ok(if failed == 0 {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// The charts asked for, each followed by its subcharts if those are wanted.
fn charts(args: &Args) -> Vec<PathBuf> {
    let below = |chart: &Path| {
        let entries = std::fs::read_dir(chart.join("charts"))
            .into_iter()
            .flatten()
            .flatten();
        let mut paths: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| is_chart(path))
            .collect();
        paths.sort();
        paths
    };
    let with_subcharts = |chart: &PathBuf| {
        let subcharts = if args.with_subcharts {
            below(chart)
        } else {
            Vec::new()
        };
        std::iter::once(chart.clone()).chain(subcharts)
    };
    args.charts.iter().flat_map(with_subcharts).collect()
}

fn is_chart(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "tgz")
}

fn findings(chart: &Path, options: &Options, namespace: &Namespace) -> Result<Vec<Row>, Failure> {
    let found = found(chart, options, namespace)?;
    Ok(found.into_iter().map(|finding| row(chart, finding)).collect())
}

/// Lints one chart, a folder or an archive.
fn found(chart: &Path, options: &Options, namespace: &Namespace) -> Result<Vec<Finding>, Failure> {
    let folder = Unpacked::of(chart)?;
    Ok(lint_rendered(folder.path(), options, namespace, host(None))?)
}

fn row(chart: &Path, finding: Finding) -> Row {
    let Finding {
        severity,
        path,
        line,
        message,
    } = finding;
    let severity = match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    Row {
        chart: chart.display().to_string(),
        severity,
        path,
        line,
        message,
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn text(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let line = row.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!(
            "{} {}/{}{line}: {}\n",
            row.severity,
            row.chart.trim_end_matches('/'),
            row.path,
            row.message
        )
    };
    rows.iter().map(line).collect()
}
