//! For programs.

use serde_json::{Value, json};

use super::place;
use crate::exceptions::Exception;
use crate::report::{Found, Phase, Report};

/// The report as a value; times in milliseconds.
#[must_use]
pub fn value(report: &Report, folder: &str) -> Value {
    let excepted = report.excepted.iter().map(|(one, exception)| {
        let Exception { reason, until, .. } = exception;
        let mut value = found(one, folder);
        value["exception"] = json!({"reason": reason, "until": until});
        value
    });
    let mut told = json!({
        "chart": report.chart,
        "passed": report.passed(),
        "levels": report.levels,
        "findings": report.findings.iter().map(|one| found(one, folder)).collect::<Vec<_>>(),
        "excepted": excepted.collect::<Vec<_>>(),
        "restricted": report.restricted,
        "changes": report.changes,
        "phases": report.phases.iter().map(phase).collect::<Vec<_>>(),
        "tookMs": milliseconds(report.took),
    });
    if let Some(evidence) = &report.evidence {
        told["evidence"] = json!(evidence.digest());
    }
    told
}

fn found(found: &Found, folder: &str) -> Value {
    let finding = &found.finding;
    let mut value = json!({
        "check": finding.check,
        "severity": finding.severity.as_str(),
        "level": found.level,
        "stages": found.stages,
        "message": finding.message,
    });
    let file = place(found, folder);
    for (name, text) in [
        ("object", finding.object.as_str()),
        ("path", &finding.path),
        ("file", &file),
        ("cure", &finding.cure),
    ] {
        if !text.is_empty() {
            value[name] = json!(text);
        }
    }
    if let Some(line) = found.line() {
        value["line"] = json!(line);
    }
    value
}

fn phase(phase: &Phase) -> Value {
    json!({
        "level": phase.level,
        "stage": phase.stage,
        "run": phase.run,
        "step": phase.step,
        "passed": phase.passed,
        "tookMs": milliseconds(phase.took),
        "simulatedMs": milliseconds(phase.simulated),
    })
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
