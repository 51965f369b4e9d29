//! Nodes: noticed when they fall silent, tainted as they are, and emptied of what does not tolerate that.
//!
//! ```text
//! Lease, Ready condition ──► silent? conditions Unknown, pods not ready ──► taints ──► pods that don't tolerate go
//! ```

mod eviction;
mod taints;

use jiff::{SignedDuration, Timestamp};
use objects::condition;
use objects::control::{Action, Event, Identity, Loop, Plan};
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

pub use eviction::TaintEviction;

/// How long a node may be silent, and a new one until it first speaks: the controller-manager's defaults.
const GRACE: SignedDuration = SignedDuration::from_secs(50);
const STARTUP_GRACE: SignedDuration = SignedDuration::from_secs(60);

const LEASES: &str = "kube-node-lease";

/// What a kubelet reports about its node, and what becomes of it when it no longer does.
const REPORTED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// Watches over nodes.
#[derive(Debug, Default)]
pub struct NodeLifecycle;

impl Loop for NodeLifecycle {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:node-controller",
            manager: "kube-controller-manager",
            component: "node-controller",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::NODE {
            keys.push(change.key.clone());
        } else if change.key.kind == Kind::LEASE && &*change.key.namespace == LEASES {
            keys.push(Key::new(Kind::NODE, "", &change.key.name));
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(node) = world.get(key) else {
            return Plan::nothing();
        };
        let end = silence_ends(world, key, node);
        if now >= end && !is_unknown(node) {
            return silent(key, node, now);
        }
        let mut plan = Plan::nothing();
        if now < end {
            plan.look_at(end);
        }
        plan.actions.extend(taints::plan(key, node, now));
        if condition::find(node, "Ready").is_some_and(|ready| meta::text(ready, "status") != "True") {
            plan.actions.extend(not_ready(world, key, now));
        }
        plan
    }
}

/// When a node that says nothing more counts as silent.
fn silence_ends(world: &World, key: &Key, node: &Value) -> Timestamp {
    let lease = world.find(&Kind::LEASE, LEASES, &key.name);
    let renewed = lease.and_then(|lease| time::parse(meta::text_at(lease, "/spec/renewTime")));
    let ready = condition::find(node, "Ready");
    let beat = ready.and_then(|ready| time::parse(meta::text(ready, "lastHeartbeatTime")));
    match renewed.max(beat) {
        Some(last) => last.checked_add(GRACE),
        None => meta::created(node)
            .unwrap_or(Timestamp::MAX)
            .checked_add(STARTUP_GRACE),
    }
    .unwrap_or(Timestamp::MAX)
}

fn is_unknown(node: &Value) -> bool {
    condition::find(node, "Ready").is_some_and(|ready| meta::text(ready, "status") == "Unknown")
}

/// Says that nobody knows how a node is.
fn silent(key: &Key, node: &Value, now: Timestamp) -> Plan {
    let mut conditions = meta::list_at(node, "/status/conditions").to_vec();
    for kind in REPORTED {
        let known = conditions.iter().position(|one| meta::text(one, "type") == kind);
        let (reason, message) = match known {
            Some(_) => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
            None => ("NodeStatusNeverUpdated", "Kubelet never posted node status."),
        };
        let at = time::seconds(now);
        let beat = known.map(|at| conditions[at]["lastHeartbeatTime"].clone());
        let next = json!({
            "type": kind,
            "status": "Unknown",
            "reason": reason,
            "message": message,
            "lastTransitionTime": at,
            "lastHeartbeatTime": beat.filter(|beat| !beat.is_null()).unwrap_or_else(|| json!(at)),
        });
        match known {
            Some(at) => conditions[at] = next,
            None => conditions.push(next),
        }
    }
    let mut changed = node.clone();
    changed["status"]["conditions"] = Value::Array(conditions);
    let message = format!("Node {} status is now: NodeNotReady", key.name);
    Plan::of(vec![
        Action::UpdateStatus(Kind::NODE, changed),
        Action::Record(Event::normal(key, "NodeNotReady", message)),
    ])
}

/// Pods of a node that is not ready are not ready either.
fn not_ready<'a>(world: &'a World, key: &Key, now: Timestamp) -> impl Iterator<Item = Action> + use<'a> {
    let ready = |pod: &&std::sync::Arc<Value>| condition::is_true(pod, "Ready");
    world.on_node(&key.name).filter(ready).flat_map(move |pod| {
        let mut conditions = meta::list_at(pod, "/status/conditions").to_vec();
        for one in conditions
            .iter_mut()
            .filter(|one| meta::text(one, "type") == "Ready")
        {
            one["status"] = json!("False");
            one["lastTransitionTime"] = json!(time::seconds(now));
        }
        let pod_key = Key::of(Kind::POD, pod);
        let told = Event::warning(&pod_key, "NodeNotReady", "Node is not ready");
        let patch = Action::Patch {
            key: pod_key,
            subresource: Some("status"),
            patch: json!({"status": {"conditions": conditions}}),
        };
        [patch, Action::Record(told)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn node(ready: &str) -> Value {
        json!({
            "metadata": {"name": "one", "resourceVersion": "1", "creationTimestamp": "1970-01-01T00:00:00Z"},
            "spec": {},
            "status": {"conditions": [
                {"type": "Ready", "status": ready, "lastHeartbeatTime": "1970-01-01T00:00:00Z"}]},
        })
    }

    fn decide(objects: &[(Kind, Value)], now: i64) -> Plan {
        let mut world = World::default();
        for (kind, object) in objects {
            world.put(&Key::of(kind.clone(), object), object.clone());
        }
        NodeLifecycle.decide(&world, &Key::new(Kind::NODE, "", "one"), at(now))
    }

    #[test]
    fn a_silent_node_is_unknown_after_its_grace() {
        let node = (Kind::NODE, node("True"));
        assert_eq!(decide(std::slice::from_ref(&node), 49), Plan::later(at(50)));
        let plan = decide(std::slice::from_ref(&node), 50);
        let [Action::UpdateStatus(_, changed), Action::Record(event)] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(
            condition::find(changed, "Ready").expect("a condition")["status"],
            "Unknown"
        );
        assert_eq!(event.message, "Node one status is now: NodeNotReady");
        let lease = json!({"metadata": {"name": "one", "namespace": LEASES}, "spec": {"renewTime": "1970-01-01T00:00:30.000000Z"}});
        assert_eq!(decide(&[node, (Kind::LEASE, lease)], 50), Plan::later(at(80)));
    }

    #[test]
    fn pods_of_a_node_that_is_not_ready_are_told_so_once() {
        let pod = |ready: &str| {
            json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "one"},
                   "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        let mut tainted = node("False");
        tainted["spec"]["taints"] = json!([
            {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
        ]);
        let plan = decide(&[(Kind::NODE, tainted.clone()), (Kind::POD, pod("True"))], 1);
        assert_eq!(plan.actions.len(), 2, "{plan:?}");
        let plan = decide(&[(Kind::NODE, tainted), (Kind::POD, pod("False"))], 1);
        assert_eq!(plan.actions, []);
    }
}
