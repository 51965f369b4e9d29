//! The columns of Pods: one word for the state of all containers, and how often and when they started again.

use serde_json::{Value, json};

use super::column::{AGE, Column, NAME, field, said};
use super::read::{NONE, condition, is_deleted, items, number, or, text, truth};
use super::{age_of, between};

pub(super) const PODS: &[Column] = &[
    NAME,
    said(
        "Ready",
        "The aggregate readiness state of this pod for accepting traffic.",
        |pod| json!(State::of(pod).ready),
    ),
    said(
        "Status",
        "The aggregate status of the containers in this pod.",
        |pod| json!(State::of(pod).reason),
    ),
    said(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in this \
         pod has restarted.",
        |pod| json!(State::of(pod).restarts),
    ),
    AGE,
    field("IP", "core.v1.PodStatus.podIP", |pod| {
        or(&pod["status"]["podIPs"][0]["ip"], NONE)
    })
    .wide(),
    field("Node", "core.v1.PodSpec.nodeName", |pod| {
        or(&pod["spec"]["nodeName"], NONE)
    })
    .wide(),
    field("Nominated Node", "core.v1.PodStatus.nominatedNodeName", |pod| {
        or(&pod["status"]["nominatedNodeName"], NONE)
    })
    .wide(),
    field("Readiness Gates", "core.v1.PodSpec.readinessGates", gates).wide(),
];

/// What the containers' states come to.
struct State {
    ready: String,
    reason: String,
    restarts: String,
}

/// How often containers started again, and when the last did.
#[derive(Default)]
struct Restarts<'a> {
    times: i64,
    last: &'a str,
}

/// How far the init containers are.
struct Beginning<'a> {
    /// What keeps the others from running.
    waits_for: Option<String>,
    ready: usize,
    all: Restarts<'a>,
    /// Of those init containers that go on beside the others.
    lasting: Restarts<'a>,
}

/// The condition of a row whose pod has ended.
pub(super) fn ended(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(&pod["status"]["phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

impl State {
    fn of(pod: &Value) -> Self {
        let (spec, status) = (&pod["spec"], &pod["status"]);
        let beginning = Beginning::of(pod);
        let mut reason = first_reason(status).to_owned();
        let (mut ready, mut restarts) = (beginning.ready, beginning.all);
        if let Some(waits_for) = beginning.waits_for.clone() {
            reason = waits_for;
        }
        if beginning.waits_for.is_none() || condition(pod, "Initialized") == Some("True") {
            restarts = beginning.lasting;
            let mut running = 0;
            for container in items(&status["containerStatuses"]).iter().rev() {
                restarts.add(container);
                match said_of(container) {
                    Some(said) => reason = said,
                    None if truth(&container["ready"], false)
                        && container["state"]["running"].is_object() =>
                    {
                        running += 1;
                    }
                    None => {}
                }
            }
            ready += running;
            if reason == "Completed" && running > 0 {
                let is_ready = condition(pod, "Ready") == Some("True");
                (if is_ready { "Running" } else { "NotReady" }).clone_into(&mut reason);
            }
        }
        if is_deleted(pod) {
            if text(&status["reason"]) == "NodeLost" {
                "Unknown".clone_into(&mut reason);
            } else if !matches!(text(&status["phase"]), "Succeeded" | "Failed") {
                "Terminating".clone_into(&mut reason);
            }
        }
        let lasting = items(&spec["initContainers"])
            .iter()
            .filter(|one| is_lasting(one))
            .count();
        Self {
            ready: format!("{ready}/{}", items(&spec["containers"]).len() + lasting),
            reason,
            restarts: restarts.text(),
        }
    }
}

impl<'a> Beginning<'a> {
    fn of(pod: &'a Value) -> Self {
        let mut beginning = Self {
            waits_for: None,
            ready: 0,
            all: Restarts::default(),
            lasting: Restarts::default(),
        };
        let written = items(&pod["spec"]["initContainers"]);
        for (n, container) in items(&pod["status"]["initContainerStatuses"]).iter().enumerate() {
            let lasting = written
                .iter()
                .any(|one| one["name"] == container["name"] && is_lasting(one));
            beginning.all.add(container);
            if lasting {
                beginning.lasting.add(container);
            }
            let (terminated, waiting) = (&container["state"]["terminated"], &container["state"]["waiting"]);
            if terminated.is_object() && number(&terminated["exitCode"]) == 0 {
                continue;
            }
            if lasting && truth(&container["started"], false) {
                beginning.ready += usize::from(truth(&container["ready"], false));
                continue;
            }
            let waits_for = match text(&waiting["reason"]) {
                _ if terminated.is_object() => exit(terminated),
                "" | "PodInitializing" => format!("{n}/{}", written.len()),
                reason => reason.to_owned(),
            };
            beginning.waits_for = Some(format!("Init:{waits_for}"));
            break;
        }
        beginning
    }
}

impl<'a> Restarts<'a> {
    fn add(&mut self, container: &'a Value) {
        self.times += number(&container["restartCount"]);
        let ended = text(&container["lastState"]["terminated"]["finishedAt"]);
        // Times of one form and zone are in the order of their texts.
        self.last = self.last.max(ended);
    }

    fn text(&self) -> String {
        match (self.times, self.last) {
            (0, _) | (_, "") => self.times.to_string(),
            (times, last) => format!("{times} ({} ago)", age_of(last)),
        }
    }
}

fn first_reason(status: &Value) -> &str {
    let gated = |one: &&Value| one["type"] == "PodScheduled" && one["reason"] == "SchedulingGated";
    if items(&status["conditions"]).iter().any(|one| gated(&one)) {
        return "SchedulingGated";
    }
    match text(&status["reason"]) {
        "" => text(&status["phase"]),
        reason => reason,
    }
}

/// What a container that isn't running says of itself.
fn said_of(container: &Value) -> Option<String> {
    let state = &container["state"];
    match text(&state["waiting"]["reason"]) {
        "" if state["terminated"].is_object() => Some(exit(&state["terminated"])),
        "" => None,
        reason => Some(reason.to_owned()),
    }
}

fn exit(terminated: &Value) -> String {
    match (text(&terminated["reason"]), number(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// Whether an init container goes on beside the others.
fn is_lasting(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn gates(pod: &Value) -> Value {
    let gates = items(&pod["spec"]["readinessGates"]);
    let open = |gate: &&Value| condition(pod, text(&gate["conditionType"])) == Some("True");
    match gates.len() {
        0 => json!(NONE),
        all => json!(format!("{}/{all}", gates.iter().filter(open).count())),
    }
}

/// How long a job took, or takes so far.
pub(super) fn job_duration(job: &Value) -> Value {
    let (start, end) = (&job["status"]["startTime"], &job["status"]["completionTime"]);
    match (text(start), text(end)) {
        ("", _) => json!(""),
        (start, "") => json!(age_of(start)),
        (start, end) => json!(between(start, end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_pod_is_one_word() {
        let waiting = |reason: &str| json!({"state": {"waiting": {"reason": reason}}});
        let running = json!({"ready": true, "state": {"running": {}}});
        let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let ready = json!([{"type": "Ready", "status": "True"}]);
        for (status, expected) in [
            (json!({"phase": "Pending"}), "0/2 Pending"),
            (json!({"phase": "Failed", "reason": "Evicted"}), "0/2 Evicted"),
            (
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
                "0/2 SchedulingGated",
            ),
            (
                json!({"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff"), waiting("ContainerCreating")]}),
                "0/2 ImagePullBackOff",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [running, running]}),
                "2/2 Running",
            ),
            (
                json!({"phase": "Succeeded", "containerStatuses": [done, done]}),
                "0/2 Completed",
            ),
            (
                json!({"phase": "Running", "conditions": ready, "containerStatuses": [done, running]}),
                "1/2 Running",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [done, running]}),
                "1/2 NotReady",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}),
                "0/2 ExitCode:3",
            ),
            (
                json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"signal": 9}}}]}),
                "0/2 Signal:9",
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"state": {"running": {}}}],
                    "containerStatuses": [waiting("PodInitializing")]}),
                "0/2 Init:0/1",
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
                "0/2 Init:Error",
            ),
        ] {
            let pod = json!({"spec": {"containers": [{}, {}], "initContainers": [{"name": "i"}]}, "status": status});
            let state = State::of(&pod);
            assert_eq!(format!("{} {}", state.ready, state.reason), expected, "{pod}");
        }
    }

    #[test]
    fn pods_that_go_say_so_unless_they_have_ended() {
        for (phase, expected) in [("Running", "Terminating"), ("Succeeded", "Succeeded")] {
            let pod = json!({"metadata": {"deletionTimestamp": "2024-01-01T00:00:00Z"}, "status": {"phase": phase}});
            assert_eq!(State::of(&pod).reason, expected);
        }
    }

    #[test]
    fn lasting_init_containers_count_among_the_others() {
        let pod = json!({
            "spec": {"containers": [{}], "initContainers": [{"name": "side", "restartPolicy": "Always"}]},
            "status": {
                "phase": "Running",
                "initContainerStatuses": [{"name": "side", "started": true, "ready": true, "restartCount": 2,
                    "state": {"running": {}}}],
                "containerStatuses": [{"ready": true, "restartCount": 1, "state": {"running": {}}}],
            },
        });
        let state = State::of(&pod);
        assert_eq!((state.ready.as_str(), state.restarts.as_str()), ("2/2", "3"));
    }
}
