//! What the checker knows of a value before there is one, and how a schema says it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::parse::{LITERALS, RESERVED};

/// The deepest schema followed; deeper ones are `dyn`. Custom kinds' schemas are refused at 64.
const DEPTH_MAX: usize = 64;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Known only when there is a value.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Type>, Order),
    Map(Arc<Type>, Arc<Type>),
    Object(Arc<Object>),
    Optional(Arc<Type>),
    /// The type of types.
    Type,
    /// A type that is known by its name alone, such as `kubernetes.Quantity`.
    Opaque(&'static str),
    /// A variable of a signature.
    Param(u8),
}

/// What the order of a list means.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Order {
    #[default]
    Matters,
    /// `x-kubernetes-list-type: set`
    Set,
    /// `x-kubernetes-list-type: map`, with its keys.
    Keyed(Arc<[String]>),
}

/// A type with fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub name: String,
    /// By the name in expressions, which is escaped.
    pub fields: BTreeMap<String, Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name in JSON.
    pub name: String,
    pub ty: Type,
}

impl Type {
    pub fn list(of: Type) -> Self {
        Type::List(Arc::new(of), Order::Matters)
    }

    pub fn map(of: Type) -> Self {
        Type::Map(Arc::new(Type::String), Arc::new(of))
    }

    /// An object of plain field names.
    pub fn object(name: &str, fields: &[(&str, Type)]) -> Self {
        let field = |(name, ty): &(&str, Type)| {
            let field = Field {
                name: (*name).to_owned(),
                ty: ty.clone(),
            };
            ((*name).to_owned(), field)
        };
        Type::Object(Arc::new(Object {
            name: name.to_owned(),
            fields: fields.iter().map(field).collect(),
        }))
    }

    /// The type of a structural schema's values. Fields without a type that expressions can use are left out, as the
    /// real server leaves them out: a rule that mentions one is refused.
    #[must_use]
    pub fn of_schema(schema: &Json, resource: bool) -> Option<Self> {
        of_schema(schema, resource, 0)
    }

    /// Whether a value of one type may stand where the other is wanted.
    pub(crate) fn accepts(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Dyn | Type::Param(_), _) | (_, Type::Dyn | Type::Param(_)) => true,
            (Type::List(a, _), Type::List(b, _)) | (Type::Optional(a), Type::Optional(b)) => a.accepts(b),
            (Type::Map(a, b), Type::Map(c, d)) => a.accepts(c) && b.accepts(d),
            (Type::Object(a), Type::Object(b)) => a.name == b.name,
            (Type::Null, nullable) | (nullable, Type::Null) => matches!(
                nullable,
                Type::Null | Type::Object(_) | Type::Timestamp | Type::Duration | Type::Opaque(_)
            ),
            (a, b) => a == b,
        }
    }

    /// The least type that holds both.
    pub(crate) fn join(self, other: &Type) -> Type {
        if &self == other || matches!(other, Type::Null) {
            self
        } else if matches!(self, Type::Null) {
            other.clone()
        } else {
            Type::Dyn
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::List(of, _) => write!(f, "list({of})"),
            Type::Map(key, of) => write!(f, "map({key}, {of})"),
            Type::Object(object) => f.write_str(&object.name),
            Type::Optional(of) => write!(f, "optional_type({of})"),
            Type::Type => f.write_str("type"),
            Type::Opaque(name) => f.write_str(name),
            Type::Param(at) => write!(f, "{}", char::from(b'A' + at % 26)),
        }
    }
}

fn of_schema(schema: &Json, resource: bool, depth: usize) -> Option<Type> {
    if depth > DEPTH_MAX || schema["x-kubernetes-int-or-string"] == true {
        return Some(Type::Dyn);
    }
    let resource = resource || schema["x-kubernetes-embedded-resource"] == true;
    let ty = match schema["type"].as_str().unwrap_or_default() {
        "string" => match schema["format"].as_str().unwrap_or_default() {
            "byte" => Type::Bytes,
            "duration" => Type::Duration,
            "date" | "date-time" => Type::Timestamp,
            _ => Type::String,
        },
        "integer" => Type::Int,
        "number" => Type::Double,
        "boolean" => Type::Bool,
        "array" => {
            let items = of_schema(&schema["items"], false, depth + 1)?;
            let order = match schema["x-kubernetes-list-type"].as_str() {
                Some("set") => Order::Set,
                Some("map") => {
                    let keys = schema["x-kubernetes-list-map-keys"]
                        .as_array()
                        .into_iter()
                        .flatten();
                    Order::Keyed(keys.filter_map(Json::as_str).map(str::to_owned).collect())
                }
                _ => Order::Matters,
            };
            Type::List(Arc::new(items), order)
        }
        "object" => return object(schema, resource, depth),
        _ if resource => return object(schema, resource, depth),
        _ => return None,
    };
    // A null has the type of its own; only the value tells.
    Some(if schema["nullable"] == true { Type::Dyn } else { ty })
}

fn object(schema: &Json, resource: bool, depth: usize) -> Option<Type> {
    let additional = &schema["additionalProperties"];
    if additional.is_object() && !resource {
        return of_schema(additional, false, depth + 1).map(Type::map);
    }
    let mut fields = BTreeMap::new();
    let mut add = |name: &str, ty: Type| {
        let field = Field {
            name: name.to_owned(),
            ty,
        };
        fields.insert(escape(name), field);
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(ty) = of_schema(property, false, depth + 1) {
            add(name, ty);
        }
    }
    if resource {
        add("apiVersion", Type::String);
        add("kind", Type::String);
        let metadata = [("name", Type::String), ("generateName", Type::String)];
        add("metadata", Type::object("objectMeta", &metadata));
    }
    Some(Type::Object(Arc::new(Object {
        name: "object".to_owned(),
        fields,
    })))
}

/// Whether a text can be the name of a variable: a word that is none of the language.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !LITERALS.contains(&text)
        && !RESERVED.contains(&text)
}

/// The name of a JSON field in expressions: `a-b` is `a__dash__b`, `namespace` is `__namespace__`.
#[must_use]
pub fn escape(name: &str) -> String {
    if LITERALS.contains(&name) || RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}
