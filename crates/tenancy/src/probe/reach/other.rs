//! Attacks on what another tenant has.

use serde_json::json;

use super::super::{Ground, PROBE, Probe, Verb, Who};
use super::{ITSELF, LABELLED, NETWORK, NOTHING, RBAC, Row, TOKEN, asked, attacks, probe};
use crate::names::{OURS, TENANT_LABEL, TENANTS_NAMESPACE, deploy_identity};

/// In its namespace. Of connections `GET` and `POST` are two rights, of which the stronger is asked for.
const THERE: &[Row] = &[
    (
        ("read-secrets", "the other's Secrets read"),
        ("v1", "Secret", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-configmaps", "the other's ConfigMaps read"),
        ("v1", "ConfigMap", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-pods", "the other's pods read"),
        ("v1", "Pod", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-services", "the other's Services read"),
        ("v1", "Service", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-events", "the other's Events read"),
        ("v1", "Event", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-claims", "the other's claims read"),
        ("v1", "PersistentVolumeClaim", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-deployments", "the other's Deployments read"),
        ("apps/v1", "Deployment", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("read-roles", "the other's RoleBindings read"),
        (RBAC, "RoleBinding", ""),
        Verb::List,
        "",
        NOTHING,
    ),
    (
        ("exec", "a command in the other's pod"),
        ("v1", "Pod", "exec"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        ("attach", "the other's process attached to"),
        ("v1", "Pod", "attach"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        ("port-forward", "a port of the other's pod"),
        ("v1", "Pod", "portforward"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        ("pod-proxy", "the other's pod called through the API server"),
        ("v1", "Pod", "proxy"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        (
            "service-proxy",
            "the other's Service called through the API server",
        ),
        ("v1", "Service", "proxy"),
        Verb::Connect,
        PROBE,
        NOTHING,
    ),
    (
        ("watch-secrets", "the other's Secrets watched"),
        ("v1", "Secret", ""),
        Verb::Watch,
        "",
        NOTHING,
    ),
    (
        ("get-secret", "one Secret of the other's read"),
        ("v1", "Secret", ""),
        Verb::Get,
        PROBE,
        NOTHING,
    ),
    (
        ("read-logs", "the log of the other's pod read"),
        ("v1", "Pod", "log"),
        Verb::Get,
        PROBE,
        NOTHING,
    ),
    (
        ("debug-pod", "a container in the other's pod"),
        ("v1", "Pod", "ephemeralcontainers"),
        Verb::Patch,
        PROBE,
        |_| json!({"spec": {"ephemeralContainers": []}}),
    ),
    (
        ("evict-pod", "the other's pod evicted"),
        ("v1", "Pod", "eviction"),
        Verb::Create,
        PROBE,
        |_| json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": PROBE}}),
    ),
    (
        ("patch-configmap", "the other's ConfigMap changed"),
        ("v1", "ConfigMap", ""),
        Verb::Patch,
        "kube-root-ca.crt",
        LABELLED,
    ),
    (
        ("delete-configmap", "the other's ConfigMap deleted"),
        ("v1", "ConfigMap", ""),
        Verb::Delete,
        "kube-root-ca.crt",
        NOTHING,
    ),
    (
        ("delete-pods", "all the other's pods deleted"),
        ("v1", "Pod", ""),
        Verb::DeleteAll,
        "",
        NOTHING,
    ),
    (
        ("delete-deployment", "the other's Deployment deleted"),
        ("apps/v1", "Deployment", ""),
        Verb::Delete,
        PROBE,
        NOTHING,
    ),
    (
        ("scale-deployment", "the other's Deployment stopped"),
        ("apps/v1", "Deployment", "scale"),
        Verb::Patch,
        PROBE,
        |_| json!({"spec": {"replicas": 0}}),
    ),
    (
        ("open-other", "the other's network opened"),
        (NETWORK, "NetworkPolicy", ""),
        Verb::Delete,
        OURS,
        NOTHING,
    ),
    (
        ("other-quota", "the other's quota taken away"),
        ("v1", "ResourceQuota", ""),
        Verb::Delete,
        OURS,
        NOTHING,
    ),
    (
        ("other-binding", "the other's rights taken away"),
        (RBAC, "RoleBinding", ""),
        Verb::Delete,
        "shipway:deployer",
        NOTHING,
    ),
    (
        ("other-token", "a token of the other's account"),
        ("v1", "ServiceAccount", "token"),
        Verb::Create,
        PROBE,
        TOKEN,
    ),
    (
        ("other-namespace", "the other's namespace read"),
        ("v1", "Namespace", ""),
        Verb::Get,
        ITSELF,
        NOTHING,
    ),
    (
        ("relabel-other", "the other's namespace taken over"),
        ("v1", "Namespace", ""),
        Verb::Patch,
        ITSELF,
        |ground| json!({"metadata": {"labels": {TENANT_LABEL: ground.tenant}}}),
    ),
    (
        ("delete-other", "the other's namespace deleted"),
        ("v1", "Namespace", ""),
        Verb::Delete,
        ITSELF,
        NOTHING,
    ),
];

/// On another tenant.
pub(in super::super) fn other(ground: &Ground, who: &Who) -> Vec<Probe> {
    let Some(victim) = &ground.victim else {
        return Vec::new();
    };
    let mut all: Vec<Probe> = attacks(THERE, &victim.namespace, (ground, who)).collect();
    let name = &victim.name;
    all.extend([
        asked(
            who,
            ("identity-token", "a token of the other's deploy identity"),
            &json!({"verb": "create", "resource": "serviceaccounts", "subresource": "token",
                    "namespace": TENANTS_NAMESPACE, "name": name}),
        ),
        asked(
            who,
            ("impersonate-identity", "to be the other's deploy identity"),
            &json!({"verb": "impersonate", "resource": "serviceaccounts", "namespace": TENANTS_NAMESPACE, "name": name}),
        ),
        asked(
            who,
            ("impersonate-identity-user", "to be the other's deploy identity, as a user"),
            &json!({"verb": "impersonate", "resource": "users", "name": deploy_identity(name)}),
        ),
    ]);
    let subjects = victim
        .members
        .iter()
        .filter_map(|member| match (&member.user, &member.group) {
            (Some(user), _) => Some(("users", user)),
            (None, Some(group)) => Some(("groups", group)),
            (None, None) => None,
        });
    all.extend(subjects.map(|(resource, name)| {
        let attributes = json!({"verb": "impersonate", "resource": resource, "name": name});
        asked(
            who,
            ("impersonate-member", "to be one of the other's members"),
            &attributes,
        )
    }));
    all
}

/// Whether there is any right at all in another tenant's namespace, on whichever object.
pub(in super::super) fn any_right(ground: &Ground, who: &Who) -> Option<Probe> {
    let there = &ground.victim.as_ref()?.namespace;
    let of = ("authorization.k8s.io/v1", "SelfSubjectRulesReview", "");
    let named = ("any-right", "any right at all in the other's namespace");
    let spec = json!({"spec": {"namespace": there}});
    Some(probe(who, named, (of, Verb::Ask), ("", "", spec)))
}
