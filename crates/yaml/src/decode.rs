//! A delimited scalar → its text: folding of line breaks, escapes, and the indentation of block scalars.
//!
//! The scanner has already checked the scalar, so nothing here fails. Text is borrowed when it stands in the
//! document as it is, which is so for nearly every scalar.

use std::borrow::Cow;

use crate::chars::{DOUBLE_STOP, SINGLE_STOP, break_len, byte, is, is_blank};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// What a block scalar does with the line breaks at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// A scalar as the scanner delimits it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    /// Between the quotes; a block scalar from its first line on, a plain one without blanks around it.
    pub(crate) text: &'a str,
    pub(crate) style: Style,
    /// The text is not simply what stands there.
    pub(crate) folded: bool,
    /// A block scalar's indentation.
    pub(crate) indent: usize,
    pub(crate) chomp: Chomp,
}

impl<'a> Raw<'a> {
    /// A plain scalar that is nothing: the value of `key:`.
    pub(crate) const EMPTY: Raw<'static> = Raw::verbatim("", Style::Plain);

    pub(crate) const fn verbatim(text: &'a str, style: Style) -> Self {
        Self {
            text,
            style,
            folded: false,
            indent: 0,
            chomp: Chomp::Clip,
        }
    }

    /// The scalar's text.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        match self.style {
            Style::Literal | Style::Folded => self.block(),
            _ if !self.folded => Cow::Borrowed(self.text),
            Style::Plain => Cow::Owned(fold_plain(self.text)),
            Style::SingleQuoted => Cow::Owned(unquote(self.text, b'\'')),
            Style::DoubleQuoted => Cow::Owned(unquote(self.text, b'"')),
        }
    }

    fn block(&self) -> Cow<'a, str> {
        let mut block = Block {
            bytes: self.text.as_bytes(),
            pos: 0,
            indent: self.indent,
        };
        let mut out = String::with_capacity(self.text.len());
        let mut leading_break = "";
        let mut breaks = String::new();
        block.skip_breaks(&mut breaks);
        let mut was_blank = false;
        while let Some(line) = block.line(self.text) {
            let blank = line.bytes().next().is_some_and(is_blank);
            let fold = self.style == Style::Folded && leading_break == "\n" && !was_blank && !blank;
            match fold {
                true if breaks.is_empty() => out.push(' '),
                true => {}
                false => out.push_str(leading_break),
            }
            out.push_str(&breaks);
            breaks.clear();
            was_blank = blank;
            out.push_str(line);
            leading_break = block.take_break(self.text);
            block.skip_breaks(&mut breaks);
        }
        if self.chomp != Chomp::Strip {
            out.push_str(leading_break);
        }
        if self.chomp == Chomp::Keep {
            out.push_str(&breaks);
        }
        Cow::Owned(out)
    }
}

/// A walk over the lines of a block scalar.
struct Block<'a> {
    bytes: &'a [u8],
    pos: usize,
    indent: usize,
}

impl Block<'_> {
    /// Passes indentation and empty lines, whose breaks are collected.
    fn skip_breaks(&mut self, breaks: &mut String) {
        loop {
            let mut column = 0;
            while column < self.indent && byte(self.bytes, self.pos) == b' ' {
                self.pos += 1;
                column += 1;
            }
            let len = break_len(self.bytes, self.pos);
            if len == 0 {
                return;
            }
            breaks.push_str(normal_break(self.bytes, self.pos));
            self.pos += len;
        }
    }

    fn line<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let start = self.pos;
        if start >= self.bytes.len() {
            return None;
        }
        let mut end = start;
        loop {
            end += memchr::memchr3(b'\n', b'\r', 0xC2, &self.bytes[end..]).unwrap_or(self.bytes.len() - end);
            if end >= self.bytes.len() || break_len(self.bytes, end) > 0 {
                break;
            }
            end += 1;
        }
        // LS and PS break lines as well; they are rare enough for a look at the line alone.
        if let Some(at) = memchr::memmem::find(&self.bytes[start..end], b"\xE2\x80")
            && let Some(offset) = (start + at..end).find(|&at| break_len(self.bytes, at) > 0)
        {
            end = offset;
        }
        self.pos = end;
        text.get(start..end)
    }

    fn take_break(&mut self, text: &str) -> &'static str {
        let len = break_len(text.as_bytes(), self.pos);
        if len == 0 {
            return "";
        }
        let taken = normal_break(self.bytes, self.pos);
        self.pos += len;
        taken
    }
}

/// The break as it counts: all but LS and PS are `\n`.
fn normal_break(bytes: &[u8], at: usize) -> &'static str {
    match (byte(bytes, at), byte(bytes, at + 2)) {
        (0xE2, 0xA8) => "\u{2028}",
        (0xE2, _) => "\u{2029}",
        _ => "\n",
    }
}

/// What becomes of a string with NEL in it when go-yaml reads its JSON: NEL is a line break, and all other
/// breaks and tabs are escapes there.
pub(crate) fn fold_nel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{85}') {
        let before = rest[..at].trim_end_matches(' ');
        let end = at
            + rest[at..]
                .find(|char| char != '\u{85}' && char != ' ')
                .unwrap_or(rest.len() - at);
        let breaks = rest[at..end].matches('\u{85}').count();
        out.push_str(before);
        out.push_str(&if breaks == 1 {
            " ".to_owned()
        } else {
            "\n".repeat(breaks - 1)
        });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Joins the lines of a multi-line plain scalar.
fn fold_plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut pos = 0;
    while pos < bytes.len() {
        let start = pos;
        while pos < bytes.len() && !is_blank(bytes[pos]) && break_len(bytes, pos) == 0 {
            pos += 1;
        }
        out.push_str(&text[start..pos]);
        pos = fold_space(text, pos, false, &mut out);
    }
    out
}

/// Passes blanks and breaks, and adds what they fold to. Returns where the next text begins.
fn fold_space(text: &str, mut pos: usize, escaped_break: bool, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let start = pos;
    let mut first = "";
    let mut more = String::new();
    let mut broken = escaped_break;
    loop {
        let len = break_len(bytes, pos);
        if len > 0 {
            match broken {
                false => first = normal_break(bytes, pos),
                true => more.push_str(normal_break(bytes, pos)),
            }
            broken = true;
            pos += len;
        } else if pos < bytes.len() && is_blank(bytes[pos]) {
            pos += 1;
        } else {
            break;
        }
    }
    match (broken, first) {
        (false, _) => out.push_str(&text[start..pos]),
        (true, "\n") if more.is_empty() => out.push(' '),
        (true, "\n") => out.push_str(&more),
        (true, _) => {
            out.push_str(first);
            out.push_str(&more);
        }
    }
    pos
}

fn unquote(text: &str, quote: u8) -> String {
    let bytes = text.as_bytes();
    let class = if quote == b'"' { DOUBLE_STOP } else { SINGLE_STOP };
    let mut out = String::with_capacity(text.len());
    let mut pos = 0;
    while pos < bytes.len() {
        let start = pos;
        pos += bytes[pos..]
            .iter()
            .position(|&byte| is(byte, class))
            .unwrap_or(bytes.len() - pos);
        out.push_str(&text[start..pos]);
        match byte(bytes, pos) {
            0 if pos >= bytes.len() => {}
            b'\'' => {
                out.push('\'');
                pos += 2;
            }
            b'\\' => match break_len(bytes, pos + 1) {
                0 => pos = unescape(text, pos, &mut out),
                len => pos = fold_space(text, pos + 1 + len, true, &mut out),
            },
            first if is_blank(first) || break_len(bytes, pos) > 0 => {
                pos = fold_space(text, pos, false, &mut out);
            }
            _ => {
                // The first byte of a character that is no break after all.
                let char = text[pos..].chars().next().unwrap_or_default();
                out.push(char);
                pos += char.len_utf8();
            }
        }
    }
    out
}

/// Adds what the escape at a position stands for and returns the position behind it.
fn unescape(text: &str, pos: usize, out: &mut String) -> usize {
    let escape = byte(text.as_bytes(), pos + 1);
    if let Some(digits) = escape_digits(escape) {
        let end = pos + 2 + digits;
        let code = text
            .get(pos + 2..end)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        out.push(
            code.and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER),
        );
        return end;
    }
    out.push(escaped_char(escape).unwrap_or(char::REPLACEMENT_CHARACTER));
    pos + 2
}

/// How many hexadecimal digits an escape takes, for those that take any.
pub(crate) fn escape_digits(escape: u8) -> Option<usize> {
    match escape {
        b'x' => Some(2),
        b'u' => Some(4),
        b'U' => Some(8),
        _ => None,
    }
}

/// What a one-letter escape stands for.
pub(crate) fn escaped_char(escape: u8) -> Option<char> {
    Some(match escape {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
