//! Reading as `json.Unmarshal` into an `interface{}` reads: every number is a float64, the last of equal keys
//! stays, and an error names the byte and what was being looked for.
//!
//! Nothing recurses: open lists and objects are kept on a stack of bounded height.

use std::collections::BTreeMap;

use template::value::Str;
use template::{Map, Value};

use crate::functions::args::MAX_DEPTH;

/// A document that is well formed.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// What did not fit into Go's types, as a number beyond float64; Go decodes the rest all the same.
    pub(crate) complaint: Option<String>,
}

/// Reads one document.
///
/// # Errors
/// The text of Go's syntax error.
pub(crate) fn decode(text: &[u8]) -> Result<Decoded, String> {
    let mut reader = Reader {
        text,
        at: 0,
        complaint: None,
    };
    let value = reader.document()?;
    Ok(Decoded {
        value,
        complaint: reader.complaint,
    })
}

/// Go's own limit is 10,000; ours is what every walk over values here can follow.
const TOO_DEEP: &str = "exceeded max depth";
const ENDED: &str = "unexpected end of JSON input";
const VALUE: &str = "looking for beginning of value";
const KEY: &str = "looking for beginning of object key string";

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    complaint: Option<String>,
}

enum Open {
    List(Vec<Value>),
    Object(BTreeMap<Str, Value>, Str),
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, String> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let Some(mut value) = self.begin(&mut open)? else {
                continue;
            };
            // Closes every list and object that ends with this value.
            loop {
                let Some(parent) = open.pop() else {
                    return match self.skip_space() {
                        None => Ok(value),
                        Some(byte) => Err(unexpected(byte, "after top-level value")),
                    };
                };
                match self.attach(parent, value)? {
                    Next::Closed(whole) => value = whole,
                    Next::More(parent) => {
                        open.push(parent);
                        break;
                    }
                }
            }
        }
    }

    /// Reads a scalar or an empty collection, or opens a collection.
    fn begin(&mut self, open: &mut Vec<Open>) -> Result<Option<Value>, String> {
        let byte = self.skip_space().ok_or(ENDED)?;
        self.at += 1;
        match byte {
            b'[' | b'{' if open.len() >= MAX_DEPTH => Err(TOO_DEEP.to_owned()),
            b'[' => {
                if self.skip_space() == Some(b']') {
                    self.at += 1;
                    return Ok(Some(Value::list(Vec::new())));
                }
                open.push(Open::List(Vec::new()));
                Ok(None)
            }
            b'{' => {
                if self.skip_space() == Some(b'}') {
                    self.at += 1;
                    return Ok(Some(Value::Map(Map::new())));
                }
                let key = self.key()?;
                open.push(Open::Object(BTreeMap::new(), key));
                Ok(None)
            }
            b'"' => Ok(Some(Value::Str(self.string()?))),
            b't' => self.literal("true", Value::Bool(true)).map(Some),
            b'f' => self.literal("false", Value::Bool(false)).map(Some),
            b'n' => self.literal("null", Value::Nil).map(Some),
            b'-' | b'0'..=b'9' => self.number().map(Some),
            byte => Err(unexpected(byte, VALUE)),
        }
    }

    fn attach(&mut self, parent: Open, value: Value) -> Result<Next, String> {
        let next = self.skip_space();
        self.at += 1;
        match (parent, next) {
            (_, None) => Err(ENDED.to_owned()),
            (Open::List(mut items), Some(byte)) => {
                items.push(value);
                match byte {
                    b',' => Ok(Next::More(Open::List(items))),
                    b']' => Ok(Next::Closed(Value::list(items))),
                    byte => Err(unexpected(byte, "after array element")),
                }
            }
            (Open::Object(mut entries, key), Some(byte)) => {
                entries.insert(key, value);
                match byte {
                    b',' => Ok(Next::More(Open::Object(entries, self.key()?))),
                    b'}' => Ok(Next::Closed(Value::Map(entries.into_iter().collect()))),
                    byte => Err(unexpected(byte, "after object key:value pair")),
                }
            }
        }
    }

    fn key(&mut self) -> Result<Str, String> {
        match self.skip_space().ok_or(ENDED)? {
            b'"' => self.at += 1,
            byte => return Err(unexpected(byte, KEY)),
        }
        let key = self.string()?;
        match self.skip_space().ok_or(ENDED)? {
            b':' => self.at += 1,
            byte => return Err(unexpected(byte, "after object key")),
        }
        Ok(key)
    }

    fn skip_space(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// The byte at hand; Go's scanner sees a space at the end of the text.
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(b' ')
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for wanted in word.bytes().skip(1) {
            let found = self.peek();
            if found != wanted {
                return Err(unexpected(
                    found,
                    &format!("in literal {word} (expecting '{}')", char::from(wanted)),
                ));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at - 1;
        if self.text[start] == b'-' {
            let first = self.peek();
            if !first.is_ascii_digit() {
                return Err(unexpected(first, "in numeric literal"));
            }
            self.at += 1;
        }
        if self.text[self.at - 1] != b'0' {
            self.digits();
        }
        if self.peek() == b'.' {
            self.at += 1;
            if self.digits() == 0 {
                return Err(unexpected(self.peek(), "after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(unexpected(self.peek(), "in exponent of numeric literal"));
            }
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                let complaint = format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.complaint.get_or_insert(complaint);
                Ok(Value::Nil)
            }
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.text[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        count
    }

    /// Reads up to the closing quote; the opening one is behind.
    fn string(&mut self) -> Result<Str, String> {
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))
            .ok_or(ENDED)?;
        if rest[end] == b'"' && std::str::from_utf8(&rest[..end]).is_ok() {
            self.at = start + end + 1;
            return Ok(Str::from(&rest[..end]));
        }
        let mut out = Vec::with_capacity(end + 16);
        loop {
            let rest = &self.text[self.at..];
            let end = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))
                .ok_or(ENDED)?;
            for chunk in rest[..end].utf8_chunks() {
                out.extend_from_slice(chunk.valid().as_bytes());
                chunk
                    .invalid()
                    .iter()
                    .for_each(|_| push_rune(&mut out, char::REPLACEMENT_CHARACTER));
            }
            self.at += end + 1;
            match rest[end] {
                b'"' => return Ok(Str::from(out)),
                b'\\' => self.escape(&mut out)?,
                byte => return Err(unexpected(byte, "in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let byte = self.peek();
        self.at += 1;
        out.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let rune = self.escaped_rune()?;
                push_rune(out, rune);
                return Ok(());
            }
            byte => return Err(unexpected(byte, "in string escape code")),
        });
        Ok(())
    }

    /// One UTF-16 unit, or a pair of them; half of a pair is U+FFFD.
    fn escaped_rune(&mut self) -> Result<char, String> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let back = self.at;
        if self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.peek();
            let digit = char::from(byte).to_digit(16);
            unit =
                unit << 4 | digit.ok_or_else(|| unexpected(byte, "in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(unit)
    }
}

enum Next {
    Closed(Value),
    More(Open),
}

fn push_rune(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unexpected(byte: u8, doing: &str) -> String {
    let shown = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => {
            let mut quoted = Vec::new();
            let mut rune = [0; 4];
            crate::functions::print::push_quoted(
                &mut quoted,
                char::from(byte).encode_utf8(&mut rune).as_bytes(),
            );
            let inner = String::from_utf8_lossy(&quoted[1..quoted.len() - 1]).into_owned();
            format!("'{inner}'")
        }
    };
    format!("invalid character {shown} {doing}")
}
