//! Labels and the selectors that objects hold: `matchLabels` and `matchExpressions`, or a plain map.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A label selector that was read once. An unknown operator matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    needs: Vec<Need>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Need {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Never,
}

/// The labels of an object, as a value of their own.
pub type Labels = BTreeMap<String, String>;

impl Selector {
    /// Reads `matchLabels` and `matchExpressions`; an empty selector matches everything.
    #[must_use]
    pub fn from_json(selector: &Value) -> Self {
        let mut needs = equal(selector.get("matchLabels").and_then(Value::as_object));
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        needs.extend(expressions.into_iter().flatten().map(Need::from_json));
        Self { needs }
    }

    /// Reads the plain map of a Service or a ReplicationController.
    #[must_use]
    pub fn from_map(labels: &Value) -> Self {
        Self {
            needs: equal(labels.as_object()),
        }
    }

    /// Selects nothing, as a selector that is absent does in most places.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            needs: vec![Need {
                key: String::new(),
                operator: Operator::Never,
                values: Vec::new(),
            }],
        }
    }

    /// Asks in addition for a label of this value.
    #[must_use]
    pub fn requiring(mut self, key: &str, value: &str) -> Self {
        self.add(key, Operator::In, value);
        self
    }

    /// Asks in addition that a label does not have this value.
    #[must_use]
    pub fn excluding(mut self, key: &str, value: &str) -> Self {
        self.add(key, Operator::NotIn, value);
        self
    }

    /// Asks for what both ask for.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for need in other.needs {
            if !self.needs.contains(&need) {
                self.needs.push(need);
            }
        }
        self
    }

    fn add(&mut self, key: &str, operator: Operator, value: &str) {
        let need = Need {
            key: key.to_owned(),
            operator,
            values: vec![value.to_owned()],
        };
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    /// Whether it asks for nothing, and so matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Whether the labels of an object match.
    #[must_use]
    pub fn selects(&self, object: &Value) -> bool {
        let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
        self.selects_labels(labels.unwrap_or(&Value::Null))
    }

    /// Whether `metadata.labels` match.
    #[must_use]
    pub fn selects_labels(&self, labels: &Value) -> bool {
        let mut needs = self.needs.iter();
        needs.all(|need| need.met(labels.get(&need.key).and_then(Value::as_str)))
    }

    /// A label and its value that everything selected has, if one is asked for: what an index can look up.
    #[must_use]
    pub fn certain(&self) -> Option<(&str, &str)> {
        self.needs
            .iter()
            .find_map(|need| match (need.operator, need.values.as_slice()) {
                (Operator::In, [value]) => Some((need.key.as_str(), value.as_str())),
                _ => None,
            })
    }

    /// Whether labels match.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.needs
            .iter()
            .all(|need| need.met(labels.get(&need.key).map(String::as_str)))
    }
}

impl Need {
    fn from_json(expression: &Value) -> Self {
        let text = |field| expression.get(field).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array);
        let values = values.into_iter().flatten().filter_map(Value::as_str);
        Self {
            key: text("key").to_owned(),
            operator: match text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => Operator::Never,
            },
            values: values.map(str::to_owned).collect(),
        }
    }

    fn met(&self, value: Option<&str>) -> bool {
        match self.operator {
            Operator::In => value.is_some_and(|value| self.holds(value)),
            Operator::NotIn => value.is_none_or(|value| !self.holds(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Never => false,
        }
    }

    fn holds(&self, value: &str) -> bool {
        self.values.iter().any(|one| one == value)
    }
}

fn equal(labels: Option<&Map<String, Value>>) -> Vec<Need> {
    let needs = labels.into_iter().flatten().map(|(key, value)| Need {
        key: key.clone(),
        operator: Operator::In,
        values: value.as_str().map(str::to_owned).into_iter().collect(),
    });
    needs.collect()
}

/// The labels of an object.
#[must_use]
pub fn labels(object: &Value) -> Labels {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_need_of_a_selector_must_be_met() {
        let object = json!({"metadata": {"labels": {"a": "1", "b": "2"}}});
        let labels = labels(&object);
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchLabels": {"a": "1", "b": "1"}}), false),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["0", "1"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "Like"}]}),
                false,
            ),
        ] {
            let read = Selector::from_json(&selector);
            assert_eq!(read.matches(&labels), expected, "{selector}");
            assert_eq!(read.selects(&object), expected, "{selector}");
        }
    }
    #[test]
    fn selectors_are_made_narrower() {
        let labels = labels(&json!({"metadata": {"labels": {"a": "1", "b": "2"}}}));
        let selector = Selector::from_json(&json!({"matchLabels": {"a": "1"}}));
        assert!(selector.clone().requiring("b", "2").matches(&labels));
        assert!(!selector.clone().excluding("b", "2").matches(&labels));
        let other = Selector::from_map(&json!({"b": "3"}));
        assert!(!selector.clone().and(other).matches(&labels));
        assert!(!Selector::nothing().matches(&labels));
        // The same need twice is one: equal selectors stay equal.
        assert_eq!(selector.clone().requiring("a", "1"), selector);
    }
}
