//! Values in Go's own syntax, for the errors that quote them.
//!
//! `a: {{ .Values.x }}` is a map with a map as its key, and the error that says so is one that every chart
//! author has met.

use std::fmt::Write;
use std::ops::Range;

use super::Fault;
use super::anchors::{Source, Step};
use super::scalar::{Typed, resolve_scalar};
use crate::number::go_float;
use crate::parse::Event;
use crate::resolve::Resolved;

/// The quoted value is cut here: it serves to find the place, and aliases could make it endless.
const MAX_LENGTH: usize = 1 << 16;
/// Deeper parts are left out.
const MAX_DEPTH: usize = 64;

/// A value as `%#v` prints it. A map or list inside of it that stands where a key should is the fault instead.
pub(super) fn go_syntax(source: &Source<'_, '_>, node: Range<usize>) -> Result<String, Fault> {
    let mut out = String::new();
    value(source, node, 0, &mut out)?;
    Ok(if out == "interface {}(nil)" {
        "<nil>".to_owned()
    } else {
        out
    })
}

/// A collection whose start was read and whose rest is on the tape.
pub(super) fn go_collection(
    source: &Source<'_, '_>,
    mapping: bool,
    rest: Range<usize>,
) -> Result<String, Fault> {
    let mut out = String::new();
    collection(source, mapping, rest, 0, &mut out)?;
    Ok(out)
}

fn value(source: &Source<'_, '_>, node: Range<usize>, depth: usize, out: &mut String) -> Result<(), Fault> {
    if out.len() > MAX_LENGTH || depth > MAX_DEPTH || node.is_empty() {
        out.push_str("...");
        return Ok(());
    }
    match source.step(node.start) {
        Step::Alias(anchor) => match source.anchored(*anchor) {
            Some(part) => value(source, part, depth + 1, out)?,
            None => out.push_str("..."),
        },
        Step::Event(Event::Scalar(scalar)) => {
            let text = scalar.raw.text();
            let typed = resolve_scalar(scalar, &text)?;
            let _ = match typed {
                Typed::Text(text) => write!(out, "{}", quote(&text)),
                Typed::Resolved(Resolved::Null) => write!(out, "interface {{}}(nil)"),
                Typed::Resolved(Resolved::Bool(value)) => write!(out, "{value}"),
                Typed::Resolved(Resolved::Int(value)) => write!(out, "{value}"),
                Typed::Resolved(Resolved::Uint(value)) => write!(out, "{value:#x}"),
                Typed::Resolved(Resolved::Float(value)) => write!(out, "{}", go_float(value)),
                Typed::Resolved(Resolved::Str | Resolved::Timestamp) => write!(out, "{}", quote(&text)),
            };
        }
        Step::Event(Event::MappingStart { .. }) => {
            collection(source, true, node.start + 1..node.end - 1, depth + 1, out)?;
        }
        Step::Event(Event::SequenceStart { .. }) => {
            collection(source, false, node.start + 1..node.end - 1, depth + 1, out)?;
        }
        Step::Event(_) | Step::End => {}
    }
    Ok(())
}

fn collection(
    source: &Source<'_, '_>,
    mapping: bool,
    rest: Range<usize>,
    depth: usize,
    out: &mut String,
) -> Result<(), Fault> {
    let nodes = source.nodes(rest);
    if !mapping {
        out.push_str("[]interface {}{");
        for (at, node) in nodes.into_iter().enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            value(source, node, depth, out)?;
        }
        out.push('}');
        return Ok(());
    }
    let mut entries = std::collections::BTreeMap::new();
    for pair in nodes.chunks_exact(2) {
        if let Step::Event(Event::MappingStart { .. } | Event::SequenceStart { .. }) =
            source.step(pair[0].start)
        {
            let mut inner = String::new();
            value(source, pair[0].clone(), depth, &mut inner)?;
            return Err(invalid_key(&inner));
        }
        let (mut key, mut text) = (String::new(), String::new());
        value(source, pair[0].clone(), depth, &mut key)?;
        value(source, pair[1].clone(), depth, &mut text)?;
        entries.insert(key, text);
    }
    out.push_str("map[interface {}]interface {}{");
    for (at, (key, text)) in entries.into_iter().enumerate() {
        let _ = write!(out, "{}{key}:{text}", if at > 0 { ", " } else { "" });
    }
    out.push('}');
    Ok(())
}

pub(super) fn invalid_key(key: &str) -> Fault {
    Fault::Build(crate::Error::yaml(format_args!("invalid map key: {key}")))
}

/// Go's `strconv.Quote`.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        let code = u32::from(char);
        let _ = match char {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\x07' => write!(out, "\\a"),
            '\x08' => write!(out, "\\b"),
            '\x0C' => write!(out, "\\f"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\x0B' => write!(out, "\\v"),
            ' '..='~' => write!(out, "{char}"),
            _ if code < 0x80 => write!(out, "\\x{code:02x}"),
            _ if is_shown(char) => write!(out, "{char}"),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint` behind ASCII, but for characters that are not assigned.
fn is_shown(char: char) -> bool {
    let format = matches!(char, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}');
    let private =
        matches!(char, '\u{E000}'..='\u{F8FF}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{F0000}'..);
    !(char.is_control() || char.is_whitespace() || format || private)
}
