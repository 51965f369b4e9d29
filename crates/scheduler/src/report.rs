//! What others see of a decision: conditions and events, in the real scheduler's words.

use jiff::Timestamp;
use objects::condition::{self, Condition};
use objects::control::{Action, Event};
use objects::{Key, Kind, meta};
use serde_json::{Value, json};

/// The API server takes no longer notes in events.
const LONGEST_NOTE: usize = 1024;
const CUT: &str = " ...";

/// The reason of a condition when the pod fits nowhere.
pub const UNSCHEDULABLE: &str = "Unschedulable";
/// The reason when something went wrong that is not the pod's fault.
pub const ERROR: &str = "SchedulerError";

/// Says that a pod has no node and why, in an event and in its condition.
///
/// `nominated` is the node that it waits for from now on: "" for none, `None` to leave it as it is.
#[must_use]
pub fn failed(
    key: &Key,
    pod: &Value,
    says: (&str, &str),
    nominated: Option<&str>,
    now: Timestamp,
) -> Vec<Action> {
    let (reason, message) = says;
    let mut note = message.to_owned();
    if note.len() > LONGEST_NOTE {
        let end = (0..=LONGEST_NOTE - CUT.len())
            .rev()
            .find(|end| note.is_char_boundary(*end));
        note.truncate(end.unwrap_or_default());
        note.push_str(CUT);
    }
    let mut event = Event::warning(key, "FailedScheduling", note);
    event.action = Some("Scheduling");
    let mut actions = vec![Action::Record(event)];
    let wanted = Condition {
        kind: "PodScheduled",
        status: "False",
        reason,
        message,
    };
    let mut changed = pod.clone();
    let status = meta::map_mut(&mut changed, &["status"]);
    if let Some(conditions) = conditions(pod, wanted, now) {
        status.insert("conditions".to_owned(), conditions);
    }
    match nominated {
        Some("") => drop(status.remove("nominatedNodeName")),
        Some(node) => drop(status.insert("nominatedNodeName".to_owned(), json!(node))),
        None => {}
    }
    if changed != *pod {
        actions.push(Action::UpdateStatus(Kind::POD, changed));
    }
    actions
}

/// Says that a pod is held by its gates, unless the API server has said so.
#[must_use]
pub fn gated(pod: &Value, now: Timestamp) -> Vec<Action> {
    let wanted = Condition {
        kind: "PodScheduled",
        status: "False",
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates",
    };
    let says = condition::find(pod, "PodScheduled").map(|one| meta::text(one, "reason"));
    if says == Some(wanted.reason) {
        return Vec::new();
    }
    let conditions = conditions(pod, wanted, now);
    conditions
        .map(|conditions| set_conditions(pod, conditions))
        .into_iter()
        .collect()
}

/// Binds a pod and says so.
#[must_use]
pub fn bound(key: &Key, pod: &Value, node: &str) -> Vec<Action> {
    let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
    let mut event = Event::normal(key, "Scheduled", message);
    event.action = Some("Binding");
    vec![
        Action::Bind {
            pod: key.clone(),
            uid: meta::uid(pod).to_owned(),
            node: node.to_owned(),
        },
        Action::Record(event),
    ]
}

/// Removes a pod for a more urgent one and says why.
#[must_use]
pub fn preempted(victim: &Key, pod: &Value, by: &Value, node: &str, now: Timestamp) -> Vec<Action> {
    if meta::is_deleted(pod) {
        return Vec::new();
    }
    let scheduler = meta::text_at(by, "/spec/schedulerName");
    let scheduler = if scheduler.is_empty() {
        super::NAME
    } else {
        scheduler
    };
    let wanted = Condition {
        kind: "DisruptionTarget",
        status: "True",
        reason: super::preempt::PREEMPTED,
        message: &format!("{scheduler}: preempting to accommodate a higher priority pod"),
    };
    let mut actions = Vec::new();
    if let Some(conditions) = conditions(pod, wanted, now) {
        actions.push(set_conditions(pod, conditions));
    }
    actions.push(Action::delete(victim.clone(), pod));
    let message = format!("Preempted by pod {} on node {node}", meta::uid(by));
    let mut event = Event::normal(victim, "Preempted", message);
    event.action = Some("Preempting");
    actions.push(Action::Record(event));
    actions
}

/// Takes back that a pod waits for a node.
#[must_use]
pub fn denominated(key: &Key) -> Action {
    Action::Patch {
        key: key.clone(),
        subresource: Some("status"),
        patch: json!({"status": {"nominatedNodeName": null}}),
    }
}

/// The whole status is written: a merge patch would drop the empty times that the real server prints.
fn set_conditions(pod: &Value, conditions: Value) -> Action {
    let mut pod = pod.clone();
    meta::map_mut(&mut pod, &["status"]).insert("conditions".to_owned(), conditions);
    Action::UpdateStatus(Kind::POD, pod)
}

/// All conditions of a pod with one set; `None` when it says so already.
fn conditions(pod: &Value, wanted: Condition<'_>, now: Timestamp) -> Option<Value> {
    let mut all = meta::list_at(pod, "/status/conditions").to_vec();
    let mut changed = condition::set(&mut all, wanted, now);
    let one = all
        .iter_mut()
        .find(|one| meta::text(one, "type") == wanted.kind)?;
    let generation = meta::generation(pod);
    if generation > 0 && one["observedGeneration"] != generation {
        one["observedGeneration"] = json!(generation);
        changed = true;
    }
    if one.get("lastProbeTime").is_none() {
        one["lastProbeTime"] = Value::Null;
    }
    changed.then_some(Value::Array(all))
}
