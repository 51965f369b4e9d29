//! Ways into what all tenants share.

use serde_json::json;

use super::super::{PROBE, pods};
use super::{HOST, RBAC, Way, alone, named, way};
use crate::names::TENANTS_NAMESPACE;

pub(super) const WAYS: &[Way] = &[
    way(
        ("namespace", "a namespace of its own", "namespace"),
        ("v1", "Namespace"),
        |g| {
            alone(
                g,
                json!({"metadata": {"name": format!("{}-{PROBE}", g.namespace)}}),
            )
        },
    ),
    way(
        (
            "identity-pod",
            "a pod with a deploy identity's token",
            "other-namespace",
        ),
        ("v1", "Pod"),
        |g| {
            let mut spec = pods::spec();
            spec["automountServiceAccountToken"] = json!(true);
            spec["serviceAccountName"] = json!(g.tenant);
            alone(g, pods::object(TENANTS_NAMESPACE, &spec))
        },
    ),
    way(
        ("system-pod", "a pod in kube-system", "other-namespace"),
        ("v1", "Pod"),
        |g| alone(g, pods::object("kube-system", &pods::spec())),
    ),
    way(
        ("system-lease", "a lease of the system", "other-namespace"),
        ("coordination.k8s.io/v1", "Lease"),
        |g| alone(g, json!({"metadata": named("kube-system")})),
    ),
    way(
        ("cluster-role", "a role for the whole cluster", "cluster-role"),
        (RBAC, "ClusterRole"),
        |g| {
            let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
            alone(g, json!({"metadata": {"name": PROBE}, "rules": [rule]}))
        },
    ),
    way(
        (
            "cluster-binding",
            "the cluster's administrator bound everywhere",
            "cluster-role",
        ),
        (RBAC, "ClusterRoleBinding"),
        |g| {
            let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"});
            let subject = json!({"kind": "ServiceAccount", "name": "default", "namespace": g.namespace});
            alone(
                g,
                json!({"metadata": {"name": PROBE}, "roleRef": role, "subjects": [subject]}),
            )
        },
    ),
    way(
        ("custom-kind", "a kind of its own", "custom-kind"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        |g| {
            let schema = json!({"openAPIV3Schema": {"type": "object"}});
            let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
            let names =
                json!({"plural": "probes", "singular": "probe", "kind": "Probe", "listKind": "ProbeList"});
            let spec = json!({"group": HOST, "scope": "Cluster", "names": names, "versions": [version]});
            alone(
                g,
                json!({"metadata": {"name": format!("probes.{HOST}")}, "spec": spec}),
            )
        },
    ),
    way(
        ("validating-webhook", "a look at everybody's requests", "webhook"),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
        ),
        |g| alone(g, json!({"metadata": {"name": PROBE}})),
    ),
    way(
        ("mutating-webhook", "a change of everybody's requests", "webhook"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        |g| alone(g, json!({"metadata": {"name": PROBE}})),
    ),
    way(
        ("api-service", "an API of its own", "api-service"),
        ("apiregistration.k8s.io/v1", "APIService"),
        |g| {
            let spec = json!({"group": HOST, "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
                          "service": {"name": PROBE, "namespace": g.namespace}});
            alone(
                g,
                json!({"metadata": {"name": format!("v1.{HOST}")}, "spec": spec}),
            )
        },
    ),
    way(
        (
            "persistent-volume",
            "a volume with the node's file system",
            "persistent-volume",
        ),
        ("v1", "PersistentVolume"),
        |g| {
            let spec = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}});
            alone(g, json!({"metadata": {"name": PROBE}, "spec": spec}))
        },
    ),
    way(
        ("storage-class", "a class of storage", "cluster-scoped"),
        ("storage.k8s.io/v1", "StorageClass"),
        |g| {
            alone(
                g,
                json!({"metadata": {"name": PROBE}, "provisioner": "kubernetes.io/no-provisioner"}),
            )
        },
    ),
    way(
        ("priority-class", "a priority above everybody", "cluster-scoped"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        |g| alone(g, json!({"metadata": {"name": PROBE}, "value": 1_000_000})),
    ),
    way(
        ("node", "a node of its own", "cluster-scoped"),
        ("v1", "Node"),
        |g| alone(g, json!({"metadata": {"name": PROBE}})),
    ),
    way(
        (
            "certificate-request",
            "a certificate of any name",
            "certificate-request",
        ),
        ("certificates.k8s.io/v1", "CertificateSigningRequest"),
        |g| {
            let spec = json!({"request": "LS0tLS0=", "usages": ["client auth"],
                          "signerName": "kubernetes.io/kube-apiserver-client"});
            alone(g, json!({"metadata": {"name": PROBE}, "spec": spec}))
        },
    ),
    way(
        ("token-review", "whose token it is", "cluster-scoped"),
        ("authentication.k8s.io/v1", "TokenReview"),
        |g| alone(g, json!({"metadata": {"name": PROBE}, "spec": {"token": PROBE}})),
    ),
    way(
        ("access-review", "what others may do", "cluster-scoped"),
        ("authorization.k8s.io/v1", "SubjectAccessReview"),
        |g| {
            let attributes = json!({"verb": "get", "resource": "secrets"});
            alone(
                g,
                json!({"metadata": {"name": PROBE}, "spec": {"user": PROBE, "resourceAttributes": attributes}}),
            )
        },
    ),
    way(
        ("own-policy", "an admission policy of its own", "webhook"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        |g| {
            alone(
                g,
                json!({"metadata": {"name": PROBE}, "spec": {"validations": [{"expression": "true"}]}}),
            )
        },
    ),
];
