//! The texts of violations.
//!
//! Helm prints numbers here with the rules of English typography: thousands are grouped, powers of ten written
//! with superscripts (`1×10⁰⁶`).

use crate::go_text;

/// `'text'`, with Go's escapes and a backslash before single quotes.
pub(super) fn quote(text: &str) -> String {
    let quoted = go_text::quote(text);
    let inner = &quoted[1..quoted.len() - 1];
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

/// `'a', 'b'`
pub(super) fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    names
        .iter()
        .map(|name| quote(name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn missing(names: &[&str]) -> String {
    match names {
        [name] => format!("missing property {}", quote(name)),
        names => format!("missing properties {}", quoted(names)),
    }
}

pub(super) fn required_by(names: &[&str], property: &str) -> String {
    format!(
        "properties {} required, if {} exists",
        quoted(names),
        quote(property)
    )
}

/// `minLength: got 1, want 2`
pub(super) fn size(keyword: &str, got: usize, want: usize) -> String {
    format!("{keyword}: got {}, want {}", count(got), count(want))
}

/// `minimum: got 1, want 2`
pub(super) fn limit(keyword: &str, got: f64, want: f64) -> String {
    format!("{keyword}: got {}, want {}", number(got), number(want))
}

/// A whole number with its thousands grouped.
pub(super) fn count(number: usize) -> String {
    grouped(&number.to_string())
}

/// A number as the English printer writes it.
fn number(value: f64) -> String {
    let plain = go_text::float(value);
    let (sign, plain) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |rest| ("-", rest));
    let Some((mantissa, exponent)) = plain.split_once('e') else {
        let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(w, f)| (w, Some(f)));
        let fraction = fraction
            .map(|fraction| format!(".{fraction}"))
            .unwrap_or_default();
        return format!("{sign}{}{fraction}", grouped(whole));
    };
    let superscript: String = exponent
        .chars()
        .filter_map(|c| match c {
            '-' => Some('⁻'),
            '1' => Some('¹'),
            '2' => Some('²'),
            '3' => Some('³'),
            digit => digit.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)),
        })
        .collect();
    format!("{sign}{mantissa}×10{superscript}")
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
