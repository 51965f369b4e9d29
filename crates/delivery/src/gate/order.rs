//! The gate `order`: the applications that this one comes after are in the stage, and have what was published of the same commit.

use std::collections::BTreeSet;

use super::{Case, Closed, Decision};
use crate::world::{Published, is_live};
use crate::{Name, command, reason};

/// A circle is looked for among so many applications: an application names 16 at most, and chains are short.
const LOOKED_AT: usize = 1_000;

pub(super) fn decide(case: &Case<'_>) -> Decision {
    if case.is_back() {
        return Decision::open();
    }
    let after = &case.application.spec.after;
    if !after.is_empty() && comes_after_itself(case) {
        let message = format!("{} comes after itself, by way of those in `after`", case.name);
        let command = format!(
            "kubectl edit application {} -n {}",
            case.name.name, case.name.namespace
        );
        return Closed::new(reason::COMES_AFTER_ITSELF, message)
            .opened_by(case.whoever_may("deploy"), command)
            .refused();
    }
    let closed = after
        .iter()
        .find_map(|other| behind(case, &case.name.beside(other)));
    closed.unwrap_or_else(Decision::open)
}

/// What an application that comes before still lacks.
fn behind(case: &Case<'_>, other: &Name) -> Option<Decision> {
    let stage = case.to();
    if case.world.application(other).is_none() {
        let message = format!("it comes after {other}, which does not exist");
        let command = format!(
            "kubectl edit application {} -n {}",
            case.name.name, case.name.namespace
        );
        return Some(
            Closed::new(reason::NO_APPLICATION, message)
                .opened_by(case.whoever_may("deploy"), command)
                .refused(),
        );
    }
    let closed = |message: String, command: String| {
        let closed = Closed::new(reason::OTHERS_FIRST, message);
        Some(closed.opened_by(case.whoever_may("deploy"), command).waiting())
    };
    let running = case.world.promotions(other, stage).find(|one| {
        let is_due = same_commit(case, other).is_some_and(|due| due.name() == one.spec.artifact);
        is_live(one) && (is_due || one.status.phase == kinds::Phase::Running)
    });
    if let Some(running) = running {
        let name = Name::of(running);
        let message = format!("{other} comes first, and {} is under way", running.metadata.name);
        return closed(message, command::explain("promotion", &name));
    }
    let due = same_commit(case, other);
    let there = case.world.current(other, stage);
    let Some(there) = there else {
        let message = format!("{other} comes first, and is not in {stage} yet");
        let version = due.map_or("VERSION", Published::version);
        return closed(message, command::promote(other, version, stage));
    };
    let due = due?;
    let there = case.world.artifact(other, &there.artifact);
    let is_behind = there.is_some_and(|there| there.order < due.order);
    is_behind.then_some(())?;
    let message = format!(
        "{other} comes first, and {} of the same commit is not in {stage} yet",
        due.version()
    );
    closed(message, command::promote(other, due.version(), stage))
}

/// What was published of another application from the commit that this one is of.
fn same_commit<'a>(case: &Case<'a>, other: &Name) -> Option<&'a Published> {
    let origin = &case.artifact.object.spec.origin;
    case.world.newest_first(other).find(|one| {
        let other = &one.object.spec.origin;
        other.source == origin.source && other.commit == origin.commit
    })
}

fn comes_after_itself(case: &Case<'_>) -> bool {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&str> = case.application.spec.after.iter().map(String::as_str).collect();
    while let Some(name) = next.pop() {
        if name == case.name.name {
            return true;
        }
        if seen.len() < LOOKED_AT && seen.insert(name) {
            let other = case.world.application(&case.name.beside(name));
            next.extend(
                other
                    .into_iter()
                    .flat_map(|one| one.spec.after.iter().map(String::as_str)),
            );
        }
    }
    false
}
