//! `html`, `js` and `urlquery`: the text of their arguments, escaped.

use crate::fmt::quote::{decode_char, is_printable};
use crate::fmt::sprint;
use crate::function::{Call, Error};
use crate::value::Value;

/// The arguments as `print` joins them, except that nothing is `<no value>` as in an action.
fn text_of(args: &[Value]) -> Result<Vec<u8>, Error> {
    let shown: Vec<Value> = args
        .iter()
        .map(|arg| {
            if arg.is_nil() {
                Value::str("<no value>")
            } else {
                arg.clone()
            }
        })
        .collect();
    sprint(&shown)
}

pub(super) fn html(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let text = text_of(args)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
    Ok(Value::Str(out.into()))
}

pub(super) fn js(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let text = text_of(args)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some(&byte) = rest.first() {
        let mut width = 1;
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\'' => out.extend_from_slice(b"\\'"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'<' | b'>' | b'&' | b'=' | 0..0x20 => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            0x20..0x80 => out.push(byte),
            _ => {
                let (character, length) = decode_char(rest);
                width = length;
                if is_printable(character) {
                    out.extend_from_slice(&rest[..width]);
                } else {
                    out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
                }
            }
        }
        rest = &rest[width..];
    }
    Ok(Value::Str(out.into()))
}

pub(super) fn urlquery(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let text = text_of(args)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(Value::Str(out.into()))
}
