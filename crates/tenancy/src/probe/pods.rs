//! Ways out by a pod: what it may not have of the node, of other accounts, and of the scheduler.
//!
//! Each is a pod that the level Restricted lets through, with one thing changed, so that it is refused for that thing. The
//! same pod unchanged is what must be let through.

use kinds::PodSecurity;
use serde_json::{Value, json};

use super::ways::Way;
use super::{Ground, PROBE};

/// Never pulled: nothing of it runs.
const IMAGE: &str = "registry.invalid/shipway-check:1";

/// Changes a pod's spec.
type Change = fn(&mut Value);

/// A way out by a pod, or by the pods of a Deployment, which Pod Security does not look at.
const fn pod(
    id: &'static str,
    title: &'static str,
    check: &'static str,
    object: fn(&Ground) -> Option<Value>,
) -> Way {
    Way {
        id,
        title,
        check,
        api_version: "v1",
        kind: "Pod",
        object,
    }
}

const fn template(
    id: &'static str,
    title: &'static str,
    check: &'static str,
    object: fn(&Ground) -> Option<Value>,
) -> Way {
    Way {
        id,
        title,
        check,
        api_version: "apps/v1",
        kind: "Deployment",
        object,
    }
}

/// All of them.
pub(super) const WAYS: &[Way] = &[
    pod(
        "pod-host-network",
        "a pod in the node's network",
        "host-network",
        |g| changed(g, |spec| spec["hostNetwork"] = json!(true)),
    ),
    pod(
        "pod-host-pid",
        "a pod among the node's processes",
        "host-pid",
        |g| changed(g, |spec| spec["hostPID"] = json!(true)),
    ),
    pod(
        "pod-host-ipc",
        "a pod in the node's shared memory",
        "host-ipc",
        |g| changed(g, |spec| spec["hostIPC"] = json!(true)),
    ),
    pod(
        "pod-host-port",
        "a pod with a port of the node",
        "host-port",
        |g| {
            changed(g, |spec| {
                spec["containers"][0]["ports"] = json!([{"containerPort": 8080, "hostPort": 8080}]);
            })
        },
    ),
    pod(
        "pod-host-path",
        "a pod with the node's file system",
        "host-path",
        |g| {
            changed(g, |spec| {
                spec["volumes"] = json!([{"name": "root", "hostPath": {"path": "/"}}]);
            })
        },
    ),
    pod(
        "pod-host-processes",
        "a pod with the node's /proc as a volume",
        "host-path",
        |g| {
            changed(g, |spec| {
                spec["volumes"] = json!([{"name": "proc", "hostPath": {"path": "/proc"}}]);
            })
        },
    ),
    pod("pod-privileged", "a privileged container", "privileged", |g| {
        changed(g, |spec| {
            let context = &mut spec["containers"][0]["securityContext"];
            context["privileged"] = json!(true);
            context["allowPrivilegeEscalation"] = json!(true);
        })
    }),
    pod(
        "pod-capability",
        "a container with CAP_SYS_ADMIN",
        "added-capability",
        |g| {
            changed(g, |spec| {
                spec["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["SYS_ADMIN"]);
            })
        },
    ),
    pod(
        "pod-net-raw",
        "a container that forges packets",
        "added-capability",
        |g| {
            changed(g, |spec| {
                spec["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["NET_RAW"]);
            })
        },
    ),
    pod(
        "pod-proc-mount",
        "a container that sees all of /proc",
        "proc-mount",
        |g| {
            changed(g, |spec| {
                spec["hostUsers"] = json!(false);
                spec["containers"][0]["securityContext"]["procMount"] = json!("Unmasked");
            })
        },
    ),
    pod(
        "pod-sysctl",
        "a pod that sets the node's kernel parameters",
        "sysctl",
        |g| {
            changed(g, |spec| {
                spec["securityContext"]["sysctls"] = json!([{"name": "kernel.msgmax", "value": "65536"}]);
            })
        },
    ),
    pod(
        "pod-seccomp",
        "a container with every call of the kernel",
        "seccomp-profile",
        |g| {
            changed(g, |spec| {
                spec["securityContext"]["seccompProfile"]["type"] = json!("Unconfined");
            })
        },
    ),
    pod(
        "pod-apparmor",
        "a container without its AppArmor profile",
        "apparmor-profile",
        |g| {
            changed(g, |spec| {
                spec["securityContext"]["appArmorProfile"] = json!({"type": "Unconfined"});
            })
        },
    ),
    pod(
        "pod-selinux",
        "a container in an SELinux type of its choice",
        "selinux-options",
        |g| {
            changed(g, |spec| {
                spec["securityContext"]["seLinuxOptions"] = json!({"type": "spc_t"});
            })
        },
    ),
    pod("pod-root", "a container as root", "run-as-root", |g| {
        hardened(g, |spec| {
            spec["securityContext"]["runAsNonRoot"] = json!(false);
            spec["containers"][0]["securityContext"]["runAsUser"] = json!(0);
        })
    }),
    pod(
        "pod-setuid",
        "a container that may gain rights",
        "privilege-escalation",
        |g| {
            hardened(g, |spec| {
                spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
            })
        },
    ),
    pod(
        "pod-node-name",
        "a pod on a node of its choice",
        "node-name",
        |g| changed(g, |spec| spec["nodeName"] = json!(PROBE)),
    ),
    pod(
        "pod-control-plane",
        "a pod on the control plane",
        "control-plane",
        |g| {
            changed(g, |spec| {
                spec["nodeSelector"] = json!({"node-role.kubernetes.io/control-plane": ""});
            })
        },
    ),
    pod(
        "pod-tolerates-all",
        "a pod that no taint keeps off a node",
        "toleration",
        |g| changed(g, |spec| spec["tolerations"] = json!([{"operator": "Exists"}])),
    ),
    pod(
        "pod-system-priority",
        "a pod that pushes others off",
        "system-priority",
        |g| {
            changed(g, |spec| {
                spec["priorityClassName"] = json!("system-node-critical");
            })
        },
    ),
    pod(
        "pod-probe-host",
        "a probe by which the node calls another host",
        "probe-host",
        |g| {
            changed(g, |spec| {
                spec["containers"][0]["livenessProbe"] =
                    json!({"httpGet": {"host": "169.254.169.254", "path": "/latest/meta-data", "port": 80}});
            })
        },
    ),
    pod(
        "pod-local-image",
        "an image that only others may pull",
        "image-never-pulled",
        |g| {
            changed(g, |spec| {
                spec["containers"][0]["imagePullPolicy"] = json!("Never");
            })
        },
    ),
    pod(
        "pod-ephemeral-claim",
        "a pod with a volume of its choice",
        "chosen-volume",
        |g| {
            changed(g, |spec| {
                let claim = json!({"accessModes": ["ReadWriteOnce"], "volumeName": PROBE,
                               "resources": {"requests": {"storage": "1Gi"}}});
                spec["volumes"] =
                    json!([{"name": "disk", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}]);
            })
        },
    ),
    pod(
        "pod-nfs",
        "a pod with a disk of the network",
        "volume-type",
        |g| {
            hardened(g, |spec| {
                spec["volumes"] = json!([{"name": "disk", "nfs": {"server": "192.0.2.1", "path": "/"}}]);
            })
        },
    ),
    template(
        "template-host-path",
        "a Deployment with the node's file system",
        "host-path",
        |g| {
            deployed(g, |spec| {
                spec["volumes"] = json!([{"name": "root", "hostPath": {"path": "/"}}]);
            })
        },
    ),
    template(
        "template-host-network",
        "a Deployment in the node's network",
        "host-network",
        |g| deployed(g, |spec| spec["hostNetwork"] = json!(true)),
    ),
    template(
        "template-privileged",
        "a Deployment of privileged containers",
        "privileged",
        |g| {
            deployed(g, |spec| {
                let context = &mut spec["containers"][0]["securityContext"];
                context["privileged"] = json!(true);
                context["allowPrivilegeEscalation"] = json!(true);
            })
        },
    ),
    template(
        "template-node-name",
        "a Deployment on a node of its choice",
        "node-name",
        |g| deployed(g, |spec| spec["nodeName"] = json!(PROBE)),
    ),
];

/// What must be let through.
pub(super) fn allowed(ground: &Ground) -> Value {
    object(&ground.namespace, &spec())
}

/// A pod in a namespace.
pub(super) fn object(namespace: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": PROBE, "namespace": namespace}, "spec": spec})
}

/// The spec of a pod that every level lets through.
pub(super) fn spec() -> Value {
    json!({
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "probe",
            "image": IMAGE,
            "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "1Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}

fn changed(ground: &Ground, change: Change) -> Option<Value> {
    let mut spec = spec();
    change(&mut spec);
    Some(object(&ground.namespace, &spec)).filter(|_| ground.victim.is_none())
}

/// What only the level Restricted refuses.
fn hardened(ground: &Ground, change: Change) -> Option<Value> {
    changed(ground, change).filter(|_| ground.level == PodSecurity::Restricted)
}

fn deployed(ground: &Ground, change: Change) -> Option<Value> {
    let labels = json!({"app": PROBE});
    let mut spec = spec();
    change(&mut spec);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": PROBE, "namespace": ground.namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": spec}},
    });
    Some(deployment).filter(|_| ground.victim.is_none())
}
