//! Go's view of text: runes, each with its own case, and broken bytes one by one.
//!
//! Go maps case rune by rune (`ß` stays `ß` in capitals), where Rust follows Unicode's full mappings.

/// Every rune, with U+FFFD for each byte that is not UTF-8.
pub(crate) fn runes(text: &[u8]) -> impl Iterator<Item = char> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let broken = std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len());
        chunk.valid().chars().chain(broken)
    })
}

pub(crate) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// `unicode.ToUpper`.
pub(crate) fn upper(rune: char) -> char {
    let mut full = rune.to_uppercase();
    match (full.next(), full.next()) {
        (Some(one), None) => one,
        // The Greek letters with iota below have a capital of their own beside the full mapping to two.
        _ => match rune {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(rune, 8),
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(rune, 9),
            _ => rune,
        },
    }
}

/// `unicode.ToLower`.
pub(crate) fn lower(rune: char) -> char {
    let mut full = rune.to_lowercase();
    match (full.next(), full.next()) {
        (Some(one), None) => one,
        (Some(first), Some(_)) if rune == 'İ' => first,
        _ => rune,
    }
}

/// `unicode.ToTitle`: the capital, but for the digraphs and the Georgian letters.
pub(crate) fn title(rune: char) -> char {
    match rune {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10ff}' => rune,
        _ => upper(rune),
    }
}

pub(crate) fn is_title(rune: char) -> bool {
    matches!(
        rune,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
            | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
    )
}

/// `unicode.IsSpace`, which is Unicode's white space.
pub(crate) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// Changes every rune.
pub(crate) fn mapped(text: &[u8], change: impl Fn(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for rune in runes(text) {
        push(&mut out, change(rune));
    }
    out
}

/// `strings.TrimFunc`.
pub(crate) fn trimmed(text: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    let mut from = 0;
    for chunk in text.utf8_chunks() {
        let kept = chunk.valid().trim_start_matches(&drop);
        from += chunk.valid().len() - kept.len();
        if !kept.is_empty() {
            break;
        }
        let broken = if drop(char::REPLACEMENT_CHARACTER) {
            chunk.invalid().len()
        } else {
            0
        };
        from += broken;
        if broken < chunk.invalid().len() {
            break;
        }
    }
    let rest = &text[from..];
    let mut end = rest.len();
    while end > 0 {
        // The last rune starts at the last byte that is no continuation, at most four back.
        let start = (end.saturating_sub(4)..end)
            .rev()
            .find(|at| rest[*at] & 0xc0 != 0x80)
            .unwrap_or(end - 1);
        let (rune, start) = match std::str::from_utf8(&rest[start..end]).map(|text| text.chars().next()) {
            Ok(Some(rune)) => (rune, start),
            _ => (char::REPLACEMENT_CHARACTER, end - 1),
        };
        if !drop(rune) {
            break;
        }
        end = start;
    }
    &rest[..end]
}

fn shifted(rune: char, by: u32) -> char {
    char::from_u32(u32::from(rune) + by).unwrap_or(rune)
}
