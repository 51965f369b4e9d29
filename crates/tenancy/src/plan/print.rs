//! A plan in words: one line for each step, refusal and drift.

use std::fmt::{self, Display, Formatter};

use manifest::Change;
use objects::{Key, Kind, time};
use serde_json::Value;

use crate::names::APPLIED_ANNOTATION;

use super::{Deviation, Drifted, Refusal, Step};

/// So many changed fields are told in a line; the rest is counted.
const TOLD: usize = 3;

/// A value of more characters than this is cut.
const WIDTH: usize = 60;

impl Step {
    /// The object that it is about.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Create { object } | Self::Change { object, .. } | Self::Leave { object, .. } => {
                Key::of(Kind::of(object), object)
            }
            Self::Delete { key, .. } => key.clone(),
        }
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let key = Named(&self.key());
        match self {
            Self::Create { .. } => write!(f, "create {key}"),
            Self::Change { changes, .. } if is_record(changes) => write!(f, "note in {key} what was applied"),
            Self::Change { changes, .. } => write!(f, "change {key}: {}", Changes(changes)),
            Self::Leave { until, .. } => {
                write!(
                    f,
                    "leave {key}: closed now, deleted after {}",
                    time::seconds(*until)
                )
            }
            Self::Delete { why, .. } => write!(f, "delete {key}: {why}"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", Named(&self.key), self.problem, self.cure)
    }
}

impl Display for Drifted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Named(&self.key), self.deviation)
    }
}

impl Display for Deviation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(changes) => write!(f, "was changed: {}", Changes(changes)),
            Self::Missing => f.write_str("was deleted"),
            Self::Extra => f.write_str("was added"),
        }
    }
}

/// A key without the group, as no two of our kinds have the same name.
pub(crate) struct Named<'a>(pub(crate) &'a Key);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Key {
            kind,
            namespace,
            name,
        } = self.0;
        match namespace.as_ref() {
            "" => write!(f, "{} {name}", kind.name),
            namespace => write!(f, "{} {namespace}/{name}", kind.name),
        }
    }
}

/// Whether nothing changes but the digest of what was applied, which tells nobody anything.
fn is_record(changes: &[Change]) -> bool {
    matches!(changes, [change] if change.path.contains(APPLIED_ANNOTATION))
}

struct Changes<'a>(&'a [Change]);

impl Display for Changes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("order of its lists");
        }
        for (at, change) in self.0.iter().take(TOLD).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}", change.path)?;
            match (&change.before, &change.after) {
                (Some(before), Some(after)) => write!(f, " {} → {}", cut(before), cut(after))?,
                (None, Some(after)) => write!(f, " + {}", cut(after))?,
                (Some(before), None) => write!(f, " - {}", cut(before))?,
                (None, None) => {}
            }
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, ", {more} more"),
        }
    }
}

/// A value in one line of bounded length.
fn cut(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= WIDTH {
        return text;
    }
    let mut short: String = text.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}
