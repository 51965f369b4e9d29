//! The rules of pods and pod templates, in the order in which the real server finds their breaches.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::container::{self, Place};
use super::findings::{Findings, given, list, text};
use super::{meta, names};

const POD_UPDATE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The pod template of an owner, whose selector must select it.
pub(super) fn template(out: &mut Findings, at: &str, template: &Value) {
    meta::labels(
        out,
        &format!("{at}.metadata.labels"),
        &template["metadata"],
        "labels",
    );
    meta::annotations(out, &format!("{at}.metadata.annotations"), &template["metadata"]);
    let pod = &template["spec"];
    spec(out, &format!("{at}.spec"), pod);
    if !list(pod, "ephemeralContainers").is_empty() {
        let why = "ephemeral containers not allowed in pod template";
        out.forbidden(format!("{at}.spec.ephemeralContainers"), why);
    }
}

/// What only a pod that is there may have.
pub(super) fn created(out: &mut Findings, pod: &Value) {
    if !list(&pod["spec"], "ephemeralContainers").is_empty() {
        out.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
}

pub(super) fn spec(out: &mut Findings, at: &str, spec: &Value) {
    let volumes = volumes(out, &format!("{at}.volumes"), list(spec, "volumes"));
    let mut seen = BTreeSet::new();
    if list(spec, "containers").is_empty() {
        out.required(format!("{at}.containers"), "");
    }
    for field in ["containers", "initContainers"] {
        for (n, container) in list(spec, field).iter().enumerate() {
            let at = format!("{at}.{field}[{n}]");
            let place = Place {
                at: &at,
                volumes: &volumes,
                is_init: field == "initContainers",
            };
            container::container(out, &place, container);
            let name = text(container, "name");
            if !name.is_empty() && !seen.insert(name) {
                out.duplicate(format!("{at}.name"), &json!(name));
            }
            container::probes(out, &place, container);
        }
    }
    policies(out, at, spec);
    for (field, rule) in [
        ("serviceAccountName", names::subdomain as names::Rule),
        ("nodeName", names::subdomain),
    ] {
        if !text(spec, field).is_empty() {
            out.text(&format!("{at}.{field}"), text(spec, field), rule);
        }
    }
    if let Some(seconds) = given(spec, "activeDeadlineSeconds")
        && !seconds
            .as_i64()
            .is_some_and(|n| (1..=i64::from(i32::MAX)).contains(&n))
    {
        out.invalid(
            format!("{at}.activeDeadlineSeconds"),
            seconds,
            "must be between 1 and 2147483647, inclusive",
        );
    }
    for field in ["hostname", "subdomain"] {
        if !text(spec, field).is_empty() {
            out.text(&format!("{at}.{field}"), text(spec, field), names::label);
        }
    }
    tolerations(out, &format!("{at}.tolerations"), list(spec, "tolerations"));
    if !text(spec, "priorityClassName").is_empty() {
        out.text(
            &format!("{at}.priorityClassName"),
            text(spec, "priorityClassName"),
            names::subdomain,
        );
    }
}

/// Ephemeral containers are added; none that is there changes or goes.
pub(super) fn ephemeral(out: &mut Findings, new: &Value, old: &Value) {
    const AT: &str = "spec.ephemeralContainers";
    const UNFIT: [&str; 8] = [
        "lifecycle",
        "livenessProbe",
        "ports",
        "readinessProbe",
        "resizePolicy",
        "resources",
        "restartPolicy",
        "startupProbe",
    ];
    let spec = &new["spec"];
    let volumes: BTreeSet<&str> = list(spec, "volumes")
        .iter()
        .map(|one| text(one, "name"))
        .collect();
    let mut seen: BTreeSet<&str> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|field| list(spec, field))
        .map(|one| text(one, "name"))
        .collect();
    let others: BTreeSet<&str> = seen.clone();
    for (n, own) in list(spec, "ephemeralContainers").iter().enumerate() {
        let at = format!("{AT}[{n}]");
        let place = Place {
            at: &at,
            volumes: &volumes,
            is_init: false,
        };
        container::container(out, &place, own);
        let name = text(own, "name");
        if !name.is_empty() && !seen.insert(name) {
            out.duplicate(format!("{at}.name"), &json!(name));
        }
        let target = text(own, "targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            out.not_found(format!("{at}.targetContainerName"), &json!(target));
        }
        for field in UNFIT {
            let empty = |value: &Value| *value == json!({}) || *value == json!([]);
            if given(own, field).is_some_and(|value| !empty(value)) {
                let why = "cannot be set for an Ephemeral Container";
                out.forbidden(format!("{at}.{field}"), why);
            }
        }
    }
    for own in list(&old["spec"], "ephemeralContainers") {
        let name = text(own, "name");
        let after = list(spec, "ephemeralContainers")
            .iter()
            .find(|one| text(one, "name") == name);
        match after {
            None => out.forbidden(
                AT,
                &format!("existing ephemeral containers {name:?} may not be removed\n"),
            ),
            Some(after) if after != own => {
                out.forbidden(
                    AT,
                    &format!("existing ephemeral containers {name:?} may not be changed\n"),
                );
            }
            Some(_) => {}
        }
    }
}

/// A resize changes CPU and memory of containers that have them, and never the quality of service.
pub(super) fn resize(out: &mut Findings, new: &Value, old: &Value) {
    spec(out, "spec", &new["spec"]);
    if super::qos_class(&new["spec"]) != super::qos_class(&old["spec"]) {
        out.invalid(
            "metadata",
            &json!(super::qos_class(&new["spec"])),
            "Pod QOS Class may not change as a result of resizing",
        );
    }
    for (n, own) in list(&new["spec"], "containers").iter().enumerate() {
        let Some(before) = list(&old["spec"], "containers").get(n) else {
            continue;
        };
        for field in ["limits", "requests"] {
            let gone = |resource: &&str| {
                given(&before["resources"][field], resource).is_some()
                    && given(&own["resources"][field], resource).is_none()
            };
            if ["cpu", "memory"].iter().any(gone) {
                let at = format!("spec.containers[{n}].resources.{field}");
                let why = format!("resource {field} cannot be removed");
                out.forbidden(at, &why);
            }
        }
    }
}

/// What an update of a pod may change: images, tolerations, deadlines.
pub(super) fn update(out: &mut Findings, new: &Value, old: &Value) {
    if fixed(new) != fixed(old) {
        out.forbidden("spec", POD_UPDATE);
    }
}

fn fixed(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(map) = spec.as_object_mut() {
        for free in [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "schedulingGates",
        ] {
            map.remove(free);
        }
    }
    for field in ["containers", "initContainers"] {
        let containers = spec
            .get_mut(field)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            container.remove("image");
        }
    }
    spec
}

fn policies(out: &mut Findings, at: &str, spec: &Value) {
    let one_of = |out: &mut Findings, field: &str, supported: &[&str]| {
        let at = format!("{at}.{field}");
        match text(spec, field) {
            "" => out.required(at, ""),
            value => out.one_of(&at, value, supported),
        }
    };
    one_of(out, "restartPolicy", &["Always", "OnFailure", "Never"]);
    one_of(
        out,
        "dnsPolicy",
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    );
    meta::labels(out, &format!("{at}.nodeSelector"), spec, "nodeSelector");
    for (n, secret) in list(spec, "imagePullSecrets").iter().enumerate() {
        if text(secret, "name").is_empty() {
            out.required(format!("{at}.imagePullSecrets[{n}].name"), "");
        }
    }
    for (n, constraint) in list(spec, "topologySpreadConstraints").iter().enumerate() {
        spread(out, &format!("{at}.topologySpreadConstraints[{n}]"), constraint);
    }
}

fn spread(out: &mut Findings, at: &str, constraint: &Value) {
    let skew = &constraint["maxSkew"];
    if skew.as_i64().is_none_or(|skew| skew <= 0) {
        out.invalid(format!("{at}.maxSkew"), skew, "must be greater than zero");
    }
    let key = format!("{at}.topologyKey");
    match text(constraint, "topologyKey") {
        "" => out.required(key, "can not be empty"),
        value => out.text(&key, value, names::qualified),
    }
    let when = text(constraint, "whenUnsatisfiable");
    out.one_of(
        &format!("{at}.whenUnsatisfiable"),
        when,
        &["DoNotSchedule", "ScheduleAnyway"],
    );
}

fn tolerations(out: &mut Findings, at: &str, tolerations: &[Value]) {
    for (n, toleration) in tolerations.iter().enumerate() {
        let at = format!("{at}[{n}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        if !key.is_empty() {
            out.text(&format!("{at}.key"), key, names::qualified);
        } else if operator != "Exists" {
            let why =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            out.invalid(format!("{at}.operator"), &json!(operator), why);
        }
        let effect = text(toleration, "effect");
        if given(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            out.invalid(format!("{at}.effect"), &json!(effect), why);
        }
        match operator {
            "Exists" if !text(toleration, "value").is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                out.invalid(format!("{at}.operator"), toleration, why);
            }
            "" | "Exists" | "Equal" => {}
            _ => out.one_of(&format!("{at}.operator"), operator, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            out.one_of(
                &format!("{at}.effect"),
                effect,
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
            );
        }
    }
}

/// Checks the volumes; the names of those that can be mounted.
fn volumes<'a>(out: &mut Findings, at: &str, volumes: &'a [Value]) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (n, volume) in volumes.iter().enumerate() {
        let at = format!("{at}[{n}]");
        let name = text(volume, "name");
        let sources = volume
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, value)| *field != "name" && !value.is_null());
        for (n, (source, _)) in sources.enumerate() {
            if n > 0 {
                out.forbidden(
                    format!("{at}.{source}"),
                    "may not specify more than 1 volume type",
                );
            }
        }
        for (source, field) in [
            ("configMap", "name"),
            ("secret", "secretName"),
            ("persistentVolumeClaim", "claimName"),
            ("hostPath", "path"),
        ] {
            if given(volume, source).is_some_and(|source| text(source, field).is_empty()) {
                out.required(format!("{at}.{source}.{field}"), "");
            }
        }
        out.required_text(&format!("{at}.name"), name, names::label);
        if !name.is_empty() && !names.insert(name) {
            out.duplicate(format!("{at}.name"), &json!(name));
        }
    }
    names
}
