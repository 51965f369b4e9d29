//! The commands that messages name, in one place, so that a message never names one that is written otherwise.

use crate::Name;

#[must_use]
pub fn promote(application: &Name, version: &str, stage: &str) -> String {
    format!("shipway promote {application} --version {version} --to {stage}")
}

#[must_use]
pub fn approve(promotion: &Name) -> String {
    format!("shipway approve {promotion}")
}

/// Also agrees to what is deleted.
#[must_use]
pub fn approve_deletions(promotion: &Name) -> String {
    format!("shipway approve {promotion} --confirm-deletions")
}

#[must_use]
pub fn abort(promotion: &Name) -> String {
    format!("shipway abort {promotion}")
}

#[must_use]
pub fn retry(promotion: &Name) -> String {
    format!("shipway retry {promotion}")
}

#[must_use]
pub fn rollback(application: &Name, stage: &str) -> String {
    format!("shipway rollback {application} --stage {stage}")
}

/// Lets an application go that is held.
#[must_use]
pub fn let_go(application: &Name, stage: &str) -> String {
    format!("shipway hold {application} --stage {stage} --off")
}

#[must_use]
pub fn unblock(application: &Name, version: &str) -> String {
    format!("shipway block {application} --version {version} --off")
}

/// Says that a version can be gone back past.
#[must_use]
pub fn reversible(application: &Name, version: &str) -> String {
    format!("shipway block {application} --version {version} --irreversible --off")
}

/// Lets a promotion through a freeze window.
#[must_use]
pub fn override_freeze(promotion: &Name) -> String {
    format!("shipway promote {promotion} --override-freeze --reason TEXT")
}

#[must_use]
pub fn explain(what: &str, name: &Name) -> String {
    format!("shipway explain {what} {name}")
}
