//! What came out: findings in one list, level by level with what it does not prove, and the time of each step.

use std::time::Duration;

use kinds::{Level, LevelResult, Verdict};
use manifest::Severity;

use crate::failure::Step;

/// The verdict on a chart.
#[derive(Clone, Debug)]
pub struct Report {
    /// `api 1.4.2`
    pub chart: String,
    pub levels: Vec<LevelResult>,
    /// The worst first.
    pub findings: Vec<Found>,
    pub phases: Vec<Phase>,
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
    pub stage: String,
    /// `fresh` or `from live`.
    pub run: &'static str,
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// How much time passed in the mini cluster.
    pub simulated: Duration,
    pub passed: bool,
}

impl Report {
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
