//! The functions: arithmetic, comparison and conversion here, each library in a file of its own.
//!
//! A receiver is the first argument. Which types a function takes is looked at again, as `dyn` is checked only now.

pub(crate) mod kube;
pub(crate) mod lists;
mod named;
pub(crate) mod strings;
pub(crate) mod time;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::eval::{Error, Meter, failed, no_overload};
use crate::types::Order;
use crate::value::{List, Value};

/// Calls a function.
pub(crate) fn call(name: &str, args: &[Value], meter: &mut Meter) -> Result<Value, Error> {
    if let Some(Value::Host(host)) = args.first() {
        let called = host.call(name, &args[1..]);
        return called.ok_or_else(no_overload)?.map_err(Error::Failed);
    }
    if let Some(value) = operator(name, args, meter) {
        return value;
    }
    if let Some(value) = conversion(name, args, meter) {
        return value;
    }
    let libraries = [
        strings::call,
        lists::call,
        time::call,
        kube::call,
        named::call,
        optional,
    ];
    for library in libraries {
        if let Some(value) = library(name, args, meter) {
            return value;
        }
    }
    Err(no_overload())
}

/// The element of a list or map.
pub(crate) fn at(of: &Value, index: &Value) -> Result<Value, Error> {
    match (of, index) {
        (Value::List(list), index) => {
            let Some(crate::value::Key::Int(at)) = index.key() else {
                return Err(no_overload());
            };
            let found = usize::try_from(at).ok().and_then(|at| list.items.get(at));
            found
                .cloned()
                .ok_or_else(|| failed(format!("index out of bounds: {at}")))
        }
        (Value::Map(map), index) => {
            let key = index.key().ok_or_else(no_overload)?;
            map.get(&key)
                .cloned()
                .ok_or_else(|| failed(format!("no such key: {key}")))
        }
        _ => Err(no_overload()),
    }
}

type Called = Option<Result<Value, Error>>;

fn operator(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    Some(match (name, args) {
        ("_==_", [a, b]) => meter.equal(a, b).map(Value::Bool),
        ("_!=_", [a, b]) => meter.equal(a, b).map(|equal| Value::Bool(!equal)),
        ("_<_", [a, b]) => compared(a, b, meter, Ordering::is_lt),
        ("_<=_", [a, b]) => compared(a, b, meter, Ordering::is_le),
        ("_>_", [a, b]) => compared(a, b, meter, Ordering::is_gt),
        ("_>=_", [a, b]) => compared(a, b, meter, Ordering::is_ge),
        ("@in", [wanted, Value::List(list)]) => meter.contains(&list.items, wanted).map(Value::Bool),
        ("@in", [wanted, Value::Map(map)]) => Ok(Value::Bool(
            wanted.key().is_some_and(|key| map.contains_key(&key)),
        )),
        ("!_", [Value::Bool(bool)]) => Ok(Value::Bool(!bool)),
        ("-_", [Value::Int(int)]) => overflow(int.checked_neg().map(Value::Int)),
        ("-_", [Value::Double(double)]) => Ok(Value::Double(-double)),
        ("_+_", [a, b]) => add(a, b, meter),
        ("_-_" | "_*_" | "_/_" | "_%_", [a, b]) => arithmetic(name, a, b),
        _ => return None,
    })
}

fn compared(a: &Value, b: &Value, meter: &mut Meter, is: fn(Ordering) -> bool) -> Result<Value, Error> {
    if let (Value::String(a), Value::String(b)) = (a, b) {
        meter.charge_text(a.len().min(b.len()))?;
    }
    if let (Value::Double(nan), _) | (_, Value::Double(nan)) = (a, b)
        && nan.is_nan()
    {
        return Ok(Value::Bool(false));
    }
    a.compare(b)
        .map(|order| Value::Bool(is(order)))
        .ok_or_else(no_overload)
}

fn overflow(value: Option<Value>) -> Result<Value, Error> {
    value.ok_or_else(|| failed("integer overflow"))
}

fn add(a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Error> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => overflow(a.checked_add(*b).map(Value::Int)),
        (Value::Uint(a), Value::Uint(b)) => a
            .checked_add(*b)
            .map(Value::Uint)
            .ok_or_else(|| failed("unsigned integer overflow")),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            meter.charge_text(a.len() + b.len())?;
            Ok(Value::String([&**a, &**b].concat().into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.charge_text(a.len() + b.len())?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => concatenated(a, b, meter),
        (Value::Duration(a), Value::Duration(b)) => overflow(a.checked_add(*b).map(Value::Duration)),
        (Value::Timestamp(at), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(at)) => {
            time::moved(*at, *by)
        }
        _ => Err(no_overload()),
    }
}

/// Lists one after the other; of sets and keyed lists, each element once.
fn concatenated(a: &List, b: &List, meter: &mut Meter) -> Result<Value, Error> {
    meter.charge((a.items.len() + b.items.len()) as u64)?;
    let mut items = a.items.to_vec();
    match &a.order {
        Order::Matters => items.extend(b.items.iter().cloned()),
        Order::Set => {
            for one in b.items.iter() {
                if !meter.contains(&a.items, one)? {
                    items.push(one.clone());
                }
            }
        }
        Order::Keyed(keys) => {
            for one in b.items.iter() {
                let mut found = None;
                for (at, other) in a.items.iter().enumerate() {
                    if same_keys(keys, one, other, meter)? {
                        found = Some(at);
                    }
                }
                match found {
                    Some(at) => items[at] = one.clone(),
                    None => items.push(one.clone()),
                }
            }
        }
    }
    Ok(Value::List(List {
        items: Arc::new(items),
        order: a.order.clone(),
    }))
}

fn same_keys(keys: &[String], a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Error> {
    for key in keys {
        let key = Value::string(&crate::types::escape(key));
        let (a, b) = (
            at(a, &key).unwrap_or(Value::Null),
            at(b, &key).unwrap_or(Value::Null),
        );
        if !meter.equal(&a, &b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn arithmetic(name: &str, a: &Value, b: &Value) -> Result<Value, Error> {
    match (name, a, b) {
        ("_/_", Value::Int(_), Value::Int(0)) | ("_/_", Value::Uint(_), Value::Uint(0)) => {
            Err(failed("division by zero"))
        }
        ("_%_", Value::Int(_), Value::Int(0)) | ("_%_", Value::Uint(_), Value::Uint(0)) => {
            Err(failed("modulus by zero"))
        }
        (_, Value::Int(a), Value::Int(b)) => overflow(
            match name {
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            }
            .map(Value::Int),
        ),
        (_, Value::Uint(a), Value::Uint(b)) => match name {
            "_-_" => a.checked_sub(*b),
            "_*_" => a.checked_mul(*b),
            "_/_" => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Value::Uint)
        .ok_or_else(|| failed("unsigned integer overflow")),
        ("_-_", Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        ("_*_", Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        ("_/_", Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        ("_-_", Value::Duration(a), Value::Duration(b)) => overflow(a.checked_sub(*b).map(Value::Duration)),
        ("_-_", Value::Timestamp(at), Value::Duration(by)) => {
            time::moved(*at, by.checked_neg().ok_or_else(|| failed("integer overflow"))?)
        }
        ("_-_", Value::Timestamp(a), Value::Timestamp(b)) => {
            let between = a.as_nanosecond() - b.as_nanosecond();
            overflow(i64::try_from(between).ok().map(Value::Duration))
        }
        _ => Err(no_overload()),
    }
}

fn conversion(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    let [value] = args else {
        return None;
    };
    Some(match (name, value) {
        ("dyn", value) => Ok(value.clone()),
        ("type", value) => Ok(Value::Type(value.type_name().into())),
        ("size", Value::String(text)) => meter
            .charge_text(text.len())
            .map(|()| Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))),
        ("size", Value::Bytes(_) | Value::List(_) | Value::Map(_)) => {
            Ok(Value::Int(i64::try_from(value.size()).unwrap_or(i64::MAX)))
        }
        ("bool", Value::Bool(bool)) => Ok(Value::Bool(*bool)),
        ("bool", Value::String(text)) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(failed("type conversion error from 'string' to 'bool'")),
        },
        ("int" | "uint" | "double", value) => number(name, value),
        ("string", value) => strings::to_string(value, meter).map(|text| Value::String(text.into())),
        ("bytes", Value::String(text)) => Ok(Value::Bytes(text.as_bytes().into())),
        ("bytes", Value::Bytes(_)) => Ok(value.clone()),
        _ => return None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the bounds stand before the casts, and precision is lost as CEL loses it"
)]
fn number(name: &str, value: &Value) -> Result<Value, Error> {
    let overflow = || failed("integer overflow");
    let wrong = |from: &str| failed(format!("type conversion error from '{from}' to '{name}'"));
    match (name, value) {
        ("int", Value::Int(int)) => Ok(Value::Int(*int)),
        ("int", Value::Uint(uint)) => i64::try_from(*uint).map(Value::Int).map_err(|_| overflow()),
        ("int", Value::Double(double)) if double.abs() < 9.2e18 => Ok(Value::Int(*double as i64)),
        ("int" | "uint", Value::Double(_)) if name == "int" => Err(overflow()),
        ("int", Value::String(text)) => text.parse().map(Value::Int).map_err(|_| wrong("string")),
        ("int", Value::Timestamp(at)) => Ok(Value::Int(at.as_second())),
        ("uint", Value::Uint(uint)) => Ok(Value::Uint(*uint)),
        ("uint", Value::Int(int)) => u64::try_from(*int).map(Value::Uint).map_err(|_| overflow()),
        ("uint", Value::Double(double)) if (0.0..1.8e19).contains(double) => Ok(Value::Uint(*double as u64)),
        ("uint", Value::Double(_)) => Err(overflow()),
        ("uint", Value::String(text)) => text.parse().map(Value::Uint).map_err(|_| wrong("string")),
        ("double", Value::Double(double)) => Ok(Value::Double(*double)),
        ("double", Value::Int(int)) => Ok(Value::Double(*int as f64)),
        ("double", Value::Uint(uint)) => Ok(Value::Double(*uint as f64)),
        ("double", Value::String(text)) => text.parse().map(Value::Double).map_err(|_| wrong("string")),
        _ => Err(no_overload()),
    }
}

fn optional(name: &str, args: &[Value], _meter: &mut Meter) -> Called {
    Some(match (name, args) {
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.of", [value]) => Ok(Value::Optional(Some(Box::new(value.clone())))),
        ("optional.ofNonZeroValue", [value]) => {
            let zero = match value {
                Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
                Value::Double(double) => *double == 0.0,
                Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => value.size() == 0,
                _ => false,
            };
            Ok(Value::Optional((!zero).then(|| Box::new(value.clone()))))
        }
        ("hasValue", [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        ("value", [Value::Optional(inner)]) => inner
            .as_deref()
            .cloned()
            .ok_or_else(|| failed("optional.none() dereference")),
        ("or", [Value::Optional(None), other]) => Ok(other.clone()),
        ("or", [some @ Value::Optional(Some(_)), _]) => Ok(some.clone()),
        ("orValue", [Value::Optional(inner), other]) => Ok(inner.as_deref().unwrap_or(other).clone()),
        _ => return None,
    })
}
