//! The authorizer: every role and binding, held so that a request looks only at its own user's bindings.
//!
//! Objects come one by one as the store changes. Bindings are found by subject, roles by name; what an aggregated
//! ClusterRole holds is worked out when a role changes, never when a request comes.

use std::collections::HashMap;

use serde_json::Value;

use super::aggregate::ClusterRoles;
use super::binding::{Binding, Bindings, RoleRef};
use super::{Attributes, Decision, Rule, UserInfo};

/// Answers whether a request is allowed, from the roles and bindings it was told of.
#[derive(Clone, Debug, Default)]
pub struct Authorizer {
    cluster_roles: ClusterRoles,
    /// By namespace, then name.
    roles: HashMap<String, HashMap<String, Vec<Rule>>>,
    cluster: Bindings,
    namespaced: HashMap<String, Bindings>,
}

/// The rules of a user in one place, and the roles that bindings name in vain.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) rules: Vec<Rule>,
    pub(crate) errors: Vec<String>,
}

impl Authorizer {
    /// Takes in an object that was created or changed; `false` for kinds that are no business of RBAC.
    pub fn put(&mut self, kind: &str, object: &Value) -> bool {
        let field = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (field("/metadata/namespace"), field("/metadata/name"));
        match kind {
            "ClusterRole" => self.cluster_roles.put(name, object),
            "Role" => {
                let roles = self.roles.entry(namespace.to_owned()).or_default();
                roles.insert(name.to_owned(), Rule::of(object));
            }
            "ClusterRoleBinding" => self.cluster.put(name, Binding::from_json(object, "")),
            "RoleBinding" => {
                let bindings = self.namespaced.entry(namespace.to_owned()).or_default();
                bindings.put(name, Binding::from_json(object, namespace));
            }
            _ => return false,
        }
        true
    }

    /// Forgets an object that was deleted; `false` for kinds that are no business of RBAC.
    pub fn remove(&mut self, kind: &str, namespace: &str, name: &str) -> bool {
        match kind {
            "ClusterRole" => self.cluster_roles.remove(name),
            "Role" => {
                if let Some(roles) = self.roles.get_mut(namespace) {
                    roles.remove(name);
                    if roles.is_empty() {
                        self.roles.remove(namespace);
                    }
                }
            }
            "ClusterRoleBinding" => self.cluster.remove(name),
            "RoleBinding" => {
                if let Some(bindings) = self.namespaced.get_mut(namespace) {
                    bindings.remove(name);
                    if bindings.is_empty() {
                        self.namespaced.remove(namespace);
                    }
                }
            }
            _ => return false,
        }
        true
    }

    /// Whether the request is allowed, and by what.
    #[must_use]
    pub fn authorize(&self, asked: &Attributes<'_>) -> Decision {
        if asked.user.is_master() {
            return Decision::allow("");
        }
        let mut errors = Vec::new();
        for scope in self.scopes(asked.namespace) {
            for (name, binding, subject) in scope.bindings.of(asked.user) {
                match self.rules_of(&binding.role, scope.namespace) {
                    Err(error) => errors.push(error),
                    Ok(rules) if rules.iter().any(|rule| rule.permits(asked)) => {
                        let by = binding.describe(name, scope.namespace, subject);
                        return Decision::allow(format!("RBAC: allowed by {by}"));
                    }
                    Ok(_) => {}
                }
            }
        }
        match aggregate(errors) {
            Some(errors) => Decision::deny(format!("RBAC: {errors}")),
            None => Decision::deny(""),
        }
    }

    /// The ClusterRoles whose stored rules are not what their selectors gather, with what they should hold.
    /// The caller writes them as `clusterrole-aggregation-controller` does, and tells `put` of it.
    #[must_use]
    pub fn stale_aggregates(&self) -> Vec<(&str, &[Rule])> {
        self.cluster_roles.stale()
    }

    /// Every rule that the user holds in a namespace, or in the cluster scope when it is empty.
    pub(crate) fn held(&self, user: &UserInfo, namespace: &str) -> Held {
        let mut held = Held::default();
        for scope in self.scopes(namespace) {
            for (_, binding, _) in scope.bindings.of(user) {
                match self.rules_of(&binding.role, scope.namespace) {
                    Ok(rules) => held.rules.extend_from_slice(rules),
                    Err(error) => held.errors.push(error),
                }
            }
        }
        held
    }

    /// The rules of the role that a binding in `namespace` names, or the message that it isn't there.
    pub(crate) fn rules_of(&self, role: &RoleRef, namespace: &str) -> Result<&[Rule], String> {
        let name = &role.name;
        match role.kind.as_str() {
            "ClusterRole" => self
                .cluster_roles
                .rules(name)
                .ok_or_else(|| format!("clusterrole.rbac.authorization.k8s.io {name:?} not found")),
            "Role" => self
                .roles
                .get(namespace)
                .and_then(|roles| roles.get(name))
                .map(Vec::as_slice)
                .ok_or_else(|| format!("role.rbac.authorization.k8s.io {name:?} not found")),
            kind => Err(format!("unsupported role reference kind: {kind:?}")),
        }
    }

    /// The cluster's bindings, then those of the namespace.
    fn scopes<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = Scope<'a>> {
        let cluster = Scope {
            namespace: "",
            bindings: &self.cluster,
        };
        let own = self.namespaced.get(namespace).filter(|_| !namespace.is_empty());
        let own = own.map(|bindings| Scope { namespace, bindings });
        std::iter::once(cluster).chain(own)
    }
}

struct Scope<'a> {
    namespace: &'a str,
    bindings: &'a Bindings,
}

/// Several messages as one, each once: `a`, or `[a, b]`.
pub(crate) fn aggregate(messages: Vec<String>) -> Option<String> {
    let mut seen: Vec<String> = Vec::new();
    for message in messages {
        if !seen.contains(&message) {
            seen.push(message);
        }
    }
    match seen.len() {
        0 => None,
        1 => seen.pop(),
        _ => Some(format!("[{}]", seen.join(", "))),
    }
}
