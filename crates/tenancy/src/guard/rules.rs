//! The rules, by theme; a list each, joined here in the order in which they are told.
//!
//! One expression is evaluated by the guard on a chart and by the API server on a request, so it uses what both have:
//! optional fields as `it.?field`, no functions but CEL's own and Kubernetes'. It compares with the type it expects, so that
//! a value of another type is an error and not a pass.

mod access;
mod cluster;
mod network;
mod pod;
mod routes;
mod storage;

use manifest::Severity;

use super::rule::{HeldBy, Look, Part, Rule};

/// What no rule can be decided on.
pub static UNREADABLE: Rule = Rule {
    id: "unreadable",
    title: "An object of another shape",
    severity: Severity::Error,
    looks: &[],
    message: "is not of the shape that its kind has",
    cure: "write the field as the kind's reference has it",
    why: "What can't be read can't be judged. The API server refuses the object too, or the policies do, which fail closed.",
    held_by: &[HeldBy::Validation, HeldBy::Policy],
};

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> + Clone {
    [
        cluster::RULES,
        pod::RULES,
        pod::SECURITY,
        storage::RULES,
        network::RULES,
        routes::RULES,
        access::RULES,
    ]
    .into_iter()
    .flatten()
    .chain([&UNREADABLE])
}

const POLICY: &[HeldBy] = &[HeldBy::Policy];
const POLICY_AND_RIGHTS: &[HeldBy] = &[HeldBy::Policy, HeldBy::Rbac];
const POLICY_AND_LEVEL: &[HeldBy] = &[HeldBy::Policy, HeldBy::PodSecurity];
const RIGHTS: &[HeldBy] = &[HeldBy::Rbac];

const fn look(part: &'static Part, expression: &'static str, field: &'static str) -> Look {
    Look {
        part,
        expression,
        field,
    }
}
