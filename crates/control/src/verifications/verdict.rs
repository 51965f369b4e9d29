//! What came out of a verification, as its status says it.
//!
//! Pure.

use jiff::Timestamp;
use kinds::condition::{self, Condition, PASSED, READY, reason};
use kinds::{
    Finding, Level, LevelResult, Object, Severity, StageChange, Verdict, Verification, VerificationStatus,
};
use manifest::Severity as Found;
use model::Digest;
use verify::Report;

/// Findings that a status has; the evidence has all.
const FINDINGS: usize = 100;

/// What all findings and what all diffs of a status come to at most, so that an object stays far below the 1.5 MiB that
/// etcd takes.
const FINDINGS_BYTES: usize = 256 * 1024;
const DIFF_BYTES: usize = 30 * 1024;

/// What a file that can't be read is called, as where a template can't be rendered.
pub(crate) const UNREADABLE: &str = "render-fails";

/// That a version was published with other content.
pub(crate) const PUBLISHED: &str = "version-published";

/// What came out.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) levels: Vec<LevelResult>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) changes: Vec<StageChange>,
    pub(crate) digest: Option<Digest>,
    pub(crate) evidence: Option<Digest>,
    pub(crate) took_ms: u64,
}

impl Came {
    /// What a report says.
    pub(crate) fn of(report: &Report) -> Self {
        let changes = report.changes.iter().map(|change| StageChange {
            stage: change.stage.clone(),
            added: small(change.added),
            changed: small(change.changed),
            removed: small(change.removed),
            diff: cut(&change.diff),
        });
        Self {
            levels: report.levels.clone(),
            findings: report.findings.iter().map(finding).collect(),
            changes: changes.collect(),
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            ..Self::default()
        }
    }

    /// Only that the change itself can't be looked at.
    pub(crate) fn unfit(message: String, cure: String) -> Self {
        let mut came = Self::default();
        came.add(UNREADABLE, message, cure);
        came.levels.push(LevelResult {
            level: Level::L1,
            stage: String::new(),
            result: Verdict::Failed,
            message: "nothing but that the chart can't be read".to_owned(),
        });
        came
    }

    /// Adds an error about the chart as such.
    pub(crate) fn add(&mut self, check: &str, message: String, cure: String) {
        let finding = Finding {
            check: check.to_owned(),
            severity: Severity::Error,
            object: String::new(),
            path: String::new(),
            file: "Chart.yaml".to_owned(),
            line: None,
            message,
            cure,
            stages: Vec::new(),
        };
        self.findings.insert(0, finding);
    }

    pub(crate) fn passed(&self) -> bool {
        let failed = |level: &LevelResult| matches!(level.result, Verdict::Failed | Verdict::Error);
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        !self.levels.iter().any(failed) && !self.findings.iter().any(is_error)
    }

    /// The levels that passed for every stage, as `L1`.
    pub(crate) fn levels_passed(&self) -> Vec<String> {
        let passed = |level: &Level| {
            let mut of = self.levels.iter().filter(|one| one.level == *level).peekable();
            of.peek().is_some() && of.all(|one| one.result == Verdict::Passed)
        };
        let levels = [Level::L1, Level::L2, Level::L3];
        levels
            .iter()
            .filter(|level| passed(level))
            .map(|level| format!("{level:?}"))
            .collect()
    }

    fn count(&self, severity: Severity) -> usize {
        let is_it = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(is_it).count()
    }

    fn summary(&self) -> String {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let levels = match self.levels_passed().join(" and ") {
            levels if levels.is_empty() => "no level passed".to_owned(),
            levels => format!("{levels} passed"),
        };
        format!(
            "{levels}; {}, {}",
            count(errors, "error"),
            count(warnings, "warning")
        )
    }
}

/// The status while it is worked on.
pub(crate) fn at_work(object: &Object<Verification>, now: Timestamp) -> VerificationStatus {
    let mut status = VerificationStatus {
        conditions: object.status.conditions.clone(),
        ..VerificationStatus::default()
    };
    let message = "it is being worked on".to_owned();
    set(
        object,
        &mut status,
        (READY, "False", reason::AT_WORK, message.clone()),
        now,
    );
    set(
        object,
        &mut status,
        (PASSED, "Unknown", reason::AT_WORK, message),
        now,
    );
    status
}

/// The status of a verification that could not be done.
pub(crate) fn failed(object: &Object<Verification>, why: String, now: Timestamp) -> VerificationStatus {
    let mut status = object.status.clone();
    set(object, &mut status, (READY, "False", reason::FAILED, why), now);
    status
}

/// The status with what came out.
pub(crate) fn done(object: &Object<Verification>, came: &Came, now: Timestamp) -> VerificationStatus {
    let mut room = FINDINGS_BYTES;
    let fits = |finding: &&Finding| {
        let size = finding.message.len() + finding.cure.len() + finding.object.len() + 200;
        room = room.saturating_sub(size);
        room > 0
    };
    let mut status = VerificationStatus {
        conditions: object.status.conditions.clone(),
        digest: text(came.digest),
        results: came.levels.iter().take(64).cloned().collect(),
        findings: came
            .findings
            .iter()
            .take(FINDINGS)
            .take_while(fits)
            .cloned()
            .collect(),
        found: small(came.findings.len()),
        changes: came.changes.iter().take(16).cloned().collect(),
        evidence: text(came.evidence),
        took_ms: came.took_ms,
        ..VerificationStatus::default()
    };
    let (passed, why) = match came.passed() {
        true => ("True", reason::NO_FINDINGS),
        false => ("False", reason::FINDINGS),
    };
    let ready = (
        READY,
        "True",
        reason::AS_WRITTEN,
        "the verdict is there".to_owned(),
    );
    set(object, &mut status, ready, now);
    set(object, &mut status, (PASSED, passed, why, came.summary()), now);
    status
}

/// Whether there is nothing left to do.
pub(crate) fn is_done(object: &Object<Verification>) -> bool {
    let ready = object.status.conditions.iter().find(|one| one.kind == READY);
    ready.is_some_and(|ready| {
        ready.status == "True" && ready.observed_generation == object.metadata.generation
    })
}

fn set(
    object: &Object<Verification>,
    status: &mut VerificationStatus,
    (kind, value, why, message): (&str, &str, &str, String),
    now: Timestamp,
) {
    let generation = object.metadata.generation;
    status.observed_generation = Some(generation);
    let wanted = Condition::of(kind, generation, (value, why, message));
    condition::set(&mut status.conditions, wanted, now);
}

fn finding(found: &verify::Found) -> Finding {
    let finding = &found.finding;
    Finding {
        check: finding.check.to_owned(),
        severity: match finding.severity {
            Found::Error => Severity::Error,
            Found::Warning => Severity::Warning,
            Found::Note => Severity::Note,
        },
        object: finding.object.clone(),
        path: finding.path.clone(),
        file: found.file().to_owned(),
        line: found.line().and_then(|line| u32::try_from(line).ok()),
        message: finding.message.clone(),
        cure: finding.cure.to_string(),
        stages: found.stages.iter().take(16).cloned().collect(),
    }
}

/// A diff that fits, in whole lines.
fn cut(diff: &str) -> String {
    if diff.len() <= DIFF_BYTES {
        return diff.to_owned();
    }
    let mut kept = String::with_capacity(DIFF_BYTES);
    let mut lines = diff.split_inclusive('\n');
    for line in lines.by_ref() {
        if kept.len() + line.len() > DIFF_BYTES {
            let left = 1 + lines.count();
            kept.push_str(&format!("@@ {left} more lines are left out @@\n"));
            return kept;
        }
        kept.push_str(line);
    }
    kept
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn text(digest: Option<Digest>) -> String {
    digest.map(|digest| digest.to_string()).unwrap_or_default()
}
