//! What a tenant's objects may not do: one table of rules, held against a rendered chart, and made into admission policies.
//!
//! ```text
//!                   ┌─ check: chart's objects + Facts ──► every Finding: check id, object, line, cure
//! rules ──► looks ──┤
//!                   └─ policies: ValidatingAdmissionPolicies and their bindings, for the cluster
//! ```
//!
//! The cluster refuses what the guard finds, whoever brings it: each rule says what holds it there. The guard tells it
//! earlier, all at once, and with the line. It decides nothing else: whether a finding stops a release is the caller's.
//! Deliberately absent: reading the cluster; exceptions, which would be a way around the cluster's policies.

mod check;
mod facts;
mod page;
mod part;
mod policy;
mod rule;
mod rules;
mod scope;

pub use check::Guard;
pub use facts::Facts;
pub use page::page;
pub use policy::policies;
pub use rule::{HeldBy, Look, Part, Resource, Rule, Scope};
pub use rules::all as rules;
