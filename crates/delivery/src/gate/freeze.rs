//! The gate `freeze`: no freeze window is on, or somebody let the promotion through with a reason.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Case, Closed, Decision};
use crate::window::Window;
use crate::{Name, SYSTEM_NAMESPACE, command, reason};

/// Windows that follow on each other are gone through so often to find when nothing is frozen. Beyond it nobody plans.
const IN_A_ROW: usize = 64;

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let windows = windows(case);
    let on = windows_on(case);
    let Some((_, first)) = on.first() else {
        return Decision::open();
    };
    let names: Vec<String> = on.iter().map(|(name, _)| name.to_string()).collect();
    if let Some(word) = &case.promotion.spec.overridden {
        let note = format!(
            "{} lets it through {}: {}",
            word.by,
            names.join(" and "),
            word.reason
        );
        return Decision::open_because(note);
    }
    let groups: BTreeSet<&str> = on
        .iter()
        .flat_map(|(_, window)| &window.object.spec.overridable_by)
        .map(String::as_str)
        .collect();
    let who = match groups.is_empty() {
        true => case.whoever_may("override"),
        false => format!(
            "members of {}",
            groups.into_iter().collect::<Vec<&str>>().join(" or ")
        ),
    };
    let said: Vec<String> = on.iter().map(|(name, window)| message(name, window)).collect();
    let command = command::override_freeze(&case.own_name());
    let closed = Closed::new(reason::FROZEN, said.join("; "))
        .since(first.on(case.now).map(|span| span.from))
        .opened_by(who, command);
    match thaw(&windows, case.now) {
        Some(until) => closed.until(Some(until)).waiting(),
        None => closed.refused(),
    }
}

/// The windows that are for a promotion.
fn windows<'a>(case: &Case<'a>) -> Vec<(&'a Name, &'a Window)> {
    let all = case.world.windows();
    all.filter(|(name, window)| is_for(case, name, window)).collect()
}

/// The windows that are on for a promotion.
pub(crate) fn windows_on<'a>(case: &Case<'a>) -> Vec<(&'a Name, &'a Window)> {
    let all = windows(case).into_iter();
    all.filter(|(_, window)| is_on(window, case.now)).collect()
}

/// Whether a promotion may not move because of this window.
pub(crate) fn closes(case: &Case<'_>, name: &Name) -> bool {
    let mut all = windows(case).into_iter();
    all.any(|(one, window)| one == name && is_on(window, case.now))
        && case.promotion.spec.overridden.is_none()
}

/// When a window that is for a promotion begins or ends next, for who looks again then.
pub(crate) fn changes(case: &Case<'_>) -> Option<Timestamp> {
    let next = |window: &Window| {
        let on = window.on(case.now).map(|span| span.to);
        on.into_iter()
            .chain(window.next(case.now).map(|span| span.from))
            .min()
    };
    windows(case)
        .into_iter()
        .filter_map(|(_, window)| next(window))
        .min()
}

fn message(name: &Name, window: &Window) -> String {
    let why = &window.object.spec.reason;
    match window.mistake() {
        Some(mistake) => {
            format!("nobody can say when the freeze {name} is on, so it is: {mistake}; {why}")
        }
        None => format!("the freeze {name} is on: {why}"),
    }
}

/// Whether a window is for this promotion.
fn is_for(case: &Case<'_>, name: &Name, window: &Window) -> bool {
    let spec = &window.object.spec;
    let names = |list: &[String], one: &str| list.is_empty() || list.iter().any(|other| other == one);
    let tenant = case.tenant().map(|one| one.metadata.name.as_str());
    let is_whose = if name.namespace == SYSTEM_NAMESPACE {
        names(&spec.tenants, tenant.unwrap_or_default())
    } else {
        // A window in any namespace of a tenant is for the tenant.
        let owner = case.world.tenant_of(&name.namespace);
        owner.is_some_and(|owner| Some(owner.metadata.name.as_str()) == tenant)
            && names(&spec.applications, &case.name.name)
    };
    is_whose && names(&spec.stages, case.to()) && (spec.rollbacks || !case.is_back())
}

/// Whether a window is on, or nobody can say when it is.
fn is_on(window: &Window, now: Timestamp) -> bool {
    window.mistake().is_some() || window.on(now).is_some()
}

/// The first moment from now at which none of these is on.
fn thaw(windows: &[(&Name, &Window)], now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..IN_A_ROW {
        let on: Vec<&Window> = windows
            .iter()
            .map(|(_, window)| *window)
            .filter(|window| is_on(window, at))
            .collect();
        if on.is_empty() {
            return Some(at);
        }
        let ends: Option<Vec<Timestamp>> = on.iter().map(|window| Some(window.on(at)?.to)).collect();
        at = ends?.into_iter().max().filter(|end| *end > at)?;
    }
    None
}
