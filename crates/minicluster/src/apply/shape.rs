//! What a value is for merging: a scalar, a list of some kind or a map of some kind.
//!
//! The schema decides; where it says nothing, the value does (objects merge by key, lists are atomic).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::fieldpath::{Leaf, PathElement};
use crate::schema::{Kind, ListKind, Scalar, TypeRef};

/// The way a value is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// `None`: any scalar.
    Scalar(Option<Scalar>),
    List(ListKind<'a>),
    Map {
        granular: bool,
    },
}

impl<'a> Shape<'a> {
    /// The shape of a value of a type.
    pub(super) fn of(ty: TypeRef<'a>, value: &Value) -> Self {
        match ty.kind() {
            Kind::Scalar(scalar) => Shape::Scalar(Some(scalar)),
            Kind::List(list) => Shape::List(list),
            Kind::Struct { granular } | Kind::Map { granular } => Shape::Map { granular },
            Kind::Untyped => match value {
                Value::Array(_) => Shape::List(ListKind::Atomic),
                Value::Object(_) | Value::Null => Shape::Map { granular: true },
                _ => Shape::Scalar(None),
            },
        }
    }
}

/// True if the type is a struct that declares the field. The keys of maps are not declared.
pub(super) fn declares(ty: TypeRef<'_>, name: &str) -> bool {
    match ty.kind() {
        Kind::Struct { .. } if ty.keeps_unknown_fields() => ty.fields().any(|field| field.name == name),
        Kind::Struct { .. } => ty.field(name).is_some(),
        _ => false,
    }
}

/// The type of a child that may be unknown to the schema.
pub(super) fn child<'a>(ty: TypeRef<'a>, name: &str) -> TypeRef<'a> {
    ty.field(name).unwrap_or_else(TypeRef::untyped)
}

/// The type of a list's elements.
pub(super) fn element(ty: TypeRef<'_>) -> TypeRef<'_> {
    ty.element().unwrap_or_else(TypeRef::untyped)
}

/// Names an element of a set or a map list.
///
/// # Errors
/// The element has no identity; the text is the API server's.
pub(super) fn identity(ty: TypeRef<'_>, list: ListKind<'_>, item: &Value) -> Result<PathElement, String> {
    match list {
        ListKind::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListKind::Set => match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(PathElement::Value(Leaf::of(scalar))),
        },
        ListKind::Map(keys) => match item {
            Value::Null => Err("associative list with keys may not have a null element".to_owned()),
            Value::Object(fields) => key(element(ty), keys, fields),
            _ => Err("associative list with keys may not have non-map elements".to_owned()),
        },
    }
}

fn key(
    item_type: TypeRef<'_>,
    keys: &[std::borrow::Cow<'static, str>],
    fields: &Map<String, Value>,
) -> Result<PathElement, String> {
    let mut named = Vec::with_capacity(keys.len());
    for name in keys {
        let default = || item_type.field(name).and_then(TypeRef::default);
        let Some(value) = fields.get(&**name).or_else(default) else {
            return Err(format!(
                "associative list with keys has an element that omits key field {name:?} (and doesn't have default value)"
            ));
        };
        named.push((name.to_string(), Leaf::of(value)));
    }
    named.sort();
    Ok(PathElement::Key(named))
}

/// The elements of a list by identity, each with its places. Elements without identity are left out: values are
/// validated before they are walked.
pub(super) struct Index {
    /// The identity of each element that has one, with its place.
    pub(super) order: Vec<(PathElement, usize)>,
    /// The places that share an identity.
    pub(super) places: BTreeMap<PathElement, Vec<usize>>,
}

impl Index {
    pub(super) fn of(ty: TypeRef<'_>, list: ListKind<'_>, items: &[Value]) -> Self {
        let mut order = Vec::with_capacity(items.len());
        let mut places: BTreeMap<PathElement, Vec<usize>> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            if let Ok(element) = identity(ty, list, item) {
                places.entry(element.clone()).or_default().push(at);
                order.push((element, at));
            }
        }
        Index { order, places }
    }
}

/// The items of a list; nothing for null and for what is no list.
pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The fields of an object; nothing for null and for what is no object.
pub(super) fn fields(value: Option<&Value>) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.and_then(Value::as_object).unwrap_or(&NONE)
}

/// True if two values are the same, numbers compared by value.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            use super::fieldpath::Numeric;
            a == b || Numeric::of(a) == Numeric::of(b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => left == right,
    }
}
