//! What sends traffic to Services: Ingresses, routes of the Gateway API, webhooks and aggregated APIs.

use std::collections::HashMap;

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::shapes::names::is_label_name;
use crate::view::{Item, Target, View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Routes to Services",
    checks: &[&NO_SERVICE, &NO_PORT, &TWICE, &HOST, &PATH],
    look,
};

static NO_SERVICE: Check = Check {
    id: "no-such-service",
    title: "A route to a Service that is not there",
    severity: Severity::Error,
    softer: "",
    cure: "name a Service of the chart, or one that the namespace has",
    why: "Requests are answered with 503 or refused. Told of a Service outside of the chart only when it is known what the \
          namespace has.",
};

static NO_PORT: Check = Check {
    id: "no-such-service-port",
    title: "A route to a port that the Service does not have",
    severity: Severity::Error,
    softer: "",
    cure: "give the port of the Service, not of the container, by the name or number that it has there",
    why: "Requests are answered with 503: the port that counts is the Service's, not its targetPort.",
};

static TWICE: Check = Check {
    id: "route-twice",
    title: "Two Ingress rules for one host and path",
    severity: Severity::Warning,
    softer: "",
    cure: "leave one of them, or tell them apart by host, path or ingress class",
    why: "Which of them counts depends on the controller: some take the older, some refuse the second when it is written.",
};

static HOST: Check = Check {
    id: "ingress-host",
    title: "An Ingress's host that is no name",
    severity: Severity::Error,
    softer: "",
    cure: "write the name alone, in lower case: no https://, no port, no path; `*.` at most in front",
    why: "The API server refuses the object.",
};

static PATH: Check = Check {
    id: "ingress-path",
    title: "An Ingress's path that does not begin with a slash",
    severity: Severity::Error,
    softer: "",
    cure: "begin the path with /, or say pathType: ImplementationSpecific",
    why: "The API server refuses the object.",
};

/// A Service that is named, and a port of it.
struct Backend<'v> {
    /// Where the name stands.
    at: String,
    name: &'v str,
    namespace: &'v str,
    port: Option<(String, &'v Value)>,
}

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        for backend in backends(item) {
            judge(view, at, &backend, found);
        }
    }
    twice(view, found);
    for (at, ingress) in view.of(&Kind::INGRESS) {
        words((at, &ingress.value), found);
    }
}

fn judge(view: &View<'_>, at: usize, backend: &Backend<'_>, found: &mut Findings) {
    let Backend {
        at: pointer,
        name,
        namespace,
        port,
    } = backend;
    let service = match view.find(&Kind::SERVICE, namespace, name) {
        Target::Made(_, service) | Target::There(service) => service,
        Target::Missing => {
            let meant = meant(name, view.names(&Kind::SERVICE, namespace));
            let message = format!("there is no Service {name:?}, in the chart or in {namespace}{meant}");
            return found.add(&NO_SERVICE, (at, pointer), message);
        }
        Target::Unknown => return,
    };
    let Some((pointer, port)) = port else { return };
    if meta::text_at(service, "/spec/type") == "ExternalName" || service.is_null() {
        return;
    }
    let ports = meta::list_at(service, "/spec/ports");
    let has = |one: &Value| match port {
        Value::String(name) => meta::text(one, "name") == name,
        number => one.get("port") == Some(number),
    };
    if !ports.iter().any(has) {
        let all: Vec<String> = ports.iter().map(told).collect();
        let all = listed(all.iter().map(String::as_str));
        let wanted = port
            .as_str()
            .map_or_else(|| port.to_string(), |name| format!("{name:?}"));
        let message = format!("Service {name} has no port {wanted} (ports: {all})");
        found.add(&NO_PORT, (at, pointer), message);
    }
}

fn told(port: &Value) -> String {
    let number = meta::number_at(port, "/port").unwrap_or_default();
    match meta::text(port, "name") {
        "" => number.to_string(),
        name => format!("{name} {number}"),
    }
}

/// Every Service that an object sends to.
fn backends<'v>(item: &'v Item<'_>) -> Vec<Backend<'v>> {
    let value: &Value = &item.value;
    match (item.kind().group.as_ref(), item.kind().name.as_ref()) {
        ("networking.k8s.io" | "extensions", "Ingress") => of_ingress(item),
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute") => of_route(item),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => {
            let hooks = each(value, "", "/webhooks");
            let of = |(at, hook): (String, &'v Value)| referred(hook, &at, "/clientConfig/service");
            hooks.into_iter().filter_map(of).collect()
        }
        ("apiregistration.k8s.io", "APIService") => {
            referred(value, "", "/spec/service").into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A reference with a namespace and a port that is 443 when left out.
fn referred<'v>(value: &'v Value, base: &str, at: &str) -> Option<Backend<'v>> {
    let service = meta::at(value, at)?;
    Some(Backend {
        at: format!("{base}{at}/name"),
        name: meta::text(service, "name"),
        namespace: meta::text(service, "namespace"),
        port: service.get("port").map(|port| (format!("{base}{at}/port"), port)),
    })
}

fn of_ingress<'v>(item: &'v Item<'_>) -> Vec<Backend<'v>> {
    let value: &Value = &item.value;
    let mut places = vec![
        (
            "/spec/defaultBackend".to_owned(),
            meta::at(value, "/spec/defaultBackend"),
        ),
        ("/spec/backend".to_owned(), meta::at(value, "/spec/backend")),
    ];
    for (rule_at, rule) in each(value, "", "/spec/rules") {
        for (at, path) in each(rule, &rule_at, "/http/paths") {
            places.push((format!("{at}/backend"), path.get("backend")));
        }
    }
    let of = |(at, backend): (String, Option<&'v Value>)| {
        let backend = backend?;
        // The form before networking.k8s.io/v1.
        if let Some(name) = backend.get("serviceName").and_then(Value::as_str) {
            return Some(Backend {
                at: format!("{at}/serviceName"),
                name,
                namespace: item.namespace,
                port: backend
                    .get("servicePort")
                    .map(|port| (format!("{at}/servicePort"), port)),
            });
        }
        let service = backend.get("service")?;
        let port = ["name", "number"].iter().find_map(|field| {
            Some((
                format!("{at}/service/port/{field}"),
                service.get("port")?.get(*field)?,
            ))
        });
        Some(Backend {
            at: format!("{at}/service/name"),
            name: meta::text(service, "name"),
            namespace: item.namespace,
            port,
        })
    };
    // The AWS controller reads an annotation of that name instead of a Service.
    let is_service = |backend: &Backend<'_>| {
        let port = backend.port.as_ref().and_then(|(_, port)| port.as_str());
        !backend.name.is_empty() && port != Some("use-annotation")
    };
    places.into_iter().filter_map(of).filter(is_service).collect()
}

fn of_route<'v>(item: &'v Item<'_>) -> Vec<Backend<'v>> {
    let mut backends = Vec::new();
    for (rule_at, rule) in each(&item.value, "", "/spec/rules") {
        for (at, backend) in each(rule, &rule_at, "/backendRefs") {
            let is_service = matches!(meta::text(backend, "kind"), "" | "Service")
                && matches!(meta::text(backend, "group"), "" | "core");
            if is_service {
                backends.push(Backend {
                    name: meta::text(backend, "name"),
                    namespace: match meta::text(backend, "namespace") {
                        "" => item.namespace,
                        given => given,
                    },
                    port: backend.get("port").map(|port| (format!("{at}/port"), port)),
                    at: format!("{at}/name"),
                });
            }
        }
    }
    backends
}

/// Hosts and paths, by the rules of the API server.
fn words((at, ingress): (usize, &Value), found: &mut Findings) {
    for (rule_at, rule) in each(ingress, "", "/spec/rules") {
        let host = meta::text(rule, "host");
        let name = host.strip_prefix("*.").unwrap_or(host);
        if !host.is_empty() && !name.split('.').all(is_label_name) {
            found.add(
                &HOST,
                (at, &format!("{rule_at}/host")),
                format!("{host:?} is no name of a host"),
            );
        }
        for (path_at, path) in each(rule, &rule_at, "/http/paths") {
            let way = meta::text(path, "path");
            let is_held = matches!(meta::text(path, "pathType"), "Exact" | "Prefix");
            if is_held && !way.starts_with('/') {
                let message = format!("{way:?} does not begin with a slash");
                found.add(&PATH, (at, &format!("{path_at}/path")), message);
            }
        }
    }
}

fn twice(view: &View<'_>, found: &mut Findings) {
    let mut seen: HashMap<(String, String, String), String> = HashMap::new();
    for (at, ingress) in view.of(&Kind::INGRESS) {
        // A canary is the same route on purpose.
        let annotations = meta::at(&ingress.value, "/metadata/annotations").and_then(Value::as_object);
        if annotations.is_some_and(|map| map.keys().any(|key| key.contains("canary"))) {
            continue;
        }
        let class = meta::text_at(&ingress.value, "/spec/ingressClassName");
        let class = match class {
            "" => meta::annotation(&ingress.value, "kubernetes.io/ingress.class").unwrap_or_default(),
            class => class,
        };
        for (rule_at, rule) in each(&ingress.value, "", "/spec/rules") {
            for (path_at, path) in each(rule, &rule_at, "/http/paths") {
                let host = meta::text(rule, "host");
                let way = match meta::text(path, "path") {
                    "" => "/",
                    way => way,
                };
                let way = format!("{} {way}", meta::text(path, "pathType"));
                let key = (class.to_owned(), host.to_owned(), way.clone());
                if let Some(before) = seen.get(&key) {
                    let host = if host.is_empty() { "any host" } else { host };
                    let way = meta::text(path, "path");
                    let message = format!("{host}{way} is routed by {before} too");
                    found.add(&TWICE, (at, &path_at), message);
                } else {
                    seen.insert(key, format!("Ingress {}", ingress.name()));
                }
            }
        }
    }
}
