//! What single built-in kinds do differently when they are written, in tables where a table will do.
//!
//! Namespaces get their finalizer, Services their address, definitions their conditions, Secrets their data. The
//! rules that every kind has stand in `metadata` and `write`; controllers' work is none of this file's.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::catalog::Served;
use super::failure::{Cause, Failure};
use super::reply::Reply;
use super::world::now;
use super::{Call, Registry, metadata};

/// The service range that the goldens assume: 10.96.0.0/16.
const FIRST_ADDRESS: u32 = 0x0a60_0001;
const LAST_ADDRESS: u32 = 0x0a60_fffe;
/// Addresses below are for Services that ask for one, as the real allocator prefers.
const FIRST_DYNAMIC: u32 = 0x0a60_0100;

/// The Service addresses in use.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    used: Mutex<BTreeSet<u32>>,
}

/// The status of a new object as the server prints it, by kind; all others have none.
const INITIAL_STATUS: &[(&str, &str, &str)] = &[
    ("", "namespaces", r#"{"phase":"Active"}"#),
    ("", "persistentvolumeclaims", r#"{"phase":"Pending"}"#),
    ("", "persistentvolumes", r#"{"phase":"Pending"}"#),
    ("", "pods", r#"{"phase":"Pending","qosClass":"BestEffort"}"#),
    ("", "replicationcontrollers", r#"{"replicas":0}"#),
    ("", "resourcequotas", "{}"),
    ("", "services", r#"{"loadBalancer":{}}"#),
    (
        "apps",
        "daemonsets",
        r#"{"currentNumberScheduled":0,"desiredNumberScheduled":0,"numberMisscheduled":0,"numberReady":0}"#,
    ),
    ("apps", "deployments", "{}"),
    ("apps", "replicasets", r#"{"replicas":0}"#),
    ("apps", "statefulsets", r#"{"availableReplicas":0,"replicas":0}"#),
    (
        "autoscaling",
        "horizontalpodautoscalers",
        r#"{"currentMetrics":null,"desiredReplicas":0}"#,
    ),
    ("batch", "cronjobs", "{}"),
    ("batch", "jobs", "{}"),
    ("networking.k8s.io", "ingresses", r#"{"loadBalancer":{}}"#),
    (
        "policy",
        "poddisruptionbudgets",
        r#"{"currentHealthy":0,"desiredHealthy":0,"disruptionsAllowed":0,"expectedPods":0}"#,
    ),
    ("certificates.k8s.io", "certificatesigningrequests", "{}"),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        "{}",
    ),
];

/// Clients don't say the status of a new object; the server does.
pub(super) fn strip_status(served: &Served, object: &mut Value) {
    if served.has_status
        && !served.is("", "nodes")
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
}

/// What a kind's object gets before its owners are recorded.
pub(super) fn begin(registry: &Registry, call: &Call, object: &mut Value) -> Result<(), Failure> {
    let served = &*call.served;
    match (served.resource.group.as_str(), served.resource.plural.as_str()) {
        ("", "namespaces") => {
            let name = metadata::text(object, "name").to_owned();
            metadata::of_mut(object)
                .entry("labels")
                .or_insert_with(|| json!({}))["kubernetes.io/metadata.name"] = json!(name);
        }
        ("", "secrets") => secret(object),
        ("", "services") => registry.services.assign(object)?,
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => forget_empty_rules(object),
        ("apiextensions.k8s.io", "customresourcedefinitions") => establish(object),
        _ => {}
    }
    Ok(())
}

/// What it gets after they are: the status, which nobody owns yet.
pub(super) fn finish(served: &Served, object: &mut Value) {
    let resource = &served.resource;
    let found = INITIAL_STATUS
        .iter()
        .find(|(group, plural, _)| served.is(group, plural) && served.custom.is_none());
    if let Some((_, _, status)) = found {
        object["status"] = serde_json::from_str(status).expect("the table holds JSON");
    }
    if served.is("", "namespaces") {
        object["spec"] = json!({"finalizers": ["kubernetes"]});
    }
    if resource.kind == "Pod" && resource.group.is_empty() {
        object["status"]["qosClass"] = json!(quality(object));
    }
}

/// The rules of updates that belong to one kind.
pub(super) fn check_update(served: &Served, live: &Value, object: &mut Value) -> Result<(), Failure> {
    let immutable: &[&str] = match (served.resource.group.as_str(), served.resource.plural.as_str()) {
        ("", "secrets") => {
            secret(object);
            &["/type"]
        }
        ("apps", "deployments" | "replicasets" | "daemonsets") => &["/spec/selector"],
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => &["/roleRef"],
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
            forget_empty_rules(object);
            &[]
        }
        ("", "services") => {
            keep_address(live, object);
            &[]
        }
        ("", "namespaces") => {
            object["spec"] = live["spec"].clone();
            &[]
        }
        _ => &[],
    };
    let changed = immutable
        .iter()
        .filter(|path| live.pointer(path) != object.pointer(path));
    let causes: Vec<Cause> = changed
        .map(|path| {
            let field = path.trim_start_matches('/').replace('/', ".");
            let value = object.pointer(path).cloned().unwrap_or_default();
            Cause::invalid(&field, &value, "field is immutable")
        })
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    let resource = &served.resource;
    let name = metadata::text(live, "name");
    Err(Failure::invalid(&resource.group, &resource.kind, name, &causes))
}

/// True while something must happen before a deleted object goes.
pub(super) fn is_held(served: &Served, object: &Value) -> bool {
    let contents = object.pointer("/spec/finalizers").and_then(Value::as_array);
    let namespace = served.is("", "namespaces") && contents.is_some_and(|all| !all.is_empty());
    metadata::has_finalizers(object) || namespace
}

/// Kinds whose deletion is answered with the object even when it is gone.
pub(super) fn answers_deleted_object(served: &Served) -> bool {
    served.is("", "pods") || served.is("", "namespaces")
}

/// Kinds that `PUT` creates.
pub(super) fn created_by_update(served: &Served) -> bool {
    let resource = &served.resource;
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        ("coordination.k8s.io", "leases") | ("", "endpoints" | "events") | ("rbac.authorization.k8s.io", _)
    )
}

pub(super) fn grace_seconds(served: &Served, object: &Value, asked: Option<i64>) -> i64 {
    let scheduled = object
        .pointer("/spec/nodeName")
        .and_then(Value::as_str)
        .is_some_and(|node| !node.is_empty());
    if !served.is("", "pods") || !scheduled {
        return 0;
    }
    let own = object
        .pointer("/spec/terminationGracePeriodSeconds")
        .and_then(Value::as_i64);
    asked.or(own).unwrap_or(30).max(0)
}

pub(super) fn mark(served: &Served, object: &mut Value) {
    if served.is("", "namespaces") {
        object["status"]["phase"] = json!("Terminating");
    }
}

/// Gives a definition the names and conditions that a controller would give it a moment later.
pub(super) fn establish(object: &mut Value) {
    let names = &object["spec"]["names"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    let mut names = names.clone();
    for (field, value) in [
        ("singular", kind.to_lowercase()),
        ("listKind", format!("{kind}List")),
    ] {
        if !names[field].is_string() {
            names[field] = json!(value);
        }
    }
    object["spec"]["names"] = names.clone();
    if !object["spec"]["conversion"].is_object() {
        object["spec"]["conversion"] = json!({"strategy": "None"});
    }
    if object.pointer("/status/conditions").is_some() {
        object["status"]["acceptedNames"] = names;
        return;
    }
    let versions = object["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<Value> = versions
        .filter(|version| version["storage"] == json!(true))
        .map(|version| version["name"].clone())
        .collect();
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()});
    object["status"] = json!({
        "acceptedNames": names,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored,
    });
}

/// `POST` on a subresource. Those that need a node are not here yet.
pub(super) async fn subresource(registry: &Registry, call: &Call, object: Value) -> Result<Reply, Failure> {
    let done = |code: u16| {
        Ok(Reply::json(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}),
        ))
    };
    if !call.served.is("", "pods") || call.subresource() != "binding" {
        return Err(Failure::method_not_allowed());
    }
    let found = registry.find(call)?;
    let live = super::complete(&call.served, &found)?;
    let mut bound = live.clone();
    bound["spec"]["nodeName"] = object["target"]["name"].clone();
    super::write::replace(registry, call, (&found, &live), bound, false).await?;
    done(201)
}

/// The real server's storage doesn't tell an empty list from none, and prints both as null.
fn forget_empty_rules(object: &mut Value) {
    if object["rules"].as_array().is_some_and(Vec::is_empty) {
        object["rules"] = Value::Null;
    }
}

fn secret(object: &mut Value) {
    if !object["type"].is_string() {
        object["type"] = json!("Opaque");
    }
    let Some(plain) = object
        .as_object_mut()
        .and_then(|fields| fields.remove("stringData"))
    else {
        return;
    };
    for (key, value) in plain.as_object().into_iter().flatten() {
        let bytes = value.as_str().unwrap_or_default().as_bytes();
        if !object["data"].is_object() {
            object["data"] = json!({});
        }
        object["data"][key] = json!(base64(bytes));
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit <= chunk.len() {
                char::from(ALPHABET[index as usize])
            } else {
                '='
            });
        }
    }
    out
}

fn quality(pod: &Value) -> &'static str {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let mut any = false;
    let mut all = true;
    for container in containers.into_iter().flatten() {
        let amount = |which: &str, what: &str| container.pointer(&format!("/resources/{which}/{what}"));
        for what in ["cpu", "memory"] {
            let (request, limit) = (amount("requests", what), amount("limits", what));
            any |= request.is_some() || limit.is_some();
            all &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn keep_address(live: &Value, object: &mut Value) {
    if object["spec"]["type"] == json!("ExternalName") {
        return;
    }
    for field in [
        "clusterIP",
        "clusterIPs",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "sessionAffinity",
    ] {
        let (old, new) = (&live["spec"][field], &object["spec"][field]);
        if new.is_null() && !old.is_null() {
            object["spec"][field] = old.clone();
        }
    }
}

impl Addresses {
    /// Reserves the address of a Service that is there already.
    pub(super) fn reserve(&self, service: &Value) {
        if let Some(address) = address_of(service) {
            self.used
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(address);
        }
    }

    pub(super) fn free(&self, service: &Value) {
        if let Some(address) = address_of(service) {
            self.used
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&address);
        }
    }

    fn assign(&self, service: &mut Value) -> Result<(), Failure> {
        let spec = &mut service["spec"];
        if spec["type"] == json!("ExternalName") {
            return Ok(());
        }
        if spec["clusterIP"].as_str().unwrap_or_default().is_empty() {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            let next = used
                .range(FIRST_DYNAMIC..)
                .next_back()
                .map_or(FIRST_DYNAMIC, |last| last + 1);
            let free = (next..=LAST_ADDRESS)
                .chain(FIRST_ADDRESS..next)
                .find(|one| !used.contains(one));
            let address =
                free.ok_or_else(|| Failure::internal("failed to allocate a serviceIP: range is full"))?;
            used.insert(address);
            spec["clusterIP"] = json!(std::net::Ipv4Addr::from(address).to_string());
        }
        let address = spec["clusterIP"].clone();
        let defaults = [
            ("clusterIPs", json!([address])),
            ("ipFamilies", json!(["IPv4"])),
            ("ipFamilyPolicy", json!("SingleStack")),
        ];
        for (field, value) in defaults {
            if spec[field].is_null() {
                spec[field] = value;
            }
        }
        Ok(())
    }
}

fn address_of(service: &Value) -> Option<u32> {
    let text = service.pointer("/spec/clusterIP")?.as_str()?;
    let address: std::net::Ipv4Addr = text.parse().ok()?;
    Some(u32::from(address))
}
