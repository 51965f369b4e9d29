//! The rules of Services, Ingresses and NetworkPolicies.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::findings::{Findings, given, list, text};
use super::{meta, names};

pub(super) fn service(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    let (kind, ports) = (text(spec, "type"), list(spec, "ports"));
    let headless = text(spec, "clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        out.required("spec.ports", "");
    }
    if kind == "ExternalName" {
        let name = text(spec, "externalName");
        let name = name.strip_suffix('.').unwrap_or(name);
        out.required_text("spec.externalName", name, names::subdomain);
    } else if headless && matches!(kind, "NodePort" | "LoadBalancer") {
        let why = format!("may not be set to 'None' for {kind} services");
        out.invalid("spec.clusterIPs[0]", &json!("None"), &why);
    }
    let mut seen = BTreeSet::new();
    for (n, port) in ports.iter().enumerate() {
        service_port(out, &format!("spec.ports[{n}]"), port, ports.len() > 1);
        let name = text(port, "name");
        if !name.is_empty() && !seen.insert(name) {
            out.duplicate(format!("spec.ports[{n}].name"), &json!(name));
        }
    }
    meta::labels(out, "spec.selector", spec, "selector");
    match text(spec, "sessionAffinity") {
        "" => out.required("spec.sessionAffinity", ""),
        affinity => out.one_of("spec.sessionAffinity", affinity, &["ClientIP", "None"]),
    }
    for (n, ip) in list(spec, "externalIPs").iter().enumerate() {
        if ip.as_str().is_none_or(|ip| ip.parse::<IpAddr>().is_err()) {
            let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            out.invalid(format!("spec.externalIPs[{n}]"), ip, why);
        }
    }
    if kind.is_empty() {
        out.required("spec.type", "");
    } else {
        out.one_of(
            "spec.type",
            kind,
            &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        );
    }
    unique_ports(out, ports);
    if kind == "ClusterIP" {
        for (n, port) in ports.iter().enumerate() {
            if port["nodePort"].as_i64().unwrap_or(0) != 0 {
                out.forbidden(
                    format!("spec.ports[{n}].nodePort"),
                    "may not be used when `type` is 'ClusterIP'",
                );
            }
        }
    }
}

pub(super) fn service_update(out: &mut Findings, new: &Value, old: &Value) {
    let kind = |object: &Value| text(&object["spec"], "type").to_owned();
    let address = |object: &Value| text(&object["spec"], "clusterIP").to_owned();
    let (now, before) = (address(new), address(old));
    if kind(new) != "ExternalName" && kind(old) != "ExternalName" && !before.is_empty() && now != before {
        let value = json!(if now.is_empty() { vec![] } else { vec![now] });
        out.invalid("spec.clusterIPs[0]", &value, "may not change once set");
    }
}

fn service_port(out: &mut Findings, at: &str, port: &Value, needs_name: bool) {
    let name = text(port, "name");
    if !name.is_empty() {
        out.text(&format!("{at}.name"), name, names::label);
    } else if needs_name {
        out.required(format!("{at}.name"), "");
    }
    for field in ["port", "targetPort"] {
        for why in names::port(&port[field]) {
            out.invalid(format!("{at}.{field}"), &port[field], &why);
        }
        if field == "port" {
            match text(port, "protocol") {
                "" => out.required(format!("{at}.protocol"), ""),
                protocol => out.one_of(&format!("{at}.protocol"), protocol, &["SCTP", "TCP", "UDP"]),
            }
        }
    }
}

fn unique_ports(out: &mut Findings, ports: &[Value]) {
    let mut seen = BTreeSet::new();
    for (n, port) in ports.iter().enumerate() {
        let key = (text(port, "protocol"), port["port"].as_i64());
        if !seen.insert(key) {
            out.duplicate(
                format!("spec.ports[{n}]"),
                &json!({"port": key.1, "protocol": key.0}),
            );
        }
    }
}

pub(super) fn ingress(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    let rules = list(spec, "rules");
    match given(spec, "defaultBackend") {
        None if rules.is_empty() => {
            out.invalid(
                "spec",
                &json!([]),
                "either `defaultBackend` or `rules` must be specified",
            );
        }
        None => {}
        Some(backend) => self::backend(out, "spec.defaultBackend", backend),
    }
    for (n, rule) in rules.iter().enumerate() {
        let host = text(rule, "host");
        let at = format!("spec.rules[{n}]");
        if host.parse::<IpAddr>().is_ok() {
            out.invalid(
                format!("{at}.host"),
                &json!(host),
                "must be a DNS name, not an IP address",
            );
        } else if !host.is_empty() {
            let plain = host.strip_prefix("*.").unwrap_or(host);
            for why in names::subdomain(plain) {
                out.invalid(format!("{at}.host"), &json!(host), &why);
            }
        }
        let Some(http) = given(rule, "http") else {
            continue;
        };
        if list(http, "paths").is_empty() {
            out.required(format!("{at}.http.paths"), "");
        }
        for (n, path) in list(http, "paths").iter().enumerate() {
            ingress_path(out, &format!("{at}.http.paths[{n}]"), path);
        }
    }
}

fn ingress_path(out: &mut Findings, at: &str, path: &Value) {
    let written = text(path, "path");
    match text(path, "pathType") {
        "" => out.required(format!("{at}.pathType"), "pathType must be specified"),
        "Exact" | "Prefix" if !written.starts_with('/') => {
            out.invalid(format!("{at}.path"), &json!(written), "must be an absolute path");
        }
        "ImplementationSpecific" if !written.is_empty() && !written.starts_with('/') => {
            out.invalid(format!("{at}.path"), &json!(written), "must be an absolute path");
        }
        kind => out.one_of(
            &format!("{at}.pathType"),
            kind,
            &["Exact", "ImplementationSpecific", "Prefix"],
        ),
    }
    backend(out, &format!("{at}.backend"), &path["backend"]);
}

fn backend(out: &mut Findings, at: &str, backend: &Value) {
    match (given(backend, "service"), given(backend, "resource")) {
        (Some(_), Some(_)) => {
            out.invalid(at, backend, "cannot set both resource and service backends");
        }
        (None, None) => out.required(at, "must specify service or resource backend"),
        (Some(service), None) => {
            out.required_text(
                &format!("{at}.service.name"),
                text(service, "name"),
                names::label_1035,
            );
            let port = &service["port"];
            let (name, number) = (text(port, "name"), port["number"].as_i64().unwrap_or(0));
            if !name.is_empty() && number != 0 {
                out.invalid(at, backend, "cannot set both port name & port number");
            } else if !name.is_empty() {
                out.text(&format!("{at}.service.port.name"), name, names::port_name);
            } else if number != 0 {
                for why in names::port(&port["number"]) {
                    out.invalid(format!("{at}.service.port.number"), &port["number"], &why);
                }
            } else {
                out.required(at, "port name or number is required");
            }
        }
        (None, Some(_)) => {}
    }
}

pub(super) fn network_policy(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    meta::selector(out, "spec.podSelector", &spec["podSelector"]);
    for direction in ["ingress", "egress"] {
        for (n, rule) in list(spec, direction).iter().enumerate() {
            for (m, port) in list(rule, "ports").iter().enumerate() {
                let at = format!("spec.{direction}[{n}].ports[{m}]");
                policy_port(out, &at, port);
            }
            let peers = if direction == "ingress" { "from" } else { "to" };
            for (m, peer) in list(rule, peers).iter().enumerate() {
                policy_peer(out, &format!("spec.{direction}[{n}].{peers}[{m}]"), peer);
            }
        }
    }
    for (n, kind) in list(spec, "policyTypes").iter().enumerate() {
        let at = format!("spec.policyTypes[{n}]");
        out.one_of(&at, kind.as_str().unwrap_or_default(), &["Egress", "Ingress"]);
    }
}

fn policy_port(out: &mut Findings, at: &str, port: &Value) {
    let protocol = text(port, "protocol");
    if !protocol.is_empty() {
        out.one_of(&format!("{at}.protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let end = given(port, "endPort");
    let end_at = format!("{at}.endPort");
    match (given(port, "port"), end) {
        (None, Some(end)) => {
            out.invalid(end_at, end, "may not be specified when `port` is not specified");
        }
        (Some(Value::String(_)), Some(end)) => {
            out.invalid(end_at, end, "may not be specified when `port` is non-numeric");
        }
        (Some(begin), Some(end)) => {
            if end.as_i64() < begin.as_i64() {
                out.invalid(end_at.as_str(), begin, "must be greater than or equal to `port`");
            }
            for why in names::port(end) {
                out.invalid(end_at.as_str(), end, &why);
            }
        }
        _ => {}
    }
    for why in given(port, "port").map(names::port).unwrap_or_default() {
        out.invalid(format!("{at}.port"), &port["port"], &why);
    }
}

fn policy_peer(out: &mut Findings, at: &str, peer: &Value) {
    let mut others = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if let Some(selector) = given(peer, field) {
            others += 1;
            meta::selector(out, &format!("{at}.{field}"), selector);
        }
    }
    match given(peer, "ipBlock") {
        None if others == 0 => out.required(at, "must specify a peer"),
        None => {}
        Some(block) => {
            ip_block(out, &format!("{at}.ipBlock"), block);
            if others > 0 {
                out.forbidden(at, "may not specify both ipBlock and another peer");
            }
        }
    }
}

fn ip_block(out: &mut Findings, at: &str, block: &Value) {
    const SHAPE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    let cidr = text(block, "cidr");
    if cidr.is_empty() {
        return out.required(format!("{at}.cidr"), "");
    }
    let Some(whole) = range(cidr) else {
        return out.invalid(format!("{at}.cidr"), &json!(cidr), SHAPE);
    };
    for (n, except) in list(block, "except").iter().enumerate() {
        let at = format!("{at}.except[{n}]");
        match range(except.as_str().unwrap_or_default()) {
            None => out.invalid(at, except, SHAPE),
            Some(part) if !is_strict_part(whole, part) => {
                out.invalid(at, except, "must be a strict subset of `cidr`");
            }
            Some(_) => {}
        }
    }
}

/// The address and the number of bits of a range.
fn range(cidr: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = cidr.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
    Some((address, bits))
}

fn is_strict_part((whole, whole_bits): (IpAddr, u8), (part, part_bits): (IpAddr, u8)) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let same_kind = whole.is_ipv4() == part.is_ipv4();
    let differ = number(whole) ^ number(part);
    let beyond = differ.leading_zeros() >= u32::from(whole_bits);
    same_kind && beyond && part_bits > whole_bits
}
