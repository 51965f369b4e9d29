//! What a Job's pod failure policy says of a failed pod: the first rule that matches it.

use objects::meta;
use serde_json::Value;

/// What the failure of a pod means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It counts towards the back-off limits: also what no rule matches.
    Count,
    /// It does not.
    Ignore,
    /// No other pod is tried for its index.
    FailIndex,
    /// The Job fails, with this message.
    FailJob(String),
}

impl Meaning {
    /// Judges a failed pod by the rules of `spec.podFailurePolicy`.
    pub fn of(rules: &[Value], pod: &Value) -> Self {
        let matching = rules.iter().enumerate().find_map(|(index, rule)| {
            let found = matched(rule, pod)?;
            Some((index, meta::text(rule, "action"), found))
        });
        match matching {
            Some((_, "Ignore", _)) => Self::Ignore,
            Some((_, "FailIndex", _)) => Self::FailIndex,
            Some((index, "FailJob", found)) => {
                Self::FailJob(format!("{found} matching FailJob rule at index {index}"))
            }
            _ => Self::Count,
        }
    }

    pub fn counts(&self) -> bool {
        *self != Self::Ignore
    }
}

/// What of a pod a rule matches, as a message begins that says so.
fn matched(rule: &Value, pod: &Value) -> Option<String> {
    let (namespace, name) = (meta::namespace(pod), meta::name(pod));
    if let Some(codes) = rule.get("onExitCodes").filter(|codes| !codes.is_null()) {
        let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
        let mut containers = lists.iter().flat_map(|list| meta::list_at(pod, list));
        return containers.find_map(|container| {
            let code = meta::number_at(container, "/state/terminated/exitCode")?;
            let container = meta::text(container, "name");
            exit_code_matches(codes, container, code).then(|| {
                format!("Container {container} for pod {namespace}/{name} failed with exit code {code}")
            })
        });
    }
    let patterns = meta::list_at(rule, "/onPodConditions");
    meta::list_at(pod, "/status/conditions")
        .iter()
        .find_map(|condition| {
            let kind = meta::text(condition, "type");
            let status = meta::text(condition, "status");
            let wanted =
                |pattern: &Value| meta::text(pattern, "type") == kind && status_of(pattern) == status;
            patterns
                .iter()
                .any(wanted)
                .then(|| format!("Pod {namespace}/{name} has condition {kind}"))
        })
}

/// The API server defaults it; the meaning is the same where it did not.
fn status_of(pattern: &Value) -> &str {
    match meta::text(pattern, "status") {
        "" => "True",
        status => status,
    }
}

fn exit_code_matches(codes: &Value, container: &str, code: i64) -> bool {
    let wanted = codes.get("containerName").and_then(Value::as_str);
    if code == 0 || wanted.is_some_and(|wanted| wanted != container) {
        return false;
    }
    let listed = meta::list_at(codes, "/values")
        .iter()
        .any(|value| value.as_i64() == Some(code));
    match meta::text(codes, "operator") {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_matching_rule_decides() {
        let rules = [
            json!({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}),
            json!({"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}}),
            json!({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [7]}}),
            json!({"action": "Count", "onExitCodes": {"operator": "NotIn", "values": [9]}}),
            json!({"action": "FailJob", "onPodConditions": [{"type": "ConfigIssue", "status": "True"}]}),
        ];
        let pod = |container: &str, code: i64, condition: &str| {
            json!({
                "metadata": {"name": "p", "namespace": "n"},
                "status": {
                    "conditions": [{"type": condition, "status": "True"}],
                    "containerStatuses": [{"name": container, "state": {"terminated": {"exitCode": code}}}],
                },
            })
        };
        let fails = |text: &str| Meaning::FailJob(text.to_owned());
        for (pod, expected) in [
            (pod("main", 42, "DisruptionTarget"), Meaning::Ignore),
            (
                pod("main", 42, "Ready"),
                fails("Container main for pod n/p failed with exit code 42 matching FailJob rule at index 1"),
            ),
            (pod("side", 42, "Ready"), Meaning::Count),
            (pod("main", 7, "Ready"), Meaning::FailIndex),
            (
                pod("main", 9, "ConfigIssue"),
                fails("Pod n/p has condition ConfigIssue matching FailJob rule at index 4"),
            ),
            (pod("main", 0, "Ready"), Meaning::Count),
        ] {
            assert_eq!(Meaning::of(&rules, &pod), expected, "{pod}");
        }
    }
}
