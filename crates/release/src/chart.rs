//! The chart within a record, as Helm's JSON has it, and the way from and to a [`chart::Chart`].
//!
//! ```text
//! chart::Chart ──process dependencies──► StoredChart (no subcharts, no raw files) ──► chart::Chart with its defaults
//! ```
//!
//! Helm keeps only the root chart: its own templates and files, and as its values what stands after dependencies were
//! processed, those of subcharts within. That is enough for `get values --all` and `--reuse-values`, and not enough to
//! render again, which nobody does: a rollback takes the manifest.

mod convert;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::record::nullable;

/// `chart` of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredChart {
    #[serde(default)]
    pub metadata: Option<StoredMetadata>,
    #[serde(default)]
    pub lock: Option<StoredLock>,
    #[serde(default, deserialize_with = "nullable", serialize_with = "null_when_empty")]
    pub templates: Vec<StoredFile>,
    #[serde(default)]
    pub values: Option<Map<String, Value>>,
    /// `values.schema.json` in base64.
    #[serde(default)]
    pub schema: Option<String>,
    /// Helm 4's time of that file; times of other files are among what is not known.
    #[serde(default, rename = "schemamodtime", skip_serializing_if = "Option::is_none")]
    pub schema_time: Option<Value>,
    #[serde(default, deserialize_with = "nullable", serialize_with = "null_when_empty")]
    pub files: Vec<StoredFile>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A file of the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    pub name: String,
    /// In base64.
    #[serde(default, deserialize_with = "nullable")]
    pub data: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `Chart.yaml`, in the order in which Go prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMetadata {
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub home: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<StoredMaintainer>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub icon: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub api_version: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub tags: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub app_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub deprecated: bool,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kube_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<StoredDependency>,
    #[serde(
        default,
        rename = "type",
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kind: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredMaintainer {
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub email: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub url: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// One entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoredDependency {
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    #[serde(default, deserialize_with = "nullable")]
    pub repository: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<Value>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub alias: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `Chart.lock`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredLock {
    #[serde(default, deserialize_with = "nullable")]
    pub generated: String,
    #[serde(default, deserialize_with = "nullable")]
    pub digest: String,
    #[serde(default)]
    pub dependencies: Option<Vec<StoredDependency>>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl StoredChart {
    /// `name-version`, or `MISSING` as Helm says.
    #[must_use]
    pub fn label(chart: Option<&Self>) -> String {
        match chart.and_then(|chart| chart.metadata.as_ref()) {
            Some(metadata) => format!("{}-{}", metadata.name, metadata.version),
            None => "MISSING".to_owned(),
        }
    }

    /// `appVersion`, or `MISSING` as Helm says.
    #[must_use]
    pub fn app_version(chart: Option<&Self>) -> &str {
        match chart.and_then(|chart| chart.metadata.as_ref()) {
            Some(metadata) => &metadata.app_version,
            None => "MISSING",
        }
    }
}

/// A Go slice that nothing was put into.
fn null_when_empty<S: Serializer>(files: &[StoredFile], serializer: S) -> Result<S::Ok, S::Error> {
    match files {
        [] => serializer.serialize_none(),
        files => files.serialize(serializer),
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields by reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}
