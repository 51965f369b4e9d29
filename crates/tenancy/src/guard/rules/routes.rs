//! Which hosts a tenant may serve, and what its routes may lead to.

use manifest::Severity;

use super::super::part;
use super::super::rule::Rule;
use super::{POLICY, POLICY_AND_RIGHTS, look};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "foreign-host",
        title: "A host that is not the tenant's",
        severity: Severity::Error,
        looks: &[
            look(&part::INGRESS_HOST, HOSTED, ""),
            look(&part::ROUTE_HOST, HOSTED, ""),
            look(&part::LISTENER_HOST, HOSTED, ""),
            look(&part::INGRESS, CLAIMED, "metadata.annotations"),
            look(&part::SERVICE, CLAIMED, "metadata.annotations"),
            look(&part::GATEWAY, CLAIMED, "metadata.annotations"),
            look(&part::ROUTE, CLAIMED, "metadata.annotations"),
        ],
        message: "claims a host that is not one of the tenant's",
        cure: "use a host that stands in the Tenant under `hosts`, or have it added there",
        why: "Who serves a host gets its users' traffic, passwords and cookies, and a certificate for it.",
        held_by: POLICY,
    },
    Rule {
        id: "catch-all-host",
        title: "Every host that nobody else has",
        severity: Severity::Error,
        looks: &[
            look(&part::INGRESS_RULE, "it.?host.orValue('') != ''", "host"),
            look(
                &part::INGRESS,
                "!has(it.spec) || !has(it.spec.defaultBackend)",
                "spec.defaultBackend",
            ),
            look(
                &part::LISTENER,
                "it.?hostname.orValue('') != '' || it.?protocol.orValue('') in ['TCP', 'UDP']",
                "",
            ),
            look(
                &part::ROUTE,
                "it.kind in ['TCPRoute', 'UDPRoute'] || it.?spec.hostnames.orValue([]).size() > 0 || \
                 it.?spec.parentRefs.orValue([]).size() > 0 && \
                 it.spec.parentRefs.all(p, p.?kind.orValue('Gateway') == 'Service')",
                "spec",
            ),
        ],
        message: "serves every host that nobody else does",
        cure: "name the host: one that stands in the Tenant under `hosts`",
        why: "Requests for other tenants' hosts come here as long as their own routes are not there.",
        held_by: POLICY,
    },
    Rule {
        id: "other-route",
        title: "A route of another kind",
        severity: Severity::Error,
        looks: &[look(&part::OTHER_ROUTE, "false", "kind")],
        message: "serves hosts or changes the proxy in ways of one controller, of which nobody here knows whose they are",
        cure: "write an Ingress, or a route of `gateway.networking.k8s.io`",
        why: "It can serve any tenant's host, and some of these kinds configure the proxy that all share.",
        held_by: POLICY_AND_RIGHTS,
    },
    Rule {
        id: "ingress-snippet",
        title: "A piece of the proxy's configuration",
        severity: Severity::Error,
        looks: &[look(
            &part::INGRESS,
            "it.metadata.?annotations.orValue({}).all(k, !k.contains('snippet'))",
            "metadata.annotations",
        )],
        message: "puts text of its own into the proxy's configuration",
        cure: "leave the snippet out; use the controller's named settings",
        why: "The proxy serves all tenants: a snippet reads their traffic, their certificates, and the controller's token.",
        held_by: POLICY,
    },
    Rule {
        id: "open-gateway",
        title: "A gateway open to others' routes",
        severity: Severity::Error,
        looks: &[look(
            &part::LISTENER,
            "it.?allowedRoutes.namespaces.from.orValue('Same') in ['Same', 'None'] || \
             it.?allowedRoutes.namespaces.selector.matchLabels[?'shipway.dev/tenant'].orValue('') == variables.tenant && \
             it.allowedRoutes.namespaces.from == 'Selector'",
            "allowedRoutes",
        )],
        message: "lets routes of other namespaces in",
        cure: "leave `allowedRoutes.namespaces` out, or select `matchLabels: {shipway.dev/tenant: NAME}`",
        why: "Other tenants' routes would be served under this one's hosts and certificates.",
        held_by: POLICY,
    },
    Rule {
        id: "foreign-reference",
        title: "A reference into another namespace",
        severity: Severity::Error,
        looks: &[
            look(&part::ROUTE_BACKEND, NEAR, "namespace"),
            look(&part::LISTENER_SECRET, NEAR, "namespace"),
            look(&part::CLAIM, NEAR_SOURCE, "dataSourceRef"),
            look(&part::CLAIM_TEMPLATE, NEAR_SOURCE, "dataSourceRef"),
            look(&part::VOLUME_CLAIM, NEAR_SOURCE, "dataSourceRef"),
            look(&part::DELIVERY_REFERENCE, NEAR, "namespace"),
            look(
                &part::DELIVERED,
                "it.?spec.targetNamespace.orValue(variables.home) == variables.home && \
                 it.?spec.storageNamespace.orValue(variables.home) == variables.home",
                "spec",
            ),
            look(
                &part::APPLICATION,
                "it.?spec.destination.namespace.orValue('') == variables.home",
                "spec.destination",
            ),
            look(
                &part::INGRESS,
                "['auth-secret', 'auth-tls-secret', 'proxy-ssl-secret', 'auth-proxy-set-headers', \
                 'fastcgi-params-configmap', 'custom-headers'].map(k, it.metadata.\
                 ?annotations[?'nginx.ingress.kubernetes.io/' + k].orValue('')).all(v, !v.contains('/') || \
                 v.startsWith(variables.home + '/'))",
                "metadata.annotations",
            ),
        ],
        message: "refers to an object in another namespace",
        cure: "refer to an object of the same namespace",
        why: "Whoever follows the reference does so with its own rights: the tenant gets at what it may not read itself.",
        held_by: POLICY,
    },
    Rule {
        id: "reference-grant",
        title: "Leave for others to refer here",
        severity: Severity::Error,
        looks: &[look(&part::GRANT, "false", "kind")],
        message: "lets other namespaces' routes and gateways use what is in this one",
        cure: "take it out of the chart; the platform grants references between tenants",
        why: "It is the one thing that keeps others' routes from leading here, and gateways from using the tenant's \
              certificates.",
        held_by: POLICY,
    },
    Rule {
        id: "delivery-identity",
        title: "Delivery with the controller's rights",
        severity: Severity::Error,
        looks: &[look(
            &part::DELIVERED,
            "it.?spec.serviceAccountName.orValue('') != ''",
            "spec",
        )],
        message: "is applied with the rights of the delivery controller, which are those of the cluster's administrator",
        cure: "set `spec.serviceAccountName` to an account of the namespace",
        why: "Whatever is in the repository would be made anywhere in the cluster.",
        held_by: POLICY,
    },
];

/// A host is one of the tenant's, or below one that begins with `*.`. The empty one is for `catch-all-host`.
const HOSTED: &str =
    "it == '' || variables.hosts.exists(h, h == it || h.startsWith('*.') && it.endsWith(h.substring(1)))";

/// Names that controllers make in the DNS or serve beside the ones of the rules.
const CLAIMED: &str = "['external-dns.alpha.kubernetes.io/hostname', 'external-dns.alpha.kubernetes.io/internal-hostname', \
                       'nginx.ingress.kubernetes.io/server-alias'].map(k, it.metadata.?annotations[?k].orValue(''))\
                       .filter(v, v != '').all(v, v.split(',').map(n, n.trim()).all(n, \
                       variables.hosts.exists(h, h == n || h.startsWith('*.') && n.endsWith(h.substring(1)))))";

const NEAR: &str = "it.?namespace.orValue(variables.home) in ['', variables.home]";
const NEAR_SOURCE: &str = "it.?dataSourceRef.namespace.orValue(variables.home) in ['', variables.home]";
