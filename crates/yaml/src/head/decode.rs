//! A document's JSON → [`Head`], as Go decodes it into `util.SimpleHead`.
//!
//! Field names match whatever their case, keys come in byte order, so that `kind` wins over `Kind`, numbers and
//! booleans become strings where a string is wanted, and of several mismatches the first is reported.

use std::collections::BTreeMap;

use super::Head;
use crate::error::Error;
use crate::number::go_float32;
use crate::value::Value;

/// The type of the field `metadata`, as Go prints it.
const METADATA: &str =
    r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;

/// Whether a key of the document is one of the fields that are decoded.
pub(super) fn is_wanted(key: &str) -> bool {
    field(key, &["apiVersion", "kind", "metadata"]).is_some()
}

/// The one of the names that Go takes a key for.
fn field(key: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| {
        key.len() >= name.len()
            && key
                .chars()
                .map(fold)
                .eq(name.chars().map(|char| char.to_ascii_lowercase()))
    })
}

/// The only two letters beside ASCII's own that fold to one of them.
fn fold(char: char) -> char {
    match char {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        _ => char.to_ascii_lowercase(),
    }
}

pub(super) fn head(value: &Value) -> Result<Head, Error> {
    let mut head = Head::default();
    let entries = match value {
        Value::Null => return Ok(head),
        Value::Map(entries) => entries,
        _ => return Err(Error::shape(json_type(value), "util.SimpleHead")),
    };
    let mut first = Mismatch::default();
    for (key, value) in entries {
        match field(key, &["apiVersion", "kind", "metadata"]) {
            Some("apiVersion") => string(value, &mut head.api_version, "SimpleHead.apiVersion", &mut first),
            Some("kind") => string(value, &mut head.kind, "SimpleHead.kind", &mut first),
            Some(_) => metadata(value, &mut head, &mut first),
            None => {}
        }
    }
    first.0.map_or(Ok(head), Err)
}

fn metadata(value: &Value, head: &mut Head, first: &mut Mismatch) {
    let entries = match value {
        Value::Map(entries) => entries,
        Value::Null => {
            // The pointer is nil again, whatever another spelling of the key has set.
            *head = Head {
                api_version: std::mem::take(&mut head.api_version),
                kind: std::mem::take(&mut head.kind),
                ..Head::default()
            };
            return;
        }
        _ => return first.set(value, "SimpleHead.metadata", METADATA),
    };
    for (key, value) in entries {
        match field(key, &["name", "annotations"]) {
            Some("name") => string(value, &mut head.name, ".metadata.name", first),
            Some(_) => annotations(value, &mut head.annotations, first),
            None => extra(key, value, head),
        }
    }
}

fn annotations(value: &Value, annotations: &mut BTreeMap<String, String>, first: &mut Mismatch) {
    const FIELD: &str = ".metadata.annotations";
    match value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let mut text = String::new();
                string(value, &mut text, FIELD, first);
                annotations.insert(key.clone(), text);
            }
        }
        Value::Null => annotations.clear(),
        _ => first.set(value, FIELD, "map[string]string"),
    }
}

/// The fields that Helm does not decode here, and so does not refuse.
fn extra(key: &str, value: &Value, head: &mut Head) {
    let mut ignored = Mismatch::default();
    match (key, value) {
        ("namespace", _) => string(value, &mut head.namespace, "", &mut ignored),
        ("labels", Value::Map(entries)) => {
            for (key, value) in entries {
                let mut text = String::new();
                string(value, &mut text, "", &mut ignored);
                head.labels.insert(key.clone(), text);
            }
        }
        _ => {}
    }
}

fn string(value: &Value, target: &mut String, field: &str, first: &mut Mismatch) {
    *target = match value {
        Value::Null => return,
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => go_float32(*value),
        Value::Seq(_) | Value::Map(_) => return first.set(value, field, "string"),
    };
}

/// The first value that had the wrong type.
#[derive(Default)]
struct Mismatch(Option<Error>);

impl Mismatch {
    fn set(&mut self, value: &Value, field: &str, wanted: &str) {
        self.0.get_or_insert_with(|| {
            let found = json_type(value);
            Error::decode(format_args!(
                "cannot unmarshal {found} into Go struct field {field} of type {wanted}"
            ))
        });
    }
}

/// What JSON calls a value.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}
