//! From a kind to its `CustomResourceDefinition`.
//!
//! ```text
//! K::Spec, K::Status ──schemars──► JSON Schema ──structural──► openAPIV3Schema ┐
//! K's names, columns, rules ──────────────────────────────────────────────────┴► CustomResourceDefinition
//! ```
//!
//! A structural schema knows neither references nor null nor alternatives, so types are put in where they are used, an
//! `Option` is a field that need not be there, and an enum of words is one list. Whatever else schemars says is kept.

mod structural;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::kind::{Column, Kind, Scope};
use crate::{API_VERSION, GROUP, VERSION};

use structural::structural;

/// The longest name that any object may have. It is said in the schema because a rule that reads `metadata.name` would
/// otherwise be estimated with a name of 3 MiB, and be refused as too costly.
const NAME_MAX: u32 = 253;

/// `kubectl get shipway` lists the objects of all kinds.
const CATEGORY: &str = "shipway";

/// The definition of a kind, as a client writes it.
pub(crate) fn crd<K: Kind>() -> Value {
    let mut names = json!({
        "categories": [CATEGORY],
        "kind": K::NAME,
        "listKind": format!("{}List", K::NAME),
        "plural": K::PLURAL,
        "singular": K::NAME.to_lowercase(),
    });
    if !K::SHORT.is_empty() {
        names["shortNames"] = json!(K::SHORT);
    }
    let scope = match K::SCOPE {
        Scope::Cluster => "Cluster",
        Scope::Namespaced => "Namespaced",
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{GROUP}", K::PLURAL)},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": scope,
            "versions": [{
                "additionalPrinterColumns": K::COLUMNS.iter().map(column).collect::<Vec<_>>(),
                "name": VERSION,
                "schema": {"openAPIV3Schema": root::<K>()},
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
            }],
        },
    })
}

/// The schema of a whole object.
pub(crate) fn root<K: Kind>() -> Value {
    let mut status = schema_of::<K::Status>();
    // A loop writes a status whole; a default there would be a claim nobody made.
    without_defaults(&mut status);
    let mut root = json!({
        "description": K::ABOUT,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": format!("`{API_VERSION}`.")},
            "kind": {"type": "string", "description": format!("`{}`.", K::NAME)},
            "metadata": {"type": "object", "properties": {
                "name": {"type": "string", "maxLength": NAME_MAX},
                "generateName": {"type": "string", "maxLength": NAME_MAX},
            }},
            "spec": schema_of::<K::Spec>(),
            "status": status,
        },
    });
    if !K::RULES.is_empty() {
        let rules = K::RULES
            .iter()
            .map(|(rule, message)| json!({"rule": rule, "message": message}));
        root["x-kubernetes-validations"] = rules.collect();
    }
    root
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    structural(&mut schema);
    Value::Object(schema)
}

fn column(column: &Column) -> Value {
    let mut written = json!({"name": column.name, "type": column.kind, "jsonPath": column.path});
    if column.priority > 0 {
        written["priority"] = column.priority.into();
    }
    written
}

fn without_defaults(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    schema.remove("default");
    structural::each_part(schema, &mut |part: &mut Map<String, Value>| {
        part.remove("default");
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All that Kubernetes lets a structural schema say, of what is used here.
    const STRUCTURAL: [&str; 20] = [
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];

    fn schema(crd: &Value) -> Schema {
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            .as_object()
            .cloned()
            .expect("a kind has a schema")
    }

    type Schema = Map<String, Value>;

    /// Every part of the schema with the path of its field.
    fn parts(schema: &Schema, path: &str, found: &mut Vec<(String, Schema)>) {
        found.push((path.to_owned(), schema.clone()));
        if let Some(Value::Object(items)) = schema.get("items") {
            parts(items, &format!("{path}[]"), found);
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, part) in properties {
                let part = part.as_object().expect("a field has a schema");
                parts(part, &format!("{path}.{name}"), found);
            }
        }
    }

    fn all_parts() -> Vec<(String, Schema)> {
        let mut found = Vec::new();
        for crd in crate::crds() {
            let name = crd["spec"]["names"]["kind"].as_str().expect("a kind has a name");
            parts(&schema(&crd), name, &mut found);
        }
        found
    }

    #[test]
    fn every_schema_is_structural() {
        for (path, part) in all_parts() {
            for key in part.keys() {
                assert!(STRUCTURAL.contains(&key.as_str()), "{path} has {key}");
            }
            let number = part.contains_key("x-kubernetes-int-or-string");
            assert_eq!(part.contains_key("type"), !number, "{path}: {part:?}");
            if part.get("type").is_some_and(|kind| kind == "array") {
                assert!(part.contains_key("items"), "{path}");
            }
        }
    }

    /// The API server estimates what a rule costs from the longest text and list that it could meet, and refuses a
    /// definition with a rule that could cost too much: nothing that is written is without a bound.
    #[test]
    fn everything_that_is_written_has_a_bound() {
        let is_written = |path: &str| path.contains(".spec.");
        for (path, part) in all_parts().iter().filter(|(path, _)| is_written(path)) {
            let bound = match part.get("type").and_then(Value::as_str) {
                Some("array") => "maxItems",
                Some("string") if !part.contains_key("enum") => "maxLength",
                Some("integer" | "number") => "maximum",
                _ => continue,
            };
            assert!(part.contains_key(bound), "{path} has no {bound}");
        }
    }

    #[test]
    fn every_field_is_described() {
        let of_server = [
            ".apiVersion",
            ".kind",
            ".metadata",
            ".metadata.name",
            ".metadata.generateName",
        ];
        for (path, part) in all_parts() {
            let is_field = path.contains('.') && !path.ends_with("[]");
            if is_field && !of_server.iter().any(|end| path.ends_with(end)) {
                assert!(part.contains_key("description"), "{path} says nothing of itself");
            }
        }
    }

    #[test]
    fn names_of_kinds_are_used_once() {
        let mut seen = BTreeSet::new();
        for crd in crate::crds() {
            let names = &crd["spec"]["names"];
            let short = names["shortNames"].as_array().into_iter().flatten();
            for name in [&names["plural"], &names["singular"]].into_iter().chain(short) {
                assert!(seen.insert(name.to_string()), "{name} is two kinds' name");
            }
        }
    }

    #[test]
    fn every_status_says_what_it_is_about() {
        for crd in crate::crds() {
            let status = &schema(&crd)["properties"]["status"]["properties"];
            assert_eq!(
                status["observedGeneration"]["format"], "int64",
                "{}",
                crd["metadata"]["name"]
            );
            assert_eq!(
                status["conditions"]["x-kubernetes-list-map-keys"],
                json!(["type"]),
                "{}",
                crd["metadata"]["name"]
            );
        }
    }
}
