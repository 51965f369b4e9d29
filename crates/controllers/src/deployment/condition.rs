//! A Deployment's conditions, which also say when they were last confirmed.

use jiff::Timestamp;
use objects::{meta, time};
use serde_json::{Value, json};

pub(super) const AVAILABLE: &str = "Available";
pub(super) const PROGRESSING: &str = "Progressing";
pub(super) const REPLICA_FAILURE: &str = "ReplicaFailure";

pub(super) const PAUSED: &str = "DeploymentPaused";
pub(super) const RESUMED: &str = "DeploymentResumed";
pub(super) const NEW_AVAILABLE: &str = "NewReplicaSetAvailable";
pub(super) const NEW_CREATED: &str = "NewReplicaSetCreated";
pub(super) const NEW_FOUND: &str = "FoundNewReplicaSet";
pub(super) const UPDATED: &str = "ReplicaSetUpdated";
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// What a condition says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl<'a> Said<'a> {
    pub(super) fn progressing(status: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self {
            kind: PROGRESSING,
            status,
            reason,
            message,
        }
    }
}

pub(super) fn find<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions.iter().find(|one| meta::text(one, "type") == kind)
}

/// The reason of a condition, or "".
pub(super) fn reason<'a>(conditions: &'a [Value], kind: &str) -> &'a str {
    find(conditions, kind).map_or("", |one| meta::text(one, "reason"))
}

/// Sets a condition unless one with the same status and reason is there: another message alone changes nothing.
pub(super) fn set(conditions: &mut Vec<Value>, said: Said<'_>, now: Timestamp) {
    let old = find(conditions, said.kind);
    if !old.is_some_and(|old| {
        meta::text(old, "status") == said.status && meta::text(old, "reason") == said.reason
    }) {
        renew(conditions, said, now);
    }
}

/// Sets a condition and the time of its last confirmation; that of its last change moves with its status only.
pub(super) fn renew(conditions: &mut Vec<Value>, said: Said<'_>, now: Timestamp) {
    let now = time::seconds(now);
    let old = find(conditions, said.kind).filter(|old| meta::text(old, "status") == said.status);
    let changed = old
        .map_or(now.as_str(), |old| meta::text(old, "lastTransitionTime"))
        .to_owned();
    conditions.retain(|one| meta::text(one, "type") != said.kind);
    conditions.push(json!({
        "type": said.kind,
        "status": said.status,
        "reason": said.reason,
        "message": said.message,
        "lastUpdateTime": now,
        "lastTransitionTime": changed,
    }));
}
