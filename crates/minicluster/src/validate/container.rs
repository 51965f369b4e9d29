//! The rules of one container: its name, image, ports, environment, mounts, resources and probes.

use std::collections::BTreeSet;

use objects::Quantity;
use serde_json::{Value, json};

use super::findings::{Findings, entries, given, list, text};
use super::names;

/// Where a container stands, and what it can mount.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) at: &'a str,
    pub(super) volumes: &'a BTreeSet<&'a str>,
    pub(super) is_init: bool,
}

pub(super) fn container(out: &mut Findings, place: &Place<'_>, container: &Value) {
    let at = place.at;
    out.required_text(&format!("{at}.name"), text(container, "name"), names::label);
    let image = text(container, "image");
    if image.is_empty() {
        out.required(format!("{at}.image"), "");
    } else if image.trim() != image {
        out.invalid(
            format!("{at}.image"),
            &json!(image),
            "must not have leading or trailing whitespace",
        );
    }
    let policy = text(container, "terminationMessagePolicy");
    if !policy.is_empty() {
        out.one_of(
            &format!("{at}.terminationMessagePolicy"),
            policy,
            &["FallbackToLogsOnError", "File"],
        );
    }
    ports(out, &format!("{at}.ports"), list(container, "ports"));
    environment(out, &format!("{at}.env"), list(container, "env"));
    mounts(out, place, list(container, "volumeMounts"));
    let policy = text(container, "imagePullPolicy");
    if policy.is_empty() {
        out.required(format!("{at}.imagePullPolicy"), "");
    } else {
        out.one_of(
            &format!("{at}.imagePullPolicy"),
            policy,
            &["Always", "IfNotPresent", "Never"],
        );
    }
    resources(out, &format!("{at}.resources"), &container["resources"]);
}

/// The probes; an init container has some only when it keeps running.
pub(super) fn probes(out: &mut Findings, place: &Place<'_>, container: &Value) {
    let restarts = text(container, "restartPolicy") == "Always";
    for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = given(container, field) else {
            continue;
        };
        let at = format!("{}.{field}", place.at);
        if place.is_init && !restarts {
            out.forbidden(
                at,
                "may not be set for init containers without restartPolicy=Always",
            );
            continue;
        }
        handler(out, &at, probe);
        for number in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ] {
            out.not_negative(&at, probe, number);
        }
        if field != "readinessProbe"
            && let Some(number) = given(probe, "successThreshold").filter(|number| number.as_i64() != Some(1))
        {
            out.invalid(format!("{at}.successThreshold"), number, "must be 1");
        }
    }
}

fn handler(out: &mut Findings, at: &str, probe: &Value) {
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    let mut found = 0;
    for name in handlers {
        let Some(handler) = given(probe, name) else {
            continue;
        };
        found += 1;
        if found > 1 {
            out.forbidden(format!("{at}.{name}"), "may not specify more than 1 handler type");
            continue;
        }
        if name == "exec" {
            if list(handler, "command").is_empty() {
                out.required(format!("{at}.exec.command"), "");
            }
            continue;
        }
        if name == "httpGet" && text(handler, "path").is_empty() {
            out.required(format!("{at}.httpGet.path"), "");
        }
        let port = &handler["port"];
        for why in names::port(port) {
            out.invalid(format!("{at}.{name}.port"), port, &why);
        }
        if name == "httpGet" {
            out.one_of(
                &format!("{at}.httpGet.scheme"),
                text(handler, "scheme"),
                &["HTTP", "HTTPS"],
            );
        }
    }
    if found == 0 {
        out.required(at, "must specify a handler type");
    }
}

fn ports(out: &mut Findings, at: &str, ports: &[Value]) {
    let mut seen = BTreeSet::new();
    for (n, port) in ports.iter().enumerate() {
        let at = format!("{at}[{n}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let faults = names::port_name(name);
            if faults.is_empty() && !seen.insert(name) {
                out.duplicate(format!("{at}.name"), &json!(name));
            }
            for why in faults {
                out.invalid(format!("{at}.name"), &json!(name), &why);
            }
        }
        let own = &port["containerPort"];
        if own.as_i64().unwrap_or(0) == 0 {
            out.required(format!("{at}.containerPort"), "");
        } else {
            for why in names::port(own) {
                out.invalid(format!("{at}.containerPort"), own, &why);
            }
        }
        if let Some(host) = given(port, "hostPort").filter(|host| host.as_i64() != Some(0)) {
            for why in names::port(host) {
                out.invalid(format!("{at}.hostPort"), host, &why);
            }
        }
        match text(port, "protocol") {
            "" => out.required(format!("{at}.protocol"), ""),
            protocol => out.one_of(&format!("{at}.protocol"), protocol, &["SCTP", "TCP", "UDP"]),
        }
    }
}

fn environment(out: &mut Findings, at: &str, variables: &[Value]) {
    const SOURCES: [&str; 5] = [
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "fileKeyRef",
    ];
    for (n, variable) in variables.iter().enumerate() {
        let at = format!("{at}[{n}]");
        out.required_text(&format!("{at}.name"), text(variable, "name"), names::variable);
        let Some(source) = given(variable, "valueFrom") else {
            continue;
        };
        let at = format!("{at}.valueFrom");
        let empty = json!("");
        match SOURCES
            .iter()
            .filter(|name| given(source, name).is_some())
            .count()
        {
            0 => {
                let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
                out.invalid(at, &empty, why);
            }
            _ if !text(variable, "value").is_empty() => {
                out.invalid(at, &empty, "may not be specified when `value` is not empty");
            }
            1 => {}
            _ => out.invalid(at, &empty, "may not have more than one field specified at a time"),
        }
    }
}

fn mounts(out: &mut Findings, place: &Place<'_>, mounts: &[Value]) {
    let mut paths = BTreeSet::new();
    for (n, mount) in mounts.iter().enumerate() {
        let at = format!("{}.volumeMounts[{n}]", place.at);
        let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            out.required(format!("{at}.name"), "");
        } else if !place.volumes.contains(name) {
            out.not_found(format!("{at}.name"), &json!(name));
        }
        if path.is_empty() {
            out.required(format!("{at}.mountPath"), "");
        } else if !paths.insert(path) {
            out.invalid(format!("{at}.mountPath"), &json!(path), "must be unique");
        }
    }
}

fn resources(out: &mut Findings, at: &str, resources: &Value) {
    let limit_of = |resource: &str| resources.get("limits").and_then(|limits| limits.get(resource));
    for field in ["limits", "requests"] {
        for (resource, amount) in entries(resources, field) {
            let Some(quantity) = Quantity::of(amount) else {
                continue;
            };
            if quantity < Quantity::ZERO {
                out.invalid(
                    format!("{at}.{field}[{resource}]"),
                    amount,
                    "must be greater than or equal to 0",
                );
            }
            let limit = limit_of(resource).filter(|_| field == "requests");
            if let Some(limit) = limit
                && Quantity::of(limit).is_some_and(|most| quantity > most)
            {
                let printed = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
                let why = format!("must be less than or equal to {resource} limit of {printed}");
                out.invalid(format!("{at}.requests"), amount, &why);
            }
        }
    }
}
