//! What a statement becomes in the hub: the spec of an `Artifact`, and the name it has.
//!
//! The name is made from the application and the version alone, so that everybody who looks writes the same object.

use kinds::{ArtifactSpec, Level, Origin};
use model::{ApplicationName, ChartVersion, Digest};

use crate::error::Error;
use crate::statement::Statement;

/// A name of Kubernetes has 253 characters at most, an application's 53.
const MAX_VERSION: usize = 150;

/// An author's limit in the hub, in characters.
const MAX_AUTHOR: usize = 320;

/// How many authors the hub has of a version.
const MAX_AUTHORS: usize = 100;

/// The name of the `Artifact` of a version.
///
/// It reads `APPLICATION-VERSION`. Of a version that can't stand in a name as it is (upper case, `+`, a part that ends with
/// `-`, too long) it has the three numbers and a part of its digest, so that two versions never share a name.
pub fn artifact_name(application: &ApplicationName, version: &ChartVersion) -> String {
    let text = version.to_string();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |part: &str| {
        part.bytes().all(|byte| is_plain(byte) || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if text.len() <= MAX_VERSION && text.split('.').all(is_label) {
        return format!("{application}-{text}");
    }
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let mark = Digest::of(text.as_bytes()).hex();
    format!("{application}-{numbers}-{}", mark.get(..8).unwrap_or(&mark))
}

impl Statement {
    /// The spec of the `Artifact` that an application has of this version.
    ///
    /// # Errors
    /// It was published by hand, and does not say of which source and commit it is.
    pub fn artifact(&self, application: &ApplicationName, location: String) -> Result<ArtifactSpec, Error> {
        let source = &self.source;
        if source.name.is_empty() || source.commit.is_empty() {
            return Err(Error::Statement {
                what: format!("the statement of {}", self.name()),
                problem: "does not say of which ChartSource and commit it is".into(),
            });
        }
        let verified = self.verification.as_ref();
        Ok(ArtifactSpec {
            application: application.to_string(),
            chart: self.chart.to_string(),
            version: self.version.to_string(),
            digest: self.digest.to_string(),
            location,
            origin: Origin {
                source: source.name.clone(),
                commit: source.commit.clone(),
                author: source.author.chars().take(MAX_AUTHOR).collect(),
                authors: named(&source.authors),
                others: source.others || source.authors.len() > MAX_AUTHORS,
                committed: source.committed.map(|committed| committed.to_string()),
                time: self.time.to_string(),
                verification: verified.map(|verified| verified.name.clone()),
                level: verified.and_then(|verified| highest(&verified.levels)),
                evidence: verified.and_then(|verified| verified.evidence).map(String::from),
            },
            blocked: None,
            irreversible: false,
        })
    }
}

/// The authors as the hub takes them.
fn named(authors: &[String]) -> Vec<String> {
    let author = |author: &String| author.chars().take(MAX_AUTHOR).collect();
    authors.iter().take(MAX_AUTHORS).map(author).collect()
}

/// The highest level of those that passed; one that a newer version added is passed over.
fn highest(passed: &[String]) -> Option<Level> {
    let level = |text: &String| match text.as_str() {
        "L1" => Some(Level::L1),
        "L2" => Some(Level::L2),
        "L3" => Some(Level::L3),
        _ => None,
    };
    passed.iter().filter_map(level).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: &str, expected: &str) {
        let application = "web".parse().expect("a name");
        assert_eq!(
            artifact_name(&application, &version.parse().expect("a version")),
            expected
        );
    }

    #[test]
    fn two_versions_never_share_a_name() {
        check("1.0.0", "web-1.0.0");
        check("1.0.0-7", "web-1.0.0-7");
        check("1.0.0+7", "web-1.0.0-06d353ce");
        check("1.0.0-rc.1", "web-1.0.0-rc.1");
        check("1.0.0-RC.1", "web-1.0.0-378f6448");
        check("1.0.0-rc-.1", "web-1.0.0-c4df43de");
        let long = format!("1.0.0-{}", "x".repeat(300));
        let name = artifact_name(
            &"a".repeat(53).parse().expect("a name"),
            &long.parse().expect("a version"),
        );
        assert!(name.len() <= 253, "{name}");
    }

    #[test]
    fn the_highest_level_that_passed_counts() {
        let level = |passed: &[&str]| {
            let passed: Vec<String> = passed.iter().map(|one| (*one).to_owned()).collect();
            highest(&passed)
        };
        assert_eq!(level(&["L1", "L2"]), Some(Level::L2));
        assert_eq!(level(&["L9", "L1"]), Some(Level::L1));
        assert_eq!(level(&[]), None);
    }
}
