//! Places that take texts alone, where YAML easily makes something else of what is not quoted.

use manifest::Severity;
use objects::meta;
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::view::{View, each, step};

pub(crate) static THEME: Theme = Theme {
    title: "Texts",
    checks: &[&NOT_A_TEXT, &NOT_BASE64, &DATA_KEY],
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

static NOT_BASE64: Check = Check {
    id: "not-base64",
    title: "A Secret's data that is not base64",
    severity: Severity::Error,
    softer: "",
    cure: "write {{ .Values.x | b64enc }}, or put the text under stringData",
    why: "The API server refuses the object.",
};

static DATA_KEY: Check = Check {
    id: "data-key",
    title: "A key that a ConfigMap or Secret can't have",
    severity: Severity::Error,
    softer: "",
    cure: "use letters, digits, '-', '_' and '.'; of a file take {{ base $path }}",
    why: "The API server refuses the object.",
};

/// The longest key.
const KEY_MAX: usize = 253;

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        let value = &item.value;
        for map in ["/metadata/labels", "/metadata/annotations"] {
            texts((at, value), map, found);
        }
        match (item.kind().group.as_ref(), item.kind().name.as_ref()) {
            ("", "ConfigMap") => {
                texts((at, value), "/data", found);
                encoded((at, value), "/binaryData", found);
                keys((at, value), &["/data", "/binaryData"], found);
            }
            ("", "Secret") => {
                texts((at, value), "/data", found);
                texts((at, value), "/stringData", found);
                encoded((at, value), "/data", found);
                keys((at, value), &["/data", "/stringData"], found);
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

/// A map whose texts are bytes in base64.
fn encoded((at, whole): (usize, &Value), map: &str, found: &mut Findings) {
    let entries = meta::at(whole, map).and_then(Value::as_object);
    let texts = entries
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key, value.as_str()?)));
    for (key, _) in texts.filter(|(_, text)| !is_base64(text)) {
        // Its content may be a secret.
        let message = format!("the content of {key} is not base64");
        found.add(&NOT_BASE64, (at, &format!("{map}/{}", step(key))), message);
    }
}

/// Whether Go reads it: the standard alphabet with padding, line breaks passed over.
fn is_base64(text: &str) -> bool {
    let bytes = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r'));
    let bytes: Vec<u8> = bytes.collect();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    bytes.len().is_multiple_of(4) && padding <= 2 && bytes[..bytes.len() - padding].iter().all(is_letter)
}

fn keys((at, whole): (usize, &Value), maps: &[&str], found: &mut Findings) {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    for map in maps {
        let entries = meta::at(whole, map).and_then(Value::as_object);
        for key in entries.into_iter().flatten().map(|(key, _)| key) {
            let is_key = !key.is_empty() && key.len() <= KEY_MAX && key.chars().all(is_inner);
            if !is_key || matches!(key.as_str(), "." | "..") {
                let message = format!("{key:?} can't be a key");
                found.add(&DATA_KEY, (at, &format!("{map}/{}", step(key))), message);
            }
        }
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
