//! Why a cluster did not do what it was asked: who asked for what, why not, and the cure.
//!
//! A caller asks [`Error::why`] and never reads a text. What the API server said stays whole in [`Status`].

use std::fmt;
use std::time::Duration;

use model::{Code, Diagnose};

use crate::status::{FieldConflict, Status};

/// What lies below an error that is not ours.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a request to a cluster failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{problem}")]
    Kubeconfig {
        problem: String,
        cure: String,
        source: Option<Source>,
    },
    #[error("can't {asked}: no connection to {address}")]
    Unreachable {
        asked: Asked,
        address: String,
        /// The request may have arrived, and only its answer been lost.
        sent: bool,
        source: Source,
    },
    #[error("can't {asked}: no answer within {} s", after.as_secs_f32())]
    NoAnswer { asked: Asked, after: Duration },
    #[error("can't {asked}{}", owners(why))]
    Refused {
        asked: Asked,
        why: Why,
        source: Box<Status>,
    },
    #[error("can't {asked}: {problem}")]
    Answer { asked: Asked, problem: String },
}

/// What was asked of a cluster. Shown, it reads `get ConfigMap shop/web as alice`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub verb: &'static str,
    /// The object, or a path.
    pub what: String,
    /// The user that was impersonated.
    pub user: Option<String>,
    /// An earlier try of the same may have arrived, its answer lost. A conflict may then be one with ourselves.
    pub repeated: bool,
}

/// What a refusal means, so that nobody reads its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Unauthorized,
    Forbidden,
    NotFound,
    /// The object is not, or no longer, the one that was meant: its resourceVersion or uid differs.
    Conflict,
    /// A server-side apply would take these fields from others.
    Fields(Vec<FieldConflict>),
    Exists,
    Invalid,
    /// The state that was asked about is forgotten: a watch or a list has to begin anew.
    Expired,
    Busy,
    NoAnswer,
    Server,
    Other,
}

impl Error {
    /// What a refusal means; `None` if the cluster refused nothing, but was not reached or not understood.
    #[must_use]
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::Refused { why, .. } => Some(why),
            _ => None,
        }
    }

    /// What the API server said, word for word.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether the request may have been done although it failed: its answer was lost, or an earlier try's was.
    /// Whoever wrote looks what there is before anything else.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Kubeconfig { .. } => false,
            Self::Unreachable { asked, sent, .. } => *sent || asked.repeated,
            Self::NoAnswer { .. } | Self::Answer { .. } => true,
            Self::Refused { asked, why, .. } => asked.repeated || matches!(why, Why::NoAnswer | Why::Server),
        }
    }

    pub(crate) fn refused(asked: Asked, status: Status) -> Self {
        Self::Refused {
            asked,
            why: Why::of(&status),
            source: Box::new(status),
        }
    }

    pub(crate) fn answer(asked: Asked, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Answer { asked, problem }
    }

    /// Notes that an earlier try may have arrived.
    pub(crate) fn repeated(mut self, repeated: bool) -> Self {
        match &mut self {
            Self::Kubeconfig { .. } => {}
            Self::Unreachable { asked, .. }
            | Self::NoAnswer { asked, .. }
            | Self::Refused { asked, .. }
            | Self::Answer { asked, .. } => asked.repeated = repeated,
        }
        self
    }

    pub(crate) fn is(&self, expected: &Why) -> bool {
        self.why() == Some(expected)
    }
}

impl Why {
    fn of(status: &Status) -> Self {
        let conflicts = status.field_conflicts();
        match (status.code, status.reason.as_str()) {
            (401, _) => Self::Unauthorized,
            (403, _) => Self::Forbidden,
            (404, _) => Self::NotFound,
            (409, "AlreadyExists") => Self::Exists,
            (409, _) if !conflicts.is_empty() => Self::Fields(conflicts),
            (409, _) => Self::Conflict,
            (410, _) | (_, "Expired" | "Gone") => Self::Expired,
            (400 | 413 | 415 | 422, _) => Self::Invalid,
            (408 | 504, _) => Self::NoAnswer,
            (429, _) => Self::Busy,
            (500.., _) => Self::Server,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.what)?;
        match &self.user {
            Some(user) => write!(f, " as {user}"),
            None => Ok(()),
        }
    }
}

/// An error and all below it. What an `io::Error` wraps is left out by its `source`, and not here.
pub(crate) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let wrapped = error.downcast_ref().and_then(std::io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// The fields of others, where these are the reason.
fn owners(why: &Why) -> String {
    let Why::Fields(conflicts) = why else {
        return String::new();
    };
    let each: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
    format!(": {}", each.join(", "))
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Kubeconfig { .. } => Code::KUBECONFIG,
            Self::Unreachable { .. } => Code::UNREACHABLE,
            Self::NoAnswer { .. } => Code::NO_ANSWER,
            Self::Answer { .. } => Code::ANSWER,
            Self::Refused { why, .. } => match why {
                Why::Unauthorized => Code::UNAUTHORIZED,
                Why::Forbidden => Code::FORBIDDEN,
                Why::NotFound => Code::NOT_FOUND,
                Why::Conflict => Code::CONFLICT,
                Why::Fields(_) => Code::FIELD_CONFLICT,
                Why::Exists => Code::EXISTS,
                Why::Invalid => Code::INVALID,
                Why::Expired => Code::EXPIRED,
                Why::Busy => Code::BUSY,
                Why::NoAnswer => Code::NO_ANSWER,
                Why::Server => Code::SERVER,
                Why::Other => Code::ANSWER,
            },
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Kubeconfig { cure, .. } => return Some(cure.clone()),
            Self::Unreachable { address, .. } => {
                return Some(format!(
                    "look whether {address} is the right address, and reachable from here; `--kube-context` takes another cluster"
                ));
            }
            Self::NoAnswer { .. } => "the cluster or the way to it is overloaded; run the same command again",
            Self::Answer { .. } => {
                "something other than a Kubernetes API server may be answering at this address"
            }
            Self::Refused { asked, why, .. } => return refusal_hint(asked, why),
        };
        Some(hint.to_owned())
    }
}

fn refusal_hint(asked: &Asked, why: &Why) -> Option<String> {
    let hint = match why {
        Why::Unauthorized => "the credentials of the context are wrong or over; log in again",
        Why::Forbidden => {
            let user = asked.user.as_deref().map(|user| format!(" to {user}"));
            return Some(format!(
                "grant the verb `{}`{} by a Role or ClusterRole, or use another user",
                asked.verb,
                user.unwrap_or_default()
            ));
        }
        Why::NotFound => "it may have been deleted, or be in another namespace or cluster",
        Why::Conflict | Why::Expired => "run the same command again: it looks at what is there now",
        Why::Fields(_) => "leave these fields out of the manifest, or take them with `--force-conflicts`",
        Why::Exists => "give it another name, or delete the one that is there",
        Why::Invalid => "change the manifest as the cause says",
        Why::Busy => "the cluster limits how much is asked of it; run the same command again later",
        Why::NoAnswer | Why::Server => "this is the cluster's failure; run the same command again",
        Why::Other => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_mean_what_code_and_reason_say() {
        let cases: [(u16, &str, Why, &str); 14] = [
            (401, "Unauthorized", Why::Unauthorized, "SW0403"),
            (403, "Forbidden", Why::Forbidden, "SW0404"),
            (404, "NotFound", Why::NotFound, "SW0405"),
            (409, "Conflict", Why::Conflict, "SW0406"),
            (409, "AlreadyExists", Why::Exists, "SW0408"),
            (422, "Invalid", Why::Invalid, "SW0409"),
            (400, "BadRequest", Why::Invalid, "SW0409"),
            (410, "Expired", Why::Expired, "SW0410"),
            (410, "Gone", Why::Expired, "SW0410"),
            (429, "TooManyRequests", Why::Busy, "SW0411"),
            (504, "Timeout", Why::NoAnswer, "SW0412"),
            (500, "InternalError", Why::Server, "SW0413"),
            (503, "", Why::Server, "SW0413"),
            (405, "MethodNotAllowed", Why::Other, "SW0414"),
        ];
        for (code, reason, why, id) in cases {
            let status = Status {
                code,
                reason: reason.to_owned(),
                ..Status::default()
            };
            let error = Error::refused(Asked::default(), status);
            assert_eq!(
                (error.why(), error.code().id),
                (Some(&why), id),
                "{code} {reason}"
            );
        }
    }
}
