//! Comparisons, with Go's rules on which kinds can be compared.

use std::cmp::Ordering;

use crate::fmt::{sprintf, value_to_string};
use crate::function::{Call, Error};
use crate::value::{Kind, Value};

/// What Go calls a basic kind; the others are not ordered.
#[derive(Clone, Copy, PartialEq)]
enum Basic {
    None,
    Bool,
    Int,
    Uint,
    Float,
    Str,
}

pub(super) fn eq(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [first, others @ ..] = args else {
        return Err(Error::new("missing argument for comparison"));
    };
    if others.is_empty() {
        return Err(Error::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::Bool(!equal(&args[0], &args[1])?))
}

pub(super) fn lt(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    less(&args[0], &args[1]).map(Value::Bool)
}

pub(super) fn le(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    less_or_equal(&args[0], &args[1]).map(Value::Bool)
}

pub(super) fn gt(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::Bool(!less_or_equal(&args[0], &args[1])?))
}

pub(super) fn ge(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::Bool(!less(&args[0], &args[1])?))
}

fn basic(value: &Value) -> Basic {
    match value.kind() {
        Kind::Bool => Basic::Bool,
        Kind::Int(kind) if kind.is_unsigned() => Basic::Uint,
        Kind::Int(_) => Basic::Int,
        Kind::Float64 => Basic::Float,
        Kind::String => Basic::Str,
        _ => Basic::None,
    }
}

fn incompatible(a: &Value, b: &Value) -> Error {
    Error::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

fn equal(a: &Value, b: &Value) -> Result<bool, Error> {
    match (basic(a), basic(b)) {
        (Basic::None, Basic::None) => equal_others(a, b),
        (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => Ok(order(a, b) == Some(Ordering::Equal)),
        (kind, other) if kind == other => Ok(order(a, b) == Some(Ordering::Equal)),
        _ if a.is_nil() || b.is_nil() => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

/// Values of kinds that are not basic: only nothing equals nothing, and an object itself.
fn equal_others(a: &Value, b: &Value) -> Result<bool, Error> {
    let same_kind = a.kind() == b.kind() || a.is_nil() || b.is_nil();
    if same_kind && (is_nil(a) || is_nil(b)) {
        return Ok(is_nil(a) && is_nil(b));
    }
    if a.kind() != b.kind() {
        return Err(Error::new(format!(
            "non-comparable types {}: {}, {}: {}",
            show(b"%s", a)?,
            a.type_name(),
            b.type_name(),
            show(b"%v", b)?
        )));
    }
    match (a, b) {
        (Value::Object(one), Value::Object(other)) if matches!(a.kind(), Kind::Struct | Kind::Ptr) => {
            Ok(std::rc::Rc::ptr_eq(one, other)
                || (a.kind() == Kind::Struct && show(b"%v", a)? == show(b"%v", b)?))
        }
        _ => Err(Error::new(format!(
            "non-comparable type {}: {}",
            show(b"%s", b)?,
            b.type_name()
        ))),
    }
}

/// Nothing, or a nil slice or map.
fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// Go mixes verbs in these errors.
fn show(format: &[u8], value: &Value) -> Result<String, Error> {
    let text = sprintf(format, std::slice::from_ref(value))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Orders two values of one basic kind, or two integers; `None` for a float that is not a number.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(..), Value::Int(..)) => Some(wide(a).cmp(&wide(b))),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Object(_), _) | (_, Value::Object(_)) => {
            // A named string or number of the host: its text is all there is to compare.
            Some(value_to_string(a).ok()?.cmp(&value_to_string(b).ok()?))
        }
        _ => None,
    }
}

fn wide(value: &Value) -> i128 {
    match value {
        Value::Int(number, kind) if kind.is_unsigned() => i128::from(*number as u64),
        Value::Int(number, _) => i128::from(*number),
        _ => 0,
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, Error> {
    let invalid = || Error::new("invalid type for comparison");
    match (basic(a), basic(b)) {
        (Basic::None, _) | (_, Basic::None) => Err(invalid()),
        (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => Ok(order(a, b) == Some(Ordering::Less)),
        (kind, other) if kind != other => Err(incompatible(a, b)),
        (Basic::Bool, _) => Err(invalid()),
        _ => Ok(order(a, b) == Some(Ordering::Less)),
    }
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, Error> {
    Ok(less(a, b)? || equal(a, b)?)
}
