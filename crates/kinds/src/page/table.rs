//! Tables of fields, from a schema.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::text;

type Schema = Map<String, Value>;

/// One field of a kind.
struct Row<'s> {
    /// As in `members[].user`.
    path: String,
    required: bool,
    schema: &'s Schema,
}

/// What may be written.
pub(super) fn spec(schema: &Value) -> String {
    let mut text = "| field | type | default | rule | meaning |\n|---|---|---|---|---|\n".to_owned();
    for row in rows(schema) {
        let default = match row.schema.get("default") {
            Some(default) => format!("`{default}`"),
            None if row.required => "required".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            row.path,
            kind(row.schema),
            cell(&default),
            cell(&rules(row.schema).join("; ")),
            cell(description(row.schema))
        );
    }
    text
}

/// What is reported. Conditions have a table of their own.
pub(super) fn status(schema: &Value) -> String {
    let mut text = "| field | type | meaning |\n|---|---|---|\n".to_owned();
    let rows = rows(schema).into_iter();
    for row in rows.filter(|row| !row.path.starts_with("conditions[]")) {
        let meaning = description(row.schema);
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            row.path,
            kind(row.schema),
            cell(meaning)
        );
    }
    text
}

/// What is told when a rule in CEL does not hold.
pub(super) fn messages(schema: &Value) -> impl Iterator<Item = &str> {
    let rules = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten();
    rules.filter_map(|rule| rule["message"].as_str())
}

fn rows(schema: &Value) -> Vec<Row<'_>> {
    let mut found = Vec::new();
    if let Value::Object(schema) = schema {
        below(schema, "", &mut found);
    }
    found
}

/// The fields of an object: required ones first, then by name; each with the fields below it.
fn below<'s>(schema: &'s Schema, path: &str, found: &mut Vec<Row<'s>>) {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return;
    };
    let required: Vec<&str> = texts(schema.get("required"));
    let mut fields: Vec<(&str, &Schema)> = properties
        .iter()
        .filter_map(|(name, schema)| Some((name.as_str(), schema.as_object()?)))
        .collect();
    fields.sort_by_key(|(name, _)| (!required.contains(name), *name));
    for (name, schema) in fields {
        let path = format!("{path}{name}");
        found.push(Row {
            path: path.clone(),
            required: required.contains(&name),
            schema,
        });
        match schema.get("items").and_then(Value::as_object) {
            Some(items) => below(items, &format!("{path}[]."), found),
            None => below(schema, &format!("{path}."), found),
        }
    }
}

fn kind(schema: &Schema) -> String {
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => match schema.get("items").and_then(Value::as_object) {
            Some(items) => format!("list of {}", kind(items)),
            None => "list".to_owned(),
        },
        Some("string") if schema.get("format").is_some_and(|format| format == "date-time") => {
            "time".to_owned()
        }
        Some(kind) => kind.to_owned(),
        None => "integer or string".to_owned(),
    }
}

/// Everything that the schema asks of a field, and of the items of a list.
fn rules(schema: &Schema) -> Vec<String> {
    let number = |key: &str| {
        schema
            .get(key)
            .filter(|value| value.is_number())
            .map(Value::to_string)
    };
    let mut rules = Vec::new();
    let words = texts(schema.get("enum"));
    if !words.is_empty() {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        rules.push(words.join(", "));
    }
    rules.extend(bounds(number("minimum"), number("maximum"), ""));
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        let words = text::words(pattern).map(str::to_owned);
        rules.push(words.unwrap_or_else(|| format!("`{pattern}`")));
    }
    // An upper bound alone is what a person may run into; one character or two at least says the pattern.
    rules.extend(bounds(None, number("maxLength"), " characters"));
    rules.extend(bounds(number("minItems"), number("maxItems"), " items"));
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => rules.push("each once".to_owned()),
        Some("map") => {
            let keys = texts(schema.get("x-kubernetes-list-map-keys")).join("`, `");
            rules.push(format!("each `{keys}` once"));
        }
        _ => {}
    }
    let told = schema.get("x-kubernetes-validations").and_then(Value::as_array);
    let told = told
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["message"].as_str());
    rules.extend(told.map(str::to_owned));
    if let Some(items) = schema.get("items").and_then(Value::as_object) {
        let of_items = self::rules(items);
        if !of_items.is_empty() {
            rules.push(format!("of each: {}", of_items.join("; ")));
        }
    }
    rules
}

fn bounds(least: Option<String>, most: Option<String>, unit: &str) -> Option<String> {
    match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("{least}{unit} at least")),
        (None, Some(most)) => Some(format!("{most}{unit} at most")),
        (None, None) => None,
    }
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

fn description(schema: &Schema) -> &str {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace("\n\n", "<br>")
}
