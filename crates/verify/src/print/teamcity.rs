//! TeamCity's service messages: an inspection for each finding, and a problem of the build when it failed.

use std::collections::BTreeSet;

use manifest::Severity;

use super::{place, sentence};
use crate::report::Report;

/// TeamCity cuts a problem's description off here.
const DESCRIPTION_MAX: usize = 4_000;

pub(super) fn print(report: &Report, folder: &str) -> String {
    let mut text = String::new();
    let checks: BTreeSet<&str> = report.findings.iter().map(|found| found.finding.check).collect();
    for check in checks {
        let name = escaped(&check.replace('-', " "));
        text.push_str(&format!(
            "##teamcity[inspectionType id='{0}' name='{name}' description='{name}' category='shipway']\n",
            escaped(check)
        ));
    }
    for found in &report.findings {
        let severity = match found.finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Note => "INFO",
        };
        text.push_str(&format!(
            "##teamcity[inspection typeId='{}' message='{}' file='{}' line='{}' SEVERITY='{severity}']\n",
            escaped(found.finding.check),
            escaped(&sentence(found)),
            escaped(&place(found, folder)),
            found.line().unwrap_or_default(),
        ));
    }
    if !report.passed() {
        let description: String = format!("{} failed its verification", report.chart)
            .chars()
            .take(DESCRIPTION_MAX)
            .collect();
        text.push_str(&format!(
            "##teamcity[buildProblem description='{}' identity='shipway-verify']\n",
            escaped(&description)
        ));
    }
    text
}

/// Values are quoted by apostrophes, and escaped with bars.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '|' | '\'' | '[' | ']' => out.extend(['|', char]),
            '\n' => out.push_str("|n"),
            '\r' => out.push_str("|r"),
            char if char.is_ascii() && !char.is_control() => out.push(char),
            char => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    out.push_str(&format!("|0x{unit:04X}"));
                }
            }
        }
    }
    out
}
