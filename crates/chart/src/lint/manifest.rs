//! The head of a Kubernetes object, read as Helm's linter reads it, and the documents of a file.

use yaml::Value;

use crate::go_text;
use crate::json::Decoder;
use crate::values::{Map, documents};

/// What the rules look at.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// Why a document has no head.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: Option<u32>,
    why: String,
}

impl Unreadable {
    pub(super) fn message(&self) -> String {
        format!("unable to parse YAML: {}", self.why)
    }
}

impl Head {
    /// Reads one document; `None` for an empty one.
    pub(super) fn read(document: Result<&[u8], Unreadable>) -> Result<Option<Self>, Unreadable> {
        let value = yaml::read(document?, yaml::Numbers::Kept).map_err(|failed| Unreadable {
            line: failed.line(),
            why: failed.to_string(),
        })?;
        let map = match &value {
            Value::Null => return Ok(None),
            Value::Map(map) => map,
            other => return Err(mismatch(other, "value", "rules.k8sYamlStruct")),
        };
        let mut head = Self::default();
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => text(&mut head.api_version, value, "k8sYamlStruct.apiVersion")?,
                "kind" => text(&mut head.kind, value, "k8sYamlStruct.Kind")?,
                "metadata" => head.metadata(value)?,
                _ => {}
            }
        }
        Ok(Some(head))
    }

    fn metadata(&mut self, value: &Value) -> Result<(), Unreadable> {
        let map = match value {
            Value::Null => return Ok(()),
            Value::Map(map) => map,
            other => {
                return Err(mismatch(
                    other,
                    "struct field k8sYamlStruct.Metadata",
                    "rules.k8sYamlMetadata",
                ));
            }
        };
        let mut namespace = String::new();
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "name" => text(&mut self.name, value, "k8sYamlMetadata.Metadata.Name")?,
                "namespace" => text(&mut namespace, value, "k8sYamlMetadata.Metadata.Namespace")?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The documents of a stream, cut at lines that begin with `---`. The last one is an error when a line begins
/// so and goes on with something that is no comment.
pub(super) fn documents(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], Unreadable>> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || match documents::split(rest.take()?) {
        Ok((document, next)) => {
            rest = next;
            Some(Ok(document))
        }
        Err(failed) => Some(Err(Unreadable {
            line: None,
            why: failed.to_string(),
        })),
    })
}

/// What is wrong with a stream that begins like JSON, which Helm then reads as nothing else.
pub(super) fn json_problem(stream: &[u8]) -> Option<String> {
    if !stream.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let mut decoder = Decoder::new(stream);
    while !decoder.is_at_end() {
        if let Err(failed) = decoder.value() {
            return Some(format!(
                "unable to parse YAML: json: offset {}: {failed}",
                decoder.offset() + 1
            ));
        }
    }
    None
}

/// Whether an item of a `List` has an annotation.
pub(super) fn list_has_annotation(document: &[u8], annotation: &str) -> bool {
    let Ok(Value::Map(map)) = yaml::from_slice(document) else {
        return false;
    };
    let Some(Value::Seq(items)) = map.get("items") else {
        return false;
    };
    let table = |value: &Value, key: &str| match value {
        Value::Map(map) => match map.get(key) {
            Some(Value::Map(inner)) => Some(inner.clone()),
            _ => None,
        },
        _ => None,
    };
    let has = |annotations: Map| annotations.contains_key(annotation);
    items
        .iter()
        .filter_map(|item| table(item, "metadata"))
        .filter_map(|metadata| table(&Value::Map(metadata), "annotations"))
        .any(has)
}

fn text(slot: &mut String, value: &Value, place: &str) -> Result<(), Unreadable> {
    match value {
        Value::Null => {}
        Value::String(text) => slot.clone_from(text),
        Value::Bool(yes) => *slot = yes.to_string(),
        Value::Int(number) => *slot = number.to_string(),
        Value::Float(number) => *slot = go_text::float32(*number),
        other => return Err(mismatch(other, &format!("struct field {place}"), "string")),
    }
    Ok(())
}

fn mismatch(value: &Value, place: &str, wanted: &str) -> Unreadable {
    let found = crate::metadata::json_kind(value);
    let why = format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {place} of type {wanted}"
    );
    Unreadable { line: None, why }
}
