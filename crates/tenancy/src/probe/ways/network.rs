//! Ways to reach others, and to take their traffic.

use serde_json::json;

use super::{ADDRESS, GATEWAY, HOST, NETWORK, Way, alone, ingress, named, own_host, policy, way};

pub(super) const WAYS: &[Way] = &[
    way(
        ("network-open", "a network open to everybody", "open-network"),
        (NETWORK, "NetworkPolicy"),
        |g| alone(g, policy(g, json!({"ingress": [{}], "egress": [{}]}))),
    ),
    way(
        (
            "network-api",
            "a network open to an address of the cluster",
            "open-network",
        ),
        (NETWORK, "NetworkPolicy"),
        |g| {
            alone(
                g,
                policy(
                    g,
                    json!({"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}),
                ),
            )
        },
    ),
    way(
        (
            "external-ip",
            "the cluster's traffic to an address",
            "external-ip",
        ),
        ("v1", "Service"),
        |g| {
            let spec = json!({"externalIPs": [ADDRESS], "ports": [{"port": 443}]});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        (
            "external-address",
            "a Service that is another name for the cloud's credentials",
            "external-name",
        ),
        ("v1", "Service"),
        |g| {
            let spec = json!({"type": "ExternalName", "externalName": "metadata.google.internal"});
            alone(g, json!({"metadata": named(&g.namespace), "spec": spec}))
        },
    ),
    way(
        ("endpoints", "endpoints written by hand", "endpoints"),
        ("v1", "Endpoints"),
        |g| {
            let subsets = json!([{"addresses": [{"ip": ADDRESS}], "ports": [{"port": 443}]}]);
            alone(g, json!({"metadata": named(&g.namespace), "subsets": subsets}))
        },
    ),
    way(
        (
            "endpoint-slice",
            "a slice of endpoints written by hand",
            "endpoints",
        ),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        |g| {
            let endpoints = json!([{"addresses": [ADDRESS]}]);
            alone(
                g,
                json!({"metadata": named(&g.namespace), "addressType": "IPv4", "endpoints": endpoints}),
            )
        },
    ),
    way(
        (
            "ingress-host",
            "an Ingress for a host of nobody's",
            "foreign-host",
        ),
        (NETWORK, "Ingress"),
        |g| alone(g, ingress(g, json!({"host": HOST}))),
    ),
    way(
        ("ingress-all", "an Ingress for every host", "catch-all-host"),
        (NETWORK, "Ingress"),
        |g| alone(g, ingress(g, json!({}))),
    ),
    way(
        (
            "ingress-snippet",
            "text in the proxy's configuration",
            "ingress-snippet",
        ),
        (NETWORK, "Ingress"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["annotations"] =
                json!({"nginx.ingress.kubernetes.io/server-snippet": "location /x { return 200; }"});
            alone(
                g,
                json!({"metadata": metadata, "spec": ingress(g, json!({"host": own_host(g)}))["spec"]}),
            )
        },
    ),
    way(
        (
            "ingress-foreign-secret",
            "an Ingress with a Secret of another namespace",
            "foreign-reference",
        ),
        (NETWORK, "Ingress"),
        |g| {
            let mut metadata = named(&g.namespace);
            metadata["annotations"] = json!({"nginx.ingress.kubernetes.io/auth-secret": "kube-system/token"});
            alone(
                g,
                json!({"metadata": metadata, "spec": ingress(g, json!({"host": own_host(g)}))["spec"]}),
            )
        },
    ),
    way(
        ("route-host", "a route for a host of nobody's", "foreign-host"),
        (GATEWAY, "HTTPRoute"),
        |g| {
            alone(
                g,
                json!({"metadata": named(&g.namespace), "spec": {"hostnames": [HOST]}}),
            )
        },
    ),
];
