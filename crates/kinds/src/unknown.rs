//! The fields of a written object that its kind does not have.

use serde_json::{Map, Value, json};

use crate::Kind;
use crate::crd::root;

/// A field that is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As in `spec.quota.cpus`.
    pub path: String,
    /// The field that was perhaps meant.
    pub nearest: Option<String>,
}

/// Finds every field that the kind's schema does not have, in the order of their names. Metadata is the API server's
/// affair.
#[must_use]
pub fn unknown_fields<K: Kind>(written: &Value) -> Vec<Unknown> {
    let mut schema = root::<K>();
    // The schema has the two fields of it that rules may read.
    schema["properties"]["metadata"] = json!({"type": "object"});
    let mut unknown = Vec::new();
    walk(written, &schema, "", &mut unknown);
    unknown
}

fn walk(value: &Value, schema: &Value, path: &str, unknown: &mut Vec<Unknown>) {
    match value {
        Value::Object(fields) => {
            // An object without declared fields holds what it likes.
            let Some(known) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            for (field, value) in fields {
                let path = match path {
                    "" => field.clone(),
                    path => format!("{path}.{field}"),
                };
                match known.get(field) {
                    Some(schema) => walk(value, schema, &path, unknown),
                    None => unknown.push(Unknown {
                        nearest: nearest(field, known),
                        path,
                    }),
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &schema["items"], &format!("{path}[{at}]"), unknown);
            }
        }
        _ => {}
    }
}

fn nearest(field: &str, known: &Map<String, Value>) -> Option<String> {
    stdx::nearest(field, known.keys().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tenant;

    #[test]
    fn every_unknown_field_is_found_with_its_path() {
        let written = json!({
            "apiVersion": "shipway.dev/v1alpha1", "kind": "Tenant", "metadata": {"anything": 1}, "specs": {},
            "spec": {"quota": {"cpus": "8"}, "members": [{"group": "a", "role": "View"}, {"grp": "b"}]},
        });
        let found: Vec<(String, Option<String>)> = unknown_fields::<Tenant>(&written)
            .into_iter()
            .map(|one| (one.path, one.nearest))
            .collect();
        let expected = [
            ("spec.members[1].grp", None),
            ("spec.quota.cpus", Some("cpu")),
            ("specs", Some("spec")),
        ];
        let mut found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|(path, near)| (path.as_str(), near.as_deref()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
