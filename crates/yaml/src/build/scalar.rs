//! What a scalar is once its tag is applied, and what a key becomes in JSON.

use std::borrow::Cow;

use super::Fault;
use crate::decode::Style;
use crate::emit::go_lossy;
use crate::error::Error;
use crate::number::go_float32;
use crate::parse::Scalar;
use crate::resolve::{Generation, Resolved, resolve};

const LONG_TAG: &str = "tag:yaml.org,2002:";

pub(super) fn not_a_number(value: f64) -> Error {
    let name = match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "+Inf",
        _ => "-Inf",
    };
    Error::convert(format!("json: unsupported value: {name}"))
}

pub(super) fn is_merge(scalar: &Scalar<'_>) -> bool {
    if scalar.raw.text != "<<" {
        return false;
    }
    match scalar.tag.as_deref() {
        None => scalar.raw.style == Style::Plain,
        Some(tag) => tag == "!" || tag == "tag:yaml.org,2002:merge",
    }
}

/// What a key becomes in JSON.
pub(super) enum Key {
    Text,
    Owned(String),
    /// The type and the key, as Go's error names them.
    Unsupported(String),
}

pub(super) fn json_key(key: Resolved) -> Key {
    match key {
        Resolved::Str | Resolved::Timestamp => Key::Text,
        Resolved::Bool(value) => Key::Owned(value.to_string()),
        Resolved::Int(value) => Key::Owned(value.to_string()),
        Resolved::Float(value) => Key::Owned(go_float32(value)),
        Resolved::Null => Key::Unsupported("%!s(<nil>), key: <nil>".to_owned()),
        Resolved::Uint(value) => Key::Unsupported(format!("uint64, key: {value:#x}")),
    }
}

/// A scalar with its tag applied.
pub(super) enum Typed<'t> {
    Resolved(Resolved),
    /// Text that is not what the scalar says: decoded base64.
    Text(Cow<'t, str>),
}

pub(super) fn resolve_scalar<'t>(scalar: &Scalar<'_>, text: &str) -> Result<Typed<'t>, Fault> {
    let Some(tag) = scalar.tag.as_deref() else {
        let resolved = match scalar.raw.style {
            Style::Plain => resolve(text, Generation::V2),
            _ => Resolved::Str,
        };
        return Ok(Typed::Resolved(resolved));
    };
    let Some(wanted) = tag.strip_prefix(LONG_TAG) else {
        return Ok(Typed::Resolved(Resolved::Str));
    };
    match wanted {
        "binary" => {
            let bytes = crate::base64::decode(text)
                .ok_or_else(|| Fault::Build(Error::yaml("!!binary value contains invalid base64 data")))?;
            Ok(Typed::Text(Cow::Owned(go_lossy(&bytes))))
        }
        "bool" | "int" | "float" | "null" | "timestamp" => tagged(wanted, text).map(Typed::Resolved),
        _ => Ok(Typed::Resolved(Resolved::Str)),
    }
}

fn tagged(wanted: &str, text: &str) -> Result<Resolved, Fault> {
    let resolved = match resolve(text, Generation::V2) {
        // A time is only tried where one is asked for.
        Resolved::Timestamp if wanted != "timestamp" => Resolved::Str,
        resolved => resolved,
    };
    let found = match resolved {
        Resolved::Null => "null",
        Resolved::Bool(_) => "bool",
        Resolved::Int(_) | Resolved::Uint(_) => "int",
        Resolved::Float(_) => "float",
        Resolved::Timestamp => "timestamp",
        Resolved::Str => "str",
    };
    match (wanted, resolved) {
        _ if wanted == found => Ok(resolved),
        ("float", Resolved::Int(value)) => Ok(Resolved::Float(value as f64)),
        _ => Err(Fault::Build(Error::yaml(format_args!(
            "cannot decode !!{found} `{text}` as a !!{wanted}"
        )))),
    }
}
