//! The v2 document as protobuf: what kubectl asks for when a kind is in none of the v3 documents.
//!
//! The messages are gnostic's `openapi.v2`: a map is a list of named values, and what may be anything is its YAML,
//! for which its JSON serves. Written from the JSON form, field by field; paths are left out there, so here too.

use serde_json::{Map, Value};

use crate::protobuf::wire::{put_bytes, put_double, put_number};

/// Deeper than any schema of a built-in kind, which refer to each other rather than nest.
const MAX_DEPTH: usize = 64;

/// How a field of a schema is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Texts,
    Truth,
    Whole,
    Number,
    /// Anything, as YAML.
    Any,
    Anys,
    Schemas,
    Items,
    Type,
    Properties,
    Additional,
}

/// The fields of a schema that documents have, with their numbers.
const SCHEMA: &[(&str, u32, Form)] = &[
    ("$ref", 1, Form::Text),
    ("format", 2, Form::Text),
    ("title", 3, Form::Text),
    ("description", 4, Form::Text),
    ("default", 5, Form::Any),
    ("multipleOf", 6, Form::Number),
    ("maximum", 7, Form::Number),
    ("exclusiveMaximum", 8, Form::Truth),
    ("minimum", 9, Form::Number),
    ("exclusiveMinimum", 10, Form::Truth),
    ("maxLength", 11, Form::Whole),
    ("minLength", 12, Form::Whole),
    ("pattern", 13, Form::Text),
    ("maxItems", 14, Form::Whole),
    ("minItems", 15, Form::Whole),
    ("uniqueItems", 16, Form::Truth),
    ("maxProperties", 17, Form::Whole),
    ("minProperties", 18, Form::Whole),
    ("required", 19, Form::Texts),
    ("enum", 20, Form::Anys),
    ("additionalProperties", 21, Form::Additional),
    ("type", 22, Form::Type),
    ("items", 23, Form::Items),
    ("allOf", 24, Form::Schemas),
    ("properties", 25, Form::Properties),
];

const EXTENSION: u32 = 31;

/// The document as a `Document`.
pub(super) fn document(document: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_text(&mut out, 1, &document["swagger"]);
    let mut info = Vec::new();
    put_text(&mut info, 1, &document["info"]["title"]);
    put_text(&mut info, 2, &document["info"]["version"]);
    put_bytes(&mut out, 2, &info);
    put_bytes(&mut out, 8, &[]);
    if let Some(definitions) = document["definitions"].as_object() {
        put_bytes(&mut out, 9, &named(definitions, 0));
    }
    for requirement in list(&document["security"]) {
        let mut names = Vec::new();
        for (name, scopes) in requirement.as_object().into_iter().flatten() {
            let mut texts = Vec::new();
            list(scopes)
                .iter()
                .for_each(|scope| put_text(&mut texts, 1, scope));
            put_bytes(&mut names, 1, &pair(name, &texts));
        }
        put_bytes(&mut out, 12, &names);
    }
    let mut definitions = Vec::new();
    for (name, security) in document["securityDefinitions"].as_object().into_iter().flatten() {
        let mut key = Vec::new();
        for (number, field) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
            put_text(&mut key, number, &security[field]);
        }
        let mut item = Vec::new();
        put_bytes(&mut item, 2, &key);
        put_bytes(&mut definitions, 1, &pair(name, &item));
    }
    put_bytes(&mut out, 13, &definitions);
    out
}

fn schema(value: &Value, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if depth > MAX_DEPTH {
        return out;
    }
    for (name, number, form) in SCHEMA {
        if let Some(value) = value.get(name) {
            put(&mut out, (*number, *form), value, depth + 1);
        }
    }
    let extensions = value.as_object().into_iter().flatten();
    for (name, value) in extensions.filter(|(name, _)| name.starts_with("x-")) {
        put_bytes(&mut out, EXTENSION, &pair(name, &any(value)));
    }
    out
}

fn put(out: &mut Vec<u8>, (number, form): (u32, Form), value: &Value, depth: usize) {
    match (form, value) {
        (Form::Text, _) => put_text(out, number, value),
        (Form::Texts, _) => list(value).iter().for_each(|text| put_text(out, number, text)),
        (Form::Truth, _) => put_number(out, number, u64::from(value.as_bool().unwrap_or(false))),
        (Form::Whole, _) => put_number(out, number, value.as_i64().unwrap_or(0).cast_unsigned()),
        (Form::Number, _) => put_double(out, number, value.as_f64().unwrap_or(0.0)),
        (Form::Any, _) => put_bytes(out, number, &any(value)),
        (Form::Anys, _) => list(value)
            .iter()
            .for_each(|one| put_bytes(out, number, &any(one))),
        (Form::Schemas, _) => list(value)
            .iter()
            .for_each(|one| put_bytes(out, number, &schema(one, depth))),
        (Form::Items, _) => put_bytes(out, number, &single(&schema(value, depth))),
        (Form::Type, Value::String(kind)) => put_bytes(out, number, &single(kind.as_bytes())),
        (Form::Properties, Value::Object(properties)) => put_bytes(out, number, &named(properties, depth)),
        (Form::Additional, Value::Bool(allowed)) => {
            let mut item = Vec::new();
            put_number(&mut item, 2, u64::from(*allowed));
            put_bytes(out, number, &item);
        }
        (Form::Additional, _) => put_bytes(out, number, &single(&schema(value, depth))),
        (Form::Type | Form::Properties, _) => {}
    }
}

/// A map of schemas: named ones, each as field 1.
fn named(schemas: &Map<String, Value>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in schemas {
        put_bytes(&mut out, 1, &pair(name, &schema(value, depth + 1)));
    }
    out
}

/// A name and an encoded value.
fn pair(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + value.len() + 8);
    put_bytes(&mut out, 1, name.as_bytes());
    put_bytes(&mut out, 2, value);
    out
}

fn single(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 4);
    put_bytes(&mut out, 1, value);
    out
}

fn any(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 2, value.to_string().as_bytes());
    out
}

fn put_text(out: &mut Vec<u8>, number: u32, value: &Value) {
    if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
        put_bytes(out, number, text.as_bytes());
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protobuf::wire::{Reader, Wire};

    /// Numbers of the fields of a message and their bytes.
    fn fields(message: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut reader = Reader(message);
        let mut all = Vec::new();
        while let Some((number, value)) = reader.field().unwrap() {
            let Wire::Bytes(bytes) = value else {
                panic!("only bytes are written here")
            };
            all.push((number, bytes.to_vec()));
        }
        all
    }

    #[test]
    fn a_schema_has_its_type_its_properties_and_its_extensions() {
        let written = schema(
            &json!({"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}},
                "x-kubernetes-group-version-kind": [{"group": "", "kind": "A", "version": "v1"}]}),
            0,
        );
        let fields = fields(&written);
        assert_eq!(
            fields.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [22, 25, 31]
        );
        assert_eq!(fields[0].1, single(b"object"));
        assert_eq!(fields[1].1, single(&pair("a", &single(b"#/definitions/A"))));
        let text = String::from_utf8_lossy(&fields[2].1).into_owned();
        assert!(
            text.contains(r#"[{"group":"","kind":"A","version":"v1"}]"#),
            "{text}"
        );
    }

    #[test]
    fn a_document_has_its_definitions() {
        let written = document(&json!({"swagger": "2.0", "info": {"title": "t", "version": "v"},
            "definitions": {"A": {"type": "string"}}, "security": [{"B": []}],
            "securityDefinitions": {"B": {"type": "apiKey", "name": "n", "in": "header"}}}));
        let numbers: Vec<u64> = fields(&written).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 8, 9, 12, 13]);
    }
}
