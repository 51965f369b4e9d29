//! Whether a node takes a pod that was bound to it: resources, labels, taints and ports.
//!
//! The scheduler has looked at the same things, but a pod may name its node itself, and a node may have changed. Only
//! pods that were admitted before count, which a start time in their status says.

use objects::requests::{self, is_admitted, requested};
use objects::{Kind, Quantity, World, affinity, meta, taint};
use serde_json::Value;

/// Why a pod is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reason: &'static str,
    pub message: String,
}

/// Refuses a pod that does not fit its node.
#[must_use]
pub fn reject(world: &World, node: &Value, pod: &Value) -> Option<Rejection> {
    node_affinity(node, pod)
        .or_else(|| taints(node, pod))
        .or_else(|| ports(world, node, pod))
        .or_else(|| resources(world, node, pod))
}

fn resources(world: &World, node: &Value, pod: &Value) -> Option<Rejection> {
    let allocatable = meta::at(node, "/status/allocatable")?.as_object()?;
    let mut names = requests::resources(pod);
    names.sort_by_key(|name| match *name {
        "cpu" => 0,
        "memory" => 1,
        _ => 2,
    });
    let mut held = world.held(meta::name(node)).cloned().unwrap_or_default();
    let own = world.find(&Kind::POD, meta::namespace(pod), meta::name(pod));
    let own = own.filter(|own| is_admitted(own) && meta::uid(own) == meta::uid(pod));
    if let Some(own) = own.filter(|own| crate::pod::node(own) == meta::name(node)) {
        held.take(own);
    }
    let count = held.pods();
    let most = allocatable.get("pods").and_then(Quantity::of);
    if let Some(most) = most.map(Quantity::as_whole).filter(|most| count >= *most) {
        return Some(out_of("pods", [1, count, most]));
    }
    names.into_iter().find_map(|name| {
        let amount = |quantity: Quantity| match name {
            "cpu" => quantity.as_milli(),
            _ => quantity.as_whole(),
        };
        let (used, wants) = (held.amount(name), requested(pod, name));
        let has = allocatable.get(name).and_then(Quantity::of);
        let has = has.unwrap_or_default();
        let short = wants > Quantity::ZERO && used + wants > has;
        short.then(|| out_of(name, [wants, used, has].map(amount)))
    })
}

fn out_of(resource: &str, [requested, used, capacity]: [i64; 3]) -> Rejection {
    let reason = match resource {
        "cpu" => "OutOfcpu",
        "memory" => "OutOfmemory",
        "pods" => "OutOfpods",
        "ephemeral-storage" => "OutOfephemeral-storage",
        // Reasons are constants here, and the kubelet puts the resource's own name into this one.
        _ => "OutOfResource",
    };
    Rejection {
        reason,
        message: format!(
            "Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
        ),
    }
}

fn node_affinity(node: &Value, pod: &Value) -> Option<Rejection> {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    (!affinity::allows(spec, node)).then(|| Rejection {
        reason: "NodeAffinity",
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
            .to_owned(),
    })
}

fn taints(node: &Value, pod: &Value) -> Option<Rejection> {
    let tolerations = meta::list_at(pod, "/spec/tolerations");
    let untolerated = meta::list_at(node, "/spec/taints")
        .iter()
        .filter(|taint| meta::text(taint, "effect") == "NoExecute")
        .any(|taint| taint::toleration(tolerations, taint).is_none());
    untolerated.then(|| Rejection {
        reason: "TaintToleration",
        message: "Predicate TaintToleration failed: node(s) had untolerated taint(s)".to_owned(),
    })
}

fn ports(world: &World, node: &Value, pod: &Value) -> Option<Rejection> {
    let wanted = host_ports(pod);
    if wanted.is_empty() {
        return None;
    }
    let others = world.on_node(meta::name(node));
    let others = others.filter(|other| is_admitted(other) && meta::uid(other) != meta::uid(pod));
    let taken = others
        .flat_map(|other| host_ports(other))
        .any(|port| wanted.iter().any(|want| conflict(want, &port)));
    taken.then(|| Rejection {
        reason: "NodePorts",
        message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
            .to_owned(),
    })
}

/// Address, protocol and number of each port of the host that a pod takes.
fn host_ports(pod: &Value) -> Vec<(&str, &str, i64)> {
    let containers = meta::list_at(pod, "/spec/containers").iter();
    let ports = containers.flat_map(|container| meta::list_at(container, "/ports"));
    ports
        .filter_map(|port| {
            let number = port.get("hostPort")?.as_i64().filter(|number| *number > 0)?;
            let or = |field, default| match meta::text(port, field) {
                "" => default,
                text => text,
            };
            Some((or("hostIP", "0.0.0.0"), or("protocol", "TCP"), number))
        })
        .collect()
}

fn conflict(one: &(&str, &str, i64), other: &(&str, &str, i64)) -> bool {
    let any = "0.0.0.0";
    (one.1, one.2) == (other.1, other.2) && (one.0 == other.0 || one.0 == any || other.0 == any)
}

#[cfg(test)]
mod tests {
    use objects::Key;
    use serde_json::json;

    use super::*;

    fn pod(name: &str, spec: &Value) -> Value {
        let mut spec = spec.clone();
        spec["nodeName"] = json!("n");
        json!({
            "metadata": {"name": name, "namespace": "d", "uid": name},
            "spec": spec,
            "status": {"startTime": "2026-01-01T00:00:00Z"},
        })
    }

    fn requests(cpu: &str) -> Value {
        json!({"containers": [{"resources": {"requests": {"cpu": cpu}}, "ports": [{"hostPort": 80}]}]})
    }

    #[test]
    fn a_pod_that_does_not_fit_its_node_is_refused_with_the_reason() {
        let node = json!({
            "metadata": {"name": "n", "labels": {"disk": "ssd", "gen": "5"}},
            "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoExecute"}]},
            "status": {"allocatable": {"cpu": "2", "pods": "2"}},
        });
        let tolerant = json!([{"key": "gpu", "operator": "Exists"}]);
        let with = |mut spec: Value| {
            spec["tolerations"] = tolerant.clone();
            spec
        };
        let mut world = World::default();
        let first = pod("first", &requests("1500m"));
        world.put(&Key::of(Kind::POD, &first), first);
        let cpu = |cpu: &str| json!({"containers": [{"resources": {"requests": {"cpu": cpu}}}]});
        let affinity = |operator: &str, values: Value| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "gen", "operator": operator, "values": values}]}],
            }}}})
        };
        for (spec, expected) in [
            (with(cpu("500m")), None),
            (
                with(cpu("600m")),
                Some(
                    "OutOfcpu Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000",
                ),
            ),
            (
                cpu("1m"),
                Some("TaintToleration Predicate TaintToleration failed: node(s) had untolerated taint(s)"),
            ),
            (
                with(json!({"nodeSelector": {"disk": "hdd"}})),
                Some(
                    "NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
                ),
            ),
            (with(json!({"nodeSelector": {"disk": "ssd"}})), None),
            (with(affinity("Gt", json!(["4"]))), None),
            (
                with(affinity("NotIn", json!(["5"]))),
                Some(
                    "NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
                ),
            ),
            (
                with(json!({"containers": [{"ports": [{"hostPort": 80}]}]})),
                Some(
                    "NodePorts Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
                ),
            ),
        ] {
            let rejection = reject(&world, &node, &pod("new", &spec));
            let text = rejection.map(|rejection| format!("{} {}", rejection.reason, rejection.message));
            assert_eq!(text.as_deref(), expected, "{spec}");
        }
        let second = pod("second", &json!({}));
        world.put(&Key::of(Kind::POD, &second), second);
        let rejection = reject(&world, &node, &pod("new", &with(json!({})))).unwrap();
        assert_eq!(
            rejection.message,
            "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2"
        );
    }
}
