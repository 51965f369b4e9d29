//! The subresources of pods that are more than a part of the object: binding, eviction, and what may be changed of a
//! running pod.

use std::sync::Arc;

use objects::Selector;
use serde_json::{Value, json};

use super::failure::{Cause, Failure};
use super::query::DeleteOptions;
use super::reply::{self, Form, Reply};
use super::write::{self, Ready, replace};
use super::{Call, Registry, complete, delete, fields, metadata};
use crate::admission::Lookup as _;

/// How often an eviction is tried again because its budget changed meanwhile.
const MAX_TRIES: usize = 10;

/// Pods that may be on their way out of one budget, as in the real server.
const MAX_DISRUPTED: usize = 2000;

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// `POST` on a subresource.
pub(super) async fn create_part(registry: &Registry, call: &Call, dry_run: bool) -> Result<Reply, Failure> {
    match call.subresource() {
        "binding" if call.served.is("", "pods") => bind(registry, call, dry_run).await,
        "eviction" if call.served.is("", "pods") => evict(registry, call, dry_run).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

/// The stored pod with the part that a subresource writes taken from what was sent.
pub(super) fn part(subresource: &str, live: &Value, sent: &Value) -> Value {
    let mut pod = live.clone();
    if let Some(version) = metadata::of(sent).get("resourceVersion") {
        metadata::of_mut(&mut pod).insert("resourceVersion".to_owned(), version.clone());
    }
    if let Some(managed) = metadata::of(sent).get("managedFields") {
        metadata::of_mut(&mut pod).insert("managedFields".to_owned(), managed.clone());
    }
    if subresource == "ephemeralcontainers" {
        match sent["spec"].get("ephemeralContainers") {
            Some(containers) => pod["spec"]["ephemeralContainers"] = containers.clone(),
            None => {
                if let Some(spec) = pod["spec"].as_object_mut() {
                    spec.remove("ephemeralContainers");
                }
            }
        }
        return pod;
    }
    for field in ["containers", "initContainers"] {
        let containers = pod["spec"].get_mut(field).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let mut sent = sent["spec"][field].as_array().into_iter().flatten();
            let Some(own) = sent.find(|one| one["name"] == container["name"]) else {
                continue;
            };
            for kept in ["resources", "resizePolicy"] {
                if let Some(value) = own.get(kept) {
                    container[kept] = value.clone();
                }
            }
        }
    }
    pod
}

/// A scheduler's decision: sets the node of a pod that has none.
async fn bind(registry: &Registry, call: &Call, dry_run: bool) -> Result<Reply, Failure> {
    let binding = decode(call)?;
    check_name(call, &binding, "Binding")?;
    let (kind, node) = (&binding["target"]["kind"], &binding["target"]["name"]);
    if !matches!(kind.as_str().unwrap_or_default(), "" | "Node") {
        let cause = Cause::unsupported("target.kind", kind, &["Node", "<empty>"]);
        return Err(Failure::internal(format!("{}: {}", cause.field, cause.message)));
    }
    let node = node.as_str().unwrap_or_default();
    if node.is_empty() {
        return Err(Failure::internal("target.name: Required value"));
    }
    for _ in 0..write::MAX_TRIES {
        // Without an answer, something else of the pod changed meanwhile.
        if let Some(reply) = assign(registry, call, (&binding, node), dry_run).await? {
            return Ok(reply);
        }
    }
    Err(Failure::modified(&call.served.resource, call.name()))
}

/// `POST` on the collection of bindings, the older way: the binding has the name of its pod.
pub(super) async fn bind_named(registry: &Registry, call: &Call, dry_run: bool) -> Result<Reply, Failure> {
    let catalog = registry.catalog();
    let pods = catalog.find("", "v1", "pods").ok_or_else(Failure::no_resource)?;
    let named = fields::decode(call, "CreateOptions")?.object;
    let mut call = call.clone();
    call.served = Arc::clone(pods);
    call.target.plural = pods.resource.plural.clone();
    call.target.name = Some(metadata::text(&named, "name").to_owned());
    call.target.subresource = Some("binding".to_owned());
    bind(registry, &call, dry_run).await
}

/// Gives a pod its node, unless it has one or can't have any. Nothing if the pod changed meanwhile.
async fn assign(
    registry: &Registry,
    call: &Call,
    (binding, node): (&Value, &str),
    dry_run: bool,
) -> Result<Option<Reply>, Failure> {
    let found = registry.find(call)?;
    let live = complete(&call.served, &found)?;
    let name = call.name();
    let bound = live["spec"]["nodeName"].as_str().unwrap_or_default();
    let gates = live["spec"]["schedulingGates"].as_array();
    let problem = if metadata::is_terminating(&live) {
        Some(format!(
            "pod {name} is being deleted, cannot be assigned to a host"
        ))
    } else if !bound.is_empty() {
        Some(format!("pod {name} is already assigned to node \"{bound}\""))
    } else if gates.is_some_and(|gates| !gates.is_empty()) {
        Some(format!("pod {name} has non-empty .spec.schedulingGates"))
    } else {
        None
    };
    if let Some(problem) = problem {
        let message = format!("Operation cannot be fulfilled on pods/binding \"{name}\": {problem}");
        let details = json!({"name": name, "kind": "pods/binding"});
        return Err(Failure::new(409, "Conflict", message).with_details(details));
    }
    let mut pod = live.clone();
    pod["spec"]["nodeName"] = json!(node);
    let annotations = metadata::of(binding)
        .get("annotations")
        .and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        pod["metadata"]["annotations"][key] = value.clone();
    }
    schedule(&mut pod, &call.around.now());
    match replace(registry, call, (&found, &live), Ready::computed(pod), dry_run).await {
        Err(failure) if failure.reason == "Conflict" => Ok(None),
        result => Ok(Some(match (call.form, result?.0) {
            (Form::Value, bound) => reply::written(call, 201, bound),
            _ => success(),
        })),
    }
}

/// The condition that says that a node was found.
fn schedule(pod: &mut Value, now: &str) {
    let generation = metadata::of(pod).get("generation").cloned();
    let mut condition = json!({
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    if let Some(generation) = generation {
        condition["observedGeneration"] = generation;
    }
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    if let Some(conditions) = pod["status"]["conditions"].as_array_mut() {
        conditions.retain(|one| one["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

/// Deletes a pod if its disruption budget lets it go.
async fn evict(registry: &Registry, call: &Call, dry_run: bool) -> Result<Reply, Failure> {
    let eviction = decode(call)?;
    check_name(call, &eviction, "Eviction")?;
    let mut options = DeleteOptions::read(&call.query, &eviction["deleteOptions"])?;
    options.dry_run |= dry_run;
    for _ in 0..MAX_TRIES {
        let found = registry.find(call)?;
        let pod = complete(&call.served, &found)?;
        match spend(registry, call, &pod, options.dry_run).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(failure) => return Err(failure),
        }
        return delete::again(registry, call, &options).await.map(|()| success());
    }
    Err(Failure::modified(&call.served.resource, call.name()))
}

/// Takes one disruption from the budget of a pod, if it has one. False if the budget changed meanwhile.
async fn spend(registry: &Registry, call: &Call, pod: &Value, dry_run: bool) -> Result<bool, Failure> {
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    if metadata::is_terminating(pod) || matches!(phase, "Succeeded" | "Failed" | "Pending") {
        return Ok(true);
    }
    let namespace = call.namespace().unwrap_or_default();
    let mut budgets = registry.list("policy", "poddisruptionbudgets", namespace);
    budgets.retain(|budget| {
        let selector = &budget["spec"]["selector"];
        selector.is_object() && Selector::from_json(selector).selects(pod)
    });
    let budget = match budgets.as_slice() {
        [] => return Ok(true),
        [one] => one,
        _ => {
            return Err(Failure::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let number = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    if !objects::pod::is_ready(pod) {
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        let enough = number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0;
        if always || enough {
            return Ok(true);
        }
    }
    check_budget(budget)?;
    if dry_run {
        return Ok(true);
    }
    let mut status = budget["status"].clone();
    status["disruptionsAllowed"] = json!(number("disruptionsAllowed") - 1);
    status["disruptedPods"][call.name()] = json!(call.around.now());
    if number("disruptionsAllowed") == 1 {
        close(&mut status, &call.around.now());
    }
    Ok(registry.write_budget(namespace, budget, &status).await)
}

/// A budget that is used up says so in its condition.
fn close(status: &mut Value, now: &str) {
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        if condition["type"] == "DisruptionAllowed" && condition["status"] == "True" {
            condition["status"] = json!("False");
            condition["reason"] = json!("InsufficientPods");
            condition["lastTransitionTime"] = json!(now);
        }
    }
}

fn check_budget(budget: &Value) -> Result<(), Failure> {
    let name = metadata::text(budget, "name");
    let number = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    let refused = |message: String, details: Value| {
        let mut details = details;
        details["causes"] = json!([{"reason": "DisruptionBudget", "message": message}]);
        Failure::new(429, "TooManyRequests", REFUSED).with_details(details)
    };
    let generation = metadata::of(budget).get("generation").and_then(Value::as_i64);
    if number("observedGeneration") < generation.unwrap_or(0) {
        let message = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(message, json!({"retryAfterSeconds": 10})));
    }
    let forbidden = |cause: &str| {
        let message = format!("poddisruptionbudget.policy \"{name}\" is forbidden: {cause}");
        let details = json!({"name": name, "group": "policy", "kind": "poddisruptionbudget"});
        Failure::new(403, "Forbidden", message).with_details(details)
    };
    if number("disruptionsAllowed") < 0 {
        return Err(forbidden("pdb disruptions allowed is negative"));
    }
    let disrupted = budget["status"]["disruptedPods"].as_object();
    if disrupted.is_some_and(|pods| pods.len() > MAX_DISRUPTED) {
        return Err(forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if number("disruptionsAllowed") > 0 {
        return Ok(());
    }
    let mut conditions = budget["status"]["conditions"].as_array().into_iter().flatten();
    let failed = conditions.find(|one| {
        one["type"] == "DisruptionAllowed" && one["status"] == "False" && one["reason"] == "SyncFailed"
    });
    let message = match failed {
        Some(condition) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {}",
            condition["message"].as_str().unwrap_or_default()
        ),
        None => format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number("desiredHealthy"),
            number("currentHealthy")
        ),
    };
    Err(refused(message, json!({})))
}

/// The body, which is an object of the subresource's own kind.
fn decode(call: &Call) -> Result<Value, Failure> {
    let served = call.served.of_subresource(call.subresource());
    let call = &Call {
        served: Arc::new(served.ok_or_else(Failure::no_resource)?),
        ..call.clone()
    };
    Ok(fields::decode(call, "CreateOptions")?.object)
}

fn check_name(call: &Call, sent: &Value, kind: &str) -> Result<(), Failure> {
    let name = metadata::text(sent, "name");
    if name.is_empty() || name == call.name() {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "name in URL does not match name in {kind} object"
    )))
}

fn success() -> Reply {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Reply::json(201, &status)
}
