//! A Deployment's status: counts, and whether the rollout goes on, is done or has stopped moving.

use jiff::{SignedDuration, Timestamp};
use objects::{meta, time};
use serde_json::{Value, json};

use super::condition::{self, PROGRESSING, REPLICA_FAILURE, Said};
use super::family::{Bounds, Family, count};
use crate::status::{Status, remove_condition};

/// "No deadline", as clients write it.
const NEVER: i64 = i32::MAX as i64;

/// The counts of a Deployment's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
    unavailable: i64,
}

impl Counts {
    /// The counts as they are.
    pub(super) fn of(family: &Family<'_>) -> Self {
        let available = family.sum("availableReplicas");
        Self {
            replicas: family.sum("replicas"),
            updated: family.new.map_or(0, |new| count(new, "replicas")),
            ready: family.sum("readyReplicas"),
            available,
            unavailable: (family.total_size() - available).max(0),
        }
    }

    /// The counts as the status has them.
    pub(super) fn said(deployment: &Value) -> Self {
        Self {
            replicas: count(deployment, "replicas"),
            updated: count(deployment, "updatedReplicas"),
            ready: count(deployment, "readyReplicas"),
            available: count(deployment, "availableReplicas"),
            unavailable: count(deployment, "unavailableReplicas"),
        }
    }

    /// Whether every pod that is wanted is there, new and available, and no other is.
    pub(super) fn complete(&self, bounds: &Bounds) -> bool {
        let wanted = bounds.replicas;
        self.updated == wanted && self.replicas == wanted && self.available == wanted
    }

    /// Whether anything got better since.
    fn better_than(&self, before: &Self) -> bool {
        self.updated > before.updated
            || self.replicas - self.updated < before.replicas - before.updated
            || self.ready > before.ready
            || self.available > before.available
    }

    /// The status with these counts. `terminatingReplicas` is left out, as by the recorded 1.35.
    pub(super) fn status(&self, deployment: &Value, conditions: Vec<Value>) -> Status {
        let mut status = Status::of(deployment);
        status.unless_zero("observedGeneration", meta::generation(deployment));
        status.unless_zero("replicas", self.replicas);
        status.unless_zero("updatedReplicas", self.updated);
        status.unless_zero("readyReplicas", self.ready);
        status.unless_zero("availableReplicas", self.available);
        status.unless_zero("unavailableReplicas", self.unavailable);
        status.conditions(conditions);
        status
    }
}

/// How long a rollout may stand still, if that is limited.
pub(super) fn deadline(deployment: &Value) -> Option<SignedDuration> {
    let seconds = meta::number_at(deployment, "/spec/progressDeadlineSeconds")?;
    (seconds != NEVER).then(|| SignedDuration::from_secs(seconds))
}

/// Says whether enough pods are available.
pub(super) fn set_available(conditions: &mut Vec<Value>, counts: &Counts, bounds: &Bounds, now: Timestamp) {
    let enough = counts.available >= bounds.replicas - bounds.unavailable;
    let (status, reason, message) = if enough {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let said = Said {
        kind: condition::AVAILABLE,
        status,
        reason,
        message,
    };
    condition::set(conditions, said, now);
}

/// What the rollout has come to since the status was last written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) deployment: &'a Value,
    pub(super) new: Option<&'a Value>,
    pub(super) counts: &'a Counts,
    pub(super) bounds: &'a Bounds,
    pub(super) now: Timestamp,
}

/// Says how the rollout goes on.
pub(super) fn set_progressing(conditions: &mut Vec<Value>, step: &Step<'_>) {
    let Step {
        deployment,
        new,
        counts,
        bounds,
        now,
    } = *step;
    let Some(deadline) = deadline(deployment) else {
        remove_condition(conditions, PROGRESSING);
        return;
    };
    // Once done, a smaller or bigger size is no new rollout.
    let was_done = condition::reason(conditions, PROGRESSING) == condition::NEW_AVAILABLE;
    if was_done && counts.replicas == counts.updated {
        return;
    }
    let who = match new {
        Some(new) => format!("ReplicaSet {:?}", meta::name(new)),
        None => format!("Deployment {:?}", meta::name(deployment)),
    };
    if counts.complete(bounds) {
        let message = format!("{who} has successfully progressed.");
        let said = Said::progressing("True", condition::NEW_AVAILABLE, &message);
        condition::set(conditions, said, now);
    } else if counts.better_than(&Counts::said(deployment)) {
        let message = format!("{who} is progressing.");
        let said = Said::progressing("True", condition::UPDATED, &message);
        condition::renew(conditions, said, now);
    } else if due(conditions, deadline).is_some_and(|due| due < now) {
        let message = format!("{who} has timed out progressing.");
        let said = Said::progressing("False", condition::TIMED_OUT, &message);
        condition::set(conditions, said, now);
    }
}

/// Says what keeps a ReplicaSet from making its pods; the new one's trouble comes first.
pub(super) fn set_failure(conditions: &mut Vec<Value>, family: &Family<'_>) {
    let failure = |set: &&Value| objects::condition::find(set, REPLICA_FAILURE).is_some();
    let failing = family
        .new
        .filter(|new| failure(new))
        .or_else(|| family.all().find(failure));
    let Some(said) = failing.and_then(|set| objects::condition::find(set, REPLICA_FAILURE)) else {
        remove_condition(conditions, REPLICA_FAILURE);
        return;
    };
    let same = |old: &Value| {
        ["status", "reason"]
            .into_iter()
            .all(|field| old.get(field) == said.get(field))
    };
    if condition::find(conditions, REPLICA_FAILURE).is_some_and(same) {
        return;
    }
    let mut copy = said.clone();
    copy["lastUpdateTime"] = json!(meta::text(said, "lastTransitionTime"));
    remove_condition(conditions, REPLICA_FAILURE);
    conditions.push(copy);
}

/// When the rollout is to be looked at again because it may have stopped moving.
pub(super) fn next_look(conditions: &[Value], step: &Step<'_>) -> Option<Timestamp> {
    let reason = condition::reason(conditions, PROGRESSING);
    if step.counts.complete(step.bounds) || reason == condition::TIMED_OUT {
        return None;
    }
    let due = due(conditions, deadline(step.deployment)?)?;
    // Times are kept to the second: one more makes sure that it is past.
    let look = due.checked_add(SignedDuration::from_secs(1)).ok()?;
    (look > step.now).then_some(look)
}

/// When a rollout that does not move is to be given up.
fn due(conditions: &[Value], deadline: SignedDuration) -> Option<Timestamp> {
    let said = condition::find(conditions, PROGRESSING)?;
    if meta::text(said, "reason") == condition::NEW_AVAILABLE {
        return None;
    }
    time::parse(meta::text(said, "lastUpdateTime"))?
        .checked_add(deadline)
        .ok()
}
