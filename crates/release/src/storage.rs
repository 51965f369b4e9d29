//! The object in which a record lies: a Secret, or with Helm's other driver a ConfigMap.
//!
//! ```text
//! Secret     sh.helm.release.v1.NAME.vN   data.release = base64(base64(gzip(JSON)))
//! ConfigMap  sh.helm.release.v1.NAME.vN   data.release = base64(gzip(JSON))
//! ```
//!
//! Helm replaces the whole object when it updates a record: labels of the user stay, since it reads them as the
//! record's, but **annotations are dropped**. Nothing that must outlive an operation of helm may be kept there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use model::Revision;
use objects::meta;
use serde_json::{Map, Value, json};

use crate::encode;
use crate::error::{Error, Part, Unpack};
use crate::record::Record;

/// The type of a record's Secret.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// What the names of all records begin with.
const PREFIX: &str = "sh.helm.release.v1";

/// Labels that Helm sets and reads; the user may not.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// `MaxSecretSize` of Kubernetes, which counts the bytes of all data of a Secret or ConfigMap together.
pub const MAX_DATA: usize = 1 << 20;

/// How many of the largest parts an error names.
const NAMED_PARTS: usize = 5;

/// Where records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    #[default]
    Secret,
    ConfigMap,
}

/// What an object is written for; Helm labels it with the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Create(Timestamp),
    Update(Timestamp),
}

/// The name of the object that holds a revision.
#[must_use]
pub fn object_name(release: &str, revision: Revision) -> String {
    format!("{PREFIX}.{release}.v{revision}")
}

/// The selector that finds all records of a release.
#[must_use]
pub fn selector(release: &str) -> String {
    format!("name={release},owner=helm")
}

/// The Secret of a record.
///
/// # Errors
/// As [`to_object`].
pub fn to_secret(record: &Record, write: Write) -> Result<Value, Error> {
    to_object(record, Driver::Secret, write)
}

/// The object of a record. An update must bring the `resourceVersion` and whatever else of the live object is to stay.
///
/// # Errors
/// [`Error::TooLarge`] and [`Error::SystemLabel`].
pub fn to_object(record: &Record, driver: Driver, write: Write) -> Result<Value, Error> {
    let labels = labels(record, write)?;
    let packed = encode::pack(record, MAX_DATA)?;
    if packed.len() > MAX_DATA {
        return Err(Error::TooLarge {
            release: record.name.clone(),
            revision: record.revision,
            kind: driver.kind(),
            size: packed.len(),
            limit: MAX_DATA,
            parts: largest_parts(record),
        });
    }
    let metadata = json!({
        "name": object_name(&record.name, record.revision),
        "namespace": record.namespace,
        "labels": labels,
    });
    Ok(match driver {
        Driver::Secret => json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": SECRET_TYPE,
            "data": {"release": STANDARD.encode(packed)},
        }),
        Driver::ConfigMap => json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"release": packed},
        }),
    })
}

/// Reads the record out of a Secret or ConfigMap, or an item of a list of them, which has no kind.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn from_object(object: &Value) -> Result<Record, Error> {
    let driver = Driver::of(object);
    let unreadable = |source| Error::Unreadable {
        object: format!(
            "{} {}/{}",
            driver.kind(),
            meta::text_at(object, "/metadata/namespace"),
            meta::text_at(object, "/metadata/name")
        ),
        source,
    };
    let data = meta::text_at(object, "/data/release");
    if data.is_empty() {
        return Err(unreadable(Unpack::NoData));
    }
    let record = match driver {
        Driver::Secret => encode::decode(data.as_bytes()).and_then(|text| encode::unpack(&text)),
        Driver::ConfigMap => encode::unpack(data.as_bytes()),
    };
    let mut record = record.map_err(unreadable)?;
    record.labels = all_labels(object);
    record
        .labels
        .retain(|label, _| !SYSTEM_LABELS.contains(&label.as_str()));
    // Records of the first betas of Helm 3 have none of their own.
    if record.namespace.is_empty() {
        meta::text_at(object, "/metadata/namespace").clone_into(&mut record.namespace);
    }
    Ok(record)
}

/// All labels of a record's object, Helm's own included, as `get metadata` prints them.
#[must_use]
pub fn all_labels(object: &Value) -> BTreeMap<String, String> {
    let labels = meta::at(object, "/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    labels
        .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The user's labels of a new revision: those of the last one and `--labels` above them, where `null` takes one away.
///
/// # Errors
/// A label that Helm sets itself.
pub fn merge_labels(
    last: &Record,
    wanted: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    check_labels(&last.name, wanted)?;
    let mut labels = last.labels.clone();
    labels.extend(wanted.clone());
    labels.retain(|_, value| value != "null");
    Ok(labels)
}

/// Refuses labels that Helm sets itself.
///
/// # Errors
/// The first of them.
pub fn check_labels(release: &str, labels: &BTreeMap<String, String>) -> Result<(), Error> {
    let taken = labels
        .keys()
        .find(|label| SYSTEM_LABELS.contains(&label.as_str()));
    taken.map_or(Ok(()), |label| {
        Err(Error::SystemLabel {
            release: release.to_owned(),
            label: label.clone(),
        })
    })
}

/// The largest parts of a record, the largest first.
#[must_use]
pub fn largest_parts(record: &Record) -> Vec<Part> {
    let part = |name: &str, bytes| Part {
        name: name.to_owned(),
        bytes,
    };
    let size = |table: &Map<String, Value>| serde_json::to_string(table).map_or(0, |text| text.len());
    let mut parts = vec![
        part("manifest", record.manifest.len()),
        part("hooks", record.hooks.iter().map(|hook| hook.manifest.len()).sum()),
        part("notes", record.info.notes.len()),
        part("config", size(&record.config)),
    ];
    if let Some(chart) = &record.chart {
        let files = chart.templates.iter().chain(&chart.files);
        parts.extend(files.map(|file| part(&file.name, file.data.len())));
        parts.push(part("values", chart.values.as_ref().map_or(0, size)));
        parts.push(part(
            "values.schema.json",
            chart.schema.as_ref().map_or(0, String::len),
        ));
    }
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    parts.truncate(NAMED_PARTS);
    parts.retain(|part| part.bytes > 0);
    parts
}

impl Driver {
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// A Secret says its type, a ConfigMap has none.
    fn of(object: &Value) -> Self {
        match (meta::text(object, "kind"), meta::text(object, "type")) {
            ("ConfigMap", _) | ("", "") => Self::ConfigMap,
            _ => Self::Secret,
        }
    }
}

fn labels(record: &Record, write: Write) -> Result<Map<String, Value>, Error> {
    check_labels(&record.name, &record.labels)?;
    let user = record.labels.iter();
    let mut labels: Map<String, Value> = user
        .map(|(label, value)| (label.clone(), Value::from(value.as_str())))
        .collect();
    let (stamp, time) = match write {
        Write::Create(now) => ("createdAt", now),
        Write::Update(now) => ("modifiedAt", now),
    };
    let own = [
        ("name", record.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", record.info.status.to_string()),
        ("version", record.revision.to_string()),
        (stamp, time.as_second().to_string()),
    ];
    labels.extend(own.map(|(label, value)| (label.to_owned(), Value::from(value))));
    Ok(labels)
}
