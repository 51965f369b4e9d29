//! JSON as values, by type: a `date-time` is a timestamp, a field's name is escaped.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::call::time::{parse_duration, parse_timestamp};
use crate::types::{Order, Type};
use crate::value::{Key, List, Value};

/// The deepest JSON read: deeper than any that a request's parser lets through.
const DEPTH_MAX: usize = 200;

impl Value {
    /// The value of a JSON of a type; what does not fit its type is what it is.
    #[must_use]
    pub fn of_json(json: &Json, ty: &Type) -> Self {
        of_json(json, ty, 0)
    }

    /// The value of a JSON by itself.
    #[must_use]
    pub fn of_plain(json: &Json) -> Self {
        of_json(json, &Type::Dyn, 0)
    }
}

fn of_json(json: &Json, ty: &Type, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(bool), _) => Value::Bool(*bool),
        (Json::Number(number), Type::Double) => Value::Double(number.as_f64().unwrap_or_default()),
        (Json::Number(number), ty) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            #[expect(clippy::cast_possible_truncation, reason = "the bounds stand before it")]
            (None, Some(double)) if *ty == Type::Int && double.fract() == 0.0 && double.abs() < 9e15 => {
                Value::Int(double as i64)
            }
            (None, double) => Value::Double(double.unwrap_or_default()),
        },
        (Json::String(text), Type::Timestamp) => parse_timestamp(text).unwrap_or_else(|| Value::string(text)),
        (Json::String(text), Type::Duration) => {
            parse_duration(text).map_or_else(|| Value::string(text), Value::Duration)
        }
        (Json::String(text), Type::Bytes) => crate::call::strings::from_base64(text)
            .map_or_else(|| Value::string(text), |bytes| Value::Bytes(bytes.into())),
        (Json::String(text), _) => Value::string(text),
        (Json::Array(items), ty) => {
            let (element, order) = match ty {
                Type::List(element, order) => (&**element, order.clone()),
                _ => (&Type::Dyn, Order::Matters),
            };
            let items = items.iter().map(|item| of_json(item, element, depth + 1));
            Value::List(List {
                items: Arc::new(items.collect()),
                order,
            })
        }
        (Json::Object(map), ty) => object(map, ty, depth),
    }
}

fn object(map: &serde_json::Map<String, Json>, ty: &Type, depth: usize) -> Value {
    let key = |name: &str| Key::String(name.into());
    let entries = match ty {
        Type::Object(object) => object
            .fields
            .iter()
            .filter_map(|(escaped, field)| {
                let json = map.get(&field.name)?;
                Some((key(escaped), of_json(json, &field.ty, depth + 1)))
            })
            .collect(),
        Type::Map(_, of) => map
            .iter()
            .map(|(name, json)| (key(name), of_json(json, of, depth + 1)))
            .collect(),
        _ => map
            .iter()
            .map(|(name, json)| (key(name), of_json(json, &Type::Dyn, depth + 1)))
            .collect(),
    };
    Value::Map(Arc::new(entries))
}
