//! Whoever watches an operation go on: told of every step, and of what is waited for.

use std::fmt;
use std::sync::Arc;

use objects::Key;

/// What is going on.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// An object was created, applied, adopted or deleted, or kept where it would have been deleted.
    Changed { key: Key, what: &'static str },
    /// What is still waited for, and why; empty when nothing is any more.
    Waiting(Vec<(Key, String)>),
    /// A hook has begun.
    Hook { name: String, event: &'static str },
    /// What a hook printed.
    Log { name: String, text: String },
    /// Something that is worth knowing and stops nothing.
    Note(String),
}

/// The listener of an operation. Cheap to clone.
#[derive(Clone)]
pub struct Watching(Arc<dyn Fn(Progress) + Send + Sync>);

impl Watching {
    pub fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Nobody is told.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }

    pub(crate) fn tell_changed(&self, key: &Key, what: &'static str) {
        self.tell(Progress::Changed {
            key: key.clone(),
            what,
        });
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watching")
    }
}
