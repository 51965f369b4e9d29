//! Writing a status as the real controllers' Go types print it: most counts are left out when they are 0.

use objects::meta;
use serde_json::{Map, Value, json};

/// A status under construction: what it does not set stays as it was.
#[derive(Debug)]
pub struct Status {
    fields: Map<String, Value>,
}

impl Status {
    /// Begins with the status that an object has.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let fields = object.get("status").and_then(Value::as_object);
        Self {
            fields: fields.cloned().unwrap_or_default(),
        }
    }

    /// A number that is printed even when it is 0.
    pub fn always(&mut self, field: &str, number: i64) {
        self.fields.insert(field.to_owned(), json!(number));
    }

    /// A number that is left out when it is 0.
    pub fn unless_zero(&mut self, field: &str, number: i64) {
        if number == 0 {
            self.fields.remove(field);
        } else {
            self.always(field, number);
        }
    }

    pub fn text(&mut self, field: &str, text: &str) {
        self.fields.insert(field.to_owned(), json!(text));
    }

    /// The conditions, left out when there are none.
    pub fn conditions(&mut self, conditions: Vec<Value>) {
        if conditions.is_empty() {
            self.fields.remove("conditions");
        } else {
            self.fields
                .insert("conditions".to_owned(), Value::Array(conditions));
        }
    }

    /// The object with this status, if it is another than it has.
    #[must_use]
    pub fn applied(self, object: &Value) -> Option<Value> {
        let old = object.get("status").and_then(Value::as_object);
        if old == Some(&self.fields) {
            return None;
        }
        let mut object = object.clone();
        object["status"] = Value::Object(self.fields);
        Some(object)
    }
}

/// The conditions that an object has.
#[must_use]
pub fn conditions(object: &Value) -> Vec<Value> {
    meta::list_at(object, "/status/conditions").to_vec()
}

/// Takes a condition out of a list; whether it was there.
pub fn remove_condition(conditions: &mut Vec<Value>, kind: &str) -> bool {
    let before = conditions.len();
    conditions.retain(|one| meta::text(one, "type") != kind);
    conditions.len() != before
}
