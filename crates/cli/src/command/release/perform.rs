//! Performing an operation: how it goes on is said on stderr, a signal stops it in good order, and a failure says what it
//! left.
//!
//! ```text
//! cluster::run ──► Progress ──► stderr
//!      ▲    └──► Error ──► Failed: operation and release, then the cause, then what helps
//!      └─ dropped at SIGINT or SIGTERM; then the hold is let go ──► Stopped
//! ```

use std::time::Duration;

use cluster::run::{Error, Progress, Release, Watching};
use model::{Code, Diagnose};
use tokio::sync::mpsc::{self, Receiver};

use super::Session;
use crate::Failure;
use crate::command::runtime::signal;
use crate::console::{Console, Verbosity};

/// How many lines of progress may lie unread. What is not read in time is dropped: on a terminal the next one replaces
/// it anyway.
pub(crate) const LINES: usize = 1_024;

/// How long letting go may take: two requests. Whoever sends the signal kills soon after, and the hold ends by itself.
const LET_GO: Duration = Duration::from_secs(5);

/// An operation that failed after it began.
#[derive(Debug, thiserror::Error)]
#[error("{operation} of {release} failed{left}")]
struct Failed {
    operation: &'static str,
    release: String,
    /// What was done about it.
    left: String,
    hint: Option<String>,
    #[source]
    error: Error,
}

/// An operation that a signal stopped.
#[derive(Debug, thiserror::Error)]
#[error("{operation} of {release} was stopped by {signal}{}", if *begun { "" } else { "; nothing was touched" })]
struct Stopped {
    operation: &'static str,
    release: String,
    signal: &'static str,
    begun: bool,
    /// The hold that could not be ended.
    #[source]
    held: Option<Error>,
}

impl Session {
    /// Performs an operation on a release.
    pub(crate) fn perform<T>(
        &self,
        console: &mut Console,
        (operation, release): (&'static str, &mut Release),
        work: impl AsyncFnOnce(&mut Release) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let (sender, receiver) = mpsc::channel::<Progress>(LINES);
        release.watched_by(Watching::new(move |progress| drop(sender.try_send(progress))));
        let name = release.history().name().to_owned();
        let done = self.wait(async {
            tokio::select! {
                biased;
                signal = signal() => Err(signal),
                done = follow(work(release), receiver, console) => Ok(done),
            }
        });
        self.warn(console);
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failure(operation, release, error)),
            Err(signal) => {
                let let_go = self.wait(async { tokio::time::timeout(LET_GO, release.let_go()).await });
                let (begun, held) = match let_go {
                    Ok(Ok(begun)) => (begun, None),
                    Ok(Err(error)) => (true, Some(error)),
                    Err(_) => (true, None),
                };
                Err(Stopped {
                    operation,
                    release: name,
                    signal,
                    // Tests write their outcome in the end, and their pods are there from the beginning.
                    begun: begun || operation == "test",
                    held,
                }
                .into())
            }
        }
    }
}

/// Names what failed, unless the error does so itself because nothing was begun.
fn failure(operation: &'static str, release: &Release, error: Error) -> Failure {
    let (left, error) = match error {
        Error::WentBack {
            error,
            outcome: Ok(state),
        } => (format!("; {state}"), *error),
        Error::WentBack {
            error,
            outcome: Err(back),
        } => (format!("; going back failed as well: {back}"), *error),
        Error::Hook { .. } | Error::Unready(_) | Error::Explained { .. } | Error::Cluster(_) => {
            (String::new(), error)
        }
        refused => return refused.into(),
    };
    let name = release.history().name().to_owned();
    let is_late = matches!(
        error,
        Error::Hook { .. } | Error::Unready(_) | Error::Explained { .. }
    );
    let hint = match is_late {
        true => Some(cure(operation, &name, release, left.is_empty())),
        false => error.hint(),
    };
    let failed = Failed {
        operation,
        release: name,
        left,
        hint,
        error,
    };
    failed.into()
}

/// What helps when something did not become ready.
fn cure(operation: &str, name: &str, release: &Release, is_left: bool) -> String {
    let mend = "mend the cause and run the command again".to_owned();
    let served = release.history().successful();
    match (operation, served) {
        _ if !is_left => mend,
        ("install" | "upgrade", Some(served)) => {
            format!(
                "{mend}; `shipway rollback {name} {}` goes back to what served before",
                served.revision
            )
        }
        ("install" | "upgrade", None) => format!("{mend}; `shipway uninstall {name}` removes what is there"),
        _ => mend,
    }
}

async fn follow<T>(
    work: impl Future<Output = T>,
    mut receiver: Receiver<Progress>,
    console: &mut Console,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(progress) = receiver.recv() => show(&progress, console),
            done = &mut work => return done,
        }
    }
}

/// Says how it goes on.
pub(crate) fn show(progress: &Progress, console: &mut Console) {
    match progress {
        Progress::Changed { key, what } => console.note(Verbosity::Verbose, &format!("{what} {key}")),
        Progress::Hook { name, event } => console.note(Verbosity::Verbose, &format!("{event} hook {name}")),
        Progress::Log { name, text } => {
            for line in text.lines() {
                console.note(Verbosity::Normal, &format!("{name} | {line}"));
            }
        }
        Progress::Note(text) => console.note(Verbosity::Normal, text),
        Progress::Waiting(missing) => {
            let level = if console.is_watched() {
                Verbosity::Normal
            } else {
                Verbosity::Verbose
            };
            for (key, why) in missing {
                console.note(level, &format!("waiting for {key}: {why}"));
            }
        }
    }
}

impl Diagnose for Failed {
    fn code(&self) -> Code {
        self.error.code()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl Diagnose for Stopped {
    fn code(&self) -> Code {
        Code::INTERRUPTED
    }

    fn hint(&self) -> Option<String> {
        let Self {
            operation,
            release,
            begun,
            ..
        } = self;
        Some(match (*begun, *operation) {
            (false, _) => "run the command again".to_owned(),
            (true, "install") => format!(
                "run the command again: it goes on where this one stopped; `shipway uninstall {release}` removes what is \
                 there"
            ),
            (true, "upgrade" | "rollback") => format!(
                "run the command again: it goes on where this one stopped; another upgrade replaces it, and `shipway \
                 rollback {release}` goes back"
            ),
            (true, _) => "run the command again: it goes on where this one stopped".to_owned(),
        })
    }
}
