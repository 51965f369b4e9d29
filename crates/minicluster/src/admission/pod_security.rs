//! Pod Security levels: what a namespace's labels demand of the pods in it.
//!
//! `enforce` refuses pods; `warn` warns, of the templates of workloads too; `audit` is read and has no log to go to.

mod baseline;
mod restricted;

use serde_json::Value;

use super::{Lookup, Operation, Refusal, Request, list, text};
use crate::validate::Cause;

const PREFIX: &str = "pod-security.kubernetes.io/";
const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];

/// Pods that are looked at when a namespace gets a stricter level, as many as the real server looks at.
const MAX_CHECKED_PODS: usize = 3000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level as of a minor version of Kubernetes; the latest is [`LATEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    level: Level,
    minor: u32,
}

const LATEST: u32 = u32::MAX;

/// What is wrong with a pod: `reason (detail)`.
struct Finding {
    reason: &'static str,
    detail: String,
}

/// A rule: the first minor version that has it, and what it finds.
type Check = (u32, fn(&Pod<'_>) -> Option<Finding>);

/// A pod or the template of one.
struct Pod<'a> {
    annotations: &'a Value,
    spec: &'a Value,
    minor: u32,
}

/// Checks a pod, a workload with a template, or a namespace; gives the warnings.
///
/// # Errors
/// A pod that breaks the enforced level; a namespace with labels that mean nothing.
pub(super) fn validate(
    request: &Request<'_>,
    object: &Value,
    lookup: &dyn Lookup,
) -> Result<Vec<String>, Refusal> {
    if request.is_core("namespaces") {
        return namespace(request, object, lookup);
    }
    let added = request.subresource == "ephemeralcontainers" && request.resource == "pods";
    if !request.subresource.is_empty() && !added {
        return Ok(Vec::new());
    }
    let pod = request.group.is_empty() && request.resource == "pods";
    let Some((metadata, spec)) = pod_of(request, object) else {
        return Ok(Vec::new());
    };
    if pod && request.old.is_some_and(|old| !is_significant(old, object)) {
        return Ok(Vec::new());
    }
    let Some(namespace) = lookup.get("", "namespaces", "", request.namespace) else {
        return Ok(Vec::new());
    };
    let labels = &namespace["metadata"]["labels"];
    let found = |policy: Policy| findings(policy, metadata, spec);
    let enforced = policy(labels, "enforce");
    if pod && let Some(all) = joined(&found(enforced)) {
        let printed = print(enforced);
        return Err(Refusal::Forbidden(format!(
            "violates PodSecurity \"{printed}\": {all}"
        )));
    }
    let warned = policy_of_warnings(labels, enforced);
    let warning =
        joined(&found(warned)).map(|all| format!("would violate PodSecurity \"{}\": {all}", print(warned)));
    Ok(warning.into_iter().collect())
}

/// The metadata and the specification of the pods that an object is or makes.
fn pod_of<'a>(request: &Request<'_>, object: &'a Value) -> Option<(&'a Value, &'a Value)> {
    let template = match (request.group, request.resource) {
        ("", "pods") => object,
        ("", "podtemplates") => object.get("template")?,
        ("", "replicationcontrollers")
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => object.pointer("/spec/template")?,
        ("batch", "cronjobs") => object.pointer("/spec/jobTemplate/spec/template")?,
        _ => return None,
    };
    Some((&template["metadata"], template.get("spec")?))
}

/// Most updates of a pod can't change what the levels look at.
fn is_significant(old: &Value, new: &Value) -> bool {
    ["containers", "initContainers", "ephemeralContainers"]
        .into_iter()
        .any(|field| {
            let images = |pod: &Value| -> Vec<(String, String)> {
                let own = list(&pod["spec"], field).iter();
                own.map(|one| (text(one, "name").to_owned(), text(one, "image").to_owned()))
                    .collect()
            };
            images(old) != images(new)
        })
}

fn namespace(request: &Request<'_>, object: &Value, lookup: &dyn Lookup) -> Result<Vec<String>, Refusal> {
    let labels = &object["metadata"]["labels"];
    let causes = label_causes(labels);
    if !causes.is_empty() {
        return Err(Refusal::Invalid(causes));
    }
    let enforced = policy(labels, "enforce");
    let before = request
        .old
        .map(|old| policy(&old["metadata"]["labels"], "enforce"));
    let stricter = request.operation == Operation::Update
        && enforced.level != Level::Privileged
        && before.is_none_or(|before| before != enforced && before.level <= enforced.level);
    if !stricter {
        return Ok(Vec::new());
    }
    let pods = lookup.list("", "pods", request.name);
    let mut warnings: Vec<(String, Vec<String>)> = Vec::new();
    for pod in pods.iter().take(MAX_CHECKED_PODS) {
        let found = findings(enforced, &pod["metadata"], &pod["spec"]);
        if found.is_empty() {
            continue;
        }
        let reasons: Vec<&str> = found.iter().map(|one| one.reason).collect();
        let reasons = reasons.join(", ");
        let name = text(&pod["metadata"], "name").to_owned();
        match warnings.iter_mut().find(|(own, _)| *own == reasons) {
            Some((_, names)) => names.push(name),
            None => warnings.push((reasons, vec![name])),
        }
    }
    if warnings.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines: Vec<String> = warnings.into_iter().map(pods_with).collect();
    lines.sort();
    let head = format!(
        "existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"",
        request.name,
        print(enforced)
    );
    lines.insert(0, head);
    Ok(lines)
}

fn pods_with((reasons, mut names): (String, Vec<String>)) -> String {
    names.sort();
    let first = names.first().map(String::as_str).unwrap_or_default();
    match names.len() {
        1 => format!("{first}: {reasons}"),
        2 => format!("{first} (and 1 other pod): {reasons}"),
        all => format!("{first} (and {} other pods): {reasons}", all - 1),
    }
}

fn label_causes(labels: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for mode in ["enforce", "audit", "warn"] {
        for version in [false, true] {
            let name = format!("{PREFIX}{mode}{}", if version { "-version" } else { "" });
            let Some(value) = labels.get(&name).filter(|value| !value.is_null()) else {
                continue;
            };
            let written = value.as_str().unwrap_or_default();
            let (good, why) = if version {
                (minor(written).is_some(), "must be \"latest\" or \"v1.x\"")
            } else {
                (
                    LEVELS.contains(&written),
                    "must be one of privileged, baseline, restricted",
                )
            };
            if !good {
                causes.push(Cause::invalid(format!("metadata.labels[{name}]"), value, why));
            }
        }
    }
    causes
}

/// What a namespace's labels say of a mode; a level that means nothing enforces the strictest.
fn policy(labels: &Value, mode: &str) -> Policy {
    let level = match text(labels, &format!("{PREFIX}{mode}")) {
        "" | "privileged" => Level::Privileged,
        "baseline" => Level::Baseline,
        "restricted" => Level::Restricted,
        _ if mode == "enforce" => Level::Restricted,
        _ => Level::Privileged,
    };
    let version = text(labels, &format!("{PREFIX}{mode}-version"));
    Policy {
        level,
        minor: minor(version).unwrap_or(LATEST),
    }
}

/// Without a level of their own, warnings are of the level that is enforced.
fn policy_of_warnings(labels: &Value, enforced: Policy) -> Policy {
    if labels.get(format!("{PREFIX}warn")).is_some_and(Value::is_string) {
        policy(labels, "warn")
    } else {
        enforced
    }
}

fn minor(version: &str) -> Option<u32> {
    match version {
        "latest" => Some(LATEST),
        _ => version.strip_prefix("v1.")?.parse().ok(),
    }
}

fn print(policy: Policy) -> String {
    let level = LEVELS[policy.level as usize];
    match policy.minor {
        LATEST => format!("{level}:latest"),
        minor => format!("{level}:v1.{minor}"),
    }
}

fn findings(policy: Policy, metadata: &Value, spec: &Value) -> Vec<Finding> {
    let pod = Pod {
        annotations: &metadata["annotations"],
        spec,
        minor: policy.minor,
    };
    let checks: Vec<&Check> = match policy.level {
        Level::Privileged => Vec::new(),
        Level::Baseline => baseline::CHECKS.iter().chain(baseline::REPLACED).collect(),
        Level::Restricted => baseline::CHECKS.iter().chain(restricted::CHECKS).collect(),
    };
    let known = checks.into_iter().filter(|(since, _)| pod.minor >= *since);
    let mut found: Vec<Finding> = known.filter_map(|(_, check)| check(&pod)).collect();
    if policy.level == Level::Baseline {
        // The rules stand in the order of their names.
        found.sort_by_key(|one| baseline::place(one.reason));
    }
    found
}

fn joined(found: &[Finding]) -> Option<String> {
    let printed: Vec<String> = found
        .iter()
        .map(|one| format!("{} ({})", one.reason, one.detail))
        .collect();
    (!printed.is_empty()).then(|| printed.join(", "))
}

impl<'a> Pod<'a> {
    /// All containers in the order in which the real server looks at them.
    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .flat_map(move |field| list(spec, field))
    }

    /// The names of the containers for which something is true.
    fn names(&self, is: impl Fn(&Value) -> bool) -> Vec<String> {
        self.containers()
            .filter(|container| is(container))
            .map(|container| text(container, "name").to_owned())
            .collect()
    }

    fn is_windows(&self) -> bool {
        self.minor >= 25 && self.spec["os"]["name"] == "windows"
    }

    /// A pod with users of its own may be root inside.
    fn has_own_users(&self) -> bool {
        self.minor >= 35 && self.spec["hostUsers"] == false
    }
}

/// `container "a"`, `containers "a", "b"`.
fn containers(names: &[String]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

/// The pod and its containers that set something: `pod and container "a"`.
fn setters(pod: bool, names: &[String]) -> Option<String> {
    let mut all = Vec::new();
    if pod {
        all.push("pod".to_owned());
    }
    if !names.is_empty() {
        all.push(containers(names));
    }
    (!all.is_empty()).then(|| all.join(" and "))
}

fn quoted<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("{:?}", name.as_ref()))
        .collect();
    names.join(", ")
}

fn plural(word: &str, count: usize) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
