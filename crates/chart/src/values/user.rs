//! The values a user gives: files, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`.
//!
//! Helm takes the kinds of flags in this order, whatever their order on the command line. Files are handed in
//! as bytes; `--set-file` asks the caller's closure.

use yaml::Value;

use super::strvals::{self, Mode, ReadFile};
use super::{Map, documents, overlay};
use crate::error::Error;
use crate::json::Decoder;

/// What stood on the command line, per flag in order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `-f`: the name to print and the bytes.
    pub files: Vec<(String, Vec<u8>)>,
    pub set_json: Vec<String>,
    pub set: Vec<String>,
    pub set_string: Vec<String>,
    pub set_file: Vec<String>,
    pub set_literal: Vec<String>,
}

impl Sources {
    /// Composes the user's values.
    ///
    /// # Errors
    /// The first source that cannot be read, in Helm's words.
    pub fn values(&self, read_file: &mut ReadFile<'_>) -> Result<Map, Error> {
        let Self {
            files,
            set_json,
            set,
            set_string,
            set_file,
            set_literal,
        } = self;
        let mut values = Map::new();
        for (name, bytes) in files {
            let wrap = |source| Error::ValuesFile {
                file: name.clone(),
                source: Box::new(source),
            };
            overlay(&mut values, documents::read(bytes).map_err(wrap)?);
        }
        for line in set_json {
            json(&mut values, line)?;
        }
        for line in set {
            strvals::parse_into(line, &mut values, Mode::Typed).map_err(failed("--set"))?;
        }
        for line in set_string {
            strvals::parse_into(line, &mut values, Mode::Text).map_err(failed("--set-string"))?;
        }
        for line in set_file {
            strvals::parse_into(line, &mut values, Mode::File(read_file)).map_err(failed("--set-file"))?;
        }
        for line in set_literal {
            strvals::parse_into(line, &mut values, Mode::Literal).map_err(failed("--set-literal"))?;
        }
        Ok(values)
    }
}

/// A whole object, or `key=JSON` pairs.
fn json(values: &mut Map, line: &str) -> Result<(), Error> {
    if !line.trim_start().starts_with('{') {
        return strvals::parse_into(line, values, Mode::Json).map_err(|source| Error::SetJson {
            line: line.to_owned(),
            reason: source.message,
        });
    }
    let refuse = |reason: String| Error::SetJson {
        line: format!("JSON: {line}"),
        reason,
    };
    let mut decoder = Decoder::new(line.as_bytes());
    let value = decoder.value().map_err(|failed| refuse(failed.message))?;
    if !decoder.is_at_end() {
        return Err(refuse("more than one JSON value".to_owned()));
    }
    if let Value::Map(map) = value {
        overlay(values, map);
    }
    Ok(())
}

fn failed(flag: &'static str) -> impl Fn(strvals::Error) -> Error {
    move |source| Error::Set { flag, source }
}
