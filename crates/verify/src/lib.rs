//! Verifying a chart: what can be seen of it, and what becomes of it on a mini cluster like its stage's.

mod failure;
mod rehearsal;
mod sandbox;
mod seed;
mod stage;

use std::time::Duration;

use serde::Serialize;

pub use failure::Step;
pub use sandbox::Error;
pub use stage::{Live, Request, Stage, Target};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: String,
    pub severity: Severity,
    pub object: String,
    pub file: String,
    pub line: Option<u32>,
    pub message: String,
    pub cure: String,
    pub stages: Vec<String>,
}

/// A step that was made.
#[derive(Clone, Debug)]
pub struct Phase {
    pub stage: String,
    pub run: &'static str,
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// How much time passed in the mini cluster.
    pub simulated: Duration,
    pub passed: bool,
}
