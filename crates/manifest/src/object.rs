//! One object of a release.

use std::borrow::Cow;

use objects::{Key, Kind, meta};
use serde_json::Value;

/// One object of a release, as its manifest has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Where it is. Once a release is planned the namespace is filled in, and empty for kinds without.
    pub key: Key,
    /// `apps/v1`
    pub api_version: String,
    /// The template it comes from, as in `# Source:`; empty when it is not known.
    pub source: String,
    pub value: Value,
}

impl Object {
    /// An object by its value; its key is what the value says.
    #[must_use]
    pub fn new(value: Value, source: &str) -> Self {
        Self {
            key: Key::of(Kind::of(&value), &value),
            api_version: meta::text(&value, "apiVersion").to_owned(),
            source: source.to_owned(),
            value,
        }
    }
}

/// The kind that an object defines, if it is a CustomResourceDefinition that says one.
#[must_use]
pub fn defined_kind(object: &Value) -> Option<Kind> {
    if Kind::of(object) != Kind::CUSTOM_RESOURCE_DEFINITION {
        return None;
    }
    let text = |path| meta::text_at(object, path);
    let (group, name) = (text("/spec/group"), text("/spec/names/kind"));
    (!group.is_empty() && !name.is_empty()).then(|| Kind::new(group, name))
}

/// The API group and the name of an object's kind.
pub(crate) fn kind_of(object: &Value) -> (&str, &str) {
    let version = meta::text(object, "apiVersion");
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, meta::text(object, "kind"))
}

/// The value without nulls, which mean to the API server that the field is not there. Copied only where there are any;
/// as deep as the reader of YAML lets values nest.
#[must_use]
pub fn without_nulls(value: &Value) -> Cow<'_, Value> {
    if has_nulls(value) {
        Cow::Owned(cleared(value))
    } else {
        Cow::Borrowed(value)
    }
}

fn has_nulls(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().any(|value| value.is_null() || has_nulls(value)),
        Value::Array(items) => items.iter().any(has_nulls),
        _ => false,
    }
}

fn cleared(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let entries = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                entries
                    .map(|(key, value)| (key.clone(), cleared(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(cleared).collect()),
        other => other.clone(),
    }
}
