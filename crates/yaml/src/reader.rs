//! Bytes → text: byte order marks, encodings and the characters YAML forbids.
//!
//! go-yaml reads in pieces of 512 bytes and refuses a forbidden character when it reads the piece that holds
//! it, so an earlier mistake in the document wins over it, and what follows the first document by more than a
//! piece is never seen. [`Reader`] keeps that: it cuts the text at the first bad character and remembers the
//! error for the moment the scanner gets there.

use std::borrow::Cow;

use crate::error::Error;

/// go-yaml's input buffer, in bytes.
const PIECE: usize = 512;

/// The readable part of an input.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// Everything before the first bad character, without a byte order mark.
    pub(crate) text: Cow<'a, str>,
    pub(crate) bad: Option<Bad>,
}

/// A character that stops the reader.
#[derive(Clone, Debug)]
pub(crate) struct Bad {
    /// The first byte of the piece that holds it: reading from here on fails.
    pub(crate) from: usize,
    pub(crate) problem: &'static str,
}

impl Bad {
    pub(crate) fn error(&self) -> Error {
        Error::yaml(self.problem)
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        match input {
            [0xFF, 0xFE, rest @ ..] => Self::utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::utf16(rest, u16::from_be_bytes),
            [0xEF, 0xBB, 0xBF, rest @ ..] => Self::utf8(rest),
            _ => Self::utf8(input),
        }
    }

    fn utf8(input: &'a [u8]) -> Self {
        let (text, broken) = match std::str::from_utf8(input) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.valid_up_to();
                let text = std::str::from_utf8(&input[..valid]).unwrap_or_default();
                (text, Some(broken_utf8(&input[valid..])))
            }
        };
        let (end, problem) = match first_forbidden(text.as_bytes()) {
            Some(at) => (at, Some("control characters are not allowed")),
            None => (text.len(), broken),
        };
        let bad = problem.map(|problem| Bad {
            from: end / PIECE * PIECE,
            problem,
        });
        Self {
            text: Cow::Borrowed(&text[..end]),
            bad,
        }
    }

    fn utf16(input: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let units = input.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let mut text = String::new();
        let mut problem = None;
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(char) if first_forbidden(char.encode_utf8(&mut [0; 4]).as_bytes()).is_none() => {
                    text.push(char);
                }
                Ok(_) => problem = Some("control characters are not allowed"),
                Err(_) => problem = Some("unexpected low surrogate area"),
            }
            if problem.is_some() {
                break;
            }
        }
        if problem.is_none() && input.len() % 2 == 1 {
            problem = Some("incomplete UTF-16 character");
        }
        let bad = problem.map(|problem| Bad {
            from: text.len() / PIECE * PIECE,
            problem,
        });
        Self {
            text: Cow::Owned(text),
            bad,
        }
    }
}

/// Go's words for what is wrong with a sequence that is not UTF-8.
fn broken_utf8(rest: &[u8]) -> &'static str {
    let width = match rest.first().copied().unwrap_or(0) {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if rest.len() < width {
        return "incomplete UTF-8 octet sequence";
    }
    if rest[1..width].iter().any(|byte| byte & 0xC0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let lead = u32::from(rest[0]) & (0x7F >> width);
    let value = rest[1..width]
        .iter()
        .fold(lead, |value, byte| value << 6 | u32::from(byte & 0x3F));
    match (width, value) {
        (2, ..0x80) | (3, ..0x800) | (4, ..0x1_0000) => "invalid length of a UTF-8 sequence",
        _ => "invalid Unicode character",
    }
}

/// The first character outside tab, LF, CR, printable ASCII, NEL and what follows U+00A0, but for U+FFFE and
/// U+FFFF. A large clean text is passed in blocks, so that this costs a fraction of the scan.
pub(crate) fn first_forbidden(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let mut at = 0;
    for block in bytes.chunks(BLOCK) {
        // Branch-free, so that the compiler turns it into vector code.
        let suspect = block.iter().fold(false, |any, &byte| {
            any | (byte < 0x20 && byte != b'\n') | (byte == 0x7F) | (byte == 0xC2) | (byte == 0xEF)
        });
        if suspect && let Some(offset) = forbidden_in(bytes, at, at + block.len()) {
            return Some(offset);
        }
        at += block.len();
    }
    None
}

fn forbidden_in(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let next = |at: usize| bytes.get(at).copied().unwrap_or(0);
    (from..to).find(|&at| match bytes[at] {
        b'\t' | b'\n' | b'\r' => false,
        0..0x20 | 0x7F => true,
        0xC2 => next(at + 1) < 0xA0 && next(at + 1) != 0x85,
        0xEF => next(at + 1) == 0xBF && next(at + 2) >= 0xBE,
        _ => false,
    })
}
