//! How an operation is performed, and what a failure or an interruption means.

use std::time::Duration;

use jiff::Timestamp;
use release::Brake;
use release::journal::{HOLD, Journal, Step};
use release::storage::Driver;

/// The policies of an operation.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who this run is to other runs: a host, a process, and a word that no other run has.
    pub holder: String,
    /// Which process this is, for [`Options::is_gone`] of others; empty if it can't be told.
    pub process: String,
    /// How `process` begins of this run and of all that it follows, of whom none lives any more: one leader after the other.
    /// Empty if there is no such order.
    pub follows: String,
    /// Whether a process, by such words, is known to be no more. Whoever can't be sure says no: its hold ends by its time.
    pub is_gone: fn(&str) -> bool,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// What records are kept in.
    pub driver: Driver,
    /// How long is waited for objects, for hooks, and for another run.
    pub timeout: Duration,
    /// Waits until every object is ready, and has been for so long; `None` does not wait.
    pub wait: Option<Duration>,
    /// Whether waiting includes the end of Jobs.
    pub wait_for_jobs: bool,
    pub on_failure: OnFailure,
    pub interrupted: Interrupted,
    pub when_held: WhenHeld,
    /// Whether hooks are run.
    pub hooks: bool,
    /// Whether the logs of hooks are told, whatever their policy says.
    pub logs: bool,
    /// Whether fields that others own are taken.
    pub force_conflicts: bool,
    /// Whether objects that exist and are not the release's are made its own.
    pub take_ownership: bool,
    /// Whether an install may take the name of one that failed.
    pub replace: bool,
    pub create_namespace: bool,
    /// `None` deletes without asking.
    pub brake: Option<Brake>,
    /// Whether what takes along what is in it stays where it would be deleted: a claim of a volume, a namespace, a
    /// definition of a kind.
    pub keeps_precious: bool,
    /// The most revisions that are kept; 0 keeps all.
    pub history_max: usize,
}

/// What becomes of a release whose operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It stays as it is, marked failed.
    Leave,
    /// It goes back to the revision that served; an install is uninstalled.
    GoBack,
}

/// What becomes of an operation that was killed, when the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// It is gone on with if the same is wanted again; otherwise the next operation replaces it.
    Resume,
    /// The release first goes back to the revision that served.
    RollBack,
}

/// What a run does when another one is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenHeld {
    Wait,
    Refuse,
}

impl Options {
    /// Helm's defaults.
    #[must_use]
    pub fn new(holder: String, now: fn() -> Timestamp) -> Self {
        Self {
            holder,
            process: String::new(),
            follows: String::new(),
            is_gone: |_| false,
            now,
            driver: Driver::default(),
            timeout: Duration::from_secs(300),
            wait: None,
            wait_for_jobs: false,
            on_failure: OnFailure::Leave,
            interrupted: Interrupted::Resume,
            when_held: WhenHeld::Wait,
            hooks: true,
            logs: false,
            force_conflicts: false,
            take_ownership: false,
            replace: false,
            create_namespace: false,
            brake: Some(Brake::default()),
            keeps_precious: false,
            history_max: 10,
        }
    }

    /// Whether another process is known to be no more.
    pub(crate) fn knows_gone(&self, process: &str) -> bool {
        let is_before =
            !self.follows.is_empty() && process.starts_with(&self.follows) && process != self.process;
        is_before || (self.is_gone)(process)
    }

    /// The journal of this run at a step, held from now on.
    pub(crate) fn journal(&self, step: Step) -> Journal {
        Journal {
            holder: self.holder.clone(),
            process: self.process.clone(),
            until: (self.now)() + HOLD,
            step,
        }
    }
}
