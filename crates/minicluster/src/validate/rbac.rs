//! The rules of roles and bindings.

use serde_json::{Value, json};

use super::findings::{Findings, list, text};
use super::{meta, names};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(out: &mut Findings, object: &Value, namespaced: bool) {
    for (n, rule) in list(object, "rules").iter().enumerate() {
        let at = format!("rules[{n}]");
        if list(rule, "verbs").is_empty() {
            out.required(format!("{at}.verbs"), "verbs must contain at least one value");
        }
        if !list(rule, "nonResourceURLs").is_empty() {
            let urls = &rule["nonResourceURLs"];
            let at = format!("{at}.nonResourceURLs");
            if namespaced {
                out.invalid(&at, urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if ["apiGroups", "resources", "resourceNames"]
                .iter()
                .any(|field| !list(rule, field).is_empty())
            {
                out.invalid(
                    &at,
                    urls,
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if list(rule, "apiGroups").is_empty() {
            out.required(
                format!("{at}.apiGroups"),
                "resource rules must supply at least one api group",
            );
        }
        if list(rule, "resources").is_empty() {
            out.required(
                format!("{at}.resources"),
                "resource rules must supply at least one resource",
            );
        }
    }
    if let Some(rule) = object.get("aggregationRule").filter(|rule| !rule.is_null()) {
        let selectors = list(rule, "clusterRoleSelectors");
        if selectors.is_empty() {
            out.required(
                "aggregationRule.clusterRoleSelectors",
                "at least one clusterRoleSelector required if aggregationRule is non-nil",
            );
        }
        for (n, selector) in selectors.iter().enumerate() {
            meta::selector(
                out,
                &format!("aggregationRule.clusterRoleSelectors[{n}]"),
                selector,
            );
        }
    }
}

pub(super) fn binding(out: &mut Findings, object: &Value, namespaced: bool) {
    let role = &object["roleRef"];
    out.one_of("roleRef.apiGroup", text(role, "apiGroup"), &[GROUP]);
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    out.one_of("roleRef.kind", text(role, "kind"), kinds);
    out.required_text("roleRef.name", text(role, "name"), names::path_segment);
    for (n, subject) in list(object, "subjects").iter().enumerate() {
        self::subject(out, &format!("subjects[{n}]"), subject, namespaced);
    }
}

pub(super) fn binding_update(out: &mut Findings, new: &Value, old: &Value) {
    let role = &new["roleRef"];
    if *role != old["roleRef"] {
        // The real server prints this field with Go's names.
        let printed = json!({
            "APIGroup": text(role, "apiGroup"), "Kind": text(role, "kind"), "Name": text(role, "name"),
        });
        out.invalid("roleRef", &printed, "cannot change roleRef");
    }
}

fn subject(out: &mut Findings, at: &str, subject: &Value, namespaced: bool) {
    let name = text(subject, "name");
    if name.is_empty() {
        out.required(format!("{at}.name"), "");
    }
    let group = text(subject, "apiGroup");
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                out.text(&format!("{at}.name"), name, names::subdomain);
            }
            if !group.is_empty() {
                out.one_of(&format!("{at}.apiGroup"), group, &[""]);
            }
            if !namespaced && text(subject, "namespace").is_empty() {
                out.required(format!("{at}.namespace"), "");
            }
        }
        "User" | "Group" => out.one_of(&format!("{at}.apiGroup"), group, &[GROUP]),
        kind => out.one_of(&format!("{at}.kind"), kind, &["ServiceAccount", "User", "Group"]),
    }
}
