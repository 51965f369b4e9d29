//! Which styles a string can be printed in.

use std::borrow::Cow;

use super::Dialect;
use crate::chars::{break_len, byte, is_blank, is_blankz};
use crate::error::Error;
use crate::resolve::{Generation, Resolved, is_base60, old_bool, resolve};

impl Dialect {
    pub(crate) fn generation(self) -> Generation {
        match self {
            Self::Json => Generation::V2,
            Self::Pretty => Generation::V3,
        }
    }
}

/// What is allowed for a string, apart from what it would mean when plain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
    pub(super) multiline: bool,
}

/// Bytes that decide nothing wherever they stand.
static ORDINARY: [bool; 256] = ordinary();

const fn ordinary() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7F {
        table[byte] = !matches!(byte as u8, b'#' | b':');
        byte += 1;
    }
    table
}

/// Finds out the styles that a text can be printed in.
pub(super) fn analyze(text: &str, dialect: Dialect) -> Allowed {
    let bytes = text.as_bytes();
    let mut seen = Seen {
        indicators: begins_with_indicator(bytes),
        ..Seen::default()
    };
    let mut at = 0;
    while at < bytes.len() {
        if ORDINARY[usize::from(bytes[at])] {
            seen.after_space = false;
            seen.after_break = false;
            at += 1;
            continue;
        }
        at += seen.character(bytes, at, dialect);
    }
    seen.allowed()
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    indicators: bool,
    special: bool,
    tab: bool,
    line_break: bool,
    space_at_start: bool,
    space_at_end: bool,
    break_at_edge: bool,
    break_then_space: bool,
    space_then_break: bool,
    after_space: bool,
    after_break: bool,
}

impl Seen {
    /// Takes note of the character at a position and returns its length.
    fn character(&mut self, bytes: &[u8], at: usize, dialect: Dialect) -> usize {
        let length = char_len(bytes[at]);
        let last = at + length >= bytes.len();
        match bytes[at] {
            b':' if last || is_blank(bytes[at + 1]) => self.indicators = true,
            b'#' if at > 0 && blank_before(bytes, at) => self.indicators = true,
            b'\t' if dialect == Dialect::Pretty => self.tab = true,
            _ => self.special |= !is_printable(bytes, at),
        }
        if bytes[at] == b' ' {
            self.space_at_start |= at == 0;
            self.space_at_end |= last;
            self.break_then_space |= self.after_break;
            (self.after_space, self.after_break) = (true, false);
        } else if break_len(bytes, at) > 0 {
            self.line_break = true;
            self.break_at_edge |= at == 0 || last;
            self.space_then_break |= self.after_space;
            (self.after_space, self.after_break) = (false, true);
        } else {
            (self.after_space, self.after_break) = (false, false);
        }
        length
    }

    fn allowed(self) -> Allowed {
        let unquotable = self.space_then_break || self.special;
        let edges = self.space_at_start || self.space_at_end || self.break_at_edge;
        let single_quoted = !(unquotable || self.tab || self.break_then_space);
        Allowed {
            plain: single_quoted && !(edges || self.line_break || self.indicators),
            single_quoted,
            block: !(unquotable || self.space_at_end),
            multiline: self.line_break,
        }
    }
}

/// Whether a blank, a break or a zero byte ends just before a position.
fn blank_before(bytes: &[u8], at: usize) -> bool {
    let start = (1..=3.min(at)).find(|back| bytes[at - back] & 0xC0 != 0x80);
    start.is_some_and(|back| is_blankz(bytes, at - back))
}

fn begins_with_indicator(bytes: &[u8]) -> bool {
    if matches!(bytes.get(..3), Some(b"---" | b"...")) {
        return true;
    }
    match bytes.first() {
        Some(first) if b"#,[]{}&*!|>'\"%@`".contains(first) => true,
        Some(b'?' | b':' | b'-') => bytes.get(1).is_none_or(|next| is_blank(*next)),
        _ => false,
    }
}

pub(super) fn char_len(first: u8) -> usize {
    match first {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// go-yaml's idea of what can be shown: no tab, and nothing outside of the basic plane.
pub(super) fn is_printable(bytes: &[u8], at: usize) -> bool {
    let (second, third) = (byte(bytes, at + 1), byte(bytes, at + 2));
    match bytes[at] {
        b'\n' | 0x20..=0x7E => true,
        0xC2 => second >= 0xA0,
        0xC3..0xED => true,
        0xED => second < 0xA0,
        0xEE => true,
        0xEF => (second, third) != (0xBB, 0xBF) && !(second == 0xBF && third >= 0xBE),
        _ => false,
    }
}

/// Whether a string printed plain would be read as something else.
pub(super) fn needs_quotes(text: &str, dialect: Dialect) -> bool {
    let resolved = resolve(text, dialect.generation());
    if resolved != Resolved::Str {
        return true;
    }
    // Only texts that begin with a digit or a sign can be base 60.
    is_base60(text) || (dialect == Dialect::Pretty && old_bool(text).is_some())
}

/// A Go string as it leaves JSON again: what is not UTF-8 replaced, and refused what YAML's reader refuses.
pub(super) fn through_json(value: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(go_lossy(value)),
    };
    let bytes = text.as_bytes();
    // The bytes that DEL, the C1 controls and the two noncharacters of the plane begin with.
    if memchr::memchr3(0x7F, 0xC2, 0xEF, bytes).is_none() {
        return Ok(text);
    }
    let refused = |at: usize| match bytes[at] {
        0x7F => true,
        0xC2 => (0x80..0xA0).contains(&byte(bytes, at + 1)) && byte(bytes, at + 1) != 0x85,
        0xEF => byte(bytes, at + 1) == 0xBF && byte(bytes, at + 2) >= 0xBE,
        _ => false,
    };
    if (0..bytes.len()).any(refused) {
        let problem = "error converting JSON to YAML: yaml: control characters are not allowed";
        return Err(Error::marshal(problem));
    }
    // JSON leaves NEL as it is, and YAML folds it like any line break.
    if memchr::memmem::find(bytes, b"\xC2\x85").is_some() {
        return Ok(Cow::Owned(crate::decode::fold_nel(&text)));
    }
    Ok(text)
}

/// UTF-8 with every byte that belongs to no character replaced on its own, as Go does.
pub(crate) fn go_lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
