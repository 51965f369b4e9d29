//! What a call is answered with, in the form that the client accepts: the object, its metadata, or a table.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Call;
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
    /// An object for a caller in this process, not written as text.
    Value(Value),
    Text(String),
    /// Bytes of another media type.
    Typed(&'static str, Bytes),
    /// The lines of a watch, in JSON; the stream ends with its sender.
    Stream(mpsc::Receiver<Bytes>),
    /// The same, to be sent as protobuf.
    Frames(mpsc::Receiver<Bytes>),
}

/// The form that a client asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Object,
    Table,
    Metadata,
    /// The object as a value, where it was written: for callers in this process.
    Value,
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

    pub(super) fn warn(mut self, warning: &str) -> Self {
        self.warnings.push(warning.to_owned());
        self
    }
}

impl From<&Failure> for Reply {
    fn from(failure: &Failure) -> Self {
        if failure.is_page_not_found() {
            return Self::text(failure.code, failure.message.clone());
        }
        Self::json(failure.code, &failure.status())
    }
}

/// The answer to a write: the object as it is stored now.
pub(super) fn written(call: &Call, code: u16, object: Value) -> Reply {
    if call.form == Form::Value {
        return Reply {
            code,
            content: Content::Value(object),
            warnings: Vec::new(),
        };
    }
    let include = call.query.get("includeObject");
    Reply::json(code, &self::object(&call.served, call.form, include, object))
}

/// One object in the form that was asked for.
pub(super) fn object(served: &Served, form: Form, include: &str, value: Value) -> Value {
    match form {
        Form::Object | Form::Value => value,
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
