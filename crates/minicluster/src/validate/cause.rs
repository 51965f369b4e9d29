//! One finding of validation, and how findings are printed.

use std::collections::HashSet;

use serde_json::{Value, json};

/// What is wrong with a field: a cause in the details of a 422.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, …
    pub reason: &'static str,
    pub field: String,
    /// Begins with the kind of fault: `Required value`, `Invalid value: "x": why`.
    pub message: String,
}

impl Cause {
    /// A value that may not be so. The value is printed as JSON.
    #[must_use]
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self::new(
            "FieldValueInvalid",
            field.into(),
            format!("Invalid value: {value}: {why}"),
        )
    }

    #[must_use]
    pub fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Self::new("FieldValueRequired", field.into(), message)
    }

    #[must_use]
    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueForbidden", field.into(), format!("Forbidden: {why}"))
    }

    #[must_use]
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new(
            "FieldValueDuplicate",
            field.into(),
            format!("Duplicate value: {value}"),
        )
    }

    /// A value that is none of those supported, which are printed in the order given.
    #[must_use]
    pub fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let message = format!(
            "Unsupported value: {value}: supported values: {}",
            supported.join(", ")
        );
        Self::new("FieldValueNotSupported", field.into(), message)
    }

    #[must_use]
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueNotFound", field.into(), format!("Not found: {value}"))
    }

    #[must_use]
    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        let message = format!("Too long: may not be more than {most} bytes");
        Self::new("FieldValueTooLong", field.into(), message)
    }

    #[must_use]
    pub fn too_many(field: impl Into<String>, found: usize, most: usize) -> Self {
        let message = format!("Too many: {found}: must have at most {most} items");
        Self::new("FieldValueTooMany", field.into(), message)
    }

    fn new(reason: &'static str, field: String, message: String) -> Self {
        Self {
            reason,
            field,
            message,
        }
    }

    /// The cause as a Status carries it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// The message of the 422 for causes: `Kind.group "name" is invalid: field: message`, several in brackets.
#[must_use]
pub fn message(kind: &str, group: &str, name: &str, causes: &[Cause]) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let mut seen = HashSet::new();
    let printed = causes
        .iter()
        .filter(|cause| seen.insert((&cause.field, &cause.message)));
    let printed: Vec<String> = printed
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect();
    let printed = match printed.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    format!("{kind}{dot}{group} {name:?} is invalid: {printed}")
}
