//! What one object takes of a quota, by the names that quotas use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::amount::Amount;
use super::super::limits::{Amounts, amounts, pod_amounts};
use super::super::{Operation, Request, list, text};

/// Kinds of the core group that have a name of their own in quotas.
const NAMED: [&str; 7] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// Behind the name of a storage class.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Amounts that every container must say where a quota limits them.
const SAID: [&str; 6] = [
    "cpu",
    "limits.cpu",
    "limits.memory",
    "memory",
    "requests.cpu",
    "requests.memory",
];

/// Kinds of the core group whose objects may take more after an update.
pub(super) fn grows(resource: &str) -> bool {
    matches!(resource, "services" | "persistentvolumeclaims")
}

/// The group and plural of what a name in a quota counts; `None` for a name that nothing counts.
pub(super) fn counted(name: &str) -> Option<(String, String)> {
    if let Some(counted) = name.strip_prefix("count/") {
        let (plural, group) = counted.split_once('.').unwrap_or((counted, ""));
        return Some((group.to_owned(), plural.to_owned()));
    }
    let plural = match name {
        _ if NAMED.contains(&name) => name,
        "services.loadbalancers" | "services.nodeports" => "services",
        "requests.storage" => "persistentvolumeclaims",
        _ if name.contains(OF_CLASS) => "persistentvolumeclaims",
        "cpu" | "memory" | "ephemeral-storage" => "pods",
        _ if name.starts_with("requests.")
            || name.starts_with("limits.")
            || name.starts_with("hugepages-") =>
        {
            "pods"
        }
        _ => return None,
    };
    Some((String::new(), plural.to_owned()))
}

/// What an object takes.
pub(super) fn of(group: &str, plural: &str, object: &Value) -> Amounts {
    let one = Amount::whole(1);
    let mut all = Amounts::new();
    let dot = if group.is_empty() { "" } else { "." };
    all.insert(format!("count/{plural}{dot}{group}"), one);
    match (group, plural) {
        ("", "pods") => pod(&mut all, object),
        ("", "services") => service(&mut all, &object["spec"]),
        ("", "persistentvolumeclaims") => claim(&mut all, object),
        ("", named) if NAMED.contains(&named) => drop(all.insert(named.to_owned(), one)),
        _ => {}
    }
    all
}

/// A pod that has ended, or should long have gone, takes nothing but its place in the store.
fn pod(all: &mut Amounts, pod: &Value) {
    if objects::pod::is_finished(pod) {
        return;
    }
    all.insert("pods".to_owned(), Amount::whole(1));
    all.extend(of_resources(
        &pod_amounts(&pod["spec"], "requests"),
        &pod_amounts(&pod["spec"], "limits"),
    ));
}

fn of_resources(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut all = BTreeMap::new();
    for (name, amount) in requests {
        let bare =
            matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
        if bare {
            all.insert(name.clone(), *amount);
        }
        all.insert(format!("requests.{name}"), *amount);
    }
    for (name, amount) in limits {
        all.insert(format!("limits.{name}"), *amount);
    }
    all
}

fn service(all: &mut Amounts, spec: &Value) {
    all.insert("services".to_owned(), Amount::whole(1));
    let kind = text(spec, "type");
    let ports = list(spec, "ports");
    let given = ports
        .iter()
        .filter(|port| port["nodePort"].as_i64().unwrap_or(0) != 0);
    let count = |number: usize| Amount::whole(i64::try_from(number).unwrap_or(i64::MAX));
    let allocates = spec["allocateLoadBalancerNodePorts"] != false;
    match kind {
        "LoadBalancer" => {
            all.insert("services.loadbalancers".to_owned(), Amount::whole(1));
            let ports = if allocates { ports.len() } else { given.count() };
            all.insert("services.nodeports".to_owned(), count(ports));
        }
        "NodePort" => drop(all.insert("services.nodeports".to_owned(), count(ports.len()))),
        _ => {}
    }
}

fn claim(all: &mut Amounts, claim: &Value) {
    let spec = &claim["spec"];
    let class = claim
        .pointer("/metadata/annotations")
        .map_or("", |all| text(all, "volume.beta.kubernetes.io/storage-class"));
    let class = if class.is_empty() {
        text(spec, "storageClassName")
    } else {
        class
    };
    let mut both = vec![("persistentvolumeclaims", Amount::whole(1))];
    if let Some(storage) = amounts(&spec["resources"], "requests").get("storage") {
        both.push(("requests.storage", *storage));
    }
    for (name, amount) in both {
        all.insert(name.to_owned(), amount);
        if !class.is_empty() {
            all.insert(format!("{class}{OF_CLASS}{name}"), amount);
        }
    }
}

/// The amounts that a quota limits and a new pod's containers don't say: `requests.cpu for: a,b; …`.
pub(super) fn missing(hard: &Value, request: &Request<'_>, pod: &Value) -> String {
    if !(request.group.is_empty() && request.resource == "pods" && request.operation == Operation::Create) {
        return String::new();
    }
    let hard = hard.as_object().into_iter().flatten();
    let needed: Vec<&str> = hard
        .map(|(name, _)| name.as_str())
        .filter(|name| SAID.contains(name))
        .collect();
    let of_pod = &pod["spec"]["resources"];
    let whole = of_resources(&amounts(of_pod, "requests"), &amounts(of_pod, "limits"));
    let mut silent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let containers = ["containers", "initContainers"].map(|field| list(&pod["spec"], field));
    for container in containers.into_iter().flatten() {
        let own = &container["resources"];
        let said = of_resources(&amounts(own, "requests"), &amounts(own, "limits"));
        for name in needed
            .iter()
            .filter(|name| !said.contains_key(**name) && !whole.contains_key(**name))
        {
            silent.entry(name).or_default().insert(text(container, "name"));
        }
    }
    let all: Vec<String> = silent
        .into_iter()
        .map(|(name, who)| format!("{name} for: {}", who.into_iter().collect::<Vec<_>>().join(",")))
        .collect();
    all.join("; ")
}

/// Whether a pod is in a scope.
pub(super) fn pod_has_scope(spec: &Value, scope: &str, choice: (&str, &[Value])) -> bool {
    let ends = spec["activeDeadlineSeconds"]
        .as_i64()
        .is_some_and(|seconds| seconds >= 0);
    let best_effort = || crate::validate::qos_class(spec) == "BestEffort";
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        "PriorityClass" => chosen(text(spec, "priorityClassName"), choice),
        "CrossNamespacePodAffinity" => crosses(spec),
        _ => false,
    }
}

/// Whether the name of a class is chosen by an operator and values.
pub(super) fn chosen(class: &str, (operator, values): (&str, &[Value])) -> bool {
    let named = values.iter().any(|value| value == class);
    match operator {
        "In" => named,
        "NotIn" => !named,
        "DoesNotExist" => class.is_empty(),
        _ => !class.is_empty(),
    }
}

/// True for a pod that chooses its neighbours in other namespaces.
fn crosses(spec: &Value) -> bool {
    ["podAffinity", "podAntiAffinity"].into_iter().any(|field| {
        let affinity = &spec["affinity"][field];
        let required = list(affinity, "requiredDuringSchedulingIgnoredDuringExecution").iter();
        let preferred = list(affinity, "preferredDuringSchedulingIgnoredDuringExecution").iter();
        required
            .chain(preferred.map(|term| &term["podAffinityTerm"]))
            .any(|term| !list(term, "namespaces").is_empty() || term["namespaceSelector"].is_object())
    })
}
