//! Reading: keys, tables and what may follow a value. Values themselves are in `scalar`.
//!
//! An error names the line and the last key, as the library's does; its words are the library's for the faults
//! that people make.

use template::value::Str;
use template::{Map, Value};

use super::scalar;
use super::tables::{Tables, shown};
use crate::functions::args::{MAX_DEPTH, deeper};

/// # Errors
/// The text of the library's error.
pub(super) fn document(text: &[u8]) -> Result<Value, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        tables: Tables::default(),
        key: None,
    };
    let read = reader.check_bytes().and_then(|()| reader.items());
    read.map_err(|message| reader.located(&message))?;
    Ok(reader.tables.finish())
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    tables: Tables,
    /// The last part of the key whose value is being read.
    key: Option<Str>,
}

impl Reader<'_> {
    fn located(&self, message: &str) -> String {
        let line = 1 + self.text[..self.at.min(self.text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let path: Vec<Str> = self.tables.context.iter().chain(&self.key).cloned().collect();
        if path.is_empty() {
            return format!("toml: line {line}: {message}");
        }
        format!("toml: line {line} (last key \"{}\"): {message}", shown(&path))
    }

    fn check_bytes(&mut self) -> Result<(), String> {
        if let Err(error) = std::str::from_utf8(self.text) {
            self.at = error.valid_up_to();
            return Err(format!("invalid UTF-8 byte: 0x{:02x}", self.text[self.at]));
        }
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn take(&mut self, wanted: &[u8]) -> bool {
        let found = self.text[self.at..].starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// The character at hand as the library shows it.
    pub(super) fn shown_char(&self) -> String {
        let rest = std::str::from_utf8(&self.text[self.at.min(self.text.len())..]).unwrap_or_default();
        match rest.chars().next() {
            None => "\\x00".to_owned(),
            Some('\n') => "\\n".to_owned(),
            Some('\r') => "\\r".to_owned(),
            Some('\t') => "\\t".to_owned(),
            Some(rune) => rune.to_string(),
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips blanks, line ends and comments.
    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\r' | b'\n') => self.at += 1,
                Some(b'#') => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        let rest = &self.text[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn items(&mut self) -> Result<(), String> {
        loop {
            self.skip_lines();
            match self.peek() {
                None => return Ok(()),
                Some(b'[') => self.header()?,
                Some(_) => self.pair()?,
            }
            self.end_of_item()?;
        }
    }

    fn end_of_item(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.peek() == Some(b'#') {
            self.skip_comment();
        }
        if self.at >= self.text.len() || self.take(b"\n") || self.take(b"\r\n") {
            return Ok(());
        }
        let found = self.shown_char();
        Err(format!(
            "expected a top-level item to end with a newline, comment, or EOF, but got '{found}' instead"
        ))
    }

    fn header(&mut self) -> Result<(), String> {
        self.tables.context.clear();
        self.at += 1;
        let array = self.take(b"[");
        self.skip_blanks();
        let mut path = Vec::new();
        loop {
            if matches!(self.peek(), Some(b']')) {
                return Err("unexpected end of table name (table names cannot be empty)".to_owned());
            }
            path.push(self.key_part()?);
            self.skip_blanks();
            if !self.take(b".") {
                break;
            }
            self.skip_blanks();
        }
        if !self.take(b"]") {
            let found = self.shown_char();
            return Err(format!(
                "expected '.' or ']' to end table name, but got '{found}' instead"
            ));
        }
        if array && !self.take(b"]") {
            let found = self.shown_char();
            return Err(format!(
                "expected end of table array name delimiter ']', but got '{found}' instead"
            ));
        }
        self.tables.open(&path, array)
    }

    /// `a.b.c = value`
    fn pair(&mut self) -> Result<(), String> {
        let outer = self.tables.context.clone();
        let mut key = self.dotted_key()?;
        let last = key.pop().unwrap_or_else(|| Str::from(""));
        for part in &key {
            self.tables.enter(part)?;
        }
        self.key = Some(last.clone());
        let value = self.value(0)?;
        self.tables.set(&last, value)?;
        self.tables.context = outer;
        self.key = None;
        Ok(())
    }

    /// A key up to and with its `=` and the blanks after it.
    fn dotted_key(&mut self) -> Result<Vec<Str>, String> {
        let mut parts = vec![self.key_part()?];
        loop {
            self.skip_blanks();
            if self.take(b"=") {
                self.skip_blanks();
                return Ok(parts);
            }
            if self.at >= self.text.len() {
                return Err("unexpected EOF; expected key separator '='".to_owned());
            }
            if !self.take(b".") {
                return Err(format!(
                    "expected '.' or '=', but got '{}' instead",
                    self.shown_char()
                ));
            }
            self.skip_blanks();
            parts.push(self.key_part()?);
        }
    }

    fn key_part(&mut self) -> Result<Str, String> {
        match self.peek() {
            Some(b'"' | b'\'') => scalar::string(self),
            _ => {
                let bare = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                let length = self.text[self.at..].iter().take_while(bare).count();
                if length == 0 {
                    return Err(match self.peek() {
                        Some(b'=') => "unexpected '=': key name appears blank".to_owned(),
                        Some(b'.') => "unexpected '.': keys cannot start with a '.'".to_owned(),
                        _ => format!("bare keys cannot contain '{}'", self.shown_char()),
                    });
                }
                let start = self.at;
                self.at += length;
                Ok(Str::from(&self.text[start..self.at]))
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("values nest deeper than {MAX_DEPTH} levels"));
        }
        match self.peek() {
            Some(b'[') => self.array(depth),
            Some(b'{') => self.inline_table(depth),
            _ => scalar::read(self),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.take(b"]") {
                return Ok(Value::list(items));
            }
            items.push(deeper(depth, || self.value(depth + 1))?);
            self.skip_lines();
            if !self.take(b",") && self.peek() != Some(b']') {
                let found = self.found_instead();
                return Err(format!(
                    "expected a comma (',') or array terminator (']'), but got {found}"
                ));
            }
        }
    }

    fn found_instead(&self) -> String {
        if self.at >= self.text.len() {
            "end of file".to_owned()
        } else {
            format!("'{}'", self.shown_char())
        }
    }

    fn inline_table(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let (outer_context, outer_key) = (self.tables.context.clone(), self.key.take());
        self.tables.context.extend(outer_key.clone());
        let prefix = self.tables.context.len();
        let table = Map::new();
        loop {
            self.skip_lines();
            if self.take(b"}") {
                break;
            }
            let mut key = self.dotted_key()?;
            let last = key.pop().unwrap_or_else(|| Str::from(""));
            self.tables.context.extend(key.iter().cloned());
            self.key = Some(last.clone());
            let value = deeper(depth, || self.value(depth + 1))?;
            let mut at = table.clone();
            for part in &key {
                at = match at.get(part) {
                    Some(Value::Map(inner)) => inner,
                    Some(_) => return Err(format!("Key \"{}\" is already defined", part.to_text())),
                    None => {
                        let inner = Map::new();
                        at.set(part.clone(), Value::Map(inner.clone()));
                        inner
                    }
                };
            }
            if at.contains(&last) {
                let path: Vec<Str> = self.tables.context.iter().chain(&self.key).cloned().collect();
                return Err(format!("Key '{}' has already been defined.", shown(&path)));
            }
            at.set(last, value);
            self.skip_lines();
            if !self.take(b",") && self.peek() != Some(b'}') {
                let found = self.found_instead();
                return Err(format!(
                    "expected a comma or an inline table terminator '}}', but got {found} instead"
                ));
            }
            self.tables.context.truncate(prefix);
            self.key = None;
        }
        self.tables.context = outer_context;
        self.key = outer_key;
        Ok(Value::Map(table))
    }
}
