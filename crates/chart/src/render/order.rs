//! The order in which Helm installs kinds, which is the order in which it prints them.

use std::cmp::Ordering;

/// Helm 4's install order. Helm 3 lacks the two webhook configurations, so there they come with the unknown kinds.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Sorts by kind and keeps the order of equal ones: known kinds in install order, then the others by name.
pub(crate) fn sort_by_kind<T>(items: &mut [T], kind: impl Fn(&T) -> &str) {
    items.sort_by(|a, b| compare(kind(a), kind(b)));
}

fn compare(a: &str, b: &str) -> Ordering {
    match (position(a), position(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

fn position(kind: &str) -> Option<usize> {
    INSTALL_ORDER.iter().position(|known| *known == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kinds: &str, expected: &str) {
        let mut kinds: Vec<&str> = kinds.split(' ').collect();
        sort_by_kind(&mut kinds, |kind| kind);
        assert_eq!(kinds.join(" "), expected);
    }

    #[test]
    fn known_kinds_come_in_install_order() {
        check(
            "Deployment Service Secret Namespace Role",
            "Namespace Secret Role Service Deployment",
        );
        check(
            "ValidatingWebhookConfiguration Ingress",
            "Ingress ValidatingWebhookConfiguration",
        );
    }

    #[test]
    fn unknown_kinds_come_last_by_name() {
        check("Zebra Ant ConfigMap Ant", "ConfigMap Ant Ant Zebra");
    }

    #[test]
    fn equal_kinds_keep_their_order() {
        let mut items = [("Pod", 1), ("Pod", 0), ("Secret", 2), ("Pod", 2)];
        sort_by_kind(&mut items, |item| item.0);
        assert_eq!(items, [("Secret", 2), ("Pod", 1), ("Pod", 0), ("Pod", 2)]);
    }
}
