//! Whom a tenant may reach, and whose traffic it may take.

use manifest::Severity;

use super::super::part;
use super::super::rule::{HeldBy, Rule};
use super::{POLICY, POLICY_AND_RIGHTS, look};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "open-network",
        title: "A network open to others",
        severity: Severity::Error,
        looks: &[
            look(&part::OPENING_IN, "it.?from.orValue([]).size() > 0", "from"),
            look(&part::OPENING_OUT, "it.?to.orValue([]).size() > 0", "to"),
            look(
                &part::PEER,
                "!has(it.ipBlock) && (!has(it.namespaceSelector) || \
                 it.namespaceSelector.?matchLabels[?'shipway.dev/tenant'].orValue('') == variables.tenant || \
                 it.namespaceSelector.?matchLabels[?'kubernetes.io/metadata.name'].orValue('') == variables.home || \
                 it.namespaceSelector.?matchLabels[?'kubernetes.io/metadata.name'].orValue('') == 'kube-system' && \
                 it.?podSelector.matchLabels[?'k8s-app'].orValue('') == 'kube-dns')",
                "",
            ),
        ],
        message: "opens the network to others than the tenant itself",
        cure: "select pods of the namespace, or namespaces by `matchLabels: {shipway.dev/tenant: NAME}`; what else is to be \
               open stands in the Tenant under `network`",
        why: "NetworkPolicies only ever add openings: one of these undoes the tenant's own for everybody, in or out.",
        held_by: POLICY,
    },
    Rule {
        id: "other-network-policy",
        title: "A network policy of another kind",
        severity: Severity::Error,
        looks: &[look(&part::OTHER_NETWORK_POLICY, "false", "kind")],
        message: "is a policy of the network plug-in, of which nobody here knows whom it lets in",
        cure: "write a NetworkPolicy of `networking.k8s.io`",
        why: "It counts beside the tenant's own NetworkPolicy and can open what that one closes.",
        held_by: POLICY_AND_RIGHTS,
    },
    Rule {
        id: "external-ip",
        title: "Traffic to an address of its choice",
        severity: Severity::Error,
        looks: &[look(
            &part::SERVICE,
            "it.?spec.externalIPs.orValue([]).size() == 0",
            "spec.externalIPs",
        )],
        message: "takes the cluster's traffic to addresses of its choice",
        cure: "leave `externalIPs` out",
        why: "Whatever anybody in the cluster sends to such an address comes to this Service, wherever the address is.",
        held_by: POLICY,
    },
    Rule {
        id: "external-name",
        title: "A name for somebody else's Service",
        severity: Severity::Error,
        looks: &[look(
            &part::SERVICE,
            "it.?spec.externalName.orValue('') == '' || \
             it.spec.externalName.lowerAscii().matches('^[a-z0-9-]+\\\\.' + variables.home + '\\\\.svc(\\\\.cluster\\\\.local)?\\\\.?$') || \
             it.spec.externalName.lowerAscii().matches('^([a-z0-9_-]+\\\\.)+[a-z][a-z0-9-]*\\\\.?$') && \
             !it.spec.externalName.lowerAscii().matches('(^|\\\\.)(svc|local|localhost|localdomain|internal)\\\\.?$') && \
             !it.spec.externalName.lowerAscii().contains('.svc.')",
            "spec.externalName",
        )],
        message: "is another name for an address, a name within the cluster, or one of its surroundings",
        cure: "name a public host or a Service of the same namespace",
        why: "Ingress controllers and gateways follow such names with their own rights, past the NetworkPolicies of whoever \
              is behind them.",
        held_by: POLICY,
    },
    Rule {
        id: "load-balancer",
        title: "A load balancer that was not granted",
        severity: Severity::Error,
        looks: &[look(
            &part::SERVICE,
            "it.?spec.type.orValue('') != 'LoadBalancer' || variables.loadBalancers > 0",
            "spec.type",
        )],
        message: "asks for a load balancer, and the namespace has none in its quota",
        cure: "use an Ingress or a route, or have `loadBalancers` raised in the Tenant's quota",
        why: "A load balancer is an address of its own, open to the world, past the hosts that were granted.",
        held_by: &[HeldBy::Quota],
    },
    Rule {
        id: "node-port",
        title: "A port of every node that was not granted",
        severity: Severity::Error,
        looks: &[look(
            &part::SERVICE,
            "it.?spec.type.orValue('') != 'NodePort' || variables.nodePorts > 0",
            "spec.type",
        )],
        message: "asks for a port of every node, and the namespace has none in its quota",
        cure: "use an Ingress or a route, or have `nodePorts` raised in the Tenant's quota",
        why: "Ports of nodes are few, and open past the hosts that were granted.",
        held_by: &[HeldBy::Quota],
    },
    Rule {
        id: "endpoints",
        title: "Endpoints written by hand",
        severity: Severity::Error,
        looks: &[look(&part::ENDPOINT, "false", "kind")],
        message: "says by hand which addresses are behind a Service",
        cure: "give the Service a selector and leave its endpoints to the cluster",
        why: "Any address can be written there, such as a pod of another tenant or the API server; ingress controllers and \
              gateways go there with their own rights.",
        held_by: POLICY_AND_RIGHTS,
    },
];
