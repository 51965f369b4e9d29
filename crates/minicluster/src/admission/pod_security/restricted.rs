//! The restricted level: what hardening asks for on top of the baseline.

use std::collections::BTreeSet;

use serde_json::Value;

use super::baseline::finding;
use super::{Check, Finding, Pod, containers, list, plural, quoted, setters, text};

/// In the order of the rules' names.
pub(super) const CHECKS: &[Check] = &[
    (8, privilege_escalation),
    (22, capabilities),
    (0, volumes),
    (0, run_as_non_root),
    (23, run_as_user),
    (19, seccomp),
];

const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

fn privilege_escalation(pod: &Pod<'_>) -> Option<Finding> {
    if pod.is_windows() {
        return None;
    }
    let names = pod.names(|container| container["securityContext"]["allowPrivilegeEscalation"] != false);
    finding(!names.is_empty(), "allowPrivilegeEscalation != false", || {
        format!(
            "{} must set securityContext.allowPrivilegeEscalation=false",
            containers(&names)
        )
    })
}

fn capabilities(pod: &Pod<'_>) -> Option<Finding> {
    if pod.is_windows() {
        return None;
    }
    let of = |container: &Value, field: &str| -> Vec<String> {
        let all = list(&container["securityContext"]["capabilities"], field).iter();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let added = |container: &Value| -> Vec<String> {
        let mut added = of(container, "add");
        added.retain(|name| name != "NET_BIND_SERVICE");
        added
    };
    let keeping = pod.names(|container| !of(container, "drop").iter().any(|name| name == "ALL"));
    let adding = pod.names(|container| !added(container).is_empty());
    let mut details = Vec::new();
    if !keeping.is_empty() {
        details.push(format!(
            "{} must set securityContext.capabilities.drop=[\"ALL\"]",
            containers(&keeping)
        ));
    }
    if !adding.is_empty() {
        let all: BTreeSet<String> = pod.containers().flat_map(added).collect();
        details.push(format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&adding),
            quoted(&all)
        ));
    }
    finding(!details.is_empty(), "unrestricted capabilities", || {
        details.join("; ")
    })
}

fn volumes(pod: &Pod<'_>) -> Option<Finding> {
    let kind = |volume: &Value| {
        let fields = volume.as_object().into_iter().flatten();
        let mut kinds = fields
            .filter(|(field, value)| *field != "name" && !value.is_null())
            .map(|(field, _)| field.clone());
        kinds.next().unwrap_or_else(|| "unknown".to_owned())
    };
    let bad: Vec<&Value> = list(pod.spec, "volumes")
        .iter()
        .filter(|volume| !VOLUMES.contains(&kind(volume).as_str()))
        .collect();
    let names: Vec<&str> = bad.iter().map(|volume| text(volume, "name")).collect();
    let kinds: BTreeSet<String> = bad.iter().map(|volume| kind(volume)).collect();
    finding(!bad.is_empty(), "restricted volume types", || {
        format!(
            "{} {} {} {} {}",
            plural("volume", names.len()),
            quoted(&names),
            if names.len() == 1 { "uses" } else { "use" },
            plural("restricted volume type", kinds.len()),
            quoted(&kinds)
        )
    })
}

fn run_as_non_root(pod: &Pod<'_>) -> Option<Finding> {
    const REASON: &str = "runAsNonRoot != true";
    if pod.has_own_users() {
        return None;
    }
    let own = |owner: &Value| owner["securityContext"]["runAsNonRoot"].as_bool();
    let root = |owner: &Value| own(owner) == Some(false);
    if let Some(who) = setters(root(pod.spec), &pod.names(root)) {
        return finding(true, REASON, || {
            format!("{who} must not set securityContext.runAsNonRoot=false")
        });
    }
    if own(pod.spec) == Some(true) {
        return None;
    }
    let silent = pod.names(|container| own(container).is_none());
    finding(!silent.is_empty(), REASON, || {
        format!(
            "pod or {} must set securityContext.runAsNonRoot=true",
            containers(&silent)
        )
    })
}

fn run_as_user(pod: &Pod<'_>) -> Option<Finding> {
    if pod.has_own_users() {
        return None;
    }
    let root = |owner: &Value| owner["securityContext"]["runAsUser"] == 0;
    let who = setters(root(pod.spec), &pod.names(root))?;
    finding(true, "runAsUser=0", || format!("{who} must not set runAsUser=0"))
}

fn seccomp(pod: &Pod<'_>) -> Option<Finding> {
    const REASON: &str = "seccompProfile";
    if pod.is_windows() {
        return None;
    }
    let kind = |owner: &Value| {
        let profile = &owner["securityContext"]["seccompProfile"];
        profile.is_object().then(|| text(profile, "type").to_owned())
    };
    let good = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
    let is_bad = |owner: &Value| kind(owner).is_some_and(|kind| !good(&kind));
    if let Some(who) = setters(is_bad(pod.spec), &pod.names(is_bad)) {
        let owners = std::iter::once(pod.spec).chain(pod.containers());
        let kinds: BTreeSet<String> = owners.filter(|owner| is_bad(owner)).filter_map(kind).collect();
        return finding(true, REASON, || {
            format!(
                "{who} must not set securityContext.seccompProfile.type to {}",
                quoted(&kinds)
            )
        });
    }
    if kind(pod.spec).is_some() {
        return None;
    }
    let silent = pod.names(|container| kind(container).is_none());
    finding(!silent.is_empty(), REASON, || {
        format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            containers(&silent)
        )
    })
}
