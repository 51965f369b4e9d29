//! One text for one JSON value, so that its digest is one too: keys in order of their characters, no spaces, and escapes only
//! where JSON needs them (as RFC 8785 has it, but for floats, which nothing that is hashed here has).

use model::Digest;
use serde::Serialize;
use serde_json::Value;

/// The canonical text of a value.
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The digest of the canonical text of what a value serializes to.
pub(crate) fn digest(value: &impl Serialize) -> Digest {
    let value = serde_json::to_value(value).expect("a type with text keys and no maps of others is JSON");
    Digest::of(text(&value).as_bytes())
}

/// Values are no deeper than what serde_json reads, 128.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by(|one, other| one.0.encode_utf16().cmp(other.0.encode_utf16()));
            text.push('{');
            for (at, (key, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                *text += &Value::from(key.as_str()).to_string();
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        one => *text += &one.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_one_text() {
        let value = json!({"b": [1, {"z": null, "a": "é\n\"<"}], "a": true, "": -1});
        assert_eq!(
            text(&value),
            r#"{"":-1,"a":true,"b":[1,{"a":"é\n\"<","z":null}]}"#
        );
    }

    #[test]
    fn the_order_of_fields_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).expect("JSON");
        let other: Value = serde_json::from_str(r#"{"b": {"d": 3, "c": 2}, "a": 1}"#).expect("JSON");
        assert_eq!(digest(&one), digest(&other));
    }
}
