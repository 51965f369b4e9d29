//! Why an operation did not come to its end.

use jiff::Timestamp;
use model::{Code, Diagnose};
use objects::Key;
use release::listing::first_names;
use release::{Braked, Refused, Status};

use super::reason::{self, Symptom};
use super::wait::Unready;
use crate::Cluster;
use crate::error::chain;

/// Why an operation on a release failed, or was not begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cluster(#[from] crate::Error),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Braked(#[from] Braked),
    #[error(transparent)]
    Record(#[from] release::Error),
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    #[error("{release} is {status}: {holder} is at work on it, until {until:.0} at least")]
    Held {
        release: String,
        status: Status,
        holder: String,
        until: Timestamp,
    },
    #[error("{holder} began {name} first")]
    Busy { name: String, holder: String },
    #[error("{name} is no longer ours: another run has taken it over")]
    Lost { name: String },
    #[error("release {release:?} is being uninstalled, and that was interrupted")]
    Uninstalling { release: String },
    #[error("cannot reuse a name that is still in use: release {release:?} is {status}")]
    NameInUse { release: String, status: Status },
    #[error("release {release:?} not found in namespace {namespace:?}")]
    NoRelease { release: String, namespace: String },
    #[error("release {release:?} has no namespace {namespace:?} to be in; nothing was touched")]
    NoNamespace { release: String, namespace: String },
    #[error("{key}: its kind is no longer served")]
    KindGone { key: Key },
    #[error("hook {name} failed: {why}{}", told(.symptoms))]
    Hook {
        name: String,
        why: String,
        symptoms: Vec<Symptom>,
    },
    #[error("{}", late(.0))]
    Unready(Unready),
    #[error("{}{}", late(.unready), told(.symptoms))]
    Explained {
        unready: Unready,
        symptoms: Vec<Symptom>,
    },
    #[error("the cluster ended a watch for good")]
    WatchEnded,
    #[error("{error}, and that could not be recorded")]
    Unrecorded {
        error: Box<Error>,
        #[source]
        unrecorded: Box<Error>,
    },
    #[error("{}: {error}", went_back(.outcome))]
    WentBack {
        error: Box<Error>,
        outcome: Result<String, Box<Error>>,
    },
}

impl Error {
    /// Whether the release is another run's now, so that nothing of it may be touched.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Busy { .. })
    }

    /// The error with its causes in one line, which is how a record keeps it.
    pub(crate) fn line(&self) -> String {
        let causes: Vec<String> = chain(self).map(ToString::to_string).collect();
        let lines = causes.join(": ");
        // What containers print may be anything, secrets too: it is for whoever waits, and not for the record.
        let kept = lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("log "));
        kept.collect::<Vec<_>>().join("; ")
    }

    /// Adds what the pods, events and logs say of objects that did not become ready.
    pub(crate) async fn explained(self, cluster: &Cluster) -> Self {
        match self {
            Self::Unready(unready) => Self::Explained {
                symptoms: reason::symptoms(cluster, &unready.objects).await,
                unready,
            },
            other => other,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cluster(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Braked(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Held { .. } | Self::Busy { .. } | Self::Lost { .. } => Code::RELEASE_HELD,
            Self::NoRelease { .. } => Code::NO_RELEASE,
            Self::NameInUse { .. } | Self::NoNamespace { .. } => Code::RELEASE_REFUSED,
            Self::Uninstalling { .. }
            | Self::KindGone { .. }
            | Self::Hook { .. }
            | Self::Unready(_)
            | Self::Explained { .. }
            | Self::WatchEnded
            | Self::Unrecorded { .. }
            | Self::WentBack { .. } => Code::RELEASE_FAILED,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Cluster(error) => return error.hint(),
            Self::Refused(error) => return error.hint(),
            Self::Braked(error) => return error.hint(),
            Self::Record(error) => return error.hint(),
            Self::Manifest(error) => return error.hint(),
            Self::Held { .. } => {
                "without `--no-queue` it is waited for; the hold of a run that was killed ends by itself, and the next run repairs what it left".to_owned()
            }
            Self::Busy { .. } | Self::Lost { .. } => {
                "`shipway history` shows what the other run makes of it".to_owned()
            }
            Self::Uninstalling { release } => format!("`shipway uninstall {release}` finishes it"),
            Self::NameInUse { release, .. } => {
                format!("`shipway upgrade --install {release}` changes it; another name makes a second one")
            }
            Self::NoRelease { .. } => {
                "`shipway list -A` shows what there is; `shipway upgrade --install` makes it".to_owned()
            }
            Self::NoNamespace { .. } => {
                "`--create-namespace` makes it; `--namespace` names another".to_owned()
            }
            Self::KindGone { .. } => {
                "its CustomResourceDefinition was deleted meanwhile; run the operation again".to_owned()
            }
            Self::Hook { .. } | Self::Unready(_) | Self::Explained { .. } | Self::WatchEnded => {
                "mend the cause and run it again; `shipway rollback` goes back".to_owned()
            }
            Self::Unrecorded { .. } => "the next operation finds it interrupted and repairs it".to_owned(),
            Self::WentBack { error, .. } => return error.hint(),
        })
    }
}

fn late(unready: &Unready) -> String {
    // Fifty that are late have one cause, mostly; the names of a few say which part of the release it is.
    const MOST: usize = 5;
    let Unready { objects, timed_out } = unready;
    let mut text = String::from(if *timed_out { "not ready in time: " } else { "" });
    if let [(key, why)] = objects.as_slice() {
        return format!("{text}{key}: {why}");
    }
    let names: Vec<&Key> = objects.iter().map(|(key, _)| key).collect();
    text.push_str(&first_names(&names, MOST));
    for (key, why) in objects.iter().take(MOST) {
        text.push_str(&format!("\n  {key}: {why}"));
    }
    text
}

fn told(symptoms: &[Symptom]) -> String {
    let each = symptoms
        .iter()
        .map(|symptom| format!("\n  {}", symptom.to_string().replace('\n', "\n  ")));
    each.collect()
}

fn went_back(outcome: &Result<String, Box<Error>>) -> String {
    match outcome {
        Ok(state) => state.clone(),
        Err(error) => format!("going back failed as well ({error})"),
    }
}
