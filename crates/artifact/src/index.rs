//! `index.yaml`, which stock helm reads as a repository: made from statements alone, the same bytes from the same ones.
//!
//! It is written as JSON, which is YAML too and what `helm repo index --json` writes there: helm reads it many times faster.
//! One version stands on a line, so that two indexes can be compared by eye. `created` and `generated` are times of
//! statements.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::ChartVersion;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::name::Name;
use crate::statement::Statement;

/// S3 takes a `+` of a path for a space.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'+').add(b'%').add(b' ');

/// The versions of a repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    charts: BTreeMap<String, BTreeMap<ChartVersion, Entry>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: Name,
    created: Timestamp,
    /// As helm has it.
    fields: Map<String, Value>,
}

impl Index {
    /// Reads what [`Index::to_bytes`] wrote. `None`: somebody else wrote it, and it has to be made anew.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let root: Value = serde_json::from_slice(bytes).ok()?;
        let mut index = Self::default();
        for (chart, entries) in root.get("entries")?.as_object()? {
            for fields in entries.as_array()? {
                index.insert(chart, Entry::read(fields.as_object()?)?)?;
            }
        }
        Some(index)
    }

    /// Adds a version, or puts another statement in the place of the one it had.
    pub fn add(&mut self, statement: &Statement) {
        let versions = self.charts.entry(statement.chart.to_string()).or_default();
        versions.insert(statement.version.clone(), Entry::of(statement));
    }

    /// The versions that it has.
    pub fn names(&self) -> BTreeSet<Name> {
        let entries = self.charts.values().flat_map(BTreeMap::values);
        entries.map(|entry| entry.name.clone()).collect()
    }

    /// Leaves only some versions.
    pub fn retain(&mut self, keep: impl Fn(&Name) -> bool) {
        for versions in self.charts.values_mut() {
            versions.retain(|_, entry| keep(&entry.name));
        }
        self.charts.retain(|_, versions| !versions.is_empty());
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let entries = self.charts.values().flat_map(BTreeMap::values);
        let generated = entries
            .map(|entry| entry.created)
            .max()
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let charts: Vec<String> = self
            .charts
            .iter()
            .map(|(chart, versions)| {
                // Newest first, as helm sorts them.
                let lines: Vec<String> = versions
                    .values()
                    .rev()
                    .map(|entry| Value::Object(entry.fields.clone()).to_string())
                    .collect();
                format!("{}:[\n{}\n]", Value::from(chart.as_str()), lines.join(",\n"))
            })
            .collect();
        let text = format!(
            "{{\"apiVersion\":\"v1\",\"generated\":\"{generated}\",\"entries\":{{\n{}\n}}}}\n",
            charts.join(",\n")
        );
        text.into_bytes()
    }

    fn insert(&mut self, chart: &str, entry: Entry) -> Option<()> {
        let version = entry.fields.get("version")?.as_str()?.parse().ok()?;
        let versions = self.charts.entry(chart.to_owned()).or_default();
        versions.insert(version, entry).is_none().then_some(())
    }
}

impl Entry {
    fn of(statement: &Statement) -> Self {
        let name = statement.name();
        let url = utf8_percent_encode(&name.package_key(), ESCAPED).to_string();
        let mut fields = statement.fields.clone();
        fields.insert("created".to_owned(), statement.time.to_string().into());
        fields.insert("digest".to_owned(), statement.digest.hex().into());
        fields.insert("urls".to_owned(), json!([url]));
        Self {
            name,
            created: statement.time,
            fields,
        }
    }

    fn read(fields: &Map<String, Value>) -> Option<Self> {
        let url = fields.get("urls")?.get(0)?.as_str()?;
        let key = percent_decode_str(url).decode_utf8().ok()?;
        Some(Self {
            name: Name::of_package(&key)?,
            created: fields.get("created")?.as_str()?.parse().ok()?,
            fields: fields.clone(),
        })
    }
}
