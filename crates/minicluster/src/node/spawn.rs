//! Starting a process under a keeper, with pipes or a terminal as its streams.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};

use super::launch::{KEEPER, Launch};

/// Two seconds at most: a killed process that does not go is stuck in the system, and nobody can wait for that.
const LOOKS: usize = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// What a process says, as it says it.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A process that was started.
pub(crate) struct Spawned {
    pub(crate) child: Child,
    pub(crate) group: Group,
    pub(crate) stdin: Option<Writer>,
    pub(crate) stdout: Option<Reader>,
    pub(crate) stderr: Option<Reader>,
    pub(crate) terminal: Option<Terminal>,
}

/// The keeper and everything that it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group(Pid);

/// The near end of a terminal.
#[derive(Debug)]
pub(crate) struct Terminal(File);

/// How processes are started in this cluster.
#[derive(Clone, Debug)]
pub(crate) struct Starter {
    pub(crate) own: PathBuf,
    pub(crate) lifeline: PathBuf,
}

impl Starter {
    /// Starts a process. Assumptions: inside of a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses: no more processes, files or terminals.
    pub(crate) fn start(&self, launch: &Launch) -> io::Result<Spawned> {
        let mut command = Command::new(&self.own);
        command.arg(KEEPER).arg("--lifeline").arg(&self.lifeline);
        let master = launch.tty.then(terminal).transpose()?;
        if let Some((_, path)) = &master {
            command.arg("--terminal").arg(path);
        }
        command.arg("--").arg(&launch.program).args(&launch.args);
        command
            .env_clear()
            .envs(launch.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(&launch.folder);
        // The keeper is in a group of its own before it is one of a session: a terminal's signals don't reach it.
        let piped = || {
            if master.is_some() {
                Stdio::null()
            } else {
                Stdio::piped()
            }
        };
        command.stdin(if launch.stdin { piped() } else { Stdio::null() });
        command.stdout(piped()).stderr(piped());
        let mut child = command.spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = Group(id.ok_or_else(|| io::Error::other("it ended before it began"))?);
        let mut spawned = Spawned {
            group,
            stdin: child.stdin.take().map(|stdin| Box::new(stdin) as Writer),
            stdout: child.stdout.take().map(|stdout| Box::new(stdout) as Reader),
            stderr: child.stderr.take().map(|stderr| Box::new(stderr) as Reader),
            terminal: None,
            child,
        };
        if let Some((master, _)) = master {
            let near = |file: &File| file.try_clone().map(tokio::fs::File::from_std);
            spawned.stdout = Some(Box::new(near(&master)?));
            if launch.stdin {
                spawned.stdin = Some(Box::new(near(&master)?));
            }
            spawned.terminal = Some(Terminal(master));
        }
        Ok(spawned)
    }
}

impl Group {
    /// Asks the container's process to end.
    pub(crate) fn terminate(self) {
        let _ = kill_process(self.0, Signal::TERM);
    }

    /// Has the keeper end everything below it, daemons included. Nothing is left of it when this fails. A keeper that
    /// has not begun yet ends by the signal itself.
    pub(crate) fn kill(self) {
        let _ = kill_process(self.0, Signal::USR1);
    }

    /// Ends the group at once, with the keeper where it still lives: for a keeper that was killed, or does not answer.
    pub(crate) fn sweep(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// The number that `/proc` knows it by.
    pub(crate) fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }
}

impl Terminal {
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // A terminal that is gone has no size.
        let _ = tcsetwinsize(&self.0, size);
    }
}

fn terminal() -> io::Result<(File, PathBuf)> {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
    Ok((File::from(master), path))
}

/// Makes the named pipe that is open as long as we live. Keepers of a cluster that died have their time to end first:
/// what they keep may have the ports that are wanted now.
pub(crate) fn lifeline(path: &Path) -> io::Result<File> {
    for _ in 0..LOOKS {
        // Without a reader such a pipe can't be opened: nobody is left, or there never was a pipe.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if rustix::fs::open(path, flags, Mode::empty()).is_err() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let _ = std::fs::remove_file(path);
    rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::RUSR | Mode::WUSR)?;
    // Open for both, so that nobody has to be at the other end yet.
    File::options().read(true).write(true).open(path)
}
