//! What a person's request comes to where he left something open, and whether his word would count.
//!
//! The gates decide what is carried out; here it is only said early what they would say for ever.

use kinds::{FreezeWindow, LetThrough, Object};

use crate::gate::{Case, Closed, let_through, windows_on};
use crate::world::{Published, World, is_reachable};
use crate::{Name, Window, reason};

/// A promotion keeps so many windows that it is let through.
const MOST_WINDOWS: usize = 64;

/// The version that a stage gets when nobody names one: the newest that is not blocked, and was in the stage before without being
/// taken back there.
#[must_use]
pub fn newest_for<'a>(world: &'a World, application: &Name, stage: &str) -> Option<&'a Published> {
    let stage = world.stage(stage).filter(|stage| is_reachable(world, stage))?;
    world.newest_first(application).find(|one| {
        let before = stage.spec.after.as_ref();
        let was_before = before.is_none_or(|before| {
            world.had(application, before, one.name()) && world.taken_back(application, before, one).is_none()
        });
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

/// What the word of somebody of these groups lets a promotion through: every freeze that is on, for the time that it is on. A
/// window that names groups is theirs; any other is for whoever may override.
///
/// # Errors
/// Who may instead, or that no freeze is on ([`reason::NO_FREEZE`]).
pub fn may_let_through(
    case: &Case<'_>,
    groups: &[String],
    may_override: bool,
) -> Result<Vec<LetThrough>, Box<Closed>> {
    let mut on = windows_on(case);
    // What is beyond stays closed.
    on.truncate(MOST_WINDOWS);
    if on.is_empty() {
        let message = format!(
            "no freeze is on for {} that it could be let through",
            case.own_name()
        );
        let cure = "ask without --override-freeze; when a freeze begins, it waits and says so";
        return Err(Box::new(
            Closed::new(reason::NO_FREEZE, message).opened_by(cure, ""),
        ));
    }
    for (name, window) in &on {
        may_open(case.world, name, window, (groups, may_override))?;
    }
    Ok(let_through(&on, case.now))
}

/// Whether somebody of these groups may end a freeze, as whoever may let something through it.
///
/// # Errors
/// Who may instead.
pub fn may_end(
    world: &World,
    window: &Object<FreezeWindow>,
    groups: &[String],
    may_override: bool,
) -> Result<(), Box<Closed>> {
    may_open(
        world,
        &Name::of(window),
        &Window::of(window.clone()),
        (groups, may_override),
    )
}

fn may_open(
    world: &World,
    name: &Name,
    window: &Window,
    (groups, may_override): (&[String], bool),
) -> Result<(), Box<Closed>> {
    let named = &window.object.spec.overridable_by;
    let may = match named.is_empty() {
        true => may_override,
        false => named.iter().any(|group| groups.contains(group)),
    };
    if may {
        return Ok(());
    }
    let who = match (named.is_empty(), world.tenant_of(&name.namespace)) {
        (false, _) => format!("members of {}", named.join(" or ")),
        (true, Some(tenant)) => format!("whoever may override for {}", tenant.metadata.name),
        (true, None) => "whoever may override for everybody".to_owned(),
    };
    let message = format!("the freeze {name} is opened by {who}, and nobody else");
    Err(Box::new(Closed::new(reason::FROZEN, message).opened_by(who, "")))
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
