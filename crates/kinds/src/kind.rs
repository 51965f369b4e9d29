//! What every kind has: its names, its columns, and an object of it as a value.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::API_VERSION;
use crate::condition::{Condition, Explained};

/// Where the objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

/// A column of `kubectl get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, `boolean` or `date`.
    pub kind: &'static str,
    /// A JSON path, as in `.status.phase`.
    pub path: &'static str,
    /// 0 is shown always, more with `-o wide`.
    pub priority: u8,
}

impl Column {
    pub const READY: Self = Self::string("Ready", ".status.conditions[?(@.type=='Ready')].status");
    /// Why it is ready or not, in one word.
    pub const REASON: Self = Self::string("Reason", ".status.conditions[?(@.type=='Ready')].reason");
    pub const AGE: Self = Self::of("Age", "date", ".metadata.creationTimestamp");

    #[must_use]
    pub const fn string(name: &'static str, path: &'static str) -> Self {
        Self::of(name, "string", path)
    }

    #[must_use]
    pub const fn of(name: &'static str, kind: &'static str, path: &'static str) -> Self {
        Self {
            name,
            kind,
            path,
            priority: 0,
        }
    }

    /// Shown with `-o wide` only.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }
}

/// A kind of the hub.
pub trait Kind {
    /// As in `Tenant`.
    const NAME: &'static str;
    /// What it is, in a sentence.
    const ABOUT: &'static str;
    /// As in `tenants`.
    const PLURAL: &'static str;
    /// As in `ten`.
    const SHORT: &'static [&'static str];
    const SCOPE: Scope;
    const COLUMNS: &'static [Column];
    /// Rules of the whole object in CEL, which a field can't say by itself: the expression, and what is told if it does
    /// not hold.
    const RULES: &'static [(&'static str, &'static str)] = &[];
    /// The conditions that its status has, `Ready` first.
    const CONDITIONS: &'static [Explained];
    type Spec: Serialize + DeserializeOwned + JsonSchema + Clone + PartialEq + std::fmt::Debug;
    type Status: Serialize + DeserializeOwned + JsonSchema + Default + Clone + PartialEq + std::fmt::Debug;

    /// The conditions of a status.
    fn conditions(status: &mut Self::Status) -> &mut Vec<Condition>;
}

/// An object of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<K: Kind> {
    pub metadata: Metadata,
    pub spec: K::Spec,
    pub status: K::Status,
}

/// What of an object's metadata matters here. The rest stays with the API server: nothing is written back whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub name: String,
    /// Empty for kinds without.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Grows with every change of the spec.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub creation_timestamp: String,
    /// When somebody asked for it to go; empty while it is to stay.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub deletion_timestamp: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub labels: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// An object that is not one of its kind.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name} can't be read")]
pub struct ReadError {
    kind: &'static str,
    name: String,
    #[source]
    source: serde_json::Error,
}

impl<K: Kind> Object<K> {
    /// A new object, as a person would write it.
    #[must_use]
    pub fn new(name: &str, spec: K::Spec) -> Self {
        let metadata = Metadata {
            name: name.to_owned(),
            ..Metadata::default()
        };
        Self {
            metadata,
            spec,
            status: K::Status::default(),
        }
    }

    /// Reads what the API server keeps. Fields that are not known are passed over.
    ///
    /// # Errors
    /// A field of the spec or status is missing or of another type, which the schema in the hub would have refused.
    pub fn read(object: &Value) -> Result<Self, ReadError> {
        let failed = |source| ReadError {
            kind: K::NAME,
            name: objects::meta::name(object).to_owned(),
            source,
        };
        let part = |field: &str| object.get(field).cloned().unwrap_or_else(|| json!({}));
        Ok(Self {
            metadata: serde_json::from_value(part("metadata")).map_err(failed)?,
            spec: serde_json::from_value(part("spec")).map_err(failed)?,
            status: serde_json::from_value(part("status")).map_err(failed)?,
        })
    }

    /// The object as a client writes it, without its status.
    #[must_use]
    pub fn written(&self) -> Value {
        json!({"apiVersion": API_VERSION, "kind": K::NAME, "metadata": self.metadata, "spec": self.spec})
    }

    /// Whether somebody asked for it to go.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        !self.metadata.deletion_timestamp.is_empty()
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}
