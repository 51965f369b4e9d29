//! JSON merge patch (RFC 7386): objects merge, null removes, anything else replaces.

use serde_json::{Map, Value};

use super::{Error, check_depth, json_type};

/// Merges a patch into a document.
///
/// Nulls inside new objects are left out, also within lists; null elements of lists stay.
///
/// # Errors
/// The patch is not an object.
pub fn apply(document: &mut Value, patch: Value) -> Result<(), Error> {
    check_depth(&patch)?;
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => return Err(Error::BadRequest("Invalid JSON Patch".to_owned())),
        other => {
            let got = json_type(&other);
            return Err(Error::BadRequest(format!(
                "error decoding patch: json: cannot unmarshal {got} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    match document.as_object_mut() {
        Some(fields) => merge(fields, patch),
        None => *document = without_nulls(Value::Object(patch)),
    }
    Ok(())
}

fn merge(document: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        if value.is_null() {
            document.remove(&name);
            continue;
        }
        match (document.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            // The nulls of a list which replaces an object stay.
            (Some(old @ Value::Object(_)), new) => *old = new,
            (_, new) => {
                document.insert(name, without_nulls(new));
            }
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(kept.map(|(name, field)| (name, without_nulls(field))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(mut document: Value, patch: Value, expected: &Value) {
        apply(&mut document, patch).unwrap();
        assert_eq!(document, *expected);
    }

    #[test]
    fn objects_merge_and_null_removes() {
        for (document, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": {"b": "c"}}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (
                json!({}),
                json!({"a": [{"b": null}, null]}),
                json!({"a": [{}, null]}),
            ),
        ] {
            check(document, patch, &expected);
        }
    }

    #[test]
    fn only_objects_are_patches() {
        let error = apply(&mut json!({}), json!([])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        );
    }
}
