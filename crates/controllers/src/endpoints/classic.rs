//! The Endpoints object of a Service: all its addresses in one, ready or not.

use std::collections::BTreeMap;

use objects::control::{Action, Plan};
use objects::{Key, Kind, World, meta};
use serde_json::{Value, json};

use super::{Address, hostname, labels, pod_reference, replace};

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const OURSELVES: &str = "endpoint-controller";

/// The most addresses of one object; the rest is only in the slices, as with the real controller.
const MAX_ADDRESSES: usize = 1000;

/// Addresses that have the same ports.
#[derive(Default)]
struct Subset {
    ports: Value,
    ready: Vec<Value>,
    not_ready: Vec<Value>,
}

pub(super) fn plan(service: &Value, addresses: &[Address<'_>], existing: Option<&Value>) -> Plan {
    let mut subsets: BTreeMap<String, Subset> = BTreeMap::new();
    let staying = addresses
        .iter()
        .filter(|address| !address.terminating || address.ready);
    for address in staying.take(MAX_ADDRESSES) {
        let subset = subsets.entry(address.ports.to_string()).or_default();
        subset.ports = address.ports.clone();
        let list = if address.ready {
            &mut subset.ready
        } else {
            &mut subset.not_ready
        };
        list.push(shown(service, address));
    }
    let subsets: Vec<Value> = subsets.into_values().map(Subset::into_value).collect();
    let subsets = if subsets.is_empty() {
        Value::Null
    } else {
        json!(subsets)
    };
    let mut labels = labels(service, &[(MANAGED_BY, OURSELVES)]);
    if let Some(fields) = labels.as_object_mut() {
        // Said by clients for other objects than this one.
        fields.remove("endpoints.kubernetes.io/last-change-trigger-time");
    }
    let action = match existing {
        Some(old) => replace(&Kind::ENDPOINTS, old, &[("subsets", subsets)], &labels),
        None => {
            let mut new = json!({
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": {
                    "name": meta::name(service),
                    "namespace": meta::namespace(service),
                    "labels": labels,
                },
            });
            if !subsets.is_null() {
                new["subsets"] = subsets;
            }
            Some(Action::Create(new))
        }
    };
    Plan::of(action.into_iter().collect())
}

/// Deletes what this controller made for a Service that is gone.
pub(super) fn abandon(world: &World, key: &Key, existing: &Value) -> Option<Action> {
    let ours = meta::label(existing, MANAGED_BY) == Some(OURSELVES);
    (ours && world.get(key).is_none() && !meta::is_deleted(existing))
        .then(|| Action::delete(Key::of(Kind::ENDPOINTS, existing), existing))
}

impl Subset {
    fn into_value(self) -> Value {
        let mut subset = json!({});
        for (field, mut list) in [("addresses", self.ready), ("notReadyAddresses", self.not_ready)] {
            list.sort_by(|a, b| meta::text(a, "ip").cmp(meta::text(b, "ip")));
            if !list.is_empty() {
                subset[field] = json!(list);
            }
        }
        let no_ports = self.ports.as_array().is_none_or(Vec::is_empty);
        if !no_ports {
            subset["ports"] = self.ports;
            for port in subset["ports"].as_array_mut().into_iter().flatten() {
                if let Some(fields) = port.as_object_mut()
                    && fields.get("name") == Some(&json!(""))
                {
                    fields.remove("name");
                }
            }
        }
        subset
    }
}

fn shown(service: &Value, address: &Address<'_>) -> Value {
    let mut shown = json!({"ip": address.ip, "targetRef": pod_reference(address.pod)});
    let node = meta::text_at(address.pod, "/spec/nodeName");
    if !node.is_empty() {
        shown["nodeName"] = json!(node);
    }
    if let Some(hostname) = hostname(service, address.pod) {
        shown["hostname"] = json!(hostname);
    }
    shown
}
