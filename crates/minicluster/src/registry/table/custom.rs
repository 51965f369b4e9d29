//! The columns of custom kinds: what their definition's `additionalPrinterColumns` say, with values of their types.
//!
//! A value of another type than the column's is not shown, but for texts, which print anything.

use serde_json::{Value, json};

use super::super::catalog::Custom;
use super::column::NAME;
use super::path;
use super::{age, age_of};

const DESCRIBED: &str = "Custom resource definition column (in JSONPath format): ";
const CREATED: &str = ".metadata.creationTimestamp";

pub(super) fn definitions(custom: &Custom) -> Vec<Value> {
    let mut all = vec![NAME.definition()];
    for column in &custom.columns {
        let written = column["description"].as_str().filter(|text| !text.is_empty());
        let path = column["jsonPath"].as_str().unwrap_or_default();
        all.push(json!({
            "name": column["name"],
            "type": column["type"],
            "format": column["format"].as_str().unwrap_or_default(),
            "description": written.map_or_else(|| format!("{DESCRIBED}{path}"), str::to_owned),
            "priority": column["priority"].as_i64().unwrap_or(0),
        }));
    }
    if custom.columns.is_empty() {
        let description = format!("{DESCRIBED}{CREATED}");
        all.push(json!({
            "name": "Age", "type": "date", "format": "", "description": description, "priority": 0,
        }));
    }
    all
}

pub(super) fn cells(custom: &Custom, object: &Value) -> Vec<Value> {
    let mut cells = vec![object["metadata"]["name"].clone()];
    for column in &custom.columns {
        let found = path::find(object, column["jsonPath"].as_str().unwrap_or_default());
        let kind = column["type"].as_str().unwrap_or_default();
        cells.push(found.map_or(Value::Null, |value| cell(kind, value)));
    }
    if custom.columns.is_empty() {
        cells.push(age(object));
    }
    cells
}

fn cell(kind: &str, value: &Value) -> Value {
    match (kind, value) {
        ("integer", Value::Number(number)) => match number.as_i64() {
            Some(whole) => json!(whole),
            // Cut off, as Go converts them.
            None => number.as_f64().map_or(Value::Null, |number| json!(number as i64)),
        },
        ("number", Value::Number(number)) => json!(number),
        ("boolean", Value::Bool(truth)) => json!(truth),
        ("string", Value::String(text)) => json!(text),
        ("string", Value::Null) => Value::Null,
        ("string", other) => json!(other.to_string()),
        ("date", Value::String(time)) => json!(match super::world::seconds_since(time) {
            Some(_) => age_of(time),
            None => "<invalid>".to_owned(),
        }),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_type_of_their_column_or_are_empty() {
        for (kind, value, expected) in [
            ("integer", json!(3), json!(3)),
            ("integer", json!(3.9), json!(3)),
            ("integer", json!("3"), json!(null)),
            ("number", json!(1.5), json!(1.5)),
            ("number", json!(2), json!(2)),
            ("boolean", json!(true), json!(true)),
            ("boolean", json!("true"), json!(null)),
            ("string", json!("a"), json!("a")),
            ("string", json!(7), json!("7")),
            ("string", json!(["a", 1]), json!("[\"a\",1]")),
            ("date", json!("no time"), json!("<invalid>")),
            ("date", json!(5), json!(null)),
            ("new", json!(5), json!(null)),
        ] {
            assert_eq!(cell(kind, &value), expected, "{kind} {value}");
        }
    }
}
