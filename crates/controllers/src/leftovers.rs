//! What nobody else clears away: pods of nodes that are gone, too many finished pods, and old events.

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan};
use objects::pod::is_finished;
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

/// How long a node may be missing before its pods are given up.
const NODE_QUARANTINE: SignedDuration = SignedDuration::from_secs(40);

/// How many finished pods are kept, as the controller-manager's default.
const MAX_FINISHED: usize = 12_500;

/// How long an event is kept, as the API server's default.
const EVENT_LIFE: SignedDuration = SignedDuration::from_secs(3600);

/// Deletes pods that no node will ever finish.
#[derive(Debug, Default)]
pub struct PodGarbage {
    /// Pods that ended, oldest first, as far as this loop saw them end.
    finished: std::collections::VecDeque<Key>,
}

/// Deletes events when their time is over.
#[derive(Debug, Default)]
pub struct EventExpiry;

impl Loop for PodGarbage {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:pod-garbage-collector",
            manager: "kube-controller-manager",
            component: "pod-garbage-collector-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::NODE && change.new.is_none() {
            keys.extend(world.on_node(&change.key.name).map(|pod| Key::of(Kind::POD, pod)));
        }
        if change.key.kind != Kind::POD {
            return;
        }
        if change.changed("/spec/nodeName") || change.changed("/metadata/deletionTimestamp") {
            keys.push(change.key.clone());
        }
        if change.new.is_some_and(is_finished) && !change.old.is_some_and(is_finished) {
            self.finished.push_back(change.key.clone());
            while self.finished.len() > MAX_FINISHED {
                keys.extend(self.finished.pop_front());
            }
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = world.get(key) else {
            return Plan::nothing();
        };
        let node = meta::text_at(pod, "/spec/nodeName");
        if node.is_empty() {
            // Deleted before it was scheduled: no kubelet will confirm that.
            return if meta::is_deleted(pod) {
                delete(key, pod)
            } else {
                Plan::nothing()
            };
        }
        if world.find(&Kind::NODE, "", node).is_none() {
            return orphan(key, pod, now);
        }
        let overflow =
            is_finished(pod) && self.finished.len() >= MAX_FINISHED && !self.finished.contains(key);
        if overflow {
            delete(key, pod)
        } else {
            Plan::nothing()
        }
    }
}

/// A pod whose node is gone: marked and deleted when the node has been missing for a while.
fn orphan(key: &Key, pod: &Value, now: Timestamp) -> Plan {
    // When the node went is not known; the pod's own last change of condition is never later than that.
    let changes = meta::list_at(pod, "/status/conditions").iter();
    let last = changes
        .filter_map(|one| time::parse(meta::text(one, "lastTransitionTime")))
        .max();
    let since = last.or_else(|| meta::created(pod)).unwrap_or(now);
    let end = since.checked_add(NODE_QUARANTINE).unwrap_or(now);
    if now < end {
        return Plan::later(end);
    }
    let mut plan = Plan::nothing();
    if !is_finished(pod) {
        let mut conditions = meta::list_at(pod, "/status/conditions").to_vec();
        conditions.push(json!({
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
            "lastTransitionTime": time::seconds(now),
        }));
        plan.push(Action::Patch {
            key: key.clone(),
            subresource: Some("status"),
            patch: json!({"status": {"phase": "Failed", "conditions": conditions}}),
        });
    }
    plan.actions.extend(delete(key, pod).actions);
    plan
}

fn delete(key: &Key, pod: &Value) -> Plan {
    Plan::of(vec![Action::Delete {
        key: key.clone(),
        uid: Some(meta::uid(pod).to_owned()),
        grace: Some(0),
        propagation: None,
    }])
}

impl Loop for EventExpiry {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:apiserver",
            manager: "kube-apiserver",
            component: "kube-apiserver",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::EVENT && change.new.is_some() {
            keys.push(change.key.clone());
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(event) = world.get(key) else {
            return Plan::nothing();
        };
        // A write begins the event's life anew, as it does with the real server.
        let times = [
            "/lastTimestamp",
            "/series/lastObservedTime",
            "/eventTime",
            "/metadata/creationTimestamp",
        ];
        let last = times
            .iter()
            .filter_map(|field| time::parse(meta::text_at(event, field)))
            .max();
        let end = last.unwrap_or(now).checked_add(EVENT_LIFE).unwrap_or(now);
        if now < end {
            return Plan::later(end);
        }
        Plan::of(vec![Action::delete(key.clone(), event)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn events_end_an_hour_after_they_were_last_seen() {
        let event = json!({"metadata": {"name": "e", "namespace": "n", "uid": "u"}, "lastTimestamp": "1970-01-01T00:00:10Z"});
        let mut world = World::default();
        let key = Key::of(Kind::EVENT, &event);
        world.put(&key, event);
        assert_eq!(EventExpiry.decide(&world, &key, at(20)), Plan::later(at(3610)));
        assert_eq!(EventExpiry.decide(&world, &key, at(3610)).actions.len(), 1);
    }

    #[test]
    fn pods_of_a_lost_node_are_given_up_after_a_while() {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": "1970-01-01T00:00:00Z"},
            "spec": {"nodeName": "gone"}, "status": {"phase": "Running"},
        });
        let mut world = World::default();
        let key = Key::of(Kind::POD, &pod);
        world.put(&key, pod);
        let mut garbage = PodGarbage::default();
        assert_eq!(garbage.decide(&world, &key, at(1)), Plan::later(at(40)));
        let plan = garbage.decide(&world, &key, at(40));
        assert!(
            matches!(
                plan.actions.as_slice(),
                [Action::Patch { .. }, Action::Delete { grace: Some(0), .. }]
            ),
            "{plan:?}"
        );
        let node = json!({"metadata": {"name": "gone"}});
        world.put(&Key::of(Kind::NODE, &node), node);
        assert_eq!(garbage.decide(&world, &key, at(40)), Plan::nothing());
    }
}
