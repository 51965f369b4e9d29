//! Keeps one container's process: our own program, started again, between the cluster and what the container runs.
//!
//! ```text
//! cluster ──spawn──► keeper (leader of a session and group) ──spawn──► the container's program (same group)
//!    └── holds the lifeline, a named pipe, open ──► closed: the keeper ends all below it, and itself
//! ```
//!
//! So nothing outlives a cluster that dies without a word. The keeper hands on SIGTERM, ends everything on SIGUSR1, and
//! ends as its child did. What the child leaves behind is ended with it, as in a container: also daemons, which the
//! keeper adopts.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_current_process_group, kill_process, setsid};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::descent;

/// What shells end with when a program is not there.
const NOT_FOUND: u8 = 127;

/// What a process that a signal ended has as a code: 128 and the signal's number.
const SIGNALLED: i32 = 128;

/// Runs a program until it ends or the cluster does; gives the code to end with.
///
/// # Errors
/// When the lifeline can't be held; nothing was started then.
pub fn keep(lifeline: &Path, terminal: Option<&Path>, words: &[OsString]) -> io::Result<u8> {
    // Fails only for a group's leader, which a program that was just started is when a shell starts it.
    let _ = setsid();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(lifeline, terminal, words))
}

async fn run(lifeline: &Path, terminal: Option<&Path>, words: &[OsString]) -> io::Result<u8> {
    let mut lifeline = pipe::OpenOptions::new().open_receiver(lifeline)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut kill = signal(SignalKind::user_defined1())?;
    let mut children = signal(SignalKind::child())?;
    descent::adopt();
    // The terminal's own signals are for the child, which is in the same group.
    let _interrupt = signal(SignalKind::interrupt())?;
    let _quit = signal(SignalKind::quit())?;
    let Some((program, args)) = words.split_first() else {
        return Ok(NOT_FOUND);
    };
    let mut command = Command::new(program);
    command.args(args);
    if let Some(path) = terminal {
        // The first terminal that a session's leader opens controls it.
        let terminal = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
        command.stdin(Stdio::from(terminal.try_clone()?));
        command.stdout(Stdio::from(terminal.try_clone()?));
        command.stderr(Stdio::from(terminal));
    }
    let mut child = command.spawn()?;
    drop(command);
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut buffer = [0; 1];
    loop {
        tokio::select! {
            status = child.wait() => {
                descent::end();
                return Ok(code(status?));
            }
            _ = lifeline.read(&mut buffer) => {
                descent::end();
                let _ = kill_current_process_group(Signal::KILL);
            }
            _ = kill.recv() => descent::end(),
            _ = children.recv() => descent::bury(pid),
            _ = terminate.recv() => {
                if let Some(pid) = pid {
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        }
    }
}

/// The code of an exit, or of the signal that ended it.
pub(crate) fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| SIGNALLED + status.signal().unwrap_or(0));
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}
