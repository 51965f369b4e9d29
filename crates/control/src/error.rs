//! Why a loop could not do its work.

use std::sync::Arc;

use model::{Code, Diagnose};
use stdx::chain;

/// Why a loop could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the hub does not serve the kind {kind}")]
    NoKind { kind: &'static str },
    #[error("the API server does not serve {name}")]
    NotServed { name: String },
    #[error("{problem}")]
    NoWay { problem: String, cure: String },
    #[error(transparent)]
    Cluster(Box<cluster::Error>),
    #[error(transparent)]
    Unreadable(#[from] kinds::ReadError),
    #[error("{problem}")]
    Mistake { problem: String, cure: String },
    #[error("the audit log can't be written")]
    Audit(#[source] Arc<Error>),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Forge(#[from] source::forge::Error),
    #[error(transparent)]
    Store(#[from] artifact::Error),
    #[error(transparent)]
    Sandbox(#[from] verify::Error),
    #[error(transparent)]
    Release(Box<cluster::run::Error>),
    #[error(transparent)]
    Rendering(Box<cluster::rendering::Error>),
}

impl Error {
    /// The error and what to do about it, as a condition says it.
    pub(crate) fn told(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{}; {hint}", chain(self)),
            None => chain(self),
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::NoKind { .. } | Self::NotServed { .. } => Code::NO_HUB,
            Self::NoWay { .. } => Code::KUBECONFIG,
            Self::Cluster(error) => error.code(),
            Self::Unreadable(_) | Self::Mistake { .. } => Code::NO_HUB,
            Self::Audit(error) => error.code(),
            Self::Source(error) => error.code(),
            Self::Forge(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Sandbox(error) => error.code(),
            Self::Release(error) => error.code(),
            Self::Rendering(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKind { .. } => {
                Some("install the kinds: `shipway crds | kubectl apply --server-side -f -`".to_owned())
            }
            Self::NotServed { .. } => {
                Some("look at the API server's log; the kind may come in a moment".to_owned())
            }
            Self::NoWay { cure, .. } | Self::Mistake { cure, .. } => Some(cure.clone()),
            Self::Audit(error) => error.hint(),
            Self::Source(error) => error.hint(),
            Self::Forge(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Release(error) => error.hint(),
            Self::Rendering(error) => error.hint(),
            Self::Cluster(error) => error.hint(),
            Self::Unreadable(_) => Some(
                "it was written by another version; `shipway crds` prints the kinds of this one".to_owned(),
            ),
        }
    }
}
