//! The rules of what administrators set up: priority and storage classes, quotas and limit ranges.

use std::collections::BTreeSet;

use objects::Quantity;
use serde_json::{Value, json};

use super::findings::{Findings, entries, list, text};

/// The highest priority that users may give.
const MAX_PRIORITY: i64 = 1_000_000_000;

pub(super) fn priority_class(out: &mut Findings, class: &Value) {
    let name = text(&class["metadata"], "name");
    let system = matches!(name, "system-node-critical" | "system-cluster-critical");
    if name.starts_with("system-") && !system {
        out.forbidden(
            "metadata.name",
            "priority class names with 'system-' prefix are reserved for system use only. error: only system-defined \
             classes may have it",
        );
    } else if class["value"].as_i64().is_some_and(|value| value > MAX_PRIORITY) && !system {
        let why = format!("maximum allowed value of a user defined priority is {MAX_PRIORITY}");
        out.forbidden("value", &why);
    }
    let policy = text(class, "preemptionPolicy");
    if !policy.is_empty() {
        out.one_of("preemptionPolicy", policy, &["Never", "PreemptLowerPriority"]);
    }
}

pub(super) fn priority_class_update(out: &mut Findings, new: &Value, old: &Value) {
    if new["value"].as_i64().unwrap_or(0) != old["value"].as_i64().unwrap_or(0) {
        out.forbidden("value", "may not be changed in an update.");
    }
    out.immutable(
        "preemptionPolicy",
        new.get("preemptionPolicy"),
        old.get("preemptionPolicy"),
    );
}

pub(super) fn storage_class(out: &mut Findings, class: &Value) {
    let provisioner = text(class, "provisioner");
    if provisioner.is_empty() {
        out.required("provisioner", "");
    }
    for (field, supported) in [
        ("reclaimPolicy", ["Delete", "Retain"]),
        ("volumeBindingMode", ["Immediate", "WaitForFirstConsumer"]),
    ] {
        out.one_of(field, text(class, field), &supported);
    }
}

pub(super) fn storage_class_update(out: &mut Findings, new: &Value, old: &Value) {
    for field in ["parameters", "provisioner", "reclaimPolicy"] {
        if new.get(field) != old.get(field) {
            out.forbidden(field, &format!("updates to {field} are forbidden."));
        }
    }
    out.immutable(
        "volumeBindingMode",
        new.get("volumeBindingMode"),
        old.get("volumeBindingMode"),
    );
}

pub(super) fn resource_quota(out: &mut Findings, quota: &Value) {
    const SCOPES: [&str; 7] = [
        "BestEffort",
        "CrossNamespacePodAffinity",
        "NotBestEffort",
        "NotTerminating",
        "PriorityClass",
        "Terminating",
        "VolumeAttributesClass",
    ];
    for (name, amount) in entries(&quota["spec"], "hard") {
        if Quantity::of(amount).is_some_and(|own| own < Quantity::ZERO) {
            let why = "must be greater than or equal to 0";
            out.invalid(format!("spec.hard[{name}]"), amount, why);
        }
    }
    let scopes = list(&quota["spec"], "scopes");
    for scope in scopes {
        if !SCOPES.contains(&scope.as_str().unwrap_or_default()) {
            out.invalid("spec.scopes", &json!(scopes), "unsupported scope");
        }
    }
}

pub(super) fn resource_quota_update(out: &mut Findings, new: &Value, old: &Value) {
    out.immutable(
        "spec.scopes",
        new["spec"].get("scopes"),
        old["spec"].get("scopes"),
    );
}

pub(super) fn limit_range(out: &mut Findings, range: &Value) {
    let mut seen = BTreeSet::new();
    for (n, limit) in list(&range["spec"], "limits").iter().enumerate() {
        let at = format!("spec.limits[{n}]");
        let kind = text(limit, "type");
        if !seen.insert(kind) {
            out.duplicate(format!("{at}.type"), &json!(kind));
        }
        if kind == "Pod" {
            for field in ["default", "defaultRequest"] {
                if entries(limit, field).next().is_some() {
                    let why = "may not be specified when `type` is 'Pod'";
                    out.forbidden(format!("{at}.{field}"), why);
                }
            }
        }
        // Each pair in the order in which the real server compares it.
        for (low, high) in [
            ("min", "max"),
            ("defaultRequest", "max"),
            ("defaultRequest", "default"),
            ("default", "max"),
        ] {
            for (name, amount) in entries(limit, low) {
                let most = limit[high].get(name);
                let (own, most) = (
                    Quantity::of(amount),
                    most.and_then(|most| Some((most, Quantity::of(most)?))),
                );
                if let (Some(own), Some((written, most))) = (own, most)
                    && own > most
                {
                    let words = |field: &str| match field {
                        "defaultRequest" => "default request".to_owned(),
                        other => other.to_owned(),
                    };
                    let print =
                        |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let why = format!(
                        "{} value {} is greater than {} value {}",
                        words(low),
                        print(amount),
                        words(high),
                        print(written)
                    );
                    out.invalid(format!("{at}.{low}[{name}]"), amount, &why);
                }
            }
        }
    }
}
