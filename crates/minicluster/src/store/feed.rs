//! Following every resource at once: for the one task in the process that keeps a copy of the whole store.
//!
//! A [`Watcher`](super::Watcher) follows one resource and may be slow; a feed gets each event of every resource in
//! the order of revisions, as it is committed. Its queue holds references to events, and it is bounded: a reader
//! that stopped reading loses the feed, not the store its memory, and starts again from a fresh copy.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::event::Event;
use super::object::Object;
use super::shared::Shared;
use super::sync::lock;

/// The most events that wait for a reader: minutes of writing at full speed, at about 100 bytes for each.
const MAX_WAITING: usize = 1 << 20;

/// Where the writers put events for one feed.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// Some were dropped because nobody read them.
    lost: bool,
}

/// Everything that happens in a store, from one moment on.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    signal: watch::Receiver<()>,
}

/// What a feed has to say.
#[derive(Debug)]
pub enum News {
    /// What happened since the last look, in order; maybe nothing.
    Events(VecDeque<Arc<Event>>),
    /// Events are missing: forget everything and begin with these objects, which are all there are.
    Anew(Vec<Arc<Object>>),
}

impl Inbox {
    /// Takes an event in. Called under the lock of the totals, so in the order of revisions.
    pub(super) fn push(&self, event: &Arc<Event>) {
        let mut waiting = lock(&self.waiting);
        if waiting.events.len() >= MAX_WAITING {
            waiting.events = VecDeque::new();
            waiting.lost = true;
        }
        if !waiting.lost {
            waiting.events.push_back(Arc::clone(event));
        }
    }
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let signal = shared.bell.listen();
        let inbox = Arc::new(Inbox::default());
        // The first look finds that it has missed everything so far.
        lock(&inbox.waiting).lost = true;
        let mut feeds = lock(&shared.feeds);
        feeds.retain(|feed| feed.strong_count() > 0);
        feeds.push(Arc::downgrade(&inbox));
        drop(feeds);
        Self {
            shared,
            inbox,
            signal,
        }
    }

    /// Gives what has happened. The first call gives all objects.
    pub fn take(&mut self) -> News {
        // Writers hold the totals while they change tables and fill inboxes.
        let totals = self.shared.totals();
        let mut waiting = lock(&self.inbox.waiting);
        let events = mem::take(&mut waiting.events);
        if !mem::take(&mut waiting.lost) {
            return News::Events(events);
        }
        let mut objects = Vec::with_capacity(totals.objects);
        for table in self.shared.all_tables() {
            table.read(|rows| objects.extend(rows.live_now().map(Arc::clone)));
        }
        objects.sort_unstable_by_key(|object| object.revision());
        News::Anew(objects)
    }

    /// Waits until something may have happened since the last call. False when the store is closed. Can be
    /// cancelled.
    pub async fn changed(&mut self) -> bool {
        !self.shared.is_closed() && self.signal.changed().await.is_ok() && !self.shared.is_closed()
    }

    /// Whether something waits to be taken.
    pub fn is_behind(&self) -> bool {
        let waiting = lock(&self.inbox.waiting);
        waiting.lost || !waiting.events.is_empty()
    }

    /// The revision up to which the writers have come.
    pub fn revision(&self) -> u64 {
        self.shared.revision()
    }
}
