//! Who may do what, as of now: the authorizer, kept equal to the roles and bindings in the store.
//!
//! ```text
//! store ─► one watcher for each of the four kinds ─► Authorizer ◄─ look(…) by requests, reviews and grants
//! ```
//!
//! Nothing runs in the background: whoever looks first takes in what has happened since the last look. So a role
//! that one request wrote, in whatever way, applies to the next one, and writers know nothing of this.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::auth::Authorizer;
use crate::store::{self, EventKind, Handle, Object, Watcher};

const GROUP: &str = "rbac.authorization.k8s.io";
const KINDS: [(&str, &str); 4] = [
    ("ClusterRole", "clusterroles"),
    ("Role", "roles"),
    ("ClusterRoleBinding", "clusterrolebindings"),
    ("RoleBinding", "rolebindings"),
];

/// The authorizer of one cluster.
#[derive(Debug)]
pub(crate) struct Access {
    store: Handle,
    authorizer: RwLock<Authorizer>,
    /// The store's revision that the authorizer is not behind.
    seen: AtomicU64,
    /// Empty before the first look, and after one of them was too slow.
    watchers: Mutex<Vec<(&'static str, Watcher)>>,
}

impl Access {
    pub(crate) fn new(store: Handle) -> Arc<Self> {
        Arc::new(Self {
            store,
            authorizer: RwLock::default(),
            seen: AtomicU64::new(0),
            watchers: Mutex::default(),
        })
    }

    /// Asks the authorizer, which knows of every write that was answered before this.
    pub(crate) fn look<T>(&self, ask: impl FnOnce(&Authorizer) -> T) -> T {
        self.catch_up();
        // A panic while it was locked for writing left one object more or less taken in, and the next look goes on.
        ask(&self.authorizer.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn catch_up(&self) {
        let revision = self.store.revision();
        if self.seen.load(Ordering::Acquire) >= revision {
            return;
        }
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.seen.load(Ordering::Acquire) >= revision {
            return;
        }
        if self.follow(&mut watchers).is_err() {
            watchers.clear();
            // Out of the history, or out of resources to watch: read everything, and try again next time.
            let _ = self.begin(&mut watchers);
        }
        self.seen.store(revision, Ordering::Release);
    }

    /// Takes in what happened since the last time.
    fn follow(&self, watchers: &mut [(&'static str, Watcher)]) -> Result<(), store::Error> {
        if watchers.is_empty() {
            return Err(store::Error::Closed);
        }
        for (kind, watcher) in watchers {
            // Ends: each round hands out events that were there when it began to read, and requests wait for it.
            loop {
                let events = watcher.try_next()?;
                if events.is_empty() {
                    break;
                }
                let mut authorizer = self.authorizer.write().unwrap_or_else(PoisonError::into_inner);
                for event in events {
                    let key = event.object.key();
                    match event.kind {
                        EventKind::Deleted => {
                            authorizer.remove(kind, key.namespace().unwrap_or_default(), key.name());
                        }
                        EventKind::Added | EventKind::Modified => put(&mut authorizer, kind, &event.object),
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads every role and binding, and begins to watch from there.
    fn begin(&self, watchers: &mut Vec<(&'static str, Watcher)>) -> Result<(), store::Error> {
        let mut fresh = Authorizer::default();
        let mut failure = Ok(());
        for (kind, plural) in KINDS {
            let resource = store::Resource::new(GROUP, plural)?;
            let page = self.store.list(&resource, &store::Query::default())?;
            for object in &page.objects {
                put(&mut fresh, kind, object);
            }
            match self.store.watch(&resource, None, page.revision) {
                Ok(watcher) => watchers.push((kind, watcher)),
                Err(error) => failure = Err(error),
            }
        }
        if failure.is_err() {
            watchers.clear();
        }
        *self.authorizer.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        failure
    }
}

fn put(authorizer: &mut Authorizer, kind: &str, object: &Object) {
    // What the store holds was written as JSON; were it none, the object would grant nothing.
    if let Ok(value) = object.value() {
        authorizer.put(kind, &value);
    }
}
