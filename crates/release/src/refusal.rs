//! Why an operation is not begun: each object with its cause and its cure, all of them at once.

use std::fmt;

use manifest::Object;
use model::{Code, Diagnose};
use objects::Key;

use crate::listing::first_lines;

/// A chart of thousands of objects can be wrong in each; the first say enough.
const SHOWN: usize = 20;

/// One reason not to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub key: Key,
    /// The template that the object comes from; empty when there is none.
    pub source: String,
    pub cause: Cause,
}

/// What is wrong with one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// The cluster does not serve the kind.
    MissingKind { api_version: String },
    /// It exists and is not the release's.
    Owned { doubts: Vec<String> },
    /// A field that can't be changed would be.
    Immutable {
        path: String,
        live: String,
        wanted: String,
        cure: &'static str,
    },
    /// A quota, which is the object, would be passed by the release as a whole.
    Quota {
        resource: String,
        hard: String,
        used: String,
        more: String,
    },
    /// It is being deleted, so it can't be applied.
    Deleting,
}

/// Every reason at once.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{operation} of {release} is refused; nothing was touched\n{}", first_lines(.refusals, SHOWN))]
pub struct Refused {
    pub operation: &'static str,
    pub release: String,
    pub refusals: Vec<Refusal>,
}

impl Refusal {
    #[must_use]
    pub fn of(object: &Object, cause: Cause) -> Self {
        Self {
            key: object.key.clone(),
            source: object.source.clone(),
            cause,
        }
    }

    /// What is the matter, without the object's name.
    #[must_use]
    pub fn reason(&self) -> impl fmt::Display {
        Reason(self)
    }

    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &str {
        match &self.cause {
            Cause::MissingKind { .. } => {
                "install the CustomResourceDefinition first, or correct apiVersion: `kubectl api-resources` lists what there is"
            }
            Cause::Owned { .. } => {
                "`--take-ownership` makes it the release's; otherwise rename one of the two"
            }
            Cause::Immutable { cure, .. } => cure,
            Cause::Quota { .. } => {
                "ask for less, or have the quota raised: `kubectl describe resourcequota` shows what is used"
            }
            Cause::Deleting => "wait until it is gone; a finalizer may hold it",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if !self.source.is_empty() {
            write!(f, " ({})", self.source)?;
        }
        write!(f, ": {}", self.reason())
    }
}

/// A refusal without its object's name.
struct Reason<'a>(&'a Refusal);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::MissingKind { api_version } => {
                write!(
                    f,
                    "the cluster has no kind {} in {api_version}",
                    self.0.key.kind.name
                )
            }
            Cause::Owned { doubts } => write!(
                f,
                "exists and is not the release's: invalid ownership metadata; {}",
                doubts.join("; ")
            ),
            Cause::Immutable {
                path, live, wanted, ..
            } => {
                write!(f, "{path} can't be changed, from {live} to {wanted}")
            }
            Cause::Quota {
                resource,
                hard,
                used,
                more,
            } => write!(
                f,
                "{resource} is limited to {hard}, {used} is used, and the release asks for {more} more"
            ),
            Cause::Deleting => f.write_str("is being deleted"),
        }
    }
}

impl Diagnose for Refused {
    fn code(&self) -> Code {
        Code::RELEASE_REFUSED
    }

    fn hint(&self) -> Option<String> {
        let mut cures: Vec<&str> = Vec::new();
        for cure in self.refusals.iter().map(Refusal::cure) {
            if !cures.contains(&cure) {
                cures.push(cure);
            }
        }
        Some(cures.join("; "))
    }
}
