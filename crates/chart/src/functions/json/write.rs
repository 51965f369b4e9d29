//! Printing as `json.Marshal`, `json.MarshalIndent` and an encoder without HTML escapes print.

use template::Value;
use template::fmt::format_float;
use template::function::Error;
use template::value::IntKind;

use crate::functions::args::{MAX_DEPTH, deeper, error};
use crate::functions::encode::BASE64;
use crate::objects;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// On one line, with `<`, `>` and `&` escaped.
    Compact,
    /// Two spaces a level, escaped too.
    Pretty,
    /// On one line, with only what JSON itself asks for escaped.
    Raw,
}

/// Appends the value.
///
/// # Errors
/// For numbers that JSON does not have, and for values that nest too deep, as a map does that contains itself.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value, style: Style) -> Result<(), Error> {
    Writer { out, style }.value(value, 0)
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    style: Style,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let name = value.type_name();
            return error(format!("json: unsupported value: encountered a cycle via {name}"));
        }
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::Bool(yes) => self.out.extend_from_slice(if *yes { b"true" } else { b"false" }),
            Value::Int(number, IntKind::Uint64) => {
                self.out
                    .extend_from_slice(number.cast_unsigned().to_string().as_bytes());
            }
            Value::Int(number, _) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Value::Float(number) => self.float(*number)?,
            Value::Str(text) => self.string(text.as_bytes()),
            Value::Bytes(bytes) => {
                let letters = BASE64.encode(bytes.as_bytes());
                self.string(&letters);
            }
            Value::List(list) if list.is_nil() => self.out.extend_from_slice(b"null"),
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    self.begin_item(index, depth);
                    deeper(depth, || self.value(item, depth + 1))?;
                }
                self.end(b']', list.is_empty(), depth);
            }
            Value::Map(map) if map.is_nil() => self.out.extend_from_slice(b"null"),
            Value::Map(map) => {
                let entries = map.borrow();
                let pairs = entries.iter().map(|(key, item)| (key.as_bytes(), item));
                self.object(pairs, depth)?;
            }
            Value::Object(object) => match objects::fields_in_order(object.as_ref()) {
                Some(fields) => {
                    self.object(fields.iter().map(|(key, item)| (key.as_bytes(), item)), depth)?;
                }
                None => deeper(depth, || self.value(&object.plain(), depth + 1))?,
            },
        }
        Ok(())
    }

    fn object<'v>(
        &mut self,
        pairs: impl Iterator<Item = (&'v [u8], &'v Value)>,
        depth: usize,
    ) -> Result<(), Error> {
        self.out.push(b'{');
        let mut empty = true;
        for (index, (key, item)) in pairs.enumerate() {
            empty = false;
            self.begin_item(index, depth);
            self.string(key);
            self.out
                .extend_from_slice(if self.style == Style::Pretty { b": " } else { b":" });
            deeper(depth, || self.value(item, depth + 1))?;
        }
        self.end(b'}', empty, depth);
        Ok(())
    }

    fn begin_item(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push(b',');
        }
        self.new_line(depth + 1);
    }

    fn end(&mut self, bracket: u8, empty: bool, depth: usize) {
        if !empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    fn float(&mut self, number: f64) -> Result<(), Error> {
        if !number.is_finite() {
            return error(format!(
                "json: unsupported value: {}",
                format_float(number, b'g', None)
            ));
        }
        self.out.extend_from_slice(yaml::json_float(number).as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        let mut from = 0;
        let mut at = 0;
        while at < text.len() {
            let byte = text[at];
            if byte < 0x80 {
                if self.needs_escape(byte) {
                    self.out.extend_from_slice(&text[from..at]);
                    self.escape(byte);
                    from = at + 1;
                }
                at += 1;
                continue;
            }
            let (escape, size): (&[u8], usize) = match &text[at..] {
                [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
                [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
                rest => match rune_size(rest) {
                    Some(size) => (b"", size),
                    None => (b"\\ufffd", 1),
                },
            };
            if !escape.is_empty() {
                self.out.extend_from_slice(&text[from..at]);
                self.out.extend_from_slice(escape);
                from = at + size;
            }
            at += size;
        }
        self.out.extend_from_slice(&text[from..]);
        self.out.push(b'"');
    }

    fn needs_escape(&self, byte: u8) -> bool {
        byte < b' '
            || byte == b'"'
            || byte == b'\\'
            || (self.style != Style::Raw && matches!(byte, b'<' | b'>' | b'&'))
    }

    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => return self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        };
        self.out.extend_from_slice(&[b'\\', short]);
    }
}

/// The size of the rune that begins here, or `None` for a byte that is not UTF-8.
fn rune_size(text: &[u8]) -> Option<usize> {
    let size = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    std::str::from_utf8(text.get(..size)?).ok().map(|_| size)
}
