//! `semver` and `semverCompare`, and what a template can ask of the version that `semver` gives.

use std::any::Any;
use std::rc::Rc;

use template::function::{Error, Param};
use template::value::{IntKind, Kind, Object};
use template::{Call, Function, Value};

use crate::semver::{Constraint, Version};

pub(crate) const TABLE: &[Function] = &[
    Function {
        name: "semver",
        params: &[Param::Str],
        variadic: None,
        body: semver,
    },
    Function {
        name: "semverCompare",
        params: &[Param::Str, Param::Str],
        variadic: None,
        body: semver_compare,
    },
];

const POINTER_TYPE: &str = "*semver.Version";

/// Methods that Go declares on the value, so that the result of `IncMinor` has them too.
const VALUE_METHODS: &[&str] = &[
    "String",
    "Major",
    "Minor",
    "Patch",
    "Prerelease",
    "Metadata",
    "IncPatch",
    "IncMinor",
    "IncMajor",
    "SetPrerelease",
    "SetMetadata",
    "MarshalJSON",
    "MarshalText",
    "Value",
];

/// Methods that Go declares on the pointer, which only `semver` gives.
const POINTER_METHODS: &[&str] = &[
    "Original",
    "Compare",
    "LessThan",
    "LessThanEqual",
    "GreaterThan",
    "GreaterThanEqual",
    "Equal",
];

/// A version in a template: `*semver.Version` from `semver`, `semver.Version` from a method of it.
#[derive(Debug)]
struct Versioned {
    version: Version,
    is_pointer: bool,
}

fn semver(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let version = Version::parse(&text(args, 0)).map_err(|error| Error::new(error.to_string()))?;
    Ok(Value::Object(Rc::new(Versioned {
        version,
        is_pointer: true,
    })))
}

fn semver_compare(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let constraint = Constraint::parse(&text(args, 0)).map_err(|error| Error::new(error.to_string()))?;
    let version = Version::parse(&text(args, 1)).map_err(|error| Error::new(error.to_string()))?;
    Ok(Value::Bool(constraint.check(&version)))
}

impl Object for Versioned {
    fn type_name(&self) -> &str {
        if self.is_pointer {
            POINTER_TYPE
        } else {
            "semver.Version"
        }
    }

    fn kind(&self) -> Kind {
        if self.is_pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn has_method(&self, name: &str) -> bool {
        VALUE_METHODS.contains(&name) || (self.is_pointer && POINTER_METHODS.contains(&name))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let version = &self.version;
        let wanted = match name {
            "SetPrerelease" | "SetMetadata" | "Compare" | "LessThan" | "LessThanEqual" | "GreaterThan"
            | "GreaterThanEqual" | "Equal" => 1,
            _ => 0,
        };
        if args.len() != wanted {
            let got = args.len();
            return Err(Error::new(format!(
                "wrong number of args for {name}: want {wanted} got {got}"
            )));
        }
        match name {
            "String" | "Value" => Ok(Value::str(version.to_string())),
            "Original" => Ok(Value::str(&version.original)),
            "Major" => Ok(uint(version.major)),
            "Minor" => Ok(uint(version.minor)),
            "Patch" => Ok(uint(version.patch)),
            "Prerelease" => Ok(Value::str(&version.prerelease)),
            "Metadata" => Ok(Value::str(&version.metadata)),
            "MarshalText" => Ok(Value::Bytes(version.to_string().into())),
            "MarshalJSON" => Ok(Value::Bytes(format!("\"{version}\"").into())),
            "IncPatch" => Ok(derived(version.next_patch())),
            "IncMinor" => Ok(derived(version.next_minor())),
            "IncMajor" => Ok(derived(version.next_major())),
            "SetPrerelease" => changed(version.with_prerelease(&text(args, 0))),
            "SetMetadata" => changed(version.with_metadata(&text(args, 0))),
            _ => self.compare(name, &args[0]),
        }
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.version.to_string().as_bytes());
    }

    fn plain(&self) -> Value {
        Value::str(self.version.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Versioned {
    /// The methods that take another `*semver.Version`.
    fn compare(&self, name: &str, other: &Value) -> Result<Value, Error> {
        let other = match other {
            Value::Object(object) => object
                .as_any()
                .downcast_ref::<Self>()
                .filter(|other| other.is_pointer),
            _ => None,
        };
        let Some(other) = other else {
            return Err(Error::new(format!(
                "wrong type for value; expected {POINTER_TYPE}"
            )));
        };
        let order = self.version.compare(&other.version);
        Ok(match name {
            "LessThan" => Value::Bool(order.is_lt()),
            "LessThanEqual" => Value::Bool(order.is_le()),
            "GreaterThan" => Value::Bool(order.is_gt()),
            "GreaterThanEqual" => Value::Bool(order.is_ge()),
            "Equal" => Value::Bool(order.is_eq()),
            _ => Value::int(order as i64),
        })
    }
}

fn derived(version: Version) -> Value {
    Value::Object(Rc::new(Versioned {
        version,
        is_pointer: false,
    }))
}

fn changed(version: Result<Version, crate::semver::Error>) -> Result<Value, Error> {
    version
        .map(derived)
        .map_err(|error| Error::new(error.to_string()))
}

/// Keeps the bits: the kind says that they are unsigned.
fn uint(number: u64) -> Value {
    Value::Int(number.cast_signed(), IntKind::Uint64)
}

/// A string argument; invalid UTF-8 is never part of a version, so losing it loses nothing.
fn text(args: &[Value], index: usize) -> std::borrow::Cow<'_, str> {
    match args.get(index) {
        Some(Value::Str(text)) => text.to_text(),
        _ => "".into(),
    }
}
