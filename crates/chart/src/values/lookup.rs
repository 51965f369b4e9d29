//! Finding a value by its dotted path, as conditions, tags and `import-values` name it.

use yaml::Value;

use super::Map;

/// The table at a dotted path, or the part of the path that is no table.
///
/// # Errors
/// The name that is missing or holds something else, for the message `"x" is not a table`.
pub(crate) fn table<'v, 'p>(values: &'v Map, path: &'p str) -> Result<&'v Map, &'p str> {
    let mut here = values;
    for name in path.split('.') {
        match here.get(name) {
            Some(Value::Map(next)) => here = next,
            _ => return Err(name),
        }
    }
    Ok(here)
}

/// The value at a dotted path, if it is there and no table.
pub(crate) fn scalar<'v>(values: &'v Map, path: &str) -> Option<&'v Value> {
    let (tables, key) = match path.rsplit_once('.') {
        None => (values, path),
        Some((tables, key)) => (table(values, tables).ok()?, key),
    };
    tables.get(key).filter(|value| !matches!(value, Value::Map(_)))
}
