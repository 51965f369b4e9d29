//! A folder as a store, safe for several processes of a machine, and against kill -9 and a loss of power.
//!
//! A file is written aside, synced and linked (which fails if the name is taken) or renamed, so that a name has a whole
//! content or none. Replacing compares with what was read under an exclusive lock of `.lock`, which the kernel gives back
//! when a process dies. Files are read without a lock.
//!
//! On a network file system this is as good as its locks: NFS version 4 has them, older ones may not.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use model::Digest;

use super::{Content, Doing, Listed, MAX_LISTED, Objects, Tag};
use crate::error::{Error, Source};

/// Where files are written before they get their names.
const ASIDE: &str = ".aside";
const LOCK: &str = ".lock";

/// Who holds the lock compares and renames one file; that takes milliseconds, and seconds on a bad disk.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A writer that died leaves its file aside; nobody writes one file for a day.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells files of one process apart that are written aside at the same time.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: Arc<Path>,
}

type Io<T> = std::io::Result<T>;

impl Folder {
    /// The folder is made when something is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into().into(),
        }
    }

    fn run<'a, T: Send + 'static>(
        &'a self,
        doing: String,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Doing<'a, T> {
        let folder = self.clone();
        let place = self.root.display().to_string();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&folder)).await;
            let fault = match done {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(fault)) => fault,
                Err(stopped) => Fault::Io(std::io::Error::other(stopped)),
            };
            Err(match fault {
                Fault::Io(source) if source.kind() == ErrorKind::PermissionDenied => Error::Forbidden {
                    place,
                    doing,
                    source: source.into(),
                },
                Fault::Io(source) => Error::Store {
                    place,
                    doing,
                    source: source.into(),
                },
                Fault::Busy => Error::Contended {
                    place,
                    doing,
                    problem: format!("the lock is held for more than {} s", LOCK_WAIT.as_secs()),
                },
                Fault::TooLarge { limit } => Error::TooLarge { what: doing, limit },
                Fault::TooMany => Error::Store {
                    place,
                    doing,
                    source: Source::from(format!("there are more than {MAX_LISTED} objects")),
                },
            })
        })
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    fn read(&self, key: &str, limit: usize) -> Result<Option<Content>, Fault> {
        let file = match File::open(self.path(key)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit {
            return Err(Fault::TooLarge { limit });
        }
        let tag = tag(&bytes);
        let bytes = bytes.into();
        Ok(Some(Content { bytes, tag }))
    }

    /// Writes a file aside and syncs it.
    fn aside(&self, bytes: &[u8]) -> Io<PathBuf> {
        let folder = self.root.join(ASIDE);
        fs::create_dir_all(&folder)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        let mut file = File::create(&path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(path)
    }

    fn link(&self, key: &str, bytes: &[u8]) -> Io<bool> {
        let path = self.path(key);
        if path.exists() {
            return Ok(false);
        }
        let aside = self.aside(bytes)?;
        let parent = parent(&path)?;
        let linked = fs::hard_link(&aside, &path);
        fs::remove_file(&aside)?;
        match linked {
            Ok(()) => sync(&parent).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn swap(&self, key: &str, bytes: &[u8], was: Option<&Tag>) -> Result<bool, Fault> {
        fs::create_dir_all(&self.root)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.root.join(LOCK))?;
        hold(&lock)?;
        let path = self.path(key);
        let is = match fs::read(&path) {
            Ok(bytes) => Some(tag(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if is.as_ref() != was {
            return Ok(false);
        }
        let aside = self.aside(bytes)?;
        let parent = parent(&path)?;
        fs::rename(&aside, &path)?;
        sync(&parent)?;
        // The lock ends with the file's handle.
        drop(lock);
        Ok(true)
    }

    fn entries(&self, folder: &str) -> Result<Vec<Listed>, Fault> {
        let mut listed = Vec::new();
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(listed),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let about = match entry.metadata() {
                Ok(about) if about.is_file() => about,
                Ok(_) => continue,
                // Deleted since.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            if listed.len() == MAX_LISTED {
                return Err(Fault::TooMany);
            }
            listed.push(Listed {
                key: format!("{folder}{name}"),
                modified: Timestamp::try_from(about.modified()?).unwrap_or(Timestamp::MAX),
            });
        }
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    /// Removes what writers that died left aside. Failing to is no reason not to write.
    fn clear(&self) {
        let Ok(entries) = fs::read_dir(self.root.join(ASIDE)) else {
            return;
        };
        for entry in entries.flatten().take(MAX_LISTED) {
            let age = entry
                .metadata()
                .and_then(|about| about.modified())
                .map(|time| time.elapsed());
            if matches!(age, Ok(Ok(age)) if age > STALE) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Objects for Folder {
    fn get<'a>(&'a self, key: &'a str, limit: usize) -> Doing<'a, Option<Content>> {
        let key = key.to_owned();
        self.run(format!("read {key}"), move |folder| folder.read(&key, limit))
    }

    fn create<'a>(&'a self, key: &'a str, bytes: Bytes) -> Doing<'a, bool> {
        let key = key.to_owned();
        self.run(format!("write {key}"), move |folder| {
            Ok(folder.link(&key, &bytes)?)
        })
    }

    fn replace<'a>(&'a self, key: &'a str, bytes: Bytes, was: Option<Tag>) -> Doing<'a, bool> {
        let key = key.to_owned();
        self.run(format!("replace {key}"), move |folder| {
            folder.swap(&key, &bytes, was.as_ref())
        })
    }

    fn list<'a>(&'a self, below: &'a str) -> Doing<'a, Vec<Listed>> {
        let below = below.to_owned();
        self.run(format!("list {below}"), move |folder| folder.entries(&below))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a, ()> {
        let key = key.to_owned();
        self.run(format!("delete {key}"), move |folder| {
            let path = folder.path(&key);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                Err(_) => Ok(()),
                Ok(()) => Ok(sync(&parent(&path)?)?),
            }
        })
    }

    fn check_conditions(&self) -> Doing<'_, ()> {
        self.run("clear what is left aside".to_owned(), |folder| {
            folder.clear();
            Ok(())
        })
    }
}

enum Fault {
    Io(std::io::Error),
    Busy,
    TooLarge { limit: usize },
    TooMany,
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn hold(lock: &File) -> Result<(), Fault> {
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(Fault::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

fn tag(bytes: &[u8]) -> Tag {
    Tag(Digest::of(bytes).hex())
}

/// The folder of a file, made if it is not there.
fn parent(path: &Path) -> Io<PathBuf> {
    let parent = path.parent().unwrap_or(path).to_owned();
    fs::create_dir_all(&parent)?;
    Ok(parent)
}

/// A name is as safe as its folder: until that is synced, a loss of power takes it.
fn sync(folder: &Path) -> Io<()> {
    File::open(folder)?.sync_all()
}
