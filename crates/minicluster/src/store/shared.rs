//! The state that all handles share, and the one way to change it.
//!
//! Every write goes through [`Shared::commit`] under one lock: a global order of revisions has one writer at a
//! time. It is held for a microsecond; the disk is never waited for under it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, Weak};

use super::Options;
use super::error::Error;
use super::event::{Change, Event};
use super::feed::Inbox;
use super::key::{Key, Resource};
use super::notify::{Bell, Ringer};
use super::object::Object;
use super::sync::{lock, read, write};
use super::table::Table;

/// The most resources. A large cluster serves about 500; the bound is there because tables are never dropped and
/// whoever may create CRDs could make them without end.
const MAX_RESOURCES: usize = 16_384;

/// The revision of a store that nothing was written to. Not 0: clients use "0" to say "any".
pub(super) const FIRST_REVISION: u64 = 1;

/// What handles, watchers and the store's threads have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    tables: RwLock<HashMap<Resource, Arc<Table>>>,
    totals: Mutex<Totals>,
    revision: AtomicU64,
    /// Where the history of this store begins: a table made later has forgotten nothing after it.
    base: AtomicU64,
    closed: AtomicBool,
    pub(super) ringer: Ringer,
    pub(super) bell: Arc<Bell>,
    /// Those who follow all resources. A feed that was dropped is forgotten when the next one begins.
    pub(super) feeds: Mutex<Vec<Weak<Inbox>>>,
    /// What became of the last snapshot, if it failed.
    snapshot_failure: Mutex<Option<Error>>,
}

/// Sums over all tables. Whoever holds their lock may write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) objects: usize,
    pub(super) object_bytes: usize,
    pub(super) history_bytes: usize,
}

impl Totals {
    /// Checks that a change fits.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::Full`]. Deleting always fits.
    pub(super) fn admit(&self, change: &Change, options: &Options) -> Result<(), Error> {
        let bytes = change.bytes();
        if bytes > options.object_bytes {
            return Err(Error::TooLarge {
                bytes,
                limit: options.object_bytes,
            });
        }
        if bytes > 0 && self.object_bytes + bytes > options.total_bytes {
            return Err(Error::Full {
                bytes: self.object_bytes,
                limit: options.total_bytes,
            });
        }
        Ok(())
    }

    /// Counts the objects that an event brings and takes.
    pub(super) fn count(&mut self, event: &Event) {
        if let Some(previous) = &event.previous {
            self.objects = self.objects.saturating_sub(1);
            self.object_bytes = self.object_bytes.saturating_sub(previous.bytes());
        }
        if let Some(object) = event.live() {
            self.objects += 1;
            self.object_bytes += object.bytes();
        }
    }
}

impl Shared {
    pub(super) fn new(options: Options, ringer: Ringer) -> Self {
        Self {
            options,
            tables: RwLock::default(),
            totals: Mutex::default(),
            revision: AtomicU64::new(FIRST_REVISION),
            base: AtomicU64::new(FIRST_REVISION),
            closed: AtomicBool::new(false),
            ringer,
            bell: Arc::new(Bell::new()),
            feeds: Mutex::default(),
            snapshot_failure: Mutex::default(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// The oldest revision that a resource without a table can be listed at.
    pub(super) fn base(&self) -> u64 {
        self.base.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends all watchers and refuses writes.
    pub(super) fn close(&self) {
        let totals = lock(&self.totals);
        self.closed.store(true, Ordering::Release);
        drop(totals);
        self.ringer.close();
        self.bell.ring();
        for table in self.all_tables() {
            table.bell.ring();
        }
    }

    pub(super) fn totals(&self) -> MutexGuard<'_, Totals> {
        lock(&self.totals)
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.table(key.resource())?.get(key.path())
    }

    pub(super) fn table(&self, resource: &Resource) -> Option<Arc<Table>> {
        read(&self.tables).get(resource).cloned()
    }

    pub(super) fn all_tables(&self) -> Vec<Arc<Table>> {
        read(&self.tables).values().cloned().collect()
    }

    /// Finds the table of a resource, or makes it.
    ///
    /// Errors: [`Error::TooManyResources`].
    pub(super) fn make_table(&self, resource: &Resource) -> Result<Arc<Table>, Error> {
        if let Some(table) = self.table(resource) {
            return Ok(table);
        }
        let mut tables = write(&self.tables);
        if !tables.contains_key(resource) && tables.len() >= MAX_RESOURCES {
            return Err(Error::TooManyResources { limit: MAX_RESOURCES });
        }
        let table = tables
            .entry(resource.clone())
            .or_insert_with(|| Arc::new(Table::new(self.base())));
        Ok(Arc::clone(table))
    }

    /// A write without a disk: decided and visible in one step.
    pub(super) fn write(&self, change: Change) -> Result<Arc<Event>, Error> {
        let mut totals = lock(&self.totals);
        if self.is_closed() {
            return Err(Error::Closed);
        }
        totals.admit(&change, &self.options)?;
        let table = self.make_table(change.key.resource())?;
        let current = table.get(change.key.path());
        let event = Arc::new(change.decide(current, self.revision() + 1)?);
        self.commit(&mut totals, &table, Arc::clone(&event));
        Ok(event)
    }

    /// Makes an event visible.
    ///
    /// Assumptions: the event is the next revision, was decided on the table's current object, and a durable store
    /// has it on the disk.
    pub(super) fn commit(&self, totals: &mut Totals, table: &Arc<Table>, event: Arc<Event>) {
        totals.count(&event);
        for feed in lock(&self.feeds).iter().filter_map(Weak::upgrade) {
            feed.push(&event);
        }
        let grown = table.commit(event, &self.revision, self.options.history_events);
        totals.history_bytes = totals.history_bytes.saturating_add_signed(grown);
        self.trim(totals);
        self.ringer.mark(&table.bell);
        self.ringer.mark(&self.bell);
    }

    pub(super) fn note_snapshot(&self, failure: Option<Error>) {
        *lock(&self.snapshot_failure) = failure;
    }

    pub(super) fn snapshot_failure(&self) -> Option<Error> {
        lock(&self.snapshot_failure).clone()
    }

    /// Starts from a snapshot taken at `revision`. To be called before anything is restored.
    pub(super) fn begin_at(&self, revision: u64) {
        self.revision.store(revision, Ordering::Release);
        self.base.store(revision, Ordering::Release);
    }

    /// Takes in an object of a snapshot.
    pub(super) fn restore(&self, object: Arc<Object>) -> Result<(), Error> {
        let table = self.make_table(object.key().resource())?;
        let mut totals = lock(&self.totals);
        totals.objects += 1;
        totals.object_bytes += object.bytes();
        table.restore(object);
        Ok(())
    }

    /// Forgets the history of one resource up to a revision.
    pub(super) fn compact(&self, table: &Table, revision: u64) {
        let mut totals = lock(&self.totals);
        let freed = table.forget_until(revision.min(self.revision()));
        totals.history_bytes = totals.history_bytes.saturating_sub(freed);
    }

    /// Keeps the whole history in its budget: the resource with the longest history pays. A sixty-fourth more than
    /// needed is freed, so that the search for it is not made for every write.
    fn trim(&self, totals: &mut Totals) {
        let budget = self.options.history_bytes;
        if totals.history_bytes <= budget {
            return;
        }
        let target = budget - budget / 64;
        while totals.history_bytes > target {
            let tables = read(&self.tables);
            let Some(longest) = tables.values().max_by_key(|table| table.history_bytes()) else {
                return;
            };
            let freed = longest.forget_bytes(totals.history_bytes - target);
            if freed == 0 {
                return;
            }
            totals.history_bytes = totals.history_bytes.saturating_sub(freed);
        }
    }
}
