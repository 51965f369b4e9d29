//! Numeric constants: every type that can hold one is worked out once, here.

use crate::fmt::quote;
use crate::fmt::quote::unquote_char;
use crate::lex::{Kind, Token};
use crate::tree::{Ideal, Node, Number};

use super::{Parser, Parsing};

impl Parser<'_> {
    pub(super) fn number(&mut self, token: Token) -> Parsing<Node> {
        let text = self.bytes(token);
        let (int, float, ideal) = match token.kind {
            Kind::CharConstant => match unquote_char(text) {
                Some(Ok(code)) => (
                    Some(i64::from(code)),
                    Some(f64::from(code)),
                    Ideal::Int(i64::from(code)),
                ),
                Some(Err(())) => {
                    let text = String::from_utf8_lossy(text);
                    return self.fail(format!("malformed character constant: {text}"));
                }
                None => return self.fail("invalid syntax"),
            },
            Kind::Complex => return self.imaginary(text),
            _ if text.ends_with(b"i") => return self.imaginary(text),
            _ => match read(text) {
                Ok(number) => number,
                Err(message) => return self.fail(message),
            },
        };
        let number = Number {
            start: token.start,
            end: token.end,
            int,
            float,
            ideal,
        };
        Ok(Node::Number(self.builder.number(number)))
    }

    fn imaginary<T>(&mut self, text: &[u8]) -> Parsing<T> {
        self.fail(format!("imaginary numbers are not supported: {}", quote(text)))
    }
}

fn read(text: &[u8]) -> Result<(Option<i64>, Option<f64>, Ideal), String> {
    let as_float = text
        .iter()
        .any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'p' | b'P'))
        && !is_hex_int(text);
    if let Some(integer) = read_int(text) {
        return Ok(match i64::try_from(integer) {
            Ok(int) if as_float => (Some(int), Some(int as f64), Ideal::Float(int as f64)),
            Ok(int) => (Some(int), Some(int as f64), Ideal::Int(int)),
            Err(_) => (None, Some(integer as f64), Ideal::Overflow),
        });
    }
    let Some(float) = read_float(text) else {
        return Err(format!("illegal number syntax: {}", quote(text)));
    };
    if !text
        .iter()
        .any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'p' | b'P'))
    {
        return Err(format!("integer overflow: {}", quote(text)));
    }
    // 2^63 itself does not fit, though the saturating conversion would compare equal.
    let int = (float as i64 as f64 == float && float < 9_223_372_036_854_775_808.0).then_some(float as i64);
    Ok((int, Some(float), Ideal::Float(float)))
}

fn is_hex_int(text: &[u8]) -> bool {
    matches!(text, [b'0', b'x' | b'X', rest @ ..] if !rest.iter().any(|byte| matches!(byte, b'p' | b'P')))
}

/// What Go's `strconv.ParseInt` and `ParseUint` read with base 0: 64 bits, prefixes, underscores between digits.
fn read_int(text: &[u8]) -> Option<i128> {
    let (negative, signed, digits) = match text {
        [b'-', rest @ ..] => (true, true, rest),
        [b'+', rest @ ..] => (false, true, rest),
        _ => (false, false, text),
    };
    let (radix, digits, prefixed) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest, true),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest, true),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest, true),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest, true),
        _ => (10, digits, false),
    };
    let digits = without_underscores(digits, prefixed)?;
    if digits.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for digit in digits {
        value = value * radix + i128::from(char::from(digit).to_digit(radix as u32)?);
        if value > i128::from(u64::MAX) {
            return None;
        }
    }
    let value = if negative { -value } else { value };
    // Only an unsigned literal may need the 64th bit.
    let fits = i64::try_from(value).is_ok() || !signed;
    fits.then_some(value)
}

/// Underscores must stand between digits, or between a prefix and a digit.
fn without_underscores(digits: &[u8], mut may_follow: bool) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(digits.len());
    for byte in digits {
        if *byte == b'_' {
            if !may_follow {
                return None;
            }
            may_follow = false;
        } else {
            plain.push(*byte);
            may_follow = true;
        }
    }
    (digits.last() != Some(&b'_')).then_some(plain)
}

/// Decimal and hexadecimal floats.
fn read_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let value = match unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
    {
        Some(digits) => read_hex_float(digits)?,
        None if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => return None,
        None => {
            let bytes = unsigned.as_bytes();
            let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
            let mut underscores = memchr::memchr_iter(b'_', bytes);
            if !underscores.all(|at| at > 0 && is_digit(at - 1) && is_digit(at + 1)) {
                return None;
            }
            unsigned
                .replace('_', "")
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite())?
        }
    };
    Some(if negative { -value } else { value })
}

fn read_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = without_underscores([whole, part].concat().as_bytes(), true)?;
    // Beyond fifteen digits the mantissa would need rounding that no template asks for.
    if digits.is_empty() || digits.len() > 15 || exponent.unsigned_abs() > 1_000 {
        return None;
    }
    let value = i64::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
    let part_len = part.bytes().filter(|byte| *byte != b'_').count() as i32;
    Some(value as f64 * f64::from(exponent - 4 * part_len).exp2()).filter(|value| value.is_finite())
}
