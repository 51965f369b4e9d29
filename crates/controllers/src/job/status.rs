//! The status of a Job: counters, lists of pods that are being counted, conditions. Written as the API server prints
//! it, so that an equal status needs no write.
//!
//! A pod is counted in three steps, each of which may be the last before the process is killed: its uid is written
//! to `uncountedTerminatedPods`, its finalizer is removed, and the uid becomes one in the counter.

use std::collections::BTreeSet;

use jiff::Timestamp;
use objects::{meta, time};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub active: i64,
    pub ready: i64,
    pub terminating: i64,
    pub succeeded: i64,
    pub failed: i64,
    /// Uids of pods that are about to be counted.
    pub uncounted_succeeded: Vec<String>,
    pub uncounted_failed: Vec<String>,
    pub completed_indexes: String,
    pub failed_indexes: Option<String>,
    pub conditions: Vec<Value>,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
}

impl Status {
    pub fn of(job: &Value) -> Self {
        let status = &job["status"];
        let number = |field: &str| status.get(field).and_then(Value::as_i64).unwrap_or_default();
        let uids = |list: &str| {
            let uids = meta::list_at(status, list).iter().filter_map(Value::as_str);
            uids.map(str::to_owned).collect()
        };
        Self {
            active: number("active"),
            ready: number("ready"),
            terminating: number("terminating"),
            succeeded: number("succeeded"),
            failed: number("failed"),
            uncounted_succeeded: uids("/uncountedTerminatedPods/succeeded"),
            uncounted_failed: uids("/uncountedTerminatedPods/failed"),
            completed_indexes: meta::text(status, "completedIndexes").to_owned(),
            failed_indexes: status
                .get("failedIndexes")
                .and_then(Value::as_str)
                .map(str::to_owned),
            conditions: meta::list_at(status, "/conditions").to_vec(),
            started: time::parse(meta::text(status, "startTime")),
            completed: time::parse(meta::text(status, "completionTime")),
        }
    }

    pub fn to_json(&self) -> Value {
        let mut status = Map::new();
        let mut set = |field: &str, value: Value, shown: bool| {
            if shown {
                status.insert(field.to_owned(), value);
            }
        };
        let uncounted = [
            ("succeeded", &self.uncounted_succeeded),
            ("failed", &self.uncounted_failed),
        ];
        let uncounted = uncounted.into_iter().filter(|(_, uids)| !uids.is_empty());
        let uncounted: Map<String, Value> = uncounted
            .map(|(field, uids)| (field.to_owned(), json!(uids)))
            .collect();
        set("active", json!(self.active), self.active != 0);
        set("ready", json!(self.ready), true);
        set("terminating", json!(self.terminating), true);
        set("succeeded", json!(self.succeeded), self.succeeded != 0);
        set("failed", json!(self.failed), self.failed != 0);
        set("uncountedTerminatedPods", Value::Object(uncounted), true);
        set(
            "completedIndexes",
            json!(self.completed_indexes),
            !self.completed_indexes.is_empty(),
        );
        set(
            "failedIndexes",
            json!(self.failed_indexes),
            self.failed_indexes.is_some(),
        );
        set("conditions", json!(self.conditions), !self.conditions.is_empty());
        for (field, at) in [("startTime", self.started), ("completionTime", self.completed)] {
            set(field, json!(at.map(time::seconds)), at.is_some());
        }
        Value::Object(status)
    }

    /// Turns the uids of pods that have lost their finalizer into numbers.
    pub fn settle(&mut self, tracked: &BTreeSet<&str>) {
        let pairs = [
            (&mut self.uncounted_succeeded, &mut self.succeeded),
            (&mut self.uncounted_failed, &mut self.failed),
        ];
        for (uids, counter) in pairs {
            let before = uids.len();
            uids.retain(|uid| tracked.contains(uid.as_str()));
            *counter += i64::try_from(before - uids.len()).unwrap_or(i64::MAX);
        }
    }

    pub fn counts_nothing(&self) -> bool {
        self.uncounted_succeeded.is_empty() && self.uncounted_failed.is_empty()
    }

    pub fn condition(&self, kind: &str) -> Option<&Value> {
        self.conditions.iter().find(|one| meta::text(one, "type") == kind)
    }

    /// The reason and the message of a condition that is true.
    pub fn holds(&self, kind: &str) -> Option<(String, String)> {
        let condition = self.condition(kind).filter(|one| one["status"] == "True")?;
        let text = |field| meta::text(condition, field).to_owned();
        Some((text("reason"), text("message")))
    }

    /// Sets a condition; a missing one that is to be `False` stays missing. Returns whether anything changed.
    ///
    /// Unlike others, a Job's condition moves its times with any change.
    pub fn set_condition(&mut self, kind: &str, holds: bool, reason: (&str, &str), now: Timestamp) -> bool {
        let (reason, message) = reason;
        let status = if holds { "True" } else { "False" };
        let at = time::seconds(now);
        let next = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastProbeTime": at, "lastTransitionTime": at,
        });
        let same = |old: &Value| {
            ["status", "reason", "message"]
                .iter()
                .all(|field| old[*field] == next[*field])
        };
        match self
            .conditions
            .iter_mut()
            .find(|one| meta::text(one, "type") == kind)
        {
            Some(old) if same(old) => false,
            Some(old) => {
                *old = next;
                true
            }
            None if holds => {
                self.conditions.push(next);
                true
            }
            None => false,
        }
    }
}

/// Whether a Job is over, and how.
pub(crate) fn outcome(job: &Value) -> Option<&'static str> {
    ["Complete", "Failed"]
        .into_iter()
        .find(|kind| objects::condition::is_true(job, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_printed_as_it_is_read() {
        for status in [
            json!({"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}),
            json!({
                "active": 1, "ready": 1, "terminating": 2, "succeeded": 3, "failed": 4,
                "uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["b"]},
                "completedIndexes": "0-2", "failedIndexes": "",
                "conditions": [{"type": "Suspended", "status": "False"}],
                "startTime": "2026-01-02T03:04:05Z", "completionTime": "2026-01-02T03:04:06Z",
            }),
        ] {
            assert_eq!(Status::of(&json!({"status": status})).to_json(), status);
        }
    }

    #[test]
    fn a_uid_becomes_a_number_when_its_pod_is_let_go() {
        let job = json!({"status": {
            "succeeded": 1, "uncountedTerminatedPods": {"succeeded": ["a", "b"], "failed": ["c"]},
        }});
        let mut status = Status::of(&job);
        status.settle(&BTreeSet::from(["b"]));
        assert_eq!((status.succeeded, status.failed), (2, 1));
        assert_eq!(status.uncounted_succeeded, ["b"]);
        assert!(!status.counts_nothing());
    }
}
