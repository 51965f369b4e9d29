//! The deletion brake of a stage: how much one release may delete, and how many releases may lose objects within an hour.
//!
//! A mistake in a library chart or in values deletes the same thing everywhere. The brake stops the wave after a few.

use jiff::Timestamp;
use kinds::ClusterPlan;

use crate::gate::{Case, Closed, Decision};
use crate::world::HOUR;
use crate::{command, reason};

/// Decides whether what a plan deletes may go. The gate asks before a promotion begins, and whoever carries it out when it
/// is known what a cluster would lose.
///
/// Guarantees: open where a person agreed to the deletions of the plan with this digest.
#[must_use]
pub fn decide(case: &Case<'_>, plan: &[ClusterPlan], digest: &str) -> Decision {
    if plan.iter().all(|one| one.deletes == 0) {
        return Decision::open();
    }
    let agreed = case
        .promotion
        .status
        .approvals
        .iter()
        .find(|one| one.approved && one.deletions && one.plan_digest == digest);
    if let Some(agreed) = agreed {
        return Decision::open_because(format!("{} agreed to what it deletes", agreed.by));
    }
    one_release(case, plan)
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
    let message = format!(
        "{} releases of {} lost objects within an hour, this one would be {losing} more, and {limit} go unasked",
        lost.len(),
        case.to()
    );
    let command = command::approve_deletions(&case.own_name());
    let closed = Closed::new(reason::BRAKED, message).opened_by(case.whoever_may("approve"), command);
    Some(match opens(case, losing) {
        Some(until) => closed.until(Some(until)).waiting(),
        None => closed.refused(),
    })
}
