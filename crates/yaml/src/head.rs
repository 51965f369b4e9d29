//! A manifest → the few fields by which Helm sorts it, without building the rest.
//!
//! This is the hot path of a render: charts with megabytes of custom resource definitions go through it only
//! to be ordered. The whole first document is still checked, since Helm refuses a chart whose output is not
//! YAML. A document with anchors, tags, or keys and numbers that may be refused takes the slow way through
//! [`crate::build`], which alone knows those errors.

mod decode;

use std::collections::BTreeMap;

use crate::decode::{Raw, Style};
use crate::error::Error;
use crate::parse::{Event, Parser, Scalar};
use crate::reader::Reader;
use crate::resolve::{Generation, Resolved, resolve};
use crate::value::{Numbers, Value, read};

/// What Helm looks at in a manifest. A field that is missing or null is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub annotations: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// Top, metadata, annotations: deeper values matter by their type only.
const LEVELS: usize = 2;

/// Reads the head of a text's first document and checks the document.
///
/// # Errors
/// Those of `sigs.k8s.io/yaml` for a document decoded into Helm's `SimpleHead`. The namespace and the labels,
/// which Helm does not decode there, are left empty when they have another shape.
pub fn head(document: &[u8]) -> Result<Head, Error> {
    let reader = Reader::new(document);
    let mut parser = Parser::new(&reader.text, reader.bad.clone());
    let value = match pruned(&mut parser)? {
        Some(value) => value,
        None => read(document, Numbers::Kept)?,
    };
    decode::head(&value)
}

/// The document without what is of no interest, or nothing if it needs the slow way.
fn pruned(parser: &mut Parser<'_>) -> Result<Option<Value>, Error> {
    let Event::MappingStart { anchor: None } = parser.next_event()? else {
        return Ok(None);
    };
    let mut entries = BTreeMap::new();
    loop {
        let key = match parser.next_event()? {
            Event::Scalar(scalar) if is_plain_key(&scalar) => scalar.raw.text(),
            Event::MappingEnd => break,
            _ => return Ok(None),
        };
        if !key.is_ascii() {
            return Ok(None);
        }
        if decode::is_wanted(&key) {
            let Some(value) = shallow(parser, LEVELS)? else {
                return Ok(None);
            };
            entries.insert(key.into_owned(), value);
        } else if !skip(parser)? {
            return Ok(None);
        }
    }
    while !matches!(parser.next_event()?, Event::End) {}
    Ok(Some(Value::Map(entries)))
}

/// Reads a value, with so many levels of collections in it and deeper ones empty.
fn shallow(parser: &mut Parser<'_>, levels: usize) -> Result<Option<Value>, Error> {
    match parser.next_event()? {
        Event::Scalar(scalar) if is_plain_value(&scalar) => Ok(Some(scalar_value(&scalar.raw))),
        Event::SequenceStart { anchor: None } => {
            Ok(skip_rest(parser, false)?.then(|| Value::Seq(Vec::new())))
        }
        Event::MappingStart { anchor: None } if levels == 0 => {
            Ok(skip_rest(parser, true)?.then(|| Value::Map(BTreeMap::new())))
        }
        Event::MappingStart { anchor: None } => {
            let mut entries = BTreeMap::new();
            loop {
                let key = match parser.next_event()? {
                    Event::Scalar(scalar) if is_plain_key(&scalar) => scalar_key(&scalar.raw),
                    Event::MappingEnd => return Ok(Some(Value::Map(entries))),
                    _ => return Ok(None),
                };
                let (Some(key), Some(value)) = (key, shallow(parser, levels - 1)?) else {
                    return Ok(None);
                };
                entries.insert(key, value);
            }
        }
        _ => Ok(None),
    }
}

/// The value of a scalar that has no tag.
fn scalar_value(raw: &Raw<'_>) -> Value {
    let text = raw.text();
    let resolved = match raw.style {
        Style::Plain => resolve(&text, Generation::V2),
        _ => Resolved::Str,
    };
    match resolved {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => Value::Bool(value),
        Resolved::Int(value) => Value::Int(value),
        Resolved::Uint(value) => Value::Float(value as f64),
        Resolved::Float(value) => Value::Float(value),
        Resolved::Timestamp | Resolved::Str => Value::String(text.into_owned()),
    }
}

/// A key as it is in JSON, if it needs no conversion.
fn scalar_key(raw: &Raw<'_>) -> Option<String> {
    match scalar_value(raw) {
        Value::String(key) => Some(key),
        Value::Bool(key) => Some(key.to_string()),
        Value::Int(key) => Some(key.to_string()),
        _ => None,
    }
}

/// Passes a value. Says no when the document needs the slow way.
fn skip(parser: &mut Parser<'_>) -> Result<bool, Error> {
    match parser.next_event()? {
        Event::Scalar(scalar) => Ok(is_plain_value(&scalar)),
        Event::SequenceStart { anchor: None } => skip_rest(parser, false),
        Event::MappingStart { anchor: None } => skip_rest(parser, true),
        _ => Ok(false),
    }
}

/// Passes the rest of a collection whose start was read.
fn skip_rest(parser: &mut Parser<'_>, mapping: bool) -> Result<bool, Error> {
    // The collections around, and whether each is a mapping.
    let mut outer: Vec<bool> = Vec::with_capacity(16);
    let mut in_mapping = mapping;
    let mut key_next = mapping;
    loop {
        if key_next || !in_mapping {
            let balance = parser.skip_lines(outer.len());
            outer.resize(outer.len().saturating_add_signed(balance), true);
        }
        match parser.next_event()? {
            Event::Scalar(scalar) => {
                let plain = if key_next {
                    is_plain_key(&scalar)
                } else {
                    is_plain_value(&scalar)
                };
                if !plain {
                    return Ok(false);
                }
                key_next = in_mapping && !key_next;
            }
            Event::SequenceStart { anchor: None } if !key_next => {
                outer.push(in_mapping);
                in_mapping = false;
            }
            Event::MappingStart { anchor: None } if !key_next => {
                outer.push(in_mapping);
                in_mapping = true;
                key_next = true;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(around) = outer.pop() else {
                    return Ok(true);
                };
                in_mapping = around;
                key_next = around;
            }
            _ => return Ok(false),
        }
    }
}

/// Whether a scalar is a value that JSON can express for sure.
fn is_plain_value(scalar: &Scalar<'_>) -> bool {
    if scalar.anchor.is_some() || scalar.tag.is_some() {
        return false;
    }
    let text = scalar.raw.text.as_bytes();
    // `.inf` and `.nan`, perhaps with a sign.
    let special = matches!(text, [b'.', _, _, _] | [b'+' | b'-', b'.', _, _, _]);
    !special || scalar.raw.style != Style::Plain
}

/// Whether a scalar is a key that becomes a string in JSON for sure, and not a merge.
fn is_plain_key(scalar: &Scalar<'_>) -> bool {
    if scalar.anchor.is_some() || scalar.tag.is_some() {
        return false;
    }
    if scalar.raw.style != Style::Plain {
        return true;
    }
    // The shortest number that is too big for 64 bits with a sign is a `0x` and sixteen digits.
    match scalar.raw.text.as_bytes() {
        [] | b"~" | b"<<" | b"null" | b"Null" | b"NULL" => false,
        [b'0'..=b'9', rest @ ..] => rest.len() < 16,
        _ => true,
    }
}
