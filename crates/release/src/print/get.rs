//! `helm get values`, `manifest`, `hooks`, `notes` and `metadata`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Format;
use crate::chart::StoredDependency;
use crate::error::Error;
use crate::record::{ApplyMethod, Record};
use crate::values as reuse;

/// Go's `time.RFC3339`.
const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    chart: &'a str,
    version: &'a str,
    app_version: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dependencies: &'a [StoredDependency],
    namespace: &'a str,
    revision: u32,
    status: &'a str,
    deployed_at: String,
    #[serde(skip_serializing_if = "ApplyMethod::is_unset")]
    apply_method: ApplyMethod,
}

/// Prints the given values, or with `all` those that the chart was rendered with.
///
/// # Errors
/// A chart in the record that can't be read, with `all`.
pub fn values(record: &Record, all: bool, format: Format) -> Result<String, Error> {
    let (values, title) = if all {
        let values = reuse::to_json(&reuse::all(record)?)?;
        (Value::Object(values), "COMPUTED VALUES:")
    } else {
        (given(record), "USER-SUPPLIED VALUES:")
    };
    Ok(match format {
        Format::Json => super::json(&values),
        Format::Yaml => super::yaml(&values),
        Format::Table => format!("{title}\n{}", super::yaml(&values)),
    })
}

/// Prints what was installed.
#[must_use]
pub fn manifest(record: &Record) -> String {
    format!("{}\n", record.manifest)
}

/// Prints the hooks.
#[must_use]
pub fn hooks(record: &Record) -> String {
    let hooks = record.hooks.iter();
    hooks
        .map(|hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest))
        .collect()
}

/// Prints the notes, if there are any.
#[must_use]
pub fn notes(record: &Record) -> String {
    match record.info.notes.as_str() {
        "" => String::new(),
        notes => format!("NOTES:\n{notes}\n"),
    }
}

/// Prints the metadata. Helm shows all labels of the object for the last revision, its own included
/// ([`crate::storage::all_labels`]), and the user's ([`Record::labels`]) for one that was asked for by number.
#[must_use]
pub fn metadata(
    record: &Record,
    labels: &BTreeMap<String, String>,
    format: Format,
    zone: &TimeZone,
) -> String {
    let empty = crate::chart::StoredMetadata::default();
    let chart = record
        .chart
        .as_ref()
        .and_then(|chart| chart.metadata.as_ref())
        .unwrap_or(&empty);
    let deployed = record.info.last_deployed;
    let metadata = Metadata {
        name: &record.name,
        chart: &chart.name,
        version: &chart.version,
        app_version: &chart.app_version,
        annotations: &chart.annotations,
        labels,
        dependencies: &chart.dependencies,
        namespace: &record.namespace,
        revision: record.revision.get(),
        status: record.info.status.as_str(),
        deployed_at: deployed.map_or_else(
            || "0001-01-01T00:00:00Z".to_owned(),
            |time| time.as_written(zone, RFC3339),
        ),
        apply_method: record.apply_method,
    };
    match format {
        Format::Json => super::json(&metadata),
        Format::Yaml => super::yaml(&metadata),
        Format::Table => metadata_lines(&metadata),
    }
}

/// The given values; none are null in Go.
pub(super) fn given(record: &Record) -> Value {
    if record.config.is_empty() {
        return Value::Null;
    }
    Value::Object(as_go_reads(&record.config))
}

/// Values with every number as `float64`, as Go reads them out of a record.
pub(super) fn as_go_reads(values: &Map<String, Value>) -> Map<String, Value> {
    // Numbers out of JSON are finite.
    reuse::to_json(&reuse::from_json(values)).unwrap_or_default()
}

fn metadata_lines(metadata: &Metadata<'_>) -> String {
    let pairs = |table: &BTreeMap<String, String>| {
        let pairs: Vec<String> = table
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join(",")
    };
    let mut names: Vec<&str> = metadata
        .dependencies
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    names.sort_unstable();
    let method = match metadata.apply_method {
        ApplyMethod::ServerSide => "server-side apply",
        ApplyMethod::ClientSide => "client-side apply",
        ApplyMethod::Unset => "client-side apply (defaulted)",
    };
    let lines = [
        ("NAME", metadata.name),
        ("CHART", metadata.chart),
        ("VERSION", metadata.version),
        ("APP_VERSION", metadata.app_version),
        ("ANNOTATIONS", &pairs(metadata.annotations)),
        ("LABELS", &pairs(metadata.labels)),
        ("DEPENDENCIES", &names.join(",")),
        ("NAMESPACE", metadata.namespace),
        ("REVISION", &metadata.revision.to_string()),
        ("STATUS", metadata.status),
        ("DEPLOYED_AT", &metadata.deployed_at),
        ("APPLY_METHOD", method),
    ];
    lines.map(|(name, value)| format!("{name}: {value}\n")).concat()
}
