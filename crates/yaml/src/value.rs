//! A plain tree of a YAML document: what is left when styles, anchors and comments are gone.
//!
//! Owned, `Send` and comparable, for chart metadata and values. It is not what templates work on: those need
//! Go's shared maps, which `template::Value` has.

use std::collections::BTreeMap;

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
