//! The language of `--set`, `--set-string`, `--set-file`, `--set-json` and `--set-literal`.
//!
//! ```text
//! a.b[0].c=1,d={x,y}  ──►  changes in a map of values, in place
//! ```
//!
//! The rules, limits and error texts are those of Helm's `strvals`, odd corners included: an assignment that
//! ends the line with an empty value inside a list element is dropped, a list index that never closes is not
//! an error. Reading files is the caller's business: [`Mode::File`] asks a closure.

use std::collections::btree_map::Entry;
use std::fmt;

use yaml::Value;

use super::Map;
use crate::json::Decoder;

/// Helm's limit on a list index (`strvals.MaxIndex`): a typo must not allocate gigabytes.
const MAX_INDEX: usize = 65_536;

/// Helm's limit on dots in one key (`strvals.MaxNestedNameLevel`); it also bounds our recursion.
const MAX_NESTED_NAMES: usize = 30;

/// Limit on nested brackets (`a[0][0]…`), each of which is one recursion. Helm has none; no chart comes near.
const MAX_NESTED_INDEXES: usize = 1_000;

/// Limit on list elements one line may make, nulls in the gaps included: `a[65536]=,b[65536]=,…` buys two
/// megabytes for each dozen bytes. Sixteen of Helm's longest lists are more than anyone writes by hand.
const MAX_FILLED: usize = 1 << 20;

/// Reads the file an assignment names; the error is Go's text, such as `open x: no such file or directory`.
pub type ReadFile<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// How the right-hand sides are read.
pub enum Mode<'a> {
    /// `--set`: booleans, null and integers are recognised.
    Typed,
    /// `--set-string`
    Text,
    /// `--set-json`: every value is a JSON document.
    Json,
    /// `--set-literal`: everything after `=` is the value, commas and backslashes included.
    Literal,
    /// `--set-file`: every value is the name of a file.
    File(&'a mut ReadFile<'a>),
}

/// Why a line could not be read, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub message: String,
}

/// Applies one line to `dest`.
///
/// # Errors
/// Helm's text. `dest` may have been changed by the part of the line before the mistake.
pub fn parse_into(line: &str, dest: &mut Map, mode: Mode<'_>) -> Result<(), Error> {
    let mut parser = Parser {
        text: line,
        at: 0,
        mode,
        indexes: 0,
        filled: 0,
    };
    loop {
        match parser.key(dest, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(Error { message }),
        }
    }
}

/// Why a production ended: the end of the line is an everyday event and means different things in each.
enum Stop {
    End,
    Error(String),
}

/// What a list value was not.
enum ListRead {
    List(Vec<Value>),
    NotList,
}

struct Parser<'t, 'm> {
    text: &'t str,
    at: usize,
    mode: Mode<'m>,
    /// Brackets open at this moment.
    indexes: usize,
    /// List elements made so far.
    filled: usize,
}

type Step<T> = Result<T, Stop>;

impl Parser<'_, '_> {
    /// One `key=value` within `data`.
    fn key(&mut self, data: &mut Map, nested: usize) -> Step<()> {
        let stops: &[char] = if self.literal() {
            &['=', '[', '.']
        } else {
            &['=', '[', ',', '.']
        };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => error(format!("key {} has no value", quote(&key))),
            Some('[') => self.indexed(data, key, nested),
            Some('=') if self.literal() => {
                let value = self.rest();
                set(data, key, Value::String(value));
                Ok(())
            }
            Some('=') if matches!(self.mode, Mode::Json) => {
                let value = self.json_value()?;
                set(data, key, value.0);
                self.skip_json_comma(value.1)
            }
            Some('=') => self.assign(data, key),
            Some(',') => {
                let message = format!("key {} has no value (cannot end with ,)", quote(&key));
                set(data, key, Value::String(String::new()));
                error(message)
            }
            Some(_) => self.nested(data, key, nested + 1),
        }
    }

    /// `key.` was read: the rest belongs into the map at `key`.
    fn nested(&mut self, data: &mut Map, key: String, nested: usize) -> Step<()> {
        if nested > MAX_NESTED_NAMES {
            return error(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAMES}"
            ));
        }
        let mut fresh = Map::new();
        let existing = match data.get_mut(&key) {
            Some(Value::Map(map)) => Some(map),
            Some(other) => return wrong_type(other, "map[string]interface {}"),
            None => None,
        };
        let is_new = existing.is_none();
        let inner = existing.unwrap_or(&mut fresh);
        let result = self.key(inner, nested);
        if result.is_ok() && inner.is_empty() {
            return error(format!("key map {} has no value", quote(&key)));
        }
        if is_new && !fresh.is_empty() {
            set(data, key, Value::Map(fresh));
        }
        result
    }

    /// `key[` was read.
    fn indexed(&mut self, data: &mut Map, key: String, nested: usize) -> Step<()> {
        let index = self.index()?;
        let mut list = match data.entry(key.clone()) {
            Entry::Vacant(_) => Vec::new(),
            Entry::Occupied(mut slot) => match slot.get_mut() {
                Value::Seq(list) => std::mem::take(list),
                other => return wrong_type(other, "[]interface {}"),
            },
        };
        let result = self.list_item(&mut list, index, nested);
        set(data, key, Value::Seq(list));
        result
    }

    /// `key=` was read, outside JSON and literal lines.
    fn assign(&mut self, data: &mut Map, key: String) -> Step<()> {
        match self.list() {
            Ok(ListRead::List(list)) => {
                set(data, key, Value::Seq(list));
                Ok(())
            }
            Err(Stop::End) => {
                set(data, key, Value::String(String::new()));
                Err(Stop::End)
            }
            Ok(ListRead::NotList) => {
                let (text, _) = self.until(&[',']);
                let value = self.scalar(&text)?;
                set(data, key, value);
                Ok(())
            }
            Err(failed) => Err(failed),
        }
    }

    /// The number up to the closing bracket.
    fn index(&mut self) -> Step<i64> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Stop::End);
        }
        atoi(&text).map_err(|why| Stop::Error(format!("error parsing index: {why}")))
    }

    /// What follows `[index]`.
    fn list_item(&mut self, list: &mut Vec<Value>, index: i64, nested: usize) -> Step<()> {
        let Ok(at) = usize::try_from(index) else {
            return error(format!("negative {index} index not allowed"));
        };
        self.indexes += 1;
        if self.indexes > MAX_NESTED_INDEXES {
            return error(format!("more than {MAX_NESTED_INDEXES} nested list indexes"));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return error(format!(
                "unexpected data at end of array index: {}",
                quote_runes(&text)
            ));
        }
        let result = match stop {
            None => Err(Stop::End),
            Some('=') => self.item_value(list, at),
            Some('[') => self.item_list(list, at, nested),
            Some(_) => self.item_map(list, at, nested),
        };
        self.indexes -= 1;
        result
    }

    /// `[index]=`
    fn item_value(&mut self, list: &mut Vec<Value>, at: usize) -> Step<()> {
        if self.literal() {
            let value = self.rest();
            return self.set_index(list, at, Value::String(value));
        }
        if matches!(self.mode, Mode::Json) {
            let value = self.json_value()?;
            self.set_index(list, at, value.0)?;
            return self.skip_json_comma(value.1);
        }
        match self.list() {
            Ok(ListRead::List(items)) => self.set_index(list, at, Value::Seq(items)),
            Err(Stop::End) => self.set_index(list, at, Value::String(String::new())),
            Ok(ListRead::NotList) => {
                let (text, _) = self.until(&[',']);
                let value = self.scalar(&text)?;
                self.set_index(list, at, value)
            }
            Err(failed) => Err(failed),
        }
    }

    /// `[index][`
    fn item_list(&mut self, list: &mut Vec<Value>, at: usize, nested: usize) -> Step<()> {
        let index = self.index()?;
        match list.get_mut(at) {
            Some(Value::Seq(items)) => self.list_item(items, index, nested),
            None | Some(Value::Null) => {
                let mut inner = Vec::new();
                self.list_item(&mut inner, index, nested)?;
                self.set_index(list, at, Value::Seq(inner))
            }
            Some(other) => wrong_type(other, "[]interface {}"),
        }
    }

    /// `[index].`
    fn item_map(&mut self, list: &mut Vec<Value>, at: usize, nested: usize) -> Step<()> {
        if let Some(slot) = list.get_mut(at) {
            if !matches!(slot, Value::Map(_)) {
                *slot = Value::Map(Map::new());
            }
            return match slot {
                Value::Map(inner) => self.key(inner, nested),
                _ => Ok(()),
            };
        }
        let mut inner = Map::new();
        self.key(&mut inner, nested)?;
        self.set_index(list, at, Value::Map(inner))
    }

    /// `{a,b}` or nothing of the kind.
    fn list(&mut self) -> Step<ListRead> {
        let Some(first) = self.peek() else {
            return Err(Stop::End);
        };
        if first != '{' {
            return Ok(ListRead::NotList);
        }
        self.at += 1;
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return error("list must terminate with '}'".to_owned());
            }
            let closed = stop == Some('}');
            if closed && self.peek() == Some(',') {
                self.at += 1;
            }
            items.push(self.scalar(&text)?);
            if closed {
                return Ok(ListRead::List(items));
            }
        }
    }

    /// Puts a value at an index, with nulls before it where the list was shorter.
    fn set_index(&mut self, list: &mut Vec<Value>, at: usize, value: Value) -> Step<()> {
        if at > MAX_INDEX {
            return error(format!(
                "index of {at} is greater than maximum supported index of {MAX_INDEX}"
            ));
        }
        if list.len() <= at {
            self.filled += at + 1 - list.len();
            if self.filled > MAX_FILLED {
                return error(format!("more than {MAX_FILLED} list elements in one line"));
            }
            list.resize(at + 1, Value::Null);
        }
        list[at] = value;
        Ok(())
    }

    fn scalar(&mut self, text: &str) -> Step<Value> {
        match &mut self.mode {
            Mode::Typed => Ok(typed(text)),
            Mode::File(read) => read(text).map(Value::String).map_err(Stop::Error),
            Mode::Text | Mode::Json | Mode::Literal => Ok(Value::String(text.to_owned())),
        }
    }

    /// The JSON value that begins here, and whether its comma was already consumed.
    fn json_value(&mut self) -> Step<(Value, bool)> {
        if self.skip_blank() {
            return Ok((Value::Null, true));
        }
        let rest = &self.text.as_bytes()[self.at..];
        let mut decoder = Decoder::new(rest);
        let value = decoder
            .value()
            .map_err(|failed| Stop::Error(failed.to_string()))?;
        self.at += decoder.offset();
        Ok((value, false))
    }

    fn skip_json_comma(&mut self, already: bool) -> Step<()> {
        if !already {
            self.skip_blank();
        }
        Ok(())
    }

    /// Skips white space and one comma; true if the value ended there.
    fn skip_blank(&mut self) -> bool {
        while let Some(next) = self.peek() {
            if next != ',' && !next.is_whitespace() {
                return false;
            }
            self.at += next.len_utf8();
            if next == ',' {
                return true;
            }
        }
        true
    }

    /// Everything up to one of `stops`, with backslashes taken off outside literal lines.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let literal = self.literal();
        let mut out = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((offset, next)) = chars.next() {
            if stops.contains(&next) {
                self.at += offset + next.len_utf8();
                return (out, Some(next));
            }
            if next == '\\' && !literal {
                match chars.next() {
                    Some((_, escaped)) => out.push(escaped),
                    None => break,
                }
            } else {
                out.push(next);
            }
        }
        self.at = self.text.len();
        (out, None)
    }

    fn rest(&mut self) -> String {
        let rest = self.text[self.at..].to_owned();
        self.at = self.text.len();
        rest
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn literal(&self) -> bool {
        matches!(self.mode, Mode::Literal)
    }
}

impl fmt::Debug for Mode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Typed => "Typed",
            Self::Text => "Text",
            Self::Json => "Json",
            Self::Literal => "Literal",
            Self::File(_) => "File",
        })
    }
}

fn error<T>(message: String) -> Step<T> {
    Err(Stop::Error(message))
}

/// Go's panic text of a failed type assertion, which Helm catches and prints.
fn wrong_type<T>(value: &Value, wanted: &str) -> Step<T> {
    error(format!(
        "unable to parse key: interface conversion: interface {{}} is {}, not {wanted}",
        crate::go_text::type_name(value)
    ))
}

/// An empty key is dropped without a word.
fn set(data: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

/// Helm's inference: a leading zero makes text of a number, and there are no floats.
fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    // Go's EqualFold knows that U+017F, the long s, folds to s: `falſe` is false too.
    if text.eq_ignore_ascii_case("false") || text.replace('\u{17f}', "s").eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::Int(0);
    }
    if text.starts_with('0') {
        return Value::String(text.to_owned());
    }
    text.parse()
        .map_or_else(|_| Value::String(text.to_owned()), Value::Int)
}

/// `strconv.Atoi` with its error text.
fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.Atoi: parsing {}: invalid syntax", quote(text)));
    }
    text.parse()
        .map_err(|_| format!("strconv.Atoi: parsing {}: value out of range", quote(text)))
}

fn quote(text: &str) -> String {
    crate::go_text::quote(text)
}

/// `%q` of a slice of runes.
fn quote_runes(text: &str) -> String {
    let runes: Vec<String> = text
        .chars()
        .map(|rune| {
            let quoted = crate::go_text::quote(&rune.to_string());
            let inner = &quoted[1..quoted.len() - 1];
            match inner {
                "'" => "'\\''".to_owned(),
                "\\\"" => "'\"'".to_owned(),
                inner => format!("'{inner}'"),
            }
        })
        .collect();
    format!("[{}]", runes.join(" "))
}

#[cfg(test)]
mod tests;
