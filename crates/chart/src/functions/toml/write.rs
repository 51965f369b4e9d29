//! Printing: plain values of a table first, then its tables, each indented by its depth.

use std::borrow::Cow;

use template::fmt::format_float;
use template::value::{Kind, Str};
use template::{List, Map, Value};

use crate::functions::args::{MAX_DEPTH, deeper, elements};
use crate::functions::moments::Time;
use crate::objects;
use crate::time::Moment;

use super::scalar::LOCAL_ZONES;

/// # Errors
/// The text of the library's error.
pub(super) fn document(value: &Value) -> Result<Vec<u8>, String> {
    let mut writer = Writer {
        out: Vec::with_capacity(128),
        path: Vec::new(),
    };
    writer.entry(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    /// The keys from the top to the value at hand.
    path: Vec<Str>,
}

impl Writer {
    /// Writes the value under the path's last key.
    fn entry(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("toml: the value nests deeper than {MAX_DEPTH} levels"));
        }
        match &*visible(value) {
            Value::Nil => Ok(()),
            Value::Map(map) => self.table(map, depth),
            value => match elements(value) {
                Some(list) if is_table_array(&list, depth)? => self.table_array(&list, depth),
                _ => self.key_value(value, depth),
            },
        }
    }

    fn table(&mut self, map: &Map, depth: usize) -> Result<(), String> {
        if self.path.len() == 1 {
            self.break_after_text();
        }
        if !self.path.is_empty() {
            self.header("[", "]");
        }
        self.entries(map, depth)
    }

    fn table_array(&mut self, list: &List, depth: usize) -> Result<(), String> {
        if self.path.is_empty() {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        for item in list.iter() {
            if let Value::Map(map) = &*visible(item) {
                self.break_after_text();
                self.header("[[", "]]");
                self.entries(map, depth)?;
            }
        }
        Ok(())
    }

    fn entries(&mut self, map: &Map, depth: usize) -> Result<(), String> {
        for tables in [false, true] {
            for (key, item) in map.borrow().iter() {
                if !is_nothing(item) && belongs_below(item, depth)? == tables {
                    self.path.push(key.clone());
                    deeper(depth, || self.entry(item, depth + 1))?;
                    self.path.pop();
                }
            }
        }
        Ok(())
    }

    fn key_value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        let Some(key) = self.path.last().cloned() else {
            return self.element(value, depth);
        };
        self.indent();
        push_key(&mut self.out, key.as_bytes());
        self.out.extend_from_slice(b" = ");
        self.element(value, depth)?;
        self.out.push(b'\n');
        Ok(())
    }

    /// A value on the line at hand.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("toml: the value nests deeper than {MAX_DEPTH} levels"));
        }
        match &*visible(value) {
            Value::Nil => {}
            Value::Bool(yes) => self.out.extend_from_slice(if *yes { b"true" } else { b"false" }),
            Value::Int(number, _) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Value::Float(number) => self.float(*number),
            Value::Str(text) => push_quoted(&mut self.out, text.as_bytes()),
            Value::Map(map) => self.inline_table(map, depth)?,
            Value::Object(object) => match object.as_any().downcast_ref() {
                Some(Time(moment)) => self.out.extend_from_slice(&time_text(moment)),
                None => {
                    if let Value::Str(text) = object.plain() {
                        push_quoted(&mut self.out, text.as_bytes());
                    }
                }
            },
            value => {
                let list = elements(value).unwrap_or_else(|| List::nil(template::value::Elem::Any));
                self.out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    deeper(depth, || self.element(item, depth + 1))?;
                }
                self.out.push(b']');
            }
        }
        Ok(())
    }

    /// The library writes the comma of an entry that it leaves out as nil only when the entry is not the last.
    fn inline_table(&mut self, map: &Map, depth: usize) -> Result<(), String> {
        let entries = map.borrow();
        self.out.push(b'{');
        let below: Result<Vec<bool>, String> =
            entries.values().map(|item| belongs_below(item, depth)).collect();
        let below = below?;
        let any_below = below.contains(&true);
        for tables in [false, true] {
            let in_group = entries.iter().zip(&below).filter(|(_, below)| **below == tables);
            let mut group = in_group.map(|(entry, _)| entry).peekable();
            while let Some((key, item)) = group.next() {
                if is_nothing(item) {
                    continue;
                }
                push_key(&mut self.out, key.as_bytes());
                self.out.extend_from_slice(b" = ");
                deeper(depth, || self.element(item, depth + 1))?;
                if group.peek().is_some() || (!tables && any_below) {
                    self.out.extend_from_slice(b", ");
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// A float always shows that it is one.
    fn float(&mut self, number: f64) {
        if !number.is_finite() {
            let sign: &[u8] = if number < 0.0 { b"-" } else { b"" };
            self.out.extend_from_slice(sign);
            return self
                .out
                .extend_from_slice(if number.is_nan() { b"nan" } else { b"inf" });
        }
        let digits = format_float(number, b'g', None);
        self.out.extend_from_slice(digits.as_bytes());
        if !digits.contains(['.', 'e']) {
            self.out.extend_from_slice(b".0");
        }
    }

    fn header(&mut self, open: &str, close: &str) {
        self.indent();
        self.out.extend_from_slice(open.as_bytes());
        for (index, key) in self.path.iter().enumerate() {
            if index > 0 {
                self.out.push(b'.');
            }
            push_key(&mut self.out, key.as_bytes());
        }
        self.out.extend_from_slice(close.as_bytes());
        self.out.push(b'\n');
    }

    fn indent(&mut self) {
        self.out
            .resize(self.out.len() + 2 * self.path.len().saturating_sub(1), b' ');
    }

    fn break_after_text(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }
}

/// A struct as a table of its fields; everything else as it is.
fn visible(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Object(object) if objects::fields_in_order(object.as_ref()).is_some() => {
            Cow::Owned(object.plain())
        }
        Value::Object(object) if object.kind() == Kind::Map => Cow::Owned(object.plain()),
        value => Cow::Borrowed(value),
    }
}

fn is_table(value: &Value) -> bool {
    matches!(&*visible(value), Value::Map(_))
}

/// Tables and lists of tables come after the plain values of the table they are in.
fn belongs_below(value: &Value, depth: usize) -> Result<bool, String> {
    match elements(value) {
        Some(list) => is_table_array(&list, depth),
        None => Ok(is_table(value)),
    }
}

/// What the library leaves out.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// Whether a list is written as `[[…]]`: one with tables only.
fn is_table_array(list: &List, depth: usize) -> Result<bool, String> {
    let mut tables = !list.is_empty();
    for item in list.iter() {
        if item.is_nil() {
            return Err("toml: cannot encode array with nil element".to_owned());
        }
        tables &= is_table(item);
        if let Value::List(inner) = item
            && depth < MAX_DEPTH
        {
            deeper(depth, || is_table_array(inner, depth + 1))?;
        }
    }
    Ok(tables)
}

/// A time with all it has; those that `fromToml` read without a date or a zone have none here either.
fn time_text(moment: &Moment) -> Vec<u8> {
    let local = LOCAL_ZONES.iter().find(|(name, _)| moment.zone().name() == *name);
    local.map_or_else(
        || moment.to_rfc3339(),
        |(_, layout)| moment.format(layout.as_bytes()),
    )
}

pub(super) fn push_key(out: &mut Vec<u8>, key: &[u8]) {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(bare) {
        out.extend_from_slice(key);
    } else {
        push_quoted(out, key);
    }
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        let short = match byte {
            b'"' | b'\\' => *byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0x00..=0x1f | 0x7f => {
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                continue;
            }
            byte => {
                out.push(*byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}
