//! How much CPU and memory pods use: what metrics report, and autoscalers look at.
//!
//! What a container uses comes from a [`Meter`]: the behaviour file for simulated pods, or measurements elsewhere.

use jiff::{SignedDuration, Timestamp};
use objects::{Quantity, World, meta, time};
use serde_json::{Value, json};

use crate::behaviour::{Behaviour, End};
use crate::pod::{self, Container, time_at};
use crate::span;

/// What a running container uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub container: String,
    pub cpu: Quantity,
    pub memory: Quantity,
    /// Over how long the CPU was measured.
    pub over: SignedDuration,
}

/// Knows what containers use.
pub trait Meter: std::fmt::Debug + Send + Sync {
    /// What the running containers of a pod use at a time; nothing until all of them are known.
    fn usage(&self, world: &World, pod: &Value, now: Timestamp) -> Vec<Usage>;
}

impl Meter for Behaviour {
    fn usage(&self, _world: &World, pod: &Value, now: Timestamp) -> Vec<Usage> {
        simulated(self, pod, now)
    }
}

/// A container that nobody said anything about uses this part of the CPU that it requests, in percent, …
const IDLE_CPU: i64 = 10;
/// … and this part of the memory.
const IDLE_MEMORY: i64 = 50;

/// Over how long a metrics server measures.
const WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// What the running containers of a simulated pod use at a time.
fn simulated(behaviour: &Behaviour, pod: &Value, now: Timestamp) -> Vec<Usage> {
    pod::containers(pod)
        .filter_map(|container| {
            let since = running_since(pod, &container)?;
            let script = behaviour.script(pod, &container);
            let ran = now.duration_since(since);
            let step = |steps: &[(SignedDuration, Quantity)]| {
                steps
                    .iter()
                    .rfind(|(after, _)| *after <= ran)
                    .map(|(_, amount)| *amount)
            };
            let grown = match script.end {
                Some(End::Memory { wants, after }) => Some(part(wants, ran, after)),
                _ => None,
            };
            Some(Usage {
                container: container.name().to_owned(),
                cpu: step(&script.cpu).unwrap_or_else(|| idle(&container, "cpu")),
                memory: step(&script.memory)
                    .or(grown)
                    .unwrap_or_else(|| idle(&container, "memory")),
                over: WINDOW,
            })
        })
        .collect()
}

/// The `PodMetrics` of a pod; nothing for one of which nothing runs.
#[must_use]
pub fn pod_metrics(meter: &dyn Meter, world: &World, pod: &Value, now: Timestamp) -> Option<Value> {
    let all = meter.usage(world, pod, now);
    let containers: Vec<Value> = all
        .iter()
        .map(|usage| json!({"name": usage.container, "usage": amounts(usage.cpu, usage.memory)}))
        .collect();
    (!containers.is_empty()).then(|| {
        json!({
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": metadata(pod, now),
            "timestamp": time::seconds(now),
            "window": window(&all),
            "containers": containers,
        })
    })
}

/// The `NodeMetrics` of a node: the sum of its pods.
#[must_use]
pub fn node_metrics(meter: &dyn Meter, world: &World, node: &Value, now: Timestamp) -> Value {
    let pods = world.on_node(meta::name(node));
    let all: Vec<Usage> = pods.flat_map(|pod| meter.usage(world, pod, now)).collect();
    let cpu = all.iter().map(|usage| usage.cpu).sum();
    let memory = all.iter().map(|usage| usage.memory).sum();
    json!({
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "NodeMetrics",
        "metadata": metadata(node, now),
        "timestamp": time::seconds(now),
        "window": window(&all),
        "usage": amounts(cpu, memory),
    })
}

/// The longest time that something was measured over.
fn window(all: &[Usage]) -> String {
    span::print(all.iter().map(|usage| usage.over).max().unwrap_or(WINDOW))
}

fn metadata(object: &Value, now: Timestamp) -> Value {
    let mut metadata = json!({"name": meta::name(object), "creationTimestamp": time::seconds(now)});
    if !meta::namespace(object).is_empty() {
        metadata["namespace"] = json!(meta::namespace(object));
    }
    if let Some(labels) = meta::at(object, "/metadata/labels") {
        metadata["labels"] = labels.clone();
    }
    metadata
}

/// In the units of the metrics server: nanocores and kibibytes.
fn amounts(cpu: Quantity, memory: Quantity) -> Value {
    json!({
        "cpu": format!("{}n", cpu.as_milli().saturating_mul(1_000_000)),
        "memory": format!("{}Ki", memory.as_whole() / 1024),
    })
}

fn running_since(pod: &Value, container: &Container<'_>) -> Option<Timestamp> {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| meta::list_at(pod, list));
    let status = statuses.find(|status| meta::text(status, "name") == container.name())?;
    time_at(status, "/state/running/startedAt")
}

fn idle(container: &Container<'_>, resource: &str) -> Quantity {
    let requests = container
        .spec
        .get("resources")
        .and_then(|all| all.get("requests")?.get(resource));
    let request = requests.and_then(Quantity::of);
    match (resource, request) {
        ("cpu", Some(request)) => Quantity::milli(request.as_milli().saturating_mul(IDLE_CPU) / 100),
        ("cpu", None) => Quantity::milli(1),
        (_, Some(request)) => Quantity::whole(request.as_whole().saturating_mul(IDLE_MEMORY) / 100),
        _ => Quantity::whole(16 * 1024 * 1024),
    }
}

/// How much of an amount is there, when it grows evenly over a time.
fn part(amount: Quantity, ran: SignedDuration, over: SignedDuration) -> Quantity {
    let (ran, over) = (ran.as_secs().max(0), over.as_secs());
    if ran >= over {
        return amount;
    }
    Quantity::whole(amount.as_whole().saturating_mul(ran) / over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::parse;

    #[test]
    fn a_running_container_uses_what_its_rule_or_its_request_says() {
        let now = Timestamp::from_second(1000).unwrap();
        let at = |second: i64| time::seconds(Timestamp::from_second(second).unwrap());
        let pod = |since: i64| {
            json!({
                "metadata": {"name": "p", "namespace": "n"},
                "spec": {"containers": [
                    {"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "100Mi"}}},
                    {"name": "waiting"},
                ]},
                "status": {"containerStatuses": [
                    {"name": "c", "state": {"running": {"startedAt": at(since)}}},
                    {"name": "waiting", "state": {"waiting": {}}},
                ]},
            })
        };
        let world = World::default();
        for (rules, since, cpu, memory) in [
            ("", 900, "50000000n", "51200Ki"),
            (
                "rules: [{does: [cpu 250m, cpu 900m after 60s, memory 1Gi]}]",
                950,
                "250000000n",
                "1048576Ki",
            ),
            (
                "rules: [{does: [cpu 250m, cpu 900m after 60s]}]",
                940,
                "900000000n",
                "51200Ki",
            ),
            (
                "rules: [{does: oom at 200Mi after 100s}]",
                950,
                "50000000n",
                "102400Ki",
            ),
        ] {
            let behaviour = parse(rules).unwrap();
            let metrics = pod_metrics(&behaviour, &world, &pod(since), now).unwrap();
            assert_eq!(metrics["window"], "15s");
            let expected = json!([{"name": "c", "usage": {"cpu": cpu, "memory": memory}}]);
            assert_eq!(metrics["containers"], expected, "{rules}");
        }
        assert_eq!(pod_metrics(&Behaviour::default(), &world, &json!({}), now), None);
    }
}
