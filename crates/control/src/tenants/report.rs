//! What is reported of a tenant: pure, from what was granted and what was done.

use std::time::Duration;

use jiff::Timestamp;
use kinds::condition::{self, Condition, DRIFTED, GRANTED, READY, reason};
use kinds::{Drift, Object, Tenant, TenantCluster, TenantStatus};
use tenancy::{Mistake, Share};

use super::FINALIZER;
use super::perform::Done;
use crate::runner::{Again, Outcome};

/// How many mistakes or objects a message names; the rest is counted.
const NAMED: usize = 20;

/// The outcome of a look.
pub(crate) fn outcome(
    tenant: &Object<Tenant>,
    granted: &Result<Vec<Share>, Vec<Mistake>>,
    is_marked: bool,
    done: Vec<Done>,
    now: Timestamp,
) -> Outcome<Tenant, Vec<Done>> {
    let is_gone = tenant.is_leaving() && done.iter().all(is_proven);
    let finalizers = match (is_marked, tenant.is_leaving()) {
        (false, false) => Some(with_finalizer(tenant)),
        (true, true) if is_gone => Some(without_finalizer(tenant)),
        _ => None,
    };
    let again = again(granted, &done, now);
    Outcome {
        status: status(tenant, granted, (&done, is_marked), now),
        finalizers,
        changes: done,
        again,
    }
}

fn is_proven(done: &Done) -> bool {
    let is_complete = done.plan.proof.as_ref().is_some_and(tenancy::Proof::is_complete);
    is_complete && done.problem.is_empty() && done.plan.steps.is_empty()
}

fn again(granted: &Result<Vec<Share>, Vec<Mistake>>, done: &[Done], now: Timestamp) -> Again {
    let has_failed = done.iter().any(|done| !done.problem.is_empty());
    let due = done.iter().filter_map(|done| done.plan.again).min();
    match due {
        // A mistake is mended by a change, which is a reason to look by itself.
        _ if granted.is_err() => Again::Later,
        _ if has_failed => Again::Failed,
        Some(due) => Again::After(
            Duration::try_from(due.duration_since(now)).unwrap_or_default() + Duration::from_secs(1),
        ),
        None => Again::Later,
    }
}

fn status(
    tenant: &Object<Tenant>,
    granted: &Result<Vec<Share>, Vec<Mistake>>,
    (done, is_marked): (&[Done], bool),
    now: Timestamp,
) -> TenantStatus {
    let generation = tenant.metadata.generation;
    let mut status = tenant.status.clone();
    let mut set = |kind: &str, (is_true, reason, message): (bool, &str, String)| {
        let wanted = Condition::of(
            kind,
            generation,
            (if is_true { "True" } else { "False" }, reason, message),
        );
        condition::set(&mut status.conditions, wanted, now);
    };
    set(GRANTED, grant_says(granted));
    if let Some(said) = drift_says(tenant, done) {
        set(DRIFTED, said);
    }
    set(READY, ready_says(tenant, granted, done, is_marked));
    if let (Ok(shares), true) = (granted, is_marked) {
        status.clusters = done.iter().map(|done| in_cluster(tenant, done, shares)).collect();
        status.holds = Some(tenancy::holds(tenant));
        status.observed_generation = Some(generation);
    }
    status
}

fn grant_says(granted: &Result<Vec<Share>, Vec<Mistake>>) -> (bool, &'static str, String) {
    match granted {
        Ok(shares) => {
            let count = shares.iter().filter(|share| share.granted).count();
            (
                true,
                reason::FITS,
                format!("its share of {} is granted", counted(count, "cluster")),
            )
        }
        Err(mistakes) => {
            let reason = mistakes
                .first()
                .map_or(reason::MISTAKES, |mistake| mistake.reason);
            let lines = mistakes
                .iter()
                .map(|mistake| format!("{}: {}; {}", mistake.path, mistake.problem, mistake.cure));
            (false, reason, listed(lines.collect()))
        }
    }
}

/// `None` while there is nothing to say: what was put back stays told until the next time.
fn drift_says(tenant: &Object<Tenant>, done: &[Done]) -> Option<(bool, &'static str, String)> {
    let drifted: Vec<String> = done
        .iter()
        .flat_map(|done| {
            done.plan
                .drift
                .iter()
                .map(|drift| format!("{drift} in {}", done.cluster))
        })
        .collect();
    let was_told = tenant.status.conditions.iter().any(|known| known.kind == DRIFTED);
    match (drifted.is_empty(), tenant.spec.drift) {
        (true, Drift::PutBack) if was_told => None,
        (true, _) => Some((
            false,
            reason::NO_DRIFT,
            "everything is as it was applied".to_owned(),
        )),
        (false, Drift::PutBack) => Some((false, reason::PUT_BACK, listed(drifted))),
        (false, Drift::Report) => Some((true, reason::CHANGED_BY_OTHERS, listed(drifted))),
    }
}

fn ready_says(
    tenant: &Object<Tenant>,
    granted: &Result<Vec<Share>, Vec<Mistake>>,
    done: &[Done],
    is_marked: bool,
) -> (bool, &'static str, String) {
    if tenant.is_leaving() {
        let left: usize = done
            .iter()
            .map(|done| done.plan.proof.as_ref().map_or(0, |proof| proof.left.len()))
            .sum();
        let until = done.iter().filter_map(|done| done.plan.again).min();
        let until = until.map(|until| {
            format!(
                "; its namespaces are deleted at {}",
                objects::time::seconds(until)
            )
        });
        let message = format!("{} left{}", counted(left, "object"), until.unwrap_or_default());
        return (false, reason::LEAVING, message);
    }
    if granted.is_err() {
        return (
            false,
            reason::NOT_GRANTED,
            "nothing was changed; see the condition Granted".to_owned(),
        );
    }
    let problems: Vec<String> = done
        .iter()
        .filter(|done| !done.problem.is_empty())
        .map(|done| format!("{}: {}", done.cluster, done.problem))
        .collect();
    if !problems.is_empty() {
        let reason = match done.iter().all(|done| done.plan.refusals.is_empty()) {
            true => reason::CLUSTER_UNREACHABLE,
            false => reason::REFUSED_BY_CLUSTER,
        };
        return (false, reason, listed(problems));
    }
    match (is_marked, done.is_empty()) {
        (false, _) => (false, reason::AT_WORK, "it is being looked at".to_owned()),
        (true, true) => (
            false,
            reason::NO_CLUSTER,
            "there is no cluster that it may use".to_owned(),
        ),
        (true, false) => {
            let objects: usize = done.iter().map(|done| done.wanted).sum();
            let clusters = counted(done.len(), "cluster");
            (
                true,
                reason::AS_WRITTEN,
                format!("{} in {clusters}", counted(objects, "object")),
            )
        }
    }
}

fn in_cluster(tenant: &Object<Tenant>, done: &Done, shares: &[Share]) -> TenantCluster {
    let share = shares
        .iter()
        .find(|share| share.cluster == done.cluster && share.granted);
    let before = tenant
        .status
        .clusters
        .iter()
        .find(|before| before.name == done.cluster);
    // While nothing new is granted, what was granted stays told, and taken.
    let (cpu, memory) = match (share, before) {
        (Some(share), _) => (share.cpu.clone(), share.memory.clone()),
        (None, Some(before)) => (before.cpu.clone(), before.memory.clone()),
        (None, None) => (String::new(), String::new()),
    };
    TenantCluster {
        cpu,
        memory,
        name: done.cluster.clone(),
        ready: done.problem.is_empty(),
        objects: u32::try_from(done.wanted).unwrap_or(u32::MAX),
        message: done.problem.clone(),
    }
}

fn with_finalizer(tenant: &Object<Tenant>) -> Vec<String> {
    let mut finalizers = tenant.metadata.finalizers.clone();
    finalizers.push(FINALIZER.to_owned());
    finalizers
}

fn without_finalizer(tenant: &Object<Tenant>) -> Vec<String> {
    let others = tenant
        .metadata
        .finalizers
        .iter()
        .filter(|finalizer| *finalizer != FINALIZER);
    others.cloned().collect()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn listed(mut lines: Vec<String>) -> String {
    let more = lines.len().saturating_sub(NAMED);
    lines.truncate(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}
