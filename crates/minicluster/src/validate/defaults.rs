//! What the API server fills in on every object that it reads, by kind.
//!
//! Go can't tell an empty text from none, so an empty text is filled in as well. Applying the defaults twice changes
//! nothing. Deliberately absent: custom kinds (their schema says), and what admission adds (priority, tolerations).

mod pod;
mod service;
mod workload;

use serde_json::{Map, Value, json};

pub(crate) use pod::qos_class;
pub(super) use workload::labels_of_template;

const NODE_INFO: &[&str] = &[
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
];

const RBAC: &str = "rbac.authorization.k8s.io";

/// Fills in the defaults of a built-in kind; other kinds are left as they are.
pub fn default(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Pod") => pod::pod(object),
        ("", "PodTemplate") => pod::template(object),
        ("", "ReplicationController") => workload::replication_controller(object),
        ("", "Service") => service::service(object),
        ("", "Endpoints") => service::endpoints(object),
        ("discovery.k8s.io", "EndpointSlice") => service::endpoint_slice(object),
        ("networking.k8s.io", "NetworkPolicy") => service::network_policy(object),
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("batch", "Job") => workload::job(object),
        ("batch", "CronJob") => workload::cron_job(object),
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "PersistentVolume") => volume(object),
        ("", "Secret") => set(object, "type", json!("Opaque")),
        ("", "Namespace") => namespace(object),
        ("", "Node") => node(object),
        ("", "LimitRange") => limit_range(object),
        ("storage.k8s.io", "StorageClass") => {
            set(object, "reclaimPolicy", json!("Delete"));
            set(object, "volumeBindingMode", json!("Immediate"));
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            set(object, "preemptionPolicy", json!("PreemptLowerPriority"));
        }
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => binding(object),
        _ => {}
    }
}

pub(super) fn claim(claim: &mut Value) {
    set(field(claim, "spec"), "volumeMode", json!("Filesystem"));
    set(field(claim, "status"), "phase", json!("Pending"));
}

fn volume(volume: &mut Value) {
    let spec = field(volume, "spec");
    set(spec, "persistentVolumeReclaimPolicy", json!("Retain"));
    set(spec, "volumeMode", json!("Filesystem"));
    if let Some(path) = spec.get_mut("hostPath").filter(|path| path.is_object()) {
        set_absent(path, "type", json!(""));
    }
    set(field(volume, "status"), "phase", json!("Pending"));
}

/// Structs that are no pointers in Go: they are there with empty fields before a kubelet fills them in.
fn node(node: &mut Value) {
    let status = field(node, "status");
    let endpoint = field(field(status, "daemonEndpoints"), "kubeletEndpoint");
    set_absent(endpoint, "Port", json!(0));
    let info = field(status, "nodeInfo");
    for name in NODE_INFO {
        set_absent(info, name, json!(""));
    }
}

fn namespace(namespace: &mut Value) {
    let name = namespace
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !name.is_empty() {
        set(
            field(field(namespace, "metadata"), "labels"),
            "kubernetes.io/metadata.name",
            json!(name),
        );
    }
    set(field(namespace, "status"), "phase", json!("Active"));
}

fn binding(binding: &mut Value) {
    if let Some(role) = binding.get_mut("roleRef").filter(|role| role.is_object()) {
        set(role, "apiGroup", json!(RBAC));
    }
    each(binding, "subjects", |subject| {
        if subject.get("kind").and_then(Value::as_str) != Some("ServiceAccount") {
            set(subject, "apiGroup", json!(RBAC));
        }
    });
}

/// Limits of containers: the default limit is the maximum, the default request the default limit or the minimum.
fn limit_range(range: &mut Value) {
    let Some(spec) = range.get_mut("spec") else {
        return;
    };
    each(spec, "limits", |limit| {
        if limit.get("type").and_then(Value::as_str) != Some("Container") {
            return;
        }
        for (from, to) in [
            ("max", "default"),
            ("default", "defaultRequest"),
            ("min", "defaultRequest"),
        ] {
            let Some(values) = limit
                .get(from)
                .and_then(Value::as_object)
                .filter(|map| !map.is_empty())
                .cloned()
            else {
                continue;
            };
            let to = field(limit, to);
            for (resource, quantity) in values {
                set(to, &resource, quantity);
            }
        }
    });
}

/// The field of an object, made an empty object when it is unset. Of what is no object, the value itself: the types
/// were checked, so that nothing is lost.
fn field<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        return value;
    }
    let map = value.as_object_mut().expect("it was just found to be an object");
    let field = map.entry(name).or_insert(Value::Null);
    if field.is_null() {
        *field = Value::Object(Map::new());
    }
    field
}

/// Sets a field whatever it was.
fn put(value: &mut Value, name: &str, new: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(name.to_owned(), new);
    }
}

/// Sets a field that is absent, null or an empty text.
fn set(value: &mut Value, name: &str, default: Value) {
    if let Some(map) = value.as_object_mut() {
        let unset = match map.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        if unset {
            map.insert(name.to_owned(), default);
        }
    }
}

/// Sets a field that is absent or null; an empty text stays.
fn set_absent(value: &mut Value, name: &str, default: Value) {
    if value.get(name).is_none_or(Value::is_null)
        && let Some(map) = value.as_object_mut()
    {
        map.insert(name.to_owned(), default);
    }
}

/// Sets a number that is absent, null or zero.
fn set_number(value: &mut Value, name: &str, default: i64) {
    if value
        .get(name)
        .is_none_or(|own| own.is_null() || own.as_i64() == Some(0))
        && let Some(map) = value.as_object_mut()
    {
        map.insert(name.to_owned(), json!(default));
    }
}

/// Does something with each object of a list field.
fn each(value: &mut Value, name: &str, mut change: impl FnMut(&mut Value)) {
    let list = value.get_mut(name).and_then(Value::as_array_mut);
    for item in list.into_iter().flatten().filter(|item| item.is_object()) {
        change(item);
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
