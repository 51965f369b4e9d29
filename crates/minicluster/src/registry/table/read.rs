//! What cells are made of: reading a field as Go's printers do, where what is missing has a text of its own.

use serde_json::{Value, json};

use super::super::scale::selector_text;

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";

/// The elements of a list; none of what is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn count(value: &Value) -> Value {
    json!(items(value).len())
}

pub(super) fn entries(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text, empty where there is none.
pub(super) fn plain(value: &Value) -> Value {
    json!(text(value))
}

/// A text, or another where there is none or an empty one.
pub(super) fn or(value: &Value, otherwise: &str) -> Value {
    match text(value) {
        "" => json!(otherwise),
        text => json!(text),
    }
}

/// A number or a text as it is written, for what may be both.
pub(super) fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn truth(value: &Value, otherwise: bool) -> bool {
    value.as_bool().unwrap_or(otherwise)
}

/// `True`, `False`, or that it is not set.
pub(super) fn truth_text(value: &Value) -> Value {
    json!(match value.as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => UNSET,
    })
}

/// Texts with commas between.
pub(super) fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

pub(super) fn joined_list(value: &Value) -> String {
    joined(items(value).iter().filter_map(Value::as_str))
}

/// Three of many, and how many more.
pub(super) fn few(texts: &[String], most: usize, between: &str) -> String {
    let shown = texts.iter().take(most).cloned().collect::<Vec<_>>().join(between);
    match texts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// The status of a condition, if the object has it.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = items(&object["status"]["conditions"]);
    let found = conditions.iter().find(|one| one["type"] == kind)?;
    found["status"].as_str()
}

pub(super) fn is_deleted(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// A selector, or that there is none.
pub(super) fn selector(selector: &Value) -> Value {
    or(&json!(selector_text(selector)), NONE)
}

/// The names of a pod template's containers.
pub(super) fn names(template: &Value) -> Value {
    containers(template, "name")
}

/// The images of a pod template's containers.
pub(super) fn images(template: &Value) -> Value {
    containers(template, "image")
}

fn containers(template: &Value, field: &str) -> Value {
    let all = items(&template["spec"]["containers"]);
    json!(joined(all.iter().map(|one| text(&one[field]))))
}
