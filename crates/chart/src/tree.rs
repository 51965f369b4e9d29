//! Values as templates see them: the plain tree turned into Go's shared maps, once per render.

use template::value::Str;
use template::{Map, Value};

use crate::values;

/// A table as a shared map.
pub(crate) fn map(table: values::Map) -> Map {
    table
        .into_iter()
        .map(|(key, below)| (Str::from(key), value(below)))
        .collect()
}

/// Any value. Nesting is bounded by the readers of YAML and JSON.
pub(crate) fn value(plain: yaml::Value) -> Value {
    match plain {
        yaml::Value::Null => Value::Nil,
        yaml::Value::Bool(yes) => Value::Bool(yes),
        yaml::Value::Int(number) => Value::int64(number),
        yaml::Value::Float(number) => Value::Float(number),
        yaml::Value::String(text) => Value::Str(Str::from(text)),
        yaml::Value::Seq(items) => Value::list(items.into_iter().map(value).collect()),
        yaml::Value::Map(table) => Value::Map(map(table)),
    }
}
