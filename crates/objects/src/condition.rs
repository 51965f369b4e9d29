//! `status.conditions`: finding one, and setting one as controllers do.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{meta, time};

/// What a condition says, without its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    pub kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

/// The condition of a type in `status.conditions`.
#[must_use]
pub fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    meta::list_at(object, "/status/conditions")
        .iter()
        .find(|one| meta::text(one, "type") == kind)
}

/// Whether the condition of a type has status `True`.
#[must_use]
pub fn is_true(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|one| meta::text(one, "status") == "True")
}

/// Sets a condition in a list of conditions; its `lastTransitionTime` moves only when its status does. An empty
/// reason or message is left out, as the server prints them.
///
/// Returns whether anything changed.
pub fn set(conditions: &mut Vec<Value>, wanted: Condition<'_>, now: Timestamp) -> bool {
    let Condition {
        kind,
        status,
        reason,
        message,
    } = wanted;
    let mut next = json!({"type": kind, "status": status, "lastTransitionTime": time::seconds(now)});
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            next[field] = json!(text);
        }
    }
    let Some(at) = conditions.iter().position(|one| meta::text(one, "type") == kind) else {
        conditions.push(next);
        return true;
    };
    let old = &mut conditions[at];
    if meta::text(old, "status") == status {
        next["lastTransitionTime"] = old["lastTransitionTime"].clone();
        let same = |field| meta::text(old, field) == meta::text(&next, field);
        if same("reason") && same("message") {
            return false;
        }
    }
    for (field, value) in old.as_object().into_iter().flatten() {
        // Times that other controllers keep beside, such as `lastProbeTime`.
        if !["type", "status", "reason", "message", "lastTransitionTime"].contains(&field.as_str()) {
            next[field.as_str()] = value.clone();
        }
    }
    *old = next;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let ready = |status, reason| Condition {
            kind: "Ready",
            status,
            reason,
            message: "",
        };
        let mut all = Vec::new();
        assert!(set(&mut all, ready("False", "Starting"), at(0)));
        assert!(!set(&mut all, ready("False", "Starting"), at(1)));
        assert!(set(&mut all, ready("False", "Slow"), at(2)));
        assert_eq!(all[0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert!(set(&mut all, ready("True", ""), at(3)));
        assert_eq!(
            all,
            [json!({"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:03Z"})]
        );
    }
}
