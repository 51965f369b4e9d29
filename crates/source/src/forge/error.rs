//! Why a forge did not do what it was asked.

use std::time::Duration;

use model::{Code, Diagnose};

/// Why a request to a forge failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address {address} {problem}")]
    Address { address: String, problem: String },
    #[error("{forge} refuses to {task}: {status} {said}")]
    Refused {
        forge: &'static str,
        task: String,
        status: u16,
        said: String,
    },
    #[error("{forge} takes no more requests for {} s: {said}", wait.as_secs())]
    Busy {
        forge: &'static str,
        /// How long it wants to be left alone.
        wait: Duration,
        said: String,
    },
    #[error("{forge} can't be asked to {task}: {problem}")]
    Answer {
        forge: &'static str,
        task: String,
        problem: String,
    },
}

impl Error {
    /// How long the forge wants to be left alone, if it said so.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Address { .. } => Code::SOURCE_ADDRESS,
            Self::Refused { .. } => Code::FORGE_REFUSED,
            Self::Busy { .. } => Code::FORGE_BUSY,
            Self::Answer { .. } => Code::FORGE_ANSWER,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Address { .. } => {
                "write the API's address as https://HOST/api/v3 (GitHub) or https://HOST/api/v4 (GitLab)"
            }
            Self::Refused { .. } => {
                "the token needs the right to read pull requests, and to write commit statuses and comments"
            }
            Self::Busy { .. } => {
                "it is gone on with by then; webhooks instead of short intervals need fewer requests"
            }
            Self::Answer { .. } => {
                "look whether `api` is the forge's API: https://HOST/api/v3 for GitHub Enterprise, https://HOST/api/v4 for \
                 GitLab"
            }
        };
        Some(hint.to_owned())
    }
}
