//! Ways out of a tenant by what a chart may carry: one table, for the check of a cluster, for the guard's tests and for the
//! document.

mod bounds;
mod cluster;
mod network;
mod other;
mod rights;

use serde_json::{Value, json};

use super::{Ground, PROBE, Victim, pods};
use crate::names::TENANT_LABEL;

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const NETWORK: &str = "networking.k8s.io/v1";
const GATEWAY: &str = "gateway.networking.k8s.io/v1";

/// A host that is nobody's, and an address of documents.
const HOST: &str = "shipway-check.invalid";
const ADDRESS: &str = "192.0.2.1";

/// A way out: an object that is not to be.
#[derive(Debug)]
pub struct Way {
    /// Never changed nor reused.
    pub id: &'static str,
    pub title: &'static str,
    /// The check by which the guard finds it in a chart; empty where only the cluster can know.
    pub check: &'static str,
    pub api_version: &'static str,
    pub kind: &'static str,
    pub(super) object: fn(&Ground) -> Option<Value>,
}

impl Way {
    /// The object; `None` where it is no way out, or needs a victim that is not there.
    #[must_use]
    pub fn object(&self, ground: &Ground) -> Option<Value> {
        let mut object = (self.object)(ground)?;
        object["apiVersion"] = self.api_version.into();
        object["kind"] = self.kind.into();
        Some(object)
    }
}

/// Every way, those by pods first.
#[must_use]
pub fn ways() -> Vec<&'static Way> {
    [
        pods::WAYS,
        bounds::WAYS,
        rights::WAYS,
        network::WAYS,
        other::WAYS,
        cluster::WAYS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A way: its id, title and check, and the kind of its object.
const fn way(
    (id, title, check): (&'static str, &'static str, &'static str),
    (api_version, kind): (&'static str, &'static str),
    object: fn(&Ground) -> Option<Value>,
) -> Way {
    Way {
        id,
        title,
        check,
        api_version,
        kind,
        object,
    }
}

fn victim(ground: &Ground) -> Option<&Victim> {
    ground.victim.as_ref()
}

/// An object that is a way out whoever the others are.
fn alone(ground: &Ground, object: Value) -> Option<Value> {
    ground.victim.is_none().then_some(object)
}

fn named(namespace: &str) -> Value {
    json!({"name": PROBE, "namespace": namespace})
}

fn role(ground: &Ground, rule: &Value) -> Option<Value> {
    alone(
        ground,
        json!({"metadata": named(&ground.namespace), "rules": [rule]}),
    )
}

fn binding(ground: &Ground, role: &str, subject: &Value) -> Option<Value> {
    alone(ground, bound(&ground.namespace, role, subject))
}

fn bound(namespace: &str, role: &str, subject: &Value) -> Value {
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    json!({"metadata": named(namespace), "roleRef": role, "subjects": [subject]})
}

fn policy(ground: &Ground, openings: Value) -> Value {
    let mut spec = openings;
    spec["podSelector"] = json!({});
    json!({"metadata": named(&ground.namespace), "spec": spec})
}

fn peer(tenant: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant}}})
}

fn ingress(ground: &Ground, mut rule: Value) -> Value {
    let backend = json!({"service": {"name": PROBE, "port": {"number": 80}}});
    rule["http"] = json!({"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]});
    json!({"metadata": named(&ground.namespace), "spec": {"rules": [rule]}})
}

/// A host that the attacker may serve, so that something else of an Ingress is what is refused.
fn own_host(ground: &Ground) -> String {
    let first = ground.hosts.first().map_or(HOST, String::as_str);
    first.replacen('*', PROBE, 1)
}

/// A host of the victim's, of a whole domain a name in it.
fn host(victim: &Victim) -> Option<String> {
    let first = victim.hosts.first()?;
    Some(first.replacen('*', PROBE, 1))
}
