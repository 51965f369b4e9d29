//! The one thread that writes a durable store: batches, the disk, then the world.
//!
//! ```text
//! many writers ──► queue ──► a batch: decide each ──► one frame, one sync ──► visible ──► answers
//!                               └─ on top of the batch's own earlier changes
//! ```
//!
//! While the disk syncs one batch, the next gathers in the queue: the more writers, the fewer syncs for each.
//! Nothing of a batch is seen by readers or watchers before it is on the disk, so a crash never takes back what
//! anybody saw.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::error::Error;
use super::event::{Change, Event};
use super::folder::Folder;
use super::frame::FRAME_HEADER;
use super::key::Key;
use super::log::Log;
use super::object::Object;
use super::record;
use super::shared::{Shared, Totals};
use super::sync::lock;
use super::table::Table;
use super::ticket::{Outcome, Ticket};

/// The most writes that wait: ten times what a real API server lets in at once, twice (mutating and read-only).
const MAX_WAITING: usize = 8192;

/// The most bytes that wait, so that large objects can't fill the memory.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// A batch ends with the change that passes one of these: a sync of 4 MiB takes a few hundredths of a second,
/// which is as long as a single write should have to wait for others.
const MAX_BATCH: usize = 1024;
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Writes on their way to the disk.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    bytes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Request {
    change: Change,
    answer: oneshot::Sender<Outcome>,
}

impl Queue {
    /// Lines a change up. Never waits: a full queue answers [`Error::Busy`] at once.
    pub(super) fn push(&self, change: Change) -> Ticket {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return Ticket::ready(Err(Error::Closed));
        }
        let bytes = waiting.bytes + change.bytes();
        if waiting.requests.len() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            return Ticket::ready(Err(Error::Busy));
        }
        waiting.bytes = bytes;
        let (answer, ticket) = Ticket::waiting();
        waiting.requests.push_back(Request { change, answer });
        drop(waiting);
        self.wake.notify_one();
        ticket
    }

    /// Takes no more writes; those that wait are still done.
    pub(super) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.wake.notify_one();
    }

    /// Waits for writes and takes a batch of them; `None` when the queue is closed and empty.
    fn take(&self) -> Option<Vec<Request>> {
        let mut waiting = lock(&self.waiting);
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
            let Some(request) = waiting.requests.pop_front() else {
                break;
            };
            bytes += request.change.bytes();
            batch.push(request);
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        Some(batch)
    }
}

/// The thread's belongings.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    log: Log,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<Queue>, folder: Folder, log: Log) -> Self {
        let checkpoints = Checkpoints::new(Arc::clone(&shared), folder);
        Self {
            shared,
            queue,
            log,
            checkpoints,
        }
    }

    /// The thread; returns when the queue is closed and everything in it is done.
    pub(super) fn run(mut self) {
        // Whatever ends this thread: nobody may wait for it afterwards.
        let _guard = CloseOnDrop(Arc::clone(&self.queue));
        while let Some(batch) = self.queue.take() {
            self.write(batch);
            self.log = self.checkpoints.consider(self.log);
        }
        self.checkpoints.finish();
    }

    fn write(&mut self, batch: Vec<Request>) {
        let mut plan = Plan::new(&self.shared);
        let mut answers = Vec::with_capacity(batch.len());
        for Request { change, answer } in batch {
            answers.push((answer, plan.decide(change)));
        }
        let Plan {
            first,
            mut frame,
            events,
            ..
        } = plan;
        if !events.is_empty()
            && let Err(error) = self.log.append(&mut frame, first)
        {
            // Refusals fail too: they may rest on a change of this batch that has not happened.
            for (answer, _) in answers {
                let _ = answer.send(Err(error.clone()));
            }
            return;
        }
        let mut totals = self.shared.totals();
        for (table, event) in events {
            self.shared.commit(&mut totals, &table, event);
        }
        drop(totals);
        for (answer, outcome) in answers {
            // Nobody waits any more for the answer of a write whose client is gone.
            let _ = answer.send(outcome);
        }
    }
}

/// A batch that is being decided.
struct Plan<'a> {
    shared: &'a Shared,
    totals: Totals,
    first: u64,
    next: u64,
    /// What earlier changes of the batch made of objects.
    changed: HashMap<Key, Option<Arc<Object>>>,
    frame: Vec<u8>,
    events: Vec<(Arc<Table>, Arc<Event>)>,
}

impl<'a> Plan<'a> {
    fn new(shared: &'a Shared) -> Self {
        let first = shared.revision() + 1;
        Self {
            shared,
            totals: *shared.totals(),
            first,
            next: first,
            changed: HashMap::new(),
            frame: vec![0; FRAME_HEADER],
            events: Vec::new(),
        }
    }

    fn decide(&mut self, change: Change) -> Outcome {
        self.totals.admit(&change, &self.shared.options)?;
        let table = self.shared.make_table(change.key.resource())?;
        let key = change.key.clone();
        let current = match self.changed.get(&key) {
            Some(changed) => changed.clone(),
            None => table.get(key.path()),
        };
        let event = Arc::new(change.decide(current, self.next)?);
        self.next += 1;
        self.totals.count(&event);
        record::encode_event(&event, &mut self.frame);
        self.changed.insert(key, event.live().cloned());
        self.events.push((table, Arc::clone(&event)));
        Ok(event)
    }
}

struct CloseOnDrop(Arc<Queue>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        waiting.closed = true;
        waiting.requests.clear();
    }
}
