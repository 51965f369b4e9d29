//! The columns of built-in kinds and how their cells are read from an object.

use serde_json::{Value, json};

use super::super::scale::selector_text;
use super::{Column, age, duration, work};
use crate::registry::world::seconds_since;

const fn column(name: &'static str, description: &'static str, cell: fn(&Value) -> Value) -> Column {
    Column {
        name,
        kind: "string",
        priority: 0,
        description,
        cell,
    }
}

impl Column {
    const fn integer(self) -> Self {
        Self {
            kind: "integer",
            ..self
        }
    }

    const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }
}

/// Group, plural, columns after the name.
pub(super) const COLUMNS: &[(&str, &str, &[Column])] = &[
    ("", "configmaps", &[column("Data", "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process.", |o| json!(entries(&o["data"]) + entries(&o["binaryData"])))]),
    ("", "secrets", &[
        column("Type", "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types", |o| o["type"].clone()),
        column("Data", "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. The serialized form of the secret data is a base64 encoded string, representing the arbitrary (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4", |o| json!(entries(&o["data"]))),
    ]),
    ("", "namespaces", &[column("Status", "The status of the namespace", |o| text(&o["status"]["phase"]))]),
    ("", "serviceaccounts", &[column("Secrets", "Secrets is a list of the secrets in the same namespace that pods running using this ServiceAccount are allowed to use.", |o| json!(items(&o["secrets"]).len()))]),
    ("", "services", &[
        column("Type", "type determines how the Service is exposed.", |o| o["spec"]["type"].clone()),
        column("Cluster-IP", "clusterIP is the IP address of the service.", |o| or(&o["spec"]["clusterIP"], "<none>")),
        column("External-IP", "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.", external_ip),
        column("Port(s)", "The list of ports that are exposed by this service.", service_ports),
        column("Age", "", age),
        column("Selector", "Route service traffic to pods with label keys and values matching this selector.", |o| or(&json!(selector_text(&o["spec"]["selector"])), "<none>")).wide(),
    ]),
    ("", "pods", &[
        column("Ready", "The aggregate readiness state of this pod for accepting traffic.", |o| {
            let statuses = items(&o["status"]["containerStatuses"]);
            let ready = statuses.iter().filter(|one| one["ready"] == json!(true)).count();
            json!(format!("{ready}/{}", items(&o["spec"]["containers"]).len()))
        }),
        column("Status", "The aggregate status of the containers in this pod.", |o| {
            if o["metadata"]["deletionTimestamp"].is_string() { json!("Terminating") } else { text(&o["status"]["phase"]) }
        }),
        column("Restarts", "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.", |o| {
            let restarts: i64 = items(&o["status"]["containerStatuses"]).iter().map(|one| number(&one["restartCount"])).sum();
            json!(restarts.to_string())
        }),
        column("Age", "", age),
        column("IP", "podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet allocated.", |o| or(&o["status"]["podIP"], "<none>")).wide(),
        column("Node", "NodeName indicates in which node this pod is scheduled.", |o| or(&o["spec"]["nodeName"], "<none>")).wide(),
        column("Nominated Node", "nominatedNodeName is set only when this pod preempts other pods on the node.", |o| or(&o["status"]["nominatedNodeName"], "<none>")).wide(),
        column("Readiness Gates", "If specified, all readiness gates will be evaluated for pod readiness.", |_| json!("<none>")).wide(),
    ]),
    ("apps", "deployments", &[
        column("Ready", "Number of the pod with ready state", |o| json!(format!("{}/{}", number(&o["status"]["readyReplicas"]), number(&o["spec"]["replicas"])))),
        column("Up-to-date", "Total number of non-terminating pods targeted by this deployment that have the desired template spec.", |o| json!(number(&o["status"]["updatedReplicas"]))),
        column("Available", "Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.", |o| json!(number(&o["status"]["availableReplicas"]))),
        column("Age", "", age),
        column("Containers", "Names of each container in the template.", |o| containers(o, "name")).wide(),
        column("Images", "Images referenced by each container in the template.", |o| containers(o, "image")).wide(),
        column("Selector", "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment.", selector).wide(),
    ]),
    ("apps", "replicasets", &[
        column("Desired", "Replicas is the number of desired pods.", |o| json!(number(&o["spec"]["replicas"]))).integer(),
        column("Current", "Replicas is the most recently observed number of non-terminating pods.", |o| json!(number(&o["status"]["replicas"]))).integer(),
        column("Ready", "The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.", |o| json!(number(&o["status"]["readyReplicas"]))).integer(),
        column("Age", "", age),
        column("Containers", "Names of each container in the template.", |o| containers(o, "name")).wide(),
        column("Images", "Images referenced by each container in the template.", |o| containers(o, "image")).wide(),
        column("Selector", "Selector is a label query over pods that should match the replica count.", selector).wide(),
    ]),
    ("apps", "statefulsets", &[
        column("Ready", "Number of the pod with ready state", |o| json!(format!("{}/{}", number(&o["status"]["readyReplicas"]), number(&o["spec"]["replicas"])))),
        column("Age", "", age),
        column("Containers", "Names of each container in the template.", |o| containers(o, "name")).wide(),
        column("Images", "Images referenced by each container in the template.", |o| containers(o, "image")).wide(),
    ]),
    ("apps", "daemonsets", &[
        column("Desired", "The total number of nodes that should be running the daemon pod.", |o| json!(number(&o["status"]["desiredNumberScheduled"]))).integer(),
        column("Current", "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod.", |o| json!(number(&o["status"]["currentNumberScheduled"]))).integer(),
        column("Ready", "The number of nodes that should be running the daemon pod and have a ready daemon pod.", |o| json!(number(&o["status"]["numberReady"]))).integer(),
        column("Up-to-date", "The total number of nodes that are running updated daemon pod", |o| json!(number(&o["status"]["updatedNumberScheduled"]))).integer(),
        column("Available", "The number of nodes that have an available daemon pod.", |o| json!(number(&o["status"]["numberAvailable"]))).integer(),
        column("Node Selector", "NodeSelector is a selector which must be true for the pod to fit on a node.", |o| or(&json!(selector_text(&o["spec"]["template"]["spec"]["nodeSelector"])), "<none>")),
        column("Age", "", age),
    ]),
    ("autoscaling", "horizontalpodautoscalers", &[
        column("Reference", "Reference to the target of the autoscaler.", |o| {
            let target = &o["spec"]["scaleTargetRef"];
            json!(format!("{}/{}", target["kind"].as_str().unwrap_or_default(), target["name"].as_str().unwrap_or_default()))
        }),
        column("Targets", "What is measured against what is wanted.", work::targets),
        column("MinPods", "The fewest pods.", |o| json!(o["spec"]["minReplicas"].as_i64().map_or("<unset>".to_owned(), |pods| pods.to_string()))),
        column("MaxPods", "The most pods.", |o| json!(number(&o["spec"]["maxReplicas"]))).integer(),
        column("Replicas", "The pods that there are.", |o| json!(number(&o["status"]["currentReplicas"]))).integer(),
        column("Age", "", age),
    ]),
    ("batch", "cronjobs", &[
        column("Schedule", "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron.", |o| text(&o["spec"]["schedule"])),
        column("Timezone", "The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones. If not specified, this will default to the time zone of the kube-controller-manager process. The set of valid time zone names and the time zone offset is loaded from the system-wide time zone database by the API server during CronJob validation and the controller manager during execution. If no system-wide time zone database can be found a bundled version of the database is used instead. If the time zone name becomes invalid during the lifetime of a CronJob or due to a change in host configuration, the controller will stop creating new new Jobs and will create a system event with the reason UnknownTimeZone. More information can be found in https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones", |o| or(&o["spec"]["timeZone"], "<none>")),
        column("Suspend", "This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.  Defaults to false.", |o| json!(if o["spec"]["suspend"] == true { "True" } else { "False" })),
        column("Active", "A list of pointers to currently running jobs.", |o| json!(items(&o["status"]["active"]).len())).integer(),
        column("Last Schedule", "Information when was the last time the job was successfully scheduled.", work::last_schedule),
        column("Age", "", age),
        column("Containers", "Names of each container in the template.", |o| containers(&o["spec"]["jobTemplate"], "name")).wide(),
        column("Images", "Images referenced by each container in the template.", |o| containers(&o["spec"]["jobTemplate"], "image")).wide(),
        column("Selector", "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors", |o| selector(&o["spec"]["jobTemplate"])).wide(),
    ]),
    ("batch", "jobs", &[
        column("Status", "Status of the job.", work::job_status),
        column("Completions", "Completions specifies the desired number of successfully finished pods the job should be run with.", work::completions),
        column("Duration", "Time required to complete the job.", work::took),
        column("Age", "", age),
        column("Containers", "Names of each container in the template.", |o| containers(o, "name")).wide(),
        column("Images", "Images referenced by each container in the template.", |o| containers(o, "image")).wide(),
        column("Selector", "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors", selector).wide(),
    ]),
    ("networking.k8s.io", "ingresses", &[
        column("Class", "The name of the IngressClass resource that should be used for additional configuration", |o| or(&o["spec"]["ingressClassName"], "<none>")),
        column("Hosts", "Hosts that this ingress is matching", |o| {
            let hosts: Vec<&str> = items(&o["spec"]["rules"]).iter().filter_map(|rule| rule["host"].as_str()).collect();
            json!(if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") })
        }),
        column("Address", "Address is a list containing ingress points for the load-balancer", |o| {
            let points = items(&o["status"]["loadBalancer"]["ingress"]);
            json!(points.iter().filter_map(|one| one["ip"].as_str().or(one["hostname"].as_str())).collect::<Vec<_>>().join(","))
        }),
        column("Ports", "Ports of TLS configurations that open", |o| json!(if items(&o["spec"]["tls"]).is_empty() { "80" } else { "80, 443" })),
    ]),
    ("", "nodes", &[
        column("Status", "The status of the node", |o| {
            let ready = items(&o["status"]["conditions"]).iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
            json!(if ready { "Ready" } else { "NotReady" })
        }),
        column("Roles", "The roles of the node", |_| json!("<none>")),
        column("Age", "", age),
        column("Version", "Kubelet Version reported by the node.", |o| text(&o["status"]["nodeInfo"]["kubeletVersion"])),
    ]),
    ("", "events", &[
        column("Last Seen", "The time at which the most recent occurrence of this event was recorded.", |o| json!(o["lastTimestamp"].as_str().and_then(seconds_since).map_or("<unknown>".to_owned(), |seconds| duration(seconds.max(0))))),
        column("Type", "Type of this event (Normal, Warning), new types could be added in the future", |o| text(&o["type"])),
        column("Reason", "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.", |o| text(&o["reason"])),
        column("Object", "The object that this event is about.", |o| json!(format!("{}/{}", o["involvedObject"]["kind"].as_str().unwrap_or_default().to_lowercase(), o["involvedObject"]["name"].as_str().unwrap_or_default()))),
        column("Message", "A human-readable description of the status of this operation.", |o| text(&o["message"])),
    ]),
    ("rbac.authorization.k8s.io", "rolebindings", &[
        column("Role", "RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.", role),
        column("Age", "", age),
        column("Users", "Users in the roleBinding", |o| subjects(o, "User")).wide(),
        column("Groups", "Groups in the roleBinding", |o| subjects(o, "Group")).wide(),
        column("ServiceAccounts", "ServiceAccounts in the roleBinding", |o| subjects(o, "ServiceAccount")).wide(),
    ]),
    ("rbac.authorization.k8s.io", "clusterrolebindings", &[
        column("Role", "RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.", role),
        column("Age", "", age),
        column("Users", "Users in the clusterRoleBinding", |o| subjects(o, "User")).wide(),
        column("Groups", "Groups in the clusterRoleBinding", |o| subjects(o, "Group")).wide(),
        column("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding", |o| subjects(o, "ServiceAccount")).wide(),
    ]),
];

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn entries(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn text(value: &Value) -> Value {
    or(value, "")
}

fn or(value: &Value, otherwise: &str) -> Value {
    match value.as_str() {
        Some(text) if !text.is_empty() => value.clone(),
        _ => json!(otherwise),
    }
}

fn containers(object: &Value, field: &str) -> Value {
    let all = items(&object["spec"]["template"]["spec"]["containers"]);
    json!(
        all.iter()
            .filter_map(|one| one[field].as_str())
            .collect::<Vec<_>>()
            .join(",")
    )
}

fn selector(object: &Value) -> Value {
    or(&json!(selector_text(&object["spec"]["selector"])), "<none>")
}

fn external_ip(service: &Value) -> Value {
    let spec = &service["spec"];
    match spec["type"].as_str() {
        Some("ExternalName") => text(&spec["externalName"]),
        Some("LoadBalancer") if items(&service["status"]["loadBalancer"]["ingress"]).is_empty() => {
            json!("<pending>")
        }
        _ => json!("<none>"),
    }
}

fn service_ports(service: &Value) -> Value {
    let port = |one: &Value| {
        let node = one["nodePort"].as_i64().filter(|port| *port > 0);
        let node = node.map(|port| format!(":{port}")).unwrap_or_default();
        format!(
            "{}{node}/{}",
            number(&one["port"]),
            one["protocol"].as_str().unwrap_or("TCP")
        )
    };
    let all: Vec<String> = items(&service["spec"]["ports"]).iter().map(port).collect();
    or(&json!(all.join(",")), "<none>")
}

fn role(binding: &Value) -> Value {
    let part = |name: &str| binding["roleRef"][name].as_str().unwrap_or_default();
    json!(format!("{}/{}", part("kind"), part("name")))
}

/// The names of a binding's subjects of one kind.
fn subjects(binding: &Value, kind: &str) -> Value {
    let of_kind = items(&binding["subjects"])
        .iter()
        .filter(|one| one["kind"] == kind);
    let name = |one: &Value| {
        let name = one["name"].as_str().unwrap_or_default();
        match one["namespace"].as_str() {
            Some(namespace) if kind == "ServiceAccount" => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        }
    };
    json!(of_kind.map(name).collect::<Vec<_>>().join(", "))
}
