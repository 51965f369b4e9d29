//! Checks that a value fits its type before it is merged, with the API server's texts.
//!
//! Server-side apply refuses fields that the schema does not declare, scalars of another type, and lists whose
//! elements can't be told apart.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fieldpath::PathElement;
use super::shape::{Shape, element, identity};
use crate::go_text;
use crate::schema::{ListKind, Scalar, TypeRef};

/// A client sees every mistake up to this number; a hostile body must not make a message of megabytes.
const MAX_ERRORS: usize = 100;

/// Checks a value.
///
/// # Errors
/// All mistakes, as one text: `.spec.x: field not declared in schema`.
pub(super) fn validate(value: &Value, ty: TypeRef<'_>, duplicates: Duplicates) -> Result<(), String> {
    let mut found = Findings {
        path: Vec::new(),
        errors: Vec::new(),
        duplicates,
    };
    found.check(value, ty);
    match found.errors.len() {
        0 => Ok(()),
        1 => Err(found.errors.remove(0)),
        _ => Err(format!("errors:\n  {}", found.errors.join("\n  "))),
    }
}

/// Whether two elements may have one identity: stored objects may hold such lists, applied ones may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    Allowed,
    Refused,
}

/// A step to a value: printed only for a mistake, of which there is none almost always.
enum Step<'a> {
    Field(&'a str),
    Place(usize),
    Element(PathElement),
}

struct Findings<'a> {
    /// The steps to the current value.
    path: Vec<Step<'a>>,
    errors: Vec<String>,
    duplicates: Duplicates,
}

impl std::fmt::Display for Step<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Place(at) => write!(out, "[{at}]"),
            Self::Element(element) => write!(out, "{element}"),
        }
    }
}

impl<'a> Findings<'a> {
    fn report(&mut self, message: &str) {
        if self.errors.len() < MAX_ERRORS {
            let path: String = self.path.iter().map(ToString::to_string).collect();
            self.errors.push(if path.is_empty() {
                message.to_owned()
            } else {
                format!("{path}: {message}")
            });
        }
    }

    fn check(&mut self, value: &'a Value, ty: TypeRef<'_>) {
        if value.is_null() {
            return;
        }
        match Shape::of(ty, value) {
            Shape::Scalar(scalar) => self.scalar(scalar, value),
            Shape::List(list) => match value {
                Value::Array(items) => self.list(items, ty, list),
                _ => self.report(&format!("expected list, got &{{{}}}", go_text::plain(value))),
            },
            Shape::Map { .. } => self.map(value, ty),
        }
    }

    fn scalar(&mut self, scalar: Option<Scalar>, value: &Value) {
        let message = match (scalar, value) {
            (Some(Scalar::String), Value::String(_))
            | (Some(Scalar::Integer | Scalar::Number), Value::Number(_))
            | (Some(Scalar::Boolean), Value::Bool(_)) => return,
            (Some(Scalar::String), _) => format!(
                "expected string, got &value.valueUnstructured{{Value:{}}}",
                go_text::syntax(value)
            ),
            (Some(Scalar::Integer | Scalar::Number), _) => {
                let got = go_text::type_name(value);
                format!("expected numeric (int or float), got {got}")
            }
            (Some(Scalar::Boolean), _) => {
                format!("expected boolean, got &{{{}}}", go_text::plain(value))
            }
            (_, Value::Array(_) | Value::Object(_)) => {
                format!("expected any scalar, got &{{{}}}", go_text::plain(value))
            }
            _ => return,
        };
        self.report(&message);
    }

    fn list(&mut self, items: &'a [Value], ty: TypeRef<'_>, list: ListKind<'_>) {
        let mut seen = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let step = if list == ListKind::Atomic {
                Step::Place(at)
            } else {
                match identity(ty, list, item) {
                    Ok(step) => {
                        let refuse = self.duplicates == Duplicates::Refused;
                        if refuse && !seen.insert(step.clone()) {
                            self.report(&format!("duplicate entries for key {step}"));
                        }
                        Step::Element(step)
                    }
                    Err(message) => {
                        self.report(&format!("element {at}: {message}"));
                        return;
                    }
                }
            };
            self.path.push(step);
            self.check(item, element(ty));
            self.path.pop();
        }
    }

    fn map(&mut self, value: &'a Value, ty: TypeRef<'_>) {
        let Value::Object(fields) = value else {
            self.report(&format!("expected map, got &{{{}}}", go_text::plain(value)));
            return;
        };
        for (name, field) in fields {
            let declared = ty.field(name);
            self.path.push(Step::Field(name));
            match declared {
                Some(field_type) => self.check(field, field_type),
                None => self.report("field not declared in schema"),
            }
            self.path.pop();
            // The API server, too, stops at the first unknown field of an object.
            if declared.is_none() {
                return;
            }
        }
    }
}
