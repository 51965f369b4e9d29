//! The shapes of names, labels, ports and environment variables, with the texts that say what is wrong with one.

use serde_json::Value;

pub(super) const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
    and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation \
    is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and \
    end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
    'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const VARIABLE: &str = "a valid environment variable name must consist only of printable ASCII characters other \
    than '='";
const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";

/// A rule about a text: what is wrong with it, if anything.
pub(super) type Rule = fn(&str) -> Vec<String>;

fn too_long(value: &str, most: usize) -> Option<String> {
    (value.len() > most).then(|| format!("must be no more than {most} bytes"))
}

fn shaped(value: &str, most: usize, good: bool, text: &str) -> Vec<String> {
    let shape = (!good).then(|| text.to_owned());
    too_long(value, most).into_iter().chain(shape).collect()
}

/// Characters of which the first and the last are letters or digits.
fn ends_alphanumeric(value: &str, inner: impl Fn(u8) -> bool, outer: impl Fn(u8) -> bool) -> bool {
    let bytes = value.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.into_iter().all(|end| end.is_some_and(|byte| outer(*byte))) && bytes.iter().all(|byte| inner(*byte))
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_label(value: &str) -> bool {
    ends_alphanumeric(value, |byte| lower(byte) || byte == b'-', lower)
}

fn is_word(value: &str) -> bool {
    let outer = |byte: u8| byte.is_ascii_alphanumeric();
    ends_alphanumeric(
        value,
        |byte| outer(byte) || matches!(byte, b'-' | b'_' | b'.'),
        outer,
    )
}

pub(super) fn label(value: &str) -> Vec<String> {
    shaped(value, 63, is_label(value), LABEL)
}

pub(super) fn label_1035(value: &str) -> Vec<String> {
    let good = is_label(value) && value.starts_with(|first: char| first.is_ascii_lowercase());
    shaped(value, 63, good, LABEL_1035)
}

pub(super) fn subdomain(value: &str) -> Vec<String> {
    shaped(value, 253, value.split('.').all(is_label), SUBDOMAIN)
}

/// The names of RBAC's objects: anything that can be a segment of a path.
pub(super) fn path_segment(value: &str) -> Vec<String> {
    match value {
        "." | ".." => vec![format!("may not be '{value}'")],
        _ => ["/", "%"]
            .iter()
            .filter(|bad| value.contains(**bad))
            .map(|bad| format!("may not contain '{bad}'"))
            .collect(),
    }
}

/// The names of labels and annotations: an optional domain, a slash, a word.
pub(crate) fn qualified(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    let name = match value.split_once('/') {
        None => value,
        Some((_, rest)) if rest.contains('/') => {
            return vec![format!(
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
                 with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                 validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and \
                 '/' (e.g. 'example.com/MyName')"
            )];
        }
        Some(("", name)) => {
            out.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            out.extend(
                subdomain(prefix)
                    .into_iter()
                    .map(|why| format!("prefix part {why}")),
            );
            name
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    }
    out.extend(too_long(name, 63).map(|why| format!("name part {why}")));
    if !is_word(name) {
        out.push(QUALIFIED_NAME.to_owned());
    }
    out
}

pub(crate) fn label_value(value: &str) -> Vec<String> {
    shaped(value, 63, value.is_empty() || is_word(value), LABEL_VALUE)
}

pub(super) fn config_key(value: &str) -> Vec<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut out = shaped(
        value,
        253,
        !value.is_empty() && value.bytes().all(good),
        CONFIG_KEY,
    );
    match value {
        "." => out.push("must not be '.'".to_owned()),
        ".." => out.push("must not be '..'".to_owned()),
        _ if value.starts_with("..") => out.push("must not start with '..'".to_owned()),
        _ => {}
    }
    out
}

pub(super) fn variable(value: &str) -> Vec<String> {
    let good = value
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    shaped(value, usize::MAX, good, VARIABLE)
}

/// The name of a container's port.
pub(super) fn port_name(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    if value.len() > 15 {
        out.push("must be no more than 15 bytes".to_owned());
    }
    if !value.bytes().all(|byte| lower(byte) || byte == b'-') {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !value.bytes().any(|byte| byte.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        out.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        out.push("must not begin or end with a hyphen".to_owned());
    }
    out
}

/// A port's number, or a port's name where that may stand for it.
pub(super) fn port(value: &Value) -> Vec<String> {
    match value {
        Value::String(name) => port_name(name),
        number if number.as_i64().is_some_and(|port| (1..=65_535).contains(&port)) => Vec::new(),
        _ => vec![PORT_RANGE.to_owned()],
    }
}
