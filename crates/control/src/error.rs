//! Why a loop could not do its work.

use model::{Code, Diagnose};

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
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::NoKind { .. } | Self::NotServed { .. } => Code::NO_HUB,
            Self::NoWay { .. } => Code::KUBECONFIG,
            Self::Cluster(error) => error.code(),
            Self::Unreadable(_) => Code::NO_HUB,
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
            Self::NoWay { cure, .. } => Some(cure.clone()),
            Self::Cluster(error) => error.hint(),
            Self::Unreadable(_) => Some(
                "it was written by another version; `shipway crds` prints the kinds of this one".to_owned(),
            ),
        }
    }
}
