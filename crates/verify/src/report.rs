//! What came out: findings in one list, level by level with what it does not prove, and the time of each step.

use std::time::Duration;

use kinds::{Level, LevelResult, Verdict};
use manifest::Severity;

use crate::changes::StageChange;
use crate::evidence::Evidence;
use crate::exceptions::Exception;
use crate::failure::Step;

/// What the two rehearsals of a stage are called.
pub(crate) const FRESH: &str = "fresh";
pub(crate) const FROM_LIVE: &str = "from live";

/// The verdict on a chart.
#[derive(Clone, Debug)]
pub struct Report {
    /// `api 1.4.2`
    pub chart: String,
    pub levels: Vec<LevelResult>,
    /// The worst first.
    pub findings: Vec<Found>,
    /// What would have been found, and who said that it may be.
    pub excepted: Vec<(Found, Exception)>,
    /// The checks that were left out, or the only ones made, as they were asked for; empty if all were made.
    pub restricted: String,
    /// What would change in each stage. A stage is missing where the chart, or what is live, can't be rendered.
    pub changes: Vec<StageChange>,
    pub phases: Vec<Phase>,
    /// What the rehearsals left, if it was asked for.
    pub evidence: Option<Evidence>,
    pub took: Duration,
}

/// A finding, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub finding: manifest::Finding,
    pub level: Level,
    /// All for which it holds.
    pub stages: Vec<String>,
}

/// A step that was made.
#[derive(Clone, Debug)]
pub struct Phase {
    pub level: Level,
    pub stage: String,
    /// `fresh` or `from live`.
    pub run: &'static str,
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// How much time passed in the cluster: in a mini cluster it passes by itself.
    pub simulated: Duration,
    pub passed: bool,
}

impl Found {
    /// The file in the chart, from the chart's folder; empty where there is none.
    #[must_use]
    pub fn file(&self) -> &str {
        // A template is named from the chart's name on.
        let source = self.finding.source.as_str();
        source
            .split_once("/templates/")
            .filter(|(chart, _)| !chart.contains('/'))
            .map_or_else(
                || {
                    source
                        .split_once("/charts/")
                        .map_or(source, |(chart, _)| &source[chart.len() + 1..])
                },
                |(chart, _)| &source[chart.len() + 1..],
            )
    }

    /// In that file.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        Some(self.finding.line).filter(|line| *line > 0)
    }
}

impl Report {
    /// How many findings are as bad as this.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let is_it = |found: &&Found| found.finding.severity == severity;
        self.findings.iter().filter(is_it).count()
    }

    /// Whether something is live in a stage, so that it was looked at as an upgrade.
    pub(crate) fn is_live(&self, stage: &str) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| phase.run == FROM_LIVE && phase.stage == stage)
    }

    /// Whether nothing was found that forbids the change.
    #[must_use]
    pub fn passed(&self) -> bool {
        let failed = |level: &LevelResult| matches!(level.result, Verdict::Failed | Verdict::Error);
        !self.levels.iter().any(failed)
            && !self
                .findings
                .iter()
                .any(|found| found.finding.severity == Severity::Error)
    }
}
