//! The rules of a schema (`x-kubernetes-validations`), at every level of it.
//!
//! ```text
//! schema ─► Rules (compiled once) ── validate(object, old object) ─► Violations, warnings
//! ```
//!
//! Old values are found by field, by key of a map and by the keys of a keyed list; elements of other lists have
//! none. A rule without `oldSelf` that an unchanged value breaks is a warning: the value was stored before the rule.
//! What one object may cost is bounded, as in the real server; the cost that rules may have is not estimated.

mod outcome;

use std::collections::HashMap;

use cel::{Budget, Program, Type, Value as Cel};
use serde_json::Value;

use super::crd::SCHEMA_DEPTH_MAX;
use super::validate::Violation;
pub use outcome::Outcome;

/// What all rules of one object may cost, as the real server has it.
const OBJECT_COST_MAX: u64 = 10_000_000;

/// The rules at one place of a schema and below it.
#[derive(Debug)]
pub struct Rules {
    ty: Type,
    here: Vec<Rule>,
    properties: Vec<(String, Rules)>,
    additional: Option<Box<Rules>>,
    items: Option<(Box<Rules>, Option<Vec<String>>)>,
}

#[derive(Debug)]
struct Rule {
    program: Program,
    text: String,
    message: String,
    message_program: Option<Program>,
    reason: String,
    field_path: String,
    optional_old: bool,
    /// Whether it compares with what was.
    is_transition: bool,
}

/// A rule that is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `rule` or `messageExpression`.
    pub field: &'static str,
    /// Empty for a rule that is missing.
    pub message: String,
}

impl Rules {
    /// Compiles the rules of `openAPIV3Schema`; `None` if it has none. Rules that don't compile are left out: a
    /// definition with one is refused when it is written.
    #[must_use]
    pub fn compile(schema: &Value) -> Option<Self> {
        compile(schema, true, 0)
    }

    /// Checks an object.
    #[must_use]
    pub fn validate(&self, object: &Value, old: Option<&Value>) -> Outcome {
        let mut outcome = Outcome::new(Budget::new(OBJECT_COST_MAX));
        self.check("", object, old, &mut outcome);
        outcome
    }

    fn check(&self, path: &str, value: &Value, old: Option<&Value>, outcome: &mut Outcome) {
        if outcome.is_over() || value.is_null() {
            return;
        }
        if !self.here.is_empty() {
            let new = Cel::of_json(value, &self.ty);
            let before = old.map(|old| Cel::of_json(old, &self.ty));
            let unchanged = old == Some(value);
            for rule in &self.here {
                outcome.apply(rule, (path, value), (&new, before.as_ref()), unchanged);
            }
        }
        match value {
            Value::Object(map) => {
                for (name, rules) in &self.properties {
                    if let Some(value) = map.get(name) {
                        let old = old.and_then(|old| old.get(name));
                        rules.check(&child(path, name), value, old, outcome);
                    }
                }
                if let Some(rules) = &self.additional {
                    for (name, value) in map {
                        let old = old.and_then(|old| old.get(name));
                        rules.check(&format!("{path}[{name}]"), value, old, outcome);
                    }
                }
            }
            Value::Array(list) => {
                if let Some((rules, keys)) = &self.items {
                    for (at, value) in list.iter().enumerate() {
                        let old = keys.as_deref().and_then(|keys| same(keys, value, old));
                        rules.check(&format!("{path}[{at}]"), value, old, outcome);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The element of an old list with the keys of an element.
pub(super) fn same<'a>(keys: &[String], value: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    let old = old?.as_array()?;
    old.iter()
        .find(|one| keys.iter().all(|key| one.get(key) == value.get(key)))
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn compile(schema: &Value, resource: bool, depth: usize) -> Option<Rules> {
    if depth > SCHEMA_DEPTH_MAX || !schema.is_object() {
        return None;
    }
    let resource = resource || schema["x-kubernetes-embedded-resource"] == true;
    let below = |schema: &Value| compile(schema, false, depth + 1);
    let properties = schema["properties"].as_object().into_iter().flatten();
    let properties: Vec<_> = properties
        .filter_map(|(name, schema)| Some((name.clone(), below(schema)?)))
        .collect();
    let additional = below(&schema["additionalProperties"]).map(Box::new);
    let keys = (schema["x-kubernetes-list-type"] == "map").then(|| {
        let keys = schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten();
        keys.filter_map(Value::as_str).map(str::to_owned).collect()
    });
    let items = below(&schema["items"]).map(|rules| (Box::new(rules), keys));
    let ty = match schema["x-kubernetes-validations"].as_array() {
        Some(_) => Type::of_schema(schema, resource).unwrap_or(Type::Dyn),
        None => Type::Dyn,
    };
    let written = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten();
    let here: Vec<Rule> = written.filter_map(|rule| compile_rule(rule, &ty).ok()).collect();
    let empty = here.is_empty() && properties.is_empty() && additional.is_none() && items.is_none();
    (!empty).then_some(Rules {
        ty,
        here,
        properties,
        additional,
        items,
    })
}

/// Finds what is wrong with a rule of a schema, and whether it compares with what was.
///
/// # Errors
/// If it doesn't compile or gives no bool, or its message no text.
pub fn check_rule(rule: &Value, schema: &Value, resource: bool) -> Result<bool, Fault> {
    let ty = Type::of_schema(schema, resource).unwrap_or(Type::Dyn);
    compile_rule(rule, &ty).map(|rule| rule.is_transition)
}

fn compile_rule(rule: &Value, ty: &Type) -> Result<Rule, Fault> {
    let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    let fault = |field, message: String| Fault { field, message };
    let optional_old = rule["optionalOldSelf"] == true;
    let old = if optional_old {
        Type::Optional(std::sync::Arc::new(ty.clone()))
    } else {
        ty.clone()
    };
    let variables = HashMap::from([("self".to_owned(), ty.clone()), ("oldSelf".to_owned(), old)]);
    let written = text("rule");
    if written.trim().is_empty() {
        return Err(fault("rule", String::new()));
    }
    let program = Program::compile(&written, &variables)
        .map_err(|issues| fault("rule", format!("compilation failed: {}", issues.text)))?;
    if !matches!(program.ty(), Type::Bool | Type::Dyn) {
        return Err(fault("rule", "cel expression must evaluate to a bool".to_owned()));
    }
    let written_message = text("messageExpression");
    let message_program = if written_message.is_empty() {
        None
    } else {
        let program = Program::compile(&written_message, &variables).map_err(|issues| {
            let message = format!("messageExpression compilation failed: {}", issues.text);
            fault("messageExpression", message)
        })?;
        if !matches!(program.ty(), Type::String | Type::Dyn) {
            let message = "messageExpression must evaluate to a string".to_owned();
            return Err(fault("messageExpression", message));
        }
        Some(program)
    };
    Ok(Rule {
        is_transition: program.mentions("oldSelf"),
        program,
        text: written,
        message: text("message"),
        message_program,
        reason: text("reason"),
        field_path: text("fieldPath"),
        optional_old,
    })
}

/// A value printed in a violation: lists and objects are left out.
fn printed(value: &Value) -> Option<String> {
    (!value.is_array() && !value.is_object()).then(|| value.to_string())
}

impl Rule {
    fn field(&self, path: &str) -> String {
        let below = self.field_path.trim_start_matches('.');
        match (path, below) {
            ("", "") => "<nil>".to_owned(),
            (path, "") => path.to_owned(),
            (path, below) => child(path, below),
        }
    }

    /// What is said of evaluation errors: the message, else the rule.
    fn told(&self) -> &str {
        if self.message.is_empty() {
            self.text.trim()
        } else {
            self.message.trim()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object",
            "x-kubernetes-validations": [
                {"rule": "self.min <= self.max", "message": "min must not exceed max"},
                {"rule": "self.max < 10", "messageExpression": "'max is ' + string(self.max)",
                    "reason": "FieldValueForbidden", "fieldPath": ".max"},
                {"rule": "!oldSelf.hasValue() || self.min >= oldSelf.value().min", "optionalOldSelf": true}],
            "properties": {"min": {"type": "integer"}, "max": {"type": "integer"},
                "fixed": {"type": "string", "x-kubernetes-validations": [
                    {"rule": "self == oldSelf", "message": "fixed"}]},
                "list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"},
                        "size": {"type": "integer", "x-kubernetes-validations": [
                            {"rule": "self >= oldSelf"}]}}}}}}}});
        Rules::compile(&schema).expect("it has rules")
    }

    fn check(spec: &Value, old: Option<&Value>, expected: &[(&str, &str)]) {
        let old = old.map(|old| json!({"spec": old}));
        let found = rules().validate(&json!({"spec": spec}), old.as_ref()).violations;
        let found: Vec<(&str, &str)> = found.iter().map(|v| (&*v.field, &*v.message)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_broken_rule_is_told_at_its_place() {
        check(&json!({"min": 1, "max": 2}), None, &[]);
        check(
            &json!({"min": 3, "max": 2}),
            None,
            &[("spec", "Invalid value: min must not exceed max")],
        );
        check(
            &json!({"min": 3, "max": 20}),
            None,
            &[("spec.max", "Forbidden: max is 20")],
        );
        check(
            &json!({"max": 2}),
            None,
            &[(
                "spec",
                "Invalid value: no such key: min evaluating rule: min must not exceed max",
            )],
        );
    }

    #[test]
    fn transition_rules_compare_with_the_element_of_the_same_keys() {
        let spec = |fixed: &str, a: i64| {
            json!({"min": 1, "max": 2, "fixed": fixed,
                "list": [{"name": "b", "size": 1}, {"name": "a", "size": a}]})
        };
        check(&spec("x", 1), None, &[]);
        let mut old = spec("x", 5);
        old["list"].as_array_mut().expect("a list").reverse();
        check(&spec("x", 5), Some(&old), &[]);
        check(
            &spec("y", 4),
            Some(&old),
            &[
                ("spec.fixed", "Invalid value: \"y\": fixed"),
                (
                    "spec.list[1].size",
                    "Invalid value: 4: failed rule: self >= oldSelf",
                ),
            ],
        );
    }

    #[test]
    fn what_was_wrong_before_is_a_warning() {
        let spec = json!({"spec": {"min": 3, "max": 2}});
        let outcome = rules().validate(&spec, Some(&spec));
        assert_eq!(outcome.violations, []);
        assert_eq!(outcome.warnings, ["spec: Invalid value: min must not exceed max"]);
    }
}
