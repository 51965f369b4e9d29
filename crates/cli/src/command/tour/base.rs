//! The `shipway up` that the tour is made on: one that runs, or its own, which is started again whenever it dies, and ends
//! with the tour, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Problem;
use crate::command::up::{self, PATIENT, folder, said::Places};

/// How often it is looked whether it is there.
const EVERY: Duration = Duration::from_millis(10);

/// How often it is started again: more than anybody kills it by hand.
const MOST_RESTARTS: usize = 200;

/// One that fails by itself this often has a reason that does not pass.
const MOST_FAILURES: usize = 5;

/// How long somebody has to start it again who started it himself.
const SOMEBODY: Duration = Duration::from_mins(1);

/// What the tour is made on.
#[derive(Debug)]
pub(super) struct Base {
    dir: PathBuf,
    keeper: Option<Keeper>,
}

/// Keeps one of our own.
#[derive(Debug)]
struct Keeper {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    is_over: AtomicBool,
    pid: Mutex<Option<u32>>,
    /// Why it is not started again.
    failed: Mutex<Option<String>>,
}

impl Base {
    /// Takes the one that runs in the folder, or starts one.
    pub(super) fn of(dir: &Path, arguments: &[&str]) -> Result<Self, Problem> {
        let keeper = match folder::is_running(dir) {
            true => None,
            false => Some(Keeper::start(dir, arguments)?),
        };
        Ok(Self {
            dir: dir.to_owned(),
            keeper,
        })
    }

    pub(super) fn is_own(&self) -> bool {
        self.keeper.is_some()
    }

    /// Where everything is now; none while it is not there.
    pub(super) fn places(&self) -> Option<Places> {
        up::places(&self.dir)
    }

    /// Waits until it is ready.
    pub(super) fn ready(&self) -> Result<Places, Problem> {
        let patience = if self.is_own() { PATIENT } else { SOMEBODY };
        let began = Instant::now();
        loop {
            if let Some(places) = self.places() {
                return Ok(places);
            }
            if let Some(said) = self.keeper.as_ref().and_then(Keeper::failure) {
                return Err(Problem::Up { said });
            }
            if began.elapsed() > patience {
                return Err(Problem::Up {
                    said: format!("it is not ready after {} s", patience.as_secs()),
                });
            }
            std::thread::sleep(EVERY);
        }
    }
}

impl Keeper {
    fn start(dir: &Path, arguments: &[&str]) -> Result<Self, Problem> {
        let program = std::env::current_exe().map_err(|source| Problem::Type {
            command: "shipway up".to_owned(),
            source,
        })?;
        let mut command = Command::new(program);
        command
            .args(["up", "--lifeline", "--dir"])
            .arg(dir)
            .args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let state = Arc::<State>::default();
        let keeps = Arc::clone(&state);
        let thread = std::thread::spawn(move || keep(command, &keeps));
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    fn failure(&self) -> Option<String> {
        locked(&self.state.failed).clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        if let Some(pid) = *locked(&self.state.pid)
            && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::INT);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts it, and again whenever it was killed, until it is over.
fn keep(mut command: Command, state: &State) {
    let mut failures = 0;
    for _ in 0..MOST_RESTARTS {
        let child = {
            // Held, so that whoever says that it is over finds the child that it is about.
            let mut pid = locked(&state.pid);
            if state.is_over.load(Ordering::SeqCst) {
                return;
            }
            let child = command.spawn();
            *pid = child.as_ref().ok().map(Child::id);
            child
        };
        let ended = child.and_then(end);
        *locked(&state.pid) = None;
        let said = match ended {
            Err(error) => error.to_string(),
            // Killed, which is no reason of its own.
            Ok((status, _)) if status.code().is_none() => continue,
            Ok((_, said)) => said,
        };
        failures += 1;
        if failures >= MOST_FAILURES || is_usage(&said) {
            *locked(&state.failed) = Some(said.trim().to_owned());
            return;
        }
    }
    *locked(&state.failed) = Some(format!("it was killed {MOST_RESTARTS} times"));
}

fn end(mut child: Child) -> std::io::Result<(ExitStatus, String)> {
    // Open for as long as this process lives: it ends with it, however that dies.
    let _lifeline = child.stdin.take();
    let output = child.wait_with_output()?;
    Ok((
        output.status,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Whether trying again can't help: the folder is somebody else's.
fn is_usage(said: &str) -> bool {
    ["SW1202", "SW1203"].iter().any(|code| said.contains(code))
}

/// What is held is one value; no use of it can leave it half changed.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
