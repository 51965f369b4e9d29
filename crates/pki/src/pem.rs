//! PEM blocks and base64, as certificates and keys are passed around.

/// The length of a base64 line in PEM.
const LINE: usize = 64;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A decoded block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    pub label: String,
    pub der: Vec<u8>,
}

/// Writes one block with lines of 64 letters.
pub fn encode(label: &str, der: &[u8]) -> String {
    let body = base64(der);
    let mut text = String::with_capacity(body.len() + body.len() / LINE + 2 * label.len() + 34);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = behind;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Reads the first block of a text; headers inside of it are skipped.
pub fn decode(text: &str) -> Option<Block> {
    let mut rest = text;
    loop {
        let (label, inner) = rest.split_once("-----BEGIN ")?.1.split_once("-----")?;
        let end = format!("-----END {label}-----");
        if let Some((body, _)) = inner.split_once(&end) {
            let body = body
                .rsplit_once("\n\n")
                .filter(|(head, _)| head.contains(':'))
                .map_or(body, |(_, body)| body);
            if let Some(der) = from_base64(body) {
                return Some(Block {
                    label: label.to_owned(),
                    der,
                });
            }
        }
        rest = inner;
    }
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let sextet = (word >> (18 - 6 * index)) & 63;
            text.push(if index <= chunk.len() {
                char::from(ALPHABET[sextet as usize])
            } else {
                '='
            });
        }
    }
    text
}

/// Reads padded standard base64; line ends are skipped, as Go skips them.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut count, mut padding) = (0u32, 0, 0);
    for letter in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let sextet = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && letter != b'=' {
            return None;
        }
        word = word << 6 | u32::from(sextet);
        count += 1;
        if count % 4 == 0 {
            let [_, triple @ ..] = word.to_be_bytes();
            bytes.extend_from_slice(&triple);
            word = 0;
        }
    }
    if count % 4 != 0 || padding > 2 {
        return None;
    }
    bytes.truncate(bytes.len() - padding);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reads_what_it_writes() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"\xff\xfe", "//4="),
        ] {
            assert_eq!(base64(bytes), text);
            assert_eq!(from_base64(text).as_deref(), Some(bytes));
        }
        for broken in ["Z", "Zg=", "Zg==Zg==", "Z===", "Zm9-", "Zm 9v"] {
            assert_eq!(from_base64(broken), None, "{broken}");
        }
    }

    #[test]
    fn pem_reads_what_it_writes() {
        let der: Vec<u8> = (0..100).collect();
        let text = encode("X KEY", &der);
        assert_eq!(text.lines().map(str::len).max(), Some(64));
        let block = Some(Block {
            label: "X KEY".into(),
            der,
        });
        assert_eq!(decode(&format!("noise\n{text}more")), block);
        assert_eq!(decode("-----BEGIN X-----\nZm9v\n-----END Y-----\n"), None);
    }
}
