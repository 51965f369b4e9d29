//! Go's quoted strings: writing them as `%q` does and reading the ones that templates hold.
//!
//! Printable is what Unicode says is visible, plus the ASCII space; everything else is escaped. Invalid UTF-8
//! is written byte by byte as `\xNN`.

use std::fmt::Write as _;

/// Quotes as Go's `strconv.Quote`.
pub fn quote(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_with(text, '"', false, &mut out);
    out
}

/// Appends `text` between quotes; with `ascii` every other character is escaped.
pub(crate) fn quote_with(text: &[u8], mark: char, ascii: bool, out: &mut String) {
    out.push(mark);
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (character, width) = if byte < 0x80 {
            (char::from(byte), 1)
        } else {
            decode_char(rest)
        };
        if width == 1 && character == char::REPLACEMENT_CHARACTER {
            let _ = write!(out, "\\x{byte:02x}");
        } else {
            escape(character, mark, ascii, out);
        }
        rest = &rest[width..];
    }
    out.push(mark);
}

fn escape(character: char, mark: char, ascii: bool, out: &mut String) {
    match character {
        '\\' => out.push_str("\\\\"),
        _ if character == mark => {
            out.push('\\');
            out.push(mark);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if is_printable(character) && (character.is_ascii() || !ascii) => out.push(character),
        _ => {
            let code = u32::from(character);
            let _ = match code {
                0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                ..0x10000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// Go's `unicode.IsPrint`.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // The standard library escapes exactly the invisible characters of a string's tail.
    let mut text = [b'a', 0, 0, 0, 0];
    let width = character.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..=width]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// Whether the text can stand between back quotes unchanged.
pub(crate) fn can_back_quote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars()
            .all(|c| c != '\u{feff}' && c != '`' && c != '\x7f' && (c >= ' ' || c == '\t'))
    })
}

/// A character as Go's `%#U` prints it.
pub(crate) fn code_point(character: char) -> String {
    let mut out = format!("U+{:04X}", u32::from(character));
    if is_printable(character) {
        let _ = write!(out, " '{character}'");
    }
    out
}

/// The first character and its length; a broken sequence is U+FFFD of length 1, as Go reads it.
///
/// `text` is not empty.
pub(crate) fn decode_char(text: &[u8]) -> (char, usize) {
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid
        .chars()
        .next()
        .map_or((char::REPLACEMENT_CHARACTER, 1), |character| {
            (character, character.len_utf8())
        })
}

/// The bytes that a quoted string of either kind means, or `None` if Go would not read it.
pub(crate) fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let (&mark, rest) = quoted.split_first()?;
    let (&last, inner) = rest.split_last()?;
    if last != mark {
        return None;
    }
    match mark {
        b'`' => Some(inner.iter().copied().filter(|byte| *byte != b'\r').collect()),
        b'"' if !inner.contains(&b'\\') => {
            (!inner.contains(&b'"') && !inner.contains(&b'\n')).then(|| inner.to_vec())
        }
        b'"' => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while let Some(&byte) = rest.first() {
                if byte == b'"' || byte == b'\n' {
                    return None;
                }
                let (unit, width) = unescape(rest, b'"')?;
                match unit {
                    Unit::Byte(byte) => out.push(byte),
                    Unit::Char(character) => {
                        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                rest = &rest[width..];
            }
            Some(out)
        }
        _ => None,
    }
}

/// The character that a constant such as `'x'` means; `None` for a bad escape, `Some(Err)` for a bad length.
pub(crate) fn unquote_char(quoted: &[u8]) -> Option<Result<u32, ()>> {
    let inner = quoted.get(1..)?;
    if inner.first().is_none_or(|byte| *byte == b'\'') {
        return None;
    }
    let (unit, width) = unescape(inner, b'\'')?;
    if &inner[width..] != b"'" {
        return Some(Err(()));
    }
    Some(Ok(match unit {
        Unit::Byte(byte) => u32::from(byte),
        Unit::Char(character) => u32::from(character),
    }))
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// Reads one character or escape; `text` is not empty.
fn unescape(text: &[u8], mark: u8) -> Option<(Unit, usize)> {
    if text[0] != b'\\' {
        // A broken byte stands for itself here, where Go's reader would make it U+FFFD: it is printed the same.
        if text[0] < 0x80 {
            return Some((Unit::Byte(text[0]), 1));
        }
        let (character, width) = decode_char(text);
        return Some((Unit::Char(character), width));
    }
    let byte = match *text.get(1)? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        escaped if escaped == mark => mark,
        b'x' => return Some((Unit::Byte(u8::try_from(digits(text, 2, 2, 16)?).ok()?), 4)),
        b'u' => return Some((Unit::Char(char::from_u32(digits(text, 2, 4, 16)?)?), 6)),
        b'U' => return Some((Unit::Char(char::from_u32(digits(text, 2, 8, 16)?)?), 10)),
        b'0'..=b'7' => return Some((Unit::Byte(u8::try_from(digits(text, 1, 3, 8)?).ok()?), 4)),
        _ => return None,
    };
    Some((Unit::Byte(byte), 2))
}

fn digits(text: &[u8], from: usize, count: usize, radix: u32) -> Option<u32> {
    text.get(from..from + count)?
        .iter()
        .try_fold(0u32, |value, byte| {
            value
                .checked_mul(radix)?
                .checked_add(char::from(*byte).to_digit(radix)?)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_is_not_printable() {
        for (text, quoted) in [
            (&b"plain"[..], r#""plain""#),
            (b"tab\tnewline\nquote\"back\\", r#""tab\tnewline\nquote\"back\\""#),
            (b"\x00\x1b\x7f", r#""\x00\x1b\x7f""#),
            (
                "é\u{200b}\u{1f600}\u{e000}".as_bytes(),
                "\"é\\u200b\u{1f600}\\ue000\"",
            ),
            (b"a\xffb", r#""a\xffb""#),
            ("\u{feff}\u{a0}".as_bytes(), r#""\ufeff\u00a0""#),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn unquoting_reads_what_go_reads() {
        for (quoted, text) in [
            (&br#""a\tb""#[..], Some(&b"a\tb"[..])),
            (br#""\x41\101\u00e9""#, Some("AA\u{e9}".as_bytes())),
            (b"`raw\\n\r\n`", Some(b"raw\\n\n")),
            (br#""\q""#, None),
            (br#""\'""#, None),
            (br#""\ud800""#, None),
        ] {
            assert_eq!(unquote(quoted).as_deref(), text);
        }
    }
}
