//! A StatefulSet's status: counts, and when an update is complete.

use jiff::Timestamp;
use objects::meta;
use serde_json::Value;

use super::HASH;
use super::history::History;
use crate::pod;
use crate::status::Status;

pub(super) fn replicas(set: &Value) -> i64 {
    meta::number_at(set, "/spec/replicas").unwrap_or(1)
}

pub(super) fn min_ready_seconds(set: &Value) -> i64 {
    meta::number_at(set, "/spec/minReadySeconds").unwrap_or_default()
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    replicas: i64,
    ready: i64,
    available: i64,
    current: i64,
    updated: i64,
}

/// The set with its status as it is now, if it is another than the status says.
pub(super) fn changed(set: &Value, history: &History<'_>, pods: &[&Value], now: Timestamp) -> Option<Value> {
    let (mut current, update) = (meta::name(history.current), meta::name(history.update));
    let mut counts = Counts::default();
    for pod in pods.iter().filter(|pod| !pod::phase(pod).is_empty()) {
        counts.replicas += 1;
        if pod::phase(pod) == "Running" && pod::is_ready(pod) {
            counts.ready += 1;
            counts.available += i64::from(pod::is_available(pod, min_ready_seconds(set), now));
        }
        if !meta::is_deleted(pod) {
            let revision = meta::label(pod, HASH).unwrap_or_default();
            counts.current += i64::from(revision == current);
            counts.updated += i64::from(revision == update);
        }
    }
    let wanted = replicas(set);
    let rolling = meta::text_at(set, "/spec/updateStrategy/type") != "OnDelete";
    if rolling
        && [counts.updated, counts.ready, counts.replicas]
            .iter()
            .all(|count| *count == wanted)
    {
        counts.current = counts.updated;
        current = update;
    }
    let mut status = Status::of(set);
    status.unless_zero("observedGeneration", meta::generation(set));
    status.always("replicas", counts.replicas);
    status.unless_zero("readyReplicas", counts.ready);
    status.always("availableReplicas", counts.available);
    status.unless_zero("currentReplicas", counts.current);
    status.unless_zero("updatedReplicas", counts.updated);
    status.text("currentRevision", current);
    status.text("updateRevision", update);
    status.always("collisionCount", history.collisions);
    status.applied(set)
}
