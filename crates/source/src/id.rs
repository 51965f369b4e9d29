//! The name of a git object: SHA-1 or SHA-256.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A commit, a tree or a file, by its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId {
    bytes: [u8; 32],
    /// 20 for SHA-1, 32 for SHA-256; the rest of `bytes` is zero.
    length: u8,
}

impl ObjectId {
    /// Reads the id in the first `length` bytes of a tree's entry.
    pub(crate) fn from_hex(text: &[u8]) -> Option<Self> {
        let length = match text.len() {
            40 => 20,
            64 => 32,
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self { bytes, length })
    }

    /// Whether it is all zeros, which stands for "no commit" in webhooks.
    pub fn is_nothing(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }
}

impl FromStr for ObjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| Error::NotThere {
            what: format!("commit {:?}", text.chars().take(80).collect::<String>()),
            problem: "is not 40 or 64 lower case hexadecimal digits".to_owned(),
        })
    }
}

impl TryFrom<String> for ObjectId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.iter().take(usize::from(self.length));
        bytes.into_iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_either_length_and_lower_case() {
        for text in ["da1560886d4f094c3e6c9ef40349f7d38b5d27d7", &"ab".repeat(32)] {
            assert_eq!(text.parse::<ObjectId>().unwrap().to_string(), text);
        }
        for text in ["", "da15", &"AB".repeat(20), &"zz".repeat(20), "HEAD", "-x"] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }
}
