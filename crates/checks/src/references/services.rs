//! Services: the pods they select, and their ports there.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::pods::Pods;
use crate::selection;
use crate::view::{Item, View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Services",
    checks: &[
        &SELECTS_NOTHING,
        &TARGET_PORT,
        &PORT_UNDECLARED,
        &PORT_UNNAMED,
        &PORT_TWICE,
    ],
    look,
};

static SELECTS_NOTHING: Check = Check {
    id: "service-selects-nothing",
    title: "A Service that selects no pod",
    severity: Severity::Error,
    softer: "A warning unless a single label is misspelt: something outside of the chart might make the pods",
    cure: "give the selector the labels of the pods' template; both are best made by one named template",
    why: "The Service has no endpoints, and every connection to it is refused. Helm and Kubernetes both call it a success.",
};

static TARGET_PORT: Check = Check {
    id: "service-target-port",
    title: "A Service's targetPort that no pod has",
    severity: Severity::Error,
    softer: "",
    cure: "name a port of the pods' containers, or give its number",
    why: "The port is left out of the endpoints, so that nothing answers on it.",
};

static PORT_UNDECLARED: Check = Check {
    id: "service-port-undeclared",
    title: "A Service's port that no container declares",
    severity: Severity::Note,
    softer: "",
    cure: "declare the port in the container, or correct the number",
    why: "Declaring is not needed for traffic to flow, so this may be right; but a wrong number looks just like it.",
};

static PORT_UNNAMED: Check = Check {
    id: "service-port-unnamed",
    title: "Several ports of a Service, and one without a name",
    severity: Severity::Error,
    softer: "",
    cure: "give every port of the Service a name",
    why: "The API server refuses it.",
};

static PORT_TWICE: Check = Check {
    id: "service-port-twice",
    title: "A port that a Service has twice",
    severity: Severity::Error,
    softer: "",
    cure: "give each port a name of its own, and each protocol a port once",
    why: "The API server refuses two ports of one name, and two of one number and protocol.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, service) in view.of(&Kind::SERVICE) {
        names(at, &service.value, found);
        let selector = meta::at(&service.value, "/spec/selector").unwrap_or(&Value::Null);
        let has_pods = selector.as_object().is_some_and(|labels| !labels.is_empty());
        if !has_pods || meta::text_at(&service.value, "/spec/type") == "ExternalName" {
            continue;
        }
        if let Some(miss) = view.miss(service.namespace, selector) {
            let severity = if miss.is_typo {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = format!("selects no pod: {}", miss.message);
            found.add_as(&SELECTS_NOTHING, severity, (at, "/spec/selector"), message);
            continue;
        }
        let pods = view.selected(service.namespace, &selection::read(selector));
        target_ports((at, service), &pods, found);
    }
}

/// Names and numbers of the ports, among themselves.
fn names(at: usize, service: &Value, found: &mut Findings) {
    let ports = each(service, "", "/spec/ports");
    let number = |port: &Value| meta::number_at(port, "/port");
    let protocol = |port: &Value| match meta::text(port, "protocol") {
        "" => "TCP".to_owned(),
        given => given.to_owned(),
    };
    for (index, (pointer, port)) in ports.iter().enumerate() {
        let before = &ports[..index];
        let name = meta::text(port, "name");
        if name.is_empty() {
            if ports.len() > 1 {
                let message = format!("port {} has no name", number(port).unwrap_or_default());
                found.add(&PORT_UNNAMED, (at, pointer), message);
            }
        } else if before.iter().any(|(_, other)| meta::text(other, "name") == name) {
            let message = format!("two ports are called {name:?}");
            found.add(&PORT_TWICE, (at, &format!("{pointer}/name")), message);
            continue;
        }
        let same = |other: &Value| number(other) == number(port) && protocol(other) == protocol(port);
        if let (Some(number), true) = (number(port), before.iter().any(|(_, other)| same(other))) {
            let message = format!("port {number}/{} is there twice", protocol(port));
            found.add(&PORT_TWICE, (at, &format!("{pointer}/port")), message);
        }
    }
}

fn target_ports((at, service): (usize, &Item<'_>), pods: &[&Pods<'_>], found: &mut Findings) {
    if pods.is_empty() || pods.iter().any(|pods| !pods.built_in || pods.is_injected()) {
        return;
    }
    let declared: Vec<&Value> = pods
        .iter()
        .flat_map(|pods| pods.staying())
        .flat_map(|container| meta::list_at(container.value, "/ports"))
        .collect();
    for (pointer, port) in each(&service.value, "", "/spec/ports") {
        let target = port.get("targetPort").or_else(|| port.get("port"));
        let place = match port.get("targetPort") {
            Some(_) => format!("{pointer}/targetPort"),
            None => format!("{pointer}/port"),
        };
        match target {
            Some(Value::String(name)) if name.parse::<u16>().is_err() => {
                let names = || declared.iter().map(|port| meta::text(port, "name"));
                let names = || names().filter(|name| !name.is_empty());
                if !names().any(|one| one == name) {
                    let meant = meant(name, names());
                    let has = listed(names());
                    let message =
                        format!("no container of its pods has a port {name:?} (ports: {has}){meant}");
                    found.add(&TARGET_PORT, (at, &place), message);
                }
            }
            Some(number) if !declared.is_empty() => {
                let wanted = number.as_i64().or_else(|| number.as_str()?.parse().ok());
                let numbers = || {
                    declared
                        .iter()
                        .filter_map(|port| meta::number_at(port, "/containerPort"))
                };
                if let Some(wanted) = wanted
                    && !numbers().any(|one| one == wanted)
                {
                    let has: Vec<String> = numbers().map(|one| one.to_string()).collect();
                    let has = listed(has.iter().map(String::as_str));
                    let message = format!("no container of its pods declares port {wanted} (ports: {has})");
                    found.add(&PORT_UNDECLARED, (at, &place), message);
                }
            }
            _ => {}
        }
    }
}
