//! Go's reading and printing of numbers, and `spf13/cast`, through which Sprig reads anything as a number.
//!
//! Guarantees: the same digits as `strconv`; a value that cannot be read is zero, as `cast` without its error is.

use template::Value;
use template::value::IntKind;

/// Why an integer could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadInt {
    Syntax,
    /// Out of range; the nearest number that fits.
    Range(i64),
}

/// `cast.ToInt64`.
pub(crate) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0,
        Value::Int(number, _) => *number,
        Value::Float(number) => truncated(*number),
        Value::Bool(yes) => i64::from(*yes),
        Value::Str(text) => parse_int(without_zero_decimals(text.as_bytes()), 0).unwrap_or(0),
        _ => 0,
    }
}

/// `cast.ToFloat64`.
#[expect(clippy::cast_precision_loss, reason = "Go's conversion rounds as well")]
pub(crate) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0.0,
        Value::Int(number, _) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// `int64(f)` as amd64 converts: everything out of range is the smallest number.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(crate) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// `strconv.ParseInt(s, base, 64)` for base 8, 10 or 0, which reads the base from the prefix.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, BadInt> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = parse_magnitude(digits, base)?;
    let limit = i128::from(i64::MAX) + i128::from(negative);
    let signed = if magnitude > limit {
        let nearest = if negative { i64::MIN } else { i64::MAX };
        return Err(BadInt::Range(nearest));
    } else if negative {
        -magnitude
    } else {
        magnitude
    };
    i64::try_from(signed).map_err(|_| BadInt::Syntax)
}

fn parse_magnitude(text: &[u8], base: u32) -> Result<i128, BadInt> {
    let (radix, digits) = if base != 0 {
        (base, text)
    } else {
        match text {
            [b'0', b'x' | b'X', rest @ ..] => (16, rest),
            [b'0', b'o' | b'O', rest @ ..] => (8, rest),
            [b'0', b'b' | b'B', rest @ ..] => (2, rest),
            [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
            rest => (10, rest),
        }
    };
    if digits.is_empty() {
        return Err(BadInt::Syntax);
    }
    let mut number: i128 = 0;
    let mut underscores = false;
    for byte in digits {
        if *byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(radix).ok_or(BadInt::Syntax)?;
        // Far above every 64-bit number, far below an overflow.
        number = (number * i128::from(radix) + i128::from(digit)).min(1 << 100);
    }
    if underscores && !underscores_separate_digits(text) {
        return Err(BadInt::Syntax);
    }
    Ok(number)
}

/// Go's rule for `_` in numbers: only between digits, or between the base prefix and a digit.
fn underscores_separate_digits(text: &[u8]) -> bool {
    let (mut after_digit, mut after_underscore) = (false, false);
    let (hex, rest) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (true, rest),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    after_digit |= rest.len() < text.len();
    for byte in rest {
        if byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit()) {
            (after_digit, after_underscore) = (true, false);
        } else if *byte == b'_' {
            if !after_digit {
                return false;
            }
            (after_digit, after_underscore) = (false, true);
        } else if after_underscore {
            return false;
        } else {
            (after_digit, after_underscore) = (false, false);
        }
    }
    !after_underscore
}

/// `strconv.ParseFloat(s, 64)`; `None` for bad syntax and for what is out of range.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let unsigned = match text {
        [b'-' | b'+', rest @ ..] => rest,
        rest => rest,
    };
    let named = |name: &str| unsigned.eq_ignore_ascii_case(name.as_bytes());
    if named("inf") || named("infinity") {
        return Some(if text.first() == Some(&b'-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    if named("nan") {
        return (unsigned.len() == text.len()).then_some(f64::NAN);
    }
    let plain: Vec<u8> = if unsigned.contains(&b'_') {
        if !underscores_separate_digits(unsigned) {
            return None;
        }
        text.iter().copied().filter(|byte| *byte != b'_').collect()
    } else {
        text.to_vec()
    };
    let number = match unsigned {
        [b'0', b'x' | b'X', ..] => parse_hex_float(&plain)?,
        [b'0'..=b'9' | b'.', ..] => std::str::from_utf8(&plain).ok()?.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// `0x1.8p3`; the mantissa is cut to 60 bits with the rest noted in the lowest, so that rounding stays right.
#[expect(clippy::cast_precision_loss, reason = "rounding to float64 is the point")]
fn parse_hex_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(&text)),
    };
    let (mantissa, exponent) = text.strip_prefix("0x")?.split_once('p')?;
    let mut exponent: i32 = exponent.parse::<i32>().ok()?.clamp(-100_000, 100_000);
    let (mut number, mut digits, mut fraction) = (0_u64, 0, false);
    for byte in mantissa.bytes() {
        if byte == b'.' && !fraction {
            fraction = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16)?);
        digits += 1;
        if number < 1 << 56 {
            number = number << 4 | digit;
            exponent -= if fraction { 4 } else { 0 };
        } else {
            number |= u64::from(digit != 0);
            exponent += if fraction { 0 } else { 4 };
        }
    }
    (digits > 0).then(|| {
        sign * number as f64 * 2_f64.powi(exponent.max(-1070)) * 2_f64.powi((exponent + 1070).min(0))
    })
}

/// `12.00` reads as `12`; a fraction that is not zero stays, and then does not read as an integer.
fn without_zero_decimals(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    match text[..text.len() - zeros].strip_suffix(b".") {
        Some(whole) if zeros > 0 => whole,
        _ => text,
    }
}

/// The shortest decimal digits that read back as the number, and the place of the point: `0.d₁d₂… × 10^point`.
pub(crate) struct Digits {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) point: i32,
}

/// Splits a finite number.
pub(crate) fn digits_of(number: f64) -> Digits {
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    Digits {
        negative: number.is_sign_negative(),
        digits,
        point: if number == 0.0 { 1 } else { point },
    }
}
