//! JSON as Go's `encoding/json` prints it: `<`, `>`, `&` and two line separators escaped, floats in its own way.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Go's choices where they are not serde's.
struct Go;

impl Formatter for Go {
    fn write_f64<W: ?Sized + io::Write>(&mut self, out: &mut W, number: f64) -> io::Result<()> {
        out.write_all(yaml::json_float(number).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut written = 0;
        for at in 0..bytes.len() {
            let Some((escaped, width)) = escape(&bytes[at..]) else {
                continue;
            };
            out.write_all(&bytes[written..at])?;
            out.write_all(escaped)?;
            written = at + width;
        }
        out.write_all(&bytes[written..])
    }
}

/// What Go writes for the character that begins a text, and how many bytes the character has. Most of a record is
/// base64, so this looks at bytes.
fn escape(text: &[u8]) -> Option<(&'static [u8], usize)> {
    match text {
        [b'<', ..] => Some((b"\\u003c", 1)),
        [b'>', ..] => Some((b"\\u003e", 1)),
        [b'&', ..] => Some((b"\\u0026", 1)),
        [0xe2, 0x80, 0xa8, ..] => Some((b"\\u2028", 3)),
        [0xe2, 0x80, 0xa9, ..] => Some((b"\\u2029", 3)),
        _ => None,
    }
}

/// Prints a value, without a line's end.
///
/// # Errors
/// Maps whose keys are no texts.
pub(crate) fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, Go))?;
    Ok(out)
}

/// The same as text; empty for what can't be printed, which nothing of a record is.
pub(crate) fn to_string(value: &impl Serialize) -> String {
    let out = to_vec(value).unwrap_or_default();
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_and_numbers_are_gos() {
        let value = json!({"<a>": "x&yé\u{2028}\n\u{7}\u{8}", "n": [1e21, 1.5, 1e-7, 12, -0.0]});
        let expected = r#"{"\u003ca\u003e":"x\u0026yé\u2028\n\u0007\b","n":[1e+21,1.5,1e-7,12,-0]}"#;
        assert_eq!(to_string(&value), expected);
    }
}
