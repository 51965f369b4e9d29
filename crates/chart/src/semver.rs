//! Semantic versions as Helm reads them: those of charts, of the cluster, and of `semver` in templates.
//!
//! The rules are those of the Go library Masterminds/semver 3.4: `v1.2` is read as `1.2.0`, leading zeros of the
//! three numbers are dropped, build metadata never takes part in a comparison. [`Constraint`] is the language of
//! `kubeVersion`, of dependencies and of `semverCompare`.

mod constraint;

use std::cmp::Ordering;
use std::fmt;

pub use constraint::{Constraint, ConstraintError};

/// One version. Two versions that differ in metadata compare as equal, so the order is [`Version::compare`]
/// and not `Ord`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// What follows `-`, without it.
    pub prerelease: String,
    /// What follows `+`, without it.
    pub metadata: String,
    /// The text that was read.
    pub original: String,
}

/// Why a text is no version, in the words Helm's users know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("invalid semantic version")]
    Invalid,
    #[error("version string empty")]
    Empty,
    #[error("invalid characters in version")]
    Characters,
    #[error("version segment starts with 0")]
    LeadingZero,
    #[error("invalid metadata string")]
    Metadata,
    #[error("invalid prerelease string")]
    Prerelease,
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    Range(String),
}

/// The parts of a text that looks like a version, before their meaning is checked. In a constraint the numbers
/// may be wildcards.
#[derive(Clone, Copy, Debug, Default)]
struct Parts<'a> {
    major: &'a str,
    minor: Option<&'a str>,
    patch: Option<&'a str>,
    prerelease: &'a str,
    metadata: &'a str,
}

impl Version {
    /// Reads a version leniently: an optional `v`, missing minor and patch, leading zeros.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::LeadingZero`] in a numeric part of the prerelease, [`Error::Range`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (parts, rest) = Parts::longest(text, |byte| byte.is_ascii_digit()).ok_or(Error::Invalid)?;
        if !rest.is_empty() {
            return Err(Error::Invalid);
        }
        if parts.prerelease.split('.').any(has_leading_zero) {
            return Err(Error::LeadingZero);
        }
        Ok(Self {
            major: number(parts.major)?,
            minor: parts.minor.map_or(Ok(0), number)?,
            patch: parts.patch.map_or(Ok(0), number)?,
            prerelease: parts.prerelease.to_owned(),
            metadata: parts.metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// Reads a version as the specification of semantic versions demands it.
    ///
    /// # Errors
    /// Everything [`Version::parse`] would mend.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let mut segments = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (segments.next(), segments.next(), segments.next())
        else {
            return Err(Error::Invalid);
        };
        let (rest, metadata) = rest
            .split_once('+')
            .map_or((rest, None), |(rest, meta)| (rest, Some(meta)));
        let (patch, prerelease) = rest
            .split_once('-')
            .map_or((rest, None), |(patch, pre)| (patch, Some(pre)));
        for segment in [major, minor, patch] {
            if !segment.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Error::Characters);
            }
            if has_leading_zero(segment) {
                return Err(Error::LeadingZero);
            }
        }
        let prerelease = prerelease.unwrap_or_default();
        let metadata = metadata.unwrap_or_default();
        check_prerelease(prerelease)?;
        check_metadata(metadata)?;
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// Orders by the three numbers, then by prerelease; a release comes after its prereleases.
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(
                || match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (false, false) => compare_prerelease(&self.prerelease, &other.prerelease),
                },
            )
    }

    /// The next patch, or the release of this prerelease.
    #[must_use]
    pub fn next_patch(&self) -> Self {
        let released = self.prerelease.is_empty() && self.metadata.is_empty();
        self.bumped(
            self.major,
            self.minor,
            self.patch.wrapping_add(u64::from(released)),
        )
    }

    #[must_use]
    pub fn next_minor(&self) -> Self {
        self.bumped(self.major, self.minor.wrapping_add(1), 0)
    }

    #[must_use]
    pub fn next_major(&self) -> Self {
        self.bumped(self.major.wrapping_add(1), 0, 0)
    }

    /// The same version with another prerelease.
    ///
    /// # Errors
    /// A prerelease that the specification does not allow.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, Error> {
        check_prerelease(prerelease)?;
        let mut changed = Self {
            prerelease: prerelease.to_owned(),
            ..self.clone()
        };
        changed.original = self.spelled(&changed);
        Ok(changed)
    }

    /// The same version with other metadata.
    ///
    /// # Errors
    /// Metadata that the specification does not allow.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, Error> {
        check_metadata(metadata)?;
        let mut changed = Self {
            metadata: metadata.to_owned(),
            ..self.clone()
        };
        changed.original = self.spelled(&changed);
        Ok(changed)
    }

    fn bumped(&self, major: u64, minor: u64, patch: u64) -> Self {
        let mut next = Self {
            major,
            minor,
            patch,
            prerelease: String::new(),
            metadata: String::new(),
            original: String::new(),
        };
        next.original = self.spelled(&next);
        next
    }

    /// How `changed` is spelled when it descends from this version: with its `v`, if there is one.
    fn spelled(&self, changed: &Self) -> String {
        format!(
            "{}{changed}",
            if self.original.starts_with('v') { "v" } else { "" }
        )
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl<'a> Parts<'a> {
    /// Reads the longest version at the start of a text, and what follows it. `digit` says what the three
    /// numbers may be made of.
    fn longest(text: &'a str, digit: impl Fn(u8) -> bool + Copy) -> Option<(Self, &'a str)> {
        let (major, rest) = run(text.strip_prefix('v').unwrap_or(text), digit)?;
        let mut parts = Self {
            major,
            ..Self::default()
        };
        let mut rest = rest;
        if let Some((minor, behind)) = rest.strip_prefix('.').and_then(|behind| run(behind, digit)) {
            (parts.minor, rest) = (Some(minor), behind);
            if let Some((patch, behind)) = rest.strip_prefix('.').and_then(|behind| run(behind, digit)) {
                (parts.patch, rest) = (Some(patch), behind);
            }
        }
        if let Some((prerelease, behind)) = rest.strip_prefix('-').and_then(identifiers) {
            (parts.prerelease, rest) = (prerelease, behind);
        }
        if let Some((metadata, behind)) = rest.strip_prefix('+').and_then(identifiers) {
            (parts.metadata, rest) = (metadata, behind);
        }
        Some((parts, rest))
    }
}

/// Splits off the non-empty run of bytes that `member` accepts, all of them ASCII.
fn run(text: &str, member: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !member(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Splits off identifiers joined by dots.
fn identifiers(text: &str) -> Option<(&str, &str)> {
    let (first, mut rest) = run(text, is_identifier)?;
    let mut end = first.len();
    while let Some((next, behind)) = rest
        .strip_prefix('.')
        .and_then(|behind| run(behind, is_identifier))
    {
        end += 1 + next.len();
        rest = behind;
    }
    Some(text.split_at(end))
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_numeric(identifier)
}

fn number(digits: &str) -> Result<u64, Error> {
    digits.parse().map_err(|_| {
        if digits.is_empty() {
            Error::Characters
        } else {
            Error::Range(digits.to_owned())
        }
    })
}

fn check_prerelease(prerelease: &str) -> Result<(), Error> {
    for identifier in prerelease.split('.') {
        if has_leading_zero(identifier) {
            return Err(Error::LeadingZero);
        }
        if !identifier.bytes().all(is_identifier) {
            return Err(Error::Prerelease);
        }
    }
    Ok(())
}

fn check_metadata(metadata: &str) -> Result<(), Error> {
    let valid = metadata.bytes().all(|byte| is_identifier(byte) || byte == b'.');
    if valid { Ok(()) } else { Err(Error::Metadata) }
}

/// Compares identifier by identifier; the shorter list comes first when it is a prefix of the other.
fn compare_prerelease(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_identifier(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers by value and before words; a number too long for 64 bits counts as a word.
fn compare_identifier(left: &str, right: &str) -> Ordering {
    let value = |identifier: &str| identifier.parse::<u64>().ok().filter(|_| is_numeric(identifier));
    match (value(left), value(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let got = Version::parse(text)
            .map(|version| version.to_string())
            .map_err(|error| error.to_string());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn lenient_reading_mends_what_helm_mends() {
        check("1", Ok("1.0.0"));
        check("1.2", Ok("1.2.0"));
        check("v1.2.3", Ok("1.2.3"));
        check("01.02.03", Ok("1.2.3"));
        check("1.2-alpha", Ok("1.2.0-alpha"));
        check("1-alpha+meta", Ok("1.0.0-alpha+meta"));
        check("1.2.3-rc.1+build.5", Ok("1.2.3-rc.1+build.5"));
        check("v1.30.0-eks-a123", Ok("1.30.0-eks-a123"));
        check("1.2.3-0a", Ok("1.2.3-0a"));
        check("1.2.3+01", Ok("1.2.3+01"));
        check("18446744073709551615.0.0", Ok("18446744073709551615.0.0"));
    }

    #[test]
    fn what_is_no_version_is_refused_in_helms_words() {
        let invalid = Err("invalid semantic version");
        for text in [
            "", "a", "v", "V1", "1.2.3.4", "1.2.x", "1..2", "1.", " 1", "1 ", "1\n", "1-", "1+", "1-a..b",
        ] {
            check(text, invalid);
        }
        check("1.2.3-a_b", invalid);
        check("1.2.3-é", invalid);
        check("1.2.3-alpha.01", Err("version segment starts with 0"));
        check(
            "18446744073709551616.0.0",
            Err(
                "error parsing version segment: strconv.ParseUint: parsing \"18446744073709551616\": \
                 value out of range",
            ),
        );
    }

    #[test]
    fn strict_reading_mends_nothing() {
        let strict = |text: &str| Version::parse_strict(text).map(|version| version.to_string());
        assert_eq!(strict("1.2.3-a-b.1+x.y"), Ok("1.2.3-a-b.1+x.y".to_owned()));
        assert_eq!(strict(""), Err(Error::Empty));
        assert_eq!(strict("1.2"), Err(Error::Invalid));
        assert_eq!(strict("v1.2.3"), Err(Error::Characters));
        assert_eq!(strict("1.02.3"), Err(Error::LeadingZero));
        assert_eq!(strict("1.2.3-01"), Err(Error::LeadingZero));
        assert_eq!(strict("1.2.3-a_b"), Err(Error::Prerelease));
        assert_eq!(strict("1.2.3+a_b"), Err(Error::Metadata));
        assert_eq!(strict("1..3"), Err(Error::Characters));
    }

    #[test]
    fn versions_order_by_the_specification() {
        let ascending = [
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.1.0",
            "2.0.0",
        ];
        for (index, low) in ascending.iter().enumerate() {
            for high in &ascending[index + 1..] {
                let (low, high) = (Version::parse(low).unwrap(), Version::parse(high).unwrap());
                assert_eq!(low.compare(&high), Ordering::Less, "{low} {high}");
                assert_eq!(high.compare(&low), Ordering::Greater, "{high} {low}");
            }
        }
        let metadata = Version::parse("1.0.0+b").unwrap();
        assert_eq!(
            metadata.compare(&Version::parse("1.0.0+a").unwrap()),
            Ordering::Equal
        );
    }

    #[test]
    fn bumping_keeps_the_spelling_of_the_prefix() {
        let version = Version::parse("v1.2.3-rc.1+x").unwrap();
        assert_eq!(version.next_patch().original, "v1.2.3");
        assert_eq!(version.next_minor().original, "v1.3.0");
        assert_eq!(version.next_major().original, "v2.0.0");
        assert_eq!(version.next_patch().next_patch().to_string(), "1.2.4");
        assert_eq!(version.with_prerelease("a").unwrap().original, "v1.2.3-a+x");
        assert_eq!(version.with_metadata("").unwrap().original, "v1.2.3-rc.1");
        assert_eq!(version.with_prerelease("01"), Err(Error::LeadingZero));
    }
}
