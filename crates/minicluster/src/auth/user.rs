//! Who makes a request: the name, groups and extras that authentication found.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The group of everyone who showed a credential.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everyone who didn't.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of who showed no credential.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group that may do everything, whatever the roles say.
pub const MASTERS: &str = "system:masters";
/// The extra that names the credential: a token's id or a certificate's fingerprint.
pub const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

const ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// A user as the API server sees one; nothing of it is stored anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// Who showed no credential.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            ..Self::default()
        }
    }

    /// Someone who showed a credential: the groups given and `system:authenticated`.
    #[must_use]
    pub fn authenticated(name: impl Into<String>, groups: &[&str]) -> Self {
        let mut user = Self {
            name: name.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Self::default()
        };
        user.join(AUTHENTICATED);
        user
    }

    /// The user of a ServiceAccount, without the extras of its token.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let mut user = Self {
            name: format!("{ACCOUNT_PREFIX}{namespace}:{name}"),
            groups: account_groups(namespace),
            ..Self::default()
        };
        user.join(AUTHENTICATED);
        user
    }

    #[must_use]
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Whether the roles are not asked at all.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.in_group(MASTERS)
    }

    /// The namespace and name of the ServiceAccount that this user is.
    #[must_use]
    pub fn account(&self) -> Option<(&str, &str)> {
        account_of(&self.name)
    }

    /// The `userInfo` of reviews and admission: empty fields are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        if !self.name.is_empty() {
            out.insert("username".into(), json!(self.name));
        }
        if !self.uid.is_empty() {
            out.insert("uid".into(), json!(self.uid));
        }
        if !self.groups.is_empty() {
            out.insert("groups".into(), json!(self.groups));
        }
        if !self.extra.is_empty() {
            out.insert("extra".into(), json!(self.extra));
        }
        Value::Object(out)
    }

    pub(crate) fn join(&mut self, group: &str) {
        if !self.in_group(group) {
            self.groups.push(group.to_owned());
        }
    }
}

/// The groups of every ServiceAccount in a namespace.
pub(crate) fn account_groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
    ]
}

/// The namespace and name in the user name of a ServiceAccount.
pub(crate) fn account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT_PREFIX)?.split_once(':')?;
    let whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    whole.then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_its_user_name_only_when_whole() {
        for (user, expected) in [
            ("system:serviceaccount:ns:robot", Some(("ns", "robot"))),
            ("system:serviceaccount:ns:", None),
            ("system:serviceaccount::robot", None),
            ("system:serviceaccount:ns:a:b", None),
            ("system:serviceaccounts", None),
            ("alice", None),
        ] {
            assert_eq!(account_of(user), expected, "{user}");
        }
    }

    #[test]
    fn empty_fields_are_not_printed() {
        let user = UserInfo::authenticated("alice", &["devs"]);
        let expected = json!({"username": "alice", "groups": ["devs", "system:authenticated"]});
        assert_eq!(user.to_json(), expected);
    }
}
