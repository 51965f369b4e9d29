//! Reading a packed chart: gzip, tar, and the rules that keep an archive inside its own folder.
//!
//! Helm says `unable to load chart archive` whatever is wrong; the reason is kept as the source.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::tar::{self, Entry};
use super::{Loaded, MAX_FILES, check_api_version};
use crate::chart::File;
use crate::error::Error as LoadError;
use crate::go_text;

/// Helm's limit on what all the files of an archive may unpack to.
const MAX_CHART_SIZE: u64 = 100 * 1024 * 1024;

/// Helm's limit on one unpacked file.
const MAX_FILE_SIZE: u64 = 5 * 1024 * 1024;

/// What is allowed between the files: tar headers, padding, skipped entries. A bomb may hide there too.
const MAX_OVERHEAD: u64 = 64 * 1024 * 1024;

const GZIP_MAGIC: &[u8] = b"\x1f\x8b\x08";

/// What is wrong with an archive, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("gzip: invalid header")]
    NotGzip,
    #[error("{0}")]
    Damaged(String),
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    #[error(
        "chart illegally contains content outside the base directory: {}",
        go_text::quote(name)
    )]
    OutsideBase { name: String },
    #[error("chart illegally references parent directory")]
    ParentDirectory,
    #[error("chart contains illegally named files")]
    DriveName,
    #[error("chart yaml not in base directory")]
    NoBase,
    #[error("decompressed chart is larger than the maximum size {limit} bytes")]
    TooLarge { limit: u64 },
    #[error(
        "decompressed chart file {} is larger than the maximum file size {limit} bytes",
        go_text::quote(name)
    )]
    FileTooLarge { name: String, limit: u64 },
    #[error("more than {limit} files in the chart archive")]
    TooManyFiles { limit: usize },
    #[error("no files in chart archive")]
    Empty,
}

/// How much archives within one chart may still unpack to, all together.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    files: usize,
}

impl Default for Budget {
    /// Ten archives of Helm's largest size.
    fn default() -> Self {
        Self {
            bytes: 10 * MAX_CHART_SIZE,
            files: MAX_FILES,
        }
    }
}

/// Loads a packed chart from a file.
///
/// # Errors
/// As [`super::path`].
pub fn load_path(path: &Path) -> Result<Loaded, LoadError> {
    load(&bytes_of(path)?)
}

/// Reads the files of a packed chart without loading it.
///
/// # Errors
/// As [`super::path`].
pub fn read_path(path: &Path) -> Result<Vec<File>, LoadError> {
    read(&bytes_of(path)?).map_err(|source| LoadError::Archive { source })
}

/// The bytes of a file that begins as a gzipped archive does.
fn bytes_of(path: &Path) -> Result<Vec<u8>, LoadError> {
    let bytes = fs::read(path).map_err(|source| LoadError::io("open", path, &source))?;
    if !bytes.starts_with(GZIP_MAGIC) {
        if path.extension().is_some_and(|ext| ext == "yml" || ext == "yaml") {
            return Err(LoadError::YamlInsteadOfArchive {
                path: path.to_owned(),
            });
        }
        return Err(LoadError::NotAnArchive {
            path: path.to_owned(),
            found: content_type(&bytes),
        });
    }
    Ok(bytes)
}

/// Loads a packed chart from memory.
///
/// # Errors
/// As [`super::path`].
pub fn load(bytes: &[u8]) -> Result<Loaded, LoadError> {
    let files = read(bytes).map_err(|source| LoadError::Archive { source })?;
    let chart_yaml = files
        .iter()
        .find(|file| &*file.name == "Chart.yaml")
        .ok_or(LoadError::NoMetadataInArchive)?;
    check_api_version(&chart_yaml.data)?;
    super::files(files)
}

/// Unpacks an archive into its files, without the folder they all lie in.
///
/// # Errors
/// Damage, or a path or size that Helm refuses.
pub fn read(bytes: &[u8]) -> Result<Vec<File>, Error> {
    unpack(bytes, &mut Budget::default())
}

pub(super) fn unpack(bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, Error> {
    if !bytes.starts_with(&GZIP_MAGIC[..2]) {
        return Err(if bytes.len() < 10 {
            damaged("unexpected EOF")
        } else {
            Error::NotGzip
        });
    }
    let limit = MAX_CHART_SIZE.min(budget.bytes) + MAX_OVERHEAD;
    let inflated = flate2::read::MultiGzDecoder::new(bytes).take(limit);
    let mut archive = tar::Reader::new(inflated);
    let mut left = MAX_CHART_SIZE;
    let mut files = Vec::new();
    while let Some(entry) = archive.next_entry().map_err(damaged)? {
        let Entry { name, size } = entry;
        let inside = inside(&name)?;
        if size > left || size > budget.bytes {
            return Err(Error::TooLarge {
                limit: MAX_CHART_SIZE,
            });
        }
        if size > MAX_FILE_SIZE {
            return Err(Error::FileTooLarge {
                name,
                limit: MAX_FILE_SIZE,
            });
        }
        if budget.files == 0 {
            return Err(Error::TooManyFiles { limit: MAX_FILES });
        }
        left -= size;
        budget.bytes -= size;
        budget.files -= 1;
        let data = archive.contents(size).map_err(damaged)?;
        files.push(File {
            name: inside.into(),
            data: Arc::from(without_bom(&data)),
        });
    }
    if files.is_empty() {
        Err(Error::Empty)
    } else {
        Ok(files)
    }
}

/// A file without the byte order mark some editors put first.
pub(super) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The path within the chart: the first part is the chart's own folder and falls away.
fn inside(name: &str) -> Result<String, Error> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (base, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = if delimiter == '\\' {
        rest.replace('\\', "/")
    } else {
        rest.to_owned()
    };
    if rest.starts_with('/') {
        return Err(Error::AbsolutePath);
    }
    let path = clean(&rest);
    if path.is_empty() {
        return Err(Error::OutsideBase {
            name: name.to_owned(),
        });
    }
    if path.starts_with("..") {
        return Err(Error::ParentDirectory);
    }
    let bytes = path.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == b":/" {
        return Err(Error::DriveName);
    }
    if base == "Chart.yaml" {
        return Err(Error::NoBase);
    }
    Ok(path)
}

/// Go's `path.Clean` of a relative path; empty where Go says `.`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn damaged(reason: impl std::fmt::Display) -> Error {
    Error::Damaged(reason.to_string())
}

/// Go's guess of what a file is, as far as the message needs it.
fn content_type(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"PK\x03\x04") {
        "application/zip"
    } else {
        "application/octet-stream"
    }
}

#[cfg(test)]
mod tests;
