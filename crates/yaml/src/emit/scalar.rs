//! Printing strings: the choice of a style, and the styles.

use std::borrow::Cow;

use super::analyze::{Allowed, analyze, char_len, is_printable, needs_quotes, through_json};
use super::{Dialect, Emitter, INDENT, Spaced};
use crate::base64::encode_lines;
use crate::chars::{break_len, byte};

/// go-yaml 2 breaks a line at the first space behind this column.
const WIDTH: usize = 80;
/// A longer key, in bytes, stands behind `?`.
const MAX_SIMPLE_KEY: usize = 128;
/// A key longer than this in JSON, in characters, can't be read back by go-yaml, and so not be printed.
const MAX_JSON_KEY: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

impl Emitter<'_> {
    /// Prints a string. For a key tells whether it is simple, so that its value may follow on the line.
    pub(super) fn scalar(&mut self, value: &[u8], key: bool) -> bool {
        let (text, tagged) = self.text(value);
        if key && self.dialect == Dialect::Json && !is_json_key(value, &text) {
            self.fail(|| {
                let problem = "error converting JSON to YAML: yaml: did not find expected ',' or '}'";
                crate::Error::marshal(problem)
            });
        }
        let allowed = analyze(&text, self.dialect);
        let simple = key && !allowed.multiline && text.len() <= MAX_SIMPLE_KEY;
        if key && !simple {
            self.write_indicator(
                b"?",
                Spaced {
                    before: true,
                    indention: true,
                },
            );
        }
        if tagged {
            self.write_indicator(
                b"!!binary",
                Spaced {
                    before: true,
                    indention: false,
                },
            );
        }
        let style = self.style(&text, allowed, Place { simple, tagged });
        let outer = self.indent;
        self.indent = if self.indent < 0 {
            INDENT
        } else {
            self.indent + INDENT
        };
        match style {
            Style::Plain => self.plain(&text, !simple),
            Style::SingleQuoted => self.single_quoted(&text, !simple),
            Style::DoubleQuoted => self.double_quoted(&text, !simple),
            Style::Literal => self.literal(&text),
        }
        self.indent = outer;
        simple
    }

    /// The text to print for a Go string, and whether it is base64 in place of bytes that are no text.
    fn text<'t>(&mut self, value: &'t [u8]) -> (Cow<'t, str>, bool) {
        match self.dialect {
            Dialect::Json => match through_json(value) {
                Ok(text) => (text, false),
                Err(error) => {
                    self.fail(|| error);
                    (Cow::Borrowed(""), false)
                }
            },
            Dialect::Pretty => match std::str::from_utf8(value) {
                Ok(text) => (Cow::Borrowed(text), false),
                Err(_) => (Cow::Owned(encode_lines(value)), true),
            },
        }
    }

    fn style(&self, text: &str, allowed: Allowed, place: Place) -> Style {
        let wanted = if text.contains('\n') {
            Style::Literal
        } else if !place.tagged && needs_quotes(text, self.dialect) {
            Style::DoubleQuoted
        } else {
            Style::Plain
        };
        match wanted {
            Style::Literal if !allowed.block || place.simple => Style::DoubleQuoted,
            Style::Plain if allowed.plain => Style::Plain,
            Style::Plain if allowed.single_quoted => Style::SingleQuoted,
            Style::Plain => Style::DoubleQuoted,
            _ => wanted,
        }
    }

    fn plain(&mut self, text: &str, breaks: bool) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.folded(
            text,
            Fold {
                breaks,
                quoted: false,
            },
        );
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, breaks: bool) {
        self.write_indicator(
            b"'",
            Spaced {
                before: true,
                indention: false,
            },
        );
        self.folded(text, Fold { breaks, quoted: true });
        self.write_indicator(
            b"'",
            Spaced {
                before: false,
                indention: false,
            },
        );
    }

    /// Writes text and breaks lines that get too long at single spaces between words.
    fn folded(&mut self, text: &str, fold: Fold) {
        let foldable = fold.breaks && self.dialect == Dialect::Json;
        let fits = !foldable || self.column + text.len() <= WIDTH;
        if fits && !has_unicode_break(text) && !(fold.quoted && text.contains('\'')) {
            self.text_part(text);
            return;
        }
        let bytes = text.as_bytes();
        let (mut after_space, mut after_break) = (false, false);
        let mut at = 0;
        while at < bytes.len() {
            let length = char_len(bytes[at]);
            let inside = !fold.quoted || (at > 0 && at + 1 < bytes.len());
            if bytes[at] == b' ' {
                let single = !after_space && byte(bytes, at + 1) != b' ';
                if foldable && single && inside && self.column > WIDTH {
                    self.write_indent();
                } else {
                    self.put(b' ');
                }
                after_space = true;
            } else if break_len(bytes, at) > 0 {
                self.unicode_break(&text[at..at + length]);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if fold.quoted && bytes[at] == b'\'' {
                    self.put(b'\'');
                }
                self.text_part(&text[at..at + length]);
                self.indention = false;
                (after_space, after_break) = (false, false);
            }
            at += length;
        }
    }

    /// Writes a line break other than LF as it is.
    fn unicode_break(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.column = 0;
        self.indention = true;
    }

    fn double_quoted(&mut self, text: &str, breaks: bool) {
        let foldable = breaks && self.dialect == Dialect::Json;
        self.write_indicator(
            b"\"",
            Spaced {
                before: true,
                indention: false,
            },
        );
        let bytes = text.as_bytes();
        // Go looks for a byte order mark at the text's start whichever character it is about to write.
        let all = text.starts_with('\u{FEFF}');
        let mut after_space = false;
        for (at, char) in text.char_indices() {
            let escaped =
                all || !is_printable(bytes, at) || matches!(char, '"' | '\\') || break_len(bytes, at) > 0;
            if escaped {
                self.escape(char);
                after_space = false;
            } else if char == ' ' {
                let inside = at > 0 && at + 1 < bytes.len();
                if foldable && !after_space && inside && self.column > WIDTH {
                    self.write_indent();
                    if byte(bytes, at + 1) == b' ' {
                        self.put(b'\\');
                    }
                } else {
                    self.put(b' ');
                }
                after_space = true;
            } else {
                self.text_part(&text[at..at + char.len_utf8()]);
                after_space = false;
            }
        }
        self.write_indicator(
            b"\"",
            Spaced {
                before: false,
                indention: false,
            },
        );
    }

    fn escape(&mut self, char: char) {
        let code = u32::from(char);
        let escape = match char {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0B' => "\\v",
            '\x0C' => "\\f",
            '\r' => "\\r",
            '\x1B' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{A0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => {
                let escape = match code {
                    0..0x100 => format!("\\x{code:02X}"),
                    0x100..0x1_0000 => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.text_part(&escape);
            }
        };
        self.text_part(escape);
    }

    fn literal(&mut self, text: &str) {
        self.write_indicator(
            b"|",
            Spaced {
                before: true,
                indention: false,
            },
        );
        let bytes = text.as_bytes();
        if bytes[0] == b' ' || break_len(bytes, 0) > 0 {
            self.put(b'2');
        }
        match trailing_breaks(text) {
            0 => self.put(b'-'),
            1 if char_len(bytes[0]) < bytes.len() => {}
            _ => self.put(b'+'),
        }
        self.put_break();
        self.whitespace = true;
        if has_unicode_break(text) {
            return self.literal_by_character(text);
        }
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            if !content.is_empty() {
                self.write_indent();
                self.text_part(content);
                self.indention = false;
            }
            if content.len() < line.len() {
                self.put_break();
            }
        }
    }

    fn literal_by_character(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut after_break = true;
        for (at, char) in text.char_indices() {
            let part = &text[at..at + char.len_utf8()];
            if char == '\n' {
                self.put_break();
            } else if break_len(bytes, at) > 0 {
                self.unicode_break(part);
            } else {
                if after_break {
                    self.write_indent();
                }
                self.text_part(part);
                self.indention = false;
            }
            after_break = break_len(bytes, at) > 0;
        }
    }

    fn text_part(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.column += match text.is_ascii() {
            true => text.len(),
            false => text.chars().count(),
        };
    }
}

/// How a text without LF is written.
#[derive(Clone, Copy)]
struct Fold {
    /// Long lines may be broken.
    breaks: bool,
    /// It stands in single quotes, which are doubled inside of it.
    quoted: bool,
}

/// What a style depends on beside the text.
#[derive(Clone, Copy)]
struct Place {
    simple: bool,
    tagged: bool,
}

/// Whether there is a line break beside LF. CR, NEL and the like only come here where they can be printed raw.
fn has_unicode_break(text: &str) -> bool {
    !text.is_ascii() && (text.contains('\u{2028}') || text.contains('\u{2029}'))
}

/// How many line breaks a text ends with, counted up to two.
fn trailing_breaks(text: &str) -> usize {
    let is_break = |char: &char| matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.chars().rev().take(2).take_while(is_break).count()
}

/// Whether go-yaml can read a key's JSON back: it must stand on one line, and NEL ends a line.
fn is_json_key(value: &[u8], text: &str) -> bool {
    json_len(text) <= MAX_JSON_KEY && memchr::memmem::find(value, b"\xC2\x85").is_none()
}

/// The length of a string's JSON in characters, with its quotes.
fn json_len(text: &str) -> usize {
    // Too short to matter, however it is escaped.
    if text.len() < MAX_JSON_KEY / 6 - 2 {
        return 0;
    }
    let escaped = text.chars().map(|char| match char {
        '"' | '\\' | '\n' | '\r' | '\t' | '\x08' | '\x0C' => 2,
        '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}
