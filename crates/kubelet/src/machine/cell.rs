//! One container between its status as it was and as it will be.

use std::borrow::Cow;

use jiff::Timestamp;
use objects::{meta, time};
use serde_json::{Map, Value, json};

use crate::pod::{Container, Role, time_at};
use crate::runtime::Exit;
use crate::{backoff, image};

/// The runtime that ids name; a process kubelet says the same, as tools take this prefix apart.
const RUNTIME: &str = "containerd://";

/// A container's state and history.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) container: Container<'a>,
    pub(crate) state: State,
    pub(crate) last: Option<Exit>,
    /// How many times it was restarted: the number of the run that runs or ended.
    pub(crate) restarts: i64,
    pub(crate) started: bool,
    pub(crate) ready: bool,
    /// Its image is on the node.
    pub(crate) pulled: bool,
    /// The image that the run was started with.
    pub(crate) runs: Cow<'a, str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting {
        reason: Cow<'static, str>,
        message: String,
    },
    Running {
        since: Timestamp,
    },
    Ended(Exit),
}

/// Reasons that a status may hold; anything else in it is taken for the first.
const REASONS: &[&str] = &[
    "ContainerCreating",
    "PodInitializing",
    CRASH_LOOP,
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Why a run ended that ended with its node. A node that comes back remembers no back-off.
pub(crate) const UNSEEN: &str = "Unknown";

pub(crate) const CRASH_LOOP: &str = "CrashLoopBackOff";

impl<'a> Cell<'a> {
    /// Reads a container's part of a pod's status; a container without one waits for `reason`.
    pub(crate) fn read(pod: &'a Value, container: Container<'a>, reason: &'static str) -> Self {
        let list = meta::list_at(pod, pointer(container.role));
        let status = list
            .iter()
            .find(|status| meta::text(status, "name") == container.name());
        let Some(status) = status else {
            return Self {
                container,
                state: State::waiting(reason),
                last: None,
                restarts: 0,
                started: false,
                ready: false,
                pulled: false,
                runs: Cow::Borrowed(""),
            };
        };
        let flag = |field: &str| status.get(field).and_then(Value::as_bool).unwrap_or(false);
        Self {
            container,
            state: State::read(status, reason),
            last: meta::at(status, "/lastState/terminated").map(read_exit),
            restarts: meta::number_at(status, "/restartCount").unwrap_or(0),
            started: flag("started"),
            ready: flag("ready"),
            pulled: !meta::text(status, "imageID").is_empty(),
            runs: Cow::Borrowed(meta::text(status, "image")),
        }
    }

    /// How it ended, if it did and does not run again yet.
    pub(crate) fn exit(&self) -> Option<&Exit> {
        match &self.state {
            State::Ended(exit) => Some(exit),
            _ => None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// An init container that lets the next one start.
    pub(crate) fn lets_pass(&self) -> bool {
        match self.container.role {
            Role::Sidecar => self.is_running() && self.started,
            _ => self.exit().is_some_and(|exit| exit.code == 0),
        }
    }

    pub(crate) fn wait(&mut self, reason: &'static str, message: impl Into<String>) {
        (self.ready, self.started) = (false, false);
        self.state = State::Waiting {
            reason: Cow::Borrowed(reason),
            message: message.into(),
        };
    }

    /// The run that ended, and how long the next one waits for it, as the status has it.
    pub(crate) fn wait_after(&self, exit: &Exit) -> i64 {
        if exit.reason == UNSEEN {
            return 0;
        }
        backoff::restart_wait(backoff::Ended {
            started: exit.started,
            finished: exit.finished,
            before: self.last.as_ref().map(|last| last.finished),
            restarts: self.restarts,
        })
    }

    /// Its part of the pod's status.
    pub(crate) fn print(&self, pod: &Value) -> Value {
        let full = image::full(self.container.image());
        let image = if self.runs.is_empty() {
            self.container.image()
        } else {
            self.runs.as_ref()
        };
        let mut status = json!({
            "name": self.container.name(),
            "image": image,
            "imageID": "",
            "lastState": {},
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": self.started,
        });
        if self.pulled {
            let full = full.unwrap_or_default();
            status["imageID"] = json!(image::id(if self.runs.is_empty() { &full } else { &self.runs }));
        }
        let id = |run: i64| container_id(pod, &self.container, run);
        let mut earlier = self.restarts - 1;
        status["state"] = match &self.state {
            State::Waiting { reason, message } => {
                // What waits to run again ended in the run that is counted.
                earlier = self.restarts;
                let mut waiting = json!({"reason": reason});
                if !message.is_empty() {
                    waiting["message"] = json!(message);
                }
                json!({"waiting": waiting})
            }
            State::Running { since } => json!({"running": {"startedAt": time::seconds(*since)}}),
            State::Ended(exit) => json!({"terminated": print_exit(exit, &id(self.restarts))}),
        };
        if let Some(last) = &self.last {
            status["lastState"] = json!({"terminated": print_exit(last, &id(earlier))});
        }
        let waits = matches!(self.state, State::Waiting { .. });
        if !waits || self.last.is_some() {
            status["containerID"] = json!(id(self.restarts));
        }
        if let Some(status) = status.as_object_mut() {
            spec_fields(status, self.container.spec, !waits);
        }
        status
    }
}

impl State {
    pub(crate) fn waiting(reason: &'static str) -> Self {
        Self::Waiting {
            reason: Cow::Borrowed(reason),
            message: String::new(),
        }
    }

    fn read(status: &Value, default: &'static str) -> Self {
        if let Some(running) = meta::at(status, "/state/running") {
            return Self::Running {
                since: time_at(running, "/startedAt").unwrap_or_default(),
            };
        }
        if let Some(ended) = meta::at(status, "/state/terminated") {
            return Self::Ended(read_exit(ended));
        }
        let reason = meta::text_at(status, "/state/waiting/reason");
        let known = REASONS.iter().find(|known| **known == reason);
        Self::Waiting {
            reason: Cow::Borrowed(known.copied().unwrap_or(default)),
            message: meta::text_at(status, "/state/waiting/message").to_owned(),
        }
    }

    /// Why it waits.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// Where the statuses of containers of a role stand.
pub(crate) fn pointer(role: Role) -> &'static str {
    match role {
        Role::Init | Role::Sidecar => "/status/initContainerStatuses",
        Role::Main => "/status/containerStatuses",
        Role::Ephemeral => "/status/ephemeralContainerStatuses",
    }
}

fn read_exit(ended: &Value) -> Exit {
    let finished = time_at(ended, "/finishedAt").unwrap_or_default();
    Exit {
        code: meta::number_at(ended, "/exitCode").unwrap_or(0),
        reason: meta::text(ended, "reason").to_owned(),
        message: meta::text(ended, "message").to_owned(),
        started: time_at(ended, "/startedAt").unwrap_or(finished),
        finished,
    }
}

fn print_exit(exit: &Exit, id: &str) -> Value {
    let mut printed = json!({
        "containerID": id,
        "exitCode": exit.code,
        "finishedAt": time::seconds(exit.finished),
        "reason": exit.reason,
        "startedAt": time::seconds(exit.started),
    });
    if !exit.message.is_empty() {
        printed["message"] = json!(exit.message);
    }
    printed
}

/// The id of one run: always the same, so that nobody needs to remember it.
fn container_id(pod: &Value, container: &Container<'_>, run: i64) -> String {
    let text = format!("{}/{}/{run}", meta::uid(pod), container.name());
    format!("{RUNTIME}{}", image::hex(&text))
}

/// What a status repeats of the specification.
fn spec_fields(status: &mut Map<String, Value>, spec: &Value, runs: bool) {
    let mounts: Vec<Value> = meta::list_at(spec, "/volumeMounts").iter().map(mount).collect();
    if !mounts.is_empty() {
        status.insert("volumeMounts".to_owned(), Value::Array(mounts));
    }
    if !runs {
        return;
    }
    let resources = spec.get("resources").cloned().unwrap_or_else(|| json!({}));
    if let Some(requests) = resources.get("requests") {
        status.insert("allocatedResources".to_owned(), requests.clone());
    }
    status.insert("resources".to_owned(), resources);
}

fn mount(mount: &Value) -> Value {
    let mut printed = json!({"mountPath": mount["mountPath"], "name": mount["name"]});
    if mount.get("readOnly").and_then(Value::as_bool) == Some(true) {
        printed["readOnly"] = json!(true);
        printed["recursiveReadOnly"] = json!("Disabled");
    }
    printed
}
