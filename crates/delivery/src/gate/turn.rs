//! The gate `turn`: no other promotion of the application is under way in the stage.

use kinds::Phase;

use super::{Case, Closed, Decision};
use crate::world::first_step;
use crate::{Name, command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let mut others = case.world.promotions(case.name, case.to());
    let running = others
        .find(|one| one.status.phase == Phase::Running && one.metadata.name != case.promotion.metadata.name);
    let Some(running) = running else {
        return Decision::open();
    };
    let name = Name::of(running);
    let message = format!("{} is under way in {}", name.name, case.to());
    Closed::new(reason::ANOTHER_RUNS, message)
        .since(first_step(running))
        .opened_by(case.whoever_may("deploy"), command::abort(&name))
        .waiting()
}
