//! Addresses spread over slices.

use std::collections::{BTreeMap, HashMap};

use objects::control::{Action, Plan};
use objects::{Kind, World, meta};
use serde_json::{Value, json};

use super::{Address, hostname, labels, pod_reference, replace};

pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const OURSELVES: &str = "endpointslice-controller.k8s.io";

/// The most addresses of one slice, as the real controller's default.
const MAX_ADDRESSES: usize = 100;

/// A slice as it should be: which one, and what is in it.
struct Wanted<'a> {
    existing: Option<&'a Value>,
    ports: Value,
    endpoints: Vec<Value>,
}

/// Brings the slices of a Service up to its addresses.
pub(super) fn plan(world: &World, service: &Value, addresses: &[Address<'_>]) -> Plan {
    let ours = |slice: &&Value| meta::label(slice, MANAGED_BY) == Some(OURSELVES) && !meta::is_deleted(slice);
    let existing: Vec<&Value> = world
        .controlled(meta::uid(service), &Kind::ENDPOINT_SLICE)
        .map(|slice| &**slice)
        .filter(ours)
        .collect();
    let mut by_ports: BTreeMap<String, (Value, Vec<&Address<'_>>)> = BTreeMap::new();
    for address in addresses {
        let entry = by_ports.entry(address.ports.to_string());
        entry
            .or_insert_with(|| (address.ports.clone(), Vec::new()))
            .1
            .push(address);
    }
    let mut wanted = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    for (ports, addresses) in by_ports.into_values() {
        let same: Vec<&Value> = existing
            .iter()
            .copied()
            .filter(|slice| slice["ports"] == ports)
            .collect();
        used.extend(same.iter().map(|slice| meta::name(slice)));
        wanted.extend(spread(world, service, &same, (ports, &addresses)));
    }
    let labels = labels(
        service,
        &[(MANAGED_BY, OURSELVES), (SERVICE_NAME, meta::name(service))],
    );
    let mut actions = Vec::new();
    let mut spare: Vec<&Value> = existing
        .into_iter()
        .filter(|slice| !used.contains(&meta::name(slice)))
        .collect();
    if wanted.iter().all(|slice| slice.endpoints.is_empty()) {
        // One empty slice says that the Service is known and has nobody.
        let existing = wanted
            .first()
            .and_then(|slice| slice.existing)
            .or_else(|| spare.pop());
        spare.extend(
            wanted
                .iter()
                .filter_map(|slice| slice.existing)
                .filter(|one| Some(*one) != existing),
        );
        wanted = vec![Wanted {
            existing,
            ports: Value::Null,
            endpoints: Vec::new(),
        }];
    }
    for slice in wanted {
        let endpoints = if slice.endpoints.is_empty() && slice.ports.is_null() {
            Value::Null
        } else {
            json!(slice.endpoints)
        };
        match slice.existing {
            Some(old) if slice.endpoints.is_empty() && !slice.ports.is_null() => spare.push(old),
            Some(old) => {
                let fields = [("endpoints", endpoints), ("ports", slice.ports)];
                actions.extend(replace(&Kind::ENDPOINT_SLICE, old, &fields, &labels));
            }
            None => actions.push(create(service, &labels, &slice.ports, &endpoints)),
        }
    }
    let delete = |slice: &Value| Action::delete(objects::Key::of(Kind::ENDPOINT_SLICE, slice), slice);
    actions.extend(spare.into_iter().map(delete));
    Plan::of(actions)
}

/// Puts the addresses of one set of ports into slices: each where it is, new ones where there is room.
fn spread<'a>(
    world: &World,
    service: &Value,
    existing: &[&'a Value],
    (ports, addresses): (Value, &[&Address<'_>]),
) -> Vec<Wanted<'a>> {
    let mut at: HashMap<&str, usize> = HashMap::new();
    for (index, slice) in existing.iter().enumerate() {
        for endpoint in meta::list_at(slice, "/endpoints") {
            at.insert(meta::text_at(endpoint, "/targetRef/uid"), index);
        }
    }
    let slice = |existing| Wanted {
        existing,
        ports: ports.clone(),
        endpoints: Vec::new(),
    };
    let mut slices: Vec<Wanted<'a>> = existing.iter().map(|one| slice(Some(*one))).collect();
    let mut fresh = Vec::new();
    for address in addresses {
        match at.get(meta::uid(address.pod)) {
            Some(index) => slices[*index].endpoints.push(endpoint(world, service, address)),
            None => fresh.push(endpoint(world, service, address)),
        }
    }
    let mut index = 0;
    for endpoint in fresh {
        while slices
            .get(index)
            .is_some_and(|slice| slice.endpoints.len() >= MAX_ADDRESSES)
        {
            index += 1;
        }
        if index == slices.len() {
            slices.push(slice(None));
        }
        slices[index].endpoints.push(endpoint);
    }
    slices
}

fn endpoint(world: &World, service: &Value, address: &Address<'_>) -> Value {
    let mut shown = json!({
        "addresses": [address.ip],
        "conditions": {
            "ready": address.ready,
            "serving": address.serving,
            "terminating": address.terminating,
        },
        "targetRef": pod_reference(address.pod),
    });
    let node = meta::text_at(address.pod, "/spec/nodeName");
    if !node.is_empty() {
        shown["nodeName"] = json!(node);
        let zone = world
            .find(&Kind::NODE, "", node)
            .and_then(|node| meta::label(node, "topology.kubernetes.io/zone"));
        if let Some(zone) = zone {
            shown["zone"] = json!(zone);
        }
    }
    if let Some(hostname) = hostname(service, address.pod) {
        shown["hostname"] = json!(hostname);
    }
    shown
}

fn create(service: &Value, labels: &Value, ports: &Value, endpoints: &Value) -> Action {
    Action::Create(json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": format!("{}-", meta::name(service)),
            "namespace": meta::namespace(service),
            "labels": labels,
            "ownerReferences": [meta::controller_reference(service, "v1", &Kind::SERVICE)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }))
}
