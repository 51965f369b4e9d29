//! What is asked of the authorizer, and what it answers.

use super::UserInfo;

/// One request as authorization sees it. A request for a resource has an empty `path`; any other has only a path.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    pub user: &'a UserInfo,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or a special verb;
    /// the HTTP method in lower case for a path.
    pub verb: &'a str,
    pub group: &'a str,
    pub version: &'a str,
    pub resource: &'a str,
    pub subresource: &'a str,
    /// Empty for the cluster scope and for all namespaces.
    pub namespace: &'a str,
    pub name: &'a str,
    pub path: &'a str,
}

/// The authorizer's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// Which binding allowed it, or which roles are missing; often empty.
    pub reason: String,
}

impl<'a> Attributes<'a> {
    /// A request for a path that is no resource.
    #[must_use]
    pub fn path(user: &'a UserInfo, verb: &'a str, path: &'a str) -> Self {
        Self {
            path,
            ..Self::empty(user, verb)
        }
    }

    /// A request that asks for nothing yet; for `..` in a literal.
    #[must_use]
    pub fn empty(user: &'a UserInfo, verb: &'a str) -> Self {
        Self {
            user,
            verb,
            group: "",
            version: "",
            resource: "",
            subresource: "",
            namespace: "",
            name: "",
            path: "",
        }
    }

    #[must_use]
    pub fn is_resource(&self) -> bool {
        self.path.is_empty()
    }

    /// The message of the 403 that a refusal becomes, whole.
    ///
    /// `configmaps "x" is forbidden: User "a" cannot get resource "configmaps" in API group "" in the namespace "b"`
    #[must_use]
    pub fn forbidden(&self, decision: &Decision) -> String {
        let mut out = self.qualified();
        out.push_str(&self.refusal());
        if !decision.reason.is_empty() {
            out.push_str(": ");
            out.push_str(&decision.reason);
        }
        out
    }

    /// The `deployments.apps "d" is ` in front of `forbidden`; nothing for a path.
    fn qualified(&self) -> String {
        if self.resource.is_empty() {
            return "forbidden: ".to_owned();
        }
        let mut out = self.resource.to_owned();
        if !self.group.is_empty() {
            out.push('.');
            out.push_str(self.group);
        }
        if !self.name.is_empty() {
            out.push_str(&format!(" {:?}", self.name));
        }
        out.push_str(" is forbidden: ");
        out
    }

    fn refusal(&self) -> String {
        let (user, verb) = (&self.user.name, self.verb);
        if !self.is_resource() {
            return format!("User {user:?} cannot {verb} path {:?}", self.path);
        }
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        let resource = format!("{}{slash}{}", self.resource, self.subresource);
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        format!(
            "User {user:?} cannot {verb} resource {resource:?} in API group {:?} {scope}",
            self.group
        )
    }
}

impl Decision {
    #[must_use]
    pub fn allow(reason: impl Into<String>) -> Self {
        Self {
            allowed: true,
            reason: reason.into(),
        }
    }

    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Self {
        Self {
            allowed: false,
            reason: reason.into(),
        }
    }
}
