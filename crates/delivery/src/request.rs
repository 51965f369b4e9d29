//! What a person's request comes to where he left something open, and whether his word would count.
//!
//! The gates decide what is carried out; here it is only said early what they would say for ever.

use crate::gate::{Case, Closed, windows_on};
use crate::world::{Published, World, is_reachable};
use crate::{Name, reason};

/// The version that a stage gets when nobody names one: the newest that is not blocked, and was in the stage before.
#[must_use]
pub fn newest_for<'a>(world: &'a World, application: &Name, stage: &str) -> Option<&'a Published> {
    let stage = world.stage(stage).filter(|stage| is_reachable(world, stage))?;
    world.newest_first(application).find(|one| {
        let before = stage.spec.after.as_ref();
        let was_before = before.is_none_or(|before| world.had(application, before, one.name()));
        one.object.spec.blocked.is_none() && was_before
    })
}

/// What a rollback goes to when nobody names a version: what a promotion that is under way found there, otherwise what was there
/// before the present one. Blocked versions are passed over.
#[must_use]
pub fn back_to<'a>(world: &'a World, application: &Name, stage: &str) -> Option<&'a Published> {
    let current = world.current(application, stage)?;
    let there = world.artifact(application, &current.artifact);
    let is_open = |one: &&Published| one.object.spec.blocked.is_none();
    let highest = crate::gate::highest(world, application, stage)?;
    if let Some(there) = there.filter(is_open).filter(|there| there.order < highest.order) {
        return Some(there);
    }
    let below = there.map_or(&highest.order, |there| &there.order);
    let brought = world.promotion(&application.beside(&current.promotion));
    let previous = brought.and_then(|one| world.artifact(application, &one.status.previous));
    previous
        .filter(|one| one.order < *below)
        .filter(is_open)
        .or_else(|| {
            let mut older = world
                .newest_first(application)
                .skip_while(|one| one.order >= *below);
            older.find(|one| is_open(one) && world.had(application, stage, one.name()))
        })
}

/// Whether somebody of these groups may let a promotion through every freeze that is on. A window that names groups is theirs;
/// any other is for whoever may override.
///
/// # Errors
/// Who may instead.
pub fn may_let_through(case: &Case<'_>, groups: &[String], may_override: bool) -> Result<(), Box<Closed>> {
    let on = windows_on(case);
    if on.is_empty() && !may_override {
        let closed = Closed::new(reason::FROZEN, "no freeze is on");
        return Err(Box::new(closed.opened_by(case.whoever_may("override"), "")));
    }
    for (name, window) in on {
        let named = &window.object.spec.overridable_by;
        let may = match named.is_empty() {
            true => may_override,
            false => named.iter().any(|group| groups.contains(group)),
        };
        if !may {
            let who = match named.is_empty() {
                true => case.whoever_may("override"),
                false => format!("members of {}", named.join(" or ")),
            };
            let message = format!("{who} let something through the freeze {name}, and nobody else");
            return Err(Box::new(Closed::new(reason::FROZEN, message).opened_by(who, "")));
        }
    }
    Ok(())
}

/// Whether the word of somebody of these groups on a promotion counts.
///
/// # Errors
/// Whose does.
pub fn may_agree(case: &Case<'_>, groups: &[String], may_approve: bool) -> Result<(), Box<Closed>> {
    let asked = case.stage.spec.gates.approvals.as_ref();
    let named = asked.map(|asked| asked.groups.as_slice()).unwrap_or_default();
    let may = match named.is_empty() {
        true => may_approve,
        false => named.iter().any(|group| groups.contains(group)),
    };
    if may {
        return Ok(());
    }
    let who = match named.is_empty() {
        true => case.whoever_may("approve"),
        false => format!("members of {}", named.join(" and ")),
    };
    let message = format!("{who} agree to what goes into {}, and nobody else", case.to());
    Err(Box::new(
        Closed::new(reason::NEEDS_APPROVAL, message).opened_by(who, ""),
    ))
}
