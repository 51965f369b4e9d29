//! Violations in the words of the real server.

use serde_json::Value;

/// A violated rule of a schema: a cause of the `Invalid` status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `spec.ports[0].port`; `<nil>` for the object itself.
    pub field: String,
    pub reason: Reason,
    pub message: String,
}

/// The reason of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Required,
    Invalid,
    NotSupported,
    TooLong,
    TooMany,
    TypeInvalid,
    Duplicate,
    Forbidden,
}

/// The longest value repeated in a message; what is longer is cut, as the whole object may be one value.
const VALUE_MAX: usize = 1024;

impl Reason {
    /// As it is written in a cause: `FieldValueRequired`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Required => "FieldValueRequired",
            Reason::Invalid => "FieldValueInvalid",
            Reason::NotSupported => "FieldValueNotSupported",
            Reason::TooLong => "FieldValueTooLong",
            Reason::TooMany => "FieldValueTooMany",
            Reason::TypeInvalid => "FieldValueTypeInvalid",
            Reason::Duplicate => "FieldValueDuplicate",
            Reason::Forbidden => "FieldValueForbidden",
        }
    }
}

pub(super) fn required(path: &str) -> Violation {
    violation(path, Reason::Required, "Required value".to_owned())
}

pub(super) fn wrong_type(path: &str, wanted: &str, value: &Value) -> Violation {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let message = format!(
        "Invalid value: \"{found}\": {} must be of type {wanted}: \"{found}\"",
        in_body(path)
    );
    violation(path, Reason::TypeInvalid, message)
}

pub(super) fn wrong_format(path: &str, format: &str, value: &str) -> Violation {
    let value = shown(&Value::from(value));
    let message = format!(
        "Invalid value: {value}: {} must be of type {format}: {value}",
        in_body(path)
    );
    violation(path, Reason::TypeInvalid, message)
}

pub(super) fn not_supported(path: &str, value: &Value, supported: &[Value]) -> Violation {
    // Sorted and quoted, whatever their type.
    let mut supported: Vec<String> = supported.iter().map(quoted).collect();
    supported.sort_unstable();
    let message = format!(
        "Unsupported value: {}: supported values: {}",
        shown(value),
        supported.join(", ")
    );
    violation(path, Reason::NotSupported, message)
}

/// A rule of one value, such as `should be less than 3`.
pub(super) fn invalid(path: &str, value: &Value, rule: &str) -> Violation {
    violation(
        path,
        Reason::Invalid,
        format!("Invalid value: {}: {} {rule}", shown(value), in_body(path)),
    )
}

/// A rule of alternatives: the value is not repeated.
pub(super) fn alternative(path: &str, rule: &str) -> Violation {
    violation(
        path,
        Reason::Invalid,
        format!("Invalid value: {} {rule}", in_body(path)),
    )
}

pub(super) fn too_long(path: &str, most: u64) -> Violation {
    violation(
        path,
        Reason::TooLong,
        format!("Too long: may not be more than {most} bytes"),
    )
}

pub(super) fn too_many(path: &str, count: usize, most: u64) -> Violation {
    violation(
        path,
        Reason::TooMany,
        format!("Too many: {count}: must have at most {most} items"),
    )
}

pub(super) fn duplicate(path: &str, value: &Value) -> Violation {
    violation(
        path,
        Reason::Duplicate,
        format!("Duplicate value: {}", shown(value)),
    )
}

fn violation(path: &str, reason: Reason, message: String) -> Violation {
    let field = if path.is_empty() { "<nil>" } else { path };
    Violation {
        field: field.to_owned(),
        reason,
        message,
    }
}

fn in_body(path: &str) -> String {
    if path.is_empty() {
        "in body".to_owned()
    } else {
        format!("{path} in body")
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(_) => value.to_string(),
        other => format!("\"{other}\""),
    }
}

fn shown(value: &Value) -> String {
    let mut shown = value.to_string();
    if shown.len() > VALUE_MAX {
        shown.truncate(shown.floor_char_boundary(VALUE_MAX));
        shown.push_str("...");
    }
    shown
}
