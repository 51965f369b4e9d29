//! One object of a release.

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

/// The API group and the name of an object's kind.
pub(crate) fn kind_of(object: &Value) -> (&str, &str) {
    let version = meta::text(object, "apiVersion");
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, meta::text(object, "kind"))
}
