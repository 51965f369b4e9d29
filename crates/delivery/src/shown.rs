//! The plan that people are shown, and the digest that their agreement is bound to.
//!
//! ```text
//! Look ──► ClusterPlan of each cluster ──► status.plan + status.planDigest ◄── approvals name it
//! Begin ──► ClusterPlans, made anew ──admit──► the same digest: keep them and go on; another: show it, and wait again
//! ```

use jiff::{SignedDuration, Timestamp};
use kinds::{ClusterPlan, Direction};
use model::Digest;
use serde::Serialize;

use crate::gate::{Case, clusters, is_rejected};
use crate::world::moment;
use crate::{brake, canonical, settings_digest};

/// A plan that is shown for longer is looked at again, so that nobody reads what was true yesterday. It costs a dry run in
/// every cluster.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);

/// What a promotion would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanShown {
    /// As in `payments/api`.
    pub application: String,
    /// The artifact, by name.
    pub artifact: String,
    /// The digest of its archive.
    pub digest: String,
    pub stage: String,
    pub direction: Direction,
    /// The digest of what the application says of the stage.
    pub settings: String,
    /// What would be done in each cluster.
    pub clusters: Vec<ClusterPlan>,
}

/// Whether what is shown is what would be done, as far as the hub knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Current(Digest),
    /// With the reason, of [`crate::reason`].
    Not(&'static str),
}

/// Whether a promotion may be carried out as it is planned now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    Go,
    /// It is another plan than people agreed to, or it deletes more than may go. It is to be shown, and waits again.
    Show {
        digest: Digest,
    },
}

/// The digest of a plan: of its canonical JSON, so that the order of clusters and fields does not count.
#[must_use]
pub fn plan_digest(plan: &PlanShown) -> Digest {
    let mut plan = plan.clone();
    plan.clusters
        .sort_by(|one, other| one.cluster.cmp(&other.cluster));
    canonical::digest(&plan)
}

/// The digest under which these plans of a promotion's clusters are shown.
#[must_use]
pub fn shown_digest(case: &Case<'_>, plans: &[ClusterPlan]) -> Digest {
    plan_digest(&PlanShown {
        application: case.name.to_string(),
        artifact: case.artifact.name().to_owned(),
        digest: case.artifact.digest().to_owned(),
        stage: case.to().to_owned(),
        direction: case.promotion.spec.direction,
        settings: settings_digest(case.application, case.to()),
        clusters: plans.to_vec(),
    })
}

/// Decides, once it is known what each cluster would get, whether a promotion whose gates are open is carried out.
///
/// Assumptions: `plans` has every cluster of the promotion, made after the step `Begin` was planned.
#[must_use]
pub fn admit(case: &Case<'_>, plans: &[ClusterPlan]) -> Admitted {
    let digest = shown_digest(case, plans);
    if case.is_back() {
        return Admitted::Go;
    }
    let text = digest.to_string();
    let is_agreed = case.stage.spec.gates.approvals.is_none() || case.promotion.status.plan_digest == text;
    match is_agreed && brake::decide(case, plans, &text).is_open() {
        true => Admitted::Go,
        false => Admitted::Show { digest },
    }
}

/// Holds what is shown against what the hub knows now.
pub(crate) fn shown(case: &Case<'_>) -> Shown {
    let status = &case.promotion.status;
    if status.plan.is_empty() {
        return Shown::Not(crate::reason::NEEDED);
    }
    let mut planned: Vec<&str> = status.plan.iter().map(|one| one.cluster.as_str()).collect();
    let wanted = clusters(case.world, case.name, case.stage);
    let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    planned.sort_unstable();
    wanted.sort_unstable();
    let digest = shown_digest(case, &status.plan);
    match planned == wanted && status.plan_digest == digest.to_string() {
        true => Shown::Current(digest),
        false => Shown::Not(crate::reason::PLAN_CHANGED),
    }
}

/// Whether somebody has to see the plan before anything is done.
pub(crate) fn is_needed(case: &Case<'_>) -> bool {
    let is_asked = case.stage.spec.gates.approvals.is_some() || brake::is_full(case);
    // Who rejects it can take that back, and agrees to a plan then.
    is_asked && !case.is_back() || is_rejected(case)
}

/// When what is shown has to be looked at again.
pub(crate) fn refresh(case: &Case<'_>) -> Option<Timestamp> {
    let planned = moment(case.promotion.status.planned.as_ref())?;
    planned.checked_add(REFRESH).ok()
}
