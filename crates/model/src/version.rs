//! The version of a published chart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::diagnose::Diagnose;

/// A semantic version 2.0.0, ordered by precedence.
///
/// Stricter than what Helm reads from a Chart.yaml (`v1.2` is a version there): it is what we publish, and an
/// index or a registry needs the strict form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChartVersion(semver::Version);

/// A text that is not a semantic version.
#[derive(Debug, thiserror::Error)]
#[error("chart version {text:?} is not a semantic version")]
pub struct Error {
    text: String,
    source: semver::Error,
}

impl ChartVersion {
    /// Whether it has a pre-release part, as `1.0.0-rc.1` has.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// The version as a Kubernetes label value and an OCI tag: `+` is not allowed there, Helm writes `_`.
    pub fn as_label(&self) -> String {
        self.0.to_string().replace('+', "_")
    }
}

impl FromStr for ChartVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|source| Error {
            text: text.to_owned(),
            source,
        })
    }
}

impl TryFrom<String> for ChartVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ChartVersion> for String {
    fn from(version: ChartVersion) -> String {
        version.to_string()
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::CHART_VERSION
    }

    fn hint(&self) -> Option<String> {
        let bare = self.text.trim().trim_start_matches(['v', 'V']);
        let padded = [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")];
        let version = padded.iter().find(|text| text.parse::<semver::Version>().is_ok());
        Some(match version {
            Some(version) => format!("write it as MAJOR.MINOR.PATCH, as semver.org says: `{version}`"),
            None => "write it as MAJOR.MINOR.PATCH, as semver.org says".into(),
        })
    }
}

impl fmt::Display for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str) -> String {
        let error = text.parse::<ChartVersion>().expect_err("the version is refused");
        assert_eq!(error.code().id, "SW0102");
        error.hint().expect("versions have hints")
    }

    #[test]
    fn versions_are_strict() {
        for text in ["1.2.3", "0.1.0-rc.1", "1.0.0+build.7"] {
            assert_eq!(
                text.parse::<ChartVersion>()
                    .expect("a semantic version")
                    .to_string(),
                text
            );
        }
        assert!(hint("v1.2.3").ends_with("`1.2.3`"));
        assert!(hint("1.2").ends_with("`1.2.0`"));
        assert!(hint("latest").ends_with("semver.org says"));
    }

    #[test]
    fn prereleases_come_before_their_release() {
        let version = |text: &str| text.parse::<ChartVersion>().expect("a semantic version");
        assert!(version("1.0.0-rc.1") < version("1.0.0"));
        assert!(version("1.9.0") < version("1.10.0"));
        assert!(version("1.0.0-rc.1").is_prerelease());
    }

    #[test]
    fn labels_have_no_plus() {
        assert_eq!(
            "1.0.0+7"
                .parse::<ChartVersion>()
                .expect("a semantic version")
                .as_label(),
            "1.0.0_7"
        );
    }
}
