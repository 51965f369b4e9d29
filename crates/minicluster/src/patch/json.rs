//! JSON patch (RFC 6902) as the API server does it.
//!
//! It differs from the RFC: replacing a missing key of an object adds it, copying one adds null, testing
//! a missing one against null or nothing succeeds, and negative indices count from the end.

use serde_json::{Map, Value};

use super::{Error, MAX_DEPTH, json_type};

/// The API server's limit of operations in one patch.
pub const MAX_OPERATIONS: usize = 10_000;

/// The API server's limit for what copies may add, in bytes of JSON: the size of the largest body.
const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// The list elements shifted and values walked by one patch. Enough for 10,000 operations on lists of 10,000;
/// shifting a million elements as often would take minutes.
const MAX_WORK: usize = 200_000_000;

/// Applies a patch. On an error the document may be half changed: work on a copy.
///
/// # Errors
/// `BadRequest` for what is no patch, `TooLarge` for too many operations, `Unprocessable` for an operation that
/// can't be done.
pub fn apply(document: &mut Value, patch: &Value) -> Result<(), Error> {
    let operations = decode(patch)?;
    let mut run = Run {
        copied: 0,
        work: 0,
        depth: depth(document),
    };
    for operation in operations {
        run.step(document, operation).map_err(Error::Unprocessable)?;
    }
    Ok(())
}

/// Checks the outer form as the API server's strict decoding does.
fn decode(patch: &Value) -> Result<Vec<&Map<String, Value>>, Error> {
    let mismatch = |value: &Value, place: &str| {
        let got = json_type(value);
        Error::BadRequest(format!(
            "error decoding patch: json: cannot unmarshal {got} into Go {place}"
        ))
    };
    let list = match patch {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        other => return Err(mismatch(other, "value of type []handlers.jsonPatchOp")),
    };
    let mut operations = Vec::with_capacity(list.len().min(MAX_OPERATIONS));
    for item in list {
        let operation = match item {
            Value::Object(operation) => operation,
            other => return Err(mismatch(other, "value of type handlers.jsonPatchOp")),
        };
        for name in ["op", "path", "from"] {
            if let Some(value) = operation
                .get(name)
                .filter(|value| !value.is_string() && !value.is_null())
            {
                return Err(mismatch(
                    value,
                    &format!("struct field jsonPatchOp.{name} of type string"),
                ));
            }
        }
        operations.push(operation);
    }
    if operations.len() > MAX_OPERATIONS {
        let got = operations.len();
        return Err(Error::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {got}"
        )));
    }
    Ok(operations)
}

/// What one patch has used up.
struct Run {
    copied: usize,
    work: usize,
    /// At least the depth of the document.
    depth: usize,
}

impl Run {
    fn step(&mut self, document: &mut Value, operation: &Map<String, Value>) -> Result<(), String> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let op = text("op").unwrap_or("unknown");
        let path =
            || text("path").ok_or_else(|| format!("{op} operation failed to decode path: missing value"));
        let from =
            || text("from").ok_or_else(|| format!("{op} operation failed to decode from: missing value"));
        let value = operation.get("value");
        match op {
            "add" => self.add(document, path()?, value.cloned().unwrap_or_default(), op),
            "remove" => self.remove(document, path()?, op).map(drop),
            "replace" => self.replace(document, path()?, value.cloned().unwrap_or_default()),
            "move" => {
                let moved = self.remove(document, from()?, op)?;
                self.add(document, path()?, moved, op)
            }
            "copy" => {
                let copied = find(document, from()?, op)?.cloned().unwrap_or_default();
                self.copied += copied.to_string().len();
                if self.copied > MAX_COPIED_BYTES {
                    return Err(format!(
                        "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {MAX_COPIED_BYTES}",
                        self.copied
                    ));
                }
                self.add(document, path()?, copied, op)
            }
            "test" => test(document, path()?, value),
            other => Err(format!("Unexpected kind: {other}")),
        }
    }

    fn add(&mut self, document: &mut Value, path: &str, value: Value, op: &str) -> Result<(), String> {
        self.check_depth(path, &value)?;
        let (parent, key) = locate(document, path, op)?;
        match parent {
            Container::Object(fields) => {
                fields.insert(key, value);
            }
            Container::Array(items) => {
                let at = if key == "-" {
                    items.len()
                } else {
                    index(&key, items.len() + 1).map_err(|cause| in_path(op, path, &cause))?
                };
                self.spend(items.len() - at)?;
                items.insert(at, value);
            }
        }
        Ok(())
    }

    fn remove(&mut self, document: &mut Value, path: &str, op: &str) -> Result<Value, String> {
        let (parent, key) = locate(document, path, op)?;
        match parent {
            Container::Object(fields) => fields.remove(&key).ok_or_else(|| {
                in_path(
                    op,
                    path,
                    &format!("Unable to remove nonexistent key: {key}: missing value"),
                )
            }),
            Container::Array(items) => {
                let at = index(&key, items.len()).map_err(|cause| in_path(op, path, &cause))?;
                self.spend(items.len() - at)?;
                Ok(items.remove(at))
            }
        }
    }

    fn replace(&mut self, document: &mut Value, path: &str, value: Value) -> Result<(), String> {
        self.check_depth(path, &value)?;
        if path.is_empty() {
            if !value.is_object() && !value.is_array() {
                return Err("replace operation value must be object or array".to_owned());
            }
            *document = value;
            return Ok(());
        }
        let (parent, key) = locate(document, path, "replace")?;
        match parent {
            Container::Object(fields) => {
                fields.insert(key, value);
            }
            Container::Array(items) => {
                let at = index(&key, items.len()).map_err(|_| {
                    format!("replace operation does not apply: doc is missing key: {path}: missing value")
                })?;
                items[at] = value;
            }
        }
        Ok(())
    }

    /// Refuses values that would end too deep. Walks the value only if the cheap bound does not decide.
    fn check_depth(&mut self, path: &str, value: &Value) -> Result<(), String> {
        let above = path.matches('/').count();
        if above + self.depth <= MAX_DEPTH && matches!(value, Value::Null | Value::Bool(_) | Value::String(_))
        {
            return Ok(());
        }
        self.spend(nodes(value))?;
        let below = depth(value);
        if above + below > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth = self.depth.max(above + below);
        Ok(())
    }

    fn spend(&mut self, work: usize) -> Result<(), String> {
        self.work += work;
        if self.work > MAX_WORK {
            return Err("the patch moves too many values".to_owned());
        }
        Ok(())
    }
}

enum Container<'a> {
    Object(&'a mut Map<String, Value>),
    Array(&'a mut Vec<Value>),
}

/// The parent of a path and the last step.
fn locate<'a>(document: &'a mut Value, path: &str, op: &str) -> Result<(Container<'a>, String), String> {
    let missing = || format!("{op} operation does not apply: doc is missing path: \"{path}\": missing value");
    let mut steps: Vec<_> = path.split('/').map(unescape).collect();
    if steps.len() < 2 {
        return Err(missing());
    }
    let last = steps.pop().unwrap_or_default();
    let mut at = document;
    for step in &steps[1..] {
        at = match at {
            Value::Object(fields) => fields.get_mut(step),
            Value::Array(items) => index(step, items.len()).ok().and_then(|at| items.get_mut(at)),
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match at {
        Value::Object(fields) => Ok((Container::Object(fields), last)),
        Value::Array(items) => Ok((Container::Array(items), last)),
        _ => Err(missing()),
    }
}

/// The value at a path; `None` for a missing key of an object that exists.
fn find<'a>(document: &'a mut Value, path: &str, op: &str) -> Result<Option<&'a Value>, String> {
    match locate(document, path, op)? {
        (Container::Object(fields), key) => Ok(fields.get(&key)),
        (Container::Array(items), key) => {
            let at = index(&key, items.len()).map_err(|cause| in_path(op, path, &cause))?;
            Ok(items.get(at))
        }
    }
}

fn test(document: &mut Value, path: &str, expected: Option<&Value>) -> Result<(), String> {
    let found = if path.is_empty() {
        Some(&*document)
    } else {
        find(document, path, "test")?
    };
    let same = match (found.unwrap_or(&Value::Null), expected.unwrap_or(&Value::Null)) {
        (Value::Null, Value::Null) => true,
        (found, expected) => found == expected,
    };
    if same {
        Ok(())
    } else {
        Err(format!("testing value {path} failed: test failed"))
    }
}

/// A place in a list of a length; negative ones count from the end.
fn index(step: &str, len: usize) -> Result<usize, String> {
    let number: i64 = step
        .parse()
        .map_err(|_| format!("value was not a proper array index: '{step}'"))?;
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if number < 0 { number + len } else { number };
    usize::try_from(at)
        .ok()
        .filter(|_| at < len)
        .ok_or_else(|| format!("Unable to access invalid index: {number}: invalid index referenced"))
}

fn in_path(op: &str, path: &str, cause: &str) -> String {
    format!("error in {op} for path: '{path}': {cause}")
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(mut document: Value, patch: &Value) -> Result<Value, Error> {
        apply(&mut document, patch).map(|()| document)
    }

    #[test]
    fn operations_change_the_document() {
        for (document, patch, expected) in [
            (
                json!({}),
                json!([{"op": "add", "path": "/a", "value": 1}]),
                json!({"a": 1}),
            ),
            (
                json!({"a": [1]}),
                json!([{"op": "add", "path": "/a/-", "value": 2}]),
                json!({"a": [1, 2]}),
            ),
            (
                json!({"a": [1]}),
                json!([{"op": "add", "path": "/a/0", "value": 2}]),
                json!({"a": [2, 1]}),
            ),
            (
                json!({"a": [1, 2]}),
                json!([{"op": "remove", "path": "/a/-1"}]),
                json!({"a": [1]}),
            ),
            (
                json!({"a/b": 1}),
                json!([{"op": "replace", "path": "/a~1b", "value": 2}]),
                json!({"a/b": 2}),
            ),
            (
                json!({"a": 1}),
                json!([{"op": "move", "from": "/a", "path": "/b"}]),
                json!({"b": 1}),
            ),
            (
                json!({"a": 1}),
                json!([{"op": "copy", "from": "/a", "path": "/b"}]),
                json!({"a": 1, "b": 1}),
            ),
            (json!({}), json!([{"op": "test", "path": "/a"}]), json!({})),
            (
                json!({}),
                json!([{"op": "add", "path": "/a"}]),
                json!({"a": null}),
            ),
            (json!({}), json!(null), json!({})),
        ] {
            assert_eq!(patched(document, &patch).unwrap(), expected, "{patch}");
        }
    }

    #[test]
    fn replacing_a_missing_key_adds_it() {
        let patch = json!([{"op": "replace", "path": "/new", "value": 1}]);
        assert_eq!(patched(json!({}), &patch).unwrap(), json!({"new": 1}));
    }

    #[test]
    fn what_can_not_be_done_is_unprocessable() {
        for operation in [
            json!({"op": "remove", "path": "/no"}),
            json!({"op": "add", "path": "/no/x", "value": 1}),
            json!({"op": "add", "path": "/l/9", "value": 1}),
            json!({"op": "replace", "path": "/l/9", "value": 1}),
            json!({"op": "replace", "path": "", "value": 1}),
            json!({"op": "test", "path": "/s", "value": "other"}),
            json!({"op": "move", "from": "/no", "path": "/x"}),
            json!({"op": "copy", "from": "/no/no", "path": "/x"}),
            json!({"op": "add", "path": "", "value": {}}),
            json!({"op": "add", "value": {}}),
            json!({"op": "melt", "path": "/s"}),
            json!({}),
        ] {
            let result = patched(json!({"l": [], "s": "x"}), &json!([operation]));
            assert!(
                matches!(result, Err(Error::Unprocessable(_))),
                "{operation}: {result:?}"
            );
        }
    }

    #[test]
    fn what_is_no_patch_is_a_bad_request() {
        for (patch, expected) in [
            (
                json!({"not": "a list"}),
                "object into Go value of type []handlers.jsonPatchOp",
            ),
            (json!(["x"]), "string into Go value of type handlers.jsonPatchOp"),
            (
                json!([{"op": 1}]),
                "number into Go struct field jsonPatchOp.op of type string",
            ),
        ] {
            let error = patched(json!({}), &patch).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("error decoding patch: json: cannot unmarshal {expected}")
            );
        }
    }

    #[test]
    fn too_many_operations_are_refused() {
        let operation = json!({"op": "test", "path": "/a"});
        let patch = Value::Array(vec![operation; MAX_OPERATIONS + 1]);
        let error = patched(json!({}), &patch).unwrap_err();
        assert_eq!(
            error,
            Error::TooLarge("The allowed maximum operations in a JSON patch is 10000, got 10001".to_owned())
        );
    }

    #[test]
    fn copies_into_themselves_stay_bounded() {
        let copy = json!({"op": "copy", "from": "/a", "path": "/a/a"});
        let deep = patched(json!({"a": {"a": {}}}), &Value::Array(vec![copy; 200]));
        assert!(matches!(deep, Err(Error::Unprocessable(_))));
        let wide: Vec<_> = (0..100)
            .map(|at| json!({"op": "copy", "from": "", "path": format!("/{at}")}))
            .chain((0..100).map(|at| json!({"op": "copy", "from": "/a", "path": format!("/a/{at}")})))
            .collect();
        assert!(patched(json!({"a": {"b": "x"}}), &Value::Array(wide)).is_err());
    }
}
