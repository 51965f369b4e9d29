//! Which nodes a pod (or a volume) can be on, by their labels and names: `nodeSelector` and node affinity.

use std::collections::BTreeMap;

use objects::meta;
use serde_json::Value;

/// One term: all its expressions must hold. A term without any holds nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeTerm {
    labels: Vec<Expression>,
    /// About `metadata.name`, the only field there is.
    fields: Vec<Expression>,
}

/// A term that makes a node more wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Preference {
    pub weight: i64,
    pub term: NodeTerm,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Expression {
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
    Gt,
    Lt,
    Never,
}

/// The labels of a node.
pub type Labels = BTreeMap<String, String>;

impl NodeTerm {
    /// Reads `matchExpressions` and `matchFields`.
    #[must_use]
    pub fn of(term: &Value) -> Self {
        let read = |list| meta::list_at(term, list).iter().map(Expression::of).collect();
        Self {
            labels: read("/matchExpressions"),
            fields: read("/matchFields"),
        }
    }

    #[must_use]
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        let empty = self.labels.is_empty() && self.fields.is_empty();
        !empty
            && self
                .labels
                .iter()
                .all(|one| one.met(labels.get(&one.key).map(String::as_str)))
            && self.fields.iter().all(|one| one.met(Some(name)))
    }

    /// The nodes that it names by field, if it names any.
    fn names(&self) -> Option<Vec<&str>> {
        let named = |one: &&Expression| one.key == "metadata.name" && one.operator == Operator::In;
        let mut all = self.fields.iter().filter(named);
        let first = all.next()?.values.iter().map(String::as_str);
        let rest: Vec<_> = all.collect();
        let common = first.filter(|name| {
            rest.iter()
                .all(|one| one.values.iter().any(|other| other == name))
        });
        Some(common.collect())
    }
}

impl Expression {
    fn of(expression: &Value) -> Self {
        let values = meta::list_at(expression, "/values").iter();
        Self {
            key: meta::text(expression, "key").to_owned(),
            operator: match meta::text(expression, "operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                "Gt" => Operator::Gt,
                "Lt" => Operator::Lt,
                _ => Operator::Never,
            },
            values: values.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    fn met(&self, value: Option<&str>) -> bool {
        let holds = |value: &str| self.values.iter().any(|one| one == value);
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = || self.values.first().and_then(|one| number(one));
        match self.operator {
            Operator::In => value.is_some_and(holds),
            Operator::NotIn => !value.is_some_and(holds),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => value
                .and_then(number)
                .zip(bound())
                .is_some_and(|(one, other)| one > other),
            Operator::Lt => value
                .and_then(number)
                .zip(bound())
                .is_some_and(|(one, other)| one < other),
            Operator::Never => false,
        }
    }
}

/// Reads `nodeSelector`.
#[must_use]
pub fn selector(pod: &Value) -> Vec<(String, String)> {
    let map = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Reads the terms one of which must hold; `None` when the pod asks for nothing.
#[must_use]
pub fn required(pod: &Value) -> Option<Vec<NodeTerm>> {
    let place = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    terms(pod.pointer(place)?)
}

/// Reads the `nodeSelectorTerms` of a node selector.
#[must_use]
pub fn terms(selector: &Value) -> Option<Vec<NodeTerm>> {
    let terms = selector.get("nodeSelectorTerms")?.as_array()?;
    Some(terms.iter().map(NodeTerm::of).collect())
}

/// Reads the preferred terms.
#[must_use]
pub fn preferred(pod: &Value) -> Vec<Preference> {
    let place = "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution";
    let all = meta::list_at(pod, place).iter();
    all.map(|one| Preference {
        weight: meta::number_at(one, "/weight").unwrap_or_default(),
        term: NodeTerm::of(&one["preference"]),
    })
    .collect()
}

/// Whether one of the terms holds.
#[must_use]
pub fn any_matches(terms: &[NodeTerm], name: &str, labels: &Labels) -> bool {
    terms.iter().any(|term| term.matches(name, labels))
}

/// The nodes that every term names by field: no others need to be looked at. `None` for any node.
#[must_use]
pub fn named(terms: &[NodeTerm]) -> Option<Vec<&str>> {
    let mut all = Vec::new();
    for term in terms {
        all.extend(term.names()?);
    }
    all.sort_unstable();
    all.dedup();
    (!terms.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_expression_of_a_term_must_hold() {
        let labels = Labels::from([("a".to_owned(), "1".to_owned())]);
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]});
        let field = |name: &str| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]});
        for (term, expected) in [
            (json!({}), false),
            (expression("In", &["1", "2"]), true),
            (expression("NotIn", &["1"]), false),
            (expression("Exists", &[]), true),
            (expression("DoesNotExist", &[]), false),
            (expression("Gt", &["0"]), true),
            (expression("Lt", &["0"]), false),
            (expression("Gt", &["x"]), false),
            (expression("Like", &["1"]), false),
            (field("n"), true),
            (field("m"), false),
        ] {
            assert_eq!(NodeTerm::of(&term).matches("n", &labels), expected, "{term}");
        }
        let terms = [NodeTerm::of(&field("n")), NodeTerm::of(&field("m"))];
        assert_eq!(named(&terms), Some(vec!["m", "n"]));
        assert_eq!(named(&[NodeTerm::of(&expression("Exists", &[]))]), None);
    }
}
