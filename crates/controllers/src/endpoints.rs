//! Services find their pods: EndpointSlices (discovery.k8s.io/v1) and the older Endpoints.
//!
//! ```text
//! Service + the pods it selects ──► addresses with their ports ──► slices of at most 100 ──► create, update, delete
//!                                                             └──► one Endpoints object
//! ```
//!
//! An address stays in the slice it is in, so that a change of one pod changes one slice. Services without a
//! selector are their owner's affair.

mod classic;
mod slice;

use jiff::Timestamp;
use objects::control::{Action, Identity, Loop, Plan};
use objects::{Change, Key, Kind, Selector, World, meta, pod};
use serde_json::{Value, json};

/// Keeps the EndpointSlices of Services.
#[derive(Debug, Default)]
pub struct EndpointSlices;

/// Keeps the Endpoints of Services.
#[derive(Debug, Default)]
pub struct ClassicEndpoints;

/// A pod as a Service sees it.
#[derive(Debug, Clone, PartialEq)]
struct Address<'a> {
    pod: &'a Value,
    ip: &'a str,
    ready: bool,
    serving: bool,
    terminating: bool,
    /// `[{name, port, protocol}]`, with named target ports looked up in the pod.
    ports: Value,
}

impl Loop for EndpointSlices {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:endpointslice-controller",
            manager: "kube-controller-manager",
            component: "endpoint-slice-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::ENDPOINT_SLICE {
            if let Some(service) = meta::label(change.object(), slice::SERVICE_NAME) {
                keys.push(Key::new(Kind::SERVICE, &change.key.namespace, service));
            }
            return;
        }
        services_of(world, change, keys);
    }

    fn decide(&mut self, world: &World, key: &Key, _now: Timestamp) -> Plan {
        let Some((service, addresses)) = addresses_of(world, key) else {
            return Plan::nothing();
        };
        slice::plan(world, service, &addresses)
    }
}

impl Loop for ClassicEndpoints {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:endpoint-controller",
            manager: "kube-controller-manager",
            component: "endpoint-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::ENDPOINTS {
            keys.push(Key {
                kind: Kind::SERVICE,
                ..change.key.clone()
            });
            return;
        }
        services_of(world, change, keys);
    }

    fn decide(&mut self, world: &World, key: &Key, _now: Timestamp) -> Plan {
        let existing = world.find(&Kind::ENDPOINTS, &key.namespace, &key.name);
        match addresses_of(world, key) {
            Some((service, addresses)) => classic::plan(service, &addresses, existing.map(|one| &**one)),
            None => Plan::of(
                existing
                    .and_then(|one| classic::abandon(world, key, one))
                    .into_iter()
                    .collect(),
            ),
        }
    }
}

/// The Services that a change of a Service or a pod is about.
fn services_of(world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
    if change.key.kind == Kind::SERVICE {
        keys.push(change.key.clone());
    }
    let matters = [
        "/metadata/labels",
        "/metadata/deletionTimestamp",
        "/spec/nodeName",
        "/status/phase",
        "/status/podIPs",
        "/status/conditions",
    ];
    if change.key.kind != Kind::POD || !matters.iter().any(|field| change.changed(field)) {
        return;
    }
    for service in world.list(&Kind::SERVICE, &change.key.namespace) {
        let Some(selector) = selector_of(service) else {
            continue;
        };
        if [change.old, change.new]
            .into_iter()
            .flatten()
            .any(|pod| selector.selects(pod))
        {
            keys.push(Key::of(Kind::SERVICE, service));
        }
    }
}

fn selector_of(service: &Value) -> Option<Selector> {
    let external = meta::text_at(service, "/spec/type") == "ExternalName";
    let selector = Selector::from_map(service.pointer("/spec/selector")?);
    (!external && !selector.is_empty()).then_some(selector)
}

/// A Service that selects pods, with their addresses in the order of their names. `None` if it is gone or selects
/// nothing.
fn addresses_of<'a>(world: &'a World, key: &Key) -> Option<(&'a Value, Vec<Address<'a>>)> {
    let service = world.get(key)?;
    let selector = selector_of(service)?;
    if meta::is_deleted(service) {
        return None;
    }
    let publish_all = service.pointer("/spec/publishNotReadyAddresses") == Some(&json!(true));
    let pods = world.selected(meta::namespace(service), &selector);
    let addresses = pods
        .filter_map(|pod| address(service, pod, publish_all))
        .collect();
    Some((service, addresses))
}

fn address<'a>(service: &Value, pod: &'a Value, publish_all: bool) -> Option<Address<'a>> {
    let ip = meta::text_at(pod, "/status/podIP");
    if ip.is_empty() || pod::is_finished(pod) {
        return None;
    }
    let serving = pod::is_ready(pod);
    let terminating = meta::is_deleted(pod);
    Some(Address {
        pod,
        ip,
        ready: publish_all || serving && !terminating,
        serving,
        terminating,
        ports: ports(service, pod),
    })
}

/// The ports of a Service as they are on one pod; those whose name the pod does not know are left out.
fn ports(service: &Value, pod: &Value) -> Value {
    let port = |port: &Value| {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        let target = port
            .get("targetPort")
            .filter(|target| **target != json!(0))
            .unwrap_or(&port["port"]);
        let number = match target {
            Value::String(name) => named_port(pod, name, protocol)?,
            other => other.as_i64()?,
        };
        let mut shown = json!({"name": meta::text(port, "name"), "port": number, "protocol": protocol});
        if let Some(application) = port.get("appProtocol") {
            shown["appProtocol"] = application.clone();
        }
        Some(shown)
    };
    meta::list_at(service, "/spec/ports")
        .iter()
        .filter_map(port)
        .collect()
}

fn named_port(pod: &Value, name: &str, protocol: &str) -> Option<i64> {
    let sidecars = meta::list_at(pod, "/spec/initContainers")
        .iter()
        .filter(|one| meta::text(one, "restartPolicy") == "Always");
    let containers = meta::list_at(pod, "/spec/containers").iter().chain(sidecars);
    let mut ports = containers.flat_map(|container| meta::list_at(container, "/ports"));
    let found = ports.find(|port| {
        let own = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        meta::text(port, "name") == name && own == protocol
    });
    found?.get("containerPort")?.as_i64()
}

fn pod_reference(pod: &Value) -> Value {
    json!({
        "kind": "Pod",
        "name": meta::name(pod),
        "namespace": meta::namespace(pod),
        "uid": meta::uid(pod),
    })
}

/// The name that the cluster's DNS gives a pod of a headless Service.
fn hostname<'a>(service: &Value, pod: &'a Value) -> Option<&'a str> {
    let hostname = meta::text_at(pod, "/spec/hostname");
    let ours = meta::text_at(pod, "/spec/subdomain") == meta::name(service);
    (ours && !hostname.is_empty()).then_some(hostname)
}

/// The labels of a Service with those of its endpoints.
fn labels(service: &Value, own: &[(&str, &str)]) -> Value {
    let mut labels = service
        .pointer("/metadata/labels")
        .filter(|labels| labels.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}));
    for (label, value) in own {
        labels[*label] = json!(value);
    }
    if is_headless(service) {
        labels["service.kubernetes.io/headless"] = json!("");
    }
    labels
}

fn is_headless(service: &Value) -> bool {
    meta::text_at(service, "/spec/clusterIP") == "None"
}

/// A replacement of an object if it differs in some fields.
fn replace(kind: &Kind, old: &Value, fields: &[(&str, Value)], labels: &Value) -> Option<Action> {
    let mut new = old.clone();
    for (field, value) in fields {
        if value.is_null() && old.get(*field).is_none_or(Value::is_null) {
            continue;
        }
        new[*field] = value.clone();
    }
    new["metadata"]["labels"] = labels.clone();
    (new != *old).then(|| Action::Update(kind.clone(), new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "n", "uid": "s", "labels": {"team": "a"}},
            "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"},
                     "ports": [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]},
        })
    }

    fn pod(number: usize, ready: bool) -> Value {
        json!({
            "metadata": {"name": format!("p{number:03}"), "namespace": "n", "uid": format!("u{number}"),
                         "labels": {"app": "web"}},
            "spec": {"nodeName": "node-1",
                     "containers": [{"ports": [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]}]},
            "status": {"phase": "Running", "podIP": format!("10.0.{}.{}", number / 250, number % 250),
                       "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]},
        })
    }

    fn world(pods: impl IntoIterator<Item = Value>) -> World {
        let mut world = World::default();
        world.put(&Key::of(Kind::SERVICE, &service()), service());
        for pod in pods {
            world.put(&Key::of(Kind::POD, &pod), pod);
        }
        world
    }

    /// Does what the loop wants until it wants nothing; gives the slices' sizes and the writes this took.
    fn settle(world: &mut World) -> (Vec<usize>, usize) {
        let key = Key::of(Kind::SERVICE, &service());
        let mut writes = 0;
        for _ in 0..5 {
            let plan = EndpointSlices.decide(world, &key, Timestamp::UNIX_EPOCH);
            if plan.actions.is_empty() {
                break;
            }
            for action in plan.actions {
                writes += 1;
                match action {
                    Action::Create(mut slice) => {
                        let count = world.all(&Kind::ENDPOINT_SLICE).count() + writes;
                        slice["metadata"]["name"] = json!(format!("web-{count}"));
                        world.put(&Key::of(Kind::ENDPOINT_SLICE, &slice), slice);
                    }
                    Action::Update(kind, slice) => {
                        world.put(&Key::of(kind, &slice), slice);
                    }
                    Action::Delete { key, .. } => {
                        world.remove(&key);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        let sizes = world
            .all(&Kind::ENDPOINT_SLICE)
            .map(|slice| meta::list_at(slice, "/endpoints").len());
        (sizes.collect(), writes)
    }

    #[test]
    fn slices_hold_a_hundred_addresses_and_change_one_at_a_time() {
        let mut world = world((0..150).map(|number| pod(number, true)));
        assert_eq!(settle(&mut world), (vec![100, 50], 2));
        assert_eq!(settle(&mut world), (vec![100, 50], 0));
        let slice = world.all(&Kind::ENDPOINT_SLICE).next().expect("a slice");
        assert_eq!(
            slice["ports"],
            json!([{"name": "http", "port": 8080, "protocol": "TCP"}])
        );
        assert_eq!(slice["metadata"]["labels"]["team"], "a");

        world.put(&Key::of(Kind::POD, &pod(3, false)), pod(3, false));
        assert_eq!(settle(&mut world), (vec![100, 50], 1));
        world.remove(&Key::of(Kind::POD, &pod(3, false)));
        world.put(&Key::of(Kind::POD, &pod(200, true)), pod(200, true));
        assert_eq!(settle(&mut world), (vec![100, 50], 1));
        for number in 0..150 {
            world.remove(&Key::of(Kind::POD, &pod(number, true)));
        }
        world.remove(&Key::of(Kind::POD, &pod(200, true)));
        let (sizes, _) = settle(&mut world);
        assert_eq!(sizes, [0], "one empty slice stays");
    }

    #[test]
    fn a_leaving_pod_serves_but_is_not_ready_and_a_finished_one_is_no_address() {
        let mut leaving = pod(1, true);
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let mut finished = pod(2, true);
        finished["status"]["phase"] = json!("Succeeded");
        let mut world = world([leaving, finished, pod(3, false)]);
        assert_eq!(settle(&mut world).0, [2]);
        let slice = world.all(&Kind::ENDPOINT_SLICE).next().expect("a slice");
        let conditions: Vec<&Value> = meta::list_at(slice, "/endpoints")
            .iter()
            .map(|one| &one["conditions"])
            .collect();
        assert_eq!(
            conditions,
            [
                &json!({"ready": false, "serving": true, "terminating": true}),
                &json!({"ready": false, "serving": false, "terminating": false}),
            ]
        );
    }

    #[test]
    fn endpoints_list_who_is_ready_and_who_is_not() {
        let world = world([pod(1, true), pod(2, false)]);
        let plan =
            ClassicEndpoints.decide(&world, &Key::of(Kind::SERVICE, &service()), Timestamp::UNIX_EPOCH);
        let [Action::Create(endpoints)] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(endpoints["subsets"][0]["addresses"][0]["ip"], "10.0.0.1");
        assert_eq!(endpoints["subsets"][0]["notReadyAddresses"][0]["ip"], "10.0.0.2");
        assert_eq!(
            endpoints["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"],
            "endpoint-controller"
        );
    }
}
