//! The revision of a release.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::diagnose::Diagnose;

/// The number of a release's record: 1 for the install, one more for each upgrade or rollback, as Helm counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(NonZeroU32);

/// A text that is not a revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {text:?} is not a whole number from 1 to {}", u32::MAX)]
pub struct Error {
    text: String,
}

impl Revision {
    /// The revision an install makes.
    pub const FIRST: Revision = Revision(NonZeroU32::MIN);

    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The revision that follows, or `None` after the last one there can be.
    #[must_use]
    pub fn next(self) -> Option<Revision> {
        self.0.checked_add(1).map(Self)
    }
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // u32's parser takes a leading +, which Helm's records never have.
        let number = if text.starts_with('+') {
            None
        } else {
            text.parse().ok()
        };
        number.map(Self).ok_or_else(|| Error {
            text: text.to_owned(),
        })
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::REVISION
    }

    fn hint(&self) -> Option<String> {
        Some("the release's history lists its revisions".into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u32>) {
        assert_eq!(
            text.parse::<Revision>().ok().map(Revision::get),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn revisions_count_from_one() {
        check("1", Some(1));
        check("4294967295", Some(u32::MAX));
        for text in ["0", "-1", "+1", "", "1.0", "4294967296", "one", " 1"] {
            check(text, None);
        }
        assert_eq!(Revision::FIRST.next().map(Revision::get), Some(2));
    }

    #[test]
    fn counting_stops_at_the_end() {
        let last: Revision = u32::MAX.to_string().parse().expect("the largest revision is one");
        assert_eq!(last.next(), None);
    }

    #[test]
    fn refusal_has_its_code() {
        assert_eq!(
            "0".parse::<Revision>()
                .expect_err("revisions begin at 1")
                .code()
                .id,
            "SW0104"
        );
    }
}
