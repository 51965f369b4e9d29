//! Ways to more than was granted.

use objects::{Quantity, Units};
use serde_json::json;

use super::super::{PROBE, pods};
use super::{Way, alone, named, way};
use crate::names::TENANT_LABEL;

pub(super) const WAYS: &[Way] = &[
    way(
        ("quota-cpu", "a pod larger than the quota of CPU", ""),
        ("v1", "Pod"),
        |g| {
            let mut spec = pods::spec();
            spec["containers"][0]["resources"]["requests"]["cpu"] =
                more(&g.quota.cpu, 1, Units::Decimal).into();
            alone(g, pods::object(&g.namespace, &spec))
        },
    ),
    way(
        ("quota-memory", "a pod larger than the quota of memory", ""),
        ("v1", "Pod"),
        |g| {
            let memory = more(&g.quota.memory, 1 << 30, Units::Binary);
            let mut spec = pods::spec();
            spec["containers"][0]["resources"] =
                json!({"requests": {"memory": memory}, "limits": {"memory": memory}});
            alone(g, pods::object(&g.namespace, &spec))
        },
    ),
    way(
        ("quota-storage", "a claim larger than the quota", ""),
        ("v1", "PersistentVolumeClaim"),
        |g| {
            let storage = more(&g.quota.storage, 1 << 30, Units::Binary);
            let spec =
                json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        (
            "load-balancer",
            "a load balancer that was not granted",
            "load-balancer",
        ),
        ("v1", "Service"),
        |g| {
            let spec = json!({"type": "LoadBalancer", "ports": [{"port": 80}]});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
                .filter(|_| g.quota.load_balancers == 0)
        },
    ),
    way(
        (
            "node-port",
            "a port of every node that was not granted",
            "node-port",
        ),
        ("v1", "Service"),
        |g| {
            let spec = json!({"type": "NodePort", "ports": [{"port": 80}]});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
                .filter(|_| g.quota.node_ports == 0)
        },
    ),
    way(
        (
            "chosen-volume",
            "a claim on a volume that others released",
            "chosen-volume",
        ),
        ("v1", "PersistentVolumeClaim"),
        |g| {
            let spec = json!({"accessModes": ["ReadWriteOnce"], "volumeName": PROBE, "storageClassName": "",
                          "resources": {"requests": {"storage": "1Mi"}}});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        (
            "tenant-mark",
            "an object marked as the platform's own",
            "shipway-mark",
        ),
        ("v1", "ConfigMap"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["labels"] = json!({TENANT_LABEL: g.tenant});
            alone(g, json!({"metadata": metadata}))
        },
    ),
    way(
        (
            "finalizer",
            "a finalizer that keeps the tenant from leaving",
            "shipway-mark",
        ),
        ("v1", "ConfigMap"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["finalizers"] = json!(["shipway.dev/tenant"]);
            alone(g, json!({"metadata": metadata}))
        },
    ),
];

/// A quota and something on top; where the quota can't be read nothing was granted.
fn more(quota: &str, on_top: i64, units: Units) -> String {
    let quota = Quantity::parse(quota).unwrap_or(Quantity::ZERO);
    Quantity::whole(quota.as_whole().saturating_add(on_top)).print(units)
}
