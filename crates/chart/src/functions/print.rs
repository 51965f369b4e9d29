//! Values as text: Sprig's `strval`, which is Go's `%v` but for strings and bytes, and Go's quoting.

use std::borrow::Cow;

use template::function::Error;
use template::value::Str;
use template::{Value, fmt};

/// What Sprig puts where it wants a string.
///
/// # Errors
/// When the value contains itself.
pub(crate) fn strval(value: &Value) -> Result<Cow<'_, [u8]>, Error> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(Cow::Borrowed(text.as_bytes())),
        other => Ok(Cow::Owned(fmt::value_to_string(other)?)),
    }
}

/// The same as a string of Go's, which shares the value's bytes when it is one.
pub(crate) fn strval_shared(value: &Value) -> Result<Str, Error> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(text.clone()),
        other => Ok(Str::from(fmt::value_to_string(other)?)),
    }
}

/// `strconv.Quote`.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.iter().all(plain) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    } else {
        out.extend_from_slice(fmt::quote(text).as_bytes());
    }
}
