//! What is outside the tenant's namespaces, or marked as ours.

use manifest::Severity;

use super::super::part;
use super::super::rule::Rule;
use super::{POLICY, RIGHTS, look};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "other-namespace",
        title: "An object in a namespace that is not the tenant's",
        severity: Severity::Error,
        looks: &[look(
            &part::OBJECT,
            "[it.?metadata.namespace.orValue('')].all(n, (n == '' ? variables.home : n) in variables.namespaces)",
            "metadata.namespace",
        )],
        message: "is in a namespace that is not the tenant's",
        cure: "leave `metadata.namespace` out, or name a namespace of the tenant",
        why: "A release writes where its objects say. What is in another namespace belongs to somebody else.",
        held_by: RIGHTS,
    },
    Rule {
        id: "shipway-mark",
        title: "A mark of Shipway's own",
        severity: Severity::Error,
        looks: &[look(
            &part::OBJECT,
            "!it.?metadata.labels[?'shipway.dev/tenant'].hasValue() && \
             !it.?metadata.annotations[?'shipway.dev/hosts'].hasValue() && \
             it.?metadata.finalizers.orValue([]).all(f, !f.startsWith('shipway.dev/'))",
            "metadata",
        )],
        message: "carries the label `shipway.dev/tenant`, the annotation `shipway.dev/hosts` or a finalizer of \
                  `shipway.dev`, which mark what a tenant is given",
        cure: "take the mark off; what Shipway gives a tenant is changed in its Tenant",
        why: "By the label Shipway knows its own quota, network policy and role bindings. Who could set it could pass \
              an object off as Shipway's, and who could change one that has it could change what the tenant is given.",
        held_by: POLICY,
    },
    Rule {
        id: "namespace",
        title: "A namespace",
        severity: Severity::Error,
        looks: &[look(&part::NAMESPACE, "false", "kind")],
        message: "is a namespace, which only the platform makes",
        cure: "take it out of the chart and name the namespace in the Tenant",
        why: "A namespace's labels say whose it is and how strict its Pod Security level is.",
        held_by: RIGHTS,
    },
    Rule {
        id: "webhook",
        title: "Admission of its own",
        severity: Severity::Error,
        looks: &[look(&part::WEBHOOK, "false", "kind")],
        message: "takes part in the admission of everybody's requests",
        cure: "take it out of the chart; the platform installs admission for all tenants",
        why: "A webhook sees and changes what others write, their Secrets too, and stops the cluster when it is down.",
        held_by: RIGHTS,
    },
    Rule {
        id: "api-service",
        title: "An API of its own",
        severity: Severity::Error,
        looks: &[look(&part::API_SERVICE, "false", "kind")],
        message: "answers a part of the cluster's API",
        cure: "take it out of the chart; the platform installs extensions of the API",
        why: "An APIService receives requests with the identity of whoever sends them, and can take over a built-in group.",
        held_by: RIGHTS,
    },
    Rule {
        id: "custom-kind",
        title: "A kind of its own",
        severity: Severity::Error,
        looks: &[look(&part::DEFINITION, "false", "kind")],
        message: "defines a kind for the whole cluster",
        cure: "take the CustomResourceDefinition out of the chart (`crds/` too); the platform installs kinds",
        why: "A definition is shared by all tenants: another version of it changes or deletes what they have.",
        held_by: RIGHTS,
    },
    Rule {
        id: "cluster-role",
        title: "Rights in the whole cluster",
        severity: Severity::Error,
        looks: &[look(&part::CLUSTER_ROLE, "false", "kind")],
        message: "gives rights in every namespace",
        cure: "make it a Role or a RoleBinding in the tenant's namespace",
        why: "A ClusterRoleBinding counts in every tenant's namespaces, and a ClusterRole may be aggregated into others.",
        held_by: RIGHTS,
    },
    Rule {
        id: "persistent-volume",
        title: "A volume of its own making",
        severity: Severity::Error,
        looks: &[look(&part::PERSISTENT_VOLUME, "false", "kind")],
        message: "is a volume that any path, disk or server could be behind",
        cure: "write a PersistentVolumeClaim with a storage class",
        why: "A PersistentVolume can be a folder of a node, or the disk of another tenant.",
        held_by: RIGHTS,
    },
    Rule {
        id: "certificate-request",
        title: "A certificate of the cluster",
        severity: Severity::Error,
        looks: &[look(&part::CERTIFICATE_REQUEST, "false", "kind")],
        message: "asks for a certificate that the API server trusts",
        cure: "take it out of the chart; certificates for services come from an Issuer in the namespace",
        why: "A signed request for a client certificate is an identity of any name and any group.",
        held_by: RIGHTS,
    },
    Rule {
        id: "cluster-scoped",
        title: "A kind without namespaces",
        severity: Severity::Error,
        looks: &[look(&part::CLUSTER_OBJECT, "false", "kind")],
        message: "is in no namespace, so it is everybody's",
        cure: "take it out of the chart; the platform installs what all tenants share",
        why: "What is in no namespace is shared by all tenants.",
        held_by: RIGHTS,
    },
];
