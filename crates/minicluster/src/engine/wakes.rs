//! How somebody outside of the engine has it look at keys: what happens to real processes is no change of the world.
//!
//! A set, not a queue: a key waits once, however often it is named, so it is bounded by the objects there are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use objects::Key;
use tokio::sync::Notify;

/// The keys that one loop is to look at. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wakes {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    keys: Mutex<BTreeSet<Key>>,
    notify: Notify,
}

impl Wakes {
    /// Has a key looked at soon.
    pub(crate) fn wake(&self, key: &Key) {
        let mut keys = self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.insert(key.clone()) {
            self.shared.notify.notify_one();
        }
    }

    /// What was named since this was asked last.
    pub(super) fn take(&self) -> BTreeSet<Key> {
        let mut keys = self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *keys)
    }

    /// Waits until a key was named.
    pub(super) async fn named(&self) {
        self.shared.notify.notified().await;
    }
}
