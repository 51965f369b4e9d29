//! Watching: a place in a table's ring of events.
//!
//! A watcher holds no queue. It copies the next few shared events when it is ready for them; if it is so slow that
//! they have fallen off the ring, it ends with `Expired`, and its client lists again. Writers never wait for it.

use std::sync::Arc;

use tokio::sync::watch;

use super::error::Error;
use super::event::Event;
use super::shared::Shared;
use super::sync::block_on;
use super::table::Table;

/// The most events handed out at once: enough to spread the cost of the lock, little enough that a server writes
/// them out before the memory matters.
const MAX_BATCH: usize = 256;

/// The most events looked at under one hold of the lock, for a watcher of one namespace among many.
const MAX_LOOKED_AT: usize = 4096;

/// Follows the changes of one resource.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    table: Arc<Table>,
    signal: watch::Receiver<()>,
    /// `namespace/`, or empty for all.
    prefix: String,
    /// Everything up to this revision has been handed out.
    after: u64,
}

impl Watcher {
    /// Errors: [`Error::Expired`] or [`Error::Future`] if it can't begin after that revision.
    pub(super) fn new(
        shared: Arc<Shared>,
        table: Arc<Table>,
        prefix: String,
        after: u64,
    ) -> Result<Self, Error> {
        let signal = table.bell.listen();
        let current = shared.revision();
        if after > current {
            return Err(Error::Future {
                requested: after,
                current,
            });
        }
        table.read(|rows| rows.events_after(after).map(|_| ()))?;
        Ok(Self {
            shared,
            table,
            signal,
            prefix,
            after,
        })
    }

    /// Waits for changes and gives them in order, never an empty batch. Can be cancelled without losing any.
    ///
    /// Errors: [`Error::Expired`] if this watcher has been too slow, [`Error::Closed`] when the store stops.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, Error> {
        loop {
            self.signal.borrow_and_update();
            let batch = self.try_next()?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            if self.shared.is_closed() || self.signal.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// [`Watcher::next`] on a plain thread.
    pub fn wait(&mut self) -> Result<Vec<Arc<Event>>, Error> {
        block_on(self.next())
    }

    /// Gives the changes that are already there, maybe none.
    ///
    /// Errors: [`Error::Expired`] if this watcher has been too slow.
    pub fn try_next(&mut self) -> Result<Vec<Arc<Event>>, Error> {
        let mut batch = Vec::new();
        while self.collect(&mut batch)? && batch.is_empty() {}
        Ok(batch)
    }

    /// The revision up to which everything has been handed out: what a bookmark may say. It moves on even when
    /// nothing happens to the watched resource.
    pub fn progress(&mut self) -> u64 {
        let shared = &self.shared;
        let drained = self.table.read(|rows| {
            let mut pending = rows.events_after(self.after).ok()?;
            pending.next().is_none().then(|| shared.revision())
        });
        self.after = drained.map_or(self.after, |revision| revision.max(self.after));
        self.after
    }

    /// Reads a stretch of the ring; tells whether there may be more.
    fn collect(&mut self, batch: &mut Vec<Arc<Event>>) -> Result<bool, Error> {
        let Self {
            shared,
            table,
            prefix,
            after,
            ..
        } = self;
        table.read(|rows| {
            for (looked_at, event) in rows.events_after(*after)?.enumerate() {
                if looked_at == MAX_LOOKED_AT || batch.len() == MAX_BATCH {
                    return Ok(true);
                }
                *after = event.revision();
                if event.key().path().starts_with(prefix.as_str()) {
                    batch.push(Arc::clone(event));
                }
            }
            // Under the lock, nothing up to the store's revision can be missing from this ring.
            *after = shared.revision().max(*after);
            Ok(false)
        })
    }
}
