//! Ways into another tenant.

use serde_json::json;

use super::super::{PROBE, pods};
use super::{GATEWAY, NETWORK, RBAC, Way, bound, host, ingress, named, peer, policy, victim, way};
use crate::names::{TENANTS_NAMESPACE, deploy_identity};

pub(super) const WAYS: &[Way] = &[
    way(
        (
            "into-pod",
            "a pod that mounts the other's Secrets",
            "other-namespace",
        ),
        ("v1", "Pod"),
        |g| {
            let mut spec = pods::spec();
            spec["volumes"] = json!([{"name": "stolen", "secret": {"secretName": PROBE}}]);
            Some(pods::object(&victim(g)?.namespace, &spec))
        },
    ),
    way(
        (
            "into-token",
            "a pod with a token of the other's account",
            "other-namespace",
        ),
        ("v1", "Pod"),
        |g| {
            let mut spec = pods::spec();
            spec["automountServiceAccountToken"] = json!(true);
            spec["serviceAccountName"] = json!("default");
            Some(pods::object(&victim(g)?.namespace, &spec))
        },
    ),
    way(
        (
            "into-configmap",
            "an object in the other's namespace",
            "other-namespace",
        ),
        ("v1", "ConfigMap"),
        |g| Some(json!({"metadata": named(&victim(g)?.namespace)})),
    ),
    way(
        (
            "into-secret",
            "a Secret in the other's namespace",
            "other-namespace",
        ),
        ("v1", "Secret"),
        |g| Some(json!({"metadata": named(&victim(g)?.namespace)})),
    ),
    way(
        ("into-job", "a Job in the other's namespace", "other-namespace"),
        ("batch/v1", "Job"),
        |g| {
            let mut spec = pods::spec();
            spec["restartPolicy"] = json!("Never");
            Some(json!({"metadata": named(&victim(g)?.namespace), "spec": {"template": {"spec": spec}}}))
        },
    ),
    way(
        (
            "into-binding",
            "rights in the other's namespace",
            "other-namespace",
        ),
        (RBAC, "RoleBinding"),
        |g| {
            let subject = json!({"kind": "ServiceAccount", "name": "default", "namespace": g.namespace});
            let mut binding = bound(&victim(g)?.namespace, "shipway:administer", &subject);
            binding["apiVersion"] = RBAC.into();
            Some(binding)
        },
    ),
    way(
        (
            "into-network",
            "an opening of the other's network",
            "other-namespace",
        ),
        (NETWORK, "NetworkPolicy"),
        |g| {
            let spec = json!({"podSelector": {}, "ingress": [{"from": [peer(&g.tenant)]}]});
            Some(json!({"metadata": named(&victim(g)?.namespace), "spec": spec}))
        },
    ),
    way(
        ("from-network", "a network open to the other", "open-network"),
        (NETWORK, "NetworkPolicy"),
        |g| {
            let peer = peer(&victim(g)?.name);
            Some(policy(
                g,
                json!({"ingress": [{"from": [peer]}], "egress": [{"to": [peer]}]}),
            ))
        },
    ),
    way(
        (
            "bind-other",
            "rights for the other's deploy identity",
            "foreign-subject",
        ),
        (RBAC, "RoleBinding"),
        |g| {
            let subject =
                json!({"kind": "ServiceAccount", "name": victim(g)?.name, "namespace": TENANTS_NAMESPACE});
            Some(bound(&g.namespace, "shipway:view", &subject))
        },
    ),
    way(
        (
            "bind-other-user",
            "rights for the other's deploy identity, as a user",
            "foreign-subject",
        ),
        (RBAC, "RoleBinding"),
        |g| {
            let name = deploy_identity(&victim(g)?.name);
            let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name});
            Some(bound(&g.namespace, "shipway:view", &subject))
        },
    ),
    way(
        (
            "bind-other-account",
            "rights for the other's pods",
            "foreign-subject",
        ),
        (RBAC, "RoleBinding"),
        |g| {
            let subject =
                json!({"kind": "ServiceAccount", "name": "default", "namespace": victim(g)?.namespace});
            Some(bound(&g.namespace, "shipway:view", &subject))
        },
    ),
    way(
        (
            "external-name",
            "a Service that is another name for the other's",
            "external-name",
        ),
        ("v1", "Service"),
        |g| {
            let name = format!("web.{}.svc.cluster.local", victim(g)?.namespace);
            let spec = json!({"type": "ExternalName", "externalName": name});
            Some(json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        ("other-host", "an Ingress for the other's host", "foreign-host"),
        (NETWORK, "Ingress"),
        |g| Some(ingress(g, json!({"host": host(victim(g)?)?}))),
    ),
    way(
        (
            "other-host-name",
            "a name of the DNS for the other's host",
            "foreign-host",
        ),
        ("v1", "Service"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["annotations"] = json!({"external-dns.alpha.kubernetes.io/hostname": host(victim(g)?)?});
            Some(json!({"metadata": metadata, "spec": {"ports": [{"port": 443}]}}))
        },
    ),
    way(
        ("other-route", "a route for the other's host", "foreign-host"),
        (GATEWAY, "HTTPRoute"),
        |g| {
            let host = host(victim(g)?)?;
            Some(json!({"metadata": named(&g.namespace), "spec": {"hostnames": [host]}}))
        },
    ),
    way(
        (
            "other-backend",
            "a route to the other's Service",
            "foreign-reference",
        ),
        (GATEWAY, "HTTPRoute"),
        |g| {
            let backend = json!({"name": "web", "namespace": victim(g)?.namespace, "port": 80});
            let parents = json!([{"kind": "Service", "group": "", "name": PROBE}]);
            let spec = json!({"parentRefs": parents, "rules": [{"backendRefs": [backend]}]});
            Some(json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        (
            "other-snapshot",
            "a claim with the other's disk in it",
            "foreign-reference",
        ),
        ("v1", "PersistentVolumeClaim"),
        |g| {
            let source =
                json!({"kind": "PersistentVolumeClaim", "name": PROBE, "namespace": victim(g)?.namespace});
            let spec = json!({"accessModes": ["ReadWriteOnce"], "dataSourceRef": source,
                          "resources": {"requests": {"storage": "1Mi"}}});
            Some(json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
];
