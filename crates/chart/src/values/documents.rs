//! A values file: one or more YAML documents, laid over each other.

use yaml::Value;

use super::{Map, overlay};
use crate::error::Error;

/// Reads `values.yaml` or a `-f` file.
///
/// Documents are cut at lines that begin with `---` before any YAML is read, as Helm does; what follows the
/// dashes may only be a comment.
///
/// # Errors
/// Bad YAML, a document that is no table, or a bad separator.
pub fn read(bytes: &[u8]) -> Result<Map, Error> {
    let mut values = Map::new();
    let mut rest = bytes;
    loop {
        let (document, next) = split(rest).map_err(|source| Error::Separator {
            source: Box::new(source),
        })?;
        if !document.is_empty() {
            let table = table(document).map_err(|source| Error::Document {
                source: Box::new(source),
            })?;
            if values.is_empty() {
                values = table;
            } else {
                overlay(&mut values, table);
            }
        }
        match next {
            Some(next) => rest = next,
            None => return Ok(values),
        }
    }
}

fn table(document: &[u8]) -> Result<Map, Error> {
    match yaml::from_slice(document)? {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(Error::Shape {
            source: crate::metadata::not_a_table(&other),
        }),
    }
}

/// The first document, and what follows its separator.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), Error> {
    let mut line_start = 0;
    loop {
        let line = &bytes[line_start..];
        let line_end = memchr::memchr(b'\n', line).map_or(bytes.len(), |at| line_start + at + 1);
        if let Some(after) = bytes[line_start..line_end].strip_prefix(b"---") {
            let after = after.trim_ascii();
            if !after.is_empty() && after[0] != b'#' {
                return Err(Error::InvalidSeparator {
                    found: String::from_utf8_lossy(after).into_owned(),
                });
            }
            return Ok((&bytes[..line_start], Some(&bytes[line_end..])));
        }
        if line_end == bytes.len() {
            return Ok((bytes, None));
        }
        line_start = line_end;
    }
}
