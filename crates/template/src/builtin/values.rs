//! The methods of Helm's named map type `common.Values`, which `.Values` and the root have.
//!
//! A method goes before a key of the same name. `YAML` needs an encoder and is added by `chart`, see
//! [`crate::Functions::with_methods`]; `Encode` needs a Go writer, which no template has.

use crate::fmt::quote;
use crate::function::{Call, Error, Function, Param};
use crate::value::{Map, MapKind, Value};

/// The receiver is the first argument.
pub(crate) const METHODS: &[Function] = &[
    Function {
        name: "AsMap",
        params: &[Param::Map],
        variadic: None,
        body: as_map,
    },
    Function {
        name: "Table",
        params: &[Param::Map, Param::Str],
        variadic: None,
        body: table,
    },
    Function {
        name: "PathValue",
        params: &[Param::Map, Param::Str],
        variadic: None,
        body: path_value,
    },
];

fn as_map(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    match &args[0] {
        Value::Map(map) if !map.borrow().is_empty() => Ok(Value::Map(map.seen_as(MapKind::Any))),
        _ => Ok(Value::Map(Map::new())),
    }
}

fn table(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [Value::Map(map), Value::Str(path)] = args else {
        return Err(Error::new("a table needs a map and a path"));
    };
    find_table(map, path.as_bytes()).map(|table| Value::Map(table.seen_as(MapKind::Values)))
}

fn path_value(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [Value::Map(map), Value::Str(path)] = args else {
        return Err(Error::new("a value needs a map and a path"));
    };
    let path = path.as_bytes();
    if path.is_empty() {
        return Err(Error::new("YAML path cannot be empty"));
    }
    let (parent, key) = match memchr::memrchr(b'.', path) {
        Some(dot) => (find_table(map, &path[..dot]).ok(), &path[dot + 1..]),
        None => (Some(map.clone()), path),
    };
    match parent.and_then(|parent| parent.get(key)) {
        Some(value) if !matches!(value, Value::Map(_)) => Ok(value),
        _ => Err(Error::new(format!("{} is not a value", quote(key)))),
    }
}

/// Walks names separated by dots; each must be a map.
fn find_table(map: &Map, path: &[u8]) -> Result<Map, Error> {
    let mut table = map.clone();
    for name in path.split(|byte| *byte == b'.') {
        table = match table.get(name) {
            Some(Value::Map(inner)) if inner.kind() != MapKind::String => inner,
            _ => return Err(Error::new(format!("{} is not a table", quote(name)))),
        };
    }
    Ok(table)
}
