//! PodDisruptionBudgets: how many of a workload's pods may be evicted now.
//!
//! The eviction endpoint takes from `disruptionsAllowed` and notes the pod in `disruptedPods`; this controller
//! counts again whenever a pod changes, and forgets pods that were to go and did not.

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Identity, Loop, Plan};
use objects::{Change, Key, Kind, Selector, World, condition, meta, time};
use serde_json::{Map, Value, json};

/// How long a pod that was evicted may take until its deletion shows.
const DISRUPTION_TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// The loop.
#[derive(Debug, Default)]
pub struct DisruptionBudgets;

impl Loop for DisruptionBudgets {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:disruption-controller",
            manager: "kube-controller-manager",
            component: "controllermanager",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let kind = &change.key.kind;
        if *kind == Kind::POD_DISRUPTION_BUDGET {
            keys.push(change.key.clone());
            return;
        }
        let scale = [
            Kind::DEPLOYMENT,
            Kind::REPLICA_SET,
            Kind::STATEFUL_SET,
            Kind::REPLICATION_CONTROLLER,
        ];
        let scaled = scale.contains(kind) && change.changed("/spec/replicas");
        for budget in world.list(&Kind::POD_DISRUPTION_BUDGET, &change.key.namespace) {
            let selector = Selector::from_json(&budget["spec"]["selector"]);
            let mut sides = [change.old, change.new].into_iter().flatten();
            if scaled || *kind == Kind::POD && sides.any(|pod| selector.selects(pod)) {
                keys.push(Key::of(Kind::POD_DISRUPTION_BUDGET, budget));
            }
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        match world.get(key) {
            Some(budget) if !meta::is_deleted(budget) => count(world, key, budget, now),
            _ => Plan::nothing(),
        }
    }
}

fn count(world: &World, key: &Key, budget: &Value, now: Timestamp) -> Plan {
    let selector = Selector::from_json(&budget["spec"]["selector"]);
    let pods: Vec<&Value> = if budget.pointer("/spec/selector").is_some() {
        world
            .selected(&key.namespace, &selector)
            .map(|pod| &**pod)
            .collect()
    } else {
        Vec::new()
    };
    let mut plan = Plan::nothing();
    if pods.is_empty()
        && budget
            .get("status")
            .is_none_or(|status| status.get("observedGeneration").is_none())
    {
        plan.push(Action::Record(Event::normal(
            key,
            "NoPods",
            "No matching pods found",
        )));
    }
    let disrupted = still_disrupted(world, key, budget, &mut plan, now);
    let healthy = |pod: &&&Value| {
        !meta::is_deleted(pod) && !disrupted.contains_key(meta::name(pod)) && condition::is_true(pod, "Ready")
    };
    let current = pods.iter().filter(healthy).count() as i64;
    let (expected, desired) = wanted(world, budget, &pods);
    let allowed = if expected > 0 {
        (current - desired).max(0)
    } else {
        0
    };

    let generation = meta::generation(budget);
    let (status, reason) = if allowed > 0 {
        ("True", "SufficientPods")
    } else {
        ("False", "InsufficientPods")
    };
    let old = condition::find(budget, "DisruptionAllowed");
    let since = old.filter(|old| meta::text(old, "status") == status);
    let since = since.map_or_else(
        || time::seconds(now),
        |old| meta::text(old, "lastTransitionTime").to_owned(),
    );
    let mut next = json!({
        "conditions": [{
            "type": "DisruptionAllowed",
            "status": status,
            "reason": reason,
            "message": "",
            "observedGeneration": generation,
            "lastTransitionTime": since,
        }],
        "currentHealthy": current,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": generation,
    });
    if !disrupted.is_empty() {
        next["disruptedPods"] = Value::Object(disrupted);
    }
    if budget.get("status") != Some(&next) {
        let mut changed = budget.clone();
        changed["status"] = next;
        plan.push(Action::UpdateStatus(Kind::POD_DISRUPTION_BUDGET, changed));
    }
    plan
}

/// The pods whose eviction has been granted and whose deletion does not show yet.
fn still_disrupted(
    world: &World,
    key: &Key,
    budget: &Value,
    plan: &mut Plan,
    now: Timestamp,
) -> Map<String, Value> {
    let mut kept = Map::new();
    let all = budget.pointer("/status/disruptedPods").and_then(Value::as_object);
    for (name, since) in all.into_iter().flatten() {
        let Some(pod) = world.find(&Kind::POD, &key.namespace, name) else {
            continue;
        };
        if meta::is_deleted(pod) {
            continue;
        }
        let end = since
            .as_str()
            .and_then(time::parse)
            .and_then(|since| since.checked_add(DISRUPTION_TIMEOUT).ok());
        match end {
            Some(end) if end > now => {
                plan.look_at(end);
                kept.insert(name.clone(), since.clone());
            }
            _ => {
                let message = format!(
                    "Pod was expected by PDB {}/{} to be deleted but it wasn't",
                    key.namespace, key.name
                );
                plan.push(Action::Record(Event::warning(
                    &Key::of(Kind::POD, pod),
                    "NotDeleted",
                    message,
                )));
            }
        }
    }
    kept
}

/// How many pods there should be, and how many of them healthy.
fn wanted(world: &World, budget: &Value, pods: &[&Value]) -> (i64, i64) {
    let spec = &budget["spec"];
    if let Some(most) = spec.get("maxUnavailable") {
        let expected = expected_scale(world, pods);
        return (expected, (expected - part(most, expected)).max(0));
    }
    match spec.get("minAvailable") {
        Some(Value::String(percent)) => {
            let expected = expected_scale(world, pods);
            (expected, part(&json!(percent), expected))
        }
        least => {
            let least = least.map_or(1, |least| part(least, 0));
            (pods.len() as i64, least)
        }
    }
}

/// A number, or a percentage of a whole, rounded up.
fn part(value: &Value, whole: i64) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            let product = whole.saturating_mul(percent);
            product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0)
        }
        other => other.as_i64().unwrap_or_default(),
    }
}

/// The replicas that the controllers of these pods are asked for; pods without a controller don't count.
fn expected_scale(world: &World, pods: &[&Value]) -> i64 {
    let mut seen: Vec<&str> = Vec::new();
    let mut total = 0_i64;
    for pod in pods {
        let Some(mut owner) = controller_of(world, pod) else {
            continue;
        };
        if let Some(above) = controller_of(world, owner) {
            owner = above;
        }
        let uid = meta::uid(owner);
        if !seen.contains(&uid) {
            seen.push(uid);
            total = total.saturating_add(meta::number_at(owner, "/spec/replicas").unwrap_or(1));
        }
    }
    total
}

fn controller_of<'a>(world: &'a World, object: &Value) -> Option<&'a Value> {
    let reference = meta::controller(object)?;
    let key = Key::new(
        Kind::of(reference),
        meta::namespace(object),
        meta::text(reference, "name"),
    );
    let owner = world.get(&key)?;
    (meta::uid(owner) == meta::text(reference, "uid")).then_some(&**owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(spec: &Value) -> Value {
        let mut budget =
            json!({"metadata": {"name": "b", "namespace": "n", "generation": 1}, "spec": spec.clone()});
        budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
        budget
    }

    fn status(spec: &Value, ready: usize, not_ready: usize) -> Value {
        let mut world = World::default();
        let set = json!({"metadata": {"name": "rs", "namespace": "n", "uid": "rs"}, "spec": {"replicas": 5}});
        world.put(&Key::of(Kind::REPLICA_SET, &set), set);
        for number in 0..ready + not_ready {
            let pod = json!({
                "metadata": {"name": format!("p{number}"), "namespace": "n", "labels": {"app": "web"},
                    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "rs", "controller": true}]},
                "status": {"conditions": [{"type": "Ready", "status": if number < ready { "True" } else { "False" }}]},
            });
            world.put(&Key::of(Kind::POD, &pod), pod);
        }
        let budget = budget(spec);
        let key = Key::of(Kind::POD_DISRUPTION_BUDGET, &budget);
        world.put(&key, budget);
        let plan = DisruptionBudgets.decide(&world, &key, Timestamp::UNIX_EPOCH);
        let status = plan.actions.into_iter().find_map(|action| match action {
            Action::UpdateStatus(_, budget) => Some(budget["status"].clone()),
            _ => None,
        });
        status.expect("a status")
    }

    #[test]
    fn budgets_count_pods_or_the_scale_of_their_controller() {
        for (spec, ready, not_ready, expected) in [
            (json!({"minAvailable": 2}), 3, 0, (3, 2, 1)),
            (json!({"minAvailable": 2}), 1, 2, (3, 2, 0)),
            (json!({"minAvailable": "50%"}), 3, 0, (5, 3, 0)),
            (json!({"minAvailable": "50%"}), 5, 0, (5, 3, 2)),
            (json!({"maxUnavailable": 1}), 5, 0, (5, 4, 1)),
            (json!({"maxUnavailable": "30%"}), 5, 0, (5, 3, 2)),
            (json!({"maxUnavailable": 1}), 0, 0, (0, 0, 0)),
        ] {
            let status = status(&spec, ready, not_ready);
            let number = |field: &str| status[field].as_i64().expect("a number");
            let found = (
                number("expectedPods"),
                number("desiredHealthy"),
                number("disruptionsAllowed"),
            );
            assert_eq!(found, expected, "{spec} {ready} {not_ready}");
        }
    }
}
