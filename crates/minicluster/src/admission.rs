//! What the API server decides about a write beyond the shape of the object: the built-in admission plug-ins.
//!
//! ```text
//! defaults ──► mutate ──► validation ──► validate ──► quota ──► store
//! ```
//!
//! Pure decisions over what they are handed: the request, the object, and a [`Lookup`] for other objects. Each
//! plug-in is a file; the two lists below are their order, which is that of the real server. Deliberately absent:
//! webhooks (never called; a configuration of one is answered with a warning), policies in CEL, and the plug-ins that
//! are off by default.

mod amount;
mod classes;
mod lifecycle;
mod limit_ranger;
mod limits;
pub mod pod_security;
mod priority;
pub mod quota;
mod service_account;
mod tolerations;

use serde_json::Value;

use crate::validate::Cause;

pub use classes::protection;
pub use lifecycle::{deletable, system_priority_classes};

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
}

/// A write, as the plug-ins see it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub group: &'a str,
    /// The plural.
    pub resource: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
    pub operation: Operation,
    /// Empty for objects of the cluster.
    pub namespace: &'a str,
    pub name: &'a str,
    /// The object that is replaced.
    pub old: Option<&'a Value>,
    /// Random characters for a name that is made up.
    pub suffix: &'a str,
}

/// Other objects of the cluster.
pub trait Lookup {
    /// An object by its plural; `namespace` is empty for objects of the cluster.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Value>;
    fn list(&self, group: &str, resource: &str, namespace: &str) -> Vec<Value>;
}

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 403 with this cause behind `is forbidden: `.
    Forbidden(String),
    /// 403 of a namespace that is going.
    Terminating(String),
    /// 404 of a namespace.
    NoNamespace(String),
    /// 422.
    Invalid(Vec<Cause>),
}

impl Request<'_> {
    /// True for the object itself, not a subresource, of a resource of the core group.
    fn is_core(&self, resource: &str) -> bool {
        self.group.is_empty() && self.resource == resource && self.subresource.is_empty()
    }

    fn creates(&self, resource: &str) -> bool {
        self.is_core(resource) && self.operation == Operation::Create
    }
}

/// Refuses what may not be written at all, before anything else is looked at.
///
/// # Errors
/// A namespace that is missing or going.
pub fn begin(request: &Request<'_>, lookup: &dyn Lookup) -> Result<(), Refusal> {
    lifecycle::namespace(request, lookup)
}

/// Changes an object that has its defaults.
///
/// # Errors
/// The first plug-in that refuses.
pub fn mutate(request: &Request<'_>, object: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    limit_ranger::mutate(request, object, lookup);
    service_account::mutate(request, object, lookup)?;
    lifecycle::taint_new_node(request, object);
    priority::mutate(request, object, lookup)?;
    tolerations::mutate(request, object);
    classes::mutate(request, object, lookup)
}

/// Checks an object that has passed validation; gives the warnings for the client.
///
/// # Errors
/// The first plug-in that refuses.
pub fn validate(request: &Request<'_>, object: &Value, lookup: &dyn Lookup) -> Result<Vec<String>, Refusal> {
    limit_ranger::validate(request, object, lookup)?;
    let warnings = pod_security::validate(request, object, lookup)?;
    priority::validate(request, object, lookup)?;
    classes::validate(request, object, lookup)?;
    Ok([warnings, webhooks(request)].concat())
}

/// Webhooks are never called, and who configures one must know.
fn webhooks(request: &Request<'_>) -> Vec<String> {
    let webhook = matches!(
        request.resource,
        "validatingwebhookconfigurations" | "mutatingwebhookconfigurations"
    );
    if request.group == "admissionregistration.k8s.io" && webhook {
        vec!["this cluster stores webhook configurations but calls no webhooks".to_owned()]
    } else {
        Vec::new()
    }
}

/// The entries of a list field.
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The named list of a map, made when it is not there.
fn list_mut<'a>(value: &'a mut Value, field: &str) -> Option<&'a mut Vec<Value>> {
    let list = value
        .as_object_mut()?
        .entry(field)
        .or_insert_with(|| Value::Array(Vec::new()));
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut()
}

/// Sets a field of a map.
fn put(value: &mut Value, field: &str, new: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(field.to_owned(), new);
    }
}

/// True for a pod that stands for one that a node made from a file.
fn is_mirror(pod: &Value) -> bool {
    pod.pointer("/metadata/annotations")
        .is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some())
}
