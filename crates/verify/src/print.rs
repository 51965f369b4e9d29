//! A report as somebody reads it: a person at a terminal, or one of the programs around a pull request.
//!
//! Each form is one file with one function from the report to text. `folder` is where the chart stands, so that a place is
//! one in the repository.

mod github;
mod json;
mod junit;
mod sarif;
mod teamcity;
mod terminal;

use crate::report::{Found, Report};

pub use json::value;

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Terminal,
    Json,
    Junit,
    Sarif,
    TeamCity,
    GitHub,
}

impl Form {
    /// By the names that people write.
    pub const ALL: [(&'static str, Form); 6] = [
        ("text", Form::Terminal),
        ("json", Form::Json),
        ("junit", Form::Junit),
        ("sarif", Form::Sarif),
        ("teamcity", Form::TeamCity),
        ("github", Form::GitHub),
    ];

    /// Prints a report.
    #[must_use]
    pub fn print(self, report: &Report, folder: &str) -> String {
        match self {
            Self::Terminal => terminal::print(report, folder),
            Self::Json => format!("{:#}\n", json::value(report, folder)),
            Self::Junit => junit::print(report, folder),
            Self::Sarif => sarif::print(report, folder),
            Self::TeamCity => teamcity::print(report, folder),
            Self::GitHub => github::print(report, folder),
        }
    }
}

/// What would change in each stage, as unified diffs.
#[must_use]
pub fn diff(report: &Report) -> String {
    let stages = report.changes.iter();
    let text = stages.map(|change| format!("# {}\n{}\n", change.summary(), change.diff));
    text.collect()
}

/// The file of a finding from where the reader stands; empty where there is none.
fn place(found: &Found, folder: &str) -> String {
    match (
        folder.trim_start_matches("./").trim_end_matches('/'),
        found.file(),
    ) {
        (_, "") => String::new(),
        ("" | ".", file) => file.to_owned(),
        (folder, file) => format!("{folder}/{file}"),
    }
}

/// What is the matter, with the object and the field.
fn sentence(found: &Found) -> String {
    let finding = &found.finding;
    let mut text = String::new();
    if !finding.object.is_empty() {
        text.push_str(&finding.object);
        if !finding.path.is_empty() {
            text.push(' ');
            text.push_str(&finding.path);
        }
        text.push_str(": ");
    }
    text.push_str(&finding.message);
    text
}
