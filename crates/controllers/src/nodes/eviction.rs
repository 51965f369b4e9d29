//! Taints that say NoExecute: pods that don't tolerate them go, those that do for a time go when it is over.

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Identity, Loop, Plan};
use objects::{Change, Key, Kind, World, meta, taint, time};
use serde_json::{Value, json};

/// The loop.
#[derive(Debug, Default)]
pub struct TaintEviction;

impl Loop for TaintEviction {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:node-controller",
            manager: "kube-controller-manager",
            component: "taint-eviction-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::NODE && change.changed("/spec/taints") {
            keys.extend(world.on_node(&change.key.name).map(|pod| Key::of(Kind::POD, pod)));
        }
        let moved = change.changed("/spec/nodeName") || change.changed("/spec/tolerations");
        if change.key.kind == Kind::POD && change.new.is_some() && moved {
            keys.push(change.key.clone());
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = world.get(key) else {
            return Plan::nothing();
        };
        let node = world.find(&Kind::NODE, "", meta::text_at(pod, "/spec/nodeName"));
        let Some(node) = node.filter(|_| !meta::is_deleted(pod)) else {
            return Plan::nothing();
        };
        match tolerated_until(pod, meta::list_at(node, "/spec/taints"), now) {
            None => Plan::nothing(),
            Some(end) if now < end => Plan::later(end),
            Some(_) => evict(key, pod, now),
        }
    }
}

/// Until when a pod may stay on a node with these taints; `None` for ever.
fn tolerated_until(pod: &Value, taints: &[Value], now: Timestamp) -> Option<Timestamp> {
    let tolerations = meta::list_at(pod, "/spec/tolerations");
    let evicting = taints
        .iter()
        .filter(|taint| meta::text(taint, "effect") == "NoExecute");
    let end = |taint: &Value| {
        let Some(toleration) = taint::toleration(tolerations, taint) else {
            return Some(now);
        };
        let seconds = meta::number_at(toleration, "/tolerationSeconds")?.max(0);
        let added = time::parse(meta::text(taint, "timeAdded")).unwrap_or(now);
        Some(
            added
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX),
        )
    };
    evicting.filter_map(end).min()
}

fn evict(key: &Key, pod: &Value, now: Timestamp) -> Plan {
    let mut conditions = meta::list_at(pod, "/status/conditions").to_vec();
    conditions.retain(|one| meta::text(one, "type") != "DisruptionTarget");
    conditions.push(json!({
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": time::seconds(now),
    }));
    let message = format!("Marking for deletion Pod {}/{}", key.namespace, key.name);
    Plan::of(vec![
        Action::Record(Event::normal(key, "TaintManagerEviction", message)),
        Action::Patch {
            key: key.clone(),
            subresource: Some("status"),
            patch: json!({"status": {"conditions": conditions}}),
        },
        Action::delete(key.clone(), pod),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_toleration_counts() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let taint =
            |key: &str| json!({"key": key, "effect": "NoExecute", "timeAdded": "1970-01-01T00:00:10Z"});
        let pod = |seconds: &[Option<i64>]| {
            let one = |(index, seconds): (usize, &Option<i64>)| {
                let mut one = json!({"key": format!("k{index}"), "operator": "Exists"});
                if let Some(seconds) = seconds {
                    one["tolerationSeconds"] = json!(seconds);
                }
                one
            };
            json!({"spec": {"tolerations": seconds.iter().enumerate().map(one).collect::<Vec<_>>()}})
        };
        for (tolerations, taints, expected) in [
            (&[][..], vec![], None),
            (&[], vec![taint("k0")], Some(at(99))),
            (&[None], vec![taint("k0")], None),
            (&[Some(300)], vec![taint("k0")], Some(at(310))),
            (
                &[Some(300), Some(5)],
                vec![taint("k0"), taint("k1")],
                Some(at(15)),
            ),
            (&[Some(300)], vec![taint("k0"), taint("k1")], Some(at(99))),
            (&[], vec![json!({"key": "k", "effect": "NoSchedule"})], None),
        ] {
            assert_eq!(
                tolerated_until(&pod(tolerations), &taints, at(99)),
                expected,
                "{tolerations:?} {taints:?}"
            );
        }
    }
}
