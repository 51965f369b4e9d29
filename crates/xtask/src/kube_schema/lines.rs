//! One version's JSON Schema definitions as lines of the table, and several versions laid over one another.
//!
//! A line is a definition (`type NAME …`) or a field (` name TYPE …`). Versions are joined line by line: the newest
//! version's text wins, and the line remembers between which versions it exists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::enums::Enums;

/// Orders a definition's line before its fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub definition: String,
    pub field: String,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub text: String,
    pub description: String,
}

#[derive(Debug)]
pub struct Versioned {
    pub line: Line,
    pub first: u32,
    pub last: u32,
}

/// Scalars and free-form objects that have a name of their own, and what they are on the wire.
const ALIASES: &[(&str, &str)] = &[
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
        "any",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
        "any",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
        "any",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
        "any",
    ),
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", "quantity"),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "int-or-string"),
];

/// The defaults that stand in the real server's OpenAPI but in no package: the `+default` markers of
/// kubernetes/api `core/v1/types.go`. Those of list keys decide how server-side apply names an element.
const DEFAULTS: &[(&str, &str, &str)] = &[
    (
        "io.k8s.api.core.v1.AzureDiskVolumeSource",
        "cachingMode",
        "\"ReadWrite\"",
    ),
    ("io.k8s.api.core.v1.AzureDiskVolumeSource", "fsType", "\"ext4\""),
    ("io.k8s.api.core.v1.AzureDiskVolumeSource", "kind", "\"Shared\""),
    ("io.k8s.api.core.v1.AzureDiskVolumeSource", "readOnly", "false"),
    ("io.k8s.api.core.v1.ContainerPort", "protocol", "\"TCP\""),
    ("io.k8s.api.core.v1.GRPCAction", "service", "\"\""),
    (
        "io.k8s.api.core.v1.ISCSIPersistentVolumeSource",
        "iscsiInterface",
        "\"default\"",
    ),
    (
        "io.k8s.api.core.v1.ISCSIVolumeSource",
        "iscsiInterface",
        "\"default\"",
    ),
    (
        "io.k8s.api.core.v1.RBDPersistentVolumeSource",
        "keyring",
        "\"/etc/ceph/keyring\"",
    ),
    ("io.k8s.api.core.v1.RBDPersistentVolumeSource", "pool", "\"rbd\""),
    (
        "io.k8s.api.core.v1.RBDPersistentVolumeSource",
        "user",
        "\"admin\"",
    ),
    (
        "io.k8s.api.core.v1.RBDVolumeSource",
        "keyring",
        "\"/etc/ceph/keyring\"",
    ),
    ("io.k8s.api.core.v1.RBDVolumeSource", "pool", "\"rbd\""),
    ("io.k8s.api.core.v1.RBDVolumeSource", "user", "\"admin\""),
    (
        "io.k8s.api.core.v1.ScaleIOPersistentVolumeSource",
        "fsType",
        "\"xfs\"",
    ),
    (
        "io.k8s.api.core.v1.ScaleIOPersistentVolumeSource",
        "storageMode",
        "\"ThinProvisioned\"",
    ),
    ("io.k8s.api.core.v1.ScaleIOVolumeSource", "fsType", "\"xfs\""),
    (
        "io.k8s.api.core.v1.ScaleIOVolumeSource",
        "storageMode",
        "\"ThinProvisioned\"",
    ),
    ("io.k8s.api.core.v1.ServicePort", "protocol", "\"TCP\""),
];

/// Turns one version's definitions into lines.
pub fn lines(definitions: &Value, enums: &Enums) -> BTreeMap<Key, Line> {
    let mut lines = BTreeMap::new();
    for name in reachable(definitions) {
        let schema = &definitions[&name];
        let key = |field: &str| Key {
            definition: name.clone(),
            field: field.to_owned(),
        };
        lines.insert(key(""), definition(&name, schema));
        let required: BTreeSet<&str> = strings(&schema["required"]).collect();
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let mut text = format!(" {field} {}", expression(property));
            if required.contains(field.as_str()) {
                text.push_str(" !");
            }
            attributes(property, &mut text);
            if let Some((.., default)) = DEFAULTS.iter().find(|d| (d.0, d.1) == (&*name, field)) {
                text.push_str(&format!(" default={default}"));
            }
            let mut description = own_description(property);
            if let Some(found) = enums.get(&name, field) {
                text.push_str(&format!(" enum={}", found.values.join(",").replace(' ', "+")));
                description.push_str(&found.description);
            }
            lines.insert(key(field), Line { text, description });
        }
    }
    lines
}

/// Lays versions over one another, oldest first.
pub fn union(versions: Vec<(u32, BTreeMap<Key, Line>)>) -> BTreeMap<Key, Versioned> {
    let mut union: BTreeMap<Key, Versioned> = BTreeMap::new();
    for (minor, lines) in versions {
        for (key, line) in lines {
            let first = union.get(&key).map_or(minor, |older| older.first);
            union.insert(
                key,
                Versioned {
                    line,
                    first,
                    last: minor,
                },
            );
        }
    }
    union
}

/// The definitions of versions that a server serves unless told otherwise, and all that they refer to.
fn reachable(definitions: &Value) -> BTreeSet<String> {
    let names = definitions
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name);
    let mut open: Vec<String> = names.filter(|name| !is_preview(name)).cloned().collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = open.pop() {
        references(&definitions[&name], &mut open);
        seen.insert(name);
        open.retain(|name| !seen.contains(name));
    }
    seen
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(target) {
                found.push(name.to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// True for names such as `io.k8s.api.batch.v1beta1.CronJob`.
fn is_preview(name: &str) -> bool {
    name.split('.')
        .any(|part| part.starts_with('v') && (part.contains("alpha") || part.contains("beta")))
}

fn target(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

fn definition(name: &str, schema: &Value) -> Line {
    let mut text = format!("type {name}");
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|(_, shape)| (*shape).to_owned());
    if let Some(shape) = alias.or_else(|| (!is_struct(schema)).then(|| expression(schema))) {
        text.push_str(&format!(" ={shape}"));
    }
    attributes(schema, &mut text);
    let kinds = schema["x-kubernetes-group-version-kind"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    match kinds {
        [] => {}
        [one] => text.push_str(&format!(" kind={}", kind(one))),
        // DeleteOptions and WatchEvent belong to every group and version that is served.
        [one, ..] => text.push_str(&format!(" kind=*/*/{}", one["kind"].as_str().unwrap_or_default())),
    }
    if !schema["x-kubernetes-unions"].is_null() {
        text.push_str(&format!(" unions={}", schema["x-kubernetes-unions"]));
    }
    Line {
        text,
        description: own_description(schema),
    }
}

/// An object with declared fields, if only none so far; the free-form ones say so in their description.
fn is_struct(schema: &Value) -> bool {
    let empty = ["Spec", "SubresourceStatus", "Policy"];
    let description = schema["description"].as_str().unwrap_or_default();
    schema["properties"].is_object()
        || (schema["type"].to_string().contains("object")
            && empty.iter().any(|word| {
                description
                    .split(' ')
                    .next()
                    .is_some_and(|name| name.ends_with(word))
            }))
}

fn kind(schema: &Value) -> String {
    let part = |name: &str| schema[name].as_str().unwrap_or_default();
    format!("{}/{}/{}", part("group"), part("version"), part("kind"))
}

fn expression(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(target) {
        return format!("&{name}");
    }
    // Optional fields are written as `[type, "null"]`.
    let kind = strings(&schema["type"])
        .next()
        .or(schema["type"].as_str())
        .unwrap_or_default();
    match kind {
        "array" => format!("[{}]", expression(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("{{{}}}", expression(&schema["additionalProperties"]))
        }
        "object" => "{any}".to_owned(),
        "" => "any".to_owned(),
        scalar => match schema["format"].as_str() {
            Some(format) => format!("{scalar}:{format}"),
            None => scalar.to_owned(),
        },
    }
}

fn attributes(schema: &Value, text: &mut String) {
    if let Some(list) = schema["x-kubernetes-list-type"].as_str() {
        text.push_str(&format!(" list={list}"));
    }
    let keys: Vec<&str> = strings(&schema["x-kubernetes-list-map-keys"]).collect();
    if !keys.is_empty() {
        text.push_str(&format!(" keys={}", keys.join(",")));
    }
    let names = [
        ("map", "map-type"),
        ("patch", "patch-strategy"),
        ("merge", "patch-merge-key"),
    ];
    for (short, long) in names {
        if let Some(value) = schema[format!("x-kubernetes-{long}")].as_str() {
            text.push_str(&format!(" {short}={value}"));
        }
    }
}

fn own_description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(definitions: &Value) -> Vec<String> {
        lines(definitions, &Enums::default())
            .into_values()
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn a_definition_is_a_line_and_each_field_another() {
        let definitions = json!({"a.v1.Pod": {
        "type": ["object", "null"],
        "required": ["ports"],
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}],
        "properties": {
            "name": {"type": ["string", "null"]},
            "ports": {"type": "array", "items": {"$ref": "#/$defs/a.v1.Pod"}, "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port", "protocol"], "x-kubernetes-patch-merge-key": "port",
                "x-kubernetes-patch-strategy": "merge"},
            "limits": {"type": "object", "additionalProperties": {"type": "integer", "format": "int32"}},
            "selector": {"$ref": "#/$defs/a.v1.Pod", "x-kubernetes-map-type": "atomic"},
        }}});
        assert_eq!(
            printed(&definitions),
            [
                "type a.v1.Pod kind=/v1/Pod",
                " limits {integer:int32}",
                " name string",
                " ports [&a.v1.Pod] ! list=map keys=port,protocol patch=merge merge=port",
                " selector &a.v1.Pod map=atomic",
            ]
        );
    }

    #[test]
    fn previews_stay_only_where_something_stable_refers_to_them() {
        let struct_of =
            |name: &str| json!({"type": "object", "properties": {"x": {"$ref": format!("#/$defs/{name}")}}});
        let definitions = json!({
            "a.v1.Kind": struct_of("a.v1beta1.Used"),
            "a.v1beta1.Used": {"type": "object", "properties": {}},
            "a.v1alpha1.Unused": {"type": "object", "properties": {}},
        });
        assert_eq!(
            printed(&definitions),
            ["type a.v1.Kind", " x &a.v1beta1.Used", "type a.v1beta1.Used"]
        );
    }

    #[test]
    fn versions_join_line_by_line_and_the_newest_text_wins() {
        let version = |kind: &str, extra: bool| {
            let mut properties = json!({"x": {"type": kind}});
            if extra {
                properties["y"] = json!({"type": "string"});
            }
            lines(
                &json!({"a.v1.Kind": {"type": "object", "properties": properties}}),
                &Enums::default(),
            )
        };
        let union = union(vec![
            (33, version("string", true)),
            (34, version("integer", false)),
        ]);
        let joined: Vec<_> = union
            .values()
            .map(|v| (v.line.text.as_str(), v.first, v.last))
            .collect();
        assert_eq!(
            joined,
            [
                ("type a.v1.Kind", 33, 34),
                (" x integer", 33, 34),
                (" y string", 33, 33)
            ]
        );
    }
}
