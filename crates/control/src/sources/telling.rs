//! What is said of commits: verdicts as statuses or notes, and one comment on each proposal of a forge.
//!
//! Pure. Who performs it remembers what was told, and tells what is new.

use std::time::Duration;

use jiff::Timestamp;
use kinds::condition::{PASSED, READY};
use kinds::{LevelResult, Object, Verdict as Result, Verification};
use source::Proposal;
use source::comment::{self, ChartReport, Comment, Held, StageDiff};
use source::verdict::{Outcome, Verdict};

use super::wanted::name_of;

/// What the time that a verification took is called.
const OF_VERIFICATION: &str = "verification";

/// Findings in a verdict, and how long each may be.
const FINDINGS: usize = 20;
const LONGEST: usize = 600;

/// Under which a commit's status or note stands.
pub(crate) fn context(one: &Object<Verification>) -> String {
    format!("shipway/{}/{}", one.metadata.namespace, one.spec.application)
}

/// The verdict so far.
pub(crate) fn verdict(one: &Object<Verification>) -> Verdict {
    let status = &one.status;
    let passed = status
        .results
        .iter()
        .filter(|result| result.result == Result::Passed);
    let level = passed.map(|result| result.level).max();
    Verdict {
        outcome: outcome(one),
        summary: summary(one),
        findings: status.findings.iter().take(FINDINGS).map(line).collect(),
        level: level.map(|level| format!("{level:?}")),
        evidence: status.evidence.parse().ok(),
        url: None,
        at: since(one),
    }
}

/// A finding in a line, as compilers write theirs.
fn line(finding: &kinds::Finding) -> String {
    let place = match (finding.file.as_str(), finding.line) {
        ("", _) => String::new(),
        (file, None) => format!("{file}: "),
        (file, Some(line)) => format!("{file}:{line}: "),
    };
    let of = |text: &str| match text {
        "" => String::new(),
        text => format!(" {text}"),
    };
    let kinds::Finding {
        severity,
        check,
        object,
        path,
        message,
        cure,
        ..
    } = finding;
    let cure = match cure.as_str() {
        "" => String::new(),
        cure => format!("; {cure}"),
    };
    let text = format!(
        "{place}{severity} {check}:{}{} {message}{cure}",
        of(object),
        of(path)
    );
    // A note is read as a whole with every verdict; a long log has its place in the evidence.
    let text: String = text.replace('\n', " ").chars().take(LONGEST).collect();
    text
}

fn outcome(one: &Object<Verification>) -> Outcome {
    let of = |kind: &str| {
        let conditions = one.status.conditions.iter();
        conditions.into_iter().find(|condition| condition.kind == kind)
    };
    match (of(READY), of(PASSED)) {
        (Some(ready), _) if ready.reason == kinds::condition::reason::FAILED => Outcome::Error,
        (Some(ready), Some(passed)) if ready.status == "True" => match passed.status.as_str() {
            "True" => Outcome::Passed,
            _ => Outcome::Failed,
        },
        _ => Outcome::Pending,
    }
}

fn summary(one: &Object<Verification>) -> String {
    let kind = match outcome(one) {
        Outcome::Pending => return "it is being looked at".to_owned(),
        Outcome::Error => READY,
        Outcome::Passed | Outcome::Failed => PASSED,
    };
    let conditions = one.status.conditions.iter();
    let found = conditions.into_iter().find(|condition| condition.kind == kind);
    found
        .map(|condition| condition.message.clone())
        .unwrap_or_default()
}

/// Since when it stands, so that the same verdict is the same text.
fn since(one: &Object<Verification>) -> Timestamp {
    let times = one.status.conditions.iter().filter_map(|condition| {
        let time: Timestamp = condition.last_transition_time.parse().ok()?;
        Some(time)
    });
    let made = one.metadata.creation_timestamp.parse().ok();
    times.max().or(made).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The comment on a proposal; `None` while there is nothing to say.
pub(crate) fn comment(proposal: &Proposal, of_source: &[&Object<Verification>]) -> Option<Comment> {
    let name = name_of(proposal);
    let commit = proposal.commit.to_string();
    let about =
        |one: &&&Object<Verification>| one.spec.proposal.as_ref() == Some(&name) && one.spec.commit == commit;
    let mut charts: Vec<&Object<Verification>> = of_source.iter().filter(about).copied().collect();
    if charts.is_empty() {
        return None;
    }
    let rank = |outcome| match outcome {
        Outcome::Failed => 0,
        Outcome::Error => 1,
        Outcome::Pending => 2,
        Outcome::Passed => 3,
    };
    charts.sort_by_key(|one| (rank(outcome(one)), context(one)));
    Some(Comment {
        commit: proposal.commit,
        compared_with: "what is live".to_owned(),
        charts: charts.into_iter().map(chart).collect(),
        url: None,
    })
}

fn chart(one: &Object<Verification>) -> ChartReport {
    let status = &one.status;
    let stages = status.changes.iter().map(|change| StageDiff {
        stage: change.stage.clone(),
        added: change.added as usize,
        changed: change.changed as usize,
        removed: change.removed as usize,
        diff: change.diff.clone(),
    });
    let took = Duration::from_millis(status.took_ms);
    ChartReport {
        name: format!("{}/{}", one.metadata.namespace, one.spec.application),
        chart: String::new(),
        outcome: outcome(one),
        summary: summary(one),
        levels: status.results.iter().map(level).collect(),
        findings: status.findings.clone(),
        stages: stages.collect(),
        evidence: status.evidence.parse().ok(),
        timings: vec![(OF_VERIFICATION.to_owned(), took)],
    }
}

fn level(result: &LevelResult) -> comment::Level {
    let (held, not_proven) = match result.result {
        Result::Passed => (Held::Passed, result.message.clone()),
        Result::Failed | Result::Error => (Held::Failed, result.message.clone()),
        Result::Skipped => (Held::Skipped(result.message.clone()), String::new()),
    };
    let name = match result.stage.as_str() {
        "" => format!("{:?}", result.level),
        stage => format!("{:?} {stage}", result.level),
    };
    comment::Level {
        name,
        held,
        not_proven,
    }
}
