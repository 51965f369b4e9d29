//! The parts of objects that rules look at: where in a scope's subject each is found.

use super::rule::{Part, Scope};
use super::scope::{
    ANY, API_SERVICES, ARGO, BINDINGS, CERTIFICATE_REQUESTS, CLAIMS, CLUSTER_ROLES, CLUSTER_SCOPED,
    DEFINITIONS, DELIVERY, ENDPOINTS, GATEWAYS, GRANTS, INGRESSES, NAMESPACES, NETWORK_POLICIES,
    OTHER_NETWORK_POLICIES, OTHER_ROUTES, PODS, ROLES, ROUTES, SECRETS, SERVICES, STATEFUL_SETS, VOLUMES,
    WEBHOOKS,
};

pub static POD_SPEC: Part = whole("pod", &PODS);
pub static CONTAINER: Part = part(
    "container",
    &PODS,
    &["initContainers[]", "containers[]", "ephemeralContainers[]"],
);
pub static CONTAINER_PORT: Part = part(
    "container port",
    &PODS,
    &[
        "initContainers[].ports[]",
        "containers[].ports[]",
        "ephemeralContainers[].ports[]",
    ],
);
pub static HANDLER: Part = part(
    "probe or hook",
    &PODS,
    &[
        "initContainers[].livenessProbe",
        "initContainers[].readinessProbe",
        "initContainers[].startupProbe",
        "initContainers[].lifecycle.postStart",
        "initContainers[].lifecycle.preStop",
        "containers[].livenessProbe",
        "containers[].readinessProbe",
        "containers[].startupProbe",
        "containers[].lifecycle.postStart",
        "containers[].lifecycle.preStop",
    ],
);
pub static SYSCTL: Part = part("kernel parameter", &PODS, &["securityContext.sysctls[]"]);
pub static TOLERATION: Part = part("toleration", &PODS, &["tolerations[]"]);
pub static VOLUME: Part = part("volume", &PODS, &["volumes[]"]);
pub static PROJECTED_TOKEN: Part = part(
    "projected token",
    &PODS,
    &["volumes[].projected.sources[].serviceAccountToken"],
);
pub static VOLUME_CLAIM: Part = part(
    "ephemeral volume's claim",
    &PODS,
    &["volumes[].ephemeral.volumeClaimTemplate.spec"],
);
pub static CLAIM: Part = part("claim", &CLAIMS, &["spec"]);
pub static CLAIM_TEMPLATE: Part = part(
    "claim template",
    &STATEFUL_SETS,
    &["spec.volumeClaimTemplates[].spec"],
);

pub static SERVICE: Part = whole("Service", &SERVICES);
pub static INGRESS: Part = whole("Ingress", &INGRESSES);
pub static INGRESS_RULE: Part = part("Ingress rule", &INGRESSES, &["spec.rules[]"]);
pub static INGRESS_HOST: Part = part(
    "Ingress host",
    &INGRESSES,
    &["spec.rules[].host", "spec.tls[].hosts[]"],
);
pub static GATEWAY: Part = whole("Gateway", &GATEWAYS);
pub static LISTENER: Part = part("listener", &GATEWAYS, &["spec.listeners[]"]);
pub static LISTENER_HOST: Part = part("listener's host", &GATEWAYS, &["spec.listeners[].hostname"]);
pub static LISTENER_SECRET: Part = part(
    "listener's certificate",
    &GATEWAYS,
    &["spec.listeners[].tls.certificateRefs[]"],
);
pub static ROUTE: Part = whole("route", &ROUTES);
pub static ROUTE_HOST: Part = part("route's host", &ROUTES, &["spec.hostnames[]"]);
pub static ROUTE_BACKEND: Part = part(
    "route's backend",
    &ROUTES,
    &[
        "spec.rules[].backendRefs[]",
        "spec.rules[].backendRefs[].filters[].requestMirror.backendRef",
        "spec.rules[].filters[].requestMirror.backendRef",
    ],
);
pub static GRANT: Part = whole("ReferenceGrant", &GRANTS);
pub static ENDPOINT: Part = whole("endpoints", &ENDPOINTS);
pub static OPENING_IN: Part = part("opening", &NETWORK_POLICIES, &["spec.ingress[]"]);
pub static OPENING_OUT: Part = part("opening", &NETWORK_POLICIES, &["spec.egress[]"]);
pub static PEER: Part = part(
    "peer",
    &NETWORK_POLICIES,
    &["spec.ingress[].from[]", "spec.egress[].to[]"],
);

pub static OTHER_ROUTE: Part = whole("route", &OTHER_ROUTES);
pub static OTHER_NETWORK_POLICY: Part = whole("network policy", &OTHER_NETWORK_POLICIES);

pub static BINDING: Part = whole("RoleBinding", &BINDINGS);
pub static SUBJECT: Part = part("subject", &BINDINGS, &["subjects[]"]);
pub static ROLE_RULE: Part = part("rule", &ROLES, &["rules[]"]);
pub static SECRET: Part = whole("Secret", &SECRETS);
pub static DELIVERED: Part = whole("delivery", &DELIVERY);
pub static DELIVERY_REFERENCE: Part = part(
    "reference",
    &DELIVERY,
    &["spec.sourceRef", "spec.chartRef", "spec.chart.spec.sourceRef"],
);
pub static APPLICATION: Part = whole("Application", &ARGO);
pub static OBJECT: Part = whole("object", &ANY);

pub static WEBHOOK: Part = whole("object", &WEBHOOKS);
pub static API_SERVICE: Part = whole("object", &API_SERVICES);
pub static DEFINITION: Part = whole("object", &DEFINITIONS);
pub static NAMESPACE: Part = whole("object", &NAMESPACES);
pub static PERSISTENT_VOLUME: Part = whole("object", &VOLUMES);
pub static CLUSTER_ROLE: Part = whole("object", &CLUSTER_ROLES);
pub static CERTIFICATE_REQUEST: Part = whole("object", &CERTIFICATE_REQUESTS);
pub static CLUSTER_OBJECT: Part = whole("object", &CLUSTER_SCOPED);

const fn whole(name: &'static str, scope: &'static Scope) -> Part {
    Part {
        name,
        scope,
        paths: &[""],
    }
}

const fn part(name: &'static str, scope: &'static Scope, paths: &'static [&'static str]) -> Part {
    Part { name, scope, paths }
}
