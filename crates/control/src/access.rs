//! Who may do what: one table from roles to rights, and what a caller has of it for a tenant.
//!
//! Pure. Who a caller is, `tokens` finds out. Whether an author may agree to his own work is not asked here: that is the gate
//! `approvals` of `delivery`.

use delivery::{BY_ITSELF, World};
use kinds::{Member, Object, Role, Tenant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What there is to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// To see what goes where, and why not yet.
    View,
    /// To ask for promotions and rollbacks, to stop them, to hold.
    Deploy,
    /// To agree to plans, and reject them.
    Approve,
    /// To let promotions through freezes, to block versions, to make and end freezes.
    Override,
    /// To make and revoke tokens.
    Administer,
}

/// Which role has which rights: the one place that says so.
pub const ROLES: &[(Role, &[Right])] = &[
    (Role::View, &[Right::View]),
    (Role::Approve, &[Right::View, Right::Approve]),
    (Role::Override, &[Right::View, Right::Override]),
    (Role::Deploy, &[Right::View, Right::Deploy]),
    (
        Role::Administer,
        &[
            Right::View,
            Right::Deploy,
            Right::Approve,
            Right::Override,
            Right::Administer,
        ],
    ),
];

/// A role for a tenant, or for all and what belongs to none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The tenant; without it, every tenant, and what belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub role: Role,
}

/// What something is done to.
#[derive(Clone, Copy, Debug)]
pub enum Over<'a> {
    /// What is a tenant's.
    Tenant(&'a Object<Tenant>),
    /// What is nobody's, or everybody's.
    Everything,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A user, or `token:NAME` of a machine.
    pub name: String,
    pub groups: Vec<String>,
    /// A machine agrees to nothing.
    pub is_person: bool,
    /// What the token says. Of a person without any, what tenants say of their members.
    pub grants: Vec<Grant>,
}

/// How the names of machines begin.
pub const MACHINE: &str = "token:";

/// The longest name, in bytes.
const NAME: usize = 200;

/// Whether somebody can be called so: not as a machine is, nor as what shipway does by itself.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = (1..=NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    fits && name != BY_ITSELF && !name.starts_with(MACHINE)
}

impl Right {
    pub const ALL: &[Self] = &[
        Self::View,
        Self::Deploy,
        Self::Approve,
        Self::Override,
        Self::Administer,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Deploy => "deploy",
            Self::Approve => "approve",
            Self::Override => "override",
            Self::Administer => "administer",
        }
    }

    /// The roles that have it, in words.
    #[must_use]
    pub fn roles(self) -> String {
        let having = ROLES.iter().filter(|(_, rights)| rights.contains(&self));
        let names: Vec<String> = having.map(|(role, _)| format!("{role:?}")).collect();
        names.join(" or ")
    }
}

impl Caller {
    /// Whether it may.
    #[must_use]
    pub fn may(&self, right: Right, over: Over<'_>) -> bool {
        if right == Right::Approve && !self.is_person {
            return false;
        }
        let granted = self.grants.iter().filter(|grant| match (&grant.tenant, over) {
            (None, _) => true,
            (Some(named), Over::Tenant(tenant)) => *named == tenant.metadata.name,
            (Some(_), Over::Everything) => false,
        });
        if granted.into_iter().any(|grant| has(grant.role, right)) {
            return true;
        }
        match over {
            Over::Tenant(tenant) if self.is_person && self.grants.is_empty() => {
                let mut members = tenant.spec.members.iter();
                members.any(|member| self.is(member) && has(member.role, right))
            }
            _ => false,
        }
    }

    /// Whether it may see anything of a namespace.
    #[must_use]
    pub fn sees(&self, world: &World, namespace: &str) -> bool {
        self.sees_of(world.tenant_of(namespace))
    }

    /// Whether it may see anything of a tenant, or of what belongs to none.
    #[must_use]
    pub fn sees_of(&self, tenant: Option<&Object<Tenant>>) -> bool {
        self.may(Right::View, tenant.map_or(Over::Everything, Over::Tenant))
    }

    fn is(&self, member: &Member) -> bool {
        let is_user = member.user.as_ref().is_some_and(|user| *user == self.name);
        is_user
            || member
                .group
                .as_ref()
                .is_some_and(|group| self.groups.contains(group))
    }
}

fn has(role: Role, right: Right) -> bool {
    let mut roles = ROLES.iter();
    roles.any(|(one, rights)| *one == role && rights.contains(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Object<Tenant> {
        let members = serde_json::json!([
            {"user": "ana@example.com", "role": "Deploy"},
            {"group": "leads", "role": "Approve"},
        ]);
        let object = serde_json::json!({
            "apiVersion": kinds::API_VERSION, "kind": "Tenant", "metadata": {"name": "payments"},
            "spec": {"members": members, "quota": {"cpu": "1", "memory": "1Gi"}},
        });
        Object::read(&object).expect("a tenant")
    }

    fn caller(is_person: bool, groups: &[&str], grants: &[(Option<&str>, Role)]) -> Caller {
        Caller {
            name: "ana@example.com".to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            is_person,
            grants: grants
                .iter()
                .map(|(tenant, role)| Grant {
                    tenant: tenant.map(str::to_owned),
                    role: *role,
                })
                .collect(),
        }
    }

    fn rights(caller: &Caller, over: Over<'_>) -> Vec<&'static str> {
        let all = Right::ALL.iter().filter(|right| caller.may(**right, over));
        all.map(|right| right.as_str()).collect()
    }

    #[test]
    fn rights_are_what_the_token_says_or_else_the_tenant() {
        let tenant = tenant();
        let here = Over::Tenant(&tenant);
        let of = |caller: &Caller| (rights(caller, here), rights(caller, Over::Everything));
        assert_eq!(of(&caller(true, &[], &[])), (vec!["view", "deploy"], vec![]));
        assert_eq!(
            of(&caller(true, &["leads"], &[])),
            (vec!["view", "deploy", "approve"], vec![])
        );
        // A machine is a member of nothing, and agrees to nothing.
        assert_eq!(of(&caller(false, &["leads"], &[])), (vec![], vec![]));
        let all = [(None, Role::Administer)];
        let but_approve = vec!["view", "deploy", "override", "administer"];
        assert_eq!(of(&caller(false, &[], &all)), (but_approve.clone(), but_approve));
        // A token with less than its person.
        let less = [(Some("payments"), Role::View)];
        assert_eq!(of(&caller(true, &["leads"], &less)), (vec!["view"], vec![]));
        let other = [(Some("orders"), Role::Administer)];
        assert_eq!(of(&caller(true, &["leads"], &other)), (vec![], vec![]));
    }

    #[test]
    fn every_right_has_a_role_and_every_role_can_look() {
        assert!(Right::ALL.iter().all(|right| !right.roles().is_empty()));
        assert!(ROLES.iter().all(|(_, rights)| rights.contains(&Right::View)));
    }
}
