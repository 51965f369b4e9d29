//! What a role or binding may grant: nobody gives away what they don't hold.
//!
//! Writing a role needs every permission in it, or the verb `escalate`; writing a binding needs every permission of
//! the role that it names, or the verb `bind` on it. Members of `system:masters` may grant anything.

use serde_json::Value;

use super::binding::RoleRef;
use super::{Attributes, Authorizer, Rule, UserInfo};

const GROUP: &str = "rbac.authorization.k8s.io";
const ANYTHING: &str = "*";

/// A role or binding that someone wants to create or change.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    pub user: &'a UserInfo,
    /// `Role`, `ClusterRole`, `RoleBinding` or `ClusterRoleBinding`; any other kind grants nothing.
    pub kind: &'a str,
    /// Empty for the cluster's kinds.
    pub namespace: &'a str,
    pub object: &'a Value,
    /// What is stored now, when it is an update.
    pub old: Option<&'a Value>,
}

/// Why a grant is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The whole message of a 403; its details name the object by group, plural and name.
    Forbidden(String),
    /// A binding's role isn't there: the message of a 404, with the details' kind and name.
    NotFound {
        message: String,
        kind: &'static str,
        name: String,
    },
}

/// Checks that the user may grant what the object grants.
///
/// # Errors
/// The refusal, with the recorded texts of the real server.
pub fn check(authorizer: &Authorizer, grant: &Grant<'_>) -> Result<(), Refusal> {
    if grant.user.is_master() {
        return Ok(());
    }
    match grant.kind {
        "Role" => check_role(authorizer, grant, "roles"),
        "ClusterRole" => check_role(authorizer, grant, "clusterroles"),
        "RoleBinding" => check_binding(authorizer, grant, "rolebindings"),
        "ClusterRoleBinding" => check_binding(authorizer, grant, "clusterrolebindings"),
        _ => Ok(()),
    }
}

fn check_role(authorizer: &Authorizer, grant: &Grant<'_>, plural: &str) -> Result<(), Refusal> {
    let rules = Rule::of(grant.object);
    let gathers = |role: &Value| {
        role.get("aggregationRule")
            .filter(|rule| !rule.is_null())
            .cloned()
    };
    let gathering = gathers(grant.object);
    if let Some(old) = grant.old
        && Rule::of(old) == rules
        && gathers(old) == gathering
    {
        return Ok(());
    }
    // A request that creates has no name in its path, so that names in a rule never allow it.
    let stored_name = grant.old.map_or("", name);
    if may(authorizer, grant, "escalate", plural, stored_name) {
        return Ok(());
    }
    confirm(authorizer, grant, plural, &rules)?;
    if gathering.is_none() {
        return Ok(());
    }
    let held = authorizer.held(grant.user, grant.namespace).rules;
    if super::rule::missing(&held, &everything()).is_empty() {
        return Ok(());
    }
    let message = "must have cluster-admin privileges to use the aggregationRule";
    Err(forbidden(grant, plural, message))
}

fn check_binding(authorizer: &Authorizer, grant: &Grant<'_>, plural: &str) -> Result<(), Refusal> {
    let role = RoleRef::of(grant.object);
    if let Some(old) = grant.old
        && RoleRef::of(old) == role
        && old.get("subjects") == grant.object.get("subjects")
    {
        return Ok(());
    }
    let of = if role.kind == "Role" {
        "roles"
    } else {
        "clusterroles"
    };
    if may(authorizer, grant, "bind", of, &role.name) {
        return Ok(());
    }
    match authorizer.rules_of(&role, grant.namespace) {
        Ok(rules) => confirm(authorizer, grant, plural, rules),
        Err(message) => Err(Refusal::NotFound {
            message,
            kind: if role.kind == "Role" {
                "role"
            } else {
                "clusterrole"
            },
            name: role.name,
        }),
    }
}

fn may(authorizer: &Authorizer, grant: &Grant<'_>, verb: &str, resource: &str, name: &str) -> bool {
    let asked = Attributes {
        group: GROUP,
        version: "v1",
        resource,
        namespace: grant.namespace,
        name,
        ..Attributes::empty(grant.user, verb)
    };
    authorizer.authorize(&asked).allowed
}

fn confirm(authorizer: &Authorizer, grant: &Grant<'_>, plural: &str, rules: &[Rule]) -> Result<(), Refusal> {
    let held = authorizer.held(grant.user, grant.namespace);
    let missing = super::rule::missing(&held.rules, rules);
    if missing.is_empty() {
        return Ok(());
    }
    let mut printed: Vec<String> = missing.iter().map(Rule::to_string).collect();
    printed.sort_unstable();
    printed.dedup();
    let groups: Vec<String> = grant
        .user
        .groups
        .iter()
        .map(|group| format!("{group:?}"))
        .collect();
    let mut message = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        grant.user.name,
        groups.join(" "),
        printed.join("\n")
    );
    if let Some(errors) = super::index::aggregate(held.errors) {
        message.push_str(&format!("; resolution errors: [{errors}]"));
    }
    Err(forbidden(grant, plural, &message))
}

fn forbidden(grant: &Grant<'_>, plural: &str, message: &str) -> Refusal {
    let name = name(grant.object);
    Refusal::Forbidden(format!("{plural}.{GROUP} {name:?} is forbidden: {message}"))
}

fn name(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn everything() -> [Rule; 2] {
    let all = || vec![ANYTHING.to_owned()];
    let resources = Rule {
        verbs: all(),
        groups: all(),
        resources: all(),
        ..Rule::default()
    };
    let urls = Rule {
        verbs: all(),
        urls: all(),
        ..Rule::default()
    };
    [resources, urls]
}
