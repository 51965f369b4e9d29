//! The pods of a Job, read once and sorted into what the rules ask of them.

use objects::meta;
use serde_json::Value;

use super::failure_policy::Meaning;
use super::indexes::Indexes;
use super::spec::Spec;
use super::{COMPLETION_INDEX, TRACKING_FINALIZER};
use crate::pod;

/// How often pods of its index had failed before this one, those that the policy ignores apart.
pub(super) const FAILURE_COUNT: &str = "batch.kubernetes.io/job-index-failure-count";
pub(super) const IGNORED_COUNT: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

#[derive(Clone, Copy, Debug)]
pub(super) struct Pod<'a> {
    pub object: &'a Value,
    pub uid: &'a str,
    pub phase: &'a str,
    /// It is on its way out.
    pub deleted: bool,
    /// It still has the finalizer that keeps it until it is counted.
    pub tracked: bool,
    pub ready: bool,
    /// The Job takes it for failed.
    pub failed: bool,
    /// Its completion index, if it has one that makes sense.
    pub index: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Census<'a> {
    pub pods: Vec<Pod<'a>>,
}

impl<'a> Pod<'a> {
    fn read(object: &'a Value, spec: &Spec<'_>) -> Self {
        let phase = pod::phase(object);
        let deleted = meta::is_deleted(object);
        let index = meta::annotation(object, COMPLETION_INDEX).and_then(|index| index.parse::<i64>().ok());
        Self {
            object,
            uid: meta::uid(object),
            phase,
            deleted,
            tracked: meta::has_finalizer(object, TRACKING_FINALIZER),
            ready: pod::is_ready(object),
            failed: phase == "Failed" || (deleted && phase != "Succeeded" && !spec.only_replace_failed),
            index: index.filter(|index| *index >= 0),
        }
    }

    pub fn active(&self) -> bool {
        !self.deleted && !self.ended()
    }

    pub fn terminating(&self) -> bool {
        self.deleted && !self.ended()
    }

    fn ended(&self) -> bool {
        matches!(self.phase, "Succeeded" | "Failed")
    }

    /// Whether its index is one that the Job asks for; without indexes, every pod is asked for.
    pub fn in_range(&self, spec: &Spec<'_>) -> bool {
        !spec.indexed
            || self
                .index
                .is_some_and(|index| spec.completions.is_none_or(|all| index < all))
    }

    /// How often its index has failed before it: counted failures and ignored ones.
    pub fn earlier_failures(&self) -> (i64, i64) {
        let count = |annotation| {
            let count = meta::annotation(self.object, annotation).and_then(|count| count.parse::<i32>().ok());
            i64::from(count.unwrap_or_default().max(0))
        };
        (count(FAILURE_COUNT), count(IGNORED_COUNT))
    }
}

impl<'a> Census<'a> {
    pub fn take(spec: &Spec<'_>, pods: impl Iterator<Item = &'a Value>) -> Self {
        let mut pods: Vec<Pod<'a>> = pods.map(|pod| Pod::read(pod, spec)).collect();
        if spec.indexed {
            // Completed indexes are told in their order.
            pods.sort_by_key(|pod| pod.index);
        }
        Self { pods }
    }

    pub fn active(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().filter(|pod| pod.active())
    }

    pub fn terminating(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().filter(|pod| pod.terminating())
    }

    /// The pods that are not counted yet and whose index, if they need one, is asked for.
    pub fn uncounted<'s>(&'s self, spec: &'s Spec<'_>) -> impl Iterator<Item = &'s Pod<'a>> {
        self.pods.iter().filter(|pod| pod.tracked && pod.in_range(spec))
    }

    /// The indexes that have failed for good since they were last written down.
    pub fn failed_indexes(&self, spec: &Spec<'_>) -> Indexes {
        let limit = spec.backoff_limit_per_index.unwrap_or(i64::MAX);
        let failed = self.uncounted(spec).filter(|pod| {
            pod.failed
                && match Meaning::of(spec.failure_rules, pod.object) {
                    Meaning::FailIndex => true,
                    meaning => meaning.counts() && pod.earlier_failures().0 >= limit,
                }
        });
        failed.filter_map(|pod| Some((pod.index?, pod.index?))).collect()
    }

    pub fn succeeded_indexes(&self, spec: &Spec<'_>) -> Indexes {
        let succeeded = self.uncounted(spec).filter(|pod| pod.phase == "Succeeded");
        succeeded
            .filter_map(|pod| Some((pod.index?, pod.index?)))
            .collect()
    }
}

/// Sorts the pods that can best be spared to the front: not scheduled, pending, not ready, often restarted, young.
pub(super) fn sort_by_dispensability(pods: &mut [Pod<'_>]) {
    pods.sort_by_cached_key(|pod| {
        let scheduled = !pod::node(pod.object).is_empty();
        let stage = match pod.phase {
            "Running" => 2,
            "Unknown" => 1,
            _ => 0,
        };
        let restarts = pod::restarts(pod.object);
        let created = std::cmp::Reverse(meta::created(pod.object));
        (scheduled, stage, pod.ready, std::cmp::Reverse(restarts), created)
    });
}
