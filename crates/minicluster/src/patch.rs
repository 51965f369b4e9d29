//! The three patches that change an object in place: JSON patch, JSON merge patch, strategic merge patch.
//!
//! ```text
//! body ─► decode ─► json │ merge │ strategic ─► patched object
//! ```
//!
//! Pure: the caller decodes the result (which finds unknown fields), defaults, validates and stores it. A patch
//! that creates no valid object is the caller's to refuse. Server-side apply is another thing: see `apply`.

pub mod json;
pub mod merge;
pub mod strategic;

use serde_json::Value;

/// JSON parsers refuse to read values deeper than this (serde_json at 128), so a patch must not make one: it
/// could be stored but never read again.
pub const MAX_DEPTH: usize = 127;

/// Why a patch is refused, with the API server's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 400 BadRequest.
    #[error("{0}")]
    BadRequest(String),
    /// 413 RequestEntityTooLarge.
    #[error("{0}")]
    TooLarge(String),
    /// 422 Invalid, with empty details. The answer's text is [`UNPROCESSABLE`]; this one says why.
    #[error("{0}")]
    Unprocessable(String),
    /// 500 without a reason.
    #[error("{0}")]
    Failed(String),
}

/// What the API server says of every patch that is well-formed but can't be done.
pub const UNPROCESSABLE: &str = "the server rejected our request due to an error in our request";

fn check_depth(value: &Value) -> Result<(), Error> {
    if crate::apply::depth_within(value, MAX_DEPTH) {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "nested deeper than {MAX_DEPTH} levels"
    )))
}

/// The name that Go's JSON decoder gives to a value of the wrong type.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
