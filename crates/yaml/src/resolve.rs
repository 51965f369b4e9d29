//! What a plain scalar means in YAML 1.1, as go-yaml 2 reads it.
//!
//! `yes` and `on` are booleans, `0777` and `0o777` are octal, `1_000` is a number, `1:30` is a string, and a
//! timestamp is recognised but stays the string it is.

use std::borrow::Cow;

use crate::timestamp::is_timestamp;

/// The value of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that only fits without a sign.
    Uint(u64),
    Float(f64),
    /// The text, though it looks like a time.
    Timestamp,
    /// The text.
    Str,
}

/// Which generation of go-yaml reads: the third has `true` and `false` as its only booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    V2,
    V3,
}

const WORD: u8 = 1;
const NUMBER: u8 = 2;
const DOT: u8 = 3;

/// What the first byte allows. All that begins otherwise is a string.
static HINT: [u8; 256] = hints();

const fn hints() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    let words = b"yYnNtTfFoO~";
    while at < words.len() {
        table[words[at] as usize] = WORD;
        at += 1;
    }
    let mut digit = b'0';
    while digit <= b'9' {
        table[digit as usize] = NUMBER;
        digit += 1;
    }
    table[b'+' as usize] = NUMBER;
    table[b'-' as usize] = NUMBER;
    table[b'.' as usize] = DOT;
    table
}

/// Resolves a plain scalar.
pub fn resolve(text: &str, generation: Generation) -> Resolved {
    let Some(first) = text.as_bytes().first() else {
        return Resolved::Null;
    };
    match HINT[*first as usize] {
        0 => Resolved::Str,
        WORD => word(text, generation),
        NUMBER => special_float(text)
            .or_else(|| number(text))
            .unwrap_or(Resolved::Str),
        _ => special_float(text)
            .or_else(|| go_float(text).map(Resolved::Float))
            .unwrap_or(Resolved::Str),
    }
}

fn word(text: &str, generation: Generation) -> Resolved {
    // The longest word is `false`.
    if text.len() > 5 {
        return Resolved::Str;
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ if generation == Generation::V3 => Resolved::Str,
        _ => old_bool(text).map_or(Resolved::Str, Resolved::Bool),
    }
}

/// The booleans that only YAML 1.1 knows.
pub(crate) fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<Resolved> {
    let number = match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    };
    Some(Resolved::Float(number))
}

fn number(text: &str) -> Option<Resolved> {
    if is_timestamp(text) {
        return Some(Resolved::Timestamp);
    }
    let plain = match text.contains('_') {
        true => Cow::Owned(text.replace('_', "")),
        false => Cow::Borrowed(text),
    };
    integer(&plain).or_else(|| {
        let float = is_decimal_float(plain.as_bytes())
            .then(|| finite(&plain))
            .flatten();
        float.map(Resolved::Float).or_else(|| signed_binary(&plain))
    })
}

/// Go's `ParseInt` and `ParseUint` with base 0, without underscores.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0'] => return Some(Resolved::Int(0)),
        [b'0', ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // A sign here would be a second one.
    if !digits
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    match (i64::try_from(size), negative) {
        (Ok(number), false) => Some(Resolved::Int(number)),
        (Ok(number), true) => Some(Resolved::Int(-number)),
        (Err(_), true) if size == 1 << 63 => Some(Resolved::Int(i64::MIN)),
        (Err(_), false) if !signed => Some(Resolved::Uint(size)),
        _ => None,
    }
}

/// `0b-101`, which go-yaml takes for a negative binary number.
fn signed_binary(text: &str) -> Option<Resolved> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Resolved::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal_float(text: &[u8]) -> bool {
    let digits = |at: usize| text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if whole + fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return false;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == text.len()
}

/// Go's `ParseFloat` of a text that begins with a dot: underscores may stand between digits.
fn go_float(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return is_decimal_float(text.as_bytes()).then(|| finite(text)).flatten();
    }
    let bytes = text.as_bytes();
    let between = |at: usize| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at + 1)
    };
    let separated = (0..bytes.len()).all(|at| bytes[at] != b'_' || between(at));
    separated.then(|| go_float(&text.replace('_', ""))).flatten()
}

/// Go refuses what overflows, and so it stays a string.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether a string is a number to base 60 in YAML 1.1, such as `1:30`: printed quoted, though never read so.
pub(crate) fn is_base60(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'+' | b'-' | b'0'..=b'9')) || !bytes.contains(&b':') {
        return false;
    }
    let unsigned = bytes
        .strip_prefix(b"+")
        .or_else(|| bytes.strip_prefix(b"-"))
        .unwrap_or(bytes);
    let mut parts = unsigned.split(|byte| *byte == b':');
    let whole = parts.next().unwrap_or_default();
    let number = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    if !whole.first().is_some_and(u8::is_ascii_digit) || !number(whole) {
        return false;
    }
    let rest: Vec<&[u8]> = parts.collect();
    rest.iter().enumerate().all(|(at, part)| {
        let (digits, fraction) = match part.iter().position(|byte| *byte == b'.') {
            Some(dot) if at + 1 == rest.len() => (&part[..dot], &part[dot + 1..]),
            _ => (*part, &part[..0]),
        };
        let sixty = matches!(digits, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        sixty && number(fraction)
    })
}
