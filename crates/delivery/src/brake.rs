//! The deletion brake of a stage: how much one release may delete, and how many releases may lose objects within an hour.
//!
//! A mistake in a library chart or in values deletes the same thing everywhere. The brake stops the wave after a few. What takes
//! along what is in it never goes unasked.

use jiff::Timestamp;
use kinds::ClusterPlan;

use crate::gate::{self, Case, Closed, Decision};
use crate::world::{HOUR, UNDER_WAY};
use crate::{command, reason};

/// Decides whether what a plan deletes may go. The gate asks when a plan is shown, and [`crate::admit`] when it is known what
/// every cluster would lose. Whoever carries it out deletes no more than was admitted.
///
/// Guarantees: open where a person whose word counts agreed to the deletions of the plan with this digest.
#[must_use]
pub fn decide(case: &Case<'_>, plan: &[ClusterPlan], digest: &str) -> Decision {
    if plan.iter().all(|one| one.deletes == 0) {
        return Decision::open();
    }
    if let Some(agreed) = gate::confirmed(case, digest) {
        return Decision::open_because(format!("{} agreed to what it deletes", agreed.by));
    }
    precious(case, plan)
        .or_else(|| one_release(case, plan))
        .or_else(|| whole_stage(case, plan))
        .unwrap_or_else(Decision::open)
}

/// Whether no further release of the stage may lose objects without being looked at.
pub(crate) fn is_full(case: &Case<'_>) -> bool {
    let limit = case.stage.spec.deletion_brake.releases_per_hour as usize;
    case.world.losses(case.to(), case.now).len() >= limit
}

/// When one more release may lose objects again; for who waits for it.
pub(crate) fn opens(case: &Case<'_>, losing: usize) -> Option<Timestamp> {
    let limit = case.stage.spec.deletion_brake.releases_per_hour as usize;
    let mut times: Vec<Timestamp> = case.world.losses(case.to(), case.now).into_values().collect();
    times.sort_unstable();
    let too_many = (times.len() + losing).checked_sub(limit)?;
    let last = times.get(too_many.checked_sub(1)?)?;
    last.checked_add(HOUR).ok()
}

fn precious(case: &Case<'_>, plan: &[ClusterPlan]) -> Option<Decision> {
    // As many as a sentence can have.
    const NAMED: usize = 3;
    let one = plan.iter().find(|one| !one.precious.is_empty())?;
    let mut names = one
        .precious
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = one.precious.len().checked_sub(NAMED).filter(|more| *more > 0) {
        names += &format!(" and {more} more");
    }
    let message = format!(
        "it would delete {names} in {}, and what is in there with it",
        one.cluster
    );
    let command = command::approve_deletions(&case.own_name());
    let closed = Closed::new(reason::BRAKED, message);
    Some(closed.opened_by(case.whoever_may("approve"), command).refused())
}

fn one_release(case: &Case<'_>, plan: &[ClusterPlan]) -> Option<Decision> {
    let brake = &case.stage.spec.deletion_brake;
    let is_over = |one: &&ClusterPlan| {
        let share = u64::from(brake.percent) * u64::from(one.objects);
        one.deletes > brake.objects || u64::from(one.deletes) * 100 > share
    };
    let over = plan.iter().filter(|one| one.deletes > 0).find(is_over)?;
    let message = format!(
        "it would delete {} of {} objects in {}, and no more than {} objects or {} percent go unasked",
        over.deletes, over.objects, over.cluster, brake.objects, brake.percent
    );
    let command = command::approve_deletions(&case.own_name());
    let closed = Closed::new(reason::BRAKED, message);
    Some(closed.opened_by(case.whoever_may("approve"), command).refused())
}

fn whole_stage(case: &Case<'_>, plan: &[ClusterPlan]) -> Option<Decision> {
    let limit = case.stage.spec.deletion_brake.releases_per_hour as usize;
    let lost = case.world.losses(case.to(), case.now);
    let losing = plan.iter().filter(|one| one.deletes > 0);
    let losing = losing
        .filter(|one| !lost.contains_key(&(case.name, one.cluster.as_str())))
        .count();
    if losing == 0 || lost.len() + losing <= limit {
        return None;
    }
    let is_under_way = lost.values().any(|at| *at == UNDER_WAY);
    let message = format!(
        "{} releases of {} lost objects within an hour{}, this one would be {losing} more, and {limit} go unasked",
        lost.len(),
        case.to(),
        if is_under_way { " or are about to" } else { "" }
    );
    let command = command::approve_deletions(&case.own_name());
    let closed = Closed::new(reason::BRAKED, message).opened_by(case.whoever_may("approve"), command);
    Some(match opens(case, losing) {
        Some(until) => closed.until(Some(until)).waiting(),
        // Nobody knows when those end that are under way.
        None if is_under_way && losing <= limit => closed.waiting(),
        None => closed.refused(),
    })
}
