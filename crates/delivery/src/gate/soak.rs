//! The gate `soak`: the artifact was ready in the stage before, without a break, for as long as this one asks.

use jiff::{SignedDuration, Timestamp};

use super::{Case, Closed, Decision};
use crate::{command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let Some(before) = &case.stage.spec.after else {
        return Decision::open();
    };
    if case.is_back() {
        return Decision::open();
    }
    let Some(needed) = kinds::duration(&case.stage.spec.gates.soak_before) else {
        let message = format!("the soak of {} can't be read", case.to());
        return Closed::new(reason::MISTAKE, message).refused();
    };
    let name = case.artifact.name();
    let soaked = case.artifact.object.status.soaked.iter();
    let soaked = soaked
        .filter(|one| one.stage == *before)
        .map(|one| one.seconds)
        .max();
    let soaked = soaked.map(|seconds| SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX)));
    if soaked.is_some_and(|soaked| soaked >= needed) {
        return Decision::open();
    }
    match case.world.current(case.name, before) {
        Some(current) if current.artifact == name => there(case, before, current.ready_since, needed),
        _ if case.world.had(case.name, before, name) => left(case, before, needed),
        _ => {
            let version = case.artifact.version();
            let closed = Closed::new(
                reason::NOT_THERE_BEFORE,
                format!("{version} is not in {before} yet"),
            );
            let command = command::promote(case.name, version, before);
            closed.opened_by(case.whoever_may("deploy"), command).waiting()
        }
    }
}

fn there(case: &Case<'_>, before: &str, ready_since: Option<Timestamp>, needed: SignedDuration) -> Decision {
    let version = case.artifact.version();
    let Some(since) = ready_since else {
        let message = format!("{version} is not ready in {before}");
        let command = command::explain("application", case.name);
        return Closed::new(reason::NOT_READY_BEFORE, message)
            .opened_by(case.whoever_may("deploy"), command)
            .waiting();
    };
    let until = since.checked_add(needed).unwrap_or(Timestamp::MAX);
    if case.now >= until {
        return Decision::open();
    }
    let message = format!(
        "{version} is ready in {before} since {since}, and has to be for {}",
        case.stage.spec.gates.soak_before
    );
    Closed::new(reason::SOAKING, message)
        .since(Some(since))
        .until(Some(until))
        .waiting()
}

/// It was there, and is no longer; how long was not enough, or nobody knows.
fn left(case: &Case<'_>, before: &str, needed: SignedDuration) -> Decision {
    if needed.is_zero() {
        return Decision::open();
    }
    let version = case.artifact.version();
    let message = format!(
        "{version} left {before} before it had been ready there for {}; promote what is there now",
        case.stage.spec.gates.soak_before
    );
    let there = case.world.current(case.name, before);
    let there = there.and_then(|current| case.world.artifact(case.name, &current.artifact));
    let command = there.map_or_else(
        || command::promote(case.name, version, before),
        |there| command::promote(case.name, there.version(), case.to()),
    );
    Closed::new(reason::LEFT_TOO_EARLY, message)
        .opened_by(case.whoever_may("deploy"), command)
        .refused()
}
