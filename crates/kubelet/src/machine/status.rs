//! The cells of a pod into its status: phase and conditions, as a kubelet derives them from its containers.

use jiff::Timestamp;
use objects::{meta, time};
use serde_json::{Value, json};

use super::cell::{Cell, State};
use crate::pod::Role;

/// The conditions that a kubelet writes, in its order.
const CONDITIONS: [&str; 5] = [
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
];

/// The condition that tells of the pod's sandbox.
pub(super) const SANDBOX: &str = CONDITIONS[0];
pub(super) const INITIALIZED: &str = CONDITIONS[1];

/// What conditions depend on besides the containers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) pod: &'a Value,
    pub(super) phase: &'a str,
    /// Its sandbox is up.
    pub(super) sandbox: bool,
    pub(super) now: Timestamp,
}

/// `True` or `False`, and why.
type Verdict = (bool, &'static str, String);

/// The phase that follows from the containers; `over` when none will be started again.
pub(super) fn phase(pod: &Value, cells: &[Cell<'_>], over: bool) -> &'static str {
    let (mut running, mut waiting, mut stopped, mut succeeded) = (0, 0, 0, 0);
    let (mut initializing, mut failed_init, mut restarts) = (false, false, false);
    for cell in cells {
        let ended = cell.exit().or(match &cell.state {
            State::Waiting { .. } => cell.last.as_ref(),
            _ => None,
        });
        match (cell.container.role, ended) {
            (Role::Ephemeral, _) => {}
            (Role::Init, Some(exit)) if exit.code == 0 => {}
            (Role::Init, Some(exit)) => {
                initializing = true;
                failed_init |= !cell.container.restarts(pod, exit.code);
            }
            (Role::Sidecar, _) => {
                initializing |= !cell.lets_pass() && cell.last.is_none() && cell.exit().is_none();
            }
            (Role::Init, None) => initializing = true,
            (Role::Main, Some(exit)) => {
                stopped += 1;
                succeeded += usize::from(exit.code == 0);
                restarts |= cell.container.restarts(pod, exit.code);
            }
            (Role::Main, None) if cell.is_running() => running += 1,
            (Role::Main, None) => waiting += 1,
        }
    }
    let ended = if waiting == 0 && stopped > 0 && stopped == succeeded {
        "Succeeded"
    } else {
        "Failed"
    };
    if over && running == 0 {
        return ended;
    }
    match () {
        () if failed_init => "Failed",
        () if initializing && running == 0 && stopped == 0 => "Pending",
        () if waiting > 0 => "Pending",
        () if running > 0 || restarts => "Running",
        () => ended,
    }
}

/// The conditions of a pod: the kubelet's own, then those of others as they are.
pub(super) fn conditions(facts: Facts<'_>, cells: &[Cell<'_>]) -> Vec<Value> {
    let old = meta::list_at(facts.pod, "/status/conditions");
    let find = |kind: &str| old.iter().find(|one| meta::text(one, "type") == kind);
    let containers = containers_ready(facts.phase, cells);
    let mut conditions: Vec<Value> = CONDITIONS
        .iter()
        .map(|kind| {
            let verdict = match *kind {
                SANDBOX => (facts.sandbox, "", String::new()),
                INITIALIZED => initialized(facts.phase, cells),
                "Ready" => ready(facts.pod, containers.clone()),
                "ContainersReady" => containers.clone(),
                // The scheduler's, unless the pod named its node itself.
                _ if find(kind).is_some() => return find(kind).cloned().unwrap_or_default(),
                _ => (true, "", String::new()),
            };
            condition(find(kind), kind, verdict, facts)
        })
        .collect();
    let others = old
        .iter()
        .filter(|one| !CONDITIONS.contains(&meta::text(one, "type")));
    conditions.extend(others.cloned());
    conditions
}

fn condition(old: Option<&Value>, kind: &str, verdict: Verdict, facts: Facts<'_>) -> Value {
    let (holds, reason, message) = verdict;
    let status = if holds { "True" } else { "False" };
    let same = old.filter(|old| meta::text(old, "status") == status);
    let since = same.and_then(|old| old.get("lastTransitionTime")).cloned();
    let mut condition = json!({
        "type": kind,
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": since.unwrap_or_else(|| json!(time::seconds(facts.now))),
    });
    let generation = meta::generation(facts.pod);
    if generation > 0 {
        condition["observedGeneration"] = json!(generation);
    }
    for (field, text) in [("reason", reason), ("message", message.as_str())] {
        if !text.is_empty() {
            condition[field] = json!(text);
        }
    }
    condition
}

fn initialized(phase: &str, cells: &[Cell<'_>]) -> Verdict {
    let incomplete: Vec<&str> = cells
        .iter()
        .filter(|cell| matches!(cell.container.role, Role::Init | Role::Sidecar))
        .filter(|cell| !cell.lets_pass() && !was_started(cell))
        .map(|cell| cell.container.name())
        .collect();
    if phase == "Succeeded" {
        return (true, "PodCompleted", String::new());
    }
    if incomplete.is_empty() {
        return (true, "", String::new());
    }
    let message = format!("containers with incomplete status: [{}]", incomplete.join(" "));
    (false, "ContainersNotInitialized", message)
}

/// A sidecar that ran once does not make a pod uninitialised again.
fn was_started(cell: &Cell<'_>) -> bool {
    cell.container.role == Role::Sidecar && (cell.last.is_some() || cell.exit().is_some())
}

fn containers_ready(phase: &str, cells: &[Cell<'_>]) -> Verdict {
    match phase {
        "Succeeded" => return (false, "PodCompleted", String::new()),
        "Failed" => return (false, "PodFailed", String::new()),
        _ => {}
    }
    let counted = |role: Role| matches!(role, Role::Sidecar | Role::Main);
    let unready: Vec<&str> = cells
        .iter()
        .filter(|cell| counted(cell.container.role) && !cell.ready)
        .map(|cell| cell.container.name())
        .collect();
    if unready.is_empty() {
        return (true, "", String::new());
    }
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    (false, "ContainersNotReady", message)
}

fn ready(pod: &Value, containers: Verdict) -> Verdict {
    if !containers.0 {
        return containers;
    }
    let conditions = meta::list_at(pod, "/status/conditions");
    let gates = meta::list_at(pod, "/spec/readinessGates").iter();
    let unmet: Vec<String> = gates
        .map(|gate| meta::text(gate, "conditionType"))
        .filter_map(|gate| {
            let found = conditions.iter().find(|one| meta::text(one, "type") == gate);
            match found.map(|one| meta::text(one, "status")) {
                Some("True") => None,
                Some(status) => Some(format!(
                    "the status of pod readiness gate \"{gate}\" is not \"True\", but {status}"
                )),
                None => Some(format!(
                    "corresponding condition of pod readiness gate \"{gate}\" does not exist."
                )),
            }
        })
        .collect();
    if unmet.is_empty() {
        return (true, "", String::new());
    }
    (false, "ReadinessGatesNotReady", unmet.join(", "))
}
