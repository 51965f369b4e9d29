//! How long a Job waits before it replaces a failed pod: 10 s, doubled with each failure in a row, 10 minutes at most.
//!
//! The failures are those of the pods that are there, and of those that were there when they failed: the memory of
//! the latter is lost with the process, and with it no more than that a replacement comes early.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use objects::{condition, meta, time};
use serde_json::Value;

use super::census::Census;

/// The first wait, and the longest.
const FIRST_WAIT_S: i64 = 10;
const LONGEST_WAIT_S: i64 = 600;
/// Seven failures in a row reach the longest wait; more of one Job need not be kept.
const MAX_KEPT: usize = 16;

/// The ends of pods that may be gone by now, by the uid of their Job.
#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<String, Ends>);

/// When pods ended, by uid, and whether they succeeded.
type Ends = BTreeMap<String, (Timestamp, bool)>;

impl Memory {
    pub fn forget(&mut self, job: &str) {
        self.0.remove(job);
    }

    /// Takes in how the Job's pods are, and says until when no pod is to be created, if that is not yet past.
    pub fn wait_until(&mut self, job: &str, census: &Census<'_>) -> Option<Timestamp> {
        let ends = self.0.entry(job.to_owned()).or_default();
        for pod in &census.pods {
            let succeeded = pod.phase == "Succeeded";
            // One that lost its finalizer while it ended was taken away by the Job itself.
            let ours = pod.deleted && !pod.tracked;
            if (succeeded || pod.failed) && !ours {
                let end = (finished(pod.object).unwrap_or_default(), succeeded);
                ends.insert(pod.uid.to_owned(), end);
            }
        }
        while ends.len() > MAX_KEPT {
            let oldest = ends
                .iter()
                .min_by_key(|(_, end)| **end)
                .map(|(uid, _)| uid.clone());
            ends.remove(&oldest.unwrap_or_default());
        }
        let success = ends.values().filter(|end| end.1).map(|end| end.0).max();
        let failures = ends.values().filter(|end| !end.1).map(|end| end.0);
        let after: Vec<Timestamp> = failures
            .filter(|failure| success.is_none_or(|success| *failure > success))
            .collect();
        let last = after.iter().max()?;
        Some(*last + wait(after.len()))
    }
}

/// The wait after so many failures in a row.
pub(super) fn wait(failures: usize) -> SignedDuration {
    let doublings = u32::try_from(failures.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    SignedDuration::from_secs((FIRST_WAIT_S << doublings).min(LONGEST_WAIT_S))
}

/// When a pod ended: by its containers, else since when it is not ready, else since when it is deleted.
pub(super) fn finished(pod: &Value) -> Option<Timestamp> {
    let containers = meta::list_at(pod, "/status/containerStatuses");
    let ends: Option<Vec<Timestamp>> = containers
        .iter()
        .map(|container| time::parse(meta::text_at(container, "/state/terminated/finishedAt")))
        .collect();
    let not_ready = || {
        let ready = condition::find(pod, "Ready").filter(|ready| ready["status"] == "False")?;
        time::parse(meta::text(ready, "lastTransitionTime"))
    };
    let deleted = || {
        let grace = meta::number_at(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or_default();
        meta::deleted(pod)?
            .checked_sub(SignedDuration::from_secs(grace))
            .ok()
    };
    ends.and_then(|ends| ends.into_iter().max())
        .or_else(not_ready)
        .or_else(deleted)
        .or_else(|| meta::created(pod))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_minutes() {
        for (failures, seconds) in [(1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (1000, 600)] {
            assert_eq!(wait(failures), SignedDuration::from_secs(seconds), "{failures}");
        }
    }
}
