//! Types as OpenAPI schemas.
//!
//! Two things differ between the versions: v3 wraps a reference that has attributes in `allOf`, and shows the zero
//! values of Go fields that are no pointers as defaults. Which fields are pointers stands in no package; the rule
//! here is the convention of the Kubernetes API (optional structs are pointers) and its known exceptions.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde_json::{Map, Value, json};

use super::super::Table;
use super::super::decode::{Definition, HEADER_LINES};
use super::super::types::{Attributes, Field, ListType, Node, Scalar, Shape};

pub(in super::super) const COMPRESSED: &[u8] = include_bytes!("../../../schema/descriptions.zz");

/// Optional fields that hold a struct and no pointer to one.
const BY_VALUE: &[&str] = &[
    "conditions",
    "daemonEndpoints",
    "involvedObject",
    "kubeletEndpoint",
    "lastState",
    "listMeta",
    "loadBalancer",
    "metadata",
    "nodeInfo",
    "podSelector",
    "regarding",
    "resources",
    "source",
    "spec",
    "state",
    "status",
    "strategy",
    "template",
    "updateStrategy",
];

/// Fields with such a name that are pointers all the same: definition, field.
const POINTERS: &[(&str, &str)] = &[
    ("io.k8s.api.core.v1.ContainerStatus", "resources"),
    ("io.k8s.api.core.v1.EphemeralContainerStatus", "resources"),
    ("io.k8s.api.core.v1.PodSpec", "resources"),
    ("io.k8s.api.core.v1.PodStatus", "resources"),
    ("io.k8s.api.core.v1.ReplicationControllerSpec", "template"),
    ("io.k8s.api.networking.v1.NetworkPolicyPeer", "podSelector"),
];

/// Kinds that every document has: they are what any request may be answered with or carry.
const SHARED: &[&str] = &[
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V2,
    V3,
}

/// The schemas of a document: what was added, and all that it refers to.
pub(super) struct Schemas {
    table: &'static Table,
    dialect: Dialect,
    /// JSON strings, by line of the table without its header.
    descriptions: Vec<String>,
    added: BTreeMap<&'static str, Value>,
    /// Definitions referred to and not yet added.
    open: Vec<u32>,
}

/// Where a schema stands: decides on defaults.
#[derive(Clone, Copy)]
enum Site<'a> {
    Definition,
    Property { owner: &'a str, field: &'a Field },
    Element,
}

impl Schemas {
    pub(super) fn new(table: &'static Table, dialect: Dialect) -> Self {
        Self {
            table,
            dialect,
            descriptions: descriptions(),
            added: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    /// Adds every definition.
    pub(super) fn add_all(&mut self) {
        self.open.extend(
            self.table
                .decoded
                .definitions
                .iter()
                .map(|definition| definition.node),
        );
    }

    /// Adds the kinds of a group and version, their lists, and what every document has.
    pub(super) fn add_version(&mut self, group: &str, version: &str) {
        let kinds = self
            .table
            .kinds
            .iter()
            .filter(|(g, v, ..)| (*g, *v) == (group, version));
        self.open.extend(kinds.map(|(.., node)| *node));
        for resource in self
            .table
            .resources()
            .iter()
            .filter(|r| r.group == group && r.version == version)
        {
            for sub in resource.subresources.iter().filter(|sub| !sub.version.is_empty()) {
                self.open.extend(
                    self.kind(&sub.group, &sub.version, &sub.kind)
                        .map(|definition| definition.node),
                );
            }
        }
        self.add_shared();
    }

    /// Adds only what every document has, and the metadata of objects and lists.
    pub(super) fn add_shared(&mut self) {
        let metas =
            ["ObjectMeta", "ListMeta"].map(|name| format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}"));
        let wanted = |name: &str| SHARED.contains(&name) || metas.iter().any(|meta| meta == name);
        let definitions = self
            .table
            .decoded
            .definitions
            .iter()
            .filter(|definition| wanted(definition.name));
        self.open.extend(definitions.map(|definition| definition.node));
    }

    /// The full name of a kind's definition.
    pub(super) fn name(&self, group: &str, version: &str, kind: &str) -> Option<&'static str> {
        self.kind(group, version, kind).map(|definition| definition.name)
    }

    fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&'static Definition> {
        let wanted = format!("{group}/{version}/{kind}");
        self.table
            .decoded
            .definitions
            .iter()
            .find(|definition| definition.kind == wanted)
    }

    /// Prints what was added and, in turn, what that refers to.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let table = self.table;
        while let Some(node) = self.open.pop() {
            let name = table.decoded.arena.nodes[node as usize].name;
            let definitions = &table.decoded.definitions;
            let found = definitions.binary_search_by(|definition| definition.name.cmp(name));
            if let (Ok(at), false) = (found, self.added.contains_key(name)) {
                // Reserved before it is printed: a type may contain itself.
                self.added.insert(name, Value::Null);
                let printed = self.definition(&definitions[at]);
                self.added.insert(name, printed);
            }
        }
        self.added
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect()
    }

    fn definition(&mut self, definition: &Definition) -> Value {
        let table = self.table;
        let node = &table.decoded.arena.nodes[definition.node as usize];
        let mut schema = self.schema(node, Site::Definition);
        if let Shape::Struct { fields, .. } = &node.shape {
            self.fields(definition.name, fields, &mut schema);
        }
        self.describe(definition.line, &mut schema);
        let kinds = self.group_version_kinds(definition);
        if !kinds.is_empty() {
            schema.insert("x-kubernetes-group-version-kind".to_owned(), Value::Array(kinds));
        }
        if let Ok(unions) = serde_json::from_str(definition.unions) {
            schema.insert("x-kubernetes-unions".to_owned(), unions);
        }
        Value::Object(schema)
    }

    fn group_version_kinds(&self, definition: &Definition) -> Vec<Value> {
        let mut parts = definition.kind.splitn(3, '/');
        let (Some(group), Some(version), Some(kind)) = (parts.next(), parts.next(), parts.next()) else {
            return Vec::new();
        };
        if group != "*" {
            return vec![json!({"group": group, "version": version, "kind": kind})];
        }
        let mut versions: Vec<(&str, &str)> = self
            .table
            .resources()
            .iter()
            .map(|r| (r.group.as_str(), r.version.as_str()))
            .collect();
        versions.sort_unstable();
        versions.dedup();
        versions
            .iter()
            .map(|(group, version)| json!({"group": group, "version": version, "kind": kind}))
            .collect()
    }

    fn fields(&mut self, owner: &str, fields: &'static [Field], schema: &mut Map<String, Value>) {
        let mut properties = Map::new();
        for field in fields {
            let node = &self.table.decoded.arena.nodes[field.node as usize];
            let mut property = self.schema(node, Site::Property { owner, field });
            self.describe(field.line, &mut property);
            properties.insert(field.name.to_string(), self.wrapped(property));
        }
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| &*f.name).collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
    }

    /// v3 allows nothing beside a `$ref`.
    fn wrapped(&self, mut schema: Map<String, Value>) -> Value {
        if self.dialect == Dialect::V3
            && schema.len() > 1
            && let Some(reference) = schema.remove("$ref")
        {
            schema.insert("allOf".to_owned(), json!([{"$ref": reference}]));
        }
        Value::Object(schema)
    }

    fn schema(&mut self, node: &'static Node, site: Site<'_>) -> Map<String, Value> {
        let mut schema = self.shape(node);
        if !node.format.is_empty() {
            schema.insert("format".to_owned(), json!(node.format));
        }
        if let Some(attributes) = &node.attributes {
            add_attributes(attributes, &mut schema);
        }
        if self.dialect == Dialect::V2 {
            schema.remove("default");
        } else if let (false, Some(zero)) = (schema.contains_key("default"), self.zero(node, site)) {
            schema.insert("default".to_owned(), zero);
        }
        schema
    }

    fn shape(&mut self, node: &'static Node) -> Map<String, Value> {
        let nodes = &self.table.decoded.arena.nodes;
        let schema = match &node.shape {
            Shape::Scalar(scalar) => self.scalar(*scalar),
            Shape::Struct { .. } => json!({"type": "object"}),
            // The free-form objects (RawExtension, FieldsV1) say nothing of their values.
            Shape::Map { element } if matches!(nodes[*element as usize].shape, Shape::Untyped) => {
                json!({"type": "object"})
            }
            Shape::Map { element } => {
                let element = self.schema(&nodes[*element as usize], Site::Element);
                json!({"type": "object", "additionalProperties": self.wrapped(element)})
            }
            Shape::List { element, list } => {
                let element = self.schema(&nodes[*element as usize], Site::Element);
                let mut schema = json!({"type": "array", "items": self.wrapped(element)});
                match list {
                    ListType::Unannotated => {}
                    ListType::Atomic => schema["x-kubernetes-list-type"] = json!("atomic"),
                    ListType::Set => schema["x-kubernetes-list-type"] = json!("set"),
                    ListType::Map(keys) => {
                        schema["x-kubernetes-list-type"] = json!("map");
                        schema["x-kubernetes-list-map-keys"] = json!(keys);
                    }
                }
                schema
            }
            Shape::Ref(target) => {
                self.open.push(*target);
                let folder = if self.dialect == Dialect::V3 {
                    "components/schemas"
                } else {
                    "definitions"
                };
                json!({"$ref": format!("#/{folder}/{}", nodes[*target as usize].name)})
            }
            Shape::Builtin(_) | Shape::Untyped => json!({}),
        };
        schema.as_object().cloned().unwrap_or_default()
    }

    fn scalar(&self, scalar: Scalar) -> Value {
        match (scalar, self.dialect) {
            (Scalar::Integer, _) => json!({"type": "integer"}),
            (Scalar::Number, _) => json!({"type": "number"}),
            (Scalar::Boolean, _) => json!({"type": "boolean"}),
            (Scalar::IntOrString, Dialect::V3) => {
                json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
            }
            (Scalar::IntOrString, Dialect::V2) => json!({"format": "int-or-string", "type": "string"}),
            (Scalar::Quantity, Dialect::V3) => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            (Scalar::Quantity | Scalar::String, _) => json!({"type": "string"}),
        }
    }

    /// The default of a field whose Go type is no pointer.
    fn zero(&self, node: &Node, site: Site<'_>) -> Option<Value> {
        let by_value = match site {
            Site::Definition => return None,
            Site::Element => true,
            Site::Property { owner, field } => holds_value(owner, field),
        };
        let is_required =
            matches!(site, Site::Element) || matches!(site, Site::Property { field, .. } if field.required);
        match &node.shape {
            Shape::Ref(target) => {
                let target = &self.table.decoded.arena.nodes[*target as usize];
                (by_value && matches!(target.shape, Shape::Struct { .. })).then(|| json!({}))
            }
            Shape::Scalar(Scalar::String) if node.format.is_empty() => is_required.then(|| json!("")),
            Shape::Scalar(Scalar::Integer | Scalar::Number) => is_required.then(|| json!(0)),
            Shape::Scalar(Scalar::Boolean) => is_required.then_some(Value::Bool(false)),
            _ => None,
        }
    }

    fn describe(&self, line: u32, schema: &mut Map<String, Value>) {
        let text = line
            .checked_sub(HEADER_LINES)
            .and_then(|line| self.descriptions.get(line as usize));
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            schema.insert("description".to_owned(), json!(text));
        }
    }
}

/// True for a field that holds its struct itself: a required one (but selectors, which are pointers so that a
/// missing one is not an empty one), or one of the known names.
fn holds_value(owner: &str, field: &Field) -> bool {
    let is_pointer = POINTERS.contains(&(owner, &field.name)) || field.name == "selector";
    !is_pointer && (field.required || BY_VALUE.contains(&&*field.name))
}

fn add_attributes(attributes: &Attributes, schema: &mut Map<String, Value>) {
    // The last two are of CRDs, whose schemas are printed from their own JSON.
    let Attributes {
        atomic_map,
        patch_strategy,
        patch_merge_key,
        default,
        enumeration,
        nullable: _,
        embedded_resource: _,
    } = attributes;
    if let Some(atomic) = atomic_map {
        let map = if *atomic { "atomic" } else { "granular" };
        schema.insert("x-kubernetes-map-type".to_owned(), json!(map));
    }
    for (name, value) in [("strategy", patch_strategy), ("merge-key", patch_merge_key)] {
        if !value.is_empty() {
            schema.insert(format!("x-kubernetes-patch-{name}"), json!(value));
        }
    }
    if let Some(default) = default {
        schema.insert("default".to_owned(), default.clone());
    }
    if !enumeration.is_empty() {
        schema.insert("enum".to_owned(), json!(enumeration));
    }
}

/// Unpacks the descriptions; a test checks that there is one for each line.
/// The descriptions of fields such as `core.v1.PodSpec.nodeName`, of those that there are.
pub fn describe_fields(paths: impl Iterator<Item = &'static str>) -> HashMap<&'static str, String> {
    let table = Table::get();
    let descriptions = descriptions();
    let mut found = HashMap::new();
    for path in paths {
        let line = path.rsplit_once('.').and_then(|(definition, field)| {
            let below = ["io.k8s.api.", "io.k8s.apimachinery.pkg.apis."];
            let names = below.map(|below| format!("{below}{definition}"));
            let definitions = &table.decoded.definitions;
            let at = names
                .iter()
                .find_map(|name| definitions.binary_search_by(|one| one.name.cmp(name)).ok())?;
            let node = &table.decoded.arena.nodes[definitions[at].node as usize];
            let Shape::Struct { fields, .. } = &node.shape else {
                return None;
            };
            let line = fields.iter().find(|one| one.name == field)?.line;
            Some(line.checked_sub(HEADER_LINES)? as usize)
        });
        if let Some(text) = line.and_then(|line| descriptions.get(line)) {
            found.entry(path).or_insert_with(|| text.clone());
        }
    }
    found
}

fn descriptions() -> Vec<String> {
    let mut text = String::new();
    // The file is checked in, so its size bounds what it unpacks to; a damaged one would leave types undescribed.
    let read = ZlibDecoder::new(COMPRESSED).read_to_string(&mut text);
    debug_assert!(read.is_ok(), "the descriptions are checked in");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_has_its_description() {
        let lines = super::super::super::TYPES.lines().count() - HEADER_LINES as usize;
        assert_eq!(descriptions().len(), lines);
    }
}
