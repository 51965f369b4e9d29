//! Whether a policy is about a write: operations, resources, selectors.

use objects::Selector;
use serde_json::{Value, json};

use super::Write;
use crate::registry::Call;

/// Fills in what a policy left out.
pub(super) fn default(constraints: &mut Value) {
    if !constraints.is_object() {
        return;
    }
    let defaults = [
        ("matchPolicy", json!("Equivalent")),
        ("namespaceSelector", json!({})),
        ("objectSelector", json!({})),
    ];
    for (field, value) in defaults {
        if constraints[field].is_null() {
            constraints[field] = value;
        }
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        let rules = constraints.get_mut(list).and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            if rule["scope"].is_null() {
                rule["scope"] = json!("*");
            }
        }
    }
}

/// Whether a write is one of those that a policy or binding is about.
pub(super) fn matches(constraints: &Value, call: &Call, write: &Write<'_>, namespace: &Value) -> bool {
    let exact = constraints["matchPolicy"] == "Exact";
    let rules = |list: &str| constraints[list].as_array().cloned().unwrap_or_default();
    let included = rules("resourceRules");
    if included.is_empty() && constraints["resourceRules"].is_array()
        || !included.is_empty() && !included.iter().any(|rule| is_of(rule, call, write, exact))
        || rules("excludeResourceRules")
            .iter()
            .any(|rule| is_of(rule, call, write, exact))
    {
        return false;
    }
    let selector = Selector::from_json(&constraints["namespaceSelector"]);
    let is_namespace = call.served.is("", "namespaces");
    let selected = if is_namespace {
        let objects = [write.object, write.old];
        selector.is_empty()
            || objects
                .into_iter()
                .flatten()
                .any(|object| selector.selects(object))
    } else {
        // What is in no namespace is in all.
        call.namespace().is_none() || selector.selects(namespace)
    };
    let objects = Selector::from_json(&constraints["objectSelector"]);
    let both = [write.object, write.old];
    selected && (objects.is_empty() || both.into_iter().flatten().any(|object| objects.selects(object)))
}

fn is_of(rule: &Value, call: &Call, write: &Write<'_>, exact: bool) -> bool {
    let resource = &call.served.resource;
    let any = |field: &str, wanted: &str| {
        let all = rule[field].as_array().into_iter().flatten();
        all.filter_map(Value::as_str)
            .any(|one| one == "*" || one == wanted)
    };
    let scope = match rule["scope"].as_str() {
        Some("Namespaced") => resource.namespaced,
        Some("Cluster") => !resource.namespaced,
        _ => true,
    };
    let names = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    let name = write
        .object
        .or(write.old)
        .map_or("", |object| crate::registry::metadata::text(object, "name"));
    any("operations", write.operation)
        && any("apiGroups", &resource.group)
        // The same objects under another version are equivalent.
        && (!exact || any("apiVersions", &resource.version))
        && is_resource(&rule["resources"], &resource.plural, call.subresource())
        && scope
        && names.is_none_or(|names| names.iter().any(|one| one == name))
}

/// `*` is every resource, `*/*` also their subresources, `a/*` those of one.
fn is_resource(rules: &Value, plural: &str, subresource: &str) -> bool {
    let rules = rules.as_array().into_iter().flatten().filter_map(Value::as_str);
    rules.into_iter().any(|rule| match rule.split_once('/') {
        None => subresource.is_empty() && (rule == "*" || rule == plural),
        Some(("*", "*")) => true,
        Some((of, sub)) => {
            (of == "*" || of == plural) && (sub == "*" || sub == subresource) && !subresource.is_empty()
        }
    })
}
