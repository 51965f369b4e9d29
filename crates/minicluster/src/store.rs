//! The store: Kubernetes objects without types, one global revision, and everything that happened to them.
//!
//! ```text
//!              ┌──────────────────────────── memory ────────────────────────────┐
//! Handle ──► Change ──decide──► Event ──► Table (versions, ring of events) ──► lists, watchers
//!              └─ durable: queue ─► batch ─► log, one sync ─┘                       ▲
//!                                              └─► snapshot, own thread             │
//!                                            the ringer, own thread: "look again" ──┘
//! ```
//!
//! It is what etcd is to a real API server, plus that server's watch cache: each write moves the one revision up by
//! one and stays in a bounded history; a list can show an older state, in pages that fit together; a watch begins
//! at any remembered revision and misses nothing. Objects carry their version inside their JSON, ready to be sent.
//!
//! A store lives in memory, or durably in one folder: there an acknowledged write survives the end of the process
//! and of the machine at any point, and readers see a write only when it does.
//!
//! What it deliberately does not do: it knows no kinds, validates nothing, merges nothing and has no clock; objects
//! with a time to live are deleted by whoever knows about them. The loop "read, change, try again" is its caller's.

mod checkpoint;
mod error;
mod event;
mod feed;
mod folder;
mod frame;
mod key;
mod list;
mod log;
mod notify;
mod object;
mod record;
mod recover;
mod shared;
mod snapshot;
mod sync;
mod table;
mod ticket;
mod token;
mod watch;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use self::event::{Action, Change};
use self::folder::Folder;
use self::notify::Ringer;
use self::shared::{FIRST_REVISION, Shared};
use self::writer::{Queue, Writer};

pub use self::error::Error;
pub use self::event::{Event, EventKind, Expected};
pub use self::feed::{Feed, News};
pub use self::key::{Key, Resource};
pub use self::list::{At, Keep, Page, Query};
pub use self::object::{Draft, Object, Pairs, Traits};
pub use self::recover::{Cut, Recovery};
pub use self::ticket::Ticket;
pub use self::token::Continue;
pub use self::watch::Watcher;

/// What [`Options::object_bytes`] can be at most: larger objects would make frames that the log refuses to read.
const MAX_OBJECT_BYTES: usize = 8 << 20;

/// The bounds of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest object with its labels. 3 MiB is what a real API server takes as a request; etcd refuses at
    /// half of that, so everything that a real cluster takes fits.
    pub object_bytes: usize,
    /// All objects together: 2 GiB, etcd's own limit when nobody changes it.
    pub total_bytes: usize,
    /// The longest history of one resource, in events. Whoever is further behind lists 10,000 objects faster than
    /// it catches up.
    pub history_events: usize,
    /// The memory that the history of all resources may hold: what a page of a slow client or a watcher that was
    /// away for a minute needs, at a few hundred changes per second of 2 KiB objects.
    pub history_bytes: usize,
    /// The shortest log that is replaced by a snapshot: half a second of reading at the next start.
    pub snapshot_log_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            object_bytes: 3 << 20,
            total_bytes: 2 << 30,
            history_events: 32_768,
            history_bytes: 64 << 20,
            snapshot_log_bytes: 32 << 20,
        }
    }
}

/// A running store; owns its threads. Dropping it stops it.
#[derive(Debug)]
pub struct Store {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
    recovery: Recovery,
}

/// Reads, writes and watches a [`Store`]. Cheap to clone; outlives the store harmlessly: then it still reads, and
/// writes answer [`Error::Closed`].
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    /// The way to the disk of a durable store.
    queue: Option<Arc<Queue>>,
}

/// What a store holds.
#[derive(Clone, Debug)]
pub struct Stats {
    pub revision: u64,
    pub objects: usize,
    pub object_bytes: usize,
    pub history_bytes: usize,
    /// Why the last snapshot failed. Nothing is lost by it, but the log grows and the next start takes longer.
    pub snapshot_failure: Option<Error>,
}

impl Store {
    /// Starts an empty store in memory.
    ///
    /// Errors: [`Error::Io`] if no thread can be started.
    pub fn memory(options: Options) -> Result<Self, Error> {
        let mut store = Self::without_threads(Shared::new(options, Ringer::default()));
        store.start_ringer(Path::new("memory"))?;
        Ok(store)
    }

    /// An empty store in memory that has no threads: whoever writes also wakes the watchers. For a cluster whose time is
    /// that of its runtime, which does not see the work of other threads.
    pub fn on_one_thread(options: Options) -> Self {
        Self::without_threads(Shared::new(options, Ringer::at_once()))
    }

    fn without_threads(shared: Shared) -> Self {
        Self {
            handle: Handle {
                shared: Arc::new(shared),
                queue: None,
            },
            threads: Vec::new(),
            recovery: Recovery {
                revision: FIRST_REVISION,
                history_from: FIRST_REVISION,
                ..Recovery::default()
            },
        }
    }

    /// Starts the durable store in a folder, which is made if it is not there.
    ///
    /// Guarantees: every write that was ever acknowledged from this folder is there.
    /// Errors: [`Error::InUse`]; [`Error::Corrupt`] or [`Error::Missing`] with the file, when that guarantee
    /// can't be kept; [`Error::Io`].
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let folder = Folder::lock(path)?;
        let shared = Arc::new(Shared::new(options, Ringer::default()));
        let (log, recovery) = recover::recover(&folder, &shared)?;
        let queue = Arc::new(Queue::default());
        let handle = Handle {
            shared: Arc::clone(&shared),
            queue: Some(Arc::clone(&queue)),
        };
        let mut store = Self {
            handle,
            threads: Vec::new(),
            recovery,
        };
        store.start_ringer(path)?;
        let writer = Writer::new(shared, queue, folder, log);
        store.start("store-writer", path, || writer.run())?;
        Ok(store)
    }

    /// A way in.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What the start found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Stops the store: finishes the writes that wait, ends the watchers, joins the threads, frees the folder.
    pub fn close(self) {
        drop(self);
    }

    fn start_ringer(&mut self, path: &Path) -> Result<(), Error> {
        let shared = Arc::clone(&self.handle.shared);
        self.start("store-ringer", path, move || shared.ringer.run())
    }

    fn start(&mut self, name: &str, path: &Path, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread: io::Result<_> = thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads
            .push(thread.map_err(Error::io("start a thread for", path))?);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Handle { shared, queue } = &self.handle;
        if let Some(queue) = queue {
            queue.close();
        }
        // The writer first: what it still commits is to reach the watchers. The ringer ends after it.
        for thread in self.threads.drain(..).rev() {
            if thread.thread().name() == Some("store-ringer") {
                shared.close();
            }
            // A thread that panicked has said so; there is nothing left to stop.
            let _ = thread.join();
        }
        shared.close();
    }
}

impl Handle {
    /// Finds an object as it is now.
    pub fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.shared.get(key)
    }

    /// Stores an object of a name that is free.
    ///
    /// Errors: [`Error::Exists`], and those of any write: [`Error::TooLarge`], [`Error::Full`], [`Error::Busy`],
    /// [`Error::Io`], [`Error::Closed`].
    pub fn create(&self, key: Key, draft: Draft) -> Ticket {
        self.write(key, Action::Create(draft))
    }

    /// Replaces an object.
    ///
    /// Errors: [`Error::NotFound`], [`Error::Conflict`], and those of any write.
    pub fn update(&self, key: Key, expected: Expected, draft: Draft) -> Ticket {
        self.write(key, Action::Update(expected, draft))
    }

    /// Removes an object. The event's object is its last state with the version of the deletion.
    ///
    /// Errors: [`Error::NotFound`], [`Error::Conflict`], and those of any write.
    pub fn delete(&self, key: Key, expected: Expected) -> Ticket {
        self.write(key, Action::Delete(expected))
    }

    /// Reads a page of a resource, in the order of namespace and name.
    ///
    /// Errors: [`Error::Expired`], [`Error::Future`].
    pub fn list(&self, resource: &Resource, query: &Query<'_>) -> Result<Page, Error> {
        // Read before the table is looked for: without a table then, nothing had happened up to this revision.
        let current = self.shared.revision();
        match self.shared.table(resource) {
            Some(table) => table.read(|rows| query.page(rows, query.revision(self.shared.revision())?)),
            None => {
                let (revision, oldest) = (query.revision(current)?, self.shared.base());
                if revision < oldest {
                    return Err(Error::Expired {
                        requested: revision,
                        oldest,
                    });
                }
                Ok(Page {
                    revision,
                    ..Page::default()
                })
            }
        }
    }

    /// Follows a resource, or one namespace of it, from the first change after `revision`.
    ///
    /// Errors: [`Error::Expired`], [`Error::Future`], [`Error::TooManyResources`].
    pub fn watch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Watcher, Error> {
        let table = self.shared.make_table(resource)?;
        Watcher::new(
            Arc::clone(&self.shared),
            table,
            list::namespace_prefix(namespace),
            revision,
        )
    }

    /// Follows every resource at once, beginning with all that is there.
    pub fn follow(&self) -> Feed {
        Feed::new(Arc::clone(&self.shared))
    }

    /// The revision of the last write that readers can see.
    pub fn revision(&self) -> u64 {
        self.shared.revision()
    }

    /// Waits until the store has come to a revision. The caller sets the limit of its patience.
    ///
    /// Errors: [`Error::Closed`].
    pub async fn reached(&self, revision: u64) -> Result<(), Error> {
        let mut signal = self.shared.bell.listen();
        // After this, a writer either was done before or sees the listener.
        drop(self.shared.totals());
        loop {
            signal.borrow_and_update();
            if self.shared.revision() >= revision {
                return Ok(());
            }
            if self.shared.is_closed() || signal.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// Forgets the history of a resource up to a revision: older lists and watches are `Expired` from now on.
    ///
    /// Errors: [`Error::TooManyResources`].
    pub fn compact(&self, resource: &Resource, revision: u64) -> Result<(), Error> {
        let table = self.shared.make_table(resource)?;
        self.shared.compact(&table, revision);
        Ok(())
    }

    /// Counts what is there.
    pub fn stats(&self) -> Stats {
        let totals = *self.shared.totals();
        Stats {
            revision: self.shared.revision(),
            objects: totals.objects,
            object_bytes: totals.object_bytes,
            history_bytes: totals.history_bytes,
            snapshot_failure: self.shared.snapshot_failure(),
        }
    }

    fn write(&self, key: Key, action: Action) -> Ticket {
        let change = Change { key, action };
        let limit = self.shared.options.object_bytes.min(MAX_OBJECT_BYTES);
        if change.bytes() > limit {
            return Ticket::ready(Err(Error::TooLarge {
                bytes: change.bytes(),
                limit,
            }));
        }
        match &self.queue {
            Some(queue) => queue.push(change),
            None => Ticket::ready(self.shared.write(change)),
        }
    }
}
