//! The columns of nodes, namespaces and what they hold, of events, and of what bounds and orders pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::age_of;
use super::column::{AGE, Columns, NAME, field, said};
use super::read::{NONE, condition, count, entries, items, joined, number, or, plain, text, truth, written};

const UNKNOWN: &str = "<unknown>";

pub(super) const COLUMNS: &[Columns] = &[
    (
        "",
        "configmaps",
        &[
            NAME,
            field("Data", "core.v1.ConfigMap.data", |o| {
                json!(entries(&o["data"]) + entries(&o["binaryData"]))
            }),
            AGE,
        ],
    ),
    (
        "",
        "secrets",
        &[
            NAME,
            field("Type", "core.v1.Secret.type", |o| plain(&o["type"])),
            field("Data", "core.v1.Secret.data", |o| json!(entries(&o["data"]))),
            AGE,
        ],
    ),
    (
        "",
        "namespaces",
        &[
            NAME,
            said("Status", "The status of the namespace", |o| {
                plain(&o["status"]["phase"])
            }),
            AGE,
        ],
    ),
    (
        "",
        "serviceaccounts",
        &[
            NAME,
            field("Secrets", "core.v1.ServiceAccount.secrets", |o| {
                count(&o["secrets"])
            }),
            AGE,
        ],
    ),
    (
        "",
        "componentstatuses",
        &[
            NAME,
            said("Status", "Status of the component conditions", |o| {
                json!(match health(o)["status"].as_str() {
                    Some("True") => "Healthy",
                    Some(_) => "Unhealthy",
                    None => "Unknown",
                })
            }),
            said("Message", "Message of the component conditions", |o| {
                plain(&health(o)["message"])
            }),
            said("Error", "Error of the component conditions", |o| {
                plain(&health(o)["error"])
            }),
        ],
    ),
    (
        "",
        "nodes",
        &[
            NAME,
            said("Status", "The status of the node", |o| {
                let ready = match condition(o, "Ready") {
                    Some("True") => "Ready",
                    Some(_) => "NotReady",
                    None => "Unknown",
                };
                let closed = truth(&o["spec"]["unschedulable"], false);
                json!(if closed {
                    format!("{ready},SchedulingDisabled")
                } else {
                    ready.to_owned()
                })
            }),
            said("Roles", "The roles of the node", roles),
            AGE,
            field("Version", "core.v1.NodeSystemInfo.kubeletVersion", |o| {
                plain(&o["status"]["nodeInfo"]["kubeletVersion"])
            }),
            field("Internal-IP", "core.v1.NodeStatus.addresses", |o| {
                address(o, "InternalIP")
            })
            .wide(),
            field("External-IP", "core.v1.NodeStatus.addresses", |o| {
                address(o, "ExternalIP")
            })
            .wide(),
            field("OS-Image", "core.v1.NodeSystemInfo.osImage", |o| {
                or(&o["status"]["nodeInfo"]["osImage"], UNKNOWN)
            })
            .wide(),
            field("Kernel-Version", "core.v1.NodeSystemInfo.kernelVersion", |o| {
                or(&o["status"]["nodeInfo"]["kernelVersion"], UNKNOWN)
            })
            .wide(),
            field(
                "Container-Runtime",
                "core.v1.NodeSystemInfo.containerRuntimeVersion",
                |o| or(&o["status"]["nodeInfo"]["containerRuntimeVersion"], UNKNOWN),
            )
            .wide(),
        ],
    ),
    (
        "",
        "events",
        &[
            field("Last Seen", "core.v1.Event.lastTimestamp", |o| {
                json!(last_seen(o))
            }),
            field("Type", "core.v1.Event.type", |o| plain(&o["type"])),
            field("Reason", "core.v1.Event.reason", |o| plain(&o["reason"])),
            field("Object", "core.v1.Event.involvedObject", |o| {
                let about = &o["involvedObject"];
                let kind = text(&about["kind"]).to_lowercase();
                json!(match text(&about["name"]) {
                    "" => kind,
                    name => format!("{kind}/{name}"),
                })
            }),
            field("Subobject", "core.v1.ObjectReference.fieldPath", |o| {
                plain(&o["involvedObject"]["fieldPath"])
            })
            .wide(),
            field("Source", "core.v1.Event.source", source).wide(),
            field("Message", "core.v1.Event.message", |o| {
                json!(text(&o["message"]).trim())
            }),
            field("First Seen", "core.v1.Event.firstTimestamp", |o| {
                json!(first_seen(o))
            })
            .wide(),
            field("Count", "core.v1.Event.count", |o| {
                let count = if o["series"].is_object() {
                    &o["series"]["count"]
                } else {
                    &o["count"]
                };
                let singleton = i64::from(!o["series"].is_object());
                json!(number(count).max(singleton))
            })
            .wide(),
            NAME.wide(),
        ],
    ),
    (
        "",
        "resourcequotas",
        &[
            NAME,
            said(
                "Request",
                "Request represents a minimum amount of cpu/memory that a container may consume.",
                |o| json!(amounts(o, false)),
            ),
            said(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
                |o| json!(amounts(o, true)),
            ),
            AGE,
        ],
    ),
    (
        "coordination.k8s.io",
        "leases",
        &[
            NAME,
            field("Holder", "coordination.v1.LeaseSpec.holderIdentity", |o| {
                plain(&o["spec"]["holderIdentity"])
            }),
            AGE,
        ],
    ),
    (
        "scheduling.k8s.io",
        "priorityclasses",
        &[
            NAME,
            field("Value", "scheduling.v1.PriorityClass.value", |o| {
                json!(number(&o["value"]))
            })
            .integer(),
            field(
                "Global-Default",
                "scheduling.v1.PriorityClass.globalDefault",
                |o| json!(truth(&o["globalDefault"], false)),
            )
            .boolean(),
            AGE,
            field(
                "PreemptionPolicy",
                "scheduling.v1.PriorityClass.preemptionPolicy",
                |o| plain(&o["preemptionPolicy"]),
            ),
        ],
    ),
    (
        "node.k8s.io",
        "runtimeclasses",
        &[NAME, said("Handler", "", |o| plain(&o["handler"])), AGE],
    ),
    ("resource.k8s.io", "deviceclasses", &[NAME, AGE]),
    (
        "resource.k8s.io",
        "resourceclaims",
        &[
            NAME,
            said(
                "State",
                "A summary of the current state (allocated, pending, reserved, etc.).",
                claim_state,
            ),
            AGE,
        ],
    ),
    ("resource.k8s.io", "resourceclaimtemplates", &[NAME, AGE]),
    (
        "resource.k8s.io",
        "resourceslices",
        &[
            NAME,
            field("Node", "resource.v1.ResourceSliceSpec.nodeName", |o| {
                plain(&o["spec"]["nodeName"])
            }),
            field("Driver", "resource.v1.ResourceSliceSpec.driver", |o| {
                plain(&o["spec"]["driver"])
            }),
            field("Pool", "resource.v1.ResourcePool.name", |o| {
                plain(&o["spec"]["pool"]["name"])
            }),
            AGE,
        ],
    ),
];

fn health(component: &Value) -> &Value {
    let found = items(&component["conditions"])
        .iter()
        .find(|one| one["type"] == "Healthy");
    found.unwrap_or(&Value::Null)
}

fn roles(node: &Value) -> Value {
    let labels = node["metadata"]["labels"].as_object();
    let role = |(key, value): (&'_ String, &'_ Value)| match key.strip_prefix("node-role.kubernetes.io/") {
        Some(role) => Some(role.to_owned()),
        None if key == "kubernetes.io/role" => value.as_str().map(str::to_owned),
        None => None,
    };
    let roles = labels
        .into_iter()
        .flatten()
        .filter_map(role)
        .filter(|role| !role.is_empty());
    let roles: BTreeSet<String> = roles.collect();
    or(&json!(joined(roles.iter().map(String::as_str))), NONE)
}

fn address(node: &Value, kind: &str) -> Value {
    let found = items(&node["status"]["addresses"])
        .iter()
        .find(|one| one["type"] == kind);
    found.map_or(json!(NONE), |one| plain(&one["address"]))
}

fn first_seen(event: &Value) -> String {
    match text(&event["firstTimestamp"]) {
        "" => age_of(text(&event["eventTime"])),
        time => age_of(time),
    }
}

fn last_seen(event: &Value) -> String {
    match (&event["series"], text(&event["lastTimestamp"])) {
        (Value::Object(series), _) => age_of(series.get("lastObservedTime").map_or("", text)),
        (_, "") => first_seen(event),
        (_, time) => age_of(time),
    }
}

fn source(event: &Value) -> Value {
    let first = |a: &'_ Value, b: &'_ Value| match text(a) {
        "" => text(b).to_owned(),
        text => text.to_owned(),
    };
    let component = first(&event["source"]["component"], &event["reportingComponent"]);
    let instance = first(&event["source"]["host"], &event["reportingInstance"]);
    json!(if instance.is_empty() {
        component
    } else {
        format!("{component}, {instance}")
    })
}

/// `pods: 1/10, requests.cpu: 0/2`: what is used of a quota's limits, or of all else.
fn amounts(quota: &Value, limits: bool) -> String {
    let (used, hard) = (&quota["status"]["used"], quota["status"]["hard"].as_object());
    let all = hard
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("limits.") == limits);
    let amount = |value: &Value| written(value).unwrap_or_else(|| "0".to_owned());
    let mut all: Vec<(&String, String)> = all
        .map(|(name, hard)| (name, format!("{name}: {}/{}", amount(&used[name]), amount(hard))))
        .collect();
    all.sort();
    all.into_iter()
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(", ")
}

fn claim_state(claim: &Value) -> Value {
    let deleted = super::read::is_deleted(claim);
    let allocated = claim["status"]["allocation"].is_object();
    let reserved = allocated && !items(&claim["status"]["reservedFor"]).is_empty();
    let states = [
        (deleted, "deleted"),
        (!allocated && !deleted, "pending"),
        (allocated, "allocated"),
        (reserved, "reserved"),
    ];
    json!(joined(
        states.iter().filter(|(holds, _)| *holds).map(|(_, state)| *state)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_show_what_is_used_of_what() {
        let quota = json!({"status": {
            "hard": {"pods": "10", "requests.cpu": "2", "limits.cpu": "4"},
            "used": {"pods": "1", "limits.cpu": "500m"},
        }});
        assert_eq!(amounts(&quota, false), "pods: 1/10, requests.cpu: 0/2");
        assert_eq!(amounts(&quota, true), "limits.cpu: 500m/4");
    }

    #[test]
    fn roles_come_from_labels_in_their_order() {
        let labels = json!({"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "agent", "node-role.kubernetes.io/": ""});
        assert_eq!(roles(&json!({"metadata": {"labels": labels}})), "agent,worker");
        assert_eq!(roles(&json!({})), "<none>");
    }
}
