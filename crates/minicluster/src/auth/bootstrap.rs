//! The roles and bindings that every cluster begins with, from the two tables beside this file.

use serde_json::{Map, Value, json};

use super::Rule;

const TABLE: &str = include_str!("bootstrap.txt");
const CONTROLLERS: &str = include_str!("controllers.txt");
const GROUP: &str = "rbac.authorization.k8s.io";
const READ: &str = "get,list,watch";
const WRITE: &str = "create,delete,deletecollection,patch,update";
const EVENTS: &str = "create,patch,update";

/// The objects to create on first start, whole but for what the server fills in: ClusterRoles and Roles before the
/// bindings. Rules of aggregated ClusterRoles are left to the authorizer's `stale_aggregates`.
#[must_use]
pub fn objects() -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut bindings = Vec::new();
    let lines = TABLE.lines().chain(CONTROLLERS.lines());
    for line in lines.filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["role", name, options @ ..] => out.push(role(name, options)),
            ["controller", name] => {
                let name_of_role = format!("system:controller:{name}");
                out.push(role(&name_of_role, &[]));
                bindings.push(binding(
                    &name_of_role,
                    &name_of_role,
                    &[&format!("s:kube-system/{name}")],
                ));
            }
            ["bind", name, role, subjects @ ..] => bindings.push(binding(name, role, subjects)),
            [verbs, groups, rest @ ..] => {
                let rules = out.last_mut().and_then(|role| role.get_mut("rules"));
                if let Some(Value::Array(rules)) = rules {
                    rules.push(rule(verbs, groups, rest).to_json());
                }
            }
            _ => {}
        }
    }
    out.extend(bindings);
    out
}

fn role(name: &str, options: &[&str]) -> Value {
    let mut role = object("Role", name);
    let label = |role: &str| format!("{GROUP}/aggregate-to-{role}");
    role["rules"] = json!([]);
    for option in options {
        match option.split_once('=') {
            Some(("to", to)) => role["metadata"]["labels"][label(to)] = json!("true"),
            Some(("from", from)) => {
                let labels: Map<String, Value> = [(label(from), json!("true"))].into_iter().collect();
                role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
            }
            _ => {}
        }
    }
    role
}

fn binding(name: &str, role: &str, subjects: &[&str]) -> Value {
    let mut binding = object("RoleBinding", name);
    let kind = if name.contains('/') { "Role" } else { "ClusterRole" };
    binding["roleRef"] = json!({"apiGroup": GROUP, "kind": kind, "name": role});
    if !subjects.is_empty() {
        binding["subjects"] = subjects.iter().map(|written| subject(written)).collect();
    }
    binding
}

fn subject(written: &str) -> Value {
    match written.split_once(':') {
        Some(("u", name)) => json!({"apiGroup": GROUP, "kind": "User", "name": name}),
        Some(("g", name)) => json!({"apiGroup": GROUP, "kind": "Group", "name": name}),
        _ => {
            let account = written.trim_start_matches("s:");
            let (namespace, name) = account.split_once('/').unwrap_or(("", account));
            json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
        }
    }
}

/// An object of a namespaced kind when the name has a namespace, or else of the cluster's kind.
fn object(kind: &str, name: &str) -> Value {
    let mut metadata = json!({
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    });
    let kind = match name.split_once('/') {
        Some((namespace, name)) => {
            metadata["namespace"] = json!(namespace);
            metadata["name"] = json!(name);
            kind.to_owned()
        }
        None => {
            metadata["name"] = json!(name);
            format!("Cluster{kind}")
        }
    };
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata})
}

fn rule(verbs: &str, groups: &str, rest: &[&str]) -> Rule {
    let list = |words: &str| words.split(',').map(str::to_owned).collect::<Vec<_>>();
    let verbs = match verbs {
        "R" => READ,
        "W" => WRITE,
        "E" => EVENTS,
        other => other,
    };
    let third = rest.first().map(|words| list(words)).unwrap_or_default();
    let mut out = Rule {
        verbs: list(verbs),
        ..Rule::default()
    };
    if groups == "url" {
        out.urls = third;
        return out;
    }
    let groups = list(groups).into_iter();
    out.groups = groups
        .map(|group| if group == "core" { String::new() } else { group })
        .collect();
    out.resources = third;
    out.names = rest.get(1).map(|words| list(words)).unwrap_or_default();
    out
}
