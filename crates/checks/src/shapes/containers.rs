//! Containers: their names, ports, environment and probes.

use manifest::Severity;
use objects::meta;
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::pods::{Container, Pods};
use crate::view::{View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Containers",
    checks: &[
        &CONTAINER_TWICE,
        &PORT_NAME_TWICE,
        &PORT_TWICE,
        &PORT_NAME,
        &ENV_TWICE,
        &PROBE_PORT,
        &PROBE_TIMES,
    ],
    look,
};

static CONTAINER_TWICE: Check = Check {
    id: "container-twice",
    title: "Two containers of one name",
    severity: Severity::Error,
    softer: "",
    cure: "give each container of the pod a name of its own, init containers included",
    why: "The API server refuses the object.",
};

static PORT_NAME_TWICE: Check = Check {
    id: "container-port-twice",
    title: "Two ports of a container with one name",
    severity: Severity::Error,
    softer: "",
    cure: "give each port of the container a name of its own",
    why: "The API server refuses the object.",
};

static PORT_TWICE: Check = Check {
    id: "container-port-number-twice",
    title: "A port that a container has twice",
    severity: Severity::Warning,
    softer: "",
    cure: "leave one of them: a Service can give one port several names",
    why: "Server-side apply refuses the object (duplicate entries for key), and a three-way merge loses one of them.",
};

static PORT_NAME: Check = Check {
    id: "port-name",
    title: "A port's name that can't be one",
    severity: Severity::Error,
    softer: "",
    cure: "use at most 15 lower case letters, digits and single hyphens, one letter at least",
    why: "The API server refuses the object.",
};

static ENV_TWICE: Check = Check {
    id: "env-twice",
    title: "A variable that a container has twice",
    severity: Severity::Warning,
    softer: "",
    cure: "leave one of them",
    why: "The last one counts; server-side apply refuses the object, and a three-way merge may keep the wrong one.",
};

static PROBE_PORT: Check = Check {
    id: "probe-no-such-port",
    title: "A probe of a port that the container does not have",
    severity: Severity::Error,
    softer: "",
    cure: "name a port of the same container, or give its number",
    why: "The probe fails for ever: the pod is never ready, or restarted again and again.",
};

static PROBE_TIMES: Check = Check {
    id: "probe-success-threshold",
    title: "A liveness or startup probe that has to succeed more than once",
    severity: Severity::Error,
    softer: "",
    cure: "leave out successThreshold: only readiness may ask for more than one",
    why: "The API server refuses the object.",
};

/// The longest name of a port: what IANA gives a service.
const PORT_NAME_MAX: usize = 15;

const PROBES: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe"];

fn look(view: &View<'_>, found: &mut Findings) {
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let mut names: Vec<&str> = Vec::new();
        for container in pods.containers() {
            let name = meta::text(container.value, "name");
            if names.contains(&name) {
                let message = format!("two containers are called {name:?}");
                found.add(
                    &CONTAINER_TWICE,
                    (pods.item, &format!("{}/name", container.at)),
                    message,
                );
            }
            names.push(name);
            ports(pods, &container, found);
            environment(pods, &container, found);
            probes(pods, &container, found);
        }
    }
}

fn ports(pods: &Pods<'_>, container: &Container<'_>, found: &mut Findings) {
    let mut names: Vec<&str> = Vec::new();
    let mut numbers: Vec<(i64, &str)> = Vec::new();
    for (at, port) in each(container.value, &container.at, "/ports") {
        let protocol = match meta::text(port, "protocol") {
            "" => "TCP",
            given => given,
        };
        if let Some(number) = meta::number_at(port, "/containerPort") {
            if numbers.contains(&(number, protocol)) {
                let message = format!("port {number}/{protocol} is there already");
                found.add(&PORT_TWICE, (pods.item, &format!("{at}/containerPort")), message);
            }
            numbers.push((number, protocol));
        }
        let name = meta::text(port, "name");
        if name.is_empty() {
            continue;
        }
        let at = format!("{at}/name");
        if names.contains(&name) {
            let message = format!("two ports are called {name:?}");
            found.add(&PORT_NAME_TWICE, (pods.item, &at), message);
        } else if let Some(why) = wrong_port_name(name) {
            found.add(&PORT_NAME, (pods.item, &at), format!("{name:?} {why}"));
        }
        names.push(name);
    }
}

fn wrong_port_name(name: &str) -> Option<String> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > PORT_NAME_MAX {
        return Some(format!("is longer than {PORT_NAME_MAX} characters"));
    }
    if !name.chars().all(is_inner) {
        return Some("has other characters than lower case letters, digits and hyphens".to_owned());
    }
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        return Some("has no letter".to_owned());
    }
    let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    hyphens.then(|| "begins or ends with a hyphen, or has two in a row".to_owned())
}

fn environment(pods: &Pods<'_>, container: &Container<'_>, found: &mut Findings) {
    let all = each(container.value, &container.at, "/env");
    for (index, (at, variable)) in all.iter().enumerate() {
        let name = meta::text(variable, "name");
        let before = all[..index]
            .iter()
            .find(|(_, one)| meta::text(one, "name") == name);
        if let Some((_, before)) = before {
            let same = if before == variable {
                "with the same value"
            } else {
                "with another value"
            };
            let message = format!("{name} is there already, {same}");
            found.add(&ENV_TWICE, (pods.item, &format!("{at}/name")), message);
        }
    }
}

fn probes(pods: &Pods<'_>, container: &Container<'_>, found: &mut Findings) {
    let names: Vec<&str> = meta::list_at(container.value, "/ports")
        .iter()
        .map(|port| meta::text(port, "name"))
        .filter(|name| !name.is_empty())
        .collect();
    let actions = PROBES
        .iter()
        .map(|probe| format!("/{probe}"))
        .chain(["/lifecycle/postStart".to_owned(), "/lifecycle/preStop".to_owned()]);
    for action in actions {
        let Some(value) = meta::at(container.value, &action) else {
            continue;
        };
        for way in ["httpGet", "tcpSocket"] {
            let port = value.get(way).and_then(|way| way.get("port"));
            if let Some(Value::String(port)) = port
                && port.parse::<u16>().is_err()
                && !names.contains(&port.as_str())
            {
                let meant = meant(port, names.iter().copied());
                let has = listed(names.iter().copied());
                let message = format!("the container has no port {port:?} (ports: {has}){meant}");
                let at = format!("{}{action}/{way}/port", container.at);
                found.add(&PROBE_PORT, (pods.item, &at), message);
            }
        }
        let times = meta::number_at(value, "/successThreshold").unwrap_or(1);
        if times > 1 && matches!(action.as_str(), "/livenessProbe" | "/startupProbe") {
            let at = format!("{}{action}/successThreshold", container.at);
            found.add(
                &PROBE_TIMES,
                (pods.item, &at),
                format!("successThreshold is {times}"),
            );
        }
    }
}
