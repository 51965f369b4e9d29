//! The digest of an artifact, a plan or a piece of evidence.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::diagnose::Diagnose;

const PREFIX: &str = "sha256:";

/// A SHA-256 digest, written `sha256:` and 64 lower case hexadecimal digits as OCI writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("digest {text:?} {problem}")]
pub struct Error {
    text: String,
    problem: &'static str,
}

impl Digest {
    /// The SHA-256 digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps the 32 bytes of a SHA-256 sum.
    pub fn from_sha256(sum: [u8; 32]) -> Self {
        Self(sum)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits without `sha256:`.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |problem| Error {
            text: text.to_owned(),
            problem,
        };
        let digits = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| refuse("does not begin with sha256:"))?;
        if digits.len() != 64 {
            return Err(refuse("does not have 64 digits after sha256:"));
        }
        let mut sum = [0; 32];
        for (byte, pair) in sum.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
                return Err(refuse(
                    "has a character that is not a lower case hexadecimal digit",
                ));
            };
            *byte = high << 4 | low;
        }
        Ok(Self(sum))
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::DIGEST
    }

    fn hint(&self) -> Option<String> {
        Some(
            "copy the whole digest, `sha256:` and 64 hexadecimal digits; a short form is not accepted".into(),
        )
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
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
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let said = text
            .parse::<Digest>()
            .map_or_else(|error| error.problem.to_owned(), |d| d.to_string());
        assert_eq!(said, expected);
    }

    #[test]
    fn digests_are_sha256_and_64_lower_case_digits() {
        let whole = format!("sha256:{}", "0f".repeat(32));
        check(&whole, &whole);
        check(&"0f".repeat(32), "does not begin with sha256:");
        check("sha256:0f", "does not have 64 digits after sha256:");
        let not_hex = "has a character that is not a lower case hexadecimal digit";
        check(&whole.replace('f', "F"), not_hex);
        check(&whole.replace('f', "g"), not_hex);
        check(&format!("sha256:{}", "é".repeat(32)), not_hex);
    }

    #[test]
    fn refusal_has_its_code() {
        assert_eq!(
            "md5:0".parse::<Digest>().expect_err("not sha256").code().id,
            "SW0103"
        );
    }

    proptest! {
        #[test]
        fn text_and_bytes_round_trip(sum: [u8; 32]) {
            let digest = Digest::from_sha256(sum);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        }
    }
}
