//! The structural schema of a custom kind as a type.
//!
//! Parsed once, when a CustomResourceDefinition is established. What only validation needs (patterns, bounds,
//! rules) is not kept: it is read from the schema where it stands. A schema is trusted to have passed the checks of
//! its definition; one that has not gives the nearest type, never a panic.

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;

use super::types::{Arena, Attributes, Field, ListType, Node, Scalar, Shape, TypeRef};

/// The nesting of a schema that is followed. JSON of a request is at most 128 deep, of which a level of properties
/// takes two; the deepest real schemas (embedded Pods) have some 20 levels.
pub(super) const SCHEMA_DEPTH_MAX: usize = 64;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The type of a custom kind in one version.
#[derive(Debug)]
pub struct CustomType {
    arena: Arena,
    root: u32,
}

/// Why a schema has no type.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("the schema is nested deeper than {SCHEMA_DEPTH_MAX} levels")]
    TooDeep,
}

impl CustomType {
    /// Parses `spec.versions[].schema.openAPIV3Schema`. apiVersion, kind and metadata are added: they are the same
    /// for all kinds, whatever the schema says of them.
    ///
    /// # Errors
    /// If the schema is nested too deep.
    pub fn parse(schema: &Value) -> Result<Self, Error> {
        let mut arena = Arena::default();
        let root = parse(&mut arena, schema, Is::Resource, 0)?;
        Ok(Self { arena, root })
    }

    /// The type of the kind's objects.
    #[must_use]
    pub fn type_ref(&self) -> TypeRef<'_> {
        TypeRef::new(&self.arena, self.root)
    }
}

/// Whether an object has apiVersion, kind and metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Resource,
    Value,
}

fn parse(arena: &mut Arena, schema: &Value, is: Is, depth: usize) -> Result<u32, Error> {
    if depth > SCHEMA_DEPTH_MAX {
        return Err(Error::TooDeep);
    }
    let embedded = flag(schema, "embedded-resource");
    let is = if embedded { Is::Resource } else { is };
    let shape = shape(arena, schema, is, depth)?;
    let mut node = Node::new(shape);
    node.format = schema["format"]
        .as_str()
        .map_or(Cow::Borrowed(""), |format| Cow::Owned(format.to_owned()));
    let enumeration = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let attributes = Attributes {
        atomic_map: schema["x-kubernetes-map-type"]
            .as_str()
            .map(|map| map == "atomic"),
        default: schema.get("default").cloned(),
        enumeration: enumeration.map(|value| Cow::Owned(value.to_owned())).collect(),
        nullable: schema["nullable"] == true,
        embedded_resource: embedded,
        ..Attributes::default()
    };
    node.attributes = (!attributes.is_empty()).then(|| Box::new(attributes));
    Ok(arena.push(node))
}

fn shape(arena: &mut Arena, schema: &Value, is: Is, depth: usize) -> Result<Shape, Error> {
    if flag(schema, "int-or-string") {
        return Ok(Shape::Scalar(Scalar::IntOrString));
    }
    let open = flag(schema, "preserve-unknown-fields");
    Ok(match schema["type"].as_str().unwrap_or_default() {
        "string" => Shape::Scalar(Scalar::String),
        "integer" => Shape::Scalar(Scalar::Integer),
        "number" => Shape::Scalar(Scalar::Number),
        "boolean" => Shape::Scalar(Scalar::Boolean),
        "array" => {
            let element = parse(arena, &schema["items"], Is::Value, depth + 1)?;
            Shape::List {
                element,
                list: list_type(schema),
            }
        }
        "object" => object(arena, schema, is, (open, depth))?,
        // A root without a type is an object all the same.
        _ if is == Is::Resource => object(arena, schema, is, (open, depth))?,
        _ => Shape::Untyped,
    })
}

fn object(arena: &mut Arena, schema: &Value, is: Is, (open, depth): (bool, usize)) -> Result<Shape, Error> {
    let additional = &schema["additionalProperties"];
    if is == Is::Value && (additional.is_object() || *additional == true) {
        // `true` is read as a schema without a type: anything.
        return Ok(Shape::Map {
            element: parse(arena, additional, Is::Value, depth + 1)?,
        });
    }
    let properties = schema["properties"].as_object();
    if is == Is::Value && open && properties.is_none_or(serde_json::Map::is_empty) {
        return Ok(Shape::Untyped);
    }
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|list| list.iter().any(|r| r == name))
    };
    let mut fields = Vec::new();
    for (name, property) in properties.into_iter().flatten() {
        if is == Is::Value || !matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            let node = parse(arena, property, Is::Value, depth + 1)?;
            fields.push(field(name.clone().into(), required(name), node));
        }
    }
    if is == Is::Resource {
        for name in ["apiVersion", "kind"] {
            let node = arena.push(Node::new(Shape::Scalar(Scalar::String)));
            fields.push(field(name.into(), required(name), node));
        }
        let node = arena.push(Node::new(Shape::Builtin(OBJECT_META)));
        fields.push(field("metadata".into(), required("metadata"), node));
    }
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Shape::Struct { fields, open })
}

fn field(name: Cow<'static, str>, required: bool, node: u32) -> Field {
    Field {
        name,
        required,
        node,
        line: 0,
    }
}

fn list_type(schema: &Value) -> ListType {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("atomic") => ListType::Atomic,
        Some("set") => ListType::Set,
        Some("map") => {
            let keys = schema["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten();
            ListType::Map(
                keys.filter_map(Value::as_str)
                    .map(|key| Cow::Owned(key.to_owned()))
                    .collect(),
            )
        }
        _ => ListType::Unannotated,
    }
}

fn flag(schema: &Value, name: &str) -> bool {
    schema[format!("x-kubernetes-{name}")] == true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::{Kind, ListKind};
    use super::super::{prune, walk};
    use super::*;

    fn widget() -> CustomType {
        let port = json!({"type": "object", "properties": {
            "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}});
        let schema = json!({"type": "object", "required": ["spec"], "properties": {
        "metadata": {"type": "object"},
        "spec": {"type": "object", "required": ["size"], "default": {}, "properties": {
            "size": {"type": "integer"},
            "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Slow"},
            "note": {"type": "string", "nullable": true, "default": "none"},
            "port": {"x-kubernetes-int-or-string": true},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "free": {"type": "object", "additionalProperties": {"type": "string"}},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {}}}},
            "object": {"type": "object", "x-kubernetes-embedded-resource": true,
                "properties": {"spec": {"type": "object"}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "ports": {"type": "array", "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port", "protocol"], "items": port}
        }}}});
        CustomType::parse(&schema).expect("a schema")
    }

    #[test]
    fn the_marks_of_a_schema_become_kinds() {
        let widget = widget();
        let spec = widget.type_ref().field("spec").expect("spec");
        let kind = |name: &str| spec.field(name).expect(name).kind();
        assert_eq!(kind("port"), Kind::Scalar(Scalar::IntOrString));
        assert_eq!(kind("any"), Kind::Untyped);
        assert_eq!(kind("free"), Kind::Map { granular: true });
        assert_eq!(kind("tags"), Kind::List(ListKind::Set));
        let keys = ["port".into(), "protocol".into()];
        assert_eq!(kind("ports"), Kind::List(ListKind::Map(&keys)));
        let element = spec.field("ports").and_then(TypeRef::element).expect("a port");
        assert_eq!(
            element.field("protocol").and_then(TypeRef::default),
            Some(&json!("TCP"))
        );
        let owners = widget
            .type_ref()
            .field("metadata")
            .and_then(|meta| meta.field("ownerReferences"));
        assert_eq!(
            owners.expect("metadata is an ObjectMeta").kind(),
            Kind::List(ListKind::Map(&["uid".into()]))
        );
        assert!(spec.field("size").is_some() && spec.field("extra").is_none());
    }

    #[test]
    fn what_the_schema_does_not_know_is_reported_and_pruned() {
        let widget = widget();
        let mut object = json!({"apiVersion": "a/v1", "kind": "Widget", "metadata": {"name": "a", "foo": 1},
            "spec": {"any": {"x": {"y": 1}}, "extra": {"x": 1}, "open": {"known": {"z": 1}, "x": {"y": 1}},
                "object": {"kind": "A", "metadata": {"name": "b", "bar": 1}, "spec": {"x": 1}}}});
        let found = walk::walk(widget.type_ref(), &object).unknown;
        let expected = [
            "metadata.foo",
            "spec.extra",
            "spec.object.metadata.bar",
            "spec.object.spec.x",
            "spec.open.known.z",
        ];
        assert_eq!(found, expected);
        prune::prune(widget.type_ref(), &mut object);
        assert_eq!(
            object,
            json!({"apiVersion": "a/v1", "kind": "Widget", "metadata": {"name": "a"},
                "spec": {"any": {"x": {"y": 1}}, "open": {"known": {}, "x": {"y": 1}},
                    "object": {"kind": "A", "metadata": {"name": "b"}, "spec": {}}}})
        );
    }

    #[test]
    fn defaults_fill_in_from_the_root_down() {
        let widget = widget();
        let check = |mut object: Value, expected: Value| {
            prune::default(widget.type_ref(), &mut object);
            assert_eq!(object, expected);
        };
        check(json!({}), json!({"spec": {"mode": "Slow", "note": "none"}}));
        check(
            json!({"spec": {"mode": null, "note": null, "size": null}}),
            json!({"spec": {"mode": "Slow", "note": null}}),
        );
        let ports = json!({"spec": {"mode": "Fast", "note": "x", "ports": [{"port": 1}]}});
        let filled =
            json!({"spec": {"mode": "Fast", "note": "x", "ports": [{"port": 1, "protocol": "TCP"}]}});
        check(ports, filled);
    }

    #[test]
    fn a_schema_without_an_end_is_refused() {
        let mut schema = json!({"type": "string"});
        for _ in 0..200 {
            schema = json!({"type": "array", "items": schema});
        }
        let error = CustomType::parse(&schema).map(|_| ()).expect_err("too deep");
        assert_eq!(error, Error::TooDeep);
    }
}
