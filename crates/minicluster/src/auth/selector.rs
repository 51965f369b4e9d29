//! Label selectors as objects hold them: `matchLabels` and `matchExpressions`.

use std::collections::BTreeMap;

use serde_json::Value;

/// A label selector that was read once. An unknown operator matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    needs: Vec<Need>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Need {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Never,
}

pub(crate) type Labels = BTreeMap<String, String>;

impl Selector {
    pub(crate) fn from_json(selector: &Value) -> Self {
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let equal = labels.into_iter().flatten().map(|(key, value)| Need {
            key: key.clone(),
            operator: Operator::In,
            values: value.as_str().map(str::to_owned).into_iter().collect(),
        });
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        let expressions = expressions.into_iter().flatten().map(Need::from_json);
        Self {
            needs: equal.chain(expressions).collect(),
        }
    }

    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.needs.iter().all(|need| need.met(labels))
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

    fn met(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Never => false,
        }
    }
}

/// The labels of an object.
pub(crate) fn labels(object: &Value) -> Labels {
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
        let labels = labels(&json!({"metadata": {"labels": {"a": "1", "b": "2"}}}));
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
            assert_eq!(
                Selector::from_json(&selector).matches(&labels),
                expected,
                "{selector}"
            );
        }
    }
}
