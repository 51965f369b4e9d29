//! How much of a node a pod takes: containers, init containers that run one after another, sidecars that stay,
//! overhead, and requests of the pod as a whole.
//!
//! Amounts are counted as the real scheduler counts: CPU in thousandths, all else in whole units, each rounded up.

use objects::{Quantity, meta};
use serde_json::Value;

/// What a container without a request counts for when nodes are compared, so that pods without requests don't pile
/// up on one node: 100m of CPU and 200 MB of memory.
const USUAL_CPU: i64 = 100;
const USUAL_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts of resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amounts {
    /// Thousandths of a core.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes of ephemeral storage.
    pub storage: i64,
    /// Extended resources and huge pages, by name.
    pub other: Vec<(String, i64)>,
}

/// What a pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Requests {
    pub amounts: Amounts,
    /// CPU and memory with the usual amounts for containers that ask for none.
    pub usual: (i64, i64),
}

impl Amounts {
    /// Reads a map from resource to quantity.
    #[must_use]
    pub fn of(list: Option<&Value>) -> Self {
        let mut amounts = Self::default();
        for (name, quantity) in list.and_then(Value::as_object).into_iter().flatten() {
            let quantity = Quantity::of(quantity).unwrap_or_default();
            match name.as_str() {
                "cpu" => amounts.cpu = quantity.as_milli(),
                "memory" => amounts.memory = quantity.as_whole(),
                "ephemeral-storage" => amounts.storage = quantity.as_whole(),
                "pods" => {}
                _ => amounts.other.push((name.clone(), quantity.as_whole())),
            }
        }
        amounts.other.sort();
        amounts
    }

    /// The amount of an extended resource.
    #[must_use]
    pub fn of_other(&self, name: &str) -> i64 {
        let found = self.other.iter().find(|(one, _)| one == name);
        found.map_or(0, |(_, amount)| *amount)
    }

    pub fn add(&mut self, more: &Amounts) {
        self.merge(more, i64::saturating_add);
    }

    pub fn subtract(&mut self, less: &Amounts) {
        self.merge(less, i64::saturating_sub);
    }

    fn raise(&mut self, other: &Amounts) {
        self.merge(other, i64::max);
    }

    fn merge(&mut self, with: &Amounts, both: fn(i64, i64) -> i64) {
        self.cpu = both(self.cpu, with.cpu);
        self.memory = both(self.memory, with.memory);
        self.storage = both(self.storage, with.storage);
        for (name, amount) in &with.other {
            match self.other.iter_mut().find(|(one, _)| one == name) {
                Some((_, mine)) => *mine = both(*mine, *amount),
                None => {
                    self.other.push((name.clone(), both(0, *amount)));
                    self.other.sort();
                }
            }
        }
    }
}

impl Requests {
    /// Reads what a pod asks for.
    #[must_use]
    pub fn of(pod: &Value) -> Self {
        let of = |container: &Value| Amounts::of(container.pointer("/resources/requests"));
        let mut amounts = sum(pod, &of);
        let whole = pod.pointer("/spec/resources/requests");
        set_whole(&mut amounts, whole);
        let asks = |name: &str| whole.is_some_and(|whole| whole.get(name).is_some());
        let (pod_cpu, pod_memory) = (asks("cpu"), asks("memory"));
        let mut usual = sum(pod, &|container| {
            let mut amounts = of(container);
            let missing = |name| {
                container
                    .pointer("/resources/requests")
                    .and_then(|r| r.get(name))
                    .is_none()
            };
            if missing("cpu") && !pod_cpu {
                amounts.cpu = USUAL_CPU;
            }
            if missing("memory") && !pod_memory {
                amounts.memory = USUAL_MEMORY;
            }
            amounts
        });
        set_whole(&mut usual, whole);
        let overhead = Amounts::of(pod.pointer("/spec/overhead"));
        amounts.add(&overhead);
        usual.add(&overhead);
        Self {
            amounts,
            usual: (usual.cpu, usual.memory),
        }
    }
}

/// The most that runs at one time: all containers and sidecars, or one init container and the sidecars before it.
fn sum(pod: &Value, of: &dyn Fn(&Value) -> Amounts) -> Amounts {
    let mut total = Amounts::default();
    for container in meta::list_at(pod, "/spec/containers") {
        total.add(&of(container));
    }
    let mut sidecars = Amounts::default();
    let mut starting = Amounts::default();
    for container in meta::list_at(pod, "/spec/initContainers") {
        let mut now = of(container);
        if meta::text(container, "restartPolicy") == "Always" {
            total.add(&now);
            sidecars.add(&now);
            now = sidecars.clone();
        } else {
            now.add(&sidecars);
        }
        starting.raise(&now);
    }
    total.raise(&starting);
    total
}

/// Requests of the pod as a whole count instead of its containers', for the resources that they name.
fn set_whole(amounts: &mut Amounts, whole: Option<&Value>) {
    let Some(whole) = whole else { return };
    let read = Amounts::of(Some(whole));
    if whole.get("cpu").is_some() {
        amounts.cpu = read.cpu;
    }
    if whole.get("memory").is_some() {
        amounts.memory = read.memory;
    }
    for (name, amount) in read.other {
        amounts.other.retain(|(one, _)| *one != name);
        amounts.other.push((name, amount));
    }
    amounts.other.sort();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(cpu: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu}}})
    }

    fn sidecar(cpu: &str) -> Value {
        json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn a_pod_takes_the_most_that_runs_at_one_time() {
        let two = vec![container("1"), container("500m")];
        for (init, expected) in [
            (vec![], 1500),
            (vec![container("1")], 1500),
            (vec![container("2")], 2000),
            (vec![sidecar("1")], 2500),
            (vec![sidecar("1"), container("2")], 3000),
            (vec![container("2"), sidecar("1")], 2500),
        ] {
            let pod = json!({"spec": {"containers": two, "initContainers": init}});
            assert_eq!(Requests::of(&pod).amounts.cpu, expected, "{pod}");
        }
    }

    #[test]
    fn overhead_adds_and_requests_of_the_pod_replace() {
        let pod = json!({"spec": {
            "containers": [container("1")],
            "overhead": {"cpu": "100m", "memory": "1Mi"},
            "resources": {"requests": {"cpu": "3"}},
        }});
        let requests = Requests::of(&pod);
        assert_eq!(requests.amounts.cpu, 3100);
        assert_eq!(requests.amounts.memory, 1024 * 1024);
        assert_eq!(requests.usual, (3100, USUAL_MEMORY + 1024 * 1024));
    }

    #[test]
    fn extended_resources_are_counted_by_name() {
        let pod = json!({"spec": {"containers": [
            {"resources": {"requests": {"example.com/gpu": "2"}}},
            {"resources": {"requests": {"example.com/gpu": 1, "ephemeral-storage": "1Ki"}}},
        ]}});
        let amounts = Requests::of(&pod).amounts;
        assert_eq!(amounts.of_other("example.com/gpu"), 3);
        assert_eq!(amounts.storage, 1024);
        assert_eq!(amounts.of_other("example.com/tpu"), 0);
    }
}
