//! The gate `freeze`: no freeze window is on, or somebody let the promotion through those that are, with a reason.
//!
//! A word is for the windows that were on when it was said, and for that time of each. Whoever wrote a window that begins later
//! did not know of it, and neither did whoever said it know of the window.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kinds::LetThrough;

use super::{Case, Closed, Decision};
use crate::window::{Span, Window};
use crate::{Name, command, reason};

/// Windows that follow on each other are gone through so often to find when nothing is frozen. Beyond it nobody plans.
const IN_A_ROW: usize = 64;

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let windows = windows(case);
    let (passed, on): (Vec<_>, Vec<_>) = windows_on(case)
        .into_iter()
        .partition(|(name, window)| is_passed(case, name, window, case.now));
    let Some((_, first)) = on.first() else {
        return open(case, &passed);
    };
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
    match thaw(case, &windows) {
        Some(until) => closed.until(Some(until)).waiting(),
        None => closed.refused(),
    }
}

/// No window is on that it was not let through.
fn open(case: &Case<'_>, passed: &[(&Name, &Window)]) -> Decision {
    let names: Vec<String> = passed.iter().map(|(name, _)| name.to_string()).collect();
    match &case.promotion.spec.overridden {
        Some(word) if !names.is_empty() => Decision::open_because(format!(
            "{} lets it through {}: {}",
            word.by,
            names.join(" and "),
            word.reason
        )),
        _ => Decision::open(),
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
    all.any(|(one, window)| one == name && stops(case, one, window, case.now))
}

/// What a word of now lets a promotion through: the windows that are on, each for the time that it is on.
pub(crate) fn let_through(on: &[(&Name, &Window)], now: Timestamp) -> Vec<LetThrough> {
    let one = |(name, window): &(&Name, &Window)| through(name, window.on(now));
    on.iter().map(one).collect()
}

fn through(name: &Name, span: Option<Span>) -> LetThrough {
    LetThrough {
        window: name.to_string(),
        from: span.map(|span| span.from.to_string()),
        to: span.map(|span| span.to.to_string()),
    }
}

/// Whether somebody let the promotion through a window, for the time at which this moment is.
fn is_passed(case: &Case<'_>, name: &Name, window: &Window, at: Timestamp) -> bool {
    let word = case.promotion.spec.overridden.as_ref();
    word.is_some_and(|word| word.windows.contains(&through(name, window.on(at))))
}

fn stops(case: &Case<'_>, name: &Name, window: &Window, at: Timestamp) -> bool {
    is_on(window, at) && !is_passed(case, name, window, at)
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
    let is_whose = if name.namespace == case.world.system_namespace() {
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

/// The first moment from now at which none of these stops the promotion.
fn thaw(case: &Case<'_>, windows: &[(&Name, &Window)]) -> Option<Timestamp> {
    let mut at = case.now;
    for _ in 0..IN_A_ROW {
        let on: Vec<&Window> = windows
            .iter()
            .filter(|(name, window)| stops(case, name, window, at))
            .map(|(_, window)| *window)
            .collect();
        if on.is_empty() {
            return Some(at);
        }
        let ends: Option<Vec<Timestamp>> = on.iter().map(|window| Some(window.on(at)?.to)).collect();
        at = ends?.into_iter().max().filter(|end| *end > at)?;
    }
    None
}
