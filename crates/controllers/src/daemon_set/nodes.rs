//! Whether a DaemonSet wants a pod on a node: node name, selector, required affinity and taints.
//!
//! Resources don't count: a pod for which there is no room is created and waits.

use objects::{affinity, meta, taint};
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
        if !self.names(node) || !affinity::allows(self.spec, node) {
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
            hard.all(|taint| taint::toleration(&self.tolerations, taint).is_some())
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
