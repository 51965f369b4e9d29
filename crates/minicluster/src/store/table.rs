//! All objects of one resource with their past: what lists and watches read.
//!
//! ```text
//! path ──► latest version, older versions          "what was there at revision R?"
//! node ──► paths of what is bound to it            "what is there now on node N?"
//! ring of events, oldest first                     "what happened since revision R?"
//!          └─ falls off the front: `compacted` moves up, versions that only it needed go with it
//! ```
//!
//! The ring is the queue of all watchers at once: each has its place in it and nothing else, so a thousand
//! watchers cost no more memory than one, and one that falls behind the front is too late (410), not a burden.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque, btree_map};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use super::error::Error;
use super::event::{Event, EventKind};
use super::notify::Bell;
use super::object::Object;
use super::sync::{read, write};

/// Objects and history of one resource.
#[derive(Debug)]
pub(super) struct Table {
    rows: RwLock<Rows>,
    /// What this table's history holds in memory; changed under the write lock, read without.
    history_bytes: AtomicUsize,
    pub(super) bell: Arc<Bell>,
}

/// What the lock of a table protects.
#[derive(Debug)]
pub(super) struct Rows {
    rows: BTreeMap<Arc<str>, Row>,
    /// The paths of the live objects by their value of the indexed field.
    having: HashMap<Box<str>, BTreeSet<Arc<str>>>,
    ring: VecDeque<Arc<Event>>,
    /// The last revision whose event is forgotten. Exact lists and watches from it or later can be answered.
    compacted: u64,
}

#[derive(Debug)]
struct Row {
    latest: Version,
    /// What it was before, oldest first, as far as the ring reaches back.
    older: VecDeque<Version>,
}

#[derive(Debug)]
struct Version {
    revision: u64,
    /// `None`: deleted at that revision.
    object: Option<Arc<Object>>,
}

/// Live objects in the order of their paths.
type Live<'a> = Box<dyn Iterator<Item = &'a Arc<Object>> + 'a>;

impl Table {
    pub(super) fn new(compacted: u64) -> Self {
        let rows = Rows {
            rows: BTreeMap::new(),
            having: HashMap::new(),
            ring: VecDeque::new(),
            compacted,
        };
        Self {
            rows: RwLock::new(rows),
            history_bytes: AtomicUsize::new(0),
            bell: Arc::new(Bell::new()),
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<Object>> {
        self.read(|rows| rows.rows.get(path)?.latest.object.clone())
    }

    /// Gives the rows to `look`, with writers kept out.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Rows) -> T) -> T {
        look(&read(&self.rows))
    }

    pub(super) fn history_bytes(&self) -> usize {
        self.history_bytes.load(Ordering::Relaxed)
    }

    /// Takes an event in and moves the store's revision up to it, in one step for every reader of this table:
    /// under the lock a reader finds all changes up to the revision it reads, and none after.
    ///
    /// Returns the bytes by which the history grew; negative if it shrank.
    pub(super) fn commit(&self, event: Arc<Event>, revision: &AtomicU64, max_events: usize) -> isize {
        let mut rows = write(&self.rows);
        let mut freed = 0;
        while rows.ring.len() >= max_events.max(1) {
            freed += rows.forget_oldest();
        }
        let added = event.history_bytes();
        let at = event.revision();
        rows.put(event);
        revision.store(at, Ordering::Release);
        self.account(added, freed)
    }

    /// Takes in an object from a snapshot.
    pub(super) fn restore(&self, object: Arc<Object>) {
        let mut rows = write(&self.rows);
        let path = Arc::clone(object.key().path());
        rows.index(&path, None, Some(&object));
        let latest = Version {
            revision: object.revision(),
            object: Some(object),
        };
        rows.rows.insert(
            path,
            Row {
                latest,
                older: VecDeque::new(),
            },
        );
    }

    /// Forgets the oldest events until `enough` bytes are free. Returns what was freed.
    pub(super) fn forget_bytes(&self, enough: usize) -> usize {
        let mut rows = write(&self.rows);
        let mut freed = 0;
        while freed < enough && !rows.ring.is_empty() {
            freed += rows.forget_oldest();
        }
        self.account(0, freed);
        freed
    }

    /// Forgets all events up to and with `revision`. Returns what was freed.
    pub(super) fn forget_until(&self, revision: u64) -> usize {
        let mut rows = write(&self.rows);
        let mut freed = 0;
        while rows
            .ring
            .front()
            .is_some_and(|event| event.revision() <= revision)
        {
            freed += rows.forget_oldest();
        }
        rows.compacted = rows.compacted.max(revision);
        self.account(0, freed);
        freed
    }

    fn account(&self, added: usize, freed: usize) -> isize {
        let grown = added.cast_signed() - freed.cast_signed();
        let before = self.history_bytes.load(Ordering::Relaxed);
        self.history_bytes
            .store(before.saturating_add_signed(grown), Ordering::Relaxed);
        grown
    }
}

impl Rows {
    /// The live objects whose path starts with `prefix` and comes after `after`, as of `revision`.
    ///
    /// Errors: [`Error::Expired`] if the history does not reach back that far.
    pub(super) fn live_at<'a>(
        &'a self,
        revision: u64,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> Result<Live<'a>, Error> {
        if revision < self.compacted {
            return Err(Error::Expired {
                requested: revision,
                oldest: self.compacted,
            });
        }
        let range = self.rows.range::<str, _>(span(prefix, after));
        let range = range.take_while(move |(path, _)| path.starts_with(prefix));
        Ok(Box::new(range.filter_map(move |(_, row)| row.at(revision))))
    }

    /// The live objects with a value of the indexed field, otherwise as [`Rows::live_at`] gives the newest.
    pub(super) fn live_having<'a>(
        &'a self,
        value: &str,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> Live<'a> {
        let paths = self.having.get(value).into_iter();
        let paths = paths.flat_map(move |paths| paths.range::<str, _>(span(prefix, after)));
        let paths = paths.take_while(move |path| path.starts_with(prefix));
        Box::new(paths.filter_map(|path| self.rows.get(path)?.latest.object.as_ref()))
    }

    /// The live objects.
    pub(super) fn live_now(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.rows.values().filter_map(|row| row.latest.object.as_ref())
    }

    /// The events after `revision`, oldest first.
    ///
    /// Errors: [`Error::Expired`] if some of them are forgotten.
    pub(super) fn events_after(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Event>>, Error> {
        if revision < self.compacted {
            return Err(Error::Expired {
                requested: revision,
                oldest: self.compacted,
            });
        }
        let first = self.ring.partition_point(|event| event.revision() <= revision);
        Ok(self.ring.range(first..))
    }

    fn put(&mut self, event: Arc<Event>) {
        let (old, new) = (event.previous.as_deref(), event.live().map(|object| &**object));
        self.index(event.key().path(), old, new);
        let version = Version {
            revision: event.revision(),
            object: event.live().cloned(),
        };
        match self.rows.entry(Arc::clone(event.key().path())) {
            btree_map::Entry::Vacant(row) => {
                row.insert(Row {
                    latest: version,
                    older: VecDeque::new(),
                });
            }
            btree_map::Entry::Occupied(mut row) => {
                let row = row.get_mut();
                let before = std::mem::replace(&mut row.latest, version);
                row.older.push_back(before);
            }
        }
        self.ring.push_back(event);
    }

    /// Brings the index up to a change of an object.
    fn index(&mut self, path: &Arc<str>, old: Option<&Object>, new: Option<&Object>) {
        let (old, new) = (old.and_then(Object::indexed), new.and_then(Object::indexed));
        if old == new {
            return;
        }
        if let Some(paths) = old.and_then(|value| self.having.get_mut(value)) {
            paths.remove(path);
        }
        if let Some(value) = old
            && self.having.get(value).is_some_and(BTreeSet::is_empty)
        {
            self.having.remove(value);
        }
        if let Some(value) = new {
            let paths = self.having.entry(Box::from(value));
            paths.or_default().insert(Arc::clone(path));
        }
    }

    fn forget_oldest(&mut self) -> usize {
        let Some(event) = self.ring.pop_front() else {
            return 0;
        };
        let revision = event.revision();
        self.compacted = revision;
        let path = event.key().path();
        if let Some(row) = self.rows.get_mut(path) {
            // From now on nobody asks for a revision before this one.
            while row
                .older
                .front()
                .is_some_and(|version| version.revision < revision)
            {
                row.older.pop_front();
            }
            if event.kind == EventKind::Deleted {
                if row.latest.revision == revision {
                    self.rows.remove(path);
                } else {
                    row.older.pop_front();
                }
            }
        }
        event.history_bytes()
    }
}

/// The paths that start with `prefix` and come after `after`, and what comes later.
fn span<'a>(prefix: &'a str, after: Option<&'a str>) -> (Bound<&'a str>, Bound<&'a str>) {
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    (start, Bound::Unbounded)
}

impl Row {
    fn at(&self, revision: u64) -> Option<&Arc<Object>> {
        let version = if self.latest.revision <= revision {
            &self.latest
        } else {
            let later = self.older.partition_point(|version| version.revision <= revision);
            self.older.get(later.checked_sub(1)?)?
        };
        version.object.as_ref()
    }
}
