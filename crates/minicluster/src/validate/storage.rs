//! The rules of ConfigMaps, Secrets and claims, and of what guards and scales pods.

use objects::Quantity;
use serde_json::{Value, json};

use super::findings::{Findings, entries, given, list, text};
use super::{Cause, autoscaler, meta, names, workload};

/// The values of a ConfigMap or Secret together: 1 MiB.
const MAX_VALUES: usize = 1024 * 1024;

pub(super) fn config_map(out: &mut Findings, object: &Value) {
    keys(out, object, &["data", "binaryData"], "");
}

pub(super) fn secret(out: &mut Findings, object: &Value) {
    keys(out, object, &["data"], "data");
    let has = |key: &str| object.get("data").is_some_and(|data| data.get(key).is_some());
    let needed: &[&str] = match text(object, "type") {
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| !has(key)) {
        out.required(format!("data[{key}]"), "");
    }
    let account = object.pointer("/metadata/annotations/kubernetes.io~1service-account.name");
    let named = account
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty());
    if text(object, "type") == "kubernetes.io/service-account-token" && !named {
        out.required("metadata.annotations[kubernetes.io/service-account.name]", "");
    }
}

/// What is marked immutable stays as it is, and so does the mark; the type of a Secret always does.
pub(super) fn values_update(out: &mut Findings, kind: &str, new: &Value, old: &Value) {
    if kind == "Secret" {
        out.immutable("type", new.get("type"), old.get("type"));
    }
    if old["immutable"] != true {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        out.forbidden("immutable", why);
    }
    for field in ["data", "binaryData"] {
        if new.get(field) != old.get(field) {
            out.forbidden(field, why);
        }
    }
}

fn keys(out: &mut Findings, object: &Value, fields: &[&str], size_at: &str) {
    let mut size = 0;
    for field in fields {
        for (key, value) in entries(object, field) {
            if *field == "binaryData" && object["data"].get(key).is_some() {
                out.invalid(
                    format!("binaryData[{key}]"),
                    &json!(key),
                    "duplicate of key present in data",
                );
            }
            out.text(&format!("{field}[{key}]"), key, names::config_key);
            let length = value.as_str().map_or(0, str::len);
            // Binary values are base64: four characters for three bytes.
            size += if *field == "binaryData" || !size_at.is_empty() {
                length / 4 * 3
            } else {
                length
            };
        }
    }
    if size > MAX_VALUES {
        out.push(Cause::too_long(size_at, MAX_VALUES));
    }
}

pub(super) fn claim(out: &mut Findings, object: &Value) {
    const MODES: &[&str] = &[
        "ReadOnlyMany",
        "ReadWriteMany",
        "ReadWriteOnce",
        "ReadWriteOncePod",
    ];
    let spec = &object["spec"];
    let modes = list(spec, "accessModes");
    if modes.is_empty() {
        out.required("spec.accessModes", "at least 1 access mode is required");
    }
    for mode in modes {
        out.one_of("spec.accessModes", mode.as_str().unwrap_or_default(), MODES);
    }
    match spec.pointer("/resources/requests/storage") {
        None => out.required("spec.resources[storage]", ""),
        Some(storage) if Quantity::of(storage).is_some_and(|amount| amount <= Quantity::ZERO) => {
            out.invalid("spec.resources[storage]", storage, "must be greater than zero");
        }
        Some(_) => {}
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        out.text("spec.storageClassName", class, names::subdomain);
    }
    let mode = text(spec, "volumeMode");
    if !mode.is_empty() {
        out.one_of("spec.volumeMode", mode, &["Block", "Filesystem"]);
    }
}

pub(super) fn claim_update(out: &mut Findings, new: &Value, old: &Value) {
    let bound = text(&new["status"], "phase") == "Bound";
    let chooses = |field: &str| given(&old["spec"], field).is_none_or(|value| value == "");
    let fixed = |claim: &Value| {
        let mut spec = claim["spec"].clone();
        if bound && let Some(Value::Object(requests)) = spec.pointer_mut("/resources/requests") {
            requests.remove("storage");
        }
        if let Some(map) = spec.as_object_mut() {
            map.remove("volumeAttributesClassName");
            // The volume, and the class when none was asked for, are chosen after the claim was made.
            for field in ["volumeName", "storageClassName"] {
                if chooses(field) {
                    map.remove(field);
                }
            }
        }
        spec
    };
    if fixed(new) != fixed(old) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                   bound claims";
        out.forbidden("spec", why);
    }
    let amount = |claim: &Value, path: &str| claim.pointer(path).and_then(Quantity::of);
    let requested =
        |claim: &Value| amount(claim, "/spec/resources/requests/storage").unwrap_or(Quantity::ZERO);
    let given = amount(old, "/status/capacity/storage").unwrap_or(Quantity::ZERO);
    if requested(new) < requested(old) && requested(new) <= given {
        let why = "field can not be less than status.capacity";
        out.forbidden("spec.resources.requests.storage", why);
    }
}

pub(super) fn disruption_budget(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    if given(spec, "minAvailable").is_some() && given(spec, "maxUnavailable").is_some() {
        out.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
    }
    for field in ["minAvailable", "maxUnavailable"] {
        workload::amount(out, &format!("spec.{field}"), &spec[field]);
    }
    meta::selector(out, "spec.selector", &spec["selector"]);
    let eviction = text(spec, "unhealthyPodEvictionPolicy");
    if !eviction.is_empty() {
        out.one_of(
            "spec.unhealthyPodEvictionPolicy",
            eviction,
            &["AlwaysAllow", "IfHealthyBudget"],
        );
    }
}

pub(super) fn autoscaler(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    let (least, most) = (&spec["minReplicas"], &spec["maxReplicas"]);
    if least.as_i64().is_some_and(|least| least < 1) {
        out.invalid("spec.minReplicas", least, "must be greater than or equal to 1");
    }
    let most_or_zero = most.as_i64().unwrap_or(0);
    if most_or_zero < 1 {
        out.invalid("spec.maxReplicas", &json!(most_or_zero), "must be greater than 0");
    }
    if least.as_i64().is_some_and(|least| most_or_zero < least) {
        out.invalid(
            "spec.maxReplicas",
            &json!(most_or_zero),
            "must be greater than or equal to `minReplicas`",
        );
    }
    for field in ["kind", "name"] {
        let at = format!("spec.scaleTargetRef.{field}");
        out.required_text(&at, text(&spec["scaleTargetRef"], field), names::path_segment);
    }
    autoscaler::metrics_and_behavior(out, spec);
}
