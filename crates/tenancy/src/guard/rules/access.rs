//! Whom a tenant may give rights, and which.

use manifest::Severity;

use super::super::part;
use super::super::rule::Rule;
use super::{POLICY, POLICY_AND_RIGHTS, look};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "foreign-subject",
        title: "Rights for others than the tenant",
        severity: Severity::Error,
        looks: &[look(
            &part::SUBJECT,
            "it.kind == 'ServiceAccount' ? it.?namespace.orValue('') == variables.home : \
             !it.name.startsWith('system:') || \
             it.kind == 'User' && it.name.startsWith('system:serviceaccount:' + variables.home + ':') || \
             it.kind == 'Group' && it.name == 'system:serviceaccounts:' + variables.home",
            "",
        )],
        message: "gives rights to an account of another namespace, to everybody, or to a part of the cluster",
        cure: "name people, groups of people, or a ServiceAccount of the same namespace",
        why: "`system:authenticated` and `system:serviceaccounts` are every pod of every tenant.",
        held_by: POLICY,
    },
    Rule {
        id: "powerful-role",
        title: "A role of the system",
        severity: Severity::Error,
        looks: &[look(
            &part::BINDING,
            "it.roleRef.kind != 'ClusterRole' || it.roleRef.name != 'cluster-admin' && \
             !it.roleRef.name.startsWith('system:')",
            "roleRef",
        )],
        message: "binds `cluster-admin` or a role of the system",
        cure: "bind a Role of the namespace that says what is needed",
        why: "Such a role gives what no member of the tenant has, such as changing the quota.",
        held_by: POLICY_AND_RIGHTS,
    },
    Rule {
        id: "wildcard-role",
        title: "A role with everything",
        severity: Severity::Error,
        looks: &[look(
            &part::ROLE_RULE,
            "!('*' in it.?verbs.orValue([])) && !('*' in it.?apiGroups.orValue([])) && \
             it.?resources.orValue([]).all(r, r != '*' && !r.startsWith('*/'))",
            "",
        )],
        message: "gives every verb, group or resource",
        cure: "name the groups, resources and verbs that are needed",
        why: "A wildcard grows with the cluster: it holds for kinds that are installed tomorrow.",
        held_by: POLICY_AND_RIGHTS,
    },
    Rule {
        id: "escalating-role",
        title: "A role that makes rights",
        severity: Severity::Error,
        looks: &[look(
            &part::ROLE_RULE,
            "it.?verbs.orValue([]).all(v, !(v in ['escalate', 'bind', 'impersonate'])) && \
             !('serviceaccounts/token' in it.?resources.orValue([]))",
            "",
        )],
        message: "lets its holder take or give rights that it does not have",
        cure: "leave `escalate`, `bind`, `impersonate` and `serviceaccounts/token` out",
        why: "With these verbs, and with tokens of other accounts, every other limit of a role is void.",
        held_by: POLICY_AND_RIGHTS,
    },
    Rule {
        id: "token-secret",
        title: "A token that never ends",
        severity: Severity::Error,
        looks: &[look(
            &part::SECRET,
            "it.?type.orValue('') != 'kubernetes.io/service-account-token'",
            "type",
        )],
        message: "asks for a token that never ends",
        cure: "use a projected token in the pod, or `kubectl create token` for an hour",
        why: "Who reads the Secret once has the account for good; bound tokens end with the pod.",
        held_by: POLICY,
    },
];
