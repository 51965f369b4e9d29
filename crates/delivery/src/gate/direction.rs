//! The gate `direction`: forward goes to what is newer, back to what was there before, and never past what can't be undone.

use kinds::Phase;

use super::{Case, Closed, Decision};
use crate::world::{Published, World};
use crate::{Name, command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let highest = highest(case.world, case.name, case.to());
    match case.is_back() {
        true => back(case, highest),
        false => forward(case, highest),
    }
}

/// The newest artifact that a stage has, or has in some of its clusters because a promotion is under way or was left.
pub(crate) fn highest<'a>(world: &'a World, application: &Name, stage: &str) -> Option<&'a Published> {
    let current = world.current(application, stage).map(|one| one.artifact);
    let left = world.left(application, stage).into_values();
    let running = world
        .promotions(application, stage)
        .filter(|one| one.status.phase == Phase::Running);
    left.chain(running)
        .map(|one| one.spec.artifact.clone())
        .chain(current)
        .filter_map(|artifact| world.artifact(application, &artifact))
        .max_by_key(|one| &one.order)
}

/// The same version again is fine: with other settings, or because a person wants it.
fn forward(case: &Case<'_>, highest: Option<&Published>) -> Decision {
    let newer = highest.filter(|there| case.artifact.order < there.order);
    let Some(newer) = newer else {
        return Decision::open();
    };
    let message = format!(
        "{} has {}, which is newer than {}; an older version comes by a rollback",
        case.to(),
        newer.version(),
        case.artifact.version()
    );
    let command = command::rollback(case.name, case.to());
    let who = case.whoever_may("deploy");
    Closed::new(reason::OLDER, message)
        .opened_by(who, command)
        .refused()
}

fn back(case: &Case<'_>, highest: Option<&Published>) -> Decision {
    let (stage, target) = (case.to(), case.artifact);
    if !case.world.had(case.name, stage, target.name()) {
        let message = format!(
            "{stage} never had {}; a rollback goes to what it had, a promotion to any other",
            target.version()
        );
        let command = command::promote(case.name, target.version(), stage);
        return Closed::new(reason::NEVER_THERE, message)
            .opened_by(case.whoever_may("deploy"), command)
            .refused();
    }
    let Some(highest) = highest.filter(|highest| target.order < highest.order) else {
        let message = format!("{stage} has nothing that is newer than {}", target.version());
        return Closed::new(reason::NOT_BACK, message).refused();
    };
    match irreversible(case, highest) {
        None => Decision::open(),
        Some(mark) => {
            let message = format!(
                "{} can't be undone, and {} is older: publish a version that mends it",
                mark.version(),
                target.version()
            );
            let command = command::reversible(case.name, mark.version());
            let who = "whoever knows that what it changed can be undone";
            Closed::new(reason::IRREVERSIBLE, message)
                .opened_by(who, command)
                .refused()
        }
    }
}

/// The newest irreversible version between the target and what the stage has. Those that the stage skipped count too: a later
/// version brings what they changed.
fn irreversible<'a>(case: &Case<'a>, highest: &Published) -> Option<&'a Published> {
    let newest_first = case.world.newest_first(case.name);
    newest_first
        .skip_while(|one| one.order > highest.order)
        .take_while(|one| one.order > case.artifact.order)
        .find(|one| one.object.spec.irreversible)
}
