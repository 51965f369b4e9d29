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
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, behind) = rest.split_at(at);
            let escaped = behind.chars().next().unwrap_or_default();
            write!(out, "{before}\\u{:04x}", u32::from(escaped))?;
            rest = &behind[escaped.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

/// Prints a value, without a line's end.
pub(crate) fn to_string(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    // It fails for maps with keys that are no texts, which nothing here has.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Go));
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_and_numbers_are_gos() {
        let value = json!({"<a>": "x&y\u{2028}\n\u{7}\u{8}", "n": [1e21, 1.5, 1e-7, 12, -0.0]});
        let expected = r#"{"\u003ca\u003e":"x\u0026y\u2028\n\u0007\b","n":[1e+21,1.5,1e-7,12,-0]}"#;
        assert_eq!(to_string(&value), expected);
    }
}
