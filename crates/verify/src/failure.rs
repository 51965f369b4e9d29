//! A step that failed, as findings.

use std::borrow::Cow;
use std::fmt;

use cluster::{rendering, run};
use model::Diagnose as _;
use serde::Serialize;

use manifest::{Finding, Severity};

/// A step of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Seed,
    Render,
    Look,
    Live,
    Install,
    Upgrade,
    Tests,
    Rollback,
    CleanUp,
}

impl Step {
    /// The check that fails when the step does.
    pub(crate) fn check(self) -> &'static str {
        match self {
            Self::Seed => "seed-fails",
            Self::Render | Self::Look => "render-fails",
            Self::Live => "live-fails",
            Self::Install => "install-fails",
            Self::Upgrade => "upgrade-fails",
            Self::Tests => "test-fails",
            Self::Rollback => "rollback-fails",
            Self::CleanUp => "left-behind",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seed => "start",
            Self::Render => "render",
            Self::Look => "look",
            Self::Live => "install what is live",
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Tests => "tests",
            Self::Rollback => "roll back",
            Self::CleanUp => "clean up",
        })
    }
}

/// Why a chart was not rendered.
pub(crate) fn of_rendering(step: Step, error: &rendering::Error) -> Vec<Finding> {
    vec![finding(step, String::new(), error, error.hint())]
}

/// Why an operation did not come to its end: one finding for each object that is to blame.
pub(crate) fn of_running(step: Step, error: &run::Error) -> Vec<Finding> {
    match error {
        run::Error::Refused(refused) => {
            let refusals = refused.refusals.iter();
            refusals
                .map(|refusal| Finding {
                    object: refusal.key.to_string(),
                    source: refusal.source.clone(),
                    message: refusal.reason().to_string(),
                    cure: Cow::Owned(refusal.cure().to_owned()),
                    ..finding(step, String::new(), error, error.hint())
                })
                .collect()
        }
        run::Error::Explained { unready, symptoms } => {
            let told: Vec<String> = symptoms.iter().map(ToString::to_string).collect();
            let objects = unready.objects.iter();
            objects
                .map(|(key, why)| Finding {
                    message: match told.is_empty() {
                        true => why.clone(),
                        false => format!("{why}\n{}", told.join("\n")),
                    },
                    ..finding(step, key.to_string(), error, error.hint())
                })
                .collect()
        }
        other => vec![finding(step, String::new(), other, other.hint())],
    }
}

fn finding(step: Step, object: String, error: &dyn std::error::Error, cure: Option<String>) -> Finding {
    Finding {
        check: step.check(),
        severity: Severity::Error,
        object,
        path: String::new(),
        source: String::new(),
        line: 0,
        message: chain(error),
        cure: cure.map_or(Cow::Borrowed(""), Cow::Owned),
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = source.source();
    }
    message
}
