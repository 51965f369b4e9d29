//! The life of a pod on its node: one look at it gives its next status, the events to tell, and when to look again.
//!
//! ```text
//! status as it was ──► cells ──► admission ─► volumes ─► init containers ─► containers ─► phase, conditions ──► status
//!                                     └─ deleted, out of time, over ─► stop ─► the end
//! ```
//!
//! Everything that matters stands in the status and the clock. What containers do comes from a [`Runtime`], so
//! simulated nodes and nodes with real processes share this. One look goes as far as nothing holds it up: a simple
//! pod is Running and Ready after the first.

mod cell;
mod ending;
mod reboot;
mod run;
mod status;

use jiff::Timestamp;
use objects::control::Event;
use objects::pod::is_finished;
use objects::{Key, World, meta, time};
use serde_json::{Map, Value, json};

use crate::pod::{self, Container, Role, later, time_at};
use crate::runtime::Runtime;
use crate::{address, admission, backoff, holds};
use cell::{Cell, State};
use status::Facts;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub key: &'a Key,
    pub pod: &'a Value,
    pub node: &'a Value,
    pub world: &'a World,
    pub now: Timestamp,
    /// The last look at the same pod, if that is remembered: what fell due before was told already. Nothing but
    /// events depends on it.
    pub before: Option<Seen>,
}

/// What is remembered of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub at: Timestamp,
    /// The pod was being deleted.
    pub deleted: bool,
    /// Containers whose `postStart` hook was not done, as in [`Outcome`].
    pub starting: u64,
}

/// What follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The fields of the status that are to change, as a merge patch; empty when none is.
    pub status: Map<String, Value>,
    pub events: Vec<Event>,
    pub again: Option<Timestamp>,
    /// Nothing of the pod runs any more and it is to be removed.
    pub gone: bool,
    /// Objects whose arrival changes the outcome.
    pub awaits: Vec<Key>,
    /// Containers whose `postStart` hook is not done: a bit each, by their place among all of the pod.
    pub starting: u64,
}

/// A pod's status in the making.
struct Step<'a, 'r> {
    look: Look<'a>,
    runtime: &'r mut dyn Runtime,
    cells: Vec<Cell<'a>>,
    out: Outcome,
    /// When its sandbox was up.
    sandbox: Option<Timestamp>,
    /// It came up in this very look.
    fresh: bool,
    address: String,
    /// Overrides what follows from the containers: phase, reason, message.
    verdict: Option<(&'static str, String)>,
}

/// Looks at a pod of a node.
///
/// Guarantees: with the same arguments and a runtime that answers the same, the same outcome; once its status is
/// written and nothing has changed, an empty one.
pub fn step(look: Look<'_>, runtime: &mut dyn Runtime) -> Outcome {
    let mut step = Step::read(look, runtime);
    let deleted = meta::is_deleted(look.pod);
    if is_finished(look.pod) && !step.cells.iter().any(Cell::is_running) {
        step.out.gone = deleted;
        return step.out;
    }
    if let Some(begun) = pod::deletion_began(look.pod) {
        return step.end(begun);
    }
    if is_finished(look.pod) {
        // Somebody else ended it: an eviction, or the collection of orphans.
        return step.end(look.now);
    }
    let new = meta::at(look.pod, "/status/startTime").is_none();
    if let Some(rejection) = new
        .then(|| admission::reject(look.world, look.node, look.pod))
        .flatten()
    {
        return step.reject(&rejection);
    }
    if let Some(due) = deadline(look.pod) {
        if due <= look.now {
            return step.out_of_time(due);
        }
        step.look_at(due);
    }
    if step.prepare() {
        step.run();
    }
    step.conclude()
}

impl<'a, 'r> Step<'a, 'r> {
    fn read(look: Look<'a>, runtime: &'r mut dyn Runtime) -> Self {
        let has_init = !meta::list_at(look.pod, "/spec/initContainers").is_empty();
        let waits = if has_init {
            "PodInitializing"
        } else {
            "ContainerCreating"
        };
        let cells = pod::containers(look.pod)
            .map(|container| Cell::read(look.pod, container, waits))
            .collect();
        let up = objects::condition::find(look.pod, status::SANDBOX);
        let up = up.filter(|up| meta::text(up, "status") == "True");
        Self {
            look,
            runtime,
            cells,
            out: Outcome::default(),
            sandbox: up.and_then(|up| time_at(up, "/lastTransitionTime")),
            fresh: false,
            address: meta::text_at(look.pod, "/status/podIP").to_owned(),
            verdict: None,
        }
    }

    fn look_at(&mut self, time: Timestamp) {
        self.out.again = Some(self.out.again.map_or(time, |again| again.min(time)));
    }

    /// Whether something that fell due at a time was not yet told.
    fn is_news(&self, due: Timestamp) -> bool {
        due <= self.look.now && self.look.before.is_none_or(|before| before.at < due)
    }

    fn tell(&mut self, event: Event) {
        let host = Some(meta::name(self.look.node).to_owned());
        self.out.events.push(Event { host, ..event });
    }

    /// Tells something about a container.
    fn tell_of(&mut self, cell: usize, event: Event) {
        let field = Some(self.cells[cell].container.field());
        self.tell(Event { field, ..event });
    }

    fn normal(&self, reason: &'static str, message: impl Into<String>) -> Event {
        Event::normal(self.look.key, reason, message)
    }

    fn warning(&self, reason: &'static str, message: impl Into<String>) -> Event {
        Event::warning(self.look.key, reason, message)
    }

    fn reject(mut self, rejection: &admission::Rejection) -> Outcome {
        let event = self.warning(rejection.reason, rejection.message.clone());
        self.tell(event);
        let status = &mut self.out.status;
        status.insert("phase".into(), json!("Failed"));
        status.insert("reason".into(), json!(rejection.reason));
        let message = format!("Pod was rejected: {}", rejection.message);
        status.insert("message".into(), json!(message));
        status.insert("startTime".into(), json!(time::seconds(self.look.now)));
        observed(status, self.look.pod);
        self.out
    }

    /// Mounts the volumes and makes the sandbox; whether containers may start.
    fn prepare(&mut self) -> bool {
        if self.sandbox.is_some() && !self.is_to_be_made_again() {
            return true;
        }
        let missing = holds::volumes(self.look.world, self.look.pod);
        if !missing.is_empty() {
            let messages = missing.iter().map(|one| one.message.clone()).collect();
            self.out.awaits.extend(missing.into_iter().map(|one| one.awaits));
            self.held("FailedMount", messages);
            return false;
        }
        if let Err(messages) = self.runtime.mount(self.look.pod, self.look.now) {
            self.held("FailedMount", messages);
            return false;
        }
        match self.runtime.address(self.look.pod) {
            Ok(address) => {
                self.address = address;
                // To the second, as the status will say it.
                self.sandbox = Some(whole_second(self.look.now));
                self.fresh = true;
                true
            }
            Err(message) => {
                self.held("FailedCreatePodSandBox", vec![message]);
                false
            }
        }
    }

    /// Tells what holds the pod, now and after ever longer waits.
    fn held(&mut self, reason: &'static str, messages: Vec<String>) {
        let first = time_at(self.look.pod, "/status/startTime").unwrap_or(self.look.now);
        let attempt = backoff::attempt(first, jiff::SignedDuration::ZERO, self.look.now);
        // The first is told with the first status; after a restart nobody knows what was told.
        let new = meta::at(self.look.pod, "/status/startTime").is_none();
        if new || self.look.before.is_some() && self.is_news(attempt.begins) {
            for message in messages {
                let event = self.warning(reason, message);
                self.tell(event);
            }
        }
        self.look_at(attempt.next);
    }

    /// Runs what may run: init containers in their order, then all others.
    fn run(&mut self) {
        let mut since = self.sandbox.unwrap_or(self.look.now);
        // Sidecars of a pod whose work is done don't come back.
        let done = self.is_done();
        let mut blocked = false;
        let mut failed = false;
        for at in 0..self.cells.len() {
            match self.cells[at].container.role {
                Role::Init | Role::Sidecar if blocked || done => {}
                Role::Init | Role::Sidecar => {
                    self.advance(at, since);
                    let cell = &self.cells[at];
                    match &cell.state {
                        State::Ended(exit) => since = since.max(exit.finished),
                        State::Running { since: started } => {
                            since = since.max(hook_done(*started, cell.container));
                        }
                        State::Waiting { .. } => {}
                    }
                    let was_up = cell.container.role == Role::Sidecar && cell.last.is_some();
                    blocked = !cell.lets_pass() && !was_up;
                    failed |= blocked && cell.exit().is_some();
                }
                // A kubelet starts one after the other, and a hook is part of the start.
                _ if blocked || self.out.starting != 0 && !self.cells[at].is_running() => {}
                _ => {
                    self.advance(at, since);
                    if let State::Running { since: started } = self.cells[at].state {
                        since = since.max(hook_done(started, self.cells[at].container));
                    }
                }
            }
        }
        if failed || !blocked && self.is_done() {
            self.stop_sidecars();
        }
    }

    /// Whether all main containers have ended for good.
    fn is_done(&self) -> bool {
        let mut main = self.cells.iter().filter(|cell| cell.container.role == Role::Main);
        main.all(|cell| {
            cell.exit()
                .is_some_and(|exit| !cell.container.restarts(self.look.pod, exit.code))
        })
    }

    /// The status as it should be, against the one that is.
    fn conclude(mut self) -> Outcome {
        let pod = self.look.pod;
        let over = self.verdict.is_some() || meta::is_deleted(pod);
        let running = self.cells.iter().any(Cell::is_running) || self.out.starting != 0;
        let mut phase = match &self.verdict {
            _ if running && over => meta::text_at(pod, "/status/phase"),
            Some(_) => "Failed",
            None => status::phase(pod, &self.cells, over),
        };
        if matches!(phase, "Succeeded" | "Failed") && running {
            // It ends when its last container does.
            phase = "Running";
        }
        let terminal = matches!(phase, "Succeeded" | "Failed");
        let facts = Facts {
            pod,
            phase,
            sandbox: self.sandbox.is_some() && !terminal,
            now: self.look.now,
        };
        let mut status = Map::new();
        status.insert("phase".into(), json!(phase));
        let conditions = status::conditions(facts, &self.cells);
        status.insert("conditions".into(), Value::Array(conditions));
        self.containers(&mut status);
        self.addresses(&mut status);
        if let Some((reason, message)) = self.verdict.as_ref().filter(|_| terminal) {
            status.insert("reason".into(), json!(reason));
            status.insert("message".into(), json!(message));
        }
        observed(&mut status, pod);
        if meta::at(pod, "/status/startTime").is_none() {
            status.insert("startTime".into(), json!(time::seconds(self.look.now)));
        }
        let old = |field: &str| pod.get("status").and_then(|old| old.get(field));
        status.retain(|field, value| !old(field).is_some_and(|old| same(old, value)));
        self.out.status = status;
        self.out.gone = terminal && meta::is_deleted(pod);
        if terminal {
            self.out.again = None;
        }
        self.out
    }

    fn containers(&self, status: &mut Map<String, Value>) {
        for (field, roles) in [
            ("initContainerStatuses", &[Role::Init, Role::Sidecar][..]),
            ("containerStatuses", &[Role::Main]),
            ("ephemeralContainerStatuses", &[Role::Ephemeral]),
        ] {
            let cells = self
                .cells
                .iter()
                .filter(|cell| roles.contains(&cell.container.role));
            let mut printed: Vec<Value> = cells.map(|cell| cell.print(self.look.pod)).collect();
            if field == "containerStatuses" {
                printed.sort_by(|one, other| meta::text(one, "name").cmp(meta::text(other, "name")));
            }
            if !printed.is_empty() {
                status.insert(field.to_owned(), Value::Array(printed));
            }
        }
    }

    fn addresses(&self, status: &mut Map<String, Value>) {
        let host = address::host(self.look.node);
        if !host.is_empty() {
            status.insert("hostIP".into(), json!(host));
            status.insert("hostIPs".into(), json!([{"ip": host}]));
        }
        if !self.address.is_empty() {
            status.insert("podIP".into(), json!(self.address));
            status.insert("podIPs".into(), json!([{"ip": self.address}]));
        }
    }
}

/// When the `postStart` hook of a container that runs was done.
fn hook_done(since: Timestamp, container: Container<'_>) -> Timestamp {
    let takes = container.hook_takes("postStart");
    since.saturating_add(takes).unwrap_or(since)
}

/// When a pod that may only be active so long has to end.
fn deadline(pod: &Value) -> Option<Timestamp> {
    let seconds = meta::number_at(pod, "/spec/activeDeadlineSeconds")?;
    Some(later(time_at(pod, "/status/startTime")?, seconds))
}

fn observed(status: &mut Map<String, Value>, pod: &Value) {
    let generation = meta::generation(pod);
    if generation > 0 {
        status.insert("observedGeneration".into(), json!(generation));
    }
    if meta::text_at(pod, "/status/qosClass").is_empty() {
        status.insert("qosClass".into(), json!(qos(pod)));
    }
}

/// The second that a time is in.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Whether two values are equal where a missing field and null are the same.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let covered = |a: &Map<String, Value>, b: &Map<String, Value>| {
                a.iter()
                    .all(|(key, value)| same(value, b.get(key).unwrap_or(&Value::Null)))
            };
            covered(one, other)
                && other
                    .iter()
                    .all(|(key, value)| value.is_null() || one.contains_key(key))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn qos(pod: &Value) -> &'static str {
    let amount = |container: &Value, kind: &str, resource: &str| {
        let amount = container
            .get("resources")
            .and_then(|all| all.get(kind)?.get(resource));
        amount.and_then(objects::Quantity::of)
    };
    let (mut any, mut guaranteed) = (false, true);
    for container in pod::containers(pod).filter(|container| container.role != Role::Ephemeral) {
        for resource in ["cpu", "memory"] {
            let limit = amount(container.spec, "limits", resource);
            let request = amount(container.spec, "requests", resource).or(limit);
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && limit == request;
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (_, true) => "Guaranteed",
        _ => "Burstable",
    }
}
