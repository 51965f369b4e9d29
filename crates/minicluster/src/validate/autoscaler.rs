//! The rules of what a HorizontalPodAutoscaler measures and how fast it scales.

use objects::Quantity;
use serde_json::{Value, json};

use super::findings::{Findings, given, list, text};
use super::{meta, names};

/// The sources of metrics and the fields that describe them, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
const SOURCE_NAMES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];

const MOST_WINDOW_SECONDS: i64 = 3600;
const MOST_PERIOD_SECONDS: i64 = 1800;

pub(super) fn metrics_and_behavior(out: &mut Findings, spec: &Value) {
    for (n, metric) in list(spec, "metrics").iter().enumerate() {
        self::metric(out, &format!("spec.metrics[{n}]"), metric);
    }
    for direction in ["scaleUp", "scaleDown"] {
        if let Some(rules) = given(&spec["behavior"], direction) {
            scaling(out, &format!("spec.behavior.{direction}"), rules);
        }
    }
}

fn metric(out: &mut Findings, at: &str, metric: &Value) {
    let kind = text(metric, "type");
    if kind.is_empty() {
        out.required(format!("{at}.type"), "must specify a metric source type");
    }
    out.one_of(&format!("{at}.type"), kind, &SOURCE_NAMES);
    let mut present = SOURCES.iter().filter(|(_, field)| given(metric, field).is_some());
    if let Some((_, field)) = present.next() {
        source(out, &format!("{at}.{field}"), field, &metric[*field]);
    }
    let expected = SOURCES
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, field)| *field);
    if let Some(field) = expected.filter(|field| given(metric, field).is_none()) {
        out.required(
            format!("{at}.{field}"),
            "must populate information for the given metric source",
        );
    }
    let all = SOURCES.iter().filter(|(_, field)| given(metric, field).is_some());
    let others: Vec<&str> = all
        .map(|(_, field)| *field)
        .filter(|field| Some(*field) != expected)
        .collect();
    for field in others {
        out.forbidden(
            format!("{at}.{field}"),
            "must populate the given metric source only",
        );
    }
}

fn source(out: &mut Findings, at: &str, field: &str, source: &Value) {
    let (target, target_at) = (&source["target"], format!("{at}.target"));
    let has = |name: &str| given(target, name).is_some();
    if matches!(field, "resource" | "containerResource") {
        if text(source, "name").is_empty() {
            out.required(format!("{at}.name"), "must specify a resource name");
        }
        if field == "containerResource" && text(source, "container").is_empty() {
            out.required(format!("{at}.container"), "must specify a container");
        }
    } else {
        if field == "object" {
            for part in ["kind", "name"] {
                let at = format!("{at}.describedObject.{part}");
                out.required_text(&at, text(&source["describedObject"], part), names::path_segment);
            }
        }
        let name_at = format!("{at}.metric.name");
        match text(&source["metric"], "name") {
            "" => out.required(name_at, "must specify a metric name"),
            name => out.text(&name_at, name, names::path_segment),
        }
        meta::selector(
            out,
            &format!("{at}.metric.selector"),
            &source["metric"]["selector"],
        );
    }
    self::target(out, &target_at, target);
    match field {
        "resource" | "containerResource" => match (has("averageUtilization"), has("averageValue")) {
            (false, false) => out.required(
                format!("{target_at}.averageUtilization"),
                "must set either a target raw value or a target utilization",
            ),
            (true, true) => out.forbidden(
                format!("{target_at}.averageValue"),
                "may not set both a target raw value and a target utilization",
            ),
            _ => {}
        },
        "pods" if !has("averageValue") => out.required(
            format!("{target_at}.averageValue"),
            "must specify a positive target averageValue",
        ),
        "object" | "external" if !has("value") && !has("averageValue") => out.required(
            format!("{target_at}.averageValue"),
            "must set either a target value for metric or a per-pod target",
        ),
        _ => {}
    }
}

fn target(out: &mut Findings, at: &str, target: &Value) {
    match text(target, "type") {
        "" => out.required(format!("{at}.type"), "must specify a metric target type"),
        "Utilization" | "Value" | "AverageValue" => {}
        other => {
            let why = "must be either Utilization, Value, or AverageValue";
            out.invalid(format!("{at}.type"), &json!(other), why);
        }
    }
    for field in ["value", "averageValue"] {
        let amount = given(target, field);
        if let Some(value) =
            amount.filter(|value| Quantity::of(value).is_some_and(|one| one <= Quantity::ZERO))
        {
            out.invalid(format!("{at}.{field}"), value, "must be positive");
        }
    }
    let percent = given(target, "averageUtilization");
    if let Some(value) = percent.filter(|value| value.as_i64().is_some_and(|percent| percent < 1)) {
        out.invalid(
            format!("{at}.averageUtilization"),
            value,
            "must be greater than 0",
        );
    }
}

fn scaling(out: &mut Findings, at: &str, rules: &Value) {
    let window = given(rules, "stabilizationWindowSeconds");
    if let Some((value, seconds)) = window.and_then(|value| Some((value, value.as_i64()?))) {
        let at = format!("{at}.stabilizationWindowSeconds");
        if seconds < 0 {
            out.invalid(at, value, "must be greater than or equal to zero");
        } else if seconds > MOST_WINDOW_SECONDS {
            out.invalid(
                at,
                value,
                &format!("must be less than or equal to {MOST_WINDOW_SECONDS}"),
            );
        }
    }
    if given(rules, "selectPolicy").is_some() {
        let policy = text(rules, "selectPolicy");
        out.one_of(&format!("{at}.selectPolicy"), policy, &["Disabled", "Max", "Min"]);
    }
    let policies = list(rules, "policies");
    // Rules without policies get the usual ones.
    if rules.get("policies").is_some() && policies.is_empty() {
        out.required(format!("{at}.policies"), "must specify at least one Policy");
    }
    for (n, policy) in policies.iter().enumerate() {
        let at = format!("{at}.policies[{n}]");
        out.one_of(&format!("{at}.type"), text(policy, "type"), &["Percent", "Pods"]);
        let number = |field: &str| policy[field].as_i64().unwrap_or(0);
        if number("value") <= 0 {
            out.invalid(
                format!("{at}.value"),
                &json!(number("value")),
                "must be greater than zero",
            );
        }
        let seconds = number("periodSeconds");
        let at = format!("{at}.periodSeconds");
        if seconds <= 0 {
            out.invalid(at, &json!(seconds), "must be greater than zero");
        } else if seconds > MOST_PERIOD_SECONDS {
            let why = format!("must be less than or equal to {MOST_PERIOD_SECONDS}");
            out.invalid(at, &json!(seconds), &why);
        }
    }
}
