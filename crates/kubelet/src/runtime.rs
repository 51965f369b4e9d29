//! What the state machine of a pod asks of whoever runs containers.
//!
//! ```text
//! machine ──address, image, start, look, stop──► Runtime ──► a behaviour file and the clock (simulated)
//!                                                        └─► real processes and what was seen of them
//! ```
//!
//! Every question is asked again whenever the pod is looked at, so an answer may not depend on how often it was
//! asked: `start` and `stop` say what is wanted and answer what is so far. Only `news` are told once.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::pod::Container;

/// One run of a container, or the one that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub pod: &'a Value,
    pub container: &'a Container<'a>,
    /// How many runs there were before.
    pub restarts: i64,
    /// When it started, to the second; before it did, when it could first have started.
    pub since: Timestamp,
}

/// Whether the image of a container is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// It was there before.
    Present,
    /// It was pulled for this run and took so long.
    Pulled { took: SignedDuration, bytes: u64 },
    /// It is being pulled, until a time if that is known.
    Pulling { until: Option<Timestamp> },
    /// It could not be pulled; `waiting` when the failure is not new and the next attempt is in the future.
    Failed {
        error: String,
        waiting: bool,
        again: Option<Timestamp>,
    },
    /// It is not there and may not be pulled.
    Absent,
}

/// How far a start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It runs since a time.
    Running { since: Timestamp },
    /// Its `postStart` hook is not done; until then it does not count as running. `again` is when it will be, where
    /// that is known.
    Starting { again: Option<Timestamp> },
}

/// Something that went wrong with a run and is told, though it changes nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub reason: &'static str,
    pub message: String,
}

/// What a container is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    Running(Health),
    Ended(Exit),
}

/// What is known about a running container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Its startup probe has succeeded, or it has none.
    pub started: bool,
    /// Its readiness probe succeeds, or it has none.
    pub ready: bool,
    /// Probes that fail at this time.
    pub failures: Vec<Failure>,
    /// When something is expected to change.
    pub next: Option<Timestamp>,
}

/// A probe that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub probe: Probe,
    pub message: String,
    pub at: Timestamp,
    /// It failed as often as its threshold allows.
    pub final_one: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    Startup,
    Readiness,
    Liveness,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub code: i64,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: String,
    /// What it left in its termination message.
    pub message: String,
    pub started: Timestamp,
    pub finished: Timestamp,
}

/// A wish that a container ends.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Since when.
    pub begins: Timestamp,
    /// When it is killed.
    pub deadline: Timestamp,
}

/// Why a container could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `RunContainerError`, `CreateContainerError`, …
    pub reason: &'static str,
    pub message: String,
    pub again: Option<Timestamp>,
}

/// Runs the containers of the pods of a node.
pub trait Runtime {
    /// Makes the pod's sandbox and gives its address; the same one each time.
    ///
    /// # Errors
    /// Why there is none, in the words of the event.
    fn address(&mut self, pod: &Value) -> Result<String, String>;

    /// Whether the sandbox of a pod that has one is still there. It goes with its node.
    fn has_sandbox(&mut self, _pod: &Value) -> bool {
        true
    }

    /// Makes the pod's volumes ready.
    ///
    /// # Errors
    /// What could not be, in the words of events.
    fn mount(&mut self, _pod: &Value, _now: Timestamp) -> Result<(), Vec<String>> {
        Ok(())
    }

    /// Sees to the image of a run.
    fn image(&mut self, run: &Run<'_>, now: Timestamp) -> Image;

    /// Starts a run.
    ///
    /// # Errors
    /// Why it did not start.
    fn start(&mut self, run: &Run<'_>, now: Timestamp) -> Result<Begun, Refused>;

    /// The number of the run of a container whose `postStart` hook is not done, where something runs meanwhile that
    /// has to be stopped.
    fn starting(&mut self, _pod: &Value, _container: &Container<'_>) -> Option<i64> {
        None
    }

    /// What is to be told about a run and was not told before.
    fn news(&mut self, _run: &Run<'_>) -> Vec<News> {
        Vec::new()
    }

    /// Tells what a run that was started is doing.
    fn look(&mut self, run: &Run<'_>, now: Timestamp) -> Doing;

    /// Wants a run to end and tells what it is doing.
    fn stop(&mut self, run: &Run<'_>, stop: Stop, now: Timestamp) -> Doing;
}

impl Exit {
    /// The reason that a runtime gives for a code.
    #[must_use]
    pub fn reason_of(code: i64) -> &'static str {
        if code == 0 { "Completed" } else { "Error" }
    }
}

impl Probe {
    /// `Liveness`, as the messages of events begin.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness => "Readiness",
            Self::Liveness => "Liveness",
        }
    }

    /// The field of a container that holds it.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
        }
    }
}
