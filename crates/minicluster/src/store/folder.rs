//! The folder of a durable store: who has it, and what is in it.
//!
//! ```text
//! lock                            held by the one process that uses the folder
//! snapshot-00000000000000001200   every object as of revision 1200
//! log-00000000000000001201        every change since, in order
//! *.new                           a file that was being made when the process ended; removed
//! ```
//!
//! A file gets its name only when it is whole and on the disk, by a rename.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::error::Error;

const LOCK: &str = "lock";
const LOG: &str = "log-";
const SNAPSHOT: &str = "snapshot-";
const NEW: &str = ".new";

/// A child process has our files open between its fork and its exec, the lock of a store that was just closed among
/// them. That is over in a moment, however many children there are; whoever really has the folder has it for longer.
const LOCK_TRIES: u32 = 50;
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// The folder, locked for as long as this value lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// The store's files by their numbers, in ascending order.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) logs: Vec<u64>,
    pub(super) snapshots: Vec<u64>,
    /// Files whose making was interrupted.
    pub(super) unfinished: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder if need be and locks it.
    ///
    /// Errors: [`Error::InUse`], [`Error::Io`].
    pub(super) fn lock(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::io("make the folder", path))?;
        let file = path.join(LOCK);
        let open = private().create(true).write(true).truncate(false).open(&file);
        let lock = open.map_err(Error::io("open", &file))?;
        for tried in 0.. {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tried < LOCK_TRIES => thread::sleep(LOCK_AGAIN),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::InUse {
                        folder: path.to_owned(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &file)(error)),
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn log_path(&self, first: u64) -> PathBuf {
        self.path.join(format!("{LOG}{first:020}"))
    }

    pub(super) fn snapshot_path(&self, revision: u64) -> PathBuf {
        self.path.join(format!("{SNAPSHOT}{revision:020}"))
    }

    /// Finds the files of the store; others are left alone.
    pub(super) fn content(&self) -> Result<Content, Error> {
        let mut content = Content::default();
        let entries = fs::read_dir(&self.path).map_err(Error::io("read", &self.path))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("read", &self.path))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(number) = number_after(LOG, name) {
                content.logs.push(number);
            } else if let Some(number) = number_after(SNAPSHOT, name) {
                content.snapshots.push(number);
            } else if name.strip_suffix(NEW).is_some_and(is_ours) {
                content.unfinished.push(entry.path());
            }
        }
        content.logs.sort_unstable();
        content.snapshots.sort_unstable();
        Ok(content)
    }

    /// Removes the files that a snapshot at `revision` makes superfluous.
    pub(super) fn remove_before(&self, revision: u64) -> Result<(), Error> {
        let Content {
            logs,
            snapshots,
            unfinished: _,
        } = self.content()?;
        for log in logs.into_iter().filter(|first| *first <= revision) {
            remove(&self.log_path(log))?;
        }
        for snapshot in snapshots.into_iter().filter(|at| *at < revision) {
            remove(&self.snapshot_path(snapshot))?;
        }
        Ok(())
    }
}

/// How files are made that only their owner may read: Secrets are in them as they are.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a file whose name appears only when all of it is on the disk. Gives the file, open for writing.
///
/// Errors: [`Error::Io`]; then nothing has that name.
pub(super) fn publish(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<File, Error> {
    let mut new = path.as_os_str().to_owned();
    new.push(NEW);
    let new = PathBuf::from(new);
    let open = private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new);
    let mut file = open.map_err(Error::io("create", &new))?;
    let filled = fill(&mut file)
        .and_then(|()| file.flush())
        .and_then(|()| file.sync_all());
    if let Err(error) = filled.and_then(|()| fs::rename(&new, path)) {
        // Best effort: the next start removes it as well.
        let _ = fs::remove_file(&new);
        return Err(Error::io("write", path)(error));
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    if let Err(error) = File::open(parent).and_then(|folder| folder.sync_all()) {
        // The caller goes on without this file, so the next start must not meet it.
        let _ = fs::remove_file(path);
        return Err(Error::io("sync the folder of", path)(error));
    }
    Ok(file)
}

fn number_after(prefix: &str, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn is_ours(name: &str) -> bool {
    number_after(LOG, name).is_some() || number_after(SNAPSHOT, name).is_some()
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}
