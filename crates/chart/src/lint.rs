//! Everything `helm lint` finds, as data: severity, file, line where one is known, and Helm's message.
//!
//! ```text
//! Chart.yaml ─ values.yaml ─ templates ─ dependencies ─ crds ──► findings
//! ```
//!
//! Rendering is the caller's, through [`Render`]; what was rendered is checked here. A rule that finds nothing
//! to look at says so and stays quiet otherwise: findings come in Helm's order, all of them.

mod address;
mod chartfile;
mod crds;
mod dependencies;
mod deprecations;
mod duplicates;
mod manifest;
mod names;
mod templates;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use model::Namespace;

use crate::capabilities::{Capabilities, KubeVersion};
use crate::chart::Chart;
use crate::error::Error;
use crate::functions::Host;
use crate::render::render_for_lint;
use crate::values::Map;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// A file or folder within the chart; empty for the chart as a whole.
    pub path: String,
    /// From one.
    pub line: Option<u32>,
    pub message: String,
}

/// What to check with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The user's values.
    pub values: Map,
    /// `--kube-version`
    pub kube_version: Option<KubeVersion>,
    pub skip_schema: bool,
}

/// Renders a chart in lint mode (release `test-release`) with processed dependencies and coalesced values:
/// template paths such as `chart/templates/a.yaml` and what they printed.
pub type Render<'a> = dyn FnMut(&Chart, &Map) -> Result<BTreeMap<String, Vec<u8>>, Unrendered> + 'a;

/// Why the templates could not be rendered, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrendered {
    /// A template within the chart; empty when the reason is not in one.
    pub path: String,
    pub line: Option<u32>,
    pub message: String,
}

/// Lints the chart in a folder, rendered as `helm lint` renders it.
///
/// # Errors
/// As [`lint`].
pub fn lint_rendered(
    root: &Path,
    options: &Options,
    namespace: &Namespace,
    mut host: Host,
) -> Result<Vec<Finding>, Error> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    host.lint = true;
    lint(root, options, &mut |chart, values| {
        render_for_lint(chart, values, namespace, &capabilities, &host)
    })
}

/// Lints the chart in a directory.
///
/// # Errors
/// When there is no `Chart.yaml` to begin with.
pub fn lint(root: &Path, options: &Options, render: &mut Render<'_>) -> Result<Vec<Finding>, Error> {
    let chart_yaml = root.join("Chart.yaml");
    std::fs::metadata(&chart_yaml).map_err(|failed| Error::NoChartToLint {
        source: Box::new(Error::io("stat", &chart_yaml, &failed)),
    })?;
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let mut linter = Linter {
        root,
        findings: Vec::new(),
    };
    chartfile::check(&mut linter);
    values::check(&mut linter, options);
    templates::check(&mut linter, options, render);
    dependencies::check(&mut linter);
    crds::check(&mut linter);
    Ok(linter.findings)
}

impl fmt::Display for Finding {
    /// The line as `helm lint` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.message)
    }
}

/// Collects what the rules find.
struct Linter {
    root: PathBuf,
    findings: Vec<Finding>,
}

impl Linter {
    fn add(&mut self, severity: Severity, path: &str, message: impl Into<String>) {
        self.add_at(severity, path, None, message);
    }

    fn add_at(&mut self, severity: Severity, path: &str, line: Option<u32>, message: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            path: path.to_owned(),
            line,
            message: message.into(),
        });
    }

    /// Loads the chart, for rules that need all of it.
    fn load(&self) -> Result<Chart, Error> {
        crate::load::directory::load_unchecked(&self.root).map(|loaded| loaded.chart)
    }
}
