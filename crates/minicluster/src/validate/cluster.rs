//! The rules of what a cluster is made of: nodes, leases, and the addresses behind services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::findings::{Findings, given, list, text};
use super::names;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) fn node(out: &mut Findings, node: &Value) {
    let mut seen = BTreeSet::new();
    for (n, taint) in list(&node["spec"], "taints").iter().enumerate() {
        // Where the real server says that they are.
        let at = format!("metadata.taints[{n}]");
        let (key, effect) = (text(taint, "key"), text(taint, "effect"));
        out.text(&format!("{at}.key"), key, names::qualified);
        let faults = names::label_value(text(taint, "value"));
        if !faults.is_empty() {
            out.invalid(format!("{at}.value"), &taint["value"], &faults.join(";"));
        }
        if effect.is_empty() {
            out.required(format!("{at}.effect"), "");
        } else {
            out.one_of(&format!("{at}.effect"), effect, &EFFECTS);
        }
        if !seen.insert((key, effect)) {
            out.duplicate(at, taint);
        }
    }
}

pub(super) fn lease(out: &mut Findings, lease: &Value) {
    let spec = &lease["spec"];
    let number = |field: &str| given(spec, field).and_then(Value::as_i64);
    if number("leaseDurationSeconds").is_some_and(|seconds| seconds <= 0) {
        let value = &spec["leaseDurationSeconds"];
        out.invalid("spec.leaseDurationSeconds", value, "must be greater than 0");
    }
    out.not_negative("spec", spec, "leaseTransitions");
}

/// More endpoints than a slice may have.
const MOST_ENDPOINTS: usize = 1000;

pub(super) fn endpoint_slice(out: &mut Findings, slice: &Value) {
    let kind = text(slice, "addressType");
    if kind.is_empty() {
        out.required("addressType", "");
    } else {
        out.one_of("addressType", kind, &["FQDN", "IPv4", "IPv6"]);
    }
    let endpoints = list(slice, "endpoints");
    if endpoints.len() > MOST_ENDPOINTS {
        out.push(super::Cause::too_many(
            "endpoints",
            endpoints.len(),
            MOST_ENDPOINTS,
        ));
        return;
    }
    for (n, endpoint) in endpoints.iter().enumerate() {
        let at = format!("endpoints[{n}].addresses");
        let addresses = list(endpoint, "addresses");
        if addresses.is_empty() {
            out.required(at.as_str(), "must contain at least 1 address");
        }
        for (m, address) in addresses.iter().enumerate() {
            endpoint_address(out, &format!("{at}[{m}]"), kind, address);
        }
    }
    let mut seen = BTreeSet::new();
    for (n, port) in list(slice, "ports").iter().enumerate() {
        let (at, name) = (format!("ports[{n}]"), text(port, "name"));
        if !seen.insert(name) {
            out.duplicate(format!("{at}.name"), &json!(name));
        }
        if !name.is_empty() {
            out.text(&format!("{at}.name"), name, names::label);
        }
        let protocol = text(port, "protocol");
        if !protocol.is_empty() {
            out.one_of(&format!("{at}.protocol"), protocol, &["SCTP", "TCP", "UDP"]);
        }
    }
}

pub(super) fn endpoint_slice_update(out: &mut Findings, new: &Value, old: &Value) {
    out.immutable("addressType", new.get("addressType"), old.get("addressType"));
}

fn endpoint_address(out: &mut Findings, at: &str, kind: &str, address: &Value) {
    let written = address.as_str().unwrap_or_default();
    let parsed = written.parse::<IpAddr>();
    match (kind, parsed) {
        ("FQDN", _) => out.text(at, written, names::subdomain),
        ("IPv4", Ok(ip)) if ip.is_ipv4() => special(out, at, (address, ip)),
        ("IPv6", Ok(ip)) if ip.is_ipv6() => special(out, at, (address, ip)),
        ("IPv4", _) => out.invalid(at, address, "must be a valid IPv4 address"),
        ("IPv6", _) => out.invalid(at, address, "must be a valid IPv6 address"),
        _ => {}
    }
}

/// Addresses that lead to the asking machine, or to nobody in particular.
fn special(out: &mut Findings, at: &str, (written, ip): (&Value, IpAddr)) {
    let (local, multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.segments()[0] == 0xff02),
    };
    for (is_so, why) in [
        (ip.is_unspecified(), "may not be unspecified (0.0.0.0 or ::)"),
        (
            ip.is_loopback(),
            "may not be in the loopback range (127.0.0.0/8, ::1/128)",
        ),
        (
            local,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
        ),
        (
            multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    ] {
        if is_so {
            out.invalid(at, written, why);
        }
    }
}
