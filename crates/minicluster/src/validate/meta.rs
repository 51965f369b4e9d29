//! The metadata of every object: its name, labels and annotations.

use serde_json::{Value, json};

use super::findings::{Findings, entries, text};
use super::names::{self, Rule};

/// The most that all annotations of an object take: 256 KiB.
const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn metadata(out: &mut Findings, group: &str, kind: &str, object: &Value) {
    let metadata = &object["metadata"];
    let (name, generate) = (text(metadata, "name"), text(metadata, "generateName"));
    let rule = name_rule(group, kind);
    if !generate.is_empty() {
        // What is generated follows the prefix, so that a prefix may end in a hyphen.
        let prefix = generate
            .strip_suffix('-')
            .map_or_else(|| generate.to_owned(), |prefix| format!("{prefix}a"));
        for why in rule(&prefix) {
            out.invalid("metadata.generateName", &json!(generate), &why);
        }
    }
    if name.is_empty() {
        out.required("metadata.name", "name or generateName is required");
    } else {
        out.text("metadata.name", name, rule);
    }
    labels(out, "metadata.labels", metadata, "labels");
    annotations(out, "metadata.annotations", metadata);
}

/// Labels, or a selector that looks like them.
pub(super) fn labels(out: &mut Findings, at: &str, owner: &Value, field: &str) {
    for (key, value) in entries(owner, field) {
        out.text(at, key, names::qualified);
        out.text(at, value.as_str().unwrap_or_default(), names::label_value);
    }
}

pub(super) fn annotations(out: &mut Findings, at: &str, owner: &Value) {
    let mut size = 0;
    for (key, value) in entries(owner, "annotations") {
        for why in names::qualified(&key.to_lowercase()) {
            out.invalid(at, &json!(key), &why);
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > MAX_ANNOTATIONS {
        out.push(super::Cause::too_long(at, MAX_ANNOTATIONS));
    }
}

/// A label selector (`matchLabels`, `matchExpressions`).
pub(super) fn selector(out: &mut Findings, at: &str, selector: &Value) {
    labels(out, &format!("{at}.matchLabels"), selector, "matchLabels");
    for (n, expression) in super::findings::list(selector, "matchExpressions")
        .iter()
        .enumerate()
    {
        let at = format!("{at}.matchExpressions[{n}]");
        let values = super::findings::list(expression, "values");
        match text(expression, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                out.required(
                    format!("{at}.values"),
                    "must be specified when `operator` is 'In' or 'NotIn'",
                );
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                out.forbidden(
                    format!("{at}.values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => out.invalid(
                format!("{at}.operator"),
                &json!(other),
                "not a valid selector operator",
            ),
        }
        out.text(&format!("{at}.key"), text(expression, "key"), names::qualified);
        for (n, value) in values.iter().enumerate() {
            out.text(
                &format!("{at}.values[{n}]"),
                value.as_str().unwrap_or_default(),
                names::label_value,
            );
        }
    }
}

pub(super) fn is_empty_selector(selector: &Value) -> bool {
    entries(selector, "matchLabels").next().is_none()
        && super::findings::list(selector, "matchExpressions").is_empty()
}

fn name_rule(group: &str, kind: &str) -> Rule {
    match (group, kind) {
        ("", "Namespace") => names::label,
        ("", "Service") => names::label_1035,
        ("rbac.authorization.k8s.io", _) => names::path_segment,
        _ => names::subdomain,
    }
}
