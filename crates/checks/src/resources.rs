//! What containers ask for and may use.

use manifest::Severity;
use objects::{Quantity, meta, requests};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::pods::{Container, Pods};
use crate::view::{View, step};

pub(crate) static THEME: Theme = Theme {
    title: "Resources",
    checks: &[
        &NOT_AN_AMOUNT,
        &LIMIT_BELOW_REQUEST,
        &THOUSANDTHS,
        &NO_MEMORY_LIMIT,
        &NO_REQUEST,
        &TOO_LARGE,
    ],
    look,
};

static NOT_AN_AMOUNT: Check = Check {
    id: "not-an-amount",
    title: "An amount that Kubernetes does not read",
    severity: Severity::Error,
    softer: "",
    cure: "write a number with one of m, k, M, G, T, Ki, Mi, Gi, Ti, or none",
    why: "The API server refuses the object.",
};

static LIMIT_BELOW_REQUEST: Check = Check {
    id: "limit-below-request",
    title: "A limit that is less than the request",
    severity: Severity::Error,
    softer: "",
    cure: "give the limit no less than the request",
    why: "The API server refuses the object.",
};

static THOUSANDTHS: Check = Check {
    id: "memory-in-thousandths",
    title: "Thousandths of a byte of memory",
    severity: Severity::Warning,
    softer: "",
    cure: "write Mi for mebibytes: m is a thousandth",
    why: "A limit of a byte or less is no limit a container can start with.",
};

static NO_MEMORY_LIMIT: Check = Check {
    id: "no-memory-limit",
    title: "A container without a limit of memory",
    severity: Severity::Note,
    softer: "",
    cure: "give resources.limits.memory",
    why: "A leak takes the node's memory, and the kernel kills whom it finds; with a limit it kills this one.",
};

static NO_REQUEST: Check = Check {
    id: "no-request",
    title: "A container that asks for nothing",
    severity: Severity::Note,
    softer: "",
    cure: "give resources.requests with cpu and memory",
    why: "The scheduler takes it for free and puts it on a full node; it is the first to be evicted.",
};

static TOO_LARGE: Check = Check {
    id: "larger-than-a-node",
    title: "A pod that asks for more than any node has",
    severity: Severity::Error,
    softer: "",
    cure: "ask for less, or add a node that is large enough",
    why: "It stays Pending for ever. Told only when it is known what the nodes have.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let mut unlimited = Vec::new();
        let mut unasked = Vec::new();
        for container in pods.containers() {
            amounts(pods, &container, found);
            let has = |pointer: &str| meta::at(container.value, pointer).is_some();
            let name = meta::text(container.value, "name");
            // What ends soon is not worth a word.
            if container.stays && !has("/resources/limits/memory") && !has_of_pod(pods, "limits") {
                unlimited.push(name);
            }
            // A limit is a request too, where none is given.
            let asks = ["/resources/requests", "/resources/limits"]
                .iter()
                .any(|at| has(at));
            if container.stays && !asks && !has_of_pod(pods, "requests") {
                unasked.push(name);
            }
        }
        for (check, names, what) in [
            (&NO_MEMORY_LIMIT, unlimited, "has no limit of memory"),
            (&NO_REQUEST, unasked, "asks for nothing"),
        ] {
            if !names.is_empty() {
                let message = format!("{} {what}", names.join(", "));
                found.add(check, (pods.item, &pods.at("/spec/containers")), message);
            }
        }
        too_large(view, pods, found);
    }
}

/// Whether the pod as a whole has it, which newer clusters know.
fn has_of_pod(pods: &Pods<'_>, field: &str) -> bool {
    meta::at(pods.spec(), "/resources").is_some_and(|all| all.get(field).is_some())
}

fn amounts(pods: &Pods<'_>, container: &Container<'_>, found: &mut Findings) {
    let map = |field: &str| {
        let all = meta::at(container.value, "/resources").and_then(|all| all.get(field)?.as_object());
        all.into_iter().flatten()
    };
    for field in ["requests", "limits"] {
        for (resource, amount) in map(field) {
            let at = format!("{}/resources/{field}/{}", container.at, step(resource));
            let shown = amount
                .as_str()
                .map_or_else(|| amount.to_string(), |text| format!("{text:?}"));
            if Quantity::of(amount).is_none() {
                found.add(&NOT_AN_AMOUNT, (pods.item, &at), format!("{shown} is no amount"));
            } else if resource == "memory" && amount.as_str().is_some_and(|text| text.ends_with('m')) {
                let message = format!("{field} of memory are {shown}, thousandths of a byte");
                found.add(&THOUSANDTHS, (pods.item, &at), message);
            }
        }
    }
    for (resource, limit) in map("limits") {
        let request = map("requests").find(|(name, _)| *name == resource);
        let Some((_, request)) = request else { continue };
        if let (Some(least), Some(most)) = (Quantity::of(request), Quantity::of(limit))
            && most < least
        {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let message = format!(
                "the limit of {resource} is {}, the request {}",
                plain(limit),
                plain(request)
            );
            let at = format!("{}/resources/limits/{}", container.at, step(resource));
            found.add(&LIMIT_BELOW_REQUEST, (pods.item, &at), message);
        }
    }
}

fn too_large(view: &View<'_>, pods: &Pods<'_>, found: &mut Findings) {
    for (resource, most) in &view.context.node {
        let asked = requests::requested(pods.template, resource);
        if asked > *most {
            let shown = |amount: Quantity| amount.print(objects::Units::Binary);
            let message = format!(
                "a pod asks for {} of {resource}, and the largest node has {}",
                shown(asked),
                shown(*most)
            );
            found.add(&TOO_LARGE, (pods.item, &pods.at("/spec/containers")), message);
        }
    }
}
