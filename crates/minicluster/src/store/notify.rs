//! Waking those who wait for changes, outside of the writers' way.
//!
//! ```text
//! writer ──mark──► dirty bells ──► the store's bell ringer (one thread) ──► every waiting watcher
//! ```
//!
//! Waking 1,000 tasks takes a good part of a millisecond. A writer only marks the bell; one thread rings it, and
//! changes that come while it is ringing are covered by its next round, so a burst of writes wakes each watcher a
//! few times instead of once for each write. Nothing is lost: a ring says "look again", never what changed.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::watch;

use super::sync::lock;

/// What waiters listen to.
#[derive(Debug)]
pub(super) struct Bell {
    signal: watch::Sender<()>,
    marked: AtomicBool,
}

/// The bells that are to be rung. There are never more than tables in the store, plus one.
#[derive(Debug, Default)]
pub(super) struct Ringer {
    round: Mutex<Round>,
    wake: Condvar,
    /// There is no thread: a bell is rung when it is marked.
    at_once: bool,
}

#[derive(Debug, Default)]
struct Round {
    bells: Vec<Arc<Bell>>,
    closed: bool,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self {
            signal: watch::Sender::new(()),
            marked: AtomicBool::new(false),
        }
    }

    /// Starts listening. Assumption: the listener looks at the state after this call, under the same lock that
    /// writers hold when they change it; then it can't miss a change.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.signal.subscribe()
    }

    pub(super) fn ring(&self) {
        self.signal.send_replace(());
    }
}

impl Ringer {
    /// A ringer without a thread.
    pub(super) fn at_once() -> Self {
        Self {
            at_once: true,
            ..Self::default()
        }
    }

    /// Has the bell rung soon, if anybody listens.
    pub(super) fn mark(&self, bell: &Arc<Bell>) {
        if self.at_once {
            return bell.ring();
        }
        if bell.signal.receiver_count() == 0 || bell.marked.swap(true, Ordering::AcqRel) {
            return;
        }
        lock(&self.round).bells.push(Arc::clone(bell));
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        lock(&self.round).closed = true;
        self.wake.notify_one();
    }

    /// The thread of the ringer; returns after [`Ringer::close`].
    pub(super) fn run(&self) {
        loop {
            let mut round = lock(&self.round);
            while round.bells.is_empty() && !round.closed {
                round = self.wake.wait(round).unwrap_or_else(PoisonError::into_inner);
            }
            if round.closed {
                return;
            }
            let bells = mem::take(&mut round.bells);
            drop(round);
            for bell in bells {
                // Unmarked first: a change that comes now marks it again.
                bell.marked.swap(false, Ordering::AcqRel);
                bell.ring();
            }
        }
    }
}
