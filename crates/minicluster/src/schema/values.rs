//! Scalars whose wire form is checked when an object is decoded: times, quantities, bytes.
//!
//! A mistake in one of them ends decoding at once, and its text stands alone, without the field. Quantities are only
//! checked here; their arithmetic is elsewhere.

use serde_json::Value;

use super::types::{Scalar, TypeRef};

/// Finds what is wrong with the contents of a scalar of the right JSON type.
pub(super) fn check(ty: TypeRef<'_>, scalar: Scalar, value: &Value) -> Result<(), String> {
    match (scalar, ty.format(), value) {
        (Scalar::String, "date-time", Value::String(text)) => match time(text) {
            true => Ok(()),
            false => Err(time_error(text, is_micro(ty))),
        },
        (Scalar::String, "byte", Value::String(text)) => match illegal_base64(text) {
            Some(at) => Err(format!("illegal base64 data at input byte {at}")),
            None => Ok(()),
        },
        (Scalar::Quantity, _, Value::String(text)) if !quantity(text) => Err(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Whether a text is an RFC 3339 time.
pub(super) fn is_time(text: &str) -> bool {
    time(text)
}

/// Whether a text is standard padded base64.
pub(super) fn is_base64(text: &str) -> bool {
    illegal_base64(text).is_none()
}

fn is_micro(ty: TypeRef<'_>) -> bool {
    ty.definition_name().ends_with(".MicroTime")
}

fn time_error(text: &str, micro: bool) -> String {
    let layout = if micro {
        "2006-01-02T15:04:05.000000Z07:00"
    } else {
        "2006-01-02T15:04:05Z07:00"
    };
    // The place where Go stops reading; of the many, the commonest: the year.
    format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"")
}

/// RFC 3339 as Go reads it: fractions of a second are accepted by either layout.
fn time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (&u8, &u8)| {
        if *shape == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == shape
        }
    };
    if bytes.len() <= shape.len() || !bytes.iter().zip(shape).all(fits) {
        return false;
    }
    let number = |at: usize| (bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0');
    let in_range = (1..=12).contains(&number(5))
        && (1..=31).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) < 60;
    let mut rest = &bytes[shape.len()..];
    if let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    let zone = rest.len() == 6
        && matches!(rest[0], b'+' | b'-')
        && rest[3] == b':'
        && [1, 2, 4, 5].iter().all(|at| rest[*at].is_ascii_digit());
    in_range && (rest == b"Z" || zone)
}

/// A number with a binary, decimal or exponent suffix.
fn quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits > 0 && number.len() - digits <= 1;
    let exponent = || {
        let digits = suffix
            .strip_prefix(['e', 'E'])
            .map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let named = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    is_number && (named.contains(&suffix) || exponent())
}

/// Where Go's decoder of standard padded base64 stops; it passes over line ends.
fn illegal_base64(text: &str) -> Option<usize> {
    let mut quantum = 0;
    let mut padding = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\r' | b'\n' => continue,
            b'=' if quantum >= 2 && padding + quantum < 4 => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {
                quantum = (quantum + 1) % 4;
            }
            _ => return Some(at),
        }
    }
    (padding == 0 && quantum != 0 || padding > 0 && padding + quantum != 4).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_numbers_with_one_known_suffix() {
        for good in [
            "1", "0.5", "-1", "+1", "100m", "1Gi", "1e3", "1E-3", ".5", "5.", "1E",
        ] {
            assert!(quantity(good), "{good}");
        }
        for bad in ["", "m", "1 Gi", "1gi", "1.2.3", "1e", "1KB", "--1", "one"] {
            assert!(!quantity(bad), "{bad}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        for good in [
            "2024-01-02T03:04:05Z",
            "2024-01-02T03:04:05.123456Z",
            "2024-01-02T03:04:05+02:00",
        ] {
            assert!(time(good), "{good}");
        }
        for bad in [
            "",
            "yesterday",
            "2024-01-02",
            "2024-13-02T03:04:05Z",
            "2024-01-02T03:04:05",
            "2024-01-02T03:04:05.Z",
        ] {
            assert!(!time(bad), "{bad}");
        }
    }

    #[test]
    fn base64_stops_at_the_byte_that_is_wrong() {
        for (text, expected) in [
            ("", None),
            ("YQ==", None),
            ("YWI=", None),
            ("YWJj", None),
            ("a b=", Some(1)),
            ("YQ=", Some(3)),
            ("Y", Some(1)),
        ] {
            assert_eq!(illegal_base64(text), expected, "{text}");
        }
    }
}
