//! The one comment on a proposal: what was found, level by level, and what would change in each stage.
//!
//! ```text
//! Comment ──► table of charts, findings, levels ──► room that is left ──► diffs, the largest cut first ──► markdown
//! ```
//!
//! Pure. The comment is written with our name from texts of strangers: nothing in it mentions anybody, closes an issue,
//! runs a quick action, becomes markup, or turns letters around. Values of Secrets have to be masked by the caller: a diff
//! is shown as it is given. What does not fit is cut, and how much is said.

mod text;

use std::fmt::Write as _;
use std::time::Duration;

use kinds::Finding;
use model::Digest;

use crate::id::ObjectId;
use crate::verdict::Outcome;

use text::{Cut, cell, code, fenced, html, prose, visible};

/// GitHub's limit on a comment, in characters; counted in bytes here, which are never fewer.
pub const GITHUB_LIMIT: usize = 65_536;

/// GitLab's.
pub const GITLAB_LIMIT: usize = 1_000_000;

/// Charts in the table at the top.
const MOST_ROWS: usize = 100;

/// Findings of one chart; more than these are one mistake made often.
const MOST_FINDINGS: usize = 50;

/// What one text of a finding may take.
const LONGEST_TEXT: usize = 600;

/// A diff of which less than this can be shown is only counted.
const SHORTEST_DIFF: usize = 200;

/// Kept free for the notes about what was left out, and the last line.
const RESERVE: usize = 600;

/// The least that makes sense as a limit.
pub const SMALLEST_LIMIT: usize = 4_000;

/// What is said of a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub commit: ObjectId,
    /// What it was compared with, in words: `what is live`, `main at 4f0c2a…`.
    pub compared_with: String,
    /// In the order in which they are shown; failed ones first is the caller's choice.
    pub charts: Vec<ChartReport>,
    /// Where more is told.
    pub url: Option<String>,
}

/// What is said of one chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartReport {
    /// The application, or the chart's folder where there is none.
    pub name: String,
    /// Name and version.
    pub chart: String,
    pub outcome: Outcome,
    pub summary: String,
    pub levels: Vec<Level>,
    /// The worst first.
    pub findings: Vec<Finding>,
    pub stages: Vec<StageDiff>,
    pub evidence: Option<Digest>,
    /// What took how long.
    pub timings: Vec<(String, Duration)>,
}

/// One level of verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// `L1`
    pub name: String,
    pub held: Held,
    /// What even a pass does not prove.
    pub not_proven: String,
}

/// How a level went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Passed,
    Failed,
    /// It was not tried, and why.
    Skipped(String),
}

/// What would change in one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageDiff {
    pub stage: String,
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    /// A unified diff of the rendered manifests, with the values of Secrets masked.
    pub diff: String,
}

/// The line by which our comment is found again. `identity` tells installations apart that look at one repository.
pub fn marker(identity: &str) -> String {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || "._/".contains(c) {
            c
        } else {
            '_'
        }
    };
    let identity: String = identity.chars().take(100).map(fit).collect();
    format!("<!-- shipway:verdict {identity} -->")
}

/// Writes the comment, with the marker as its first line, in at most `limit` bytes.
///
/// Guarantees: no longer than `limit`, if that is [`SMALLEST_LIMIT`] or more; no text of a chart acts as markup.
pub fn render(comment: &Comment, identity: &str, limit: usize) -> String {
    let mut out = format!("{}\n", marker(identity));
    head(comment, &mut out);
    let limit = limit.saturating_sub(RESERVE);
    let mut bodies = Vec::new();
    let mut used = out.len();
    for chart in &comment.charts {
        let body = body(chart);
        let frame: usize = chart.stages.iter().map(frame).sum();
        if used + body.len() + frame > limit {
            break;
        }
        used += body.len() + frame;
        bodies.push((chart, body));
    }
    let diffs: Vec<String> = bodies
        .iter()
        .flat_map(|(chart, _)| &chart.stages)
        .map(|stage| visible(&stage.diff))
        .collect();
    let sizes: Vec<usize> = diffs.iter().map(String::len).collect();
    let cap = cap(&sizes, limit.saturating_sub(used));
    let mut diffs = diffs.iter();
    for (chart, body) in &bodies {
        out.push_str(body);
        for stage in &chart.stages {
            let diff = diffs.next().map_or("", String::as_str);
            out.push_str(&changes(stage, diff, cap));
        }
        out.push_str(AFTER_CHART);
    }
    let left = comment.charts.len() - bodies.len();
    if left > 0 {
        let _ = writeln!(out, "\nThe details of {left} more charts did not fit.");
    }
    let _ = write!(out, "\n<sub>Commit {}", code(&comment.commit.to_string()));
    if let Some(url) = comment.url.as_deref().filter(|url| is_plain(url)) {
        let _ = write!(out, " · [more]({url})");
    }
    out.push_str("</sub>\n");
    out
}

const AFTER_CHART: &str = "\n</details>\n";

fn head(comment: &Comment, out: &mut String) {
    let count = |outcome| {
        comment
            .charts
            .iter()
            .filter(|chart| chart.outcome == outcome)
            .count()
    };
    let words = [
        (count(Outcome::Failed), "failed"),
        (count(Outcome::Error), "could not be looked at"),
        (count(Outcome::Pending), "under way"),
        (count(Outcome::Passed), "passed"),
    ];
    let words: Vec<String> = words
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let words = if words.is_empty() {
        "no chart changed".to_owned()
    } else {
        words.join(", ")
    };
    let _ = writeln!(out, "### Shipway: {words}\n");
    if comment.charts.is_empty() {
        return;
    }
    let _ = writeln!(out, "Compared with {}.\n", prose(&comment.compared_with, 200));
    out.push_str("| | chart | verdict | changes |\n|---|---|---|---|\n");
    let rows = comment.charts.iter().take(MOST_ROWS).map(|chart| {
        let changes: Vec<String> = chart.stages.iter().take(8).map(counts).collect();
        format!(
            "| {} | {} {} | {} | {} |\n",
            sign(chart.outcome),
            cell(&code(short(&chart.name, 100))),
            cell(&prose(&chart.chart, 100)),
            cell(&prose(&chart.summary, 120)),
            cell(&changes.join("<br>")),
        )
    });
    // Some kilobytes at most for the table: a small limit has to hold too.
    let room = SMALLEST_LIMIT - RESERVE - 1_000;
    let mut shown = 0;
    let mut size = 0;
    for row in rows {
        size += row.len();
        if size > room && shown > 0 || size > 2 * room {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    if shown < comment.charts.len() {
        let _ = writeln!(out, "\nAnd {} more charts.", comment.charts.len() - shown);
    }
}

/// Everything of a chart but its diffs; the block stays open.
fn body(chart: &ChartReport) -> String {
    let open = if chart.outcome == Outcome::Passed {
        ""
    } else {
        " open"
    };
    let mut out = format!(
        "\n<details{open}><summary>{} {}</summary>\n\n",
        sign(chart.outcome),
        html(&chart.name, 100)
    );
    if !chart.findings.is_empty() {
        out.push_str("| | check | what | cure |\n|---|---|---|---|\n");
    }
    for finding in chart.findings.iter().take(MOST_FINDINGS) {
        out.push_str(&row(finding));
    }
    if chart.findings.len() > MOST_FINDINGS {
        let _ = writeln!(
            out,
            "\nAnd {} more findings.",
            chart.findings.len() - MOST_FINDINGS
        );
    }
    if !chart.levels.is_empty() {
        out.push_str("\n| level | | does not prove |\n|---|---|---|\n");
    }
    for level in chart.levels.iter().take(8) {
        let held = match &level.held {
            Held::Passed => "passed".to_owned(),
            Held::Failed => "**failed**".to_owned(),
            Held::Skipped(why) => format!("not tried: {}", prose(why, 200)),
        };
        let name = cell(&prose(&level.name, 20));
        let _ = writeln!(
            out,
            "| {name} | {} | {} |",
            cell(&held),
            cell(&prose(&level.not_proven, 300))
        );
    }
    let mut facts = Vec::new();
    if let Some(evidence) = &chart.evidence {
        facts.push(format!("evidence {}", code(&evidence.to_string())));
    }
    let timing = |(what, took): &(String, Duration)| format!("{} {} ms", prose(what, 40), took.as_millis());
    facts.extend(chart.timings.iter().take(12).map(timing));
    if !facts.is_empty() {
        let _ = writeln!(out, "\n<sub>{}</sub>", facts.join(" · "));
    }
    out
}

/// One finding, as a row.
fn row(finding: &Finding) -> String {
    let place = match (finding.file.as_str(), finding.line) {
        ("", _) => String::new(),
        (file, None) => format!("<br>{}", code(short(file, 200))),
        (file, Some(line)) => format!("<br>{}", code(&format!("{}:{line}", short(file, 200)))),
    };
    let stages = finding.stages.iter().take(8).map(|stage| prose(stage, 40));
    let stages: Vec<String> = stages.collect();
    let stages = if stages.is_empty() {
        String::new()
    } else {
        format!("<br>in {}", stages.join(", "))
    };
    let path = if finding.path.is_empty() {
        String::new()
    } else {
        format!(" {}", code(short(&finding.path, 200)))
    };
    format!(
        "| {} | {} | {}{}{}<br>{}{} | {} |\n",
        finding.severity,
        cell(&code(short(&finding.check, 80))),
        cell(&code(short(&finding.object, 200))),
        cell(&path),
        cell(&place),
        cell(&prose(&finding.message, LONGEST_TEXT)),
        cell(&stages),
        cell(&prose(&finding.cure, LONGEST_TEXT)),
    )
}

/// What one stage changes, with at most `cap` bytes of its diff.
fn changes(stage: &StageDiff, diff: &str, cap: usize) -> String {
    let title = format!("{} ({})", html(&stage.stage, 80), amounts(stage));
    if diff.trim().is_empty() {
        return format!("\nNothing changes in {}.\n", prose(&stage.stage, 80));
    }
    let Cut { kept, lines, bytes } = text::cut(diff, cap);
    let mut out = format!("\n<details><summary>{title}</summary>\n\n");
    if !kept.is_empty() {
        out.push_str(&fenced("diff", kept, text::longest_ticks(diff)));
    }
    if lines > 0 {
        let _ = writeln!(out, "\n{lines} more lines ({bytes} bytes) did not fit.");
    }
    out.push_str("\n</details>\n");
    out
}

/// What [`changes`] takes beside the diff, at most.
fn frame(stage: &StageDiff) -> usize {
    let title = html(&stage.stage, 80).len() + amounts(stage).len();
    title + 2 * text::longest_ticks(&stage.diff) + AFTER_CHART.len() + 200
}

/// How many bytes of each diff fit: small ones wholly, large ones equally much.
fn cap(sizes: &[usize], room: usize) -> usize {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    let mut room = room;
    for (index, size) in sorted.iter().enumerate() {
        let share = room / (sorted.len() - index);
        if *size > share {
            return if share < SHORTEST_DIFF { 0 } else { share };
        }
        room -= size;
    }
    usize::MAX
}

fn counts(stage: &StageDiff) -> String {
    format!("{} {}", prose(&stage.stage, 40), amounts(stage))
}

fn amounts(stage: &StageDiff) -> String {
    format!("+{} ~{} −{}", stage.added, stage.changed, stage.removed)
}

fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "⏳",
        Outcome::Passed => "✅",
        Outcome::Failed => "❌",
        Outcome::Error => "⚠️",
    }
}

fn short(text: &str, longest: usize) -> &str {
    text::cut_chars(text, longest)
}

/// Whether an address can stand in a link as it is.
fn is_plain(url: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%".contains(c);
    url.len() <= 500 && (url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(fit)
}

#[cfg(test)]
mod tests;
