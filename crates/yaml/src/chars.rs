//! Byte classes of YAML 1.1, for text whose end reads as a zero byte.
//!
//! A line break is LF, CR, CRLF, NEL (U+0085), LS (U+2028) or PS (U+2029); the last three are the only
//! multi-byte characters with a meaning, so every fast loop works on bytes and stops at their first bytes.

/// Ends a run of ordinary bytes of a plain scalar in block context: blanks, breaks and `:`.
pub(crate) const PLAIN_STOP: u16 = 1;
/// The further stops in flow context: `,?[]{}`.
pub(crate) const FLOW_STOP: u16 = 2;
/// May begin a line break: CR, LF, and the first bytes of NEL, LS and PS. Zero, the end, counts as well.
pub(crate) const BREAK_START: u16 = 4;
/// What go-yaml calls alphabetic: digits, ASCII letters, `_` and `-`.
pub(crate) const WORD: u16 = 8;
/// Beside words, what a tag's URI may hold.
pub(crate) const URI: u16 = 16;
/// Stops a run in a single-quoted scalar, beside blanks and breaks.
pub(crate) const SINGLE_STOP: u16 = 32;
/// Stops a run in a double-quoted scalar, beside blanks and breaks.
pub(crate) const DOUBLE_STOP: u16 = 64;

/// What a key may consist of whose line is passed without a closer look.
pub(crate) const KEY: u16 = 128;
/// What a plain scalar may begin with there: no indicator, and no dot or sign, for they may be infinite.
pub(crate) const TEXT_START: u16 = 256;

pub(crate) static CLASS: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    mark(&mut table, b" \t\r\n:\0\xC2\xE2", PLAIN_STOP);
    mark(&mut table, b",?[]{}", FLOW_STOP);
    mark(&mut table, b"\r\n\0\xC2\xE2", BREAK_START);
    mark(
        &mut table,
        b"0123456789_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        WORD,
    );
    mark(&mut table, b";/?:@&=+$,.!~*'()[]%", URI);
    mark(&mut table, b" \t\r\n'\0\xC2\xE2", SINGLE_STOP);
    mark(&mut table, b" \t\r\n\"\\\0\xC2\xE2", DOUBLE_STOP);
    mark(
        &mut table,
        b"0123456789_-./$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        KEY,
    );
    mark(
        &mut table,
        b"0123456789/$^(abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        TEXT_START,
    );
    table
}

const fn mark(table: &mut [u16; 256], bytes: &[u8], class: u16) {
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] |= class;
        at += 1;
    }
}

pub(crate) fn is(byte: u8, class: u16) -> bool {
    CLASS[byte as usize] & class != 0
}

/// The byte at a position, zero at and behind the end.
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The length of the line break at a position, 0 if there is none.
pub(crate) fn break_len(bytes: &[u8], at: usize) -> usize {
    match byte(bytes, at) {
        b'\n' => 1,
        b'\r' if byte(bytes, at + 1) == b'\n' => 2,
        b'\r' => 1,
        0xC2 if byte(bytes, at + 1) == 0x85 => 2,
        0xE2 if byte(bytes, at + 1) == 0x80 && matches!(byte(bytes, at + 2), 0xA8 | 0xA9) => 3,
        _ => 0,
    }
}

/// A blank, a line break or the end.
pub(crate) fn is_blankz(bytes: &[u8], at: usize) -> bool {
    match byte(bytes, at) {
        0 | b' ' | b'\t' | b'\n' | b'\r' => true,
        0xC2 | 0xE2 => break_len(bytes, at) > 0,
        _ => false,
    }
}

/// A line break or the end.
pub(crate) fn is_breakz(bytes: &[u8], at: usize) -> bool {
    match byte(bytes, at) {
        0 | b'\n' | b'\r' => true,
        0xC2 | 0xE2 => break_len(bytes, at) > 0,
        _ => false,
    }
}

/// Whether `---` or `...` stands at a position, followed by a blank, a break or the end.
pub(crate) fn is_document_mark(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..at + 3), Some(b"---" | b"...")) && is_blankz(bytes, at + 3)
}
