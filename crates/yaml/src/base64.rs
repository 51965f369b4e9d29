//! Base64 as Go's `StdEncoding` has it: padded, line breaks ignored on reading.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes behind a text, or nothing if it is not base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut count, mut padding) = (0u32, 0, 0);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if count >= 2 => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && byte != b'=' {
            return None;
        }
        group = group << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..4 - padding]);
            (group, count) = (0, if padding > 0 { 5 } else { 0 });
        } else if count > 4 {
            return None;
        }
    }
    matches!(count, 0 | 5).then_some(out)
}

/// Encodes in lines of 70, as go-yaml does for binary values.
pub(crate) fn encode_lines(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let mut flat = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = group >> (18 - 6 * digit) & 63;
            flat.push(if digit > chunk.len() {
                '='
            } else {
                char::from(ALPHABET[value as usize])
            });
        }
    }
    if flat.len() < LINE {
        return flat;
    }
    let lines = flat
        .as_bytes()
        .chunks(LINE)
        .map(|line| String::from_utf8_lossy(line) + "\n");
    lines.collect()
}
