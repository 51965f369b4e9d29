//! Whether a pod is ready, or has ended.

use objects::{condition, meta};
use serde_json::Value;

use super::{Health, words};

pub(super) fn health(pod: &Value) -> Health {
    if let Some(end) = end(pod) {
        return end;
    }
    match meta::text_at(pod, "/status/phase") {
        "Running" if objects::pod::is_ready(pod) => Health::Ready,
        "Running" => running(pod),
        "Pending" => Health::Progressing(pending(pod)),
        "" => Health::Progressing("no node has seen the pod".to_owned()),
        phase => Health::Progressing(format!("the pod is in phase {phase}")),
    }
}

/// How a pod ended, if it did.
pub(super) fn end(pod: &Value) -> Option<Health> {
    match meta::text_at(pod, "/status/phase") {
        "Succeeded" => Some(Health::Ready),
        "Failed" => {
            let said = ["reason", "message"].map(|field| meta::text_at(pod, &format!("/status/{field}")));
            let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
            Some(Health::Failed(match said.is_empty() {
                true => "the pod failed".to_owned(),
                false => format!("the pod failed: {}", said.join(": ")),
            }))
        }
        _ => None,
    }
}

/// A pod that runs and isn't ready has failed once a container crashes again and again.
fn running(pod: &Value) -> Health {
    let crashing: Vec<&str> = waiting(pod, "containerStatuses")
        .filter(|(_, reason)| *reason == "CrashLoopBackOff")
        .map(|(name, _)| name)
        .collect();
    if !crashing.is_empty() {
        let (word, verb) = if crashing.len() == 1 {
            ("container", "crashes")
        } else {
            ("containers", "crash")
        };
        return Health::Failed(format!("{word} {} {verb} again and again", crashing.join(", ")));
    }
    let statuses = meta::list_at(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|one| one["ready"] == true).count();
    Health::Progressing(format!("{ready} of {} containers are ready", statuses.len()))
}

fn pending(pod: &Value) -> String {
    if let Some(scheduled) = condition::find(pod, "PodScheduled")
        && meta::text(scheduled, "status") == "False"
    {
        return words(scheduled, "the pod is on no node");
    }
    let mut all = waiting(pod, "initContainerStatuses").chain(waiting(pod, "containerStatuses"));
    // A container that waits for the one that waits for itself says nothing of why.
    match all.find(|(_, reason)| !["", "PodInitializing", "ContainerCreating"].contains(reason)) {
        Some((name, reason)) => format!("container {name} is waiting: {reason}"),
        None => "the pod is starting".to_owned(),
    }
}

/// The containers that wait, with the reason.
fn waiting<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let statuses = pod.get("status").and_then(|status| status.get(list)?.as_array());
    statuses
        .into_iter()
        .flatten()
        .filter(|one| meta::at(one, "/state/waiting").is_some())
        .map(|one| {
            (
                meta::text(one, "name"),
                meta::text_at(one, "/state/waiting/reason"),
            )
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: Value, expected: impl Into<Option<Health>>) {
        let pod = Value::from_iter([("status", status)]);
        assert_eq!(Some(health(&pod)), expected.into(), "{pod}");
    }

    fn progressing(why: &str) -> Health {
        Health::Progressing(why.to_owned())
    }

    #[test]
    fn phases_and_conditions_decide() {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        check(json!({"phase": "Running", "conditions": ready}), Health::Ready);
        check(json!({"phase": "Succeeded"}), Health::Ready);
        check(
            json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
            Health::Failed("the pod failed: Evicted: low on memory".to_owned()),
        );
        check(json!({}), progressing("no node has seen the pod"));
        check(
            json!({"phase": "Running", "containerStatuses": [{"ready": true}, {"ready": false}]}),
            progressing("1 of 2 containers are ready"),
        );
    }

    #[test]
    fn crash_loops_are_failures() {
        let waits =
            |name: &str, reason: &str| json!({"name": name, "state": {"waiting": {"reason": reason}}});
        check(
            json!({"phase": "Running", "containerStatuses": [waits("a", "CrashLoopBackOff"), waits("b", "X")]}),
            Health::Failed("container a crashes again and again".to_owned()),
        );
        check(
            json!({"phase": "Pending", "containerStatuses": [waits("a", "ImagePullBackOff")]}),
            progressing("container a is waiting: ImagePullBackOff"),
        );
    }

    #[test]
    fn pods_without_a_node_are_waited_for() {
        let scheduled =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/5"}]);
        check(
            json!({"phase": "Pending", "conditions": scheduled}),
            progressing("Unschedulable: 0/5"),
        );
        check(json!({"phase": "Pending"}), progressing("the pod is starting"));
    }
}
