//! A change: what a writer asks for, and what became of it.
//!
//! ```text
//! Change + the current object ──decide──► Event ──► the log, the table, the watchers
//! ```
//!
//! Deciding is pure; the memory store and the writer of the log use the same function.

use std::sync::Arc;

use super::error::Error;
use super::key::Key;
use super::object::{Draft, Object};

/// The version that a writer believes to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there; something must be.
    Any,
    /// The object as of this revision, or the write is refused.
    Revision(u64),
}

/// A write that has not happened yet.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    Create(Draft),
    Update(Expected, Draft),
    Delete(Expected),
}

/// How an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was not there before.
    Added,
    /// It was there and is another now.
    Modified,
    /// It is gone.
    Deleted,
}

/// A write that happened. Shared by all watchers.
#[derive(Debug)]
pub struct Event {
    /// How the object changed.
    pub kind: EventKind,
    /// The object after the change; for a deletion its last state, with the deletion's revision as its version.
    pub object: Arc<Object>,
    /// The object before the change: a selector needs both to tell who enters and who leaves.
    pub previous: Option<Arc<Object>>,
}

impl Change {
    /// What the change adds to the memory and the log, to be compared with limits.
    pub(super) fn bytes(&self) -> usize {
        match &self.action {
            Action::Create(draft) | Action::Update(_, draft) => draft.bytes(),
            Action::Delete(_) => 0,
        }
    }

    /// Turns the change into an event at `revision`, given the object as it is now.
    ///
    /// Errors: `Exists`, `NotFound` or `Conflict`, and nothing else.
    pub(super) fn decide(self, current: Option<Arc<Object>>, revision: u64) -> Result<Event, Error> {
        let Self { key, action } = self;
        match (action, current) {
            (Action::Create(_), Some(_)) => Err(Error::Exists { key }),
            (Action::Create(draft), None) => {
                let object = Arc::new(draft.into_object(key, revision));
                Ok(Event {
                    kind: EventKind::Added,
                    object,
                    previous: None,
                })
            }
            (Action::Update(..) | Action::Delete(_), None) => Err(Error::NotFound { key }),
            (Action::Update(expected, draft), Some(current)) => {
                expected.check(&current)?;
                let object = Arc::new(draft.into_object(key, revision));
                Ok(Event {
                    kind: EventKind::Modified,
                    object,
                    previous: Some(current),
                })
            }
            (Action::Delete(expected), Some(current)) => {
                expected.check(&current)?;
                let object = Arc::new(current.at_revision(revision));
                Ok(Event {
                    kind: EventKind::Deleted,
                    object,
                    previous: Some(current),
                })
            }
        }
    }
}

impl Expected {
    fn check(self, current: &Object) -> Result<(), Error> {
        match self {
            Self::Revision(expected) if expected != current.revision() => Err(Error::Conflict {
                key: current.key().clone(),
                expected,
                actual: current.revision(),
            }),
            Self::Revision(_) | Self::Any => Ok(()),
        }
    }
}

impl Event {
    /// The revision of the write.
    pub fn revision(&self) -> u64 {
        self.object.revision()
    }

    /// The object's name.
    pub fn key(&self) -> &Key {
        self.object.key()
    }

    /// The object that readers find after this event.
    pub(super) fn live(&self) -> Option<&Arc<Object>> {
        (self.kind != EventKind::Deleted).then_some(&self.object)
    }

    /// What the history holds in memory because of this event: the object that it replaced, the copy that a
    /// deletion makes, and its own bookkeeping.
    pub(super) fn history_bytes(&self) -> usize {
        /// The event, its places in the ring and in the versions of its key, and their allocations' overhead.
        const BOOKKEEPING: usize = 256;
        let replaced = self.previous.as_ref().map_or(0, |object| object.bytes());
        let gone = if self.kind == EventKind::Deleted {
            self.object.bytes()
        } else {
            0
        };
        BOOKKEEPING + replaced + gone
    }
}
