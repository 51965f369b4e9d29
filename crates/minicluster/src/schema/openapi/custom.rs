//! The OpenAPI of custom kinds: a CRD's schema, completed with what every object has.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use super::super::Table;
use super::super::resources::Resource;
use super::schemas::{Dialect, Schemas};
use super::{Entry, PRINTING, hexadecimal, path_of, paths, v3};

const META: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1";

/// A custom kind in one version.
#[derive(Debug, Clone, Copy)]
pub struct CustomKind<'a> {
    pub resource: &'a Resource,
    pub list_kind: &'a str,
    /// `openAPIV3Schema` as written.
    pub schema: &'a Value,
}

/// The v3 document of a group and version of custom kinds, and its entry in the index. Not cached here: the caller
/// knows when a definition changes.
#[must_use]
pub fn custom_document(
    table: &'static Table,
    (group, version): (&str, &str),
    kinds: &[CustomKind<'_>],
) -> (Entry, Vec<u8>) {
    let mut shared = Schemas::new(table, Dialect::V3);
    shared.add_shared();
    let mut schemas = shared.finish();
    let mut paths = Map::new();
    for kind in kinds {
        let name = definition_name(group, version, &kind.resource.kind);
        schemas.insert(name.clone(), object(kind));
        // Named after the object's definition, as lists are where paths refer to them.
        schemas.insert(format!("{name}List"), list(kind, &name));
        paths::add_resource(kind.resource, Some(&name), &mut paths);
    }
    let document = v3(table.minor(), paths, schemas);
    let hash = hexadecimal(
        &Sha512::new_with_prefix(PRINTING)
            .chain_update(&document)
            .finalize(),
    );
    (
        Entry {
            path: path_of(group, version),
            hash,
        },
        document,
    )
}

/// `com.example.stable.v1.CronTab` for `stable.example.com`, `v1`, `CronTab`.
fn definition_name(group: &str, version: &str, kind: &str) -> String {
    let parts: Vec<&str> = group.split('.').rev().collect();
    format!("{}.{version}.{kind}", parts.join("."))
}

fn object(kind: &CustomKind<'_>) -> Value {
    let mut schema = kind.schema.clone();
    if !schema.is_object() {
        schema = json!({});
    }
    schema["type"] = json!("object");
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    complete(&mut schema["properties"], "ObjectMeta");
    schema["x-kubernetes-group-version-kind"] = group_version_kind(kind, &kind.resource.kind);
    schema
}

fn list(kind: &CustomKind<'_>, name: &str) -> Value {
    let mut properties = json!({"items": {
        "type": "array",
        "items": {"$ref": format!("#/components/schemas/{name}")},
        "description": format!("List of {}.", kind.resource.plural),
    }});
    complete(&mut properties, "ListMeta");
    json!({
        "type": "object",
        "description": format!("{} is a list of {}", kind.list_kind, kind.resource.kind),
        "required": ["items"],
        "properties": properties,
        "x-kubernetes-group-version-kind": group_version_kind(kind, kind.list_kind),
    })
}

fn complete(properties: &mut Value, meta: &str) {
    properties["apiVersion"] = json!({"type": "string",
        "description": "The version of the schema that this object is written in."});
    properties["kind"] = json!({"type": "string", "description": "The kind of this object."});
    properties["metadata"] = json!({"allOf": [{"$ref": format!("{META}.{meta}")}], "default": {},
        "description": "Standard metadata: names, labels, versions."});
}

fn group_version_kind(kind: &CustomKind<'_>, name: &str) -> Value {
    json!([{"group": kind.resource.group, "version": kind.resource.version, "kind": name}])
}
