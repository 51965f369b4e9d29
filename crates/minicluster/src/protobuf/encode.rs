//! JSON becomes messages: what a typed client of the real server decodes to the same object.
//!
//! Values that don't fit their type are left out: everything encoded has been checked on its way into the store.
//! Left out as well are the zero values of plain fields, which Go writes and nobody needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::table::{self, Field, Message, Type, Zero};
use super::wire::{put_bytes, put_double, put_number};

/// The deepest nesting of messages: deeper than any object that the JSON parser lets through.
const MAX_DEPTH: usize = 128;

/// Encodes an object as the message of a full name.
pub(super) fn message(name: &str, object: &Map<String, Value>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(message) = table::message(name).filter(|_| depth <= MAX_DEPTH) {
        fields(&mut out, message, (object, depth));
    }
    out
}

fn fields(out: &mut Vec<u8>, message: &Message, (object, depth): (&Map<String, Value>, usize)) {
    for field in &message.fields {
        if let (Type::Message(inner), "") = (&field.ty, field.name) {
            let inner = self::message(inner, object, depth + 1);
            if !inner.is_empty() {
                put_bytes(out, field.number, &inner);
            }
        } else if let Some(value) = object.get(field.name) {
            put(out, field, (value, depth + 1));
        }
    }
}

fn put(out: &mut Vec<u8>, field: &Field, (value, depth): (&Value, usize)) {
    match (&field.ty, value) {
        (_, Value::Null) => {}
        // `{}` in a plain field says as little as nothing; behind a pointer it is a choice.
        (Type::Message(_), Value::Object(inner)) if inner.is_empty() && field.zero != Zero::Meant => {}
        (Type::List(inner), Value::Array(items)) => {
            for item in items {
                put_value(out, (field.number, inner), (item, depth));
            }
        }
        (Type::Map(inner), Value::Object(entries)) => {
            for (key, item) in entries {
                let mut entry = Vec::new();
                put_bytes(&mut entry, 1, key.as_bytes());
                put_value(&mut entry, (2, inner), (item, depth + 1));
                put_bytes(out, field.number, &entry);
            }
        }
        (ty, _) => put_value(out, (field.number, ty), (value, depth)),
    }
}

fn put_value(out: &mut Vec<u8>, (number, ty): (u32, &Type), (value, depth): (&Value, usize)) {
    match (ty, value) {
        (Type::Bool, Value::Bool(value)) => put_number(out, number, u64::from(*value)),
        (Type::Integer, Value::Number(found)) => {
            if let Some(found) = integer(found) {
                put_number(out, number, found.cast_unsigned());
            }
        }
        (Type::Double, Value::Number(found)) => put_double(out, number, found.as_f64().unwrap_or_default()),
        (Type::Text, Value::String(text)) => put_bytes(out, number, text.as_bytes()),
        (Type::Bytes, Value::String(text)) => {
            put_bytes(out, number, &STANDARD.decode(text).unwrap_or_default());
        }
        (Type::Time | Type::MicroTime, Value::String(text)) => put_bytes(out, number, &time(ty, text)),
        (Type::Quantity, Value::String(text)) => put_bytes(out, number, &single(text.as_bytes())),
        (Type::Quantity, Value::Number(found)) => {
            put_bytes(out, number, &single(found.to_string().as_bytes()));
        }
        (Type::IntOrString, _) => put_bytes(out, number, &int_or_string(value)),
        (Type::Json, _) => put_bytes(out, number, &single(value.to_string().as_bytes())),
        (Type::Texts, Value::Array(items)) => put_bytes(out, number, &texts(1, items)),
        (Type::SchemaOrBool | Type::SchemaOrList | Type::SchemaOrTexts, _) => {
            put_bytes(out, number, &schema(ty, (value, depth)));
        }
        (Type::Message(inner), Value::Object(object)) => {
            put_bytes(out, number, &message(inner, object, depth));
        }
        // An element that is null is a zero value, and has to keep its place.
        (Type::Message(_), Value::Null) => put_bytes(out, number, &[]),
        _ => {}
    }
}

/// An integer, also one that JSON writes like `3.0`.
fn integer(number: &serde_json::Number) -> Option<i64> {
    let whole = |number: f64| {
        // Every f64 in this range that has no fraction is an i64 exactly.
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    };
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}

fn single(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    put_bytes(&mut out, 1, bytes);
    out
}

fn texts(number: u32, items: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for text in items.iter().filter_map(Value::as_str) {
        put_bytes(&mut out, number, text.as_bytes());
    }
    out
}

fn time(ty: &Type, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        let nanos = match ty {
            Type::MicroTime => i64::from(time.subsec_microsecond().max(0)) * 1000,
            _ => 0,
        };
        put_number(&mut out, 1, time.as_second().cast_unsigned());
        put_number(&mut out, 2, nanos.cast_unsigned());
    }
    out
}

fn int_or_string(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let number = value.as_i64().unwrap_or_default();
    put_number(&mut out, 1, u64::from(value.is_string()));
    put_number(&mut out, 2, number.cast_unsigned());
    put_bytes(&mut out, 3, value.as_str().unwrap_or_default().as_bytes());
    out
}

fn schema(ty: &Type, (value, depth): (&Value, usize)) -> Vec<u8> {
    let mut out = Vec::new();
    let nested = |object: &Map<String, Value>| message(super::SCHEMA, object, depth);
    match (ty, value) {
        (Type::SchemaOrBool, Value::Bool(allowed)) => put_number(&mut out, 1, u64::from(*allowed)),
        (Type::SchemaOrBool, Value::Object(schema)) => {
            put_number(&mut out, 1, 1);
            put_bytes(&mut out, 2, &nested(schema));
        }
        (_, Value::Object(schema)) => put_bytes(&mut out, 1, &nested(schema)),
        (Type::SchemaOrTexts, Value::Array(items)) => out = texts(2, items),
        (_, Value::Array(items)) => {
            for schema in items.iter().filter_map(Value::as_object) {
                put_bytes(&mut out, 2, &nested(schema));
            }
        }
        _ => {}
    }
    out
}
