//! Which fields of which kinds the API server never changes, and what to do instead.
//!
//! Kinds whose rules depend on more than a field's name have them in the search; here they have their lists.

/// The fields of a kind that never change.
pub(super) struct Rule {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    pub(super) fields: &'static [&'static str],
    pub(super) cure: &'static str,
}

pub(super) const REPLACE: &str =
    "delete the object, so that the release makes it anew, or give the new one another name";
const SELECTOR: &str = "keep the labels of the selector; to change them, delete the workload with `kubectl delete --cascade=orphan` \
                        first, or give the new one another name";
pub(super) const STATEFUL: &str = "delete the StatefulSet with `kubectl delete statefulset NAME --cascade=orphan`: its pods and volumes stay, \
                        and the release makes it anew";
pub(super) const JOB: &str = "delete the Job first, give it a name that changes with its contents, or make it a hook with the delete \
                   policy before-hook-creation";
pub(super) const CLAIM: &str = "keep the claim as it is, or copy its data to a claim of another name";
pub(super) const SHRINK: &str = "a volume can't become smaller: ask for at least what it has, or copy its data to a claim of another name";
pub(super) const UNBOUND: &str = "a claim grows once it is bound: wait for its volume, or delete the claim";
pub(super) const ADDRESS: &str = "leave the address out, so that it stays as it is, or delete the Service";
const ROLE: &str = "delete the binding, so that the release makes it anew, or give the new one another name";
pub(super) const VALUES: &str =
    "give the object a name that changes with its contents, or delete it, so that the release makes it anew";
pub(super) const POD: &str =
    "delete the Pod, so that the release makes it anew; a Deployment would replace it by itself";
pub(super) const DEFINITION: &str =
    "deleting the definition deletes all its objects: make a definition of another name instead";

pub(super) const RULES: &[Rule] = &[
    rule("apps", "Deployment", &["spec.selector"], SELECTOR),
    rule("apps", "DaemonSet", &["spec.selector"], SELECTOR),
    rule("apps", "ReplicaSet", &["spec.selector"], SELECTOR),
    rule(
        "batch",
        "Job",
        &[
            "spec.selector",
            "spec.completionMode",
            "spec.podFailurePolicy",
            "spec.backoffLimitPerIndex",
        ],
        JOB,
    ),
    rule("rbac.authorization.k8s.io", "RoleBinding", &["roleRef"], ROLE),
    rule(
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        &["roleRef"],
        ROLE,
    ),
    rule(
        "storage.k8s.io",
        "StorageClass",
        &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
        REPLACE,
    ),
    rule(
        "storage.k8s.io",
        "CSIDriver",
        &["spec.attachRequired", "spec.volumeLifecycleModes"],
        REPLACE,
    ),
    rule(
        "storage.k8s.io",
        "VolumeAttributesClass",
        &["driverName", "parameters"],
        REPLACE,
    ),
    rule(
        "scheduling.k8s.io",
        "PriorityClass",
        &["value", "preemptionPolicy"],
        REPLACE,
    ),
    rule("networking.k8s.io", "IngressClass", &["spec.controller"], REPLACE),
    rule("node.k8s.io", "RuntimeClass", &["handler"], REPLACE),
    rule("discovery.k8s.io", "EndpointSlice", &["addressType"], REPLACE),
    rule("", "ResourceQuota", &["spec.scopes"], REPLACE),
];

/// What of a StatefulSet's specification may change.
pub(super) const STATEFUL_FREE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// What of a claim's specification may change, or is chosen after the claim was made.
pub(super) const CLAIM_FREE: &[&str] = &["resources", "volumeAttributesClassName"];
pub(super) const CLAIM_CHOSEN: &[&str] = &["storageClassName", "volumeName"];

/// What of a volume's specification is about its use rather than what it is.
pub(super) const VOLUME_FREE: &[&str] = &[
    "accessModes",
    "capacity",
    "claimRef",
    "csi",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
];

/// What of a pod's specification may change in some way.
pub(super) const POD_FREE: &[&str] = &[
    "activeDeadlineSeconds",
    "containers",
    "ephemeralContainers",
    "initContainers",
    "schedulingGates",
    "terminationGracePeriodSeconds",
    "tolerations",
];

/// What of a suspended Job's template may change: where its pods go, and what they are called and given.
pub(super) const SUSPENDED_FREE: &str = "spec.template";

const fn rule(
    group: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
    cure: &'static str,
) -> Rule {
    Rule {
        group,
        kind,
        fields,
        cure,
    }
}
