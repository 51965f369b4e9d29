//! Defaults of Services, endpoints and network policies.

use serde_json::{Value, json};

use super::{each, field, put, set, set_absent, text};

/// Three hours.
const CLIENT_IP_SECONDS: i64 = 10_800;

pub(super) fn service(service: &mut Value) {
    let spec = field(service, "spec");
    set(spec, "sessionAffinity", json!("None"));
    set(spec, "type", json!("ClusterIP"));
    if text(spec, "sessionAffinity") == "ClientIP" {
        let config = field(field(spec, "sessionAffinityConfig"), "clientIP");
        set_absent(config, "timeoutSeconds", json!(CLIENT_IP_SECONDS));
    }
    each(spec, "ports", |port| {
        set(port, "protocol", json!("TCP"));
        let own = port.get("port").cloned().unwrap_or(json!(0));
        if port.get("targetPort").and_then(Value::as_i64) == Some(0) {
            put(port, "targetPort", Value::Null);
        }
        set(port, "targetPort", own);
    });
    let kind = text(spec, "type").to_owned();
    let outside = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    let addressed = spec
        .get("externalIPs")
        .and_then(Value::as_array)
        .is_some_and(|ips| !ips.is_empty());
    if outside || kind == "ClusterIP" && addressed {
        set(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if outside || kind == "ClusterIP" {
        set(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if kind == "LoadBalancer" {
        set_absent(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    field(field(service, "status"), "loadBalancer");
}

pub(super) fn endpoints(endpoints: &mut Value) {
    each(endpoints, "subsets", |subset| {
        each(subset, "ports", |port| set(port, "protocol", json!("TCP")));
    });
}

pub(super) fn endpoint_slice(slice: &mut Value) {
    each(slice, "ports", |port| {
        set_absent(port, "name", json!(""));
        set(port, "protocol", json!("TCP"));
    });
}

pub(super) fn network_policy(policy: &mut Value) {
    let spec = field(policy, "spec");
    let rules = |spec: &Value, name: &str| {
        spec.get(name)
            .and_then(Value::as_array)
            .is_some_and(|rules| !rules.is_empty())
    };
    let types = if rules(spec, "egress") {
        json!(["Ingress", "Egress"])
    } else {
        json!(["Ingress"])
    };
    if !rules(spec, "policyTypes") {
        put(spec, "policyTypes", types);
    }
    for direction in ["ingress", "egress"] {
        each(spec, direction, |rule| {
            each(rule, "ports", |port| set(port, "protocol", json!("TCP")));
        });
    }
}
