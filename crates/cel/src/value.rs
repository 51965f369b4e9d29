//! What an expression works on.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use objects::Quantity;

use crate::types::Order;

/// A value. Cheap to clone: what is large is shared.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    List(List),
    Map(Arc<BTreeMap<Key, Value>>),
    Timestamp(jiff::Timestamp),
    /// Nanoseconds.
    Duration(i64),
    Optional(Option<Box<Value>>),
    /// The name of a type.
    Type(Arc<str>),
    Quantity(Quantity),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
    Url(Arc<Url>),
    Semver(Arc<semver::Version>),
    /// A named format.
    Format(&'static str),
    /// What the caller made, with functions of its own.
    Host(Arc<dyn Host>),
}

/// A value that the caller made.
pub trait Host: fmt::Debug + Send + Sync {
    /// The name of its type.
    fn type_name(&self) -> &'static str;
    /// Calls a function of it; `None` if it has no such function.
    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>>;
}

#[derive(Debug, Clone, Default)]
pub struct List {
    pub items: Arc<Vec<Value>>,
    pub order: Order,
}

/// A key of a map. Unsigned numbers that fit are signed, as they are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    String(Arc<str>),
}

#[derive(Debug, PartialEq)]
pub struct Url {
    pub scheme: String,
    pub user: String,
    pub host: String,
    pub path: String,
    pub query: String,
}

impl Value {
    pub fn string(text: &str) -> Self {
        Value::String(text.into())
    }

    pub fn list(items: Vec<Value>) -> Self {
        Value::List(List {
            items: Arc::new(items),
            order: Order::Matters,
        })
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Some(match self {
            Value::Bool(bool) => Key::Bool(*bool),
            Value::Int(int) => Key::Int(*int),
            Value::Uint(uint) => i64::try_from(*uint).map_or(Key::Uint(*uint), Key::Int),
            Value::String(text) => Key::String(Arc::clone(text)),
            // A whole number is a key however it is written.
            #[expect(clippy::cast_possible_truncation, reason = "the bounds stand before it")]
            Value::Double(double) if double.fract() == 0.0 && double.abs() < 9e15 => Key::Int(*double as i64),
            _ => return None,
        })
    }

    /// The number of parts, by which work on it is charged.
    #[must_use]
    pub fn size(&self) -> u64 {
        let size = match self {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.items.len(),
            Value::Map(map) => map.len(),
            _ => 1,
        };
        size as u64
    }

    pub(crate) fn type_name(&self) -> &str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Optional(_) => "optional_type",
            Value::Type(_) => "type",
            Value::Quantity(_) => "kubernetes.Quantity",
            Value::Ip(_) => "net.IP",
            Value::Cidr(..) => "net.CIDR",
            Value::Url(_) => "kubernetes.URL",
            Value::Semver(_) => "kubernetes.Semver",
            Value::Format(_) => "kubernetes.NamedFormat",
            Value::Host(host) => host.type_name(),
        }
    }

    /// The order of two values that have one.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (a, b) => a.as_double()?.partial_cmp(&b.as_double()?),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "as CEL compares whole numbers with fractions"
    )]
    fn as_double(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Uint(uint) => Some(*uint as f64),
            Value::Double(double) => Some(*double),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Optional(a), Value::Optional(b)) => a == b,
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::Quantity(a), Value::Quantity(b)) => a == b,
            (Value::Ip(a), Value::Ip(b)) => a == b,
            (Value::Cidr(a, n), Value::Cidr(b, m)) => a == b && n == m,
            (Value::Url(a), Value::Url(b)) => a == b,
            (Value::Semver(a), Value::Semver(b)) => a == b,
            (Value::Format(a), Value::Format(b)) => a == b,
            (a, b) => a.compare(b) == Some(Ordering::Equal),
        }
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        if self.items.len() != other.items.len() {
            return false;
        }
        if self.order == Order::Matters || other.order == Order::Matters {
            return self.items == other.items;
        }
        self.items.iter().all(|one| other.items.contains(one))
    }
}

impl Key {
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Key::Bool(bool) => Value::Bool(*bool),
            Key::Int(int) => Value::Int(*int),
            Key::Uint(uint) => Value::Uint(*uint),
            Key::String(text) => Value::String(Arc::clone(text)),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Bool(bool) => write!(f, "{bool}"),
            Key::Int(int) => write!(f, "{int}"),
            Key::Uint(uint) => write!(f, "{uint}"),
            Key::String(text) => f.write_str(text),
        }
    }
}
