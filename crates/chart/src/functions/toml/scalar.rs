//! TOML's strings, numbers and times.

use std::rc::Rc;

use template::Value;
use template::value::Str;

use super::read::Reader;
use crate::functions::moments::Time;
use crate::functions::number::{BadInt, parse_int};
use crate::time::{Moment, Zone};

/// The zones of times that have none, as the library names them, with the layouts it prints them by.
pub(super) const LOCAL_ZONES: [(&str, &str); 3] = [
    ("datetime-local", "2006-01-02T15:04:05.999999999"),
    ("date-local", "2006-01-02"),
    ("time-local", "15:04:05.999999999"),
];

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Value, String> {
    match reader.peek() {
        Some(b'"' | b'\'') => return string(reader).map(Value::Str),
        Some(b'.') => return Err("floats must start with a digit, not '.'".to_owned()),
        None => return Err("unexpected EOF; expected value".to_owned()),
        _ => {}
    }
    let word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.' | b':');
    let rest = &reader.text[reader.at..];
    let mut length = rest.iter().take_while(word).count();
    // A date and a time may have a blank between.
    if is_date(&rest[..length]) && rest[length..].first() == Some(&b' ') {
        let time = rest[length + 1..].iter().take_while(word).count();
        if rest.get(length + 1).is_some_and(u8::is_ascii_digit) {
            length += 1 + time;
        }
    }
    let text = String::from_utf8_lossy(&rest[..length]).into_owned();
    let value = match text.as_str() {
        "" => {
            return Err(format!(
                "expected value but found '{}' instead",
                reader.shown_char()
            ));
        }
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "inf" | "+inf" => Value::Float(f64::INFINITY),
        "-inf" => Value::Float(f64::NEG_INFINITY),
        "nan" | "+nan" | "-nan" => Value::Float(f64::NAN),
        text if !text
            .trim_start_matches(['+', '-'])
            .starts_with(|first: char| first.is_ascii_digit()) =>
        {
            return Err(format!("expected value but found \"{text}\" instead"));
        }
        text if is_date(&text.as_bytes()[..text.len().min(10)]) || text.as_bytes().get(2) == Some(&b':') => {
            time(text)?
        }
        text => number(text)?,
    };
    reader.at += length;
    Ok(value)
}

fn is_date(text: &[u8]) -> bool {
    matches!(text, [a, b, c, d, b'-', e, f, b'-', g, h] if [a, b, c, d, e, f, g, h].iter().all(|byte| byte.is_ascii_digit()))
}

fn number(text: &str) -> Result<Value, String> {
    let digits = text.trim_start_matches(['+', '-']);
    let based = digits.len() > 1 && matches!(&digits.as_bytes()[..2], b"0x" | b"0o" | b"0b");
    let is_float = !based && digits.contains(['.', 'e', 'E']);
    let kind = if is_float { "float" } else { "integer" };
    let bytes = digits.as_bytes();
    let lonely = |at: usize| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
        bytes[at] == b'_' && !(at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1)))
    };
    if (0..bytes.len()).any(lonely) {
        return Err(format!(
            "Invalid {kind} \"{text}\": underscores must be surrounded by digits"
        ));
    }
    if !based && bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_digit() {
        return Err(format!("Invalid {kind} \"{text}\": cannot have leading zeroes"));
    }
    let plain = text.replace('_', "");
    if is_float {
        let before_digits = |point: usize| !plain.as_bytes().get(point + 1).is_some_and(u8::is_ascii_digit);
        if plain.find('.').is_some_and(before_digits) {
            return Err(format!(
                "Invalid float \"{text}\": '.' must be followed by one or more digits"
            ));
        }
        let float = plain
            .parse::<f64>()
            .map_err(|_| format!("Invalid float value: \"{text}\""))?;
        return Ok(Value::Float(float));
    }
    match parse_int(plain.as_bytes(), if based { 0 } else { 10 }) {
        Ok(number) => Ok(Value::int64(number)),
        Err(BadInt::Range(_)) => Err(format!("{text} is out of range for int64")),
        Err(BadInt::Syntax) => Err(bad_digits(text, based)),
    }
}

fn bad_digits(text: &str, based: bool) -> String {
    let kind = match text.as_bytes().get(1) {
        Some(b'x') if based => "a hexadecimal",
        Some(b'o') if based => "an octal",
        Some(b'b') if based => "a binary",
        _ => return format!("expected value but found \"{text}\" instead"),
    };
    format!("not {kind} number: '{}'", &text[..text.len().min(3)])
}

fn time(text: &str) -> Result<Value, String> {
    let bad = || format!("invalid datetime: \"{text}\"");
    let normal = text.to_ascii_uppercase().replace(' ', "T");
    let has_date = is_date(&normal.as_bytes()[..normal.len().min(10)]);
    let clock = if has_date {
        normal.get(11..).unwrap_or_default()
    } else {
        &normal
    };
    let zoned = clock.contains(['Z', '+', '-']);
    let layout = match (has_date, clock.is_empty(), zoned) {
        (true, true, _) => "2006-01-02Z07:00",
        (true, false, _) => "2006-01-02T15:04:05Z07:00",
        (false, _, false) => "15:04:05Z07:00",
        (false, _, true) => return Err(bad()),
    };
    // Seconds may be left out.
    let layout = if clock.matches(':').count() == usize::from(!zoned) || clock.len() == 5 {
        layout.replace(":05", "")
    } else {
        layout.to_owned()
    };
    let given = if zoned {
        normal.clone()
    } else {
        format!("{normal}Z")
    };
    let moment = Moment::parse(&layout, &given).map_err(|_| bad())?;
    let moment = if zoned {
        moment
    } else {
        let name = LOCAL_ZONES[if !has_date {
            2
        } else {
            usize::from(clock.is_empty())
        }]
        .0;
        moment.in_zone(Zone::Fixed {
            name: Rc::from(name),
            offset: 0,
        })
    };
    Ok(Value::Object(Rc::new(Time(moment))))
}

/// Any of the four kinds of strings.
pub(super) fn string(reader: &mut Reader<'_>) -> Result<Str, String> {
    let quote = reader.text[reader.at];
    let literal = quote == b'\'';
    let many = reader.take(&[quote; 3]);
    if many {
        let _ = reader.take(b"\n") || reader.take(b"\r\n");
    } else {
        reader.at += 1;
    }
    let closing: &[u8] = &[quote; 3][..if many { 3 } else { 1 }];
    let mut out = Vec::new();
    loop {
        let Some(byte) = reader.peek() else {
            let shown = String::from_utf8_lossy(closing);
            let mark = if literal && !many { '"' } else { '\'' };
            return Err(format!("unexpected EOF; expected {mark}{shown}{mark}"));
        };
        if reader.take(closing) {
            // Up to two more quotes at the end still belong to the text.
            for _ in 0..2 {
                if many && reader.take(&[quote]) {
                    out.push(quote);
                }
            }
            return Ok(Str::from(out));
        }
        match byte {
            b'\\' if !literal => escape(reader, many, &mut out)?,
            b'\n' if !many => return Err("strings cannot contain newlines".to_owned()),
            0x00..=0x08 | 0x0b..=0x1f | 0x7f if !(many && byte == b'\r') => {
                return Err(format!(
                    "TOML files cannot contain control characters: '0x{byte:02x}'"
                ));
            }
            _ => {
                out.push(byte);
                reader.at += 1;
            }
        }
    }
}

fn escape(reader: &mut Reader<'_>, many: bool, out: &mut Vec<u8>) -> Result<(), String> {
    reader.at += 1;
    let Some(byte) = reader.peek() else { return Ok(()) };
    let simple = match byte {
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 0x0c,
        b'r' => b'\r',
        b'e' => 0x1b,
        b'"' | b'\\' => byte,
        b'x' => return code_point(reader, 2, out),
        b'u' => return code_point(reader, 4, out),
        b'U' => return code_point(reader, 8, out),
        b' ' | b'\t' | b'\r' | b'\n' if many => {
            while matches!(reader.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                reader.at += 1;
            }
            return Ok(());
        }
        _ => return Err(format!("invalid escape in string '\\{}'", reader.shown_char())),
    };
    out.push(simple);
    reader.at += 1;
    Ok(())
}

fn code_point(reader: &mut Reader<'_>, digits: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let start = reader.at;
    let hex = reader
        .text
        .get(start + 1..start + 1 + digits)
        .and_then(|hex| std::str::from_utf8(hex).ok());
    let Some(code) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
        return Err("expected hexadecimal digits after '\\u'".to_owned());
    };
    let Some(rune) = char::from_u32(code) else {
        let shown = String::from_utf8_lossy(&reader.text[start..=start + digits]);
        return Err(format!("Escaped character '\\{shown}' is not valid UTF-8."));
    };
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
    reader.at += 1 + digits;
    Ok(())
}
