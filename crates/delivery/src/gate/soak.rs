//! The gate `soak`: the artifact was ready in the stage before, without a break, for as long as this one asks, and was not taken
//! back there.

use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Promotion};

use super::{Case, Closed, Decision};
use crate::world::moment;
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
    if let Some(back) = case.world.taken_back(case.name, before, case.artifact) {
        return taken_back(case, before, back);
    }
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
    Closed::new(reason::LEFT_TOO_EARLY, message)
        .opened_by(case.whoever_may("deploy"), promote_there(case, before))
        .refused()
}

/// Somebody saw it in the stage before, and went back. However long it soaked, it goes no further until it is there again.
fn taken_back(case: &Case<'_>, before: &str, back: &Object<Promotion>) -> Decision {
    let version = case.artifact.version();
    let mut message = format!("{} took {version} back in {before}", back.spec.by);
    if let Some(why) = back.spec.reason.as_deref().filter(|why| !why.is_empty()) {
        message += &format!(": {why}");
    }
    message += "; promote what is there now, or bring it there again first";
    let since = moment(back.status.ended.as_ref());
    Closed::new(reason::TAKEN_BACK, message)
        .since(since)
        .opened_by(case.whoever_may("deploy"), promote_there(case, before))
        .refused()
}

/// The command that promotes what is in the stage before; where that is not known, the one that brings this there.
fn promote_there(case: &Case<'_>, before: &str) -> String {
    let there = case.world.current(case.name, before);
    let there = there.and_then(|current| case.world.artifact(case.name, &current.artifact));
    let there = there.filter(|there| there.name() != case.artifact.name());
    there.map_or_else(
        || command::promote(case.name, case.artifact.version(), before),
        |there| command::promote(case.name, there.version(), case.to()),
    )
}
