//! Go's printing of plain values, for messages that carry a value: `%v`, `%t`, `%T` and `%q`.
//!
//! Only what the messages of value merging need; what templates print is the template language's business.

use yaml::Value;

/// Go's shortest `%g` switches to an exponent from here on.
const MAX_PLAIN_EXPONENT: i32 = 6;

/// `%v`: `map[a:1 b:<nil>]`, `[1 2]`.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value);
    out
}

/// `%t`, which Helm's type mismatch message uses on whatever it found.
pub(crate) fn as_bool(value: &Value) -> String {
    let mut out = String::new();
    write_bool(&mut out, value, true);
    out
}

/// `%T`.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// `%q`: printable characters stand for themselves.
pub(crate) fn quote(text: &str) -> String {
    template::fmt::quote(text.as_bytes())
}

/// `unicode.IsPrint`.
pub(crate) fn is_print(character: char) -> bool {
    template::fmt::is_printable(character)
}

fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::String(text) => out.push_str(text),
        Value::Seq(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_plain(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_plain(out, item);
            }
            out.push(']');
        }
    }
}

fn write_bool(out: &mut String, value: &Value, top: bool) {
    match value {
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Null if top => out.push_str("%!t(<nil>)"),
        Value::Null => out.push_str("<nil>"),
        Value::Seq(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_bool(out, item, false);
            }
            out.push(']');
        }
        // The one place this is used never has a map here; keys would print as `%!t(string=…)` too.
        other => {
            out.push_str("%!t(");
            out.push_str(type_name(other));
            out.push('=');
            write_plain(out, other);
            out.push(')');
        }
    }
}

/// `%v` of a `float64`: the shortest text that reads back, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn float(number: f64) -> String {
    template::fmt::format_float(number, b'g', None)
}

/// `strconv.FormatFloat(number, 'g', -1, 32)`: how a number becomes the text of a string field.
pub(crate) fn float32(number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Helm's library formats with 32 bits"
    )]
    let number = number as f32;
    if number.is_infinite() {
        return if number > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        };
    }
    exponent_form(&format!("{number:e}"))
}

/// Turns Rust's `d.ddde±x`, the shortest digits, into Go's `%g`.
fn exponent_form(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if !(-4..MAX_PLAIN_EXPONENT).contains(&exponent) {
        let (head, tail) = digits.split_at(1);
        let dot = if tail.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{sign}{head}{dot}{tail}e{exponent_sign}{:02}",
            exponent.unsigned_abs()
        );
    }
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(places - 1));
    }
    if digits.len() <= places + 1 {
        return format!("{sign}{digits}{}", "0".repeat(places + 1 - digits.len()));
    }
    let (whole, fraction) = digits.split_at(places + 1);
    format!("{sign}{whole}.{fraction}")
}
