//! Texts: the strings library, patterns, and how values are printed.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::eval::{Error, Meter, failed, no_overload};
use crate::value::Value;

type Called = Option<Result<Value, Error>>;

/// The largest precision of a printed number; more digits than a double has.
const PRECISION_MAX: usize = 50;

pub(super) fn call(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    let (Value::String(text), rest) = args.split_first()? else {
        return None;
    };
    if !is_ours(name) {
        return None;
    }
    let argument = rest.first().map_or(0, Value::size);
    if let Err(error) = meter.charge_text(text.len() + usize::try_from(argument).unwrap_or(0)) {
        return Some(Err(error));
    }
    Some(match rest {
        [] => plain(name, text),
        [Value::String(other)] => with_text(name, text, other, meter),
        [Value::Int(number)] => with_number(name, text, *number),
        [Value::List(list)] if name == "format" => format(text, &list.items, meter),
        [Value::Int(from), Value::Int(to)] if name == "substring" => substring(text, *from, Some(*to)),
        [Value::String(old), Value::String(new)] if name == "replace" => replace(text, old, (new, -1), meter),
        [Value::String(old), Value::String(new), Value::Int(count)] if name == "replace" => {
            replace(text, old, (new, *count), meter)
        }
        [Value::String(other), Value::Int(number)] => with_both(name, text, (other, *number), meter),
        _ => Err(no_overload()),
    })
}

fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "lowerAscii"
            | "upperAscii"
            | "trim"
            | "strings.quote"
            | "contains"
            | "startsWith"
            | "endsWith"
            | "matches"
            | "indexOf"
            | "lastIndexOf"
            | "split"
            | "find"
            | "findAll"
            | "charAt"
            | "substring"
            | "replace"
            | "format"
    )
}

fn string(text: String) -> Result<Value, Error> {
    Ok(Value::String(text.into()))
}

fn plain(name: &str, text: &str) -> Result<Value, Error> {
    match name {
        "lowerAscii" => string(text.to_ascii_lowercase()),
        "upperAscii" => string(text.to_ascii_uppercase()),
        "trim" => string(text.trim().to_owned()),
        "strings.quote" => string(format!("{text:?}")),
        _ => Err(no_overload()),
    }
}

fn with_text(name: &str, text: &str, other: &str, meter: &mut Meter) -> Result<Value, Error> {
    Ok(match name {
        "contains" => Value::Bool(text.contains(other)),
        "startsWith" => Value::Bool(text.starts_with(other)),
        "endsWith" => Value::Bool(text.ends_with(other)),
        "matches" => Value::Bool(matches(text, other, meter)?),
        "indexOf" | "lastIndexOf" => {
            let found = if name == "indexOf" {
                text.find(other)
            } else {
                text.rfind(other)
            };
            Value::Int(found.map_or(-1, |at| length(&text[..at])))
        }
        "split" => return split(text, other, -1, meter),
        "find" => {
            let regex = meter.regex(other)?;
            Value::string(regex.find(text).map_or("", |found| &text[found.range()]))
        }
        "findAll" => return find_all(text, other, -1, meter),
        _ => return Err(no_overload()),
    })
}

fn with_number(name: &str, text: &str, number: i64) -> Result<Value, Error> {
    match name {
        "charAt" if number == length(text) => string(String::new()),
        "charAt" => {
            let at = usize::try_from(number).ok();
            let found = at.and_then(|at| text.chars().nth(at));
            found.map_or_else(
                || Err(failed(format!("index out of range: {number}"))),
                |c| string(c.to_string()),
            )
        }
        "substring" => substring(text, number, None),
        _ => Err(no_overload()),
    }
}

fn with_both(
    name: &str,
    text: &str,
    (other, number): (&str, i64),
    meter: &mut Meter,
) -> Result<Value, Error> {
    match name {
        "split" => split(text, other, number, meter),
        "findAll" => find_all(text, other, number, meter),
        "indexOf" | "lastIndexOf" => {
            let out_of_range = || failed(format!("index out of range: {number}"));
            let offset = offset(text, number).ok_or_else(out_of_range)?;
            let found = if name == "indexOf" {
                text[offset..].find(other).map(|at| at + offset)
            } else {
                let end = text.len().min(offset + other.len());
                text.get(..end).and_then(|text| text.rfind(other))
            };
            Ok(Value::Int(found.map_or(-1, |at| length(&text[..at]))))
        }
        _ => Err(no_overload()),
    }
}

fn matches(text: &str, pattern: &str, meter: &mut Meter) -> Result<bool, Error> {
    meter.charge((text.len() as u64 / 10 + 1).saturating_mul(pattern.len() as u64 / 4 + 1))?;
    Ok(meter.regex(pattern)?.is_match(text))
}

fn find_all(text: &str, pattern: &str, most: i64, meter: &mut Meter) -> Result<Value, Error> {
    meter.charge(text.len() as u64 + 1)?;
    let regex = meter.regex(pattern)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = regex.find_iter(text).take(most);
    Ok(Value::list(
        found.map(|found| Value::string(&text[found.range()])).collect(),
    ))
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The byte at which a character begins; the end is one past the last.
fn offset(text: &str, at: i64) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.nth(at)
}

fn substring(text: &str, from: i64, to: Option<i64>) -> Result<Value, Error> {
    let out_of_range = |at: i64| failed(format!("index out of range: {at}"));
    let start = offset(text, from).ok_or_else(|| out_of_range(from))?;
    let end = match to {
        None => text.len(),
        Some(to) => offset(text, to).ok_or_else(|| out_of_range(to))?,
    };
    if start > end {
        return Err(failed(format!(
            "invalid substring range. start: {from}, end: {}",
            to.unwrap_or_default()
        )));
    }
    string(text[start..end].to_owned())
}

fn split(text: &str, by: &str, most: i64, meter: &mut Meter) -> Result<Value, Error> {
    meter.charge(text.len() as u64 + 1)?;
    let parts: Vec<Value> = match (usize::try_from(most), by.is_empty()) {
        (Ok(0), _) => Vec::new(),
        (Ok(most), true) => {
            let cut = offset(text, i64::try_from(most - 1).unwrap_or(i64::MAX)).unwrap_or(text.len());
            let singles = text[..cut]
                .chars()
                .map(|c| Value::string(c.encode_utf8(&mut [0; 4])));
            let rest = (cut < text.len()).then(|| Value::string(&text[cut..]));
            singles.chain(rest).collect()
        }
        (Ok(most), false) => text.splitn(most, by).map(Value::string).collect(),
        (Err(_), true) => text
            .chars()
            .map(|c| Value::string(c.encode_utf8(&mut [0; 4])))
            .collect(),
        (Err(_), false) => text.split(by).map(Value::string).collect(),
    };
    Ok(Value::list(parts))
}

fn replace(text: &str, old: &str, (new, most): (&str, i64), meter: &mut Meter) -> Result<Value, Error> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let count = text.matches(old).take(most).count();
    // Paid for before it is made.
    meter.charge_text(text.len().saturating_add(count.saturating_mul(new.len())))?;
    string(text.replacen(old, new, most))
}

/// A value as text, for `string()`.
pub(crate) fn to_string(value: &Value, meter: &mut Meter) -> Result<String, Error> {
    meter.charge_text(usize::try_from(value.size()).unwrap_or(usize::MAX))?;
    Ok(match value {
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| failed("invalid UTF-8 in bytes, cannot convert to string"))?,
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Uint(uint) => uint.to_string(),
        Value::Double(double) => print_double(*double),
        Value::Timestamp(at) => at.to_string(),
        Value::Duration(nanos) => super::time::print_duration(*nanos),
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(ip, length) => format!("{ip}/{length}"),
        Value::Url(url) => super::kube::print_url(url),
        Value::Type(name) => name.to_string(),
        _ => return Err(no_overload()),
    })
}

fn print_double(double: f64) -> String {
    if double.is_infinite() {
        return if double > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = double.abs();
    if double == 0.0 || (1e-4..1e21).contains(&magnitude) || double.is_nan() {
        return double.to_string();
    }
    let text = format!("{double:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

fn format(text: &str, values: &[Value], meter: &mut Meter) -> Result<Value, Error> {
    let mut values = values.iter();
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut precision = None;
        let mut verb = chars.next();
        if verb == Some('%') {
            out.push('%');
            continue;
        }
        if verb == Some('.') {
            let mut digits = String::new();
            verb = chars.next();
            while let Some(digit) = verb.filter(char::is_ascii_digit) {
                digits.push(digit);
                verb = chars.next();
            }
            precision = Some(digits.parse::<usize>().unwrap_or(0).min(PRECISION_MAX));
        }
        let verb = verb.ok_or_else(|| failed("unexpected end of format string"))?;
        let used = text.matches('%').count();
        let value = values
            .next()
            .ok_or_else(|| failed(format!("index {used} out of range")))?;
        let printed = clause(verb, precision, value, meter)?;
        meter.charge_text(printed.len())?;
        out.push_str(&printed);
    }
    string(out)
}

fn clause(verb: char, precision: Option<usize>, value: &Value, meter: &mut Meter) -> Result<String, Error> {
    let wrong = |what: &str| {
        failed(format!(
            "error during formatting: {what} clause can only be used on {}, was given {}",
            if what == "decimal" { "integers" } else { "numbers" },
            value.type_name()
        ))
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "as CEL prints whole numbers with fractions"
    )]
    let double = |value: &Value| match value {
        Value::Double(double) => Some(*double),
        Value::Int(int) => Some(*int as f64),
        Value::Uint(uint) => Some(*uint as f64),
        _ => None,
    };
    match (verb, value) {
        ('s', value) => shown(value, meter, 0),
        ('d', Value::Int(int)) => Ok(int.to_string()),
        ('d', Value::Uint(uint)) => Ok(uint.to_string()),
        ('d', Value::Double(double)) => Ok(print_double(*double)),
        ('d', _) => Err(wrong("decimal")),
        ('f', value) => {
            let double = double(value).ok_or_else(|| wrong("fixed-point"))?;
            Ok(format!("{double:.*}", precision.unwrap_or(6)))
        }
        ('e', value) => {
            let double = double(value).ok_or_else(|| wrong("scientific notation"))?;
            let text = format!("{double:.*e}", precision.unwrap_or(6));
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |rest| ('-', rest));
            Ok(format!("{digits}e{sign}{exponent:0>2}"))
        }
        ('b', Value::Int(int)) if *int < 0 => Ok(format!("-{:b}", int.unsigned_abs())),
        ('b', Value::Int(int)) => Ok(format!("{int:b}")),
        ('b', Value::Uint(uint)) => Ok(format!("{uint:b}")),
        ('b', Value::Bool(bool)) => Ok(u8::from(*bool).to_string()),
        ('o', Value::Int(int)) => Ok(format!("{int:o}")),
        ('o', Value::Uint(uint)) => Ok(format!("{uint:o}")),
        ('x' | 'X', value) => {
            let hex = match value {
                Value::Int(int) if *int < 0 => format!("-{:x}", int.unsigned_abs()),
                Value::Int(int) => format!("{int:x}"),
                Value::Uint(uint) => format!("{uint:x}"),
                Value::String(text) => bytes_hex(text.as_bytes()),
                Value::Bytes(bytes) => bytes_hex(bytes),
                _ => return Err(wrong("hexadecimal")),
            };
            Ok(if verb == 'X' { hex.to_uppercase() } else { hex })
        }
        _ => Err(failed(format!("unrecognized formatting clause \"{verb}\""))),
    }
}

fn bytes_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A value as `%s` prints it. Values nest as deep as JSON or the expression that made them.
fn shown(value: &Value, meter: &mut Meter, depth: usize) -> Result<String, Error> {
    const DEPTH_MAX: usize = 100;
    if depth > DEPTH_MAX {
        return Err(failed("value is nested too deep to be printed"));
    }
    match value {
        Value::Null => Ok("null".to_owned()),
        Value::List(list) => {
            let items: Result<Vec<String>, Error> = list
                .items
                .iter()
                .map(|item| shown(item, meter, depth + 1))
                .collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        Value::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.iter() {
                entries.push(format!("{key}: {}", shown(value, meter, depth + 1)?));
            }
            Ok(format!("{{{}}}", entries.join(", ")))
        }
        other => to_string(other, meter),
    }
}

/// The bytes of a base64 text, padded or not.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

/// The texts of a list joined.
pub(super) fn join(items: &[Value], separator: &str, meter: &mut Meter) -> Result<Value, Error> {
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    let texts = texts.ok_or_else(no_overload)?;
    let length: usize = texts.iter().map(|text| text.len() + separator.len()).sum();
    meter.charge_text(length)?;
    Ok(Value::String(Arc::from(texts.join(separator))))
}
