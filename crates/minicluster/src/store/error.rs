//! Everything that can go wrong in the store, with what to do next and the cure.
//!
//! A failed write of a batch is told to each of its writers, therefore errors can be cloned. The server turns them
//! into Kubernetes' statuses: `Exists` and `Conflict` are 409, `Expired` is 410, `Future` is a 504.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Next;

use super::key::Key;

/// Why the store refuses or fails.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A create met an object of the same name.
    #[error("{key} already exists")]
    Exists { key: Key },
    /// An update or delete found no object.
    #[error("{key} not found")]
    NotFound { key: Key },
    /// The object has changed since the writer read it.
    #[error("{key} is at revision {actual}, not {expected}")]
    Conflict { key: Key, expected: u64, actual: u64 },
    /// The history before `oldest` is forgotten. The text is the real server's.
    #[error("too old resource version: {requested} ({oldest})")]
    Expired { requested: u64, oldest: u64 },
    /// Nobody has seen that revision yet. The text is the real server's.
    #[error("Too large resource version: {requested}, current: {current}")]
    Future { requested: u64, current: u64 },
    /// A part of a name can't be stored.
    #[error("the {part} {problem}")]
    InvalidKey {
        part: &'static str,
        problem: &'static str,
    },
    /// What should be stored is no Kubernetes object.
    #[error("not a Kubernetes object: {problem}")]
    InvalidObject { problem: String },
    /// A continue token that this store did not make. The text is the real server's.
    #[error("continue key is not valid: {problem}")]
    InvalidContinue { problem: String },
    /// One object above the limit of objects.
    #[error("the object has {bytes} bytes, the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// All objects together reached the limit of the store.
    #[error("the store is full: {bytes} bytes of {limit} are in use")]
    Full { bytes: usize, limit: usize },
    /// More kinds than the store keeps apart.
    #[error("the store holds {limit} resources and takes no more")]
    TooManyResources { limit: usize },
    /// More writes are waiting for the disk than the queue holds.
    #[error("too many writes are waiting for the disk")]
    Busy,
    /// The store has been stopped.
    #[error("the store is closed")]
    Closed,
    /// Another process, or another store of this one, has the folder.
    #[error("{} is in use by another process", folder.display())]
    InUse { folder: PathBuf },
    /// A file that does not hold what was written to it.
    #[error("{} is damaged at byte {offset}: {problem}", file.display())]
    Corrupt {
        file: PathBuf,
        offset: u64,
        problem: &'static str,
        last_good: u64,
    },
    /// A file of the chain is gone, so that acknowledged writes would be lost silently.
    #[error("{} is missing", file.display())]
    Missing { file: PathBuf },
    /// The operating system refused; nothing was acknowledged.
    #[error("can't {doing} {}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: Arc<io::Error>,
    },
}

impl Error {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source: Arc::new(source),
        }
    }

    /// What the one who got the error should do.
    pub fn next(&self) -> Next {
        match self {
            Self::Conflict { .. } | Self::Future { .. } | Self::Busy | Self::Closed => Next::Retry,
            Self::Full { .. }
            | Self::TooManyResources { .. }
            | Self::InUse { .. }
            | Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::Io { .. } => Next::Stalled,
            Self::Exists { .. }
            | Self::NotFound { .. }
            | Self::Expired { .. }
            | Self::InvalidKey { .. }
            | Self::InvalidObject { .. }
            | Self::InvalidContinue { .. }
            | Self::TooLarge { .. } => Next::InvalidInput,
        }
    }

    /// The cure, where a person can do something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InUse { .. } => {
                Some("stop the other mini cluster, or give this one a folder of its own".to_owned())
            }
            Self::Corrupt {
                file,
                offset,
                last_good,
                ..
            } => Some(format!(
                "restore the folder from a copy; or give up what was written after revision {last_good}: remove \
                 the later files of the folder and run `truncate -s {offset} {}`",
                file.display()
            )),
            Self::Missing { .. } => Some("put the file back, or restore the folder from a copy".to_owned()),
            Self::Full { .. } => Some("delete what is not needed; deleting is always possible".to_owned()),
            Self::Io { path, .. } => Some(format!(
                "make room or repair the disk of {}, then start the mini cluster again",
                path.display()
            )),
            _ => None,
        }
    }
}
