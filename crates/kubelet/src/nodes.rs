//! Simulated nodes: the objects that stand for them, and the heartbeats that keep them alive.
//!
//! ```text
//! Shape, or the nodes of a real cluster ──► Node objects ──► Nodes (a loop): made, ready, leases renewed
//! ```
//!
//! A node is simulated when its annotation says so; whoever makes a Node with it gets one more.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan};
use objects::{Change, Key, Kind, World, condition, meta, time};
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::image;
use crate::pod::{later, time_at};

/// The annotation that says who runs a node's pods.
pub const PODS: &str = "shipway.dev/pods";

/// Its value on nodes whose pods are simulated.
pub const SIMULATED: &str = "simulated";

/// Its value on nodes whose pods are processes of this machine.
pub const PROCESS: &str = "process";

/// The annotation that stops a node while it is `true`: it goes silent, as a machine without power does.
pub const DOWN: &str = "shipway.dev/down";

/// Who the loops of the nodes are to the API server.
pub(crate) const IDENTITY: Identity = Identity {
    user: "system:node:simulated",
    manager: "kubelet",
    component: "kubelet",
};

/// Leases say that a node is alive when they were renewed within this many seconds.
const LEASE_SECONDS: i64 = 40;

const LEASES: &str = "kube-node-lease";

/// The conditions of a healthy node: type, status, reason, message.
const CONDITIONS: [[&str; 4]; 4] = [
    [
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ],
    [
        "DiskPressure",
        "False",
        "KubeletHasNoDiskPressure",
        "kubelet has no disk pressure",
    ],
    [
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ],
    ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

/// More nodes than this have no address range of their own left.
pub const MOST_NODES: usize = 3000;

/// More nodes than this have no room in one block of loopback addresses.
pub const MOST_PROCESS_NODES: usize = 250;

/// What every node of a fleet is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub cpu: String,
    pub memory: String,
    pub pods: u32,
    pub zones: usize,
    /// Such as `v1.35.0`.
    pub version: String,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            cpu: "8".to_owned(),
            memory: "32Gi".to_owned(),
            pods: 110,
            zones: 3,
            version: "v1.35.0".to_owned(),
        }
    }
}

/// How often nodes say that they are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub lease: SignedDuration,
    pub status: SignedDuration,
}

impl Heartbeat {
    /// As often as a kubelet does; where there are very many nodes, as rarely as nobody takes for death.
    #[must_use]
    pub fn for_nodes(count: usize) -> Self {
        // 10 s for up to 200 nodes is 20 writes a second; the node controller waits 50 s.
        let seconds = if count <= 200 { 10 } else { 25 };
        Self {
            lease: SignedDuration::from_secs(seconds),
            status: SignedDuration::from_mins(5),
        }
    }
}

/// Makes a fleet of nodes of one shape, `node-1` to `node-N`.
#[must_use]
pub fn fleet(count: usize, shape: &Shape) -> Vec<Value> {
    (0..count.min(MOST_NODES))
        .map(|index| fresh(index, shape))
        .collect()
}

/// Makes simulated copies of the nodes of a real cluster: their names, labels, taints, capacity and versions.
///
/// # Errors
/// When there is nothing in the list that is a node.
pub fn copied(list: &Value) -> Result<Vec<Value>, String> {
    let items = list.get("items").and_then(Value::as_array);
    let one = std::slice::from_ref(list);
    let nodes: Vec<Value> = items
        .map_or(one, Vec::as_slice)
        .iter()
        .filter(|node| !meta::name(node).is_empty() && meta::at(node, "/status/capacity").is_some())
        .take(MOST_NODES)
        .enumerate()
        .map(|(index, node)| copy(index, node))
        .collect();
    if nodes.is_empty() {
        return Err(
            "there is no node with a capacity in it: write it with `kubectl get nodes -o json`".to_owned(),
        );
    }
    Ok(nodes)
}

/// Whether the pods of a node are simulated.
#[must_use]
pub fn is_simulated(node: &Value) -> bool {
    meta::annotation(node, PODS) == Some(SIMULATED)
}

/// Whether the pods of a node are processes of this machine.
#[must_use]
pub fn runs_processes(node: &Value) -> bool {
    meta::annotation(node, PODS) == Some(PROCESS)
}

/// Whether a node is kept alive by [`Nodes`].
fn is_ours(node: &Value) -> bool {
    is_simulated(node) || runs_processes(node)
}

/// Nodes that run processes, with addresses out of `127.block.0.0/16`: every address of it belongs to this machine.
/// At most [`MOST_PROCESS_NODES`] have room in it.
#[must_use]
pub fn of_processes(nodes: Vec<Value>, block: u8) -> Vec<Value> {
    let nodes = nodes.into_iter().take(MOST_PROCESS_NODES).enumerate();
    let change = |(index, mut node): (usize, Value)| {
        let annotations = meta::map_mut(&mut node, &["metadata", "annotations"]);
        annotations.insert(PODS.to_owned(), json!(PROCESS));
        let range = format!("127.{block}.{}.0/24", index + 1);
        let name = meta::name(&node).to_owned();
        let spec = meta::map_mut(&mut node, &["spec"]);
        spec.insert("podCIDR".to_owned(), json!(range));
        spec.insert("podCIDRs".to_owned(), json!([range]));
        node["status"]["addresses"] = json!([
            {"type": "InternalIP", "address": format!("127.{block}.{}.1", index + 1)},
            {"type": "Hostname", "address": name},
        ]);
        node["status"]["nodeInfo"]["osImage"] = json!("Shipway process node");
        node
    };
    nodes.map(change).collect()
}

/// Whether a node is silent: its annotation says so, or the behaviour file does.
#[must_use]
pub fn is_down(node: &Value, behaviour: &Behaviour, now: Timestamp) -> bool {
    let said = meta::annotation(node, DOWN) == Some("true");
    said || goes_down(node, behaviour).is_some_and(|time| time <= now)
}

fn goes_down(node: &Value, behaviour: &Behaviour) -> Option<Timestamp> {
    let after = behaviour.node_down(meta::name(node))?;
    meta::created(node)?.saturating_add(after).ok()
}

/// Makes the nodes of a fleet and keeps them alive.
#[derive(Debug)]
pub struct Nodes {
    behaviour: Arc<Behaviour>,
    heartbeat: Option<Heartbeat>,
    /// Those that were not yet made; a kubelet registers its node when it starts, and never again.
    unborn: HashMap<Key, Value>,
    announced: bool,
}

impl Nodes {
    /// Without a heartbeat, nodes are Ready for ever and cost no writes: for tests on a virtual clock.
    #[must_use]
    pub fn new(fleet: Vec<Value>, behaviour: Arc<Behaviour>, heartbeat: Option<Heartbeat>) -> Self {
        let keyed = fleet.into_iter().map(|node| (Key::of(Kind::NODE, &node), node));
        Self {
            behaviour,
            heartbeat,
            unborn: keyed.collect(),
            announced: false,
        }
    }

    /// The status of a node, when it is not as it should be.
    fn status(&self, node: &Value, now: Timestamp) -> Option<Value> {
        let due = self.heartbeat.is_some_and(|heartbeat| {
            let ready = condition::find(node, "Ready");
            let beat = ready.and_then(|ready| time_at(ready, "/lastHeartbeatTime"));
            beat.is_none_or(|beat| next(beat, heartbeat.status, meta::name(node)) <= now)
        });
        let healthy = CONDITIONS.iter().all(|[kind, status, reason, _]| {
            condition::find(node, kind).is_some_and(|one| {
                meta::text(one, "status") == *status && meta::text(one, "reason") == *reason
            })
        });
        if healthy && !due {
            return None;
        }
        let mut status = json!({"conditions": conditions(node, now)});
        if meta::at(node, "/status/capacity").is_none() {
            // Somebody made it by hand: it is like the others.
            let made = dress(node.clone(), 0, &Shape::default());
            for field in [
                "capacity",
                "allocatable",
                "nodeInfo",
                "daemonEndpoints",
                "addresses",
            ] {
                status[field] = made["status"][field].clone();
            }
        }
        Some(status)
    }

    fn lease(&self, world: &World, node: &Value, now: Timestamp, plan: &mut Plan) {
        let Some(heartbeat) = self.heartbeat else {
            return;
        };
        if world.find(&Kind::NAMESPACE, "", LEASES).is_none() {
            return;
        }
        let name = meta::name(node);
        let key = Key::new(Kind::LEASE, LEASES, name);
        let renewed = world
            .get(&key)
            .and_then(|lease| time_at(lease, "/spec/renewTime"));
        match renewed {
            _ if world.get(&key).is_none() => plan.push(Action::Create(json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {
                    "name": name,
                    "namespace": LEASES,
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": meta::uid(node)}],
                },
                "spec": {
                    "holderIdentity": name,
                    "leaseDurationSeconds": LEASE_SECONDS,
                    "renewTime": time::micros(now),
                },
            }))),
            Some(renewed) if next(renewed, heartbeat.lease, name) > now => {
                plan.look_at(next(renewed, heartbeat.lease, name));
                return;
            }
            _ => plan.push(Action::Patch {
                key,
                subresource: None,
                patch: json!({"spec": {"renewTime": time::micros(now), "holderIdentity": name}}),
            }),
        }
        plan.look_at(next(now, heartbeat.lease, name));
    }
}

impl Loop for Nodes {
    fn identity(&self) -> Identity {
        IDENTITY
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if !self.announced {
            self.announced = true;
            keys.extend(self.unborn.keys().cloned());
            keys.sort();
        }
        let key = change.key;
        if key.kind == Kind::NODE && change.new.is_some_and(is_ours) {
            keys.push(key.clone());
        } else if key.kind == Kind::NAMESPACE && key.name.as_ref() == LEASES && change.old.is_none() {
            let nodes = world.all(&Kind::NODE).filter(|node| is_ours(node));
            keys.extend(nodes.map(|node| Key::of(Kind::NODE, node)));
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(node) = world.get(key) else {
            let node = self.unborn.get(key).cloned();
            return node.map_or_else(Plan::nothing, |mut node| {
                node["status"]["conditions"] = Value::Array(conditions(&node, now));
                Plan::of(vec![Action::Create(node)])
            });
        };
        let wanted = self.unborn.remove(key);
        if let Some(wanted) = wanted.filter(|wanted| is_ours(node) && differs(wanted, node)) {
            let delete = Action::Delete {
                key: key.clone(),
                uid: Some(meta::uid(node).to_owned()),
                grace: None,
                propagation: None,
            };
            return Plan::of(vec![delete, Action::Create(renewed(wanted, node, now))]);
        }
        if !is_ours(node) || is_down(node, &self.behaviour, now) {
            return Plan::nothing();
        }
        let mut plan = Plan::nothing();
        if let Some(status) = self.status(node, now) {
            plan.push(Action::Patch {
                key: key.clone(),
                subresource: Some("status"),
                patch: json!({"status": status}),
            });
        }
        if let Some(heartbeat) = self.heartbeat {
            let beat = condition::find(node, "Ready").and_then(|ready| time_at(ready, "/lastHeartbeatTime"));
            plan.look_at(next(beat.unwrap_or(now), heartbeat.status, meta::name(node)));
        }
        self.lease(world, node, now, &mut plan);
        if let Some(down) = goes_down(node, &self.behaviour) {
            plan.look_at(down);
        }
        plan
    }
}

/// Whether a node was made for other pods, or other addresses, than it is to have now: neither can be changed.
fn differs(wanted: &Value, node: &Value) -> bool {
    let range = |node: &Value| meta::text_at(node, "/spec/podCIDR").to_owned();
    meta::annotation(wanted, PODS) != meta::annotation(node, PODS) || range(wanted) != range(node)
}

/// A node as it is wanted, with what was said about the one it replaces: labels, annotations, taints, a cordon.
fn renewed(wanted: Value, node: &Value, now: Timestamp) -> Value {
    let mut renewed = wanted;
    renewed["status"]["conditions"] = Value::Array(conditions(&renewed, now));
    for (field, keep) in [("labels", None), ("annotations", Some(PODS))] {
        let old = node
            .pointer(&format!("/metadata/{field}"))
            .and_then(Value::as_object);
        let fresh = meta::map_mut(&mut renewed, &["metadata", field]);
        for (key, value) in old.into_iter().flatten() {
            if keep != Some(key.as_str()) {
                fresh.insert(key.clone(), value.clone());
            }
        }
    }
    for field in ["taints", "unschedulable"] {
        if let Some(value) = node.pointer(&format!("/spec/{field}")) {
            meta::map_mut(&mut renewed, &["spec"]).insert(field.to_owned(), value.clone());
        }
    }
    renewed
}

/// The conditions of a healthy node: those of others stay.
fn conditions(node: &Value, now: Timestamp) -> Vec<Value> {
    let others = meta::list_at(node, "/status/conditions").iter().filter(|one| {
        !CONDITIONS
            .iter()
            .any(|[kind, ..]| meta::text(one, "type") == *kind)
    });
    let mut all: Vec<Value> = others.cloned().collect();
    all.extend(CONDITIONS.iter().map(|[kind, status, reason, message]| {
        let old = condition::find(node, kind).filter(|old| meta::text(old, "status") == *status);
        let since = old.and_then(|old| old.get("lastTransitionTime")).cloned();
        json!({
            "type": kind,
            "status": status,
            "lastHeartbeatTime": time::seconds(now),
            "lastTransitionTime": since.unwrap_or_else(|| json!(time::seconds(now))),
            "reason": reason,
            "message": message,
        })
    }));
    all
}

/// The next beat after a time: each node has its own moments, so that a thousand don't write in the same second. In
/// whole seconds, as a beat is written: one that is written as earlier than it was due would be due again.
fn next(last: Timestamp, every: SignedDuration, node: &str) -> Timestamp {
    let every = every.as_secs().clamp(1, 1 << 30);
    let phase = (image::number(node) % every.unsigned_abs()) as i64;
    let last = last.as_second() - phase;
    let beat = (last.div_euclid(every) + 1).saturating_mul(every) + phase;
    Timestamp::from_second(beat).unwrap_or_else(|_| later(Timestamp::UNIX_EPOCH, i64::MAX / 4))
}

/// The range of addresses of a node's pods.
fn cidr(index: usize) -> String {
    format!("10.{}.{}.0/24", 244 + index / 256, index % 256)
}

fn fresh(index: usize, shape: &Shape) -> Value {
    let name = format!("node-{}", index + 1);
    let zone = format!("local-{}", zone_letter(index % shape.zones.max(1)));
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "local",
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {},
        "status": {},
    });
    dress(node, index, shape)
}

fn zone_letter(index: usize) -> char {
    char::from(b'a' + u8::try_from(index % 26).unwrap_or(0))
}

/// Gives a node what it lacks.
fn dress(mut node: Value, index: usize, shape: &Shape) -> Value {
    let name = meta::name(&node).to_owned();
    meta::map_mut(&mut node, &["metadata", "annotations"]).insert(PODS.to_owned(), json!(SIMULATED));
    let spec = meta::map_mut(&mut node, &["spec"]);
    spec.insert("podCIDR".to_owned(), json!(cidr(index)));
    spec.insert("podCIDRs".to_owned(), json!([cidr(index)]));
    let capacity = json!({
        "cpu": shape.cpu,
        "ephemeral-storage": "100Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": shape.memory,
        "pods": shape.pods.to_string(),
    });
    let id = image::hex(&name);
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &id[..8],
        &id[8..12],
        &id[12..16],
        &id[16..20],
        &id[20..32]
    );
    let status = meta::map_mut(&mut node, &["status"]);
    for (field, value) in [
        ("capacity", capacity.clone()),
        ("allocatable", capacity),
        (
            "addresses",
            json!([
                {"type": "InternalIP", "address": format!("172.18.{}.{}", index / 250, index % 250 + 2)},
                {"type": "Hostname", "address": name},
            ]),
        ),
        (
            "nodeInfo",
            json!({
                "architecture": "amd64",
                "bootID": uuid,
                "containerRuntimeVersion": "containerd://2.2.0",
                "kernelVersion": "6.12.0",
                "kubeProxyVersion": "",
                "kubeletVersion": shape.version,
                "machineID": &id[..32],
                "operatingSystem": "linux",
                "osImage": "Shipway simulated node",
                "systemUUID": uuid,
            }),
        ),
        ("daemonEndpoints", json!({"kubeletEndpoint": {"Port": 10250}})),
    ] {
        status.entry(field).or_insert(value);
    }
    node
}

fn copy(index: usize, node: &Value) -> Value {
    let part = |pointer: &str| node.pointer(pointer).cloned();
    let taints: Vec<Value> = meta::list_at(node, "/spec/taints")
        .iter()
        // The cluster's own judgement of the real node; it comes to its own about the copy.
        .filter(|taint| !meta::text(taint, "key").starts_with("node.kubernetes.io/"))
        .cloned()
        .collect();
    let mut made = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": meta::name(node)},
        "spec": {},
        "status": {},
    });
    for (section, field) in [
        ("metadata", "labels"),
        ("spec", "unschedulable"),
        ("status", "capacity"),
        ("status", "allocatable"),
        ("status", "nodeInfo"),
        ("status", "images"),
    ] {
        if let Some(value) = part(&format!("/{section}/{field}")) {
            made[section][field] = value;
        }
    }
    if !taints.is_empty() {
        made["spec"]["taints"] = Value::Array(taints);
    }
    dress(made, index, &Shape::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    #[test]
    fn every_node_of_a_fleet_has_its_own_name_range_and_address() {
        let nodes = fleet(1000, &Shape::default());
        let distinct = |pointer: &str| {
            let texts = nodes.iter().map(|node| meta::text_at(node, pointer));
            texts.collect::<std::collections::BTreeSet<_>>().len()
        };
        for pointer in ["/metadata/name", "/spec/podCIDR", "/status/addresses/0/address"] {
            assert_eq!(distinct(pointer), 1000, "{pointer}");
        }
        assert_eq!(distinct("/metadata/labels/topology.kubernetes.io~1zone"), 3);
        assert_eq!(nodes[999]["spec"]["podCIDR"], "10.247.231.0/24");
        assert_eq!(cidr(MOST_NODES - 1), "10.255.183.0/24");
    }

    #[test]
    fn a_copied_node_keeps_what_scheduling_looks_at() {
        let list = json!({"kind": "List", "items": [{
            "metadata": {"name": "ip-10-0-0-1", "uid": "u", "labels": {"pool": "gpu"}},
            "spec": {"providerID": "aws:///x", "taints": [
                {"key": "gpu", "effect": "NoSchedule"},
                {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
            ]},
            "status": {"capacity": {"cpu": "4"}, "allocatable": {"cpu": "3920m"}, "conditions": [{}]},
        }]});
        let node = copied(&list).unwrap().remove(0);
        assert_eq!(
            node["metadata"],
            json!({
                "name": "ip-10-0-0-1", "labels": {"pool": "gpu"}, "annotations": {"shipway.dev/pods": "simulated"},
            })
        );
        assert_eq!(
            node["spec"]["taints"],
            json!([{"key": "gpu", "effect": "NoSchedule"}])
        );
        assert_eq!(node["status"]["allocatable"], json!({"cpu": "3920m"}));
        assert!(copied(&json!({"items": []})).is_err());
    }

    #[test]
    fn a_node_that_is_to_run_its_pods_otherwise_is_made_anew_with_what_was_said_about_it() {
        let mut old = fleet(1, &Shape::default()).remove(0);
        old["metadata"]["labels"]["disk"] = json!("ssd");
        old["spec"]["taints"] = json!([{"key": "gpu", "effect": "NoSchedule"}]);
        let key = Key::of(Kind::NODE, &old);
        let mut world = World::default();
        world.put(&key, old.clone());
        let decide = |wanted: Vec<Value>| {
            let mut nodes = Nodes::new(wanted, Arc::default(), None);
            nodes.decide(&world, &key, now()).actions
        };
        let same = decide(fleet(1, &Shape::default()));
        assert!(
            !same.iter().any(|action| matches!(action, Action::Delete { .. })),
            "{same:?}"
        );
        let actions = decide(of_processes(fleet(1, &Shape::default()), 70));
        let [Action::Delete { .. }, Action::Create(made)] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        assert!(runs_processes(made));
        assert_eq!(made["spec"]["podCIDR"], "127.70.1.0/24");
        assert_eq!(made["metadata"]["labels"]["disk"], "ssd");
        assert_eq!(made["spec"]["taints"], old["spec"]["taints"]);
    }

    #[test]
    fn a_status_that_says_the_second_it_was_written_in_is_not_due_again() {
        let heartbeat = Heartbeat::for_nodes(1);
        let mut nodes = Nodes::new(Vec::new(), Arc::default(), Some(heartbeat));
        let mut node = fleet(1, &Shape::default()).remove(0);
        node["status"]["conditions"] = json!(conditions(&node, now()));
        let key = Key::of(Kind::NODE, &node);
        let mut world = World::default();
        world.put(&key, node.clone());
        // The beat is looked at a little later than it was due.
        let due = nodes.decide(&world, &key, now()).again.unwrap() + SignedDuration::from_millis(700);
        assert_eq!(nodes.decide(&world, &key, due).actions.len(), 1);
        node["status"]["conditions"] = json!(conditions(&node, due));
        world.put(&key, node);
        let plan = nodes.decide(&world, &key, due);
        assert_eq!(plan.actions, []);
        assert!(plan.again.unwrap() > due + SignedDuration::from_secs(298));
    }

    fn lease(world: &mut World, renewed: Timestamp) {
        let lease = json!({"spec": {"renewTime": time::micros(renewed)}});
        world.put(&Key::new(Kind::LEASE, LEASES, "node-1"), lease);
    }

    #[test]
    fn a_node_beats_until_it_is_down() {
        let mut world = World::default();
        world.put(&Key::new(Kind::NAMESPACE, "", LEASES), json!({}));
        let fleet = fleet(1, &Shape::default());
        let key = Key::of(Kind::NODE, &fleet[0]);
        let mut nodes = Nodes::new(fleet, Arc::default(), Some(Heartbeat::for_nodes(1)));
        let mut keys = Vec::new();
        let namespace = Key::new(Kind::NAMESPACE, "", "default");
        let change = Change {
            key: &namespace,
            old: None,
            new: None,
        };
        nodes.touched(&world, &change, &mut keys);
        assert_eq!(keys, std::slice::from_ref(&key));

        let plan = nodes.decide(&world, &key, now());
        let [Action::Create(node)] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        assert!(condition::is_true(node, "Ready"));
        world.put(&key, node.clone());
        let plan = nodes.decide(&world, &key, now());
        assert!(matches!(plan.actions.as_slice(), [Action::Create(_)]), "{plan:?}");
        lease(&mut world, now());
        let plan = nodes.decide(&world, &key, now());
        assert!(plan.actions.is_empty(), "{plan:?}");
        let beat = plan.again.unwrap();
        assert!(beat > now() && beat <= later(now(), 10), "{beat}");
        let plan = nodes.decide(&world, &key, beat);
        assert!(
            matches!(
                plan.actions.as_slice(),
                [Action::Patch {
                    subresource: None,
                    ..
                }]
            ),
            "{plan:?}"
        );

        let mut down = node.clone();
        down["metadata"]["annotations"][DOWN] = json!("true");
        world.put(&key, down);
        assert_eq!(nodes.decide(&world, &key, later(now(), 600)), Plan::nothing());
        world.remove(&key);
        assert_eq!(
            nodes.decide(&world, &key, now()),
            Plan::nothing(),
            "a deleted node stays away"
        );
    }

    #[test]
    fn a_node_that_was_taken_for_dead_says_that_it_is_not() {
        let mut world = World::default();
        let mut node = fleet(1, &Shape::default()).remove(0);
        let key = Key::of(Kind::NODE, &node);
        let mut nodes = Nodes::new(Vec::new(), Arc::default(), None);
        node["status"]["conditions"] = Value::Array(conditions(&node, now()));
        world.put(&key, node.clone());
        assert_eq!(nodes.decide(&world, &key, now()), Plan::nothing());
        node["status"]["conditions"][3]["status"] = json!("Unknown");
        world.put(&key, node);
        let plan = nodes.decide(&world, &key, later(now(), 60));
        let [Action::Patch { patch, .. }] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(patch["status"]["conditions"][3]["status"], "True");
    }
}
