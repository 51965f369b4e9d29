//! Why a service can't be made or updated.

use model::{Code, Diagnose};

/// A refusal. Nothing was decided about any file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{what} {given:?} {problem}")]
    Answer {
        /// As in `the image`.
        what: &'static str,
        given: String,
        problem: &'static str,
        cure: &'static str,
    },

    #[error("{path} can't be understood: {problem}")]
    Record { path: &'static str, problem: String },

    #[error("the service was made from template {made}, and this shipway knows {known}")]
    UnknownTemplate { made: String, known: String },

    #[error("conflicts of an earlier update are not resolved: {}", .files.join(", "))]
    Unresolved { files: Vec<String> },
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Answer { .. } => Code::NEW_ANSWER,
            Self::Record { .. } => Code::NEW_RECORD,
            Self::UnknownTemplate { .. } => Code::NEW_TEMPLATE,
            Self::Unresolved { .. } => Code::NEW_UNRESOLVED,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Answer { cure, .. } => (*cure).to_owned(),
            Self::Record { path, .. } => {
                format!("bring {path} back from git: it is written by shipway alone")
            }
            Self::UnknownTemplate { .. } => {
                "use the shipway that the service was last updated with, or a newer one".to_owned()
            }
            Self::Unresolved { .. } => {
                "take over from each what you want, then remove it and run the command again".to_owned()
            }
        })
    }
}
