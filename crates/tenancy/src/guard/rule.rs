//! What a rule is made of, and where it looks.
//!
//! ```text
//! Rule ──looks──► Part (paths) ──► Scope (kinds; one policy) ──► `it` in the expression
//! ```
//!
//! Only the form stands here: the rules themselves are in `rules`, what is done with them in `check` and `policy`.

use manifest::Severity;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Never changed nor reused: people write it into exceptions and searches.
    pub id: &'static str,
    pub title: &'static str,
    /// An error is refused, a warning told and let through. No rule is a mere note: policies can't tell one.
    pub severity: Severity,
    pub looks: &'static [Look],
    /// What is the matter with a part that does not hold, lower case, without the part's name.
    pub message: &'static str,
    /// What to write instead.
    pub cure: &'static str,
    /// Why it is a way out of the tenant.
    pub why: &'static str,
    /// What stops the same object in the cluster, whoever brings it.
    pub held_by: &'static [HeldBy],
}

/// One look at an object.
#[derive(Debug)]
pub struct Look {
    pub part: &'static Part,
    /// CEL. Holds for what is fine. Sees `it`, `object`, `namespaceObject` and `variables`: those of `VARIABLES`, and
    /// the scope's own.
    pub expression: &'static str,
    /// The field of the part that a finding points to.
    pub field: &'static str,
}

/// A part of an object.
#[derive(Debug)]
pub struct Part {
    /// As people call it.
    pub name: &'static str,
    pub scope: &'static Scope,
    /// Ways from the scope's subject to the part: names of fields, `[]` for each item of a list.
    pub paths: &'static [&'static str],
}

/// Kinds that are looked at in the same way; each that the cluster asks about is a policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    /// The policy is `shipway-tenants-NAME`.
    pub name: &'static str,
    /// What the paths of parts begin at, as `variables.SUBJECT`.
    pub subject: &'static str,
    /// The subject of an object `x`.
    pub of: &'static str,
    pub resources: &'static [Resource],
    pub operations: &'static [&'static str],
    /// What of an object `x` is compared with the old one: when it is the same, a change is not asked about, so that what
    /// was there before a rule can still be labelled, scaled and deleted. Empty: always asked.
    pub compared: &'static str,
    /// Who is not asked, beside those who may administer tenants. A condition of the policy that says who *is* asked.
    pub asked: &'static str,
}

/// A kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// `*` is every group.
    pub group: &'static str,
    pub plural: &'static str,
    /// Empty is every kind.
    pub kind: &'static str,
    /// The way to the subject.
    pub root: &'static str,
    /// Instead of the scope's.
    pub operations: &'static [&'static str],
}

/// What stops an object in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBy {
    /// A ValidatingAdmissionPolicy made from the rule.
    Policy,
    /// Nobody of the tenant has the right.
    Rbac,
    /// The namespace's ResourceQuota.
    Quota,
    /// The namespace's Pod Security level, for pods.
    PodSecurity,
    /// The API server's own validation.
    Validation,
}

/// What every rule may ask of the tenant, made from the namespace alone: the API server hands the namespace to a policy,
/// the guard makes the same one from the Tenant.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "tenant",
        "namespaceObject.metadata.?labels[?'shipway.dev/tenant'].orValue('')",
    ),
    // `namespace` is a reserved word of CEL.
    ("home", "namespaceObject.metadata.name"),
    (
        "hosts",
        "namespaceObject.metadata.?annotations[?'shipway.dev/hosts'].orValue('').split(',').map(h, h.trim())\
         .filter(h, h != '')",
    ),
    (
        "level",
        "namespaceObject.metadata.?labels[?'pod-security.kubernetes.io/enforce'].orValue('restricted')",
    ),
];

/// What only the guard knows: it looks before the object is in the cluster.
pub const GUARD_VARIABLES: &[&str] = &["namespaces", "loadBalancers", "nodePorts"];

impl Rule {
    /// Whether a policy is made from it.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.held_by.contains(&HeldBy::Policy)
    }
}

impl Resource {
    /// Whether an object of a group and kind is one of it.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        (self.group == "*" || self.group == group) && (self.kind.is_empty() || self.kind == kind)
    }
}

impl HeldBy {
    /// As documents say it.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Rbac => "rights",
            Self::Quota => "quota",
            Self::PodSecurity => "Pod Security",
            Self::Validation => "validation",
        }
    }
}
