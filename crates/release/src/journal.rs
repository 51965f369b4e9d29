//! The journal of an operation: what has begun, who holds the release, and until when.
//!
//! It is an annotation of the record's object, written with the record, so that both are always of one mind. A run
//! that was killed leaves it; the next one reads what to do from it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use objects::meta;

/// The annotation of the record's Secret.
pub const ANNOTATION: &str = "shipway.dev/journal";

/// How long a hold lasts without being renewed. Long enough for an API server that answers slowly, short enough that a
/// person who repeats a killed command does not wait.
pub const HOLD: SignedDuration = SignedDuration::from_secs(30);

/// How long a `pending-*` record without a journal is taken for a helm that still runs: helm's own default timeout.
pub const FOREIGN_HOLD: SignedDuration = SignedDuration::from_mins(5);

/// What an operation has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// Who runs it: a host, a process, and a word that no other run has.
    pub holder: String,
    /// Which process that is, in words that whoever runs on the same machine can check; empty if it can't be told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub process: String,
    /// Until when nobody else may touch the release.
    pub until: Timestamp,
    pub step: Step,
}

/// A step of an operation, in the order in which they come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The hooks before: those of the list that are behind, and whether the next one has begun.
    Before { done: usize, begun: bool },
    /// Applying, pruning and waiting, all of which may be done again.
    Objects,
    /// The hooks after.
    After { done: usize, begun: bool },
}

/// Whose a release is that an operation was begun on and not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Somebody is at work, by all that can be known, until then.
    Held { holder: String, until: Timestamp },
    /// Nobody is: the operation was interrupted. With its journal if it was ours.
    Abandoned(Option<Journal>),
}

impl Journal {
    /// The journal of a record's object.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        serde_json::from_str(meta::annotation(object, ANNOTATION)?).ok()
    }

    /// Writes it into a record's object.
    pub fn write(&self, object: &mut Value) {
        // Plain data: nothing in it can't be JSON.
        let text = serde_json::to_string(self).unwrap_or_default();
        meta::map_mut(object, &["metadata", "annotations"]).insert(ANNOTATION.to_owned(), json!(text));
    }

    /// When the hold is to be renewed: early enough for two attempts.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        self.until - HOLD * 2 / 3
    }
}

/// Who holds a release whose last record's object is pending or being uninstalled, `written` then. A hold ends with its
/// time, or with its process where it `is_gone` for sure.
#[must_use]
pub fn hold(object: &Value, written: Timestamp, now: Timestamp, is_gone: impl Fn(&str) -> bool) -> Hold {
    match Journal::of(object) {
        Some(journal) if journal.until > now && !is_gone(&journal.process) => Hold::Held {
            holder: journal.holder,
            until: journal.until,
        },
        Some(journal) => Hold::Abandoned(Some(journal)),
        None if written + FOREIGN_HOLD > now => Hold::Held {
            holder: "helm".to_owned(),
            until: written + FOREIGN_HOLD,
        },
        None => Hold::Abandoned(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ends_with_its_time() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let journal = Journal {
            holder: "host/1/a".to_owned(),
            process: "boot/pid:[1]/1/9".to_owned(),
            until: now + HOLD,
            step: Step::Before { done: 1, begun: true },
        };
        let mut object = json!({"metadata": {"name": "a"}});
        journal.write(&mut object);
        assert_eq!(Journal::of(&object), Some(journal.clone()));
        assert!(
            matches!(hold(&object, now, now, |_| false), Hold::Held { holder, .. } if holder == "host/1/a")
        );
        let abandoned = Hold::Abandoned(Some(journal));
        assert_eq!(hold(&object, now, now + HOLD, |_| false), abandoned);
        assert_eq!(
            hold(&object, now, now, |process| process == "boot/pid:[1]/1/9"),
            abandoned
        );
        let foreign = json!({"metadata": {"name": "a"}});
        assert!(matches!(hold(&foreign, now, now, |_| true), Hold::Held { holder, .. } if holder == "helm"));
        assert_eq!(
            hold(&foreign, now, now + FOREIGN_HOLD, |_| false),
            Hold::Abandoned(None)
        );
    }
}
