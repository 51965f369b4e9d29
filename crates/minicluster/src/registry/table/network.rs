//! The columns of Services, what stands behind them, and what leads to them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::column::{AGE, Columns, NAME, field, said};
use super::read::{NONE, UNSET, few, items, joined_list, number, or, plain, selector, text, written};

/// How many endpoints and hosts a cell names.
const SHOWN: usize = 3;

pub(super) const COLUMNS: &[Columns] = &[
    (
        "",
        "services",
        &[
            NAME,
            field("Type", "core.v1.ServiceSpec.type", |o| plain(&o["spec"]["type"])),
            field("Cluster-IP", "core.v1.ServiceSpec.clusterIP", |o| {
                or(&o["spec"]["clusterIP"], NONE)
            }),
            field("External-IP", "core.v1.ServiceSpec.externalIPs", |o| {
                json!(external_ip(o))
            }),
            field("Port(s)", "core.v1.ServiceSpec.ports", ports),
            AGE,
            field("Selector", "core.v1.ServiceSpec.selector", |o| {
                selector(&o["spec"]["selector"])
            })
            .wide(),
        ],
    ),
    (
        "",
        "endpoints",
        &[
            NAME,
            field("Endpoints", "core.v1.Endpoints.subsets", |o| json!(endpoints(o))),
            AGE,
        ],
    ),
    (
        "discovery.k8s.io",
        "endpointslices",
        &[
            NAME,
            field("AddressType", "discovery.v1.EndpointSlice.addressType", |o| {
                plain(&o["addressType"])
            }),
            field("Ports", "discovery.v1.EndpointSlice.ports", |o| {
                let port = |one: &Value| {
                    written(&one["port"])
                        .or_else(|| written(&one["name"]))
                        .unwrap_or_else(|| "*".to_owned())
                };
                some(&items(&o["ports"]).iter().map(port).collect::<Vec<_>>())
            }),
            field("Endpoints", "discovery.v1.EndpointSlice.endpoints", |o| {
                let addresses = items(&o["endpoints"])
                    .iter()
                    .flat_map(|one| items(&one["addresses"]));
                some(&addresses.map(|one| text(one).to_owned()).collect::<Vec<_>>())
            }),
            AGE,
        ],
    ),
    (
        "networking.k8s.io",
        "ingresses",
        &[
            NAME,
            said(
                "Class",
                "The name of the IngressClass resource that should be used for additional configuration",
                |o| or(&o["spec"]["ingressClassName"], NONE),
            ),
            said(
                "Hosts",
                "Hosts that incoming requests are matched against before the ingress rule",
                |o| json!(hosts(o)),
            ),
            said(
                "Address",
                "Address is a list containing ingress points for the load-balancer",
                |o| json!(load_balancer(o)),
            ),
            said("Ports", "Ports of TLS configurations that open", |o| {
                json!(if items(&o["spec"]["tls"]).is_empty() {
                    "80"
                } else {
                    "80, 443"
                })
            }),
            AGE,
        ],
    ),
    (
        "networking.k8s.io",
        "ingressclasses",
        &[
            NAME,
            said(
                "Controller",
                "Controller that is responsible for handling this class",
                |o| plain(&o["spec"]["controller"]),
            ),
            said(
                "Parameters",
                "A reference to a resource with additional parameters",
                |o| {
                    let parameters = &o["spec"]["parameters"];
                    let (kind, name) = (text(&parameters["kind"]), text(&parameters["name"]));
                    match parameters["apiGroup"].as_str() {
                        _ if !parameters.is_object() => json!(NONE),
                        Some(group) => json!(format!("{kind}.{group}/{name}")),
                        None => json!(format!("{kind}/{name}")),
                    }
                },
            ),
            AGE,
        ],
    ),
    (
        "networking.k8s.io",
        "networkpolicies",
        &[
            NAME,
            field(
                "Pod-Selector",
                "networking.v1.NetworkPolicySpec.podSelector",
                |o| selector(&o["spec"]["podSelector"]),
            ),
            AGE,
        ],
    ),
    (
        "networking.k8s.io",
        "servicecidrs",
        &[
            NAME,
            field("CIDRs", "networking.v1.ServiceCIDRSpec.cidrs", |o| {
                json!(joined_list(&o["spec"]["cidrs"]))
            }),
            AGE,
        ],
    ),
    (
        "networking.k8s.io",
        "ipaddresses",
        &[
            NAME,
            field("ParentRef", "networking.v1.IPAddressSpec.parentRef", |o| {
                json!(parent(&o["spec"]["parentRef"]))
            }),
        ],
    ),
];

/// Some of the texts, or that there are none.
fn some(texts: &[String]) -> Value {
    or(&json!(few(texts, SHOWN, ",")), UNSET)
}

fn external_ip(service: &Value) -> String {
    let spec = &service["spec"];
    let written = joined_list(&spec["externalIPs"]);
    match text(&spec["type"]) {
        "ExternalName" => text(&spec["externalName"]).to_owned(),
        "LoadBalancer" => match (load_balancer(service), written) {
            (given, written) if given.is_empty() && written.is_empty() => "<pending>".to_owned(),
            (given, written) if given.is_empty() || written.is_empty() => given + &written,
            (given, written) => format!("{given},{written}"),
        },
        "ClusterIP" | "NodePort" if written.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => written,
        _ => "<unknown>".to_owned(),
    }
}

/// Where the load balancer is reached: addresses or else names, each once.
fn load_balancer(object: &Value) -> String {
    let points = items(&object["status"]["loadBalancer"]["ingress"]);
    let point = |one: &'_ Value| match (text(&one["ip"]), text(&one["hostname"])) {
        ("", "") => None,
        ("", name) => Some(name.to_owned()),
        (ip, _) => Some(ip.to_owned()),
    };
    let points: BTreeSet<String> = points.iter().filter_map(point).collect();
    points.into_iter().collect::<Vec<_>>().join(",")
}

fn ports(service: &Value) -> Value {
    let port = |one: &Value| {
        let node = one["nodePort"].as_i64().filter(|port| *port > 0);
        let node = node.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{node}/{}", number(&one["port"]), text(&one["protocol"]))
    };
    let all: Vec<String> = items(&service["spec"]["ports"]).iter().map(port).collect();
    or(&json!(all.join(",")), NONE)
}

fn endpoints(endpoints: &Value) -> String {
    let subsets = items(&endpoints["subsets"]);
    if subsets.is_empty() {
        return NONE.to_owned();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = || items(&subset["addresses"]).iter().map(|one| text(&one["ip"]));
        let ports = items(&subset["ports"]);
        if ports.is_empty() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in ports {
            let port = number(&port["port"]);
            all.extend(addresses().map(|ip| match ip.contains(':') {
                true => format!("[{ip}]:{port}"),
                false => format!("{ip}:{port}"),
            }));
        }
    }
    few(&all, SHOWN, ",")
}

fn hosts(ingress: &Value) -> String {
    let rules = items(&ingress["spec"]["rules"]);
    let named = rules
        .iter()
        .filter_map(|rule| rule["host"].as_str())
        .filter(|host| !host.is_empty());
    let hosts: Vec<String> = named.map(str::to_owned).collect();
    if hosts.is_empty() {
        return "*".to_owned();
    }
    let shown = hosts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(",");
    // The rules without a host are counted too.
    if hosts.len() >= SHOWN && rules.len() > SHOWN {
        return format!("{shown} + {} more...", rules.len() - SHOWN);
    }
    shown
}

/// `services/default/kubernetes`
fn parent(parent: &Value) -> String {
    if !parent.is_object() {
        return NONE.to_owned();
    }
    let resource = match (text(&parent["resource"]), text(&parent["group"])) {
        (resource, "") => resource.to_lowercase(),
        (resource, group) => format!("{resource}.{group}").to_lowercase(),
    };
    match (text(&parent["namespace"]), text(&parent["name"])) {
        ("", name) => format!("{resource}/{name}"),
        (namespace, name) => format!("{resource}/{namespace}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_from_outside_depends_on_the_type() {
        let ingress = json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "lb"}]}});
        for (spec, status, expected) in [
            (json!({"type": "ClusterIP"}), json!({}), "<none>"),
            (
                json!({"type": "NodePort", "externalIPs": ["9.9.9.9"]}),
                json!({}),
                "9.9.9.9",
            ),
            (json!({"type": "LoadBalancer"}), json!({}), "<pending>"),
            (json!({"type": "LoadBalancer"}), ingress.clone(), "1.2.3.4,lb"),
            (
                json!({"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]}),
                ingress,
                "1.2.3.4,lb,9.9.9.9",
            ),
            (
                json!({"type": "ExternalName", "externalName": "a.b"}),
                json!({}),
                "a.b",
            ),
        ] {
            assert_eq!(external_ip(&json!({"spec": spec, "status": status})), expected);
        }
    }

    #[test]
    fn of_many_endpoints_and_hosts_three_are_named() {
        let ips = |count: u8| {
            (1..=count)
                .map(|n| json!({"ip": format!("10.0.0.{n}")}))
                .collect::<Vec<_>>()
        };
        for (subsets, expected) in [
            (json!([]), "<none>"),
            (
                json!([{"addresses": ips(2), "ports": [{"port": 80}]}]),
                "10.0.0.1:80,10.0.0.2:80",
            ),
            (
                json!([{"addresses": ips(4), "ports": [{"port": 80}]}]),
                "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...",
            ),
            (json!([{"addresses": ips(1)}]), "10.0.0.1"),
            (
                json!([{"addresses": [{"ip": "fd::1"}], "ports": [{"port": 1}]}]),
                "[fd::1]:1",
            ),
        ] {
            assert_eq!(endpoints(&json!({"subsets": subsets})), expected);
        }
        let rules: Vec<Value> = ["a", "b", "c", "d"]
            .iter()
            .map(|host| json!({"host": host}))
            .collect();
        assert_eq!(hosts(&json!({"spec": {"rules": rules}})), "a,b,c + 1 more...");
        assert_eq!(hosts(&json!({"spec": {"rules": [{}]}})), "*");
    }
}
