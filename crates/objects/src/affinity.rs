//! Which nodes a pod may be on: its node selector and its required node affinity.

use serde_json::Value;

use crate::meta;

/// Whether the `spec` of a pod allows a node by `nodeSelector` and by the required terms of its node affinity.
#[must_use]
pub fn allows(spec: &Value, node: &Value) -> bool {
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    let mut labels = selector.into_iter().flatten();
    let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    labels.all(|(label, value)| meta::label(node, label) == value.as_str())
        && spec.pointer(required).is_none_or(|required| {
            let terms = meta::list_at(required, "/nodeSelectorTerms");
            terms.iter().any(|term| matches(term, node))
        })
}

/// Whether a node meets all that a term asks; a term that asks for nothing matches nothing.
fn matches(term: &Value, node: &Value) -> bool {
    let expressions = meta::list_at(term, "/matchExpressions");
    let fields = meta::list_at(term, "/matchFields");
    let field = |key: &str| (key == "metadata.name").then(|| meta::name(node));
    let all = expressions
        .iter()
        .all(|one| met(one, meta::label(node, meta::text(one, "key"))))
        && fields.iter().all(|one| met(one, field(meta::text(one, "key"))));
    all && !(expressions.is_empty() && fields.is_empty())
}

fn met(expression: &Value, value: Option<&str>) -> bool {
    let values = meta::list_at(expression, "/values");
    let named = |value: &str| values.iter().any(|one| one == value);
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = || values.first().and_then(Value::as_str).and_then(number);
    let compared = value.and_then(number).zip(bound());
    match meta::text(expression, "operator") {
        "In" => value.is_some_and(named),
        "NotIn" => !value.is_some_and(named),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared.is_some_and(|(value, bound)| value > bound),
        "Lt" => compared.is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_allowed_by_its_labels_and_its_name() {
        let node = json!({"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}});
        let required = |term: Value| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [term]}}}})
        };
        let label = |key: &str, operator: &str, values: Value| {
            required(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
        };
        for (spec, expected) in [
            (json!({}), true),
            (json!({"nodeSelector": {"disk": "ssd"}}), true),
            (json!({"nodeSelector": {"disk": "hdd"}}), false),
            (label("disk", "In", json!(["ssd", "nvme"])), true),
            (label("disk", "NotIn", json!(["ssd"])), false),
            (label("gpu", "DoesNotExist", json!([])), true),
            (label("cores", "Gt", json!(["4"])), true),
            (label("cores", "Lt", json!(["4"])), false),
            (label("disk", "Like", json!(["ssd"])), false),
            (required(json!({})), false),
            (
                required(
                    json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}),
                ),
                true,
            ),
        ] {
            assert_eq!(allows(&spec, &node), expected, "{spec}");
        }
    }
}
