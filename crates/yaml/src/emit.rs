//! Values → YAML, byte for byte as go-yaml prints it, streamed into a buffer.
//!
//! ```text
//! mapping_start · key · string · key · sequence_start · int · sequence_end · mapping_end · finish
//! ```
//!
//! The caller gives the keys in order ([`crate::sort_keys`]) and bounds the depth of what it walks. Only block
//! style is printed, and empty collections as `{}` and `[]`, which is all that the Go libraries do with
//! values.

mod analyze;
mod scalar;

pub(crate) use analyze::go_lossy;

use std::io::Write;

use crate::error::Error;
use crate::number::{go_float, json_float};
use crate::order::sort_keys;
use crate::value::Value;

/// Whose output is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `sigs.k8s.io/yaml`, that is `toYaml`: through JSON to go-yaml 2, lines folded at 80 columns, sequences at
    /// the column of their key.
    Json,
    /// go-yaml 3 with an indentation of 2, that is `toYamlPretty`: no folding, sequences indented.
    Pretty,
}

/// The indentation of both dialects.
const INDENT: isize = 2;

#[derive(Debug)]
pub struct Emitter<'w> {
    out: &'w mut Vec<u8>,
    dialect: Dialect,
    frames: Vec<Frame>,
    /// The current block's column, -1 outside of all blocks.
    indent: isize,
    /// In characters.
    column: usize,
    /// The last character is a blank, or the line is empty.
    whitespace: bool,
    /// The line so far holds indentation and indicators only.
    indention: bool,
    error: Option<Error>,
}

/// A collection that is being printed.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Whether anything of it was printed; until then it may turn out empty.
    begun: bool,
    /// It is the value of a key.
    in_mapping: bool,
    /// The indentation around it.
    outer: isize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sequence,
    /// A mapping that waits for a key.
    Key,
    /// One whose key is printed.
    Value,
    /// One whose key took a line of its own, behind `?`.
    ComplexValue,
}

impl<'w> Emitter<'w> {
    /// Prints behind what the buffer holds, which must be nothing or whole lines.
    pub fn new(out: &'w mut Vec<u8>, dialect: Dialect) -> Self {
        Self {
            out,
            dialect,
            frames: Vec::new(),
            indent: -1,
            column: 0,
            whitespace: true,
            indention: true,
            error: None,
        }
    }

    /// How many collections are open, for callers to bound.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    pub fn null(&mut self) {
        self.word(b"null");
    }

    pub fn bool(&mut self, value: bool) {
        self.word(if value { b"true" } else { b"false" });
    }

    pub fn int(&mut self, value: i64) {
        self.display(value);
    }

    pub fn uint(&mut self, value: u64) {
        self.display(value);
    }

    /// Prints a float. JSON, and so [`Dialect::Json`], knows no infinity, and no difference between 1 and 1.0.
    pub fn float(&mut self, value: f64) {
        if self.dialect == Dialect::Pretty {
            self.word(go_float(value).as_bytes());
        } else if !value.is_finite() {
            let name = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            self.fail(|| {
                Error::marshal(format_args!(
                    "error marshaling into JSON: json: unsupported value: {name}"
                ))
            });
            self.null();
        } else if value == value.trunc() && value.abs() < 9.0e15 {
            self.int(value as i64);
        } else {
            self.word(read_back(value).as_bytes());
        }
    }

    /// Prints a string of Go's: bytes, that may not be UTF-8.
    pub fn string(&mut self, value: &[u8]) {
        self.begin_node();
        self.scalar(value, false);
    }

    /// Prints a mapping's next key. Exactly one value must follow.
    pub fn key(&mut self, key: &[u8]) {
        self.begin_block();
        self.write_indent();
        let simple = self.scalar(key, true);
        if simple {
            self.write_indicator(
                b":",
                Spaced {
                    before: false,
                    indention: false,
                },
            );
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = if simple { Kind::Value } else { Kind::ComplexValue };
        }
    }

    pub fn sequence_start(&mut self) {
        self.open(Kind::Sequence);
    }

    pub fn sequence_end(&mut self) {
        self.close(b"[]");
    }

    pub fn mapping_start(&mut self) {
        self.open(Kind::Key);
    }

    pub fn mapping_end(&mut self) {
        self.close(b"{}");
    }

    /// Ends the document with its line break.
    ///
    /// # Errors
    /// What the dialect cannot express; the buffer then holds nothing of use.
    pub fn finish(mut self) -> Result<(), Error> {
        self.indent = -1;
        self.write_indent();
        self.error.take().map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: impl FnOnce() -> Error) {
        self.error.get_or_insert_with(error);
    }

    fn display(&mut self, number: impl std::fmt::Display) {
        let mut text = [0; 24];
        let mut rest = &mut text[..];
        // 20 digits and a sign fit.
        let _ = write!(rest, "{number}");
        let length = 24 - rest.len();
        self.word(&text[..length]);
    }

    /// Prints a plain ASCII scalar.
    fn word(&mut self, word: &[u8]) {
        self.begin_node();
        if !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(word);
        self.column += word.len();
        self.whitespace = false;
        self.indention = false;
    }

    fn open(&mut self, kind: Kind) {
        let in_mapping = self.begin_node();
        self.frames.push(Frame {
            kind,
            begun: false,
            in_mapping,
            outer: self.indent,
        });
    }

    fn close(&mut self, empty: &[u8]) {
        let Some(frame) = self.frames.pop() else { return };
        if !frame.begun {
            self.write_indicator(
                empty,
                Spaced {
                    before: true,
                    indention: false,
                },
            );
        }
        self.indent = frame.outer;
    }

    /// Prints what leads to a value, and tells whether it is the value of a key.
    fn begin_node(&mut self) -> bool {
        match self.frames.last().map(|frame| frame.kind) {
            None | Some(Kind::Key) => return false,
            Some(Kind::Sequence) => {
                self.begin_block();
                self.write_indent();
                self.write_indicator(
                    b"-",
                    Spaced {
                        before: true,
                        indention: true,
                    },
                );
                return false;
            }
            Some(Kind::Value) => {}
            Some(Kind::ComplexValue) => {
                self.write_indent();
                self.write_indicator(
                    b":",
                    Spaced {
                        before: true,
                        indention: true,
                    },
                );
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = Kind::Key;
        }
        true
    }

    /// Indents for the innermost collection when its first item comes.
    fn begin_block(&mut self) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        if frame.begun {
            return;
        }
        frame.begun = true;
        let sequence = frame.kind == Kind::Sequence;
        let same_column = sequence && self.dialect == Dialect::Json && frame.in_mapping && !self.indention;
        if self.indent < 0 {
            self.indent = 0;
        } else if !same_column {
            self.indent += INDENT;
        }
    }

    fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(b' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn write_indicator(&mut self, indicator: &[u8], spaced: Spaced) {
        if spaced.before && !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(indicator);
        self.column += indicator.len();
        self.whitespace = false;
        self.indention &= spaced.indention;
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
        self.indention = true;
    }
}

/// How an indicator stands.
#[derive(Clone, Copy)]
struct Spaced {
    /// Apart from what is before it.
    before: bool,
    /// As part of the line's indentation.
    indention: bool,
}

/// A float as it comes out of JSON: an integer if it looks like one, else as Go prints floats.
fn read_back(value: f64) -> String {
    let digits = json_float(value);
    let integer = digits
        .parse::<i64>()
        .map(|_| ())
        .or_else(|_| digits.parse::<u64>().map(|_| ()));
    // From 1e21 on JSON has an exponent, and such a number is a float again.
    if integer.is_ok() { digits } else { go_float(value) }
}

/// Prints a value as `toYaml` does, with the line break at its end.
///
/// # Errors
/// What YAML as Helm reads it cannot hold: control characters, and floats that are not numbers.
pub fn to_string(value: &Value) -> Result<String, Error> {
    to_string_as(value, Dialect::Json)
}

/// Prints a value in a dialect, with the line break at its end.
///
/// # Errors
/// Those of [`to_string`], in that dialect only.
pub fn to_string_as(value: &Value, dialect: Dialect) -> Result<String, Error> {
    let mut out = Vec::new();
    let mut emitter = Emitter::new(&mut out, dialect);
    emit(value, &mut emitter);
    emitter.finish()?;
    Ok(String::from_utf8(out).unwrap_or_else(|error| go_lossy(error.as_bytes())))
}

fn emit(value: &Value, emitter: &mut Emitter<'_>) {
    match value {
        Value::Null => emitter.null(),
        Value::Bool(value) => emitter.bool(*value),
        Value::Int(value) => emitter.int(*value),
        Value::Float(value) => emitter.float(*value),
        Value::String(value) => emitter.string(value.as_bytes()),
        Value::Seq(items) => {
            emitter.sequence_start();
            items.iter().for_each(|item| emit(item, emitter));
            emitter.sequence_end();
        }
        Value::Map(entries) => {
            emitter.mapping_start();
            let mut keys: Vec<_> = entries.iter().collect();
            sort_keys(&mut keys, emitter.dialect, |entry| entry.0.as_bytes());
            for (key, value) in keys {
                emitter.key(key.as_bytes());
                emit(value, emitter);
            }
            emitter.mapping_end();
        }
    }
}
