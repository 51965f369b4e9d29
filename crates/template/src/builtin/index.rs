//! `index`, `slice` and `len`.

use crate::function::{Call, Error};
use crate::value::{IntKind, List, Map, MapKind, Str, Value};

pub(super) fn len(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let length = match &args[0] {
        Value::Nil => return Err(Error::new("len of nil pointer")),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.borrow().len(),
        Value::Object(object) => match object.entries() {
            Some(Value::List(list)) => list.len(),
            Some(Value::Map(map)) => map.borrow().len(),
            _ => return Err(no_length(&args[0])),
        },
        other => return Err(no_length(other)),
    };
    Ok(Value::int(length as i64))
}

fn no_length(value: &Value) -> Error {
    Error::new(format!("len of type {}", value.type_name()))
}

pub(super) fn index(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [item, indexes @ ..] = args else {
        return Err(Error::new("index of untyped nil"));
    };
    if item.is_nil() {
        return Err(Error::new("index of untyped nil"));
    }
    let mut item = item.clone();
    for index in indexes {
        if let Value::Object(object) = &item
            && let Some(entries) = object.entries()
        {
            item = entries;
        }
        item = match &item {
            Value::Nil => return Err(Error::new("index of nil pointer")),
            Value::List(list) => element(list, index)?,
            Value::Map(map) => entry(map, index)?,
            Value::Str(text) => byte(text, index, "string")?,
            Value::Bytes(bytes) => byte(bytes, index, "slice")?,
            other => {
                return Err(Error::new(format!(
                    "can't index item of type {}",
                    other.type_name()
                )));
            }
        };
    }
    Ok(item)
}

fn element(list: &List, index: &Value) -> Result<Value, Error> {
    let at = position(index, list.len())?;
    list.get(at)
        .cloned()
        .ok_or_else(|| Error::new("reflect: slice index out of range"))
}

fn byte(text: &Str, index: &Value, what: &str) -> Result<Value, Error> {
    let at = position(index, text.len())?;
    match text.as_bytes().get(at) {
        Some(byte) => Ok(Value::Int(i64::from(*byte), IntKind::Uint8)),
        None => Err(Error::new(format!("reflect: {what} index out of range"))),
    }
}

fn entry(map: &Map, key: &Value) -> Result<Value, Error> {
    let missing = || {
        if map.kind() == MapKind::String {
            Value::str("")
        } else {
            Value::Nil
        }
    };
    match key {
        Value::Str(key) => Ok(map.get(key).unwrap_or_else(missing)),
        Value::Nil => Err(Error::new("value is nil; should be of type string")),
        other => Err(Error::new(format!(
            "value has type {}; should be string",
            other.type_name()
        ))),
    }
}

/// An index between 0 and the length, the length included.
fn position(index: &Value, length: usize) -> Result<usize, Error> {
    match index {
        Value::Int(number, _) => usize::try_from(*number)
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| Error::new(format!("index out of range: {number}"))),
        Value::Nil => Err(Error::new("cannot index slice/array with nil")),
        other => Err(Error::new(format!(
            "cannot index slice/array with type {}",
            other.type_name()
        ))),
    }
}

/// The capacity of a slice is taken to be its length, so a slice never grows here.
pub(super) fn slice(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [item, indexes @ ..] = args else {
        return Err(Error::new("slice of untyped nil"));
    };
    if item.is_nil() {
        return Err(Error::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Error::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let length = match item {
        Value::Str(_) if indexes.len() == 3 => return Err(Error::new("cannot 3-index slice a string")),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        other => {
            return Err(Error::new(format!(
                "can't slice item of type {}",
                other.type_name()
            )));
        }
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, limit] = bounds;
    if from > to {
        return Err(Error::new(format!("invalid slice index: {from} > {to}")));
    }
    if indexes.len() == 3 && to > limit {
        return Err(Error::new(format!("invalid slice index: {to} > {limit}")));
    }
    Ok(match item {
        Value::Str(text) => Value::str(&text.as_bytes()[from..to]),
        Value::Bytes(bytes) => Value::Bytes(bytes.as_bytes()[from..to].into()),
        Value::List(list) => Value::List(List::new(list.elem(), list[from..to].to_vec())),
        _ => Value::Nil,
    })
}
