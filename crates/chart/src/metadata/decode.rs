//! Filling Go structs from a plain tree, with the mistakes Go reports.
//!
//! `encoding/json` goes on after a field of the wrong type and reports the first in the end; keys come sorted.
//! Before that, Helm's YAML library turns scalars into text wherever the struct wants text.

use std::collections::BTreeMap;

use yaml::Value;

use super::{Dependency, Lock, Maintainer, Metadata};
use crate::go_text;

/// The fields of `Chart.yaml`, in lower case, but for the two that are lists of tables.
const METADATA_FIELDS: [&str; 15] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "icon",
    "apiversion",
    "condition",
    "tags",
    "appversion",
    "deprecated",
    "annotations",
    "kubeversion",
    "type",
];

const MAINTAINER_FIELDS: [&str; 3] = ["name", "email", "url"];

const DEPENDENCY_FIELDS: [&str; 8] = [
    "name",
    "version",
    "repository",
    "condition",
    "tags",
    "enabled",
    "import-values",
    "alias",
];

/// Why a document does not fit the struct it is read into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("while decoding JSON: {message}")]
pub struct ShapeError {
    pub message: String,
}

/// The document must be a table of values.
pub(crate) fn not_a_table(value: &Value) -> ShapeError {
    ShapeError {
        message: format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_kind(value)
        ),
    }
}

/// Reads `apiVersion` alone, as Helm 4 does before it picks a loader.
pub(crate) fn api_version(document: &Value) -> Result<String, ShapeError> {
    let mut version = String::new();
    let mut decoder = Decoder::default();
    decoder.table(
        document,
        Place {
            name: "loader.chartBase",
            path: "",
        },
        |decoder, field, value| {
            if field == "apiversion" {
                decoder.text(&mut version, value, "chartBase", "apiVersion");
            }
        },
    );
    decoder.finish(version)
}

/// The first field that `Chart.yaml` does not have, in the order of keys.
pub(crate) fn first_unknown(document: &Value) -> Option<String> {
    let Value::Map(map) = document else { return None };
    map.iter()
        .find_map(|(key, value)| match key.to_ascii_lowercase().as_str() {
            "maintainers" => unknown_in(value, &MAINTAINER_FIELDS),
            "dependencies" => unknown_in(value, &DEPENDENCY_FIELDS),
            name if METADATA_FIELDS.contains(&name) => None,
            _ => Some(key.clone()),
        })
}

fn unknown_in(list: &Value, known: &[&str]) -> Option<String> {
    let Value::Seq(items) = list else { return None };
    let tables = items.iter().filter_map(|item| match item {
        Value::Map(map) => Some(map),
        _ => None,
    });
    tables
        .flat_map(|map| map.keys())
        .find(|key| !known.contains(&key.to_ascii_lowercase().as_str()))
        .cloned()
}

pub(super) fn metadata(chart: &mut Metadata, document: &Value) -> Result<(), ShapeError> {
    let mut decoder = Decoder::default();
    decoder.table(
        document,
        Place {
            name: "v2.Metadata",
            path: "",
        },
        |decoder, field, value| {
            decoder.metadata_field(chart, field, value);
        },
    );
    decoder.finish(())
}

pub(super) fn lock(document: &Value) -> Result<Lock, ShapeError> {
    let mut lock = Lock::default();
    let mut decoder = Decoder::default();
    decoder.table(
        document,
        Place {
            name: "v2.Lock",
            path: "",
        },
        |decoder, field, value| match field {
            "generated" => decoder.time(&mut lock.generated, value),
            "digest" => decoder.text(&mut lock.digest, value, "Lock", "digest"),
            "dependencies" => decoder.dependencies(&mut lock.dependencies, value, "Lock"),
            _ => {}
        },
    );
    decoder.finish(lock)
}

/// Collects the first mistake.
#[derive(Default)]
struct Decoder {
    first: Option<String>,
}

/// What a table is read into: Go's name of the type, and the path of the field that holds it.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    path: &'a str,
}

impl Decoder {
    fn finish<T>(self, value: T) -> Result<T, ShapeError> {
        self.first
            .map_or(Ok(value), |message| Err(ShapeError { message }))
    }

    fn metadata_field(&mut self, chart: &mut Metadata, field: &str, value: &Value) {
        let of = "Metadata";
        match field {
            "name" => self.text(&mut chart.name, value, of, "name"),
            "home" => self.text(&mut chart.home, value, of, "home"),
            "sources" => self.texts(&mut chart.sources, value, of, "sources"),
            "version" => self.text(&mut chart.version, value, of, "version"),
            "description" => self.text(&mut chart.description, value, of, "description"),
            "keywords" => self.texts(&mut chart.keywords, value, of, "keywords"),
            "maintainers" => self.maintainers(&mut chart.maintainers, value),
            "icon" => self.text(&mut chart.icon, value, of, "icon"),
            "apiversion" => self.text(&mut chart.api_version, value, of, "apiVersion"),
            "condition" => self.text(&mut chart.condition, value, of, "condition"),
            "tags" => self.text(&mut chart.tags, value, of, "tags"),
            "appversion" => self.text(&mut chart.app_version, value, of, "appVersion"),
            "deprecated" => self.boolean(&mut chart.deprecated, value, of, "deprecated"),
            "annotations" => self.annotations(&mut chart.annotations, value),
            "kubeversion" => self.text(&mut chart.kube_version, value, of, "kubeVersion"),
            "dependencies" => self.dependencies(&mut chart.dependencies, value, of),
            "type" => self.text(&mut chart.kind, value, of, "type"),
            _ => {}
        }
    }

    fn dependency_field(&mut self, dependency: &mut Dependency, field: &str, value: &Value) {
        let of = "Dependency";
        match field {
            "name" => self.text(&mut dependency.name, value, of, "dependencies.name"),
            "version" => self.text(&mut dependency.version, value, of, "dependencies.version"),
            "repository" => self.text(&mut dependency.repository, value, of, "dependencies.repository"),
            "condition" => self.text(&mut dependency.condition, value, of, "dependencies.condition"),
            "tags" => self.texts(&mut dependency.tags, value, of, "dependencies.tags"),
            "enabled" => self.boolean(&mut dependency.enabled, value, of, "dependencies.enabled"),
            "import-values" => self.anything(&mut dependency.import_values, value),
            "alias" => self.text(&mut dependency.alias, value, of, "dependencies.alias"),
            _ => {}
        }
    }

    /// Calls `each` with the lower-case name and the value of every field.
    fn table(&mut self, value: &Value, place: Place<'_>, mut each: impl FnMut(&mut Self, &str, &Value)) {
        match value {
            Value::Null => {}
            Value::Map(map) => {
                for (key, value) in map {
                    each(self, &key.to_ascii_lowercase(), value);
                }
            }
            other if place.path.is_empty() => {
                let message = format!(
                    "json: cannot unmarshal {} into Go value of type {}",
                    json_kind(other),
                    place.name
                );
                self.first.get_or_insert(message);
            }
            other => self.mismatch(other, "Metadata", place.path, place.name),
        }
    }

    fn text(&mut self, slot: &mut String, value: &Value, of: &str, path: &str) {
        match value {
            Value::Null => {}
            Value::String(text) => slot.clone_from(text),
            Value::Bool(yes) => *slot = yes.to_string(),
            Value::Int(number) => *slot = number.to_string(),
            Value::Float(number) => *slot = go_text::float32(*number),
            other => self.mismatch(other, of, path, "string"),
        }
    }

    fn texts(&mut self, slot: &mut Vec<String>, value: &Value, of: &str, path: &str) {
        match value {
            Value::Null => slot.clear(),
            Value::Seq(items) => {
                slot.resize(items.len(), String::new());
                for (text, item) in slot.iter_mut().zip(items) {
                    self.text(text, item, of, path);
                }
            }
            other => self.mismatch(other, of, path, "[]string"),
        }
    }

    fn boolean(&mut self, slot: &mut bool, value: &Value, of: &str, path: &str) {
        match value {
            Value::Null => {}
            Value::Bool(yes) => *slot = *yes,
            other => self.mismatch(other, of, path, "bool"),
        }
    }

    fn annotations(&mut self, slot: &mut Option<BTreeMap<String, String>>, value: &Value) {
        match value {
            Value::Null => *slot = None,
            Value::Map(map) => {
                let annotations = slot.get_or_insert_with(BTreeMap::new);
                for (key, value) in map {
                    let mut text = String::new();
                    self.text(&mut text, value, "Metadata", "annotations");
                    annotations.insert(key.clone(), text);
                }
            }
            other => self.mismatch(other, "Metadata", "annotations", "map[string]string"),
        }
    }

    fn maintainers(&mut self, slot: &mut Vec<Option<Maintainer>>, value: &Value) {
        let Value::Seq(items) = value else {
            if *value == Value::Null {
                slot.clear();
            } else {
                self.mismatch(value, "Metadata", "maintainers", "[]*v2.Maintainer");
            }
            return;
        };
        slot.resize(items.len(), None);
        for (maintainer, item) in slot.iter_mut().zip(items) {
            if *item == Value::Null {
                *maintainer = None;
                continue;
            }
            let maintainer = maintainer.get_or_insert_with(Maintainer::default);
            let place = Place {
                name: "v2.Maintainer",
                path: "maintainers",
            };
            self.table(item, place, |decoder, field, value| {
                let of = "Maintainer";
                match field {
                    "name" => decoder.text(&mut maintainer.name, value, of, "maintainers.name"),
                    "email" => decoder.text(&mut maintainer.email, value, of, "maintainers.email"),
                    "url" => decoder.text(&mut maintainer.url, value, of, "maintainers.url"),
                    _ => {}
                }
            });
        }
    }

    fn dependencies(&mut self, slot: &mut Option<Vec<Option<Dependency>>>, value: &Value, of: &str) {
        let Value::Seq(items) = value else {
            if *value == Value::Null {
                *slot = None;
            } else {
                self.mismatch(value, of, "dependencies", "[]*v2.Dependency");
            }
            return;
        };
        // Go fills the elements that are there already, so requirements.yaml adds to what Chart.yaml said.
        let dependencies = slot.get_or_insert_with(Vec::new);
        dependencies.resize(items.len(), None);
        for (dependency, item) in dependencies.iter_mut().zip(items) {
            if *item == Value::Null {
                *dependency = None;
                continue;
            }
            let dependency = dependency.get_or_insert_with(Dependency::default);
            let place = Place {
                name: "v2.Dependency",
                path: "dependencies",
            };
            self.table(item, place, |decoder, field, value| {
                decoder.dependency_field(dependency, field, value);
            });
        }
    }

    fn anything(&mut self, slot: &mut Vec<Value>, value: &Value) {
        match value {
            Value::Null => slot.clear(),
            Value::Seq(items) => slot.clone_from(items),
            other => self.mismatch(
                other,
                "Dependency",
                "dependencies.import-values",
                "[]interface {}",
            ),
        }
    }

    /// A `time.Time`, kept as text; only its shape is checked.
    fn time(&mut self, slot: &mut String, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) if looks_like_time(text) => slot.clone_from(text),
            Value::String(text) => {
                let text = go_text::quote(text);
                let message = format!(
                    "parsing time {text} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text} as \"2006\""
                );
                self.first.get_or_insert(message);
            }
            _ => {
                self.first
                    .get_or_insert_with(|| "Time.UnmarshalJSON: input is not a JSON string".to_owned());
            }
        }
    }

    fn mismatch(&mut self, value: &Value, of: &str, path: &str, wanted: &str) {
        self.first.get_or_insert_with(|| {
            let kind = json_kind(value);
            format!("json: cannot unmarshal {kind} into Go struct field {of}.{path} of type {wanted}")
        });
    }
}

/// JSON's name of a value's type.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}

/// `2006-01-02T15:04:05`, then a fraction and a zone.
fn looks_like_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    bytes.len() > shape.len()
        && bytes.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
        && (text.ends_with('Z')
            || bytes[shape.len()..]
                .iter()
                .any(|byte| matches!(byte, b'+' | b'-')))
}
