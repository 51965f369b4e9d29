//! `time.Time` as a template sees it: what it prints as and its methods.

use std::any::Any;
use std::rc::Rc;

use template::function::Error;
use template::value::{IntKind, Kind, Object};
use template::{Value, value::Str};

use crate::time::{Moment, Zone};

pub(super) const TYPE_NAME: &str = "time.Time";

/// A moment in a template.
#[derive(Debug)]
pub(super) struct Time(pub(super) Moment);

/// A method's name and how many arguments it takes. Methods with several results can not be called in Go either.
const METHODS: &[(&str, usize)] = &[
    ("Add", 1),
    ("AddDate", 3),
    ("After", 1),
    ("Before", 1),
    ("Compare", 1),
    ("Day", 0),
    ("Equal", 1),
    ("Format", 1),
    ("Hour", 0),
    ("IsZero", 0),
    ("Local", 0),
    ("Location", 0),
    ("MarshalJSON", 0),
    ("MarshalText", 0),
    ("Minute", 0),
    ("Month", 0),
    ("Nanosecond", 0),
    ("Second", 0),
    ("String", 0),
    ("Sub", 1),
    ("UTC", 0),
    ("Unix", 0),
    ("UnixMicro", 0),
    ("UnixMilli", 0),
    ("UnixNano", 0),
    ("Weekday", 0),
    ("Year", 0),
    ("YearDay", 0),
];

impl Object for Time {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn has_method(&self, name: &str) -> bool {
        METHODS.iter().any(|(method, _)| *method == name)
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let wanted = METHODS
            .iter()
            .find(|(method, _)| *method == name)
            .map_or(0, |(_, count)| *count);
        if args.len() != wanted {
            let got = args.len();
            return Err(Error::new(format!(
                "wrong number of args for {name}: want {wanted} got {got}"
            )));
        }
        let civil = self.0.civil();
        let (seconds, nanos) = (self.0.unix(), i64::from(self.0.nanosecond()));
        Ok(match name {
            "Year" => Value::int(civil.year),
            "Month" => Value::Int(civil.month.into(), IntKind::Month),
            "Day" => Value::int(civil.day.into()),
            "Hour" => Value::int(civil.hour.into()),
            "Minute" => Value::int(civil.minute.into()),
            "Second" => Value::int(civil.second.into()),
            "Nanosecond" => Value::int(nanos),
            "Weekday" => Value::Int(civil.weekday.into(), IntKind::Weekday),
            "YearDay" => Value::int(civil.year_day.into()),
            "Unix" => Value::int64(seconds),
            "UnixMilli" => Value::int64(seconds.wrapping_mul(1_000).wrapping_add(nanos / 1_000_000)),
            "UnixMicro" => Value::int64(seconds.wrapping_mul(1_000_000).wrapping_add(nanos / 1_000)),
            "UnixNano" => Value::int64(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)),
            "IsZero" => Value::Bool(self.0.is_zero()),
            "String" => Value::Str(self.0.to_go_string().into()),
            "MarshalText" => Value::Bytes(self.0.to_rfc3339().into()),
            "MarshalJSON" => Value::Bytes([&b"\""[..], &self.0.to_rfc3339(), b"\""].concat().into()),
            "Location" => Value::str(self.0.zone().name()),
            "UTC" => wrapped(self.0.in_zone(Zone::Utc)),
            "Local" => wrapped(self.0.in_zone(Zone::Local)),
            _ => return self.call_with(name, args),
        })
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_go_string());
    }

    fn plain(&self) -> Value {
        Value::Str(Str::from(self.0.to_rfc3339()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Time {
    /// The methods that take arguments.
    fn call_with(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        match (name, args) {
            ("Format", [Value::Str(layout)]) => Ok(Value::Str(self.0.format(layout.as_bytes()).into())),
            ("Add", [Value::Int(nanos, _)]) => Ok(wrapped(self.0.add_nanos(*nanos))),
            ("AddDate", [Value::Int(years, _), Value::Int(months, _), Value::Int(days, _)]) => {
                Ok(wrapped(self.0.add_date(*years, *months, *days)))
            }
            (_, [Value::Object(other)]) => {
                let Some(Self(other)) = other.as_any().downcast_ref() else {
                    return Err(wrong_type());
                };
                let order = self.0.compare(other);
                match name {
                    "Sub" => Ok(Value::Int(self.0.since(other), IntKind::Duration)),
                    "After" => Ok(Value::Bool(order.is_gt())),
                    "Before" => Ok(Value::Bool(order.is_lt())),
                    "Equal" => Ok(Value::Bool(order.is_eq())),
                    "Compare" => Ok(Value::int(order as i64)),
                    _ => Err(wrong_type()),
                }
            }
            _ => Err(wrong_type()),
        }
    }
}

fn wrapped(moment: Moment) -> Value {
    Value::Object(Rc::new(Time(moment)))
}

fn wrong_type() -> Error {
    Error::new(format!("wrong type for value; expected {TYPE_NAME}"))
}
