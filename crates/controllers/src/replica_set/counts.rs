//! What a ReplicaSet's status counts.

use jiff::Timestamp;
use objects::{Brief, Key, Selector, meta};
use serde_json::Value;

use crate::claim::Chosen;
use crate::pod::{self, Availability};
use crate::status::Status;

/// The counts of a set's active pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    replicas: i64,
    fully_labelled: i64,
    ready: i64,
    available: i64,
    /// When the next ready pod becomes available.
    pub(super) next_available: Option<Timestamp>,
}

impl Counts {
    pub(super) fn of(set: &Value, active: &[(&Key, &Brief)], now: Timestamp) -> Self {
        let nothing = Value::Null;
        let labels = set.pointer("/spec/template/metadata/labels").unwrap_or(&nothing);
        let labelled = Selector::from_map(labels);
        let min_ready = meta::number_at(set, "/spec/minReadySeconds").unwrap_or_default();
        let mut counts = Self::default();
        let mut labelled = Chosen::by(&labelled);
        for (_, pod) in active {
            counts.replicas += 1;
            counts.fully_labelled += i64::from(labelled.has(pod));
            match pod::brief_availability(pod, min_ready, now) {
                Availability::No => counts.ready += i64::from(pod.ready),
                Availability::At(due) => {
                    counts.ready += 1;
                    counts.next_available = Some(counts.next_available.map_or(due, |next| next.min(due)));
                }
                Availability::Yes => {
                    counts.ready += 1;
                    counts.available += 1;
                }
            }
        }
        counts
    }

    /// The status of the set with these counts. `terminatingReplicas` is left out, as by the recorded 1.35.
    pub(super) fn status(self, set: &Value, conditions: Vec<Value>) -> Status {
        let mut status = Status::of(set);
        status.always("replicas", self.replicas);
        status.unless_zero("fullyLabeledReplicas", self.fully_labelled);
        status.unless_zero("readyReplicas", self.ready);
        status.unless_zero("availableReplicas", self.available);
        status.unless_zero("observedGeneration", meta::generation(set));
        status.conditions(conditions);
        status
    }
}
