//! A schema's rules, read once.

use regex_automata::meta::Regex;
use serde_json::{Map, Number, Value};

use super::text::{self, Violation};
use super::{Keys, Type, Validator};
use crate::schema::crd::{Error, SCHEMA_DEPTH_MAX};

/// The memory of one pattern's automaton. Real patterns take some kilobytes; one that needs more is not checked.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Bounds of numbers, strings, lists and objects.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    minimum: Option<(Number, bool)>,
    maximum: Option<(Number, bool)>,
    multiple_of: Option<Number>,
    length: [Option<u64>; 2],
    items: [Option<u64>; 2],
    properties: [Option<u64>; 2],
    unique: bool,
}

/// Schemas of which some must hold.
#[derive(Debug, Default)]
pub(super) struct Alternatives {
    all_of: Vec<Validator>,
    any_of: Vec<Validator>,
    one_of: Vec<Validator>,
    not: Option<Box<Validator>>,
}

impl Validator {
    /// Compiles `openAPIV3Schema`.
    ///
    /// # Errors
    /// If the schema is nested too deep.
    pub fn compile(schema: &Value) -> Result<Self, Error> {
        compile(schema, 0)
    }
}

fn compile(schema: &Value, depth: usize) -> Result<Validator, Error> {
    if depth > SCHEMA_DEPTH_MAX {
        return Err(Error::TooDeep);
    }
    let below = |schema: &Value| compile(schema, depth + 1);
    let boxed = |name: &str| match &schema[name] {
        inner @ Value::Object(_) => below(inner).map(|inner| Some(Box::new(inner))),
        _ => Ok(None),
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    let properties: Result<Vec<_>, Error> = properties
        .map(|(name, p)| Ok((name.clone(), below(p)?)))
        .collect();
    Ok(Validator {
        types: wanted(schema),
        nullable: schema["nullable"] == true,
        enumeration: schema["enum"].as_array().cloned().unwrap_or_default(),
        bounds: bounds(schema),
        pattern: schema["pattern"]
            .as_str()
            .map(|pattern| (pattern.to_owned(), regex(pattern))),
        format: schema["format"].as_str().unwrap_or_default().to_owned(),
        required: strings(&schema["required"]),
        properties: properties?,
        additional: boxed("additionalProperties")?,
        items: boxed("items")?,
        keys: match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => Keys::Set,
            Some("map") => Keys::Map(strings(&schema["x-kubernetes-list-map-keys"])),
            _ => Keys::None,
        },
        alternatives: Alternatives {
            all_of: list(&schema["allOf"], &below)?,
            any_of: list(&schema["anyOf"], &below)?,
            one_of: list(&schema["oneOf"], &below)?,
            not: boxed("not")?,
        },
    })
}

fn list(
    schemas: &Value,
    below: &impl Fn(&Value) -> Result<Validator, Error>,
) -> Result<Vec<Validator>, Error> {
    schemas.as_array().into_iter().flatten().map(below).collect()
}

fn wanted(schema: &Value) -> Option<Type> {
    if schema["x-kubernetes-int-or-string"] == true {
        return Some(Type::IntOrString);
    }
    Some(match schema["type"].as_str()? {
        "string" => Type::String,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "array" => Type::Array,
        "object" => Type::Object,
        _ => return None,
    })
}

fn regex(pattern: &str) -> Option<Regex> {
    cel::pattern::compile(pattern, PATTERN_BYTES_MAX).ok()
}

fn bounds(schema: &Value) -> Bounds {
    let number = |name: &str| schema[name].as_number().cloned();
    let exclusive = |name: &str| schema[name] == true;
    let pair = |least: &str, most: &str| [schema[least].as_u64(), schema[most].as_u64()];
    Bounds {
        minimum: number("minimum").map(|least| (least, exclusive("exclusiveMinimum"))),
        maximum: number("maximum").map(|most| (most, exclusive("exclusiveMaximum"))),
        multiple_of: number("multipleOf"),
        length: pair("minLength", "maxLength"),
        items: pair("minItems", "maxItems"),
        properties: pair("minProperties", "maxProperties"),
        unique: schema["uniqueItems"] == true,
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

impl Bounds {
    pub(super) fn number(&self, path: &str, number: &Number) -> Vec<Violation> {
        let Some(value) = number.as_f64() else {
            return Vec::new();
        };
        let mut rules = Vec::new();
        if let Some(factor) = &self.multiple_of
            && factor
                .as_f64()
                .is_some_and(|factor| factor > 0.0 && (value / factor).fract() != 0.0)
        {
            rules.push(format!("should be a multiple of {factor}"));
        }
        if let Some((most, exclusive)) = &self.maximum
            && most
                .as_f64()
                .is_some_and(|most| value > most || *exclusive && value == most)
        {
            rules.push(format!(
                "should be less than {}{most}",
                if *exclusive { "" } else { "or equal to " }
            ));
        }
        if let Some((least, exclusive)) = &self.minimum
            && least
                .as_f64()
                .is_some_and(|least| value < least || *exclusive && value == least)
        {
            rules.push(format!(
                "should be greater than {}{least}",
                if *exclusive { "" } else { "or equal to " }
            ));
        }
        rules
            .iter()
            .map(|rule| text::invalid(path, &Value::Number(number.clone()), rule))
            .collect()
    }

    /// Lengths are counted in characters, though the words say bytes.
    pub(super) fn string(&self, path: &str, string: &str) -> Option<Violation> {
        let length = string.chars().count() as u64;
        match self.length {
            [_, Some(most)] if length > most => Some(text::too_long(path, most)),
            [Some(least), _] if length < least => {
                let rule = format!("should be at least {least} chars long");
                Some(text::invalid(path, &Value::from(string), &rule))
            }
            _ => None,
        }
    }

    pub(super) fn list(&self, path: &str, list: &[Value]) -> Option<Violation> {
        let whole = || Value::Array(list.to_vec());
        match self.items {
            [Some(least), _] if (list.len() as u64) < least => Some(text::invalid(
                path,
                &whole(),
                &format!("should have at least {least} items"),
            )),
            [_, Some(most)] if list.len() as u64 > most => Some(text::too_many(path, list.len(), most)),
            _ if self.unique && has_duplicate(list) => {
                Some(text::invalid(path, &whole(), "shouldn't contain duplicates"))
            }
            _ => None,
        }
    }

    pub(super) fn object(&self, path: &str, map: &Map<String, Value>) -> Option<Violation> {
        match self.properties {
            [Some(least), _] if (map.len() as u64) < least => {
                let rule = format!("should have at least {least} properties");
                Some(text::invalid(path, &Value::Object(map.clone()), &rule))
            }
            [_, Some(most)] if map.len() as u64 > most => Some(text::too_many(path, map.len(), most)),
            _ => None,
        }
    }
}

fn has_duplicate(list: &[Value]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    !list.iter().all(|value| seen.insert(value.to_string()))
}

impl Alternatives {
    pub(super) fn check(&self, path: &str, value: &Value, old: Option<&Value>) -> Vec<Violation> {
        let holds = |validator: &&Validator| {
            let mut found = Vec::new();
            validator.check(path, (value, None), &mut found);
            found.is_empty()
        };
        let mut broken = Vec::new();
        if !self.any_of.is_empty() && !self.any_of.iter().any(|one| holds(&one)) {
            broken.push("must validate at least one schema (anyOf)".to_owned());
        }
        if !self.one_of.is_empty() {
            match self.one_of.iter().filter(holds).count() {
                0 => {
                    broken.push("must validate one and only one schema (oneOf). Found none valid".to_owned());
                }
                1 => {}
                many => broken.push(format!(
                    "must validate one and only one schema (oneOf). Found {many} valid alternatives"
                )),
            }
        }
        let mut found: Vec<Violation> = broken.iter().map(|rule| text::alternative(path, rule)).collect();
        // Each once: checking a second time whether they hold would double the work at every level of nesting.
        let before = found.len();
        for validator in &self.all_of {
            validator.check(path, (value, old), &mut found);
        }
        if found.len() > before {
            found.push(text::alternative(path, "must validate all the schemas (allOf)"));
        }
        if self.not.as_ref().is_some_and(|not| holds(&&**not)) {
            found.push(text::alternative(path, "must not validate the schema (not)"));
        }
        found
    }
}
