//! Validation of a custom object by its schema: types, required fields, bounds, patterns, alternatives.
//!
//! The texts are those of the real server, which names a field twice (`spec.size: Invalid value: 0: spec.size in
//! body should be …`). Every violation is reported; of a string's or list's bounds the first. Built-in kinds are
//! validated in code, and rules (`x-kubernetes-validations`) elsewhere: both need more than the schema.
//!
//! Compiled once with its patterns, which are in Rust's syntax; the few patterns that only Go understands match
//! everything.

mod compile;
mod text;

use regex_automata::meta::Regex;
use serde_json::{Map, Value};

use compile::{Alternatives, Bounds};
pub use text::{Reason, Violation};

/// A violation more is counted, not reported: a large object of the wrong shape has one in every field.
const VIOLATIONS_MAX: usize = 256;

/// A schema, ready to validate.
#[derive(Debug, Default)]
pub struct Validator {
    types: Option<Type>,
    nullable: bool,
    enumeration: Vec<Value>,
    bounds: Bounds,
    pattern: Option<(String, Option<Regex>)>,
    format: String,
    required: Vec<String>,
    properties: Vec<(String, Validator)>,
    additional: Option<Box<Validator>>,
    items: Option<Box<Validator>>,
    keys: Keys,
    alternatives: Alternatives,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    IntOrString,
}

/// What may not stand in a list twice.
#[derive(Debug, Default)]
enum Keys {
    #[default]
    None,
    Set,
    Map(Vec<String>),
}

impl Validator {
    /// Finds every violation in an object, in the order of the schema.
    #[must_use]
    pub fn validate(&self, object: &Value) -> Vec<Violation> {
        self.validate_update(object, None)
    }

    /// Finds the violations in what has changed: an unchanged value was stored before the schema forbade it. Old
    /// elements are found by the keys of keyed lists only.
    #[must_use]
    pub fn validate_update(&self, object: &Value, old: Option<&Value>) -> Vec<Violation> {
        let mut found = Vec::new();
        self.check("", (object, old), &mut found);
        found
    }

    /// Validation recurses as deep as the schema, whose depth `compile` bounds.
    fn check(&self, path: &str, (value, old): (&Value, Option<&Value>), found: &mut Vec<Violation>) {
        let allowed = (value.is_null() && self.nullable) || old == Some(value);
        if found.len() >= VIOLATIONS_MAX || allowed {
            return;
        }
        if let Some(wanted) = self.types.filter(|wanted| !wanted.accepts(value)) {
            found.push(text::wrong_type(path, wanted.name(), value));
        }
        match value {
            Value::String(string) => found.extend(self.string(path, string)),
            Value::Number(number) => found.extend(self.bounds.number(path, number)),
            Value::Array(list) => self.list(path, (list, old), found),
            Value::Object(map) => self.object(path, (map, old), found),
            Value::Null | Value::Bool(_) => {}
        }
        if !self.enumeration.is_empty() && !self.enumeration.contains(value) {
            found.push(text::not_supported(path, value, &self.enumeration));
        }
        found.extend(self.alternatives.check(path, value, old));
    }

    fn string(&self, path: &str, string: &str) -> Option<Violation> {
        if let Some(violation) = self.bounds.string(path, string) {
            return Some(violation);
        }
        if let Some((pattern, Some(regex))) = &self.pattern
            && !regex.is_match(string)
        {
            let rule = format!("should match '{pattern}'");
            return Some(text::invalid(path, &Value::from(string), &rule));
        }
        let ok = match self.format.as_str() {
            "date-time" => super::values::is_time(string),
            "byte" => super::values::is_base64(string),
            _ => true,
        };
        (!ok).then(|| text::wrong_format(path, &self.format, string))
    }

    fn list(&self, path: &str, (list, old): (&[Value], Option<&Value>), found: &mut Vec<Violation>) {
        for (at, value) in list.iter().enumerate() {
            if let Some(items) = &self.items {
                let old = match &self.keys {
                    Keys::Map(keys) => super::rules::same(keys, value, old),
                    Keys::None | Keys::Set => None,
                };
                items.check(&format!("{path}[{at}]"), (value, old), found);
            }
        }
        found.extend(self.bounds.list(path, list));
        let name = |value: &Value| match &self.keys {
            Keys::None => None,
            Keys::Set => Some(value.clone()),
            Keys::Map(keys) => Some(
                keys.iter()
                    .filter_map(|key| Some((key.clone(), value.get(key)?.clone())))
                    .collect(),
            ),
        };
        let mut seen = std::collections::BTreeSet::new();
        for (at, value) in list.iter().enumerate() {
            if let Some(name) = name(value)
                && !seen.insert(name.to_string())
                && found.len() < VIOLATIONS_MAX
            {
                found.push(text::duplicate(&format!("{path}[{at}]"), &name));
            }
        }
    }

    fn object(
        &self,
        path: &str,
        (map, old): (&Map<String, Value>, Option<&Value>),
        found: &mut Vec<Violation>,
    ) {
        let before = |name: &str| old.and_then(|old| old.get(name));
        found.extend(self.bounds.object(path, map));
        let child = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        for name in self.required.iter().filter(|name| !map.contains_key(*name)) {
            found.push(text::required(&child(name)));
        }
        for (name, property) in &self.properties {
            if let Some(value) = map.get(name) {
                property.check(&child(name), (value, before(name)), found);
            }
        }
        if let Some(additional) = &self.additional {
            let known = |name: &String| self.properties.iter().any(|(property, _)| property == name);
            for (name, value) in map.iter().filter(|(name, _)| !known(name)) {
                additional.check(&child(name), (value, before(name)), found);
            }
        }
    }
}

impl Type {
    fn accepts(self, value: &Value) -> bool {
        match self {
            Type::String => value.is_string(),
            // Go's decoder gives a whole number without a point as an integer; 1.0 passes as one too.
            Type::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Type::Number => value.is_number(),
            Type::Boolean => value.is_boolean(),
            Type::Array => value.is_array(),
            Type::Object => value.is_object(),
            Type::IntOrString => value.is_string() || value.is_i64() || value.is_u64(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
            Type::Array => "array",
            Type::Object => "object",
            Type::IntOrString => "integer,string",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The schema of the recorded steps.
    fn widget() -> Validator {
        let schema = json!({"type": "object", "required": ["spec"], "properties": {"spec": {
        "type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 100},
            "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Slow"},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "ports": {"type": "array", "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port"], "items": {"type": "object",
                    "required": ["port"], "properties": {"port": {"type": "integer"}}}},
            "port": {"x-kubernetes-int-or-string": true},
            "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                "additionalProperties": {"type": "integer"}},
            "free": {"type": "string", "nullable": true}
        }}}});
        Validator::compile(&schema).expect("a schema")
    }

    fn check(spec: &Value, expected: &[(&str, &str)]) {
        let found = widget().validate(&json!({"spec": spec}));
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|v| (v.field.as_str(), v.message.as_str()))
            .collect();
        assert_eq!(found, expected, "{spec}");
    }

    #[test]
    fn violations_are_told_in_the_recorded_words() {
        let missing = widget().validate(&json!({}));
        assert_eq!(
            missing,
            [Violation {
                field: "spec".into(),
                reason: Reason::Required,
                message: "Required value".into()
            }]
        );
        check(
            &json!({"size": 0, "mode": "Medium", "name": "TOOLONG", "tags": ["a", "b", "c"]}),
            &[
                (
                    "spec.mode",
                    "Unsupported value: \"Medium\": supported values: \"Fast\", \"Slow\"",
                ),
                ("spec.name", "Too long: may not be more than 5 bytes"),
                (
                    "spec.size",
                    "Invalid value: 0: spec.size in body should be greater than or equal to 1",
                ),
                ("spec.tags", "Too many: 3: must have at most 2 items"),
            ],
        );
        check(
            &json!({"size": "x", "tags": "y"}),
            &[
                (
                    "spec.size",
                    "Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
                ),
                (
                    "spec.tags",
                    "Invalid value: \"string\": spec.tags in body must be of type array: \"string\"",
                ),
            ],
        );
    }

    #[test]
    fn every_kind_of_rule_has_its_words() {
        let at = |field: &'static str, message: &'static str| [(field, message)];
        check(&json!({"size": 1, "port": 80, "free": null}), &[]);
        check(
            &json!({"size": 1, "name": "Ab"}),
            &at(
                "spec.name",
                "Invalid value: \"Ab\": spec.name in body should match '^[a-z]+$'",
            ),
        );
        check(
            &json!({"size": 101}),
            &at(
                "spec.size",
                "Invalid value: 101: spec.size in body should be less than or equal to 100",
            ),
        );
        check(
            &json!({"size": 1, "set": ["a", "a"]}),
            &at("spec.set[1]", "Duplicate value: \"a\""),
        );
        check(
            &json!({"size": 1, "ports": [{"port": 1}, {"port": 1}]}),
            &at("spec.ports[1]", "Duplicate value: {\"port\":1}"),
        );
        check(
            &json!({"size": 1, "ports": [{}]}),
            &at("spec.ports[0].port", "Required value"),
        );
        check(
            &json!({"size": 1, "one": {"c": 1}}),
            &at(
                "spec.one",
                "Invalid value: spec.one in body must validate one and only one schema (oneOf). Found none valid",
            ),
        );
    }

    #[test]
    fn hostile_schemas_and_objects_are_bounded() {
        let many: Map<String, Value> = (0..1000).map(|at| (format!("k{at}"), json!("x"))).collect();
        let schema = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        let validator = Validator::compile(&schema).expect("a schema");
        assert_eq!(validator.validate(&Value::Object(many)).len(), VIOLATIONS_MAX);
        let mut deep = json!({"type": "object"});
        for _ in 0..200 {
            deep = json!({"type": "object", "properties": {"a": deep}});
        }
        assert!(Validator::compile(&deep).is_err());
        let pattern = json!({"type": "string", "pattern": "((a{1,500}){1,500}){1,500}"});
        assert_eq!(
            Validator::compile(&pattern)
                .expect("a schema")
                .validate(&json!("b")),
            []
        );
    }
}
