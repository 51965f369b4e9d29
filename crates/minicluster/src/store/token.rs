//! Continue tokens: where a page ended, as text that clients carry around without looking inside.
//!
//! The form is the real server's, base64url over JSON, because some clients print or compare its length class and
//! because its complaints about a foreign token speak of JSON. The content is ours. A token is no secret and no
//! right: the server bounds every list by the namespace of its request, whatever the token says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// The longest token that is looked at: two parts of a key at their longest, escaped, and some JSON around.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

const VERSION: &str = "meta.k8s.io/v1";

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continue {
    /// The revision that all pages show; `None` for the newest at each page.
    pub revision: Option<u64>,
    /// The path of the last object of the page.
    pub(super) after: String,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: String,
    /// -1 for "whatever is newest", as in the real server's tokens.
    rv: i64,
    start: String,
}

impl Continue {
    /// The same place, but showing the newest state: what the real server offers with a 410 for a page that came
    /// too late.
    pub fn inconsistent(&self) -> Self {
        Self {
            revision: None,
            after: self.after.clone(),
        }
    }

    /// Reads a token.
    ///
    /// Errors: [`Error::InvalidContinue`] for anything that [`Continue`]'s `Display` did not print.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |problem: String| Error::InvalidContinue { problem };
        if text.len() > MAX_TOKEN_BYTES {
            return Err(invalid(format!("it has more than {MAX_TOKEN_BYTES} bytes")));
        }
        let bytes = decode(text).map_err(|at| invalid(format!("illegal base64 data at input byte {at}")))?;
        if let Some(first) = bytes
            .first()
            .filter(|byte| !b"{[\"-0123456789tfn \t\r\n".contains(byte))
        {
            return Err(invalid(format!(
                "invalid character {} looking for beginning of value",
                quoted(*first)
            )));
        }
        let wire: Wire = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if wire.v != VERSION {
            return Err(invalid(format!(
                "server does not recognize this encoded version {:?}",
                wire.v
            )));
        }
        let revision = match wire.rv {
            -1 => None,
            rv => Some(u64::try_from(rv).ok().filter(|rv| *rv > 0).ok_or_else(|| {
                invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned())
            })?),
        };
        Ok(Self {
            revision,
            after: wire.start,
        })
    }
}

impl fmt::Display for Continue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rv = self
            .revision
            .map_or(-1, |revision| i64::try_from(revision).unwrap_or(i64::MAX));
        let wire = Wire {
            v: VERSION.to_owned(),
            rv,
            start: self.after.clone(),
        };
        let json = serde_json::to_vec(&wire).map_err(|_| fmt::Error)?;
        f.write_str(&encode(&json))
    }
}

/// A byte as Go quotes the rune of the same number.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        0..=0x1f | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .enumerate()
            .fold(0u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for digit in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * digit)) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}

/// Gives the bytes, or the place of the first character that is none of base64url.
fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0);
    for (at, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return Err(at),
        };
        bits = (bits << 6 | u32::from(digit)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    if count == 6 { Err(text.len()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_trip() {
        for revision in [None, Some(1), Some(u64::MAX >> 1)] {
            for after in ["a", "ns/a", "ns/ünïcode", ""] {
                let token = Continue {
                    revision,
                    after: after.to_owned(),
                };
                assert_eq!(Continue::parse(&token.to_string()).unwrap(), token);
            }
        }
    }

    #[test]
    fn foreign_tokens_are_refused_in_the_real_servers_words() {
        for (text, expected) in [
            (
                "garbage",
                "continue key is not valid: invalid character '\\u0081' looking for beginning of value",
            ),
            (
                "a b",
                "continue key is not valid: illegal base64 data at input byte 1",
            ),
            (
                "YWJj",
                "continue key is not valid: invalid character 'a' looking for beginning of value",
            ),
        ] {
            assert_eq!(Continue::parse(text).unwrap_err().to_string(), expected);
        }
        let zero = encode(br#"{"v":"meta.k8s.io/v1","rv":0,"start":"a"}"#);
        for text in ["", "A", "AA", "e30", &zero, &"A".repeat(20_000)] {
            assert!(Continue::parse(text).is_err(), "{text:?}");
        }
    }
}
