//! What pods ask of their nodes, and what the pods of one node hold altogether.
//!
//! The sum follows every change of a pod, so that whether one more fits is known without a look at all others. Not
//! here: the scheduler's own account, which also counts pods that it has only just decided about.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::quantity::Quantity;
use crate::{meta, pod};

/// What the pods of a node hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pods: i64,
    amounts: BTreeMap<Box<str>, Quantity>,
}

impl Held {
    /// How many pods hold something.
    #[must_use]
    pub fn pods(&self) -> i64 {
        self.pods
    }

    /// The sum of their requests of one resource.
    #[must_use]
    pub fn amount(&self, resource: &str) -> Quantity {
        self.amounts.get(resource).copied().unwrap_or_default()
    }

    /// Counts a pod in.
    pub fn add(&mut self, pod: &Value) {
        self.pods += 1;
        for name in resources(pod) {
            let sum = self.amounts.entry(Box::from(name)).or_default();
            *sum = *sum + requested(pod, name);
        }
    }

    /// Takes out a pod as it was counted in.
    pub fn take(&mut self, pod: &Value) {
        self.pods -= 1;
        for name in resources(pod) {
            if let Some(sum) = self.amounts.get_mut(name) {
                *sum = *sum - requested(pod, name);
            }
        }
    }
}

/// Whether a pod was taken by its node and holds its resources: a start time in its status says so.
#[must_use]
pub fn is_admitted(pod: &Value) -> bool {
    meta::at(pod, "/status/startTime").is_some() && !pod::is_finished(pod)
}

/// The resources that any container of a pod requests.
#[must_use]
pub fn resources(pod: &Value) -> Vec<&str> {
    let lists = ["/spec/containers", "/spec/initContainers"];
    let containers = lists.iter().flat_map(|list| meta::list_at(pod, list));
    let mut names: Vec<&str> = containers
        .filter_map(|container| meta::at(container, "/resources/requests")?.as_object())
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The sum of what the containers of a pod request of one resource: at any time, init containers included.
#[must_use]
pub fn requested(pod: &Value, resource: &str) -> Quantity {
    most_at_once(pod, "requests", resource) + overhead(pod, resource)
}

/// The sum of what the containers of a pod may use of one resource; none without a limit.
#[must_use]
pub fn limited(pod: &Value, resource: &str) -> Quantity {
    match most_at_once(pod, "limits", resource) {
        Quantity::ZERO => Quantity::ZERO,
        sum => sum + overhead(pod, resource),
    }
}

fn overhead(pod: &Value, resource: &str) -> Quantity {
    let overhead = pod
        .get("spec")
        .and_then(|spec| spec.get("overhead")?.get(resource));
    overhead.and_then(Quantity::of).unwrap_or_default()
}

/// What the containers that run together have of a resource, or an init container beside the sidecars before it,
/// whichever is more.
fn most_at_once(pod: &Value, field: &str, resource: &str) -> Quantity {
    let of = |container: &Value| {
        let amount = container
            .get("resources")
            .and_then(|all| all.get(field)?.get(resource));
        amount.and_then(Quantity::of).unwrap_or_default()
    };
    // Asked of every pod of a node for every new one: no path is taken apart here.
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    let list = |field| spec.get(field).and_then(Value::as_array).into_iter().flatten();
    let main: Quantity = list("containers").map(of).sum();
    let (mut sidecars, mut peak) = (Quantity::ZERO, Quantity::ZERO);
    for init in list("initContainers") {
        if meta::text(init, "restartPolicy") == "Always" {
            sidecars = sidecars + of(init);
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars + of(init));
        }
    }
    (main + sidecars).max(peak)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_node_holds_is_the_sum_of_its_pods() {
        let pod = |cpu: &str| {
            json!({"spec": {
                "containers": [{"resources": {"requests": {"cpu": cpu}}}],
                "initContainers": [{"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
            }})
        };
        let mut held = Held::default();
        held.add(&pod("500m"));
        held.add(&pod("2"));
        assert_eq!((held.pods(), held.amount("cpu")), (2, Quantity::milli(3000)));
        held.take(&pod("500m"));
        assert_eq!((held.pods(), held.amount("cpu")), (1, Quantity::milli(2000)));
        assert_eq!(held.amount("memory"), Quantity::whole(1 << 30));
        assert_eq!(held.amount("example.org/gpu"), Quantity::ZERO);
    }

    #[test]
    fn overhead_counts_towards_limits_only_where_there_is_one() {
        let pod = json!({"spec": {"overhead": {"cpu": "1", "memory": "1"}, "containers": [
            {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}},
        ]}});
        assert_eq!(requested(&pod, "cpu"), Quantity::whole(2));
        assert_eq!(requested(&pod, "memory"), Quantity::whole(1));
        assert_eq!(limited(&pod, "cpu"), Quantity::whole(3));
        assert_eq!(limited(&pod, "memory"), Quantity::ZERO);
    }
}
