//! Commands of GitHub's workflows: each makes an annotation at its place in the pull request.

use kinds::Verdict;
use manifest::Severity;

use super::{place, sentence};
use crate::report::Report;

pub(super) fn print(report: &Report, folder: &str) -> String {
    let lines = report.findings.iter().map(|found| {
        let command = match found.finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        let file = place(found, folder);
        if !file.is_empty() {
            properties.push(format!("file={}", property(&file)));
        }
        if let Some(line) = found.line() {
            properties.push(format!("line={line}"));
        }
        properties.push(format!("title={}", property(found.finding.check)));
        let message = format!("{}\n{}", sentence(found), found.finding.cure);
        format!("::{command} {}::{}\n", properties.join(","), data(&message))
    });
    let undone = report
        .levels
        .iter()
        .filter(|level| level.result == Verdict::Error);
    let undone = undone.map(|level| {
        let title = format!("{:?} {} could not be done", level.level, level.stage);
        format!("::error title={}::{}\n", property(&title), data(&level.message))
    });
    lines.chain(undone).collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
