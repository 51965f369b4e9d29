//! The order in which objects come and go.
//!
//! Objects are applied in waves: within a wave nothing depends on anything, so it is applied at once; the waves keep
//! Helm's install order where it matters. Objects go in Helm's order of uninstalling.

use manifest::Object;

/// Kinds by the wave in which they are applied, in Helm's install order; all others come last.
const WAVES: &[&[&str]] = &[
    &["PriorityClass", "Namespace"],
    &[
        "NetworkPolicy",
        "ResourceQuota",
        "LimitRange",
        "PodSecurityPolicy",
        "PodDisruptionBudget",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "CustomResourceDefinition",
        "ClusterRole",
        "Role",
    ],
    // A binding is refused to whoever may not grant what its role says, which is read when the binding is written.
    &["ClusterRoleBinding", "RoleBinding", "Service"],
    &[
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
    ],
    &["APIService"],
    // Last of the known ones: from then on they have a say in every write.
    &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
];

/// Helm's order of uninstalling; kinds that are not in it go first, as they may need what is.
const UNINSTALL_ORDER: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBinding",
    "Role",
    "ClusterRoleBinding",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// The wave of a kind, counted from 0.
#[must_use]
pub fn wave(kind: &str) -> usize {
    let found = WAVES.iter().position(|wave| wave.contains(&kind));
    found.unwrap_or(WAVES.len())
}

/// Sorts what is to be deleted; equal kinds keep their order.
pub fn sort_to_delete(objects: &mut [Object]) {
    let place = |kind: &str| {
        let found = UNINSTALL_ORDER.iter().position(|known| *known == kind);
        found.map_or(0, |place| place + 1)
    };
    objects.sort_by_key(|object| place(&object.key.kind.name));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_need_comes_first_and_goes_last() {
        assert!(wave("Namespace") < wave("ConfigMap"));
        assert!(wave("Role") < wave("RoleBinding"));
        assert!(wave("ConfigMap") < wave("Deployment"));
        assert!(wave("Deployment") < wave("Certificate"));
        let object = |kind: &str| Object::new(json!({"apiVersion": "v1", "kind": kind}), "");
        let mut objects = ["Namespace", "Deployment", "Certificate", "Service"].map(object);
        sort_to_delete(&mut objects);
        let kinds: Vec<_> = objects
            .iter()
            .map(|object| object.key.kind.name.as_ref())
            .collect();
        assert_eq!(kinds, ["Certificate", "Service", "Deployment", "Namespace"]);
    }
}
