//! Who attacks: a stand-in for everybody that a tenant's manifest names, and its deploy identity.

use kinds::{Member, Object, Role, Tenant};

use super::PROBE;
use crate::names::deploy_identity;

/// Somebody of a tenant, to act as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// As reports call it: `Deploy`, `deploy identity`.
    pub role: &'static str,
    pub user: String,
    /// None for the deploy identity, to which the API server adds its own.
    pub groups: Vec<String>,
}

/// Somebody of each role that a tenant has, and the deploy identity. Left out are those who belong to the victim too: what
/// they may do there they were given.
pub(super) fn all(tenant: &Object<Tenant>, victim: Option<&Object<Tenant>>) -> Vec<Who> {
    let mut all = everybody(tenant, victim);
    all.dedup_by_key(|who| who.role);
    all
}

/// Every member, by role, and the deploy identity.
pub(super) fn everybody(tenant: &Object<Tenant>, victim: Option<&Object<Tenant>>) -> Vec<Who> {
    let is_both = |member: &Member| {
        let others = victim
            .map(|victim| victim.spec.members.as_slice())
            .unwrap_or_default();
        others
            .iter()
            .any(|other| other.user == member.user && other.group == member.group)
    };
    let mut members: Vec<&Member> = tenant
        .spec
        .members
        .iter()
        .filter(|member| !is_both(member))
        .collect();
    members.sort_by_key(|member| member.role);
    let identity = Who {
        role: "deploy identity",
        user: deploy_identity(&tenant.metadata.name),
        groups: Vec::new(),
    };
    members
        .into_iter()
        .filter_map(stand_in)
        .chain([identity])
        .collect()
}

/// A member to act as: a user himself, of a group somebody who has no other right.
fn stand_in(member: &Member) -> Option<Who> {
    let role = match member.role {
        Role::View => "View",
        Role::Approve => "Approve",
        Role::Override => "Override",
        Role::Deploy => "Deploy",
        Role::Administer => "Administer",
    };
    let (user, groups) = match (&member.user, &member.group) {
        (Some(user), _) => (user.clone(), Vec::new()),
        (None, Some(group)) => (PROBE.to_owned(), vec![group.clone()]),
        (None, None) => return None,
    };
    Some(Who { role, user, groups })
}

impl Who {
    /// Whether it may make pods in its own namespaces.
    pub(super) fn deploys(&self) -> bool {
        self.role != "View"
    }
}
