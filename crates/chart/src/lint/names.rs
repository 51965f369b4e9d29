//! Kubernetes' rules for object names, by kind.

use crate::go_text::quote;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
     alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// What is wrong with a name, if anything.
pub(super) fn problem(kind: &str, name: &str) -> Option<String> {
    let reasons = match kind.to_ascii_lowercase().as_str() {
        "service" => label(name, LABEL_1035, |first| first.is_ascii_lowercase()),
        "namespace" => namespace(name),
        "certificatesigningrequest" => return None,
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    };
    if reasons.is_empty() {
        return None;
    }
    let quoted = quote(name);
    let all: Vec<String> = reasons
        .iter()
        .map(|why| format!("metadata.name: Invalid value: {quoted}: {why}"))
        .collect();
    let all = if all.len() == 1 {
        all.concat()
    } else {
        format!("[{}]", all.join(", "))
    };
    Some(format!(
        "object name does not conform to Kubernetes naming requirements: {quoted}: {all}"
    ))
}

fn subdomain(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, 253);
    if !name.split('.').all(is_label) {
        reasons.push(SUBDOMAIN.to_owned());
    }
    reasons
}

fn label(name: &str, rule: &str, is_first: fn(char) -> bool) -> Vec<String> {
    let mut reasons = too_long(name, 63);
    if !is_label(name) || !name.starts_with(is_first) {
        reasons.push(rule.to_owned());
    }
    reasons
}

fn namespace(name: &str) -> Vec<String> {
    let reasons = label(name, LABEL, |_| true);
    if !reasons.is_empty() && name.contains('.') && subdomain(name).is_empty() {
        return vec!["must not contain dots".to_owned()];
    }
    reasons
}

fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    ['/', '%']
        .iter()
        .filter(|bad| name.contains(**bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

fn too_long(name: &str, limit: usize) -> Vec<String> {
    if name.len() > limit {
        vec![format!("must be no more than {limit} characters")]
    } else {
        Vec::new()
    }
}

fn is_label(label: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected endings come from `helm lint` (4.1.4).
    fn check(kind: &str, name: &str, expected: Option<&str>) {
        let found = problem(kind, name);
        match expected {
            None => assert_eq!(found, None, "{kind} {name}"),
            Some(end) => assert!(found.is_some_and(|text| text.ends_with(end)), "{kind} {name}"),
        }
    }

    #[test]
    fn rules_depend_on_the_kind() {
        check("Pod", "a.b-c", None);
        check("Pod", "", Some(SUBDOMAIN));
        check("Service", "1a", Some(LABEL_1035));
        check(
            "Service",
            &"a".repeat(64),
            Some(": must be no more than 63 characters"),
        );
        check("Namespace", "1a", None);
        check("Namespace", "a.b", Some(": must not contain dots"));
        check("Role", "A:b", None);
        check("Role", "..", Some(": may not be '..'"));
        check("ClusterRoleBinding", "a%b", Some(": may not contain '%'"));
        check("CertificateSigningRequest", "", None);
    }

    #[test]
    fn several_reasons_are_listed() {
        let found = problem("Pod", &"A".repeat(254)).expect("two reasons");
        assert!(found.contains(": [metadata.name: ") && found.contains("characters, metadata.name: "));
    }
}
