//! The schema of a version: what is forbidden, what makes it structural, its rules.
//!
//! In stages as in the real server: the next looks only at what the one before found good.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::Cause;
use super::super::findings::{Findings, entries, list, text};
use crate::schema::Validator;
use crate::schema::rules::check_rule;

/// The deepest schema looked at; the reader of schemas refuses deeper ones.
const DEPTH_MAX: usize = 64;

/// As where the pattern is compiled to be used.
const PATTERN_BYTES_MAX: usize = 1 << 20;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Checks `openAPIV3Schema`.
pub(super) fn check(out: &mut Findings, schema: &Value, path: &str) {
    let before = out.0.len();
    plain(out, schema, path, 0);
    if out.0.len() == before {
        structural(out, schema, (path, Level::Root), 0);
    }
    if out.0.len() == before {
        rules(out, schema, (path, None), 0);
        defaults(out, schema, path, 0);
    }
}

/// Constructs that no schema may have.
fn plain(out: &mut Findings, schema: &Value, path: &str, depth: usize) {
    if depth > DEPTH_MAX {
        out.forbidden(path, "schema is nested too deep");
        return;
    }
    let at = |name: &str| format!("{path}.{name}");
    if schema["uniqueItems"] == true {
        out.forbidden(
            at("uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
    if schema["additionalProperties"] == false {
        out.forbidden(
            at("additionalProperties"),
            "additionalProperties cannot be set to false",
        );
    }
    if schema["additionalProperties"].is_object() && entries(schema, "properties").next().is_some() {
        out.forbidden(
            at("additionalProperties"),
            "additionalProperties and properties are mutual exclusive",
        );
    }
    if schema["type"] == "null" {
        out.forbidden(
            at("type"),
            "type cannot be set to null, use nullable as an alternative",
        );
    } else if let Some(ty) = schema["type"].as_str().filter(|ty| !ty.is_empty()) {
        out.one_of(&at("type"), ty, TYPES);
    }
    if schema["items"].is_array() {
        out.forbidden(at("items"), "items must be a schema object and not an array");
    }
    if schema.get("$ref").is_some() {
        out.forbidden(at("$ref"), "$ref is not supported");
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        out.invalid(
            at("x-kubernetes-preserve-unknown-fields"),
            &json!(false),
            "must be true or undefined",
        );
    }
    list_type(out, schema, path);
    if let Some(pattern) = schema["pattern"].as_str()
        && cel::pattern::compile(pattern, PATTERN_BYTES_MAX).is_err()
        && !is_go_only(pattern)
    {
        out.invalid(
            at("pattern"),
            &json!(pattern),
            "must be a valid regular expression",
        );
    }
    each(schema, path, |schema, path, _| {
        plain(out, schema, path, depth + 1);
    });
}

/// Patterns that the reader here does not know, as good as they may be: too large, or with rare classes.
fn is_go_only(pattern: &str) -> bool {
    pattern.len() > 256 || pattern.contains("\\p") || pattern.contains("{")
}

fn list_type(out: &mut Findings, schema: &Value, path: &str) {
    let at = |name: &str| format!("{path}.{name}");
    let keys = list(schema, "x-kubernetes-list-map-keys");
    let kind = schema["x-kubernetes-list-type"].as_str();
    if let Some(kind) = kind {
        if schema["type"] != "array" {
            let ty = schema["type"].clone();
            let why = "must be array if x-kubernetes-list-type is specified";
            if text(schema, "type").is_empty() {
                out.required(at("type"), why);
            } else {
                out.invalid(at("type"), &ty, why);
            }
        }
        out.one_of(&at("x-kubernetes-list-type"), kind, &["atomic", "set", "map"]);
    }
    if let Some(kind) = schema["x-kubernetes-map-type"].as_str() {
        out.one_of(&at("x-kubernetes-map-type"), kind, &["atomic", "granular"]);
    }
    if kind == Some("map") {
        if keys.is_empty() {
            out.required(
                at("x-kubernetes-list-map-keys"),
                "must not be empty if x-kubernetes-list-type is map",
            );
        }
        if schema["items"]["type"] != "object" && schema["items"].is_object() {
            out.invalid(
                at("items.type"),
                &schema["items"]["type"],
                "must be object if parent array's x-kubernetes-list-type is map",
            );
        }
        for (index, key) in keys.iter().enumerate() {
            let name = key.as_str().unwrap_or_default();
            let property = &schema["items"]["properties"][name];
            if property.is_null() {
                out.invalid(
                    format!("{path}.x-kubernetes-list-map-keys[{index}]"),
                    key,
                    "entries must all be names of item properties",
                );
                continue;
            }
            let required = list(&schema["items"], "required").contains(key);
            if !required && property.get("default").is_none() {
                out.required(
                    format!("{path}.items.properties[{name}].default"),
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                     property",
                );
            }
        }
    } else if !keys.is_empty() {
        out.forbidden(
            at("x-kubernetes-list-map-keys"),
            "must be empty if x-kubernetes-list-type is not map",
        );
    }
}

/// Calls for each schema right below.
fn each(schema: &Value, path: &str, mut call: impl FnMut(&Value, &str, Level)) {
    if schema["items"].is_object() {
        call(&schema["items"], &format!("{path}.items"), Level::Item);
    }
    for (name, property) in entries(schema, "properties") {
        call(property, &format!("{path}.properties[{name}]"), Level::Field);
    }
    if schema["additionalProperties"].is_object() {
        let path = format!("{path}.additionalProperties");
        call(&schema["additionalProperties"], &path, Level::Field);
    }
}

fn structural(out: &mut Findings, schema: &Value, (path, level): (&str, Level), depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    each(schema, path, |schema, path, level| {
        structural(out, schema, (path, level), depth + 1);
    });
    let ty = text(schema, "type");
    let flag = |name: &str| schema[format!("x-kubernetes-{name}")] == true;
    let at = |name: &str| format!("{path}.{name}");
    if flag("embedded-resource") && ty != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        if ty.is_empty() {
            out.required(at("type"), why);
        } else {
            out.invalid(at("type"), &schema["type"], why);
        }
    } else if ty.is_empty() && !flag("int-or-string") && !flag("preserve-unknown-fields") {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        out.required(at("type"), why);
    }
    if flag("embedded-resource") && !schema["additionalProperties"].is_null() {
        out.forbidden(
            at("additionalProperties"),
            "must not be used if x-kubernetes-embedded-resource is set",
        );
    }
    if flag("embedded-resource")
        && !flag("preserve-unknown-fields")
        && entries(schema, "properties").next().is_none()
    {
        out.required(
            at("properties"),
            "must not be empty if x-kubernetes-embedded-resource is true without \
             x-kubernetes-preserve-unknown-fields",
        );
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        out.invalid(at("type"), &schema["type"], "must be object at the root");
    }
    if level == Level::Root && schema["nullable"] == true {
        out.forbidden(at("nullable"), "nullable cannot be true at the root");
    }
    if level == Level::Root || flag("embedded-resource") {
        resource_fields(out, schema, path);
    }
    if flag("int-or-string") && !ty.is_empty() {
        out.forbidden(at("type"), "must be empty if x-kubernetes-int-or-string is true");
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, part) in list(schema, name).iter().enumerate() {
            let below = format!("{path}.{name}[{index}]");
            let is_pattern = flag("int-or-string");
            values(out, part, (&below, is_pattern), depth + 1);
            completes(out, (schema, path), (part, &below));
        }
    }
    if schema["not"].is_object() {
        let below = at("not");
        values(out, &schema["not"], (&below, false), depth + 1);
        completes(out, (schema, path), (&schema["not"], &below));
    }
}

/// Of what every object has, a schema may say little.
fn resource_fields(out: &mut Findings, schema: &Value, path: &str) {
    for name in ["kind", "apiVersion"] {
        let field = &schema["properties"][name];
        if !field.is_null() && field["type"] != "string" {
            let at = format!("{path}.properties[{name}].type");
            out.invalid(at, &json!(text(field, "type")), "must be string");
        }
    }
    let metadata = &schema["properties"]["metadata"];
    if metadata.is_null() {
        return;
    }
    let at = format!("{path}.properties[metadata]");
    if metadata["type"] != "object" {
        out.invalid(
            format!("{at}.type"),
            &json!(text(metadata, "type")),
            "must be object",
        );
    }
    if entries(metadata, "properties").any(|(name, _)| name != "name" && name != "generateName") {
        out.forbidden(
            at,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        );
    }
}

/// Alternatives only restrict values: they say nothing of structure.
fn values(out: &mut Findings, schema: &Value, (path, int_or_string): (&str, bool), depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let structure = "must be empty to be structural";
    for name in [
        "type",
        "additionalProperties",
        "default",
        "nullable",
        "title",
        "description",
    ] {
        let value = &schema[name];
        let empty = value.is_null() || *value == "" || *value == false;
        if !(empty || name == "type" && int_or_string) {
            out.forbidden(format!("{path}.{name}"), structure);
        }
    }
    for name in [
        "preserve-unknown-fields",
        "embedded-resource",
        "int-or-string",
        "list-map-keys",
        "list-type",
        "validations",
    ] {
        let name = format!("x-kubernetes-{name}");
        if !schema[&name].is_null() {
            out.forbidden(format!("{path}.{name}"), structure);
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, part) in list(schema, name).iter().enumerate() {
            let below = format!("{path}.{name}[{index}]");
            values(out, part, (&below, int_or_string), depth + 1);
        }
    }
    if schema["not"].is_object() {
        values(out, &schema["not"], (&format!("{path}.not"), false), depth + 1);
    }
    each(schema, path, |schema, path, _| {
        values(out, schema, (path, false), depth + 1);
    });
}

/// What an alternative names must stand in the schema itself.
fn completes(out: &mut Findings, (schema, path): (&Value, &str), (part, place): (&Value, &str)) {
    for (name, inner) in entries(part, "properties") {
        let open = schema["additionalProperties"].is_object();
        let below = &schema["properties"][name];
        let at = format!("{path}.properties[{name}]");
        let place = format!("{place}.properties[{name}]");
        if below.is_null() {
            if !open && schema["x-kubernetes-preserve-unknown-fields"] != true {
                out.required(at, &format!("because it is defined in {place}"));
            }
        } else {
            completes(out, (below, &at), (inner, &place));
        }
    }
    if part["items"].is_object() {
        let at = format!("{path}.items");
        let place = format!("{place}.items");
        if schema["items"].is_null() {
            out.required(at, &format!("because it is defined in {place}"));
        } else {
            completes(out, (&schema["items"], &at), (&part["items"], &place));
        }
    }
}

/// Rules must compile, and compare with what was only where that can be found.
fn rules(out: &mut Findings, schema: &Value, (path, forbidden): (&str, Option<&str>), depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let resource = depth == 0 || schema["x-kubernetes-embedded-resource"] == true;
    for (index, rule) in list(schema, "x-kubernetes-validations").iter().enumerate() {
        let at = format!("{path}.x-kubernetes-validations[{index}]");
        match check_rule(rule, schema, resource) {
            Err(fault) if fault.message.is_empty() => {
                out.required(format!("{at}.rule"), "rule is not specified");
            }
            Err(fault) => out.push(Cause {
                reason: "FieldValueInvalid",
                field: format!("{at}.{}", fault.field),
                message: format!("Invalid value: {}: {}", printed(rule), fault.message),
            }),
            Ok(true) => {
                if let Some(within) = forbidden {
                    let why = format!(
                        "oldSelf cannot be used on the uncorrelatable portion of the schema within {within}"
                    );
                    out.invalid(format!("{at}.rule"), &rule["rule"], &why);
                }
            }
            Ok(false) => {}
        }
        if text(rule, "message").is_empty() && text(rule, "rule").contains('\n') {
            out.required(
                format!("{at}.message"),
                "message must be specified if rule contains line breaks",
            );
        }
        if text(rule, "message").contains('\n') {
            out.invalid(
                format!("{at}.message"),
                &rule["message"],
                "message must not contain line breaks",
            );
        }
    }
    let lost = schema["type"] == "array" && schema["x-kubernetes-list-type"] != "map";
    each(schema, path, |below, place, level| {
        let forbidden = if lost && level == Level::Item {
            Some(path)
        } else {
            forbidden
        };
        rules(out, below, (place, forbidden), depth + 1);
    });
}

/// Defaults must be what the schema allows.
fn defaults(out: &mut Findings, schema: &Value, path: &str, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    if let Some(default) = schema.get("default")
        && let Ok(validator) = Validator::compile(schema)
    {
        for violation in validator.validate(default) {
            let at = match violation.field.as_str() {
                "<nil>" => format!("{path}.default"),
                field => format!("{path}.default.{field}"),
            };
            out.push(Cause {
                reason: violation.reason.as_str(),
                field: at,
                message: violation.message,
            });
        }
    }
    each(schema, path, |schema, path, _| {
        defaults(out, schema, path, depth + 1);
    });
}

/// A rule as the real server prints it: by the names of its own fields, with `<`, `>` and `&` escaped.
fn printed(rule: &Value) -> String {
    let part = |name: &str| escaped(&json!(text(rule, name)));
    let optional = |name: &str| escaped(&rule[name]);
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        part("rule"),
        part("message"),
        part("messageExpression"),
        optional("reason"),
        part("fieldPath"),
        optional("optionalOldSelf"),
    )
}

fn escaped(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut out, c| {
        match c {
            '<' | '>' | '&' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
        out
    })
}
