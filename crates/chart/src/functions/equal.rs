//! `reflect.DeepEqual`, by which `has`, `uniq`, `without` and `deepEqual` compare.
//!
//! Types have to be the same: `1` is not `1.0`, and a `[]string` is not a `[]interface {}`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use template::Value;
use template::function::Error;
use template::value::Kind;

use super::args::{MAX_DEPTH, deeper, error};

/// How deep a fingerprint looks; what differs only below is told apart by comparing.
const FINGERPRINT_DEPTH: usize = 3;

/// # Errors
/// When the values nest too deep, as a map does that contains itself.
pub(crate) fn deep_equal(a: &Value, b: &Value) -> Result<bool, Error> {
    equal(a, b, 0)
}

fn equal(a: &Value, b: &Value, depth: usize) -> Result<bool, Error> {
    if depth > MAX_DEPTH {
        return error(format!(
            "cannot compare values that nest deeper than {MAX_DEPTH} levels"
        ));
    }
    match (a, b) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a, a_kind), Value::Int(b, b_kind)) => Ok(a == b && a_kind == b_kind),
        #[expect(clippy::float_cmp, reason = "Go compares exactly")]
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Str(a), Value::Str(b)) | (Value::Bytes(a), Value::Bytes(b)) => Ok(a == b),
        (Value::List(a), Value::List(b)) => {
            if a.elem() != b.elem() || a.len() != b.len() || a.is_nil() != b.is_nil() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !deeper(depth, || equal(a, b, depth + 1))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.kind() != b.kind() || a.is_nil() != b.is_nil() {
                return Ok(false);
            }
            if a.is_same(b) {
                return Ok(true);
            }
            let (a, b) = (a.borrow(), b.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            for ((a_key, a), (b_key, b)) in a.iter().zip(b.iter()) {
                if a_key != b_key || !deeper(depth, || equal(a, b, depth + 1))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Object(a), Value::Object(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            if a.type_name() != b.type_name() {
                return Ok(false);
            }
            // Two values of one type without a difference that can be seen are equal; plain values say it all.
            equal(&a.plain(), &b.plain(), depth + 1)
        }
        _ => Ok(false),
    }
}

/// The same number for equal values.
pub(crate) fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    mix(value, FINGERPRINT_DEPTH, &mut hasher);
    hasher.finish()
}

fn mix(value: &Value, depth: usize, hasher: &mut DefaultHasher) {
    kind_number(value.kind()).hash(hasher);
    match value {
        Value::Nil | Value::Object(_) => {}
        Value::Bool(yes) => yes.hash(hasher),
        Value::Int(number, _) => number.hash(hasher),
        // Zero has two signs and is equal to itself.
        Value::Float(number) => (number + 0.0).to_bits().hash(hasher),
        Value::Str(text) | Value::Bytes(text) => text.hash(hasher),
        Value::List(list) => {
            list.len().hash(hasher);
            if depth > 0 {
                list.iter().for_each(|item| mix(item, depth - 1, hasher));
            }
        }
        Value::Map(map) => {
            let entries = map.borrow();
            entries.len().hash(hasher);
            for (key, item) in entries.iter() {
                key.hash(hasher);
                if depth > 0 {
                    mix(item, depth - 1, hasher);
                }
            }
        }
    }
}

fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Invalid => 0,
        Kind::Bool => 1,
        Kind::Int(_) => 2,
        Kind::Float64 => 3,
        Kind::String => 4,
        Kind::Slice => 5,
        Kind::Map => 6,
        Kind::Struct => 7,
        Kind::Ptr => 8,
    }
}
