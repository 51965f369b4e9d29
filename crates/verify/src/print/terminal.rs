//! For a person at a terminal.

use kinds::Verdict;
use manifest::Severity;

use super::{place, sentence};
use crate::report::Report;

pub(super) fn print(report: &Report, folder: &str) -> String {
    let mut text = String::new();
    for found in &report.findings {
        let finding = &found.finding;
        let told = sentence(found).replace('\n', "\n  ");
        text.push_str(&format!("{} {}: {told}\n", finding.severity, finding.check));
        let file = place(found, folder);
        let stages = found.stages.join(", ");
        match (file.as_str(), found.line()) {
            ("", _) => text.push_str(&format!("  in {stages}\n")),
            (file, None) => text.push_str(&format!("  at {file}, in {stages}\n")),
            (file, Some(line)) => text.push_str(&format!("  at {file}:{line}, in {stages}\n")),
        }
        if !finding.cure.is_empty() {
            text.push_str(&format!("  {}\n", finding.cure));
        }
        text.push('\n');
    }
    for (found, exception) in &report.excepted {
        text.push_str(&format!(
            "excepted {}: {}\n  until {}: {}\n\n",
            found.finding.check,
            sentence(found),
            exception.until,
            exception.reason
        ));
    }
    for level in &report.levels {
        let word = match level.result {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
            Verdict::Error => "could not be done",
        };
        text.push_str(&format!(
            "{:?} {} {word}: {}\n",
            level.level, level.stage, level.message
        ));
    }
    for change in report.changes.iter().filter(|one| report.is_live(&one.stage)) {
        text.push_str(&format!("{} against what is live\n", change.summary()));
    }
    let [errors, warnings, notes] =
        [Severity::Error, Severity::Warning, Severity::Note].map(|severity| report.count(severity));
    text.push_str(&format!(
        "{}: {} with {errors} errors, {warnings} warnings, {notes} notes in {:.2} s\n",
        report.chart,
        outcome(report),
        report.took.as_secs_f64()
    ));
    if let Some(evidence) = &report.evidence {
        text.push_str(&format!("evidence {}\n", evidence.digest()));
    }
    if !report.restricted.is_empty() {
        text.push_str(&format!("not all checks were made: {}\n", report.restricted));
    }
    text
}

fn outcome(report: &Report) -> &'static str {
    let mut levels = report.levels.iter();
    let is_undone = levels.any(|level| level.result == Verdict::Error);
    let is_found = report.count(Severity::Error) > 0;
    match report.passed() {
        true => "passed",
        false if is_undone && !is_found => "could not be verified",
        false => "failed",
    }
}
