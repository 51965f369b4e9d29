//! JSON as Go's `encoding/json` decoder reads it, with its error texts.
//!
//! Reads one value from the front of a buffer and says where it ended, which `--set-json` lines need; schemas
//! are read with it too. Objects keep the last of duplicate keys, invalid UTF-8 becomes U+FFFD.

use yaml::Value;

use crate::go_text;
use crate::values::Map;

/// Go allows 10,000; nothing real is deeper than a few dozen, and this keeps our recursion off the stack's end.
const MAX_DEPTH: usize = 1_000;

/// Why a text is not JSON, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub message: String,
}

/// How numbers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// All as `float64`.
    Float,
    /// Those that are written as integers and fit stay integers.
    KeepIntegers,
}

/// Reads values from the front of a buffer.
#[derive(Debug)]
pub struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    numbers: Numbers,
}

type Read<T> = Result<T, Error>;

impl<'a> Decoder<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            numbers: Numbers::Float,
        }
    }

    #[must_use]
    pub fn with_numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = numbers;
        self
    }

    /// How many bytes were consumed.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Reads the next value and leaves what follows it.
    pub fn value(&mut self) -> Read<Value> {
        self.skip_space();
        if self.at == self.text.len() {
            return Err(Error {
                message: "EOF".to_owned(),
            });
        }
        self.any(0)
    }

    /// Whether only white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    fn any(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err(Error {
                message: "exceeded max depth".to_owned(),
            });
        }
        match self.next_token()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut map = Map::new();
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            let first = self.next_token()?;
            if first != b'"' {
                return Err(unexpected(first, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.expect(b':', "after object key")?;
            let value = self.any(depth + 1)?;
            map.insert(key, value);
            match self.next_token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(Value::Map(map));
                }
                other => return Err(unexpected(other, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_token()? == b']' {
            self.at += 1;
            return Ok(Value::Seq(items));
        }
        loop {
            items.push(self.any(depth + 1)?);
            match self.next_token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Value::Seq(items));
                }
                other => return Err(unexpected(other, "after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Read<Value> {
        for expected in word.bytes() {
            let found = self.peek()?;
            if found != expected {
                let context = format!("in literal {word} (expecting {})", quote_char(expected));
                return Err(unexpected(found, &context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        let mut whole = true;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            other => return Err(unexpected(other, "in numeric literal")),
        }
        if self.text.get(self.at) == Some(&b'.') {
            whole = false;
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or("0");
        if whole
            && self.numbers == Numbers::KeepIntegers
            && let Ok(integer) = text.parse()
        {
            return Ok(Value::Int(integer));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(Error {
                message: format!("json: cannot unmarshal number {text} into Go value of type float64"),
            }),
        }
    }

    fn some_digits(&mut self, context: &str) -> Read<()> {
        let first = self.peek()?;
        if !first.is_ascii_digit() {
            return Err(unexpected(first, context));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let start = self.at;
            while matches!(self.text.get(self.at), Some(byte) if !matches!(byte, b'"' | b'\\' | ..0x20)) {
                self.at += 1;
            }
            out.extend_from_slice(&self.text[start..self.at]);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(String::from_utf8(out)
                        .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()));
                }
                b'\\' => self.escape(&mut out)?,
                other => return Err(unexpected(other, "in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        self.at += 1;
        let plain = match self.peek()? {
            code @ (b'"' | b'\\' | b'/') => code,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let unit = self.hex4()?;
                let character = self.surrogates(unit);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            other => return Err(unexpected(other, "in string escape code")),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    /// Joins a surrogate pair; a lone half becomes U+FFFD and what follows it is read on its own.
    fn surrogates(&mut self, unit: u32) -> char {
        if let Some(character) = char::from_u32(unit) {
            return character;
        }
        let saved = self.at;
        if unit < 0xdc00
            && self.text[self.at..].starts_with(b"\\u")
            && let Some(low) = self.low_surrogate()
        {
            return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}');
        }
        self.at = saved;
        '\u{fffd}'
    }

    fn low_surrogate(&mut self) -> Option<u32> {
        self.at += 2;
        self.hex4().ok().filter(|unit| (0xdc00..0xe000).contains(unit))
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.peek()?;
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(unexpected(byte, "in \\u hexadecimal character escape"));
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn expect(&mut self, wanted: u8, context: &str) -> Read<()> {
        let found = self.next_token()?;
        if found != wanted {
            return Err(unexpected(found, context));
        }
        self.at += 1;
        Ok(())
    }

    fn next_token(&mut self) -> Read<u8> {
        self.skip_space();
        self.peek()
    }

    fn peek(&self) -> Read<u8> {
        self.text.get(self.at).copied().ok_or_else(|| Error {
            message: "unexpected EOF".to_owned(),
        })
    }

    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

fn unexpected(found: u8, context: &str) -> Error {
    Error {
        message: format!("invalid character {} {context}", quote_char(found)),
    }
}

fn quote_char(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let quoted = go_text::quote(&char::from(byte).to_string());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}
