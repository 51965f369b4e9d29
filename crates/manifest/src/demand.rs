//! What an object asks of the quotas of its namespace once it is as it says.
//!
//! ```text
//! object ──replicas × pod template, claim, service, one of its kind──► Demand: requests.cpu 600m, pods 3, …
//! ```
//!
//! A lower bound, as quotas refuse releases: pods on every node, pods that end, what a LimitRange adds and what
//! StatefulSets claim (a claim may be there from before) are not counted.

use std::collections::BTreeMap;

use objects::{Quantity, meta, requests};
use serde_json::{Map, Value};

use crate::object::kind_of;

/// Amounts by the names that quotas use, such as `requests.cpu`, `pods` and `count/deployments.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand(BTreeMap<String, Quantity>);

/// Kinds of the core group that have a name of their own in quotas.
const NAMED: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// Resources that quotas also name without `requests.` before them.
const BARE: &[&str] = &["cpu", "ephemeral-storage", "memory"];

/// What an object asks for.
#[must_use]
pub fn demand(object: &Value) -> Demand {
    demand_of(object, replicas(object))
}

impl Demand {
    /// How much of one resource, by the name that a quota has for it.
    #[must_use]
    pub fn amount(&self, resource: &str) -> Quantity {
        self.0.get(resource).copied().unwrap_or_default()
    }

    /// Every resource with its amount, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    fn add(&mut self, resource: impl Into<String>, amount: Quantity) {
        let sum = self.0.entry(resource.into()).or_default();
        *sum = *sum + amount;
    }
}

/// How many pods a workload has all the time; `None` for what has none, or a number that it does not say.
pub(crate) fn replicas(object: &Value) -> Option<i64> {
    match kind_of(object) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet") | ("", "ReplicationController") => {
            Some(meta::number_at(object, "/spec/replicas").unwrap_or(1).max(0))
        }
        ("", "Pod") => Some(i64::from(!objects::pod::is_finished(object))),
        _ => None,
    }
}

/// The pod that a workload makes, or the pod itself: what has its specification.
pub(crate) fn template(object: &Value) -> Option<&Value> {
    match kind_of(object) {
        ("", "Pod") => Some(object),
        _ => meta::at(object, "/spec/template"),
    }
}

/// What an object asks for with so many pods.
pub(crate) fn demand_of(object: &Value, replicas: Option<i64>) -> Demand {
    let one = Quantity::whole(1);
    let mut demand = Demand::default();
    let (group, kind) = kind_of(object);
    let plural = plural(kind);
    if group.is_empty() {
        demand.add(format!("count/{plural}"), one);
        // Whether a pod counts as one depends on its phase.
        if NAMED.contains(&plural.as_str()) && kind != "Pod" {
            demand.add(plural, one);
        }
    } else {
        demand.add(format!("count/{plural}.{group}"), one);
    }
    match (group, kind) {
        ("", "Service") => service(&mut demand, object),
        ("", "PersistentVolumeClaim") => claim(&mut demand, object),
        _ => {}
    }
    if let (Some(replicas), Some(template)) = (replicas, template(object)) {
        pods(&mut demand, template, replicas);
    }
    demand
}

/// Whether every container of a pod says how much it takes of what a quota names, so that no default is added.
pub(crate) fn says(template: &Value, resource: &str) -> bool {
    let (field, name) = match resource.split_once('.') {
        Some(("limits", name)) => ("limits", name),
        Some(("requests", name)) => ("requests", name),
        _ => ("requests", resource),
    };
    let said = |resources: Option<&Value>, field: &str| {
        resources.is_some_and(|all| all.get(field).is_some_and(|all| all.get(name).is_some()))
    };
    let says = |owner: &Value| {
        let resources = owner.get("resources");
        said(resources, field) || field == "requests" && said(resources, "limits")
    };
    let lists = ["/spec/containers", "/spec/initContainers"];
    let mut containers = lists.iter().flat_map(|list| meta::list_at(template, list));
    template.get("spec").is_some_and(says) || containers.all(says)
}

fn pods(demand: &mut Demand, template: &Value, replicas: i64) {
    let template = with_requests(template);
    if replicas > 0 {
        demand.add("pods", Quantity::whole(replicas));
        // The pods of a workload are objects too; a pod itself was counted as one.
        if kind_of(&template).1 != "Pod" {
            demand.add("count/pods", Quantity::whole(replicas));
        }
    }
    let whole = |field: &str, name: &str| {
        let amount = meta::at(&template, "/spec/resources").and_then(|all| all.get(field)?.get(name));
        amount.and_then(Quantity::of)
    };
    for name in resources(&template, "requests") {
        let sum = whole("requests", &name).unwrap_or_else(|| requests::requested(&template, &name));
        if BARE.contains(&name.as_str()) || name.starts_with("hugepages-") {
            demand.add(name.as_str(), sum * replicas);
        }
        demand.add(format!("requests.{name}"), sum * replicas);
    }
    for name in resources(&template, "limits") {
        let sum = whole("limits", &name).unwrap_or_else(|| requests::limited(&template, &name));
        demand.add(format!("limits.{name}"), sum * replicas);
    }
}

/// A pod template whose containers request at least what they are limited to, where they don't say, as the server has it.
fn with_requests(template: &Value) -> Value {
    let mut template = template.clone();
    for list in ["containers", "initContainers"] {
        let containers = template
            .get_mut("spec")
            .and_then(|spec| spec.get_mut(list)?.as_array_mut());
        for container in containers.into_iter().flatten() {
            let Some(Value::Object(limits)) = meta::at(container, "/resources/limits").cloned() else {
                continue;
            };
            let requests = meta::map_mut(container, &["resources", "requests"]);
            for (name, amount) in limits {
                requests.entry(name).or_insert(amount);
            }
        }
    }
    template
}

/// The resources that a pod or its containers have in a field.
fn resources(template: &Value, field: &str) -> Vec<String> {
    let lists = ["/spec/containers", "/spec/initContainers"];
    let containers = lists.iter().flat_map(|list| meta::list_at(template, list));
    let mut names: Vec<String> = containers
        .chain(template.get("spec"))
        .filter_map(|owner| owner.get("resources")?.get(field)?.as_object())
        .flat_map(Map::keys)
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn service(demand: &mut Demand, service: &Value) {
    let ports = meta::list_at(service, "/spec/ports");
    let count = |ports: usize| Quantity::whole(i64::try_from(ports).unwrap_or(i64::MAX));
    let allocates = meta::at(service, "/spec/allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    let given = ports
        .iter()
        .filter(|port| port["nodePort"].as_i64().unwrap_or(0) != 0);
    let node_ports = match meta::text_at(service, "/spec/type") {
        "LoadBalancer" => {
            demand.add("services.loadbalancers", Quantity::whole(1));
            if allocates { ports.len() } else { given.count() }
        }
        "NodePort" => ports.len(),
        _ => return,
    };
    demand.add("services.nodeports", count(node_ports));
}

fn claim(demand: &mut Demand, claim: &Value) {
    let storage = meta::at(claim, "/spec/resources/requests/storage").and_then(Quantity::of);
    let storage = storage.unwrap_or_default();
    demand.add("requests.storage", storage);
    let class = match meta::annotation(claim, "volume.beta.kubernetes.io/storage-class") {
        Some(class) => class,
        None => meta::text_at(claim, "/spec/storageClassName"),
    };
    if !class.is_empty() {
        let of = format!("{class}.storageclass.storage.k8s.io");
        demand.add(format!("{of}/requests.storage"), storage);
        demand.add(format!("{of}/persistentvolumeclaims"), Quantity::whole(1));
    }
}

/// The plural as kinds commonly have it; a custom kind with another is not counted, as no quota has this name.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_bytes() {
        [.., b's'] if lower == "endpoints" => lower,
        [.., b's' | b'x'] | [.., b'c' | b's', b'h'] => format!("{lower}es"),
        [rest @ .., b'y'] if !rest.ends_with(b"a") && !rest.ends_with(b"e") => {
            format!("{}ies", &lower[..lower.len() - 1])
        }
        _ => format!("{lower}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(object: &Value, expected: &[(&str, &str)]) {
        let found = demand(object);
        let expected: BTreeMap<String, Quantity> = expected
            .iter()
            .map(|(name, amount)| ((*name).to_owned(), Quantity::parse(amount).unwrap()))
            .collect();
        assert_eq!(found, Demand(expected), "{object}");
    }

    fn workload(version: &str, kind: &str, spec: &Value) -> Value {
        let mut object = json!({"apiVersion": version, "kind": kind, "spec": spec});
        object["spec"]["template"]["spec"]["containers"] = json!([
            {"resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "1Gi"}}},
            {"resources": {"requests": {"cpu": "100m"}}},
        ]);
        object
    }

    #[test]
    fn workloads_ask_for_all_their_pods() {
        let rest = [
            ("pods", "3"),
            ("count/pods", "3"),
            ("cpu", "600m"),
            ("requests.cpu", "600m"),
            ("memory", "3Gi"),
            ("requests.memory", "3Gi"),
            ("limits.cpu", "600m"),
            ("limits.memory", "3Gi"),
        ];
        for (kind, count) in [
            ("Deployment", "count/deployments.apps"),
            ("StatefulSet", "count/statefulsets.apps"),
        ] {
            let mut expected = vec![(count, "1")];
            expected.extend(rest);
            check(&workload("apps/v1", kind, &json!({"replicas": 3})), &expected);
        }
    }

    #[test]
    fn pods_that_end_or_stand_on_every_node_are_not_counted() {
        check(
            &workload("apps/v1", "DaemonSet", &json!({})),
            &[("count/daemonsets.apps", "1")],
        );
        check(
            &workload("batch/v1", "Job", &json!({})),
            &[("count/jobs.batch", "1")],
        );
        check(
            &json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Succeeded"}}),
            &[("count/pods", "1")],
        );
        check(
            &json!({"apiVersion": "v1", "kind": "Pod", "spec": {"resources": {"requests": {"cpu": "1"}}}}),
            &[
                ("count/pods", "1"),
                ("pods", "1"),
                ("cpu", "1"),
                ("requests.cpu", "1"),
            ],
        );
    }

    #[test]
    fn services_and_claims_ask_for_what_they_are_given() {
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "spec": spec});
        let ports = json!([{"port": 1}, {"port": 2, "nodePort": 30000}]);
        check(
            &service(json!({"type": "LoadBalancer", "ports": ports, "allocateLoadBalancerNodePorts": false})),
            &[
                ("count/services", "1"),
                ("services", "1"),
                ("services.loadbalancers", "1"),
                ("services.nodeports", "1"),
            ],
        );
        check(
            &service(json!({"ports": ports})),
            &[("count/services", "1"), ("services", "1")],
        );
        check(
            &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {
                "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}),
            &[
                ("count/persistentvolumeclaims", "1"),
                ("persistentvolumeclaims", "1"),
                ("requests.storage", "1Gi"),
                ("fast.storageclass.storage.k8s.io/requests.storage", "1Gi"),
                ("fast.storageclass.storage.k8s.io/persistentvolumeclaims", "1"),
            ],
        );
    }

    #[test]
    fn kinds_are_counted_by_their_plural() {
        for (kind, expected) in [
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
            ("Endpoints", "endpoints"),
            ("ConfigMap", "configmaps"),
            ("", "s"),
        ] {
            assert_eq!(plural(kind), expected);
        }
        let record = json!({"apiVersion": "v1", "kind": "Secret"});
        assert_eq!(demand(&record).amount("secrets"), Quantity::whole(1));
    }
}
