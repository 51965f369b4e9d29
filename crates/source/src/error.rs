//! Why a repository did not give or take what it was asked for: what was asked, why not, and the cure.

use std::time::Duration;

use model::{Code, Diagnose};

/// Why work with a repository failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address {address} {problem}")]
    Address { address: String, problem: String },
    #[error("can't use the credentials for {repository}: {problem}")]
    Credentials { repository: String, problem: String },
    #[error("can't reach {repository}: {said}")]
    Unreachable { repository: String, said: String },
    #[error("{repository} refuses the credentials: {said}")]
    Refused { repository: String, said: String },
    #[error("{repository} did not answer within {} s", after.as_secs())]
    NoAnswer { repository: String, after: Duration },
    #[error("git can't {task}: {problem}")]
    Git { task: String, problem: String },
    #[error("{what} {problem}")]
    NotThere { what: String, problem: String },
    #[error("{what} {problem}")]
    Content { what: String, problem: String },
    #[error(
        "the verdict on {commit} was not written in {tries} tries: others write notes to {repository} too"
    )]
    Race {
        commit: String,
        repository: String,
        tries: usize,
    },
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Address { .. } | Self::Credentials { .. } => Code::SOURCE_ADDRESS,
            Self::Unreachable { .. } | Self::NoAnswer { .. } => Code::SOURCE_UNREACHABLE,
            Self::Refused { .. } => Code::SOURCE_REFUSED,
            Self::Git { .. } => Code::SOURCE_GIT,
            Self::NotThere { .. } => Code::SOURCE_NOT_THERE,
            Self::Content { .. } => Code::SOURCE_CONTENT,
            Self::Race { .. } => Code::SOURCE_RACE,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Address { .. } => {
                "write it as https://host/path, ssh://git@host/path, git@host:path or file:///folder, and put names and \
                 passwords into the Secret that `credentials` names"
            }
            Self::Credentials { .. } => {
                "the Secret has `username` and `password` for https, `ssh-privatekey` and `known_hosts` for ssh"
            }
            Self::Unreachable { .. } | Self::NoAnswer { .. } => {
                "it is tried again; `git ls-remote` with the same address from the same machine shows what is in the way"
            }
            Self::Refused { .. } => {
                "put a token or key into the Secret that may read the repository; for notes it has to be allowed to write"
            }
            Self::Git { .. } => "git 2.36 or newer has to be installed, and the cache's folder writable",
            Self::NotThere { .. } => "see what is there with `git ls-remote` and `git ls-tree -r`",
            Self::Content { .. } => "take it out of the chart's folder, or out of what `.helmignore` lets in",
            Self::Race { .. } => "it is tried again at the next look",
        };
        Some(hint.to_owned())
    }
}
