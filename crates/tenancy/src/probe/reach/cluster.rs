//! Attacks on what all tenants share.

use serde_json::json;

use super::super::{Ground, PROBE, Probe, Verb, Who};
use super::{LABELLED, NOTHING, Named, Of, RBAC, Row, asked, attacks, review};
use crate::names::TENANTS_NAMESPACE;

const GUARD: Of = ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "");
const BOUND: Of = (
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding",
    "",
);
const REQUEST: Of = ("certificates.k8s.io/v1", "CertificateSigningRequest", "approval");

/// One of the policies, for all of them.
const PODS: &str = "shipway-tenants-pods";

const EVERYWHERE: &[Row] = &[
    (
        ("all-secrets", "every Secret of the cluster read"),
        ("v1", "Secret", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-configmaps", "every ConfigMap of the cluster read"),
        ("v1", "ConfigMap", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-pods", "every pod of the cluster read"),
        ("v1", "Pod", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-namespaces", "every namespace read"),
        ("v1", "Namespace", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-nodes", "every node read"),
        ("v1", "Node", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-volumes", "every volume read"),
        ("v1", "PersistentVolume", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("all-bindings", "who may do what in the cluster read"),
        (RBAC, "ClusterRoleBinding", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("watch-all-secrets", "every Secret of the cluster watched"),
        ("v1", "Secret", ""),
        Verb::Watch,
        "",
        NOTHING,
    ),
    (
        ("node-proxy", "a kubelet called through the API server"),
        ("v1", "Node", "proxy"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        ("node-labels", "a node changed"),
        ("v1", "Node", ""),
        Verb::Patch,
        PROBE,
        LABELLED,
    ),
    (
        ("node-gone", "a node deleted"),
        ("v1", "Node", ""),
        Verb::Delete,
        PROBE,
        NOTHING,
    ),
    (
        ("role-changed", "its own role widened"),
        (RBAC, "ClusterRole", ""),
        Verb::Patch,
        "shipway:deploy",
        LABELLED,
    ),
    (
        ("policy-changed", "an admission policy changed"),
        GUARD,
        Verb::Patch,
        PODS,
        LABELLED,
    ),
    (
        ("policy-gone", "an admission policy deleted"),
        GUARD,
        Verb::Delete,
        PODS,
        NOTHING,
    ),
    (
        ("policy-unbound", "an admission policy's binding deleted"),
        BOUND,
        Verb::Delete,
        PODS,
        NOTHING,
    ),
    (
        ("approve", "a certificate approved"),
        REQUEST,
        Verb::Patch,
        PROBE,
        |_| json!({"status": {"conditions": []}}),
    ),
];

const IDENTITIES: &[Row] = &[
    (
        ("identities", "the deploy identities read"),
        ("v1", "ServiceAccount", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        (
            "identity-secrets",
            "the Secrets beside the deploy identities read",
        ),
        ("v1", "Secret", ""),
        Verb::List,
        "",
        NOTHING,
    ),
];

const SYSTEM: &[Row] = &[
    (
        ("system-secrets", "the system's Secrets read"),
        ("v1", "Secret", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("system-exec", "a command in the system's pod"),
        ("v1", "Pod", "exec"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
];

/// What is asked about by name, because it can't be tried without doing it: verb, group, resource, name.
const ASKED: &[(Named, [&str; 4])] = &[
    (
        ("impersonate-masters", "to be of system:masters"),
        ["impersonate", "", "groups", "system:masters"],
    ),
    (
        ("impersonate-users", "to be any user"),
        ["impersonate", "", "users", ""],
    ),
    (
        ("impersonate-groups", "to be of any group"),
        ["impersonate", "", "groups", ""],
    ),
    (
        ("approve-node-certificate", "to approve certificates of nodes"),
        [
            "approve",
            "certificates.k8s.io",
            "signers",
            "kubernetes.io/kube-apiserver-client-kubelet",
        ],
    ),
    (
        ("approve-client-certificate", "to approve certificates of people"),
        [
            "approve",
            "certificates.k8s.io",
            "signers",
            "kubernetes.io/kube-apiserver-client",
        ],
    ),
    (
        ("bind-any", "to bind the cluster's administrator"),
        [
            "bind",
            "rbac.authorization.k8s.io",
            "clusterroles",
            "cluster-admin",
        ],
    ),
    (
        ("escalate-any", "to write roles with more than one has"),
        ["escalate", "rbac.authorization.k8s.io", "clusterroles", ""],
    ),
    (
        (
            "administer-tenants",
            "to be taken for the platform by the policies",
        ),
        ["administer", "shipway.dev", "tenants", ""],
    ),
];

/// Paths that are no objects.
const PATHS: &[(Named, &str)] = &[
    (("server-metrics", "the API server's metrics read"), "/metrics"),
    (("server-logs", "the API server's logs read"), "/logs"),
    (
        ("server-debug", "the API server's memory read"),
        "/debug/pprof/heap",
    ),
];

/// On the cluster as a whole, from anywhere.
pub(in super::super) fn cluster(ground: &Ground, who: &Who) -> Vec<Probe> {
    let from = (ground, who);
    let tables = [
        (EVERYWHERE, ""),
        (IDENTITIES, TENANTS_NAMESPACE),
        (SYSTEM, "kube-system"),
    ];
    let attacks = tables
        .iter()
        .flat_map(|(table, namespace)| attacks(table, namespace, from));
    let asked = ASKED.iter().map(|(named, [verb, group, resource, name])| {
        let attributes = json!({"verb": verb, "group": group, "resource": resource, "name": name});
        asked(who, *named, &attributes)
    });
    let paths = PATHS.iter().map(|(named, path)| {
        review(
            who,
            *named,
            &json!({"nonResourceAttributes": {"verb": "get", "path": path}}),
        )
    });
    attacks.chain(asked).chain(paths).collect()
}
