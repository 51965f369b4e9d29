//! Findings as they are gathered: where in the object one is, and what is wrong.

use serde_json::{Map, Value, json};

use super::Cause;
use super::names::Rule;

#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Cause>);

/// Nobody reads more faults of one object; without a bound an object of 1 MiB answers with 100 MiB.
const MAX_FINDINGS: usize = 1000;

impl Findings {
    pub(super) fn push(&mut self, cause: Cause) {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(cause);
        }
    }

    pub(super) fn invalid(&mut self, at: impl Into<String>, value: &Value, why: &str) {
        self.push(Cause::invalid(at, value, why));
    }

    pub(super) fn required(&mut self, at: impl Into<String>, why: &str) {
        self.push(Cause::required(at, why));
    }

    pub(super) fn forbidden(&mut self, at: impl Into<String>, why: &str) {
        self.push(Cause::forbidden(at, why));
    }

    pub(super) fn duplicate(&mut self, at: impl Into<String>, value: &Value) {
        self.push(Cause::duplicate(at, value));
    }

    pub(super) fn not_found(&mut self, at: impl Into<String>, value: &Value) {
        self.push(Cause::not_found(at, value));
    }

    /// Finds every fault of a text by a rule.
    pub(super) fn text(&mut self, at: &str, value: &str, rule: Rule) {
        for why in rule(value) {
            self.invalid(at, &json!(value), &why);
        }
    }

    /// A text that must be there and keep a rule.
    pub(super) fn required_text(&mut self, at: &str, value: &str, rule: Rule) {
        if value.is_empty() {
            self.required(at, "");
        } else {
            self.text(at, value, rule);
        }
    }

    /// A text that is one of a few.
    pub(super) fn one_of(&mut self, at: &str, value: &str, supported: &[&str]) {
        if !supported.contains(&value) {
            self.push(Cause::unsupported(at, &json!(value), supported));
        }
    }

    /// A number that isn't negative, when it is there.
    pub(super) fn not_negative(&mut self, at: &str, object: &Value, field: &str) {
        if let Some(number) = object
            .get(field)
            .filter(|number| number.as_i64().is_some_and(|n| n < 0))
        {
            self.invalid(
                format!("{at}.{field}"),
                number,
                "must be greater than or equal to 0",
            );
        }
    }

    /// A field that an update may not change.
    pub(super) fn immutable(&mut self, at: &str, new: Option<&Value>, old: Option<&Value>) {
        if new != old {
            self.invalid(at, new.unwrap_or(&Value::Null), "field is immutable");
        }
    }
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn entries<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(field)
        .and_then(Value::as_object)
        .map(Map::iter)
        .into_iter()
        .flatten()
}

/// A field that is neither absent nor null.
pub(super) fn given<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    value.get(field).filter(|value| !value.is_null())
}
