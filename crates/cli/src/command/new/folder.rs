//! The folder of a service: made at once or not at all, changed file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use golden::Files;
use model::{Code, Diagnose};

use crate::command::host::unique;

/// Why a folder is left as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{} is there already", .path.display())]
    Exists { path: PathBuf },

    #[error("{} was not made by `shipway new`: {} is missing", .folder.display(), golden::RECORD)]
    NotMade { folder: PathBuf },

    #[error("can't {what} {}", .path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Exists { .. } => Code::NEW_EXISTS,
            Self::NotMade { .. } => Code::NEW_RECORD,
            Self::Io { .. } => Code::NEW_FILES,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => {
                "choose another folder with `--dir`; `shipway new --update DIR` updates a service"
            }
            Self::NotMade { .. } => {
                "name the folder that has the service's Chart.yaml, or make a new one with `shipway new service`"
            }
            Self::Io { .. } => "look who may write to the folder, and whether the disk is full",
        };
        Some(hint.to_owned())
    }
}

/// Makes a folder with these files. Whoever looks sees all of them or nothing.
pub(super) fn make(folder: &Path, files: &Files) -> Result<(), Error> {
    let is_free = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let exists = || Error::Exists {
        path: folder.to_owned(),
    };
    if !is_free {
        return Err(exists());
    }
    let new = beside(folder);
    let made = fill(&new, files).and_then(|()| {
        std::fs::rename(&new, folder).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => exists(),
            _ => io_error("make", folder)(source),
        })
    });
    if made.is_err() {
        // It is ours by its random name; what stays behind is not in the way.
        let _ = std::fs::remove_dir_all(&new);
    }
    made
}

/// Reads the record of how a service was made.
pub(super) fn record(folder: &Path) -> Result<Vec<u8>, Error> {
    read(&folder.join(golden::RECORD))?.ok_or_else(|| Error::NotMade {
        folder: folder.to_owned(),
    })
}

/// Reads those of the files that are there.
pub(super) fn read_all(folder: &Path, paths: BTreeSet<String>) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    for path in paths {
        if let Some(bytes) = read(&folder.join(&path))? {
            files.insert(path, bytes);
        }
    }
    Ok(files)
}

/// Writes a file, or removes it. Whoever looks sees the old one or the new one, never a half.
pub(super) fn write(folder: &Path, path: &str, text: Option<&str>) -> Result<(), Error> {
    let path = folder.join(path);
    let Some(text) = text else {
        return std::fs::remove_file(&path).map_err(io_error("remove", &path));
    };
    let new = beside(&path);
    let parent = path.parent().unwrap_or(folder);
    let written = std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(&new, text))
        .and_then(|()| std::fs::rename(&new, &path));
    if written.is_err() {
        // As in `make`.
        let _ = std::fs::remove_file(&new);
    }
    written.map_err(io_error("write", &path))
}

fn fill(folder: &Path, files: &Files) -> Result<(), Error> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(io_error("write", &path))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // A file where a folder was: what lies below is gone with it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// A name in the same folder, so that a rename needs no copy, which nobody else has.
fn beside(path: &Path) -> PathBuf {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    path.with_file_name(format!(".{name}.{}", unique()))
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        what,
        path: path.clone(),
        source,
    }
}
