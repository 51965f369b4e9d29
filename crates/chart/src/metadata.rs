//! `Chart.yaml` and `Chart.lock`, as Helm reads them.
//!
//! ```text
//! bytes ──yaml──► plain tree ──decode──► Metadata ──validate──► Metadata, cleaned
//! ```
//!
//! Field names match in any case, unknown fields are ignored, and numbers and booleans become text where
//! text belongs: that is how Helm's YAML library fills a struct.

mod decode;
mod view;

use std::collections::BTreeMap;

use yaml::Value;

pub use decode::ShapeError;
pub(crate) use decode::{api_version, first_unknown, json_kind, not_a_table};

use crate::go_text;
use crate::semver::Version;

/// `apiVersion` of charts that keep dependencies in `requirements.yaml`.
pub const API_V1: &str = "v1";
/// `apiVersion` of all others.
pub const API_V2: &str = "v2";

/// The contents of `Chart.yaml`. A missing text is empty, as in Go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Option<Maintainer>>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    /// `None` when the field is missing, which templates see as a nil map.
    pub annotations: Option<BTreeMap<String, String>>,
    pub kube_version: String,
    /// `None` when the field is missing: Helm then leaves the subcharts as they were found.
    pub dependencies: Option<Vec<Option<Dependency>>>,
    /// `application`, `library` or empty.
    pub kind: String,
}

/// Who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// One entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// The name of the chart; once dependencies were processed, its alias if it has one.
    pub name: String,
    /// A version or a range of them.
    pub version: String,
    pub repository: String,
    /// Paths of values, with commas between them; the first that is a boolean decides.
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    /// Strings, or tables with `child` and `parent`.
    pub import_values: Vec<Value>,
    pub alias: String,
}

/// `Chart.lock`: the versions that were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// When it was made, as written (RFC 3339).
    pub generated: String,
    pub digest: String,
    pub dependencies: Option<Vec<Option<Dependency>>>,
}

/// A rule of `Chart.yaml` that is broken, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation: {message}")]
pub struct Invalid {
    pub message: String,
}

impl Metadata {
    /// Puts the fields of a document into this one; fields it lacks stay as they are.
    ///
    /// # Errors
    /// The first field of the wrong type, after everything else was read.
    pub fn fill(&mut self, document: &Value) -> Result<(), ShapeError> {
        decode::metadata(self, document)
    }

    /// Cleans texts of control characters and checks what Helm checks when it loads a chart.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn validate(&mut self) -> Result<(), Invalid> {
        self.clean();
        self.check_identity()?;
        for maintainer in &mut self.maintainers {
            let Some(maintainer) = maintainer else {
                return invalid("maintainers must not contain empty or null nodes");
            };
            clean(&mut maintainer.name);
            clean(&mut maintainer.email);
            clean(&mut maintainer.url);
        }
        let mut seen = std::collections::BTreeSet::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            let Some(dependency) = dependency else {
                return invalid("dependencies must not contain empty or null nodes");
            };
            dependency.validate()?;
            let key = dependency.name_or_alias();
            if !seen.insert(key.to_owned()) {
                return invalid(format!(
                    "more than one dependency with name or alias {}",
                    go_text::quote(key)
                ));
            }
        }
        Ok(())
    }

    /// The declared dependencies; empty when there are none.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().flatten().flatten()
    }

    /// The table that templates see as `.Chart`.
    pub fn to_value(&self, is_root: bool) -> Value {
        view::metadata(self, is_root)
    }

    fn clean(&mut self) {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            clean(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(clean);
    }

    fn check_identity(&self) -> Result<(), Invalid> {
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required");
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required");
        }
        if self.name == "." || self.name == ".." {
            return invalid(format!(
                "chart.metadata.name {} is not allowed",
                go_text::quote(&self.name)
            ));
        }
        if self.name.contains('/') {
            return invalid(format!(
                "chart.metadata.name {} is invalid",
                go_text::quote(&self.name)
            ));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required");
        }
        if Version::parse(&self.version).is_err() {
            return invalid(format!(
                "chart.metadata.version {} is invalid",
                go_text::quote(&self.version)
            ));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library");
        }
        Ok(())
    }
}

impl Dependency {
    /// The name under which its values and its chart are found.
    pub fn name_or_alias(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }

    fn validate(&mut self) -> Result<(), Invalid> {
        for text in [
            &mut self.name,
            &mut self.version,
            &mut self.repository,
            &mut self.condition,
        ] {
            clean(text);
        }
        self.tags.iter_mut().for_each(clean);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !self.alias.bytes().all(allowed) {
            let name = go_text::quote(&self.name);
            return invalid(format!(
                "dependency {name} has disallowed characters in the alias"
            ));
        }
        Ok(())
    }
}

impl Lock {
    /// Reads the fields of a document.
    ///
    /// # Errors
    /// The first field of the wrong type.
    pub fn from_document(document: &Value) -> Result<Self, ShapeError> {
        decode::lock(document)
    }
}

/// Turns every space into U+0020 and drops what cannot be printed.
fn clean(text: &mut String) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| {
            if c.is_whitespace() {
                Some(' ')
            } else {
                go_text::is_print(c).then_some(c)
            }
        })
        .collect();
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid {
        message: message.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: v2\nname: a\nversion: 1.0.0\n";

    /// Expected texts come from `helm template` (4.1.4) of a chart with these lines in `Chart.yaml`.
    fn check(lines: &str, show: fn(&Metadata) -> String, expected: &str) {
        let key = format!("{}:", lines.split(':').next().unwrap_or(""));
        let base: String = GOOD
            .lines()
            .filter(|line| !line.starts_with(&key))
            .map(|l| format!("{l}\n"))
            .collect();
        let document =
            yaml::read(format!("{base}{lines}").as_bytes(), yaml::Numbers::Kept).expect("good YAML");
        let mut metadata = Metadata::default();
        let shown = match metadata.fill(&document) {
            Err(failed) => failed.to_string(),
            Ok(()) => metadata
                .validate()
                .map_or_else(|failed| failed.to_string(), |()| show(&metadata)),
        };
        assert_eq!(shown, expected, "{lines}");
    }

    #[test]
    fn scalars_become_text_where_text_belongs() {
        let check = |lines: &str, expected| check(lines, |chart| chart.app_version.clone(), expected);
        check("appVersion: 1.160", "1.16");
        check("appVersion: 1e3", "1000");
        check("appVersion: 0x10", "16");
        check("appVersion: true", "true");
        check("appVersion: 100000000", "100000000");
        check("appVersion: 12345678901234567890123", "1.2345679e+22");
        check("appVersion: 2024-01-01", "2024-01-01");
        check("AppVersion: x", "x");
    }

    #[test]
    fn texts_are_cleaned() {
        check("name: \"a\\tb\\x07c\"", |chart| chart.name.clone(), "a bc");
        check(
            "description: |\n  a\n  b\n",
            |chart| chart.description.clone(),
            "a b ",
        );
    }

    #[test]
    fn a_wrong_type_is_told_in_gos_words() {
        let check = |lines: &str, expected: &str| {
            let expected = format!("while decoding JSON: json: cannot unmarshal {expected}");
            check(lines, |_| "fine".to_owned(), &expected);
        };
        check(
            "appVersion: [1]",
            "array into Go struct field Metadata.appVersion of type string",
        );
        check(
            "keywords: x",
            "string into Go struct field Metadata.keywords of type []string",
        );
        check(
            "deprecated: 1",
            "number into Go struct field Metadata.deprecated of type bool",
        );
        check(
            "maintainers: [x]",
            "string into Go struct field Metadata.maintainers of type v2.Maintainer",
        );
        let field = "Dependency.dependencies.tags of type []string";
        check(
            "dependencies: [{name: x, tags: x}]",
            &format!("string into Go struct field {field}"),
        );
    }

    #[test]
    fn rules_are_told_in_helms_words() {
        let check = |lines: &str, expected: &str| {
            check(lines, |_| "fine".to_owned(), &format!("validation: {expected}"));
        };
        check("name: ''", "chart.metadata.name is required");
        check("name: ..", "chart.metadata.name \"..\" is not allowed");
        check("name: a/b", "chart.metadata.name \"a/b\" is invalid");
        check("version: a.b", "chart.metadata.version \"a.b\" is invalid");
        check(
            "type: other",
            "chart.metadata.type must be application or library",
        );
        check(
            "maintainers: [~]",
            "maintainers must not contain empty or null nodes",
        );
        let twice = "dependencies: [{name: b, version: 1.0.0}, {name: c, version: 1.0.0, alias: b}]";
        check(twice, "more than one dependency with name or alias \"b\"");
    }
}
