//! The gate `verification`: the archive is what was published and signed, and its commit passed the level that the stage asks.
//!
//! The `Verification` counts while it is there; after that, what the signed statement says of it. Of what is going back only
//! the archive is looked at: it was let in before.

use kinds::condition::Condition;
use kinds::condition::{PASSED, VERIFIED, reason as why};
use kinds::{Level, Object, Verdict, Verification};
use objects::time;

use super::{Case, Closed, Decision};
use crate::{command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let conditions = &case.artifact.object.status.conditions;
    let signed = conditions.iter().find(|one| one.kind == VERIFIED);
    let archive = archive(case, signed);
    match (archive, case.is_back()) {
        (Some(closed), _) => closed,
        (None, true) => Decision::open(),
        (None, false) => level(case, signed),
    }
}

/// What is wrong with the archive or its signature.
fn archive(case: &Case<'_>, signed: Option<&Condition>) -> Option<Decision> {
    let version = case.artifact.version();
    let command = command::explain("artifact", &case.name.beside(case.artifact.name()));
    let since = signed.and_then(|one| time::parse(&one.last_transition_time));
    let closed = |reason: &'static str, message: String| {
        let who = case.whoever_may("publish");
        Closed::new(reason, message).since(since).opened_by(who, &command)
    };
    let is_needed = case.stage.spec.gates.provenance && !case.is_back();
    match signed {
        Some(one) if one.status == "False" && one.reason == why::DIGEST_DIFFERS => {
            let message = format!("the archive of {version} is not what was published");
            Some(closed(reason::DIGEST_DIFFERS, message).refused())
        }
        Some(one) if one.status == "False" && is_needed => {
            let message = format!("nobody who is trusted signed {version}");
            Some(closed(reason::NO_PROVENANCE, message).refused())
        }
        Some(one) if one.status == "True" => None,
        _ if is_needed => {
            let message = format!("the signature of {version} is being looked at");
            Some(closed(reason::NO_PROVENANCE, message).waiting())
        }
        _ => None,
    }
}

/// Whether the commit passed the level that the stage asks for.
fn level(case: &Case<'_>, signed: Option<&Condition>) -> Decision {
    let needed = case.stage.spec.gates.verification;
    let origin = &case.artifact.object.spec.origin;
    let refuse = |message: String| {
        let command = command::explain("artifact", &case.name.beside(case.artifact.name()));
        Closed::new(reason::NOT_VERIFIED, message)
            .opened_by(case.whoever_may("publish"), command)
            .refused()
    };
    let version = case.artifact.version();
    let Some(name) = &origin.verification else {
        return refuse(format!(
            "nobody verified {version}, and {} asks for {needed:?}",
            case.to()
        ));
    };
    if let Some(verification) = case.world.verification(&case.name.beside(name)) {
        let spec = &verification.spec;
        if spec.application != case.name.name || spec.commit != origin.commit {
            return refuse(format!("the verification {name} is about something else"));
        }
        return passed(case, verification, needed);
    }
    let is_signed = signed.is_some_and(|one| one.status == "True");
    match origin.level.filter(|_| is_signed) {
        Some(level) if level >= needed => {
            Decision::open_because(format!("the signed statement says that it passed {level:?}"))
        }
        Some(level) => refuse(format!(
            "{version} passed {level:?}, and {} asks for {needed:?}",
            case.to()
        )),
        None => refuse(format!(
            "the verification {name} of {version} is gone, and no signed statement says what it passed"
        )),
    }
}

fn passed(case: &Case<'_>, verification: &Object<Verification>, needed: Level) -> Decision {
    let name = case.name.beside(&verification.metadata.name);
    let command = command::explain("verification", &name);
    let closed = |reason: &'static str, message: String| {
        Closed::new(reason, message).opened_by(case.whoever_may("publish"), &command)
    };
    let conditions = &verification.status.conditions;
    let passed = conditions.iter().find(|one| one.kind == PASSED);
    match passed.map(|one| one.status.as_str()) {
        Some("True") => {}
        Some("False") => {
            let message = format!(
                "the verification {} has findings that forbid it",
                verification.metadata.name
            );
            return closed(reason::NOT_VERIFIED, message).refused();
        }
        _ => {
            let message = format!("the verification {} is under way", verification.metadata.name);
            return closed(reason::VERIFICATION_RUNS, message).waiting();
        }
    }
    let levels = [Level::L1, Level::L2, Level::L3];
    let missing = levels
        .into_iter()
        .filter(|level| *level <= needed)
        .find(|level| !has_passed(case, verification, *level));
    match missing {
        None => Decision::open(),
        Some(level) => {
            let message = format!(
                "{} did not pass {level:?} with the values of {}, which asks for {needed:?}",
                case.artifact.version(),
                case.to()
            );
            closed(reason::NOT_VERIFIED, message).refused()
        }
    }
}

/// A level has passed for a stage when there is a result of it for the stage, or for all of them, and none is another.
fn has_passed(case: &Case<'_>, verification: &Object<Verification>, level: Level) -> bool {
    let results = verification
        .status
        .results
        .iter()
        .filter(|one| one.level == level);
    let mut of_stage = results
        .filter(|one| one.stage.is_empty() || one.stage == case.to())
        .peekable();
    of_stage.peek().is_some() && of_stage.all(|one| one.result == Verdict::Passed)
}
