//! The name of a published version, `NAME-VERSION`, and the keys of the objects that belong to it.
//!
//! An event carries such a name and nothing else that is believed. Which chart and version it is stands in the statement:
//! `a-1.0.0-2.0.0` could be cut in two places, and is not.

use std::fmt;

use model::{ChartName, ChartVersion, Digest};

/// Chart names have at most 250 characters, versions are not limited; S3 takes 1,024 bytes for a whole key.
const MAX_LENGTH: usize = 512;

pub(crate) const INDEX: &str = "index.yaml";
pub(crate) const CHARTS: &str = "charts/";
pub(crate) const EVIDENCE: &str = "evidence/sha256/";
pub(crate) const GONE: &str = "gone/";
const PACKAGE_END: &str = ".tgz";
const STATEMENT_END: &str = ".tgz.json";

/// `NAME-VERSION`, as the objects of a published version are named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    pub fn new(chart: &ChartName, version: &ChartVersion) -> Self {
        Self(format!("{chart}-{version}"))
    }

    /// Reads `NAME-VERSION`, as people write it.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        let fits = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    /// The version that a statement's key, as in an event or a listing, belongs to.
    pub(crate) fn of_statement(key: &str) -> Option<Self> {
        Self::parse(key.strip_prefix(CHARTS)?.strip_suffix(STATEMENT_END)?)
    }

    pub(crate) fn of_package(key: &str) -> Option<Self> {
        Self::parse(key.strip_prefix(CHARTS)?.strip_suffix(PACKAGE_END)?)
    }

    /// `charts/NAME-VERSION.tgz`
    pub fn package_key(&self) -> String {
        format!("{CHARTS}{}", self.file())
    }

    /// `charts/NAME-VERSION.tgz.json`
    pub fn statement_key(&self) -> String {
        format!("{CHARTS}{self}{STATEMENT_END}")
    }

    /// Where the statement of a version stays that was deleted, so that its name is not given again.
    pub(crate) fn gone_key(&self) -> String {
        format!("{GONE}{self}{STATEMENT_END}")
    }

    /// `NAME-VERSION.tgz`
    pub fn file(&self) -> String {
        format!("{self}{PACKAGE_END}")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `evidence/sha256/HEX`
pub(crate) fn evidence_key(digest: &Digest) -> String {
    format!("{EVIDENCE}{}", digest.hex())
}

pub(crate) fn of_evidence(key: &str) -> Option<Digest> {
    format!("sha256:{}", key.strip_prefix(EVIDENCE)?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_are_looked_at() {
        for (key, expected) in [
            ("charts/web-1.0.0.tgz.json", Some("web-1.0.0")),
            ("charts/web-1.0.0+7.tgz.json", Some("web-1.0.0+7")),
            ("charts/web-1.0.0.tgz", None),
            ("charts/a/web-1.0.0.tgz.json", None),
            ("charts/.tgz.json", None),
            ("charts/w b-1.0.0.tgz.json", None),
            ("index.yaml", None),
        ] {
            let name = Name::of_statement(key);
            assert_eq!(name.as_ref().map(Name::as_str), expected, "{key}");
            assert!(name.is_none_or(|name| name.statement_key() == key));
        }
        assert_eq!(Name::of_package("charts/web-1.0.0.tgz.json"), None);
        assert_eq!(Name::parse(&"x".repeat(MAX_LENGTH + 1)), None);
    }
}
