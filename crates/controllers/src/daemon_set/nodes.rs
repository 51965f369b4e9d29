//! Whether a DaemonSet wants a pod on a node: node name, selector, required affinity and taints.
//!
//! Resources don't count: a pod for which there is no room is created and waits.

use objects::meta;
use serde_json::Value;

use super::pods;

/// What a node may have of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// A pod shall be there.
    pub(super) run: bool,
    /// A pod that is there may stay.
    pub(super) keep: bool,
}

/// What the set's template asks of a node.
#[derive(Debug)]
pub(super) struct Needs<'a> {
    spec: &'a Value,
    tolerations: Vec<Value>,
}

impl<'a> Needs<'a> {
    pub(super) fn of(set: &'a Value) -> Self {
        let spec = set.pointer("/spec/template/spec").unwrap_or(&Value::Null);
        Self {
            spec,
            tolerations: pods::tolerations(spec),
        }
    }

    pub(super) fn fit(&self, node: &Value) -> Fit {
        if !self.names(node) || !self.selects(node) {
            return Fit {
                run: false,
                keep: false,
            };
        }
        let taints = meta::list_at(node, "/spec/taints");
        let tolerated = |effect: &str| {
            let mut hard = taints
                .iter()
                .filter(|taint| meta::text(taint, "effect") == effect);
            hard.all(|taint| {
                self.tolerations
                    .iter()
                    .any(|toleration| tolerates(toleration, taint))
            })
        };
        // A node that takes no new pods is no reason to end those that it has.
        let keep = tolerated("NoExecute");
        Fit {
            run: keep && tolerated("NoSchedule"),
            keep,
        }
    }

    fn names(&self, node: &Value) -> bool {
        let name = meta::text(self.spec, "nodeName");
        name.is_empty() || name == meta::name(node)
    }

    fn selects(&self, node: &Value) -> bool {
        let selector = self.spec.get("nodeSelector").and_then(Value::as_object);
        let mut labels = selector.into_iter().flatten();
        if !labels.all(|(label, value)| meta::label(node, label) == value.as_str()) {
            return false;
        }
        let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
        self.spec.pointer(required).is_none_or(|required| {
            let terms = meta::list_at(required, "/nodeSelectorTerms");
            terms.iter().any(|term| matches(term, node))
        })
    }
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

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (key, effect) = (meta::text(toleration, "key"), meta::text(toleration, "effect"));
    if !effect.is_empty() && effect != meta::text(taint, "effect") {
        return false;
    }
    if !key.is_empty() && key != meta::text(taint, "key") {
        return false;
    }
    match meta::text(toleration, "operator") {
        "Exists" => true,
        "" | "Equal" => !key.is_empty() && meta::text(toleration, "value") == meta::text(taint, "value"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_fits_by_name_selector_affinity_and_taints() {
        let node = json!({"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}});
        let tainted = |effect: &str| {
            let mut node = node.clone();
            node["spec"] = json!({"taints": [{"key": "k", "value": "v", "effect": effect}]});
            node
        };
        let affinity = |term: Value| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [term],
            }}}})
        };
        let cordoned = json!({"metadata": {"name": "n1"}, "spec": {"taints": [
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        ]}});
        let (yes, no) = ((true, true), (false, false));
        for (spec, node, expected) in [
            (json!({}), &node, yes),
            (json!({"nodeName": "n2"}), &node, no),
            (json!({"nodeSelector": {"disk": "ssd"}}), &node, yes),
            (json!({"nodeSelector": {"disk": "hdd"}}), &node, no),
            (
                affinity(
                    json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}),
                ),
                &node,
                yes,
            ),
            (
                affinity(json!({"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["4"]}]})),
                &node,
                yes,
            ),
            (
                affinity(json!({"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["4"]}]})),
                &node,
                no,
            ),
            (affinity(json!({})), &node, no),
            (json!({}), &tainted("NoSchedule"), (false, true)),
            (json!({}), &tainted("NoExecute"), no),
            (json!({}), &tainted("PreferNoSchedule"), yes),
            (
                json!({"tolerations": [{"operator": "Exists"}]}),
                &tainted("NoExecute"),
                yes,
            ),
            (
                json!({"tolerations": [{"key": "k", "value": "v"}]}),
                &tainted("NoSchedule"),
                yes,
            ),
            (
                json!({"tolerations": [{"key": "k", "value": "w"}]}),
                &tainted("NoSchedule"),
                (false, true),
            ),
            (json!({}), &cordoned, yes),
        ] {
            let set = json!({"spec": {"template": {"spec": spec}}});
            let fit = Needs::of(&set).fit(node);
            assert_eq!((fit.run, fit.keep), expected, "{set} on {node}");
        }
    }
}
