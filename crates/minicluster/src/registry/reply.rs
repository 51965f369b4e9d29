//! What a call is answered with, in the form that the client accepts: the object, its metadata, or a table.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::catalog::Served;
use super::failure::Failure;
use super::table;

/// An answer on its way to the connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub code: u16,
    pub content: Content,
    pub warnings: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Json(Bytes),
    Text(String),
    /// JSON under a media type with parameters.
    Typed(&'static str, Bytes),
    /// The lines of a watch; the stream ends with its sender.
    Stream(mpsc::Receiver<Bytes>),
}

/// The form that an Accept header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    Table,
    Metadata,
}

impl Reply {
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, value.to_string().into_bytes())
    }

    pub(crate) fn bytes(code: u16, json: impl Into<Bytes>) -> Self {
        Self {
            code,
            content: Content::Json(json.into()),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn text(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            content: Content::Text(text.into()),
            warnings: Vec::new(),
        }
    }

    pub(super) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

impl From<&Failure> for Reply {
    fn from(failure: &Failure) -> Self {
        Self::json(failure.code, &failure.status())
    }
}

/// The first form of the Accept header that can be made.
///
/// # Errors
/// 406 if there is none.
pub(super) fn form(accept: &str) -> Result<Form, Failure> {
    let mut refused = false;
    for one in accept.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let mut parts = one.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(media, "application/json" | "application/*" | "*/*") {
            refused = true;
            continue;
        }
        let shown = parts.find_map(|part| part.strip_prefix("as="));
        match shown {
            Some("Table") => return Ok(Form::Table),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Form::Metadata),
            Some(_) => refused = true,
            None => return Ok(Form::Object),
        }
    }
    if refused {
        return Err(Failure::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml, \
             application/vnd.kubernetes.protobuf, application/json;stream=watch, \
             application/vnd.kubernetes.protobuf;stream=watch",
        ));
    }
    Ok(Form::Object)
}

/// One object in the form that was asked for.
pub(super) fn object(served: &Served, form: Form, include: &str, value: Value) -> Value {
    match form {
        Form::Object => value,
        Form::Metadata => metadata(value),
        Form::Table => {
            let version = value["metadata"]["resourceVersion"].clone();
            table::table(
                served,
                vec![value],
                &json!({"resourceVersion": version}),
                (include, true),
            )
        }
    }
}

/// `PartialObjectMetadata` of an object.
pub(super) fn metadata(mut value: Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"].take()})
}
