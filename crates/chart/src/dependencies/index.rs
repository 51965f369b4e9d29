//! Repository indexes: choosing a chart version from an `index.yaml` that somebody fetched.
//!
//! Also the other place a dependency may come from: a folder, named by `file://`.

use std::path::{Path, PathBuf};

use yaml::Value;

use crate::error::Error;
use crate::semver::{Constraint, Version};
use crate::values::Map;

/// Why a version could not be chosen, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("no chart name found")]
    NoName,
    #[error("no chart version found for {name}-{wanted}")]
    NoVersion { name: String, wanted: String },
    #[error("{0}")]
    Constraint(String),
}

/// A repository's charts, newest version first.
#[derive(Clone, Debug, Default)]
pub struct Index {
    charts: std::collections::BTreeMap<String, Vec<Entry>>,
}

/// One version of one chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub version: String,
    pub app_version: String,
    /// Where the archive is; relative ones start at the index.
    pub urls: Vec<String>,
    /// SHA-256 of the archive, in hexadecimal.
    pub digest: String,
    pub deprecated: bool,
    parsed: Option<Version>,
}

impl Index {
    /// Reads an `index.yaml`. Entries without a readable version come last.
    ///
    /// # Errors
    /// Bad YAML.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let document = yaml::read(bytes, yaml::Numbers::Kept)?;
        let mut index = Self::default();
        let Some(Value::Map(entries)) = field(&document, "entries") else {
            return Ok(index);
        };
        for (name, versions) in entries {
            let Value::Seq(versions) = versions else { continue };
            let mut versions: Vec<Entry> = versions.iter().filter_map(Entry::read).collect();
            versions.sort_by(|a, b| match (&a.parsed, &b.parsed) {
                (Some(a), Some(b)) => b.compare(a),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
            index.charts.insert(name.clone(), versions);
        }
        Ok(index)
    }

    /// The entry whose version is exactly `wanted`, else the newest that satisfies it; an empty wish takes the
    /// newest that is no prerelease.
    ///
    /// # Errors
    /// An unknown name, an unreadable constraint, or no version that satisfies it.
    pub fn choose(&self, name: &str, wanted: &str) -> Result<&Entry, ChoiceError> {
        let entries = self.charts.get(name).ok_or(ChoiceError::NoName)?;
        if let Some(exact) = entries
            .iter()
            .find(|entry| !wanted.is_empty() && entry.version == wanted)
        {
            return Ok(exact);
        }
        let range = if wanted.is_empty() { "*" } else { wanted };
        let constraint =
            Constraint::parse(range).map_err(|failed| ChoiceError::Constraint(failed.to_string()))?;
        let fits = |entry: &&Entry| {
            entry
                .parsed
                .as_ref()
                .is_some_and(|version| constraint.check(version))
        };
        entries.iter().find(fits).ok_or_else(|| ChoiceError::NoVersion {
            name: name.to_owned(),
            wanted: wanted.to_owned(),
        })
    }

    /// The names in the index, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.charts.keys().map(String::as_str)
    }
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let Value::Map(map) = value else { return None };
        let version = text(map, "version");
        let urls = match map.get("urls") {
            Some(Value::Seq(urls)) => urls.iter().filter_map(|url| match url {
                Value::String(url) => Some(url.clone()),
                _ => None,
            }),
            _ => return None,
        };
        Some(Self {
            parsed: Version::parse(&version).ok(),
            version,
            app_version: text(map, "appVersion"),
            urls: urls.collect(),
            digest: text(map, "digest"),
            deprecated: map.get("deprecated") == Some(&Value::Bool(true)),
        })
    }
}

/// The folder a `file://` repository means: absolute, or relative to the chart that depends on it.
pub fn local_folder(repository: &str, chart: &Path) -> Option<PathBuf> {
    let path = repository.strip_prefix("file://")?;
    Some(if path.starts_with('/') {
        PathBuf::from(path)
    } else {
        chart.join(path)
    })
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Map(map) => map.get(name),
        _ => None,
    }
}

fn text(map: &Map, name: &str) -> String {
    match map.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Float(number)) => crate::go_text::float32(*number),
        _ => String::new(),
    }
}
