//! Messages become JSON, as the real server would print the objects that it decodes from them.
//!
//! Bounded by the bytes: every value costs at least two, and nesting stops where the JSON parser would stop too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::table::{self, Field, Message, Type, Zero};
use super::wire::{Error, Reader, Wire};

/// The deepest nesting of messages. An object of a built-in kind has about ten; the schema of a definition has one
/// for each level. JSON bodies end at 128 levels of braces, of which a message in a map or list takes two.
const MAX_DEPTH: usize = 64;

/// The seconds that RFC 3339 can write, from year 0 to the end of year 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Decodes the message of a full name.
pub(super) fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value, Error> {
    let mut all = Map::new();
    fields(known(name)?, bytes, (&mut all, depth))?;
    Ok(Value::Object(all))
}

fn known(name: &str) -> Result<&'static Message, Error> {
    table::message(name).ok_or_else(|| format!("proto: no message {name}"))
}

fn fields(
    message: &Message,
    bytes: &[u8],
    (all, depth): (&mut Map<String, Value>, usize),
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err("proto: message nested too deeply".to_owned());
    }
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        // Fields of versions that come after ours are passed over, as by every decoder.
        let Some(field) = message.field(number) else {
            continue;
        };
        match (&field.ty, wire) {
            (Type::Message(inner), Wire::Bytes(bytes)) if field.name.is_empty() => {
                fields(known(inner)?, bytes, (all, depth + 1))?;
            }
            _ => put(all, field, (wire, depth))?,
        }
    }
    Ok(())
}

fn put(all: &mut Map<String, Value>, field: &Field, (wire, depth): (Wire<'_>, usize)) -> Result<(), Error> {
    let name = field.name;
    match (&field.ty, wire) {
        // Numbers may come packed into one field.
        (Type::List(inner), Wire::Bytes(bytes)) if **inner == Type::Integer => {
            let mut reader = Reader(bytes);
            while !reader.0.is_empty() {
                let number = reader.number()?;
                push(all, name, json!(number.cast_signed()));
            }
        }
        (Type::List(inner), _) => {
            let item = value(inner, name, (wire, depth + 1))?.unwrap_or(Value::Null);
            push(all, name, item);
        }
        (Type::Map(inner), Wire::Bytes(bytes)) => {
            let (key, item) = entry(inner, name, (bytes, depth + 1))?;
            let map = all.entry(name).or_insert_with(|| json!({}));
            if let Some(map) = map.as_object_mut() {
                map.insert(key, item);
            }
        }
        (ty, _) => {
            let found = value(ty, name, (wire, depth + 1))?;
            // Go writes the zero values of plain fields; what JSON leaves out of them means nothing.
            let found = found.filter(|found| field.zero != Zero::LeftOut || !is_zero(found));
            if let Some(found) = found {
                all.insert(name.to_owned(), found);
            }
        }
    }
    Ok(())
}

fn push(all: &mut Map<String, Value>, name: &str, item: Value) {
    let list = all.entry(name).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

fn entry(ty: &Type, name: &str, (bytes, depth): (&[u8], usize)) -> Result<(String, Value), Error> {
    let (mut key, mut item) = (String::new(), None);
    let mut reader = Reader(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Bytes(bytes)) => key = text(name, bytes)?,
            (2, wire) => item = value(ty, name, (wire, depth))?,
            _ => {}
        }
    }
    Ok((key, item.unwrap_or_else(|| zero(ty))))
}

/// The value of a map's entry that has none.
fn zero(ty: &Type) -> Value {
    match ty {
        Type::Text | Type::Bytes => json!(""),
        Type::Quantity => json!("0"),
        Type::Bool => json!(false),
        Type::Integer => json!(0),
        Type::Texts => json!([]),
        _ => json!({}),
    }
}

/// A value; `None` for one that stands for nothing, like the zero time.
fn value(ty: &Type, name: &str, (wire, depth): (Wire<'_>, usize)) -> Result<Option<Value>, Error> {
    let value = match (ty, wire) {
        (Type::Bool, Wire::Number(number)) => json!(number != 0),
        (Type::Integer, Wire::Number(number)) => json!(number.cast_signed()),
        (Type::Double, Wire::Fixed64(bits)) => match Number::from_f64(f64::from_bits(bits)) {
            Some(number) => Value::Number(number),
            None => return Err(format!("proto: field {name} is no number that JSON can write")),
        },
        (Type::Text, Wire::Bytes(bytes)) => json!(text(name, bytes)?),
        (Type::Bytes, Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Type::Time | Type::MicroTime, Wire::Bytes(bytes)) => return time(ty, name, bytes),
        (Type::Quantity, Wire::Bytes(bytes)) => match single(bytes)? {
            Some(bytes) => json!(text(name, bytes)?),
            None => json!("0"),
        },
        (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(name, bytes)?,
        (Type::Json, Wire::Bytes(bytes)) => match single(bytes)? {
            None | Some([]) => return Ok(None),
            Some(raw) => serde_json::from_slice(raw).map_err(|error| format!("field {name}: {error}"))?,
        },
        (Type::Texts, Wire::Bytes(bytes)) => Value::Array(texts(name, (bytes, 1))?),
        (Type::SchemaOrBool | Type::SchemaOrList | Type::SchemaOrTexts, Wire::Bytes(bytes)) => {
            schema(ty, name, (bytes, depth))?
        }
        (Type::Message(inner), Wire::Bytes(bytes)) => message(inner, bytes, depth)?,
        _ => {
            return Err(format!(
                "proto: wrong wireType = {} for field {name}",
                wire.kind()
            ));
        }
    };
    Ok(Some(value))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        // A plain message is printed even when it is empty.
        Value::Object(_) => false,
    }
}

fn text(name: &str, bytes: &[u8]) -> Result<String, Error> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| format!("proto: field {name} contains invalid UTF-8"))?;
    Ok(text.to_owned())
}

/// The first field of a message that has one.
fn single(bytes: &[u8]) -> Result<Option<&[u8]>, Error> {
    let mut reader = Reader(bytes);
    let mut found = None;
    while let Some((number, wire)) = reader.field()? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            found = Some(bytes);
        }
    }
    Ok(found)
}

fn texts(name: &str, (bytes, wanted): (&[u8], u64)) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        if let Wire::Bytes(bytes) = wire
            && number == wanted
        {
            all.push(json!(text(name, bytes)?));
        }
    }
    Ok(all)
}

/// Seconds and nanoseconds; no bytes at all are the zero time.
fn time(ty: &Type, name: &str, bytes: &[u8]) -> Result<Option<Value>, Error> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Number(number)) => seconds = number.cast_signed(),
            (2, Wire::Number(number)) => nanos = i32::try_from(number.cast_signed()).unwrap_or(0),
            _ => {}
        }
    }
    let outside = || format!("proto: field {name} is no time that can be written");
    let found = Some(seconds).filter(|seconds| SECONDS.contains(seconds));
    let found = found.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let found = found.ok_or_else(outside)?;
    let date = found.strftime("%Y-%m-%dT%H:%M:%S");
    let micros = nanos.clamp(0, 999_999_999) / 1000;
    Ok(Some(match ty {
        Type::MicroTime => json!(format!("{date}.{micros:06}Z")),
        _ => json!(format!("{date}Z")),
    }))
}

fn int_or_string(name: &str, bytes: &[u8]) -> Result<Value, Error> {
    let (mut is_text, mut number, mut string) = (false, 0, String::new());
    let mut reader = Reader(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Number(kind)) => is_text = kind != 0,
            (2, Wire::Number(found)) => number = found.cast_signed(),
            (3, Wire::Bytes(bytes)) => string = text(name, bytes)?,
            _ => {}
        }
    }
    Ok(if is_text { json!(string) } else { json!(number) })
}

/// The three types of `JSONSchemaProps` that are one thing or another.
fn schema(ty: &Type, name: &str, (bytes, depth): (&[u8], usize)) -> Result<Value, Error> {
    let (mut one, mut many, mut allowed) = (None, Vec::new(), false);
    // Where the schema stands among the alternatives.
    let own = if *ty == Type::SchemaOrBool { 2 } else { 1 };
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        match wire {
            Wire::Number(found) if *ty == Type::SchemaOrBool => allowed = found != 0,
            Wire::Bytes(bytes) if number == own => one = Some(message(super::SCHEMA, bytes, depth)?),
            Wire::Bytes(bytes) if number == 2 && *ty == Type::SchemaOrList => {
                many.push(message(super::SCHEMA, bytes, depth)?);
            }
            _ => {}
        }
    }
    if *ty == Type::SchemaOrTexts {
        many = texts(name, (bytes, 2))?;
    }
    Ok(match (one, ty) {
        (Some(schema), _) if many.is_empty() => schema,
        (None, Type::SchemaOrBool) => json!(allowed),
        _ => Value::Array(many),
    })
}
