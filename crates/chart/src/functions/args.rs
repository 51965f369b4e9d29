//! How a body reads its arguments and how a table line is written.
//!
//! The executor has converted every argument to its declared type, so the accessors need no errors: they answer
//! the type's zero value for what cannot occur.

use template::function::Error;
use template::value::{Elem, IntKind, Kind, List, Map};
use template::{Call, Function, Param, Value};

/// The most that one call may make. A string a thousand times the size of any real manifest; what asks for more
/// is a mistake or an attack.
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// The most items that one call may put into a list; at 24 bytes each they stay well under [`MAX_BYTES`].
pub(crate) const MAX_ITEMS: usize = 1 << 22;

/// How deep a value may nest. Go's encoders begin to look for cycles at the same depth; it also keeps every
/// recursive walk here inside a small stack.
pub(crate) const MAX_DEPTH: usize = 1000;

/// What Go's runtime says where a body asks for the type of nil.
pub(crate) const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

pub(crate) type Answer = Result<Value, Error>;
pub(crate) type Body = fn(&mut Call<'_>, &[Value]) -> Answer;

pub(crate) const fn fixed(name: &'static str, params: &'static [Param], body: Body) -> Function {
    Function {
        name,
        params,
        variadic: None,
        body,
    }
}

pub(crate) const fn rest(name: &'static str, params: &'static [Param], rest: Param, body: Body) -> Function {
    Function {
        name,
        params,
        variadic: Some(rest),
        body,
    }
}

pub(crate) fn error<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(message))
}

pub(crate) fn text(value: &Value) -> &[u8] {
    match value {
        Value::Str(text) | Value::Bytes(text) => text.as_bytes(),
        _ => b"",
    }
}

pub(crate) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        _ => 0,
    }
}

pub(crate) fn float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

/// A map argument. Go turns nil into a nil map, which reads like an empty one.
pub(crate) fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::nil(),
    }
}

/// A text as an answer, unless it is larger than any chart needs: what escapes an escaped text doubles it each time.
pub(crate) fn string(bytes: Vec<u8>) -> Answer {
    bounded(Some(bytes.len()), "a function")?;
    Ok(Value::Str(bytes.into()))
}

/// The elements of anything that Go calls a slice.
pub(crate) fn elements(value: &Value) -> Option<List> {
    match value {
        Value::List(list) => Some(list.clone()),
        Value::Bytes(bytes) => {
            let numbers = bytes
                .as_bytes()
                .iter()
                .map(|byte| Value::Int(i64::from(*byte), IntKind::Uint8));
            Some(List::new(Elem::Any, numbers.collect()))
        }
        Value::Object(object) if object.kind() == Kind::Slice => match object.plain() {
            Value::List(list) => Some(list),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a slice, or Sprig's complaint, which names the kind that came instead.
pub(crate) fn elements_or(value: &Value, complaint: &str) -> Result<List, Error> {
    match elements(value) {
        Some(list) => Ok(list),
        None if value.is_nil() => error(NIL_DEREFERENCE),
        None => error(format!("{complaint} {}", value.kind().name())),
    }
}

/// Refuses what would not fit into [`MAX_BYTES`].
pub(crate) fn bounded(bytes: Option<usize>, function: &str) -> Result<usize, Error> {
    match bytes {
        Some(bytes) if bytes <= MAX_BYTES => Ok(bytes),
        _ => error(format!(
            "{function} would make more than {} MiB of text",
            MAX_BYTES >> 20
        )),
    }
}

/// Goes one level deeper in a recursive walk, with more stack every so often: the executor leaves room for
/// functions that do not recurse, and threads may be small.
pub(crate) fn deeper<R>(depth: usize, walk: impl FnOnce() -> R) -> R {
    /// In an unoptimised build no walk here takes 4 KiB a level.
    const LEVELS: usize = 32;
    if depth % LEVELS == LEVELS - 1 {
        stacker::maybe_grow(LEVELS * 2 * 4096, 1 << 20, walk)
    } else {
        walk()
    }
}
