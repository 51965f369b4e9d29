//! The time of a cluster: the machine's, that of its runtime, or one that moves only when it is told to.
//!
//! With a virtual clock a rollout of ten minutes takes as long as its decisions: whoever drives it says how far the
//! time may go, and the engine takes it from one appointment to the next, doing at each what is due. With the clock of
//! a runtime that is paused nobody drives: the runtime itself goes on to the next timer, the cluster's or that of
//! whoever waits for it, when nothing is left to do.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

/// Tells the time. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Machine,
    Virtual(Virtual),
    Runtime(Runtime),
}

/// The clock of the tokio runtime that the cluster runs in.
#[derive(Clone, Copy, Debug)]
pub struct Runtime {
    began: Instant,
    at: Timestamp,
}

/// A clock that is moved by hand. Cheap to clone; all clones show the same time.
#[derive(Clone, Debug)]
pub struct Virtual {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    now: Mutex<Timestamp>,
    /// How far the time may go.
    limit: watch::Sender<Timestamp>,
    /// The limit and the revision up to which everything due has been done.
    quiet: watch::Sender<(Timestamp, u64)>,
}

impl Clock {
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Machine => Timestamp::now(),
            Self::Virtual(clock) => clock.now(),
            Self::Runtime(clock) => clock.now(),
        }
    }
}

impl Runtime {
    /// Takes the present moment of the runtime for a time.
    ///
    /// Assumptions: is called inside the runtime.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            began: Instant::now(),
            at: now,
        }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at
            .saturating_add(self.began.elapsed())
            .unwrap_or(Timestamp::MAX)
    }
}

impl Virtual {
    /// A clock that stands at a time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            shared: Arc::new(Shared {
                now: Mutex::new(now),
                limit: watch::Sender::new(now),
                quiet: watch::Sender::new((Timestamp::MIN, 0)),
            }),
        }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.shared.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the time go on, but not beyond `limit`.
    pub(crate) fn allow(&self, limit: Timestamp) {
        self.shared.limit.send_if_modified(|old| {
            let later = limit > *old;
            *old = limit.max(*old);
            later
        });
    }

    pub(crate) fn limit(&self) -> watch::Receiver<Timestamp> {
        self.shared.limit.subscribe()
    }

    /// Moves the time forward to the next appointment, or as far as it may go.
    pub(crate) fn move_to(&self, time: Timestamp) {
        let mut now = self.shared.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = time.max(*now);
    }

    /// Says that nothing is left to do up to this time and revision.
    pub(crate) fn rest(&self, limit: Timestamp, revision: u64) {
        self.shared.quiet.send_if_modified(|old| {
            let news = *old != (limit, revision);
            *old = (limit, revision);
            news
        });
    }

    /// Waits until nothing is left to do up to this time and revision. False when nobody does it any more.
    pub(crate) async fn rested(&self, limit: Timestamp, revision: u64) -> bool {
        let mut quiet = self.shared.quiet.subscribe();
        let reached = quiet.wait_for(|(time, seen)| *time >= limit && *seen >= revision);
        reached.await.is_ok()
    }
}
