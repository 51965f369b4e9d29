//! What the Prometheus operator scrapes: the Services and pods that monitors select, and their ports.

use manifest::Severity;
use objects::{Kind, Selector, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::pods::Container;
use crate::view::{Item, View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Monitors",
    checks: &[&SELECTS_NOTHING, &NO_PORT],
    look,
};

static SELECTS_NOTHING: Check = Check {
    id: "monitor-selects-nothing",
    title: "A ServiceMonitor or PodMonitor that selects nothing",
    severity: Severity::Warning,
    softer: "",
    cure: "give the selector the labels of the Service (ServiceMonitor) or of the pods' template (PodMonitor)",
    why: "Nothing is scraped, and an alert on what is not there never fires.",
};

static NO_PORT: Check = Check {
    id: "monitor-no-such-port",
    title: "A monitor of a port that what it selects does not have",
    severity: Severity::Warning,
    softer: "",
    cure: "name a port of the Service (ServiceMonitor) or of the container (PodMonitor); numbers don't count",
    why: "Nothing is scraped.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        if item.kind().group != "monitoring.coreos.com" || !is_here(view, item) {
            continue;
        }
        match item.kind().name.as_ref() {
            "ServiceMonitor" => of_services(view, (at, item), found),
            "PodMonitor" => of_pods(view, (at, item), found),
            _ => {}
        }
    }
}

/// Whether the monitor looks at the release's namespace alone.
fn is_here(view: &View<'_>, monitor: &Item<'_>) -> bool {
    let namespace = match meta::at(&monitor.value, "/spec/namespaceSelector") {
        None => monitor.namespace,
        Some(selector) => match meta::list_at(selector, "/matchNames") {
            [Value::String(one)] => one,
            _ => return false,
        },
    };
    namespace == view.context.namespace
}

fn selector(monitor: &Item<'_>) -> Option<Selector> {
    let selector = Selector::from_json(meta::at(&monitor.value, "/spec/selector")?);
    (!selector.is_empty()).then_some(selector)
}

fn of_services(view: &View<'_>, (at, monitor): (usize, &Item<'_>), found: &mut Findings) {
    let Some(selector) = selector(monitor) else { return };
    let namespace = view.context.namespace.as_str();
    let here = || {
        view.of(&Kind::SERVICE)
            .filter(|(_, service)| service.namespace == namespace)
    };
    let selected: Vec<&Item<'_>> = here()
        .map(|(_, service)| service)
        .filter(|service| selector.selects(&service.value))
        .collect();
    let there = view
        .there(&Kind::SERVICE, namespace)
        .any(|service| selector.selects(service));
    if there {
        return;
    }
    if selected.is_empty() {
        // What it selects may be another release's.
        if is_own(view, monitor) && here().next().is_some() && view.makes_all(namespace) {
            let message = "no Service of the chart has the labels that it selects".to_owned();
            found.add(&SELECTS_NOTHING, (at, "/spec/selector"), message);
        }
        return;
    }
    let ports: Vec<&Value> = selected
        .iter()
        .flat_map(|service| meta::list_at(&service.value, "/spec/ports"))
        .collect();
    missing_ports(
        (at, monitor),
        ("/spec/endpoints", "its Services"),
        &names(&ports),
        found,
    );
}

/// Whether a monitor's selector asks for this release.
fn is_own(view: &View<'_>, monitor: &Item<'_>) -> bool {
    let labels = meta::at(&monitor.value, "/spec/selector/matchLabels").and_then(Value::as_object);
    let release = view.context.release.as_str();
    labels.is_some_and(|labels| labels.values().any(|value| value.as_str() == Some(release)))
}

fn of_pods(view: &View<'_>, (at, monitor): (usize, &Item<'_>), found: &mut Findings) {
    let Some(asked) = meta::at(&monitor.value, "/spec/selector") else {
        return;
    };
    let namespace = view.context.namespace.as_str();
    if let Some(miss) = view.miss(namespace, asked) {
        let message = format!("selects no pod: {}", miss.message);
        return found.add(&SELECTS_NOTHING, (at, "/spec/selector"), message);
    }
    let pods = selector(monitor).map(|selector| view.selected(namespace, &selector));
    let pods = pods.unwrap_or_default();
    if pods.is_empty() || pods.iter().any(|pods| pods.is_injected() || !pods.built_in) {
        return;
    }
    let containers: Vec<Container<'_>> = pods.iter().flat_map(|pods| pods.containers()).collect();
    let ports: Vec<&Value> = containers
        .iter()
        .flat_map(|container| meta::list_at(container.value, "/ports"))
        .collect();
    let place = ("/spec/podMetricsEndpoints", "its pods");
    missing_ports((at, monitor), place, &names(&ports), found);
}

fn names<'v>(ports: &[&'v Value]) -> Vec<&'v str> {
    let names = ports.iter().map(|port| meta::text(port, "name"));
    names.filter(|name| !name.is_empty()).collect()
}

fn missing_ports(
    (at, monitor): (usize, &Item<'_>),
    (list, of): (&str, &str),
    names: &[&str],
    found: &mut Findings,
) {
    for (pointer, endpoint) in each(&monitor.value, "", list) {
        let port = meta::text(endpoint, "port");
        if !port.is_empty() && !names.contains(&port) {
            let meant = meant(port, names.iter().copied());
            let has = listed(names.iter().copied());
            let message = format!("{of} have no port {port:?} (ports: {has}){meant}");
            found.add(&NO_PORT, (at, &format!("{pointer}/port")), message);
        }
    }
}
