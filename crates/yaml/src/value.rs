//! A plain tree of a YAML document: what is left when styles, anchors and comments are gone.
//!
//! Owned, `Send` and comparable, for chart metadata and values. It is not what templates work on: those need
//! Go's shared maps, which `template::Value` has.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::build::{Builder, build};
use crate::error::Error;

/// One node. Keys are strings and in order, as Helm's library turns every document into JSON first.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// An `int64`; only `--set` and documents read with integers kept make one.
    Int(i64),
    /// A `float64`: every number of a document read the way Helm reads values.
    Float(f64),
    String(String),
    Seq(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// Builds [`Value`]s.
#[derive(Clone, Copy, Debug)]
struct Values {
    numbers: Numbers,
}

/// What the numbers of a document become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// `float64` each, as in everything that Helm decodes into a map.
    Floats,
    /// Integers stay integers.
    Kept,
}

impl Builder for Values {
    type Node = Value;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn int(&mut self, value: i64) -> Value {
        match self.numbers {
            Numbers::Floats => Value::Float(value as f64),
            Numbers::Kept => Value::Int(value),
        }
    }

    fn uint(&mut self, value: u64) -> Value {
        Value::Float(value as f64)
    }

    fn float(&mut self, value: f64) -> Value {
        Value::Float(value)
    }

    fn string(&mut self, value: Cow<'_, str>) -> Value {
        Value::String(value.into_owned())
    }

    fn sequence(&mut self, items: impl ExactSizeIterator<Item = Value>) -> Value {
        Value::Seq(items.collect())
    }

    fn mapping<'k>(&mut self, entries: impl ExactSizeIterator<Item = (Cow<'k, str>, Value)>) -> Value {
        Value::Map(entries.map(|(key, value)| (key.into_owned(), value)).collect())
    }
}

/// Reads the first document the way Helm reads values. An empty one is null.
///
/// # Errors
/// In the words of `sigs.k8s.io/yaml`.
pub fn from_slice(input: &[u8]) -> Result<Value, Error> {
    read(input, Numbers::Floats)
}

/// Reads the first document with a choice of what numbers become.
///
/// # Errors
/// In the words of `sigs.k8s.io/yaml`.
pub fn read(input: &[u8], numbers: Numbers) -> Result<Value, Error> {
    build(input, &mut Values { numbers })
}
