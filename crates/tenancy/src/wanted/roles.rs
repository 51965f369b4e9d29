//! Who may do what in a tenant's namespaces: the roles, which every cluster has once, and their bindings.
//!
//! ```text
//! view ⊂ deploy ⊂ administer      deployer = administer without a way into a running pod
//! ```
//!
//! No role has `escalate`, `bind` or `impersonate`, and none may ask for a token: whoever may write roles can only give
//! what he has, which Kubernetes itself sees to. Quotas, limits and namespaces are read by all and written by none.

use kinds::{Member, Object, Role, Tenant};
use serde_json::{Value, json};

use crate::names::{TENANTS_NAMESPACE, labels_of, our_labels};

const VIEW: &str = "shipway:view";
const DEPLOY: &str = "shipway:deploy";
const ADMINISTER: &str = "shipway:administer";
const DEPLOYER: &str = "shipway:deployer";

/// What the loops need in the hub.
const HUB_CONTROLLER: &str = "shipway-hub-controller";

/// What our own loop may do in a target cluster.
const CONTROLLER: &str = "shipway-controller";

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";
const GATEWAY: &str = "gateway.networking.k8s.io";

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

/// Rights on resources of a group.
type Resources = (&'static str, &'static [&'static str]);

/// Everything in a namespace that has no Secrets in it.
const READABLE: &[Resources] = &[
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "namespaces/status",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "pods/log",
            "pods/status",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "replicationcontrollers/status",
            "resourcequotas",
            "resourcequotas/status",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
    ),
    (
        "autoscaling",
        &["horizontalpodautoscalers", "horizontalpodautoscalers/status"],
    ),
    ("batch", &["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    ("coordination.k8s.io", &["leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("events.k8s.io", &["events"]),
    (
        GATEWAY,
        &[
            "backendtlspolicies",
            "gateways",
            "grpcroutes",
            "httproutes",
            "referencegrants",
            "tcproutes",
            "tlsroutes",
            "udproutes",
        ],
    ),
    ("metrics.k8s.io", &["pods"]),
    (
        "networking.k8s.io",
        &["ingresses", "ingresses/status", "networkpolicies"],
    ),
    ("policy", &["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    (RBAC, &["rolebindings", "roles"]),
];

/// What charts are made of. Endpoints are not among it: by them traffic goes to the pods of others. Leases and Events
/// are what an application writes that elects a leader: nobody can give it a right that he has not.
const WRITABLE: &[Resources] = &[
    (
        "",
        &[
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "apps",
        &[
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("coordination.k8s.io", &["leases"]),
    ("events.k8s.io", &["events"]),
    (
        GATEWAY,
        &["grpcroutes", "httproutes", "tcproutes", "tlsroutes", "udproutes"],
    ),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
];

/// What the roles `deploy` and `administer` may do to a running pod, but no release has to.
const INTO_PODS: &[Resources] = &[("", &["pods/attach", "pods/exec", "pods/portforward"])];

/// What tells who may do what.
const RIGHTS: &[Resources] = &[(RBAC, &["rolebindings", "roles"])];

const SECRETS: &[Resources] = &[("", &["secrets"])];

const EVICTION: &[Resources] = &[("", &["pods/eviction"])];

/// The ClusterRoles. They are bound in namespaces only.
pub(super) fn cluster_roles() -> Vec<Value> {
    let view = rules(READABLE, READ);
    let charts = [view.clone(), rules(WRITABLE, WRITE), rules(EVICTION, &["create"])].concat();
    let pods = rules(INTO_PODS, &["create", "get"]);
    let rights = [rules(SECRETS, READ), rules(SECRETS, WRITE), rules(RIGHTS, WRITE)].concat();
    [
        (VIEW, view),
        (DEPLOY, [charts.clone(), pods.clone()].concat()),
        (
            ADMINISTER,
            [charts.clone(), pods.clone(), rights.clone()].concat(),
        ),
        (DEPLOYER, [charts, rights].concat()),
    ]
    .into_iter()
    .map(|(name, rules)| {
        json!({
            "apiVersion": RBAC_VERSION,
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": our_labels()},
            "rules": rules,
        })
    })
    .collect()
}

/// What our own loop needs in a target cluster, for whoever sets it up: a ClusterRole to be bound to the identity of the
/// kubeconfig, and a Role in the namespace of the deploy identities, so that it can be nobody but them.
#[must_use]
pub fn controller() -> Vec<Value> {
    /// What a verification copies, so that its mini cluster is like this one.
    const GIVEN: &[Resources] = &[
        ("", &["nodes"]),
        ("apiextensions.k8s.io", &["customresourcedefinitions"]),
        ("networking.k8s.io", &["ingressclasses"]),
        ("scheduling.k8s.io", &["priorityclasses"]),
        ("storage.k8s.io", &["storageclasses"]),
    ];
    const KEPT: &[Resources] = &[
        (
            "",
            &["limitranges", "namespaces", "resourcequotas", "serviceaccounts"],
        ),
        (
            "admissionregistration.k8s.io",
            &["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        ),
        ("networking.k8s.io", &["networkpolicies"]),
        (RBAC, &["clusterroles", "rolebindings"]),
    ];
    let named = json!({
        "apiGroups": [RBAC],
        "resources": ["clusterroles"],
        "resourceNames": [VIEW, DEPLOY, ADMINISTER, DEPLOYER],
        // To make a role, and a binding of it, one must have its rights or these.
        "verbs": ["bind", "escalate"],
    });
    let exempt = json!({"apiGroups": [kinds::GROUP], "resources": ["tenants"], "verbs": ["administer"]});
    let mut rules_of_loop = rules(KEPT, READ);
    rules_of_loop.extend(rules(KEPT, &["create", "delete", "patch", "update"]));
    rules_of_loop.extend(rules(GIVEN, READ));
    rules_of_loop.extend([named, exempt]);
    let identities = rules(&[("", &["serviceaccounts"])], &["impersonate"]);
    vec![
        json!({
            "apiVersion": RBAC_VERSION,
            "kind": "ClusterRole",
            "metadata": {"name": CONTROLLER, "labels": our_labels()},
            "rules": rules_of_loop,
        }),
        json!({
            "apiVersion": RBAC_VERSION,
            "kind": "Role",
            "metadata": {"name": CONTROLLER, "namespace": TENANTS_NAMESPACE, "labels": our_labels()},
            "rules": identities,
        }),
    ]
}

/// What our own loops need in the hub beside that: the kinds and their definitions, the Lease, the Secrets that are named in
/// Clusters and ChartSources, and the key that versions are signed with.
#[must_use]
pub fn hub_controller() -> Value {
    const DEFINED: &[Resources] = &[("apiextensions.k8s.io", &["customresourcedefinitions"])];
    const LED: &[Resources] = &[("coordination.k8s.io", &["leases"])];
    let mut all = rules(&[(kinds::GROUP, &["*"])], READ);
    all.extend(rules(
        &[(kinds::GROUP, &["*"])],
        &["create", "delete", "patch", "update"],
    ));
    all.extend(rules(DEFINED, READ));
    all.extend(rules(DEFINED, &["create", "patch"]));
    all.extend(rules(LED, &["create", "get", "patch", "update"]));
    all.extend(rules(&[("", &["secrets"])], &["create", "get"]));
    all.extend(rules(&[("", &["namespaces"])], &["create", "get", "patch"]));
    json!({
        "apiVersion": RBAC_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": HUB_CONTROLLER, "labels": our_labels()},
        "rules": all,
    })
}

/// The rights of a controller in its own namespace of the hub: the audit log, and tokens.
#[must_use]
pub fn hub_keeper(namespace: &str) -> Value {
    let mut all = rules(&[("", &["configmaps"])], &["create", "get", "list", "patch"]);
    all.extend(rules(&[("", &["secrets"])], &["create", "delete", "get", "list"]));
    json!({
        "apiVersion": RBAC_VERSION,
        "kind": "Role",
        "metadata": {"name": HUB_CONTROLLER, "namespace": namespace, "labels": our_labels()},
        "rules": all,
    })
}

/// The bindings of a namespace. A role that nobody has is not bound.
pub(super) fn bindings(tenant: &Object<Tenant>, namespace: &str) -> Vec<Value> {
    let members = &tenant.spec.members;
    let of = |roles: &[Role]| {
        let mut those: Vec<&Member> = members
            .iter()
            .filter(|member| roles.contains(&member.role))
            .collect();
        those.sort_unstable();
        those.dedup_by_key(|member| (&member.user, &member.group));
        those.into_iter().filter_map(subject).collect::<Vec<Value>>()
    };
    let deployer =
        json!({"kind": "ServiceAccount", "name": tenant.metadata.name, "namespace": TENANTS_NAMESPACE});
    [
        // What the two more may do, they do through the API.
        (VIEW, of(&[Role::View, Role::Approve, Role::Override])),
        (DEPLOY, of(&[Role::Deploy])),
        (ADMINISTER, of(&[Role::Administer])),
        (DEPLOYER, vec![deployer]),
    ]
    .into_iter()
    .filter(|(_, subjects)| !subjects.is_empty())
    .map(|(role, subjects)| {
        json!({
            "apiVersion": RBAC_VERSION,
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace, "labels": labels_of(&tenant.metadata.name)},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": subjects,
        })
    })
    .collect()
}

fn subject(member: &Member) -> Option<Value> {
    let (kind, name) = match (&member.user, &member.group) {
        (Some(user), _) => ("User", user),
        (None, Some(group)) => ("Group", group),
        (None, None) => return None,
    };
    Some(json!({"apiGroup": RBAC, "kind": kind, "name": name}))
}

fn rules(resources: &[Resources], verbs: &[&str]) -> Vec<Value> {
    resources
        .iter()
        .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": verbs}))
        .collect()
}
