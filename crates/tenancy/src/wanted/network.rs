//! What is open between a tenant's namespaces and everything else.
//!
//! One policy per namespace selects every pod and both directions, so that what it does not open is closed. Policies
//! add up: no other policy can close what this one opens.

use kinds::{Cluster, Object, Peer, Port, Protocol, Tenant};
use serde_json::{Value, json};

use crate::names::{OURS, TENANT_LABEL, labels_of};

/// Every namespace carries its name as a label, set by the API server.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Where the cluster's name service is.
const NAME_SERVICE: &str = "kube-system";

/// RFC 1918, RFC 6598 and the link-local range, where clouds keep credentials.
const PRIVATE_V4: &[&str] = &[
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
];

/// RFC 4193 and the link-local range.
const PRIVATE_V6: &[&str] = &["fc00::/7", "fe80::/10"];

/// The policy of a namespace in use.
pub(super) fn opened(tenant: &Object<Tenant>, cluster: &Object<Cluster>, namespace: &str) -> Value {
    let network = &tenant.spec.network;
    let own = json!([of_tenant(&tenant.metadata.name)]);
    let mut ingress = vec![json!({"from": own})];
    let controllers = &cluster.spec.ingress_namespaces;
    if network.ingress && !controllers.is_empty() {
        let all: Vec<Value> = controllers.iter().map(|name| of_namespace(name)).collect();
        ingress.push(json!({"from": all}));
    }
    ingress.extend(network.from.iter().filter_map(|peer| rule("from", peer)));

    let mut egress = vec![json!({"to": own}), name_service()];
    if network.internet {
        egress.push(json!({"to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE_V4}},
            {"ipBlock": {"cidr": "::/0", "except": PRIVATE_V6}},
        ]}));
    }
    egress.extend(network.to.iter().filter_map(|peer| rule("to", peer)));
    let mut policy = closed(&tenant.metadata.name, namespace);
    policy["spec"]["ingress"] = json!(ingress);
    policy["spec"]["egress"] = json!(egress);
    policy
}

/// The policy of a namespace that is leaving: nothing in or out. The empty lists are written, so that what a list has
/// that should be empty is a difference.
pub(crate) fn closed(tenant: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": OURS, "namespace": namespace, "labels": labels_of(tenant)},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
    })
}

fn rule(direction: &str, peer: &Peer) -> Option<Value> {
    let end = match (&peer.tenant, &peer.namespace, &peer.cidr) {
        (Some(tenant), _, _) => of_tenant(tenant),
        (_, Some(namespace), _) => of_namespace(namespace),
        (_, _, Some(cidr)) => json!({"ipBlock": {"cidr": cidr}}),
        // A rule without an end would be open to everybody.
        (None, None, None) => return None,
    };
    let mut rule = json!({direction: [end]});
    if !peer.ports.is_empty() {
        rule["ports"] = peer.ports.iter().map(port).collect();
    }
    Some(rule)
}

fn port(port: &Port) -> Value {
    let protocol = match port.protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    json!({"protocol": protocol, "port": port.port})
}

fn name_service() -> Value {
    json!({
        "to": [of_namespace(NAME_SERVICE)],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    })
}

fn of_tenant(name: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {TENANT_LABEL: name}}})
}

fn of_namespace(name: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {NAME_LABEL: name}}})
}
