//! Ways to rights, for oneself or for others.

use serde_json::json;

use super::{RBAC, Way, alone, binding, named, role, way};
use crate::names::TENANTS_NAMESPACE;

pub(super) const WAYS: &[Way] = &[
    way(
        ("role-wildcard", "a Role with everything", "wildcard-role"),
        (RBAC, "Role"),
        |g| {
            role(
                g,
                &json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
            )
        },
    ),
    way(
        ("role-escalate", "a Role that makes rights", "escalating-role"),
        (RBAC, "Role"),
        |g| {
            let rule = json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["escalate"]});
            role(g, &rule)
        },
    ),
    way(
        ("role-bind", "a Role that binds every role", "escalating-role"),
        (RBAC, "Role"),
        |g| {
            let rule = json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"]});
            role(g, &rule)
        },
    ),
    way(
        (
            "role-impersonate",
            "a Role that acts as others",
            "escalating-role",
        ),
        (RBAC, "Role"),
        |g| {
            role(
                g,
                &json!({"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}),
            )
        },
    ),
    way(
        ("role-token", "a Role that asks for tokens", "escalating-role"),
        (RBAC, "Role"),
        |g| {
            role(
                g,
                &json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}),
            )
        },
    ),
    way(
        ("role-quota", "a Role that changes the quota", ""),
        (RBAC, "Role"),
        |g| {
            role(
                g,
                &json!({"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["update"]}),
            )
        },
    ),
    way(
        (
            "bind-cluster-admin",
            "the cluster's administrator bound",
            "powerful-role",
        ),
        (RBAC, "RoleBinding"),
        |g| {
            let subject = json!({"kind": "ServiceAccount", "name": "default", "namespace": g.namespace});
            binding(g, "cluster-admin", &subject)
        },
    ),
    way(
        ("bind-system-role", "a role of the system bound", "powerful-role"),
        (RBAC, "RoleBinding"),
        |g| {
            let subject = json!({"kind": "ServiceAccount", "name": "default", "namespace": g.namespace});
            binding(g, "system:controller:generic-garbage-collector", &subject)
        },
    ),
    way(
        ("bind-authenticated", "rights for everybody", "foreign-subject"),
        (RBAC, "RoleBinding"),
        |g| {
            let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"});
            binding(g, "shipway:view", &subject)
        },
    ),
    way(
        ("bind-deployer", "rights for a deploy identity", "foreign-subject"),
        (RBAC, "RoleBinding"),
        |g| {
            let subject = json!({"kind": "ServiceAccount", "name": g.tenant, "namespace": TENANTS_NAMESPACE});
            binding(g, "shipway:view", &subject)
        },
    ),
    way(
        ("token-secret", "a token that never ends", "token-secret"),
        ("v1", "Secret"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["annotations"] = json!({"kubernetes.io/service-account.name": "default"});
            alone(
                g,
                json!({"metadata": metadata, "type": "kubernetes.io/service-account-token"}),
            )
        },
    ),
];
