//! Places that take texts alone, where YAML easily makes something else of what is not quoted.

use manifest::Severity;
use objects::meta;
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::view::{View, each, step};

pub(crate) static THEME: Theme = Theme {
    title: "Texts",
    checks: &[&NOT_A_TEXT],
    look,
};

static NOT_A_TEXT: Check = Check {
    id: "not-a-text",
    title: "A number or truth value where a text is expected",
    severity: Severity::Error,
    softer: "",
    cure: "quote it: {{ .Values.x | quote }}",
    why: "The API server refuses the object: it does not take 8080 for \"8080\", nor yes for \"yes\".",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        let value = &item.value;
        for map in ["/metadata/labels", "/metadata/annotations"] {
            texts((at, value), map, found);
        }
        match (item.kind().group.as_ref(), item.kind().name.as_ref()) {
            ("", "ConfigMap") => texts((at, value), "/data", found),
            ("", "Secret") => {
                texts((at, value), "/data", found);
                texts((at, value), "/stringData", found);
            }
            ("", "Service") => texts((at, value), "/spec/selector", found),
            ("apps", _) => texts((at, value), "/spec/selector/matchLabels", found),
            _ => {}
        }
    }
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let value: &Value = &view.items[pods.item].value;
        for map in ["/metadata/labels", "/metadata/annotations", "/spec/nodeSelector"] {
            if !(pods.root.is_empty() && map.starts_with("/metadata")) {
                texts((pods.item, value), &pods.at(map), found);
            }
        }
        for container in pods.containers() {
            for (at, variable) in each(container.value, &container.at, "/env") {
                if let Some(given) = variable.get("value").filter(|given| !given.is_string()) {
                    let name = meta::text(variable, "name");
                    let message = format!("{name} is {given}, which is {}", kind_of(given));
                    found.add(&NOT_A_TEXT, (pods.item, &format!("{at}/value")), message);
                }
            }
            for list in ["/args", "/command"] {
                for (at, given) in each(container.value, &container.at, list) {
                    if !given.is_string() {
                        let message = format!("{given} is {}", kind_of(given));
                        found.add(&NOT_A_TEXT, (pods.item, &at), message);
                    }
                }
            }
        }
    }
}

/// A map whose values are texts.
fn texts((at, whole): (usize, &Value), map: &str, found: &mut Findings) {
    let Some(entries) = meta::at(whole, map).and_then(Value::as_object) else {
        return;
    };
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_string()) {
        let message = format!("{key} is {value}, which is {}", kind_of(value));
        found.add(&NOT_A_TEXT, (at, &format!("{map}/{}", step(key))), message);
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
