//! The rules for the names of objects, in the real server's words.

use serde_json::Value;

use super::catalog::Served;
use super::failure::Cause;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Checks `metadata.name` of an object of a kind.
pub(super) fn check(served: &Served, name: &str) -> Vec<Cause> {
    let resource = &served.resource;
    let problem = match (resource.group.as_str(), resource.plural.as_str()) {
        ("rbac.authorization.k8s.io", _) => return path_segment(name),
        ("", "namespaces") => dns_label(name, LABEL, char::is_ascii_alphanumeric),
        ("", "services") => dns_label(name, SERVICE, char::is_ascii_alphabetic),
        _ => subdomain(name),
    };
    let invalid = |problem: String| Cause::invalid("metadata.name", &Value::from(name), &problem);
    problem.map(invalid).into_iter().collect()
}

fn path_segment(name: &str) -> Vec<Cause> {
    let bad = name == "." || name == ".." || name.contains('/') || name.contains('%');
    let problem = "may not be '.', '..', or contain '/' or '%'";
    if bad {
        vec![Cause::invalid("metadata.name", &Value::from(name), problem)]
    } else {
        Vec::new()
    }
}

fn is_label(label: &str, first: impl Fn(&char) -> bool) -> bool {
    let inner = |c: char| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
    label.chars().all(inner)
        && label.chars().next().is_some_and(|c| c != '-' && first(&c))
        && !label.ends_with('-')
}

fn dns_label(name: &str, rule: &str, first: impl Fn(&char) -> bool) -> Option<String> {
    if name.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    (!is_label(name, first)).then(|| rule.to_owned())
}

fn subdomain(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters".to_owned());
    }
    let all = name
        .split('.')
        .all(|label| is_label(label, char::is_ascii_alphanumeric));
    (!all).then(|| SUBDOMAIN.to_owned())
}
