//! Moving one container on: pull, configure, start, look, restart.

use std::borrow::Cow;

use jiff::Timestamp;
use objects::meta;
use serde_json::Value;

use super::cell::{CRASH_LOOP, State};
use super::{Step, whole_second};
use crate::pod::later;
use crate::runtime::{Begun, Doing, Exit, Failure, Health, Image, Probe, Run, Stop};
use crate::{backoff, holds, image, pod, span};

/// A container changes this often in one look at most: start, end, start again, end again, wait. What is left is
/// found at the next look.
const MOST_CHANGES: usize = 8;

impl Step<'_, '_> {
    /// Moves a container on as far as it goes; it could first have started at `since`.
    pub(super) fn advance(&mut self, at: usize, since: Timestamp) {
        for _ in 0..MOST_CHANGES {
            let cell = &self.cells[at];
            let moved = match cell.state.clone() {
                State::Running { since } => self.watch(at, since),
                State::Ended(exit) => self.restart(at, exit),
                State::Waiting { reason, message } if reason == CRASH_LOOP => self.wait_out(at, &message),
                State::Waiting { .. } => self.start(at, since),
            };
            if !moved {
                return;
            }
        }
        self.look_at(later(self.look.now, 1));
    }

    fn ask<T>(&mut self, at: usize, since: Timestamp, ask: impl FnOnce(&mut Self, &Run<'_>) -> T) -> T {
        let container = self.cells[at].container;
        let run = Run {
            pod: self.look.pod,
            container: &container,
            restarts: self.cells[at].restarts,
            since,
        };
        ask(self, &run)
    }

    /// Starts a container that waits; whether it runs now.
    fn start(&mut self, at: usize, since: Timestamp) -> bool {
        let now = self.look.now;
        let container = self.cells[at].container;
        let Some(full) = image::full(container.image()) else {
            self.invalid_image(at);
            return false;
        };
        match self.ask(at, since, |step, run| step.runtime.image(run, now)) {
            image @ (Image::Present | Image::Pulled { .. }) => {
                if let Some(missing) = holds::environment(self.look.world, self.look.pod, &container) {
                    if !self.cells[at].pulled {
                        self.tell_pulled(at, &image);
                    }
                    self.cells[at].pulled = true;
                    self.cells[at].runs = Cow::Owned(full);
                    self.fail(at, "CreateContainerConfigError", missing.message);
                    self.out.awaits.push(missing.awaits);
                    return false;
                }
                if !self.was_starting(at) && (!self.cells[at].pulled || self.cells[at].last.is_some()) {
                    self.tell_pulled(at, &image);
                }
                self.cells[at].pulled = true;
                self.cells[at].runs = Cow::Owned(full);
                self.launch(at, since)
            }
            other => {
                self.without_image(at, since, other);
                false
            }
        }
    }

    fn launch(&mut self, at: usize, since: Timestamp) -> bool {
        let now = self.look.now;
        match self.ask(at, since, |step, run| step.runtime.start(run, now)) {
            Ok(begun) => {
                if !self.was_starting(at) {
                    for (reason, message) in
                        [("Created", "Container created"), ("Started", "Container started")]
                    {
                        let event = self.normal(reason, message);
                        self.tell_of(at, event);
                    }
                }
                match begun {
                    Begun::Running { since } => {
                        // To the second, as the status will say it: what follows must not depend on who remembers
                        // more.
                        let since = whole_second(since);
                        self.cells[at].state = State::Running { since };
                        true
                    }
                    Begun::Starting { again } => {
                        self.out.starting |= bit(at);
                        if let Some(again) = again {
                            self.look_at(again);
                        }
                        false
                    }
                }
            }
            Err(refused) => {
                self.fail(at, refused.reason, refused.message);
                if let Some(again) = refused.again {
                    self.look_at(again);
                }
                false
            }
        }
    }

    /// Whether its start was told at an earlier look, and only its hook is waited for.
    fn was_starting(&self, at: usize) -> bool {
        self.look
            .before
            .is_some_and(|before| before.starting & bit(at) != 0)
    }

    fn tell_pulled(&mut self, at: usize, image: &Image) {
        let name = self.cells[at].container.image().to_owned();
        let message = match image {
            Image::Pulled { took, bytes } => {
                if self.cells[at].state.reason() != Some("ImagePullBackOff") && took.is_zero() {
                    let event = self.normal("Pulling", format!("Pulling image \"{name}\""));
                    self.tell_of(at, event);
                }
                let took = span::print(*took);
                format!(
                    "Successfully pulled image \"{name}\" in {took} ({took} including waiting). Image size: {bytes} bytes."
                )
            }
            _ => format!(
                "Container image \"{name}\" already present on machine and can be accessed by the pod"
            ),
        };
        let event = self.normal("Pulled", message);
        self.tell_of(at, event);
    }

    fn without_image(&mut self, at: usize, since: Timestamp, image: Image) {
        let name = self.cells[at].container.image().to_owned();
        match image {
            Image::Pulling { until } => {
                if self.has_just_begun(since) {
                    let event = self.normal("Pulling", format!("Pulling image \"{name}\""));
                    self.tell_of(at, event);
                }
                if let Some(until) = until {
                    self.look_at(until);
                }
            }
            Image::Failed {
                error,
                waiting,
                again,
            } => {
                let error = format!("rpc error: code = NotFound desc = {error}");
                self.pull_failed(at, since, (&error, waiting));
                if let Some(again) = again {
                    self.look_at(again);
                }
            }
            _ => {
                let message = format!("Container image \"{name}\" is not present with pull policy of Never");
                if self.cells[at].state.reason() != Some("ErrImageNeverPull") {
                    let event = self.warning("ErrImageNeverPull", message.clone());
                    self.tell_of(at, event);
                }
                self.cells[at].runs = Cow::Borrowed("");
                self.fail_with(
                    at,
                    ("ErrImageNeverPull", message),
                    "Error: ErrImageNeverPull".to_owned(),
                );
            }
        }
    }

    /// Whether no look before this one can have told what began at a time.
    fn has_just_begun(&self, since: Timestamp) -> bool {
        self.fresh || self.look.before.is_some() && self.is_news(since)
    }

    fn pull_failed(&mut self, at: usize, since: Timestamp, (error, waiting): (&str, bool)) {
        let name = self.cells[at].container.image().to_owned();
        let was = self.cells[at].state.reason().map(str::to_owned);
        let was = was.as_deref();
        if waiting {
            let short = format!("Back-off pulling image \"{name}\"");
            let message = format!("{short}: ErrImagePull: failed to pull image \"{name}\": {error}");
            if was != Some("ImagePullBackOff") {
                let event = self.normal("BackOff", short);
                self.tell_of(at, event);
            }
            self.fail_with(
                at,
                ("ImagePullBackOff", message),
                "Error: ImagePullBackOff".to_owned(),
            );
            return;
        }
        let message = format!("failed to pull image \"{name}\": {error}");
        if was != Some("ErrImagePull") {
            if was == Some("ImagePullBackOff") || self.has_just_begun(since) {
                let pulling = self.normal("Pulling", format!("Pulling image \"{name}\""));
                self.tell_of(at, pulling);
            }
            let failed = self.warning("Failed", format!("Failed to pull image \"{name}\": {error}"));
            self.tell_of(at, failed);
        }
        self.fail_with(at, ("ErrImagePull", message), "Error: ErrImagePull".to_owned());
    }

    fn invalid_image(&mut self, at: usize) {
        let name = self.cells[at].container.image().to_owned();
        let message = format!(
            "Failed to apply default image tag \"{name}\": couldn't parse image name \"{name}\": invalid reference format"
        );
        if self.cells[at].state.reason() != Some("InvalidImageName") {
            let event = self.warning("InspectFailed", message.clone());
            self.tell_of(at, event);
        }
        self.fail_with(
            at,
            ("InvalidImageName", message),
            "Error: InvalidImageName".to_owned(),
        );
    }

    /// A container that can't start waits for a reason; the event says why, once.
    fn fail(&mut self, at: usize, reason: &'static str, message: String) {
        let text = format!("Error: {message}");
        self.fail_with(at, (reason, message), text);
    }

    fn fail_with(&mut self, at: usize, (reason, message): (&'static str, String), event: String) {
        let next = State::Waiting {
            reason: Cow::Borrowed(reason),
            message,
        };
        if self.cells[at].state.reason() != Some(reason) {
            let event = self.warning("Failed", event);
            self.tell_of(at, event);
        }
        (self.cells[at].ready, self.cells[at].started) = (false, false);
        self.cells[at].state = next;
    }

    /// Looks at a running container; whether it has ended.
    fn watch(&mut self, at: usize, since: Timestamp) -> bool {
        let now = self.look.now;
        let container = self.cells[at].container;
        let wanted = image::full(container.image());
        let runs = &self.cells[at].runs;
        if !runs.is_empty() && wanted.as_deref().is_some_and(|wanted| wanted != runs) {
            let message = format!(
                "Container {} definition changed, will be restarted",
                container.name()
            );
            return self.kill(at, since, now, message);
        }
        self.tell_news(at, since);
        let health = match self.ask(at, since, |step, run| step.runtime.look(run, now)) {
            Doing::Ended(exit) => {
                self.ended(at, exit);
                return true;
            }
            Doing::Running(health) => health,
        };
        self.take_health(at, &health);
        let Some(failure) = health.failures.into_iter().find(|failure| failure.final_one) else {
            return false;
        };
        let title = failure.probe.title().to_lowercase();
        let message = format!(
            "Container {} failed {title} probe, will be restarted",
            container.name()
        );
        self.kill(at, since, failure.at, message)
    }

    pub(super) fn take_health(&mut self, at: usize, health: &Health) {
        self.cells[at].started = health.started;
        // An init container is ready when it has succeeded.
        let counts = self.cells[at].container.role != pod::Role::Init;
        self.cells[at].ready = counts && health.ready && health.started;
        if let Some(next) = health.next {
            self.look_at(next);
        }
        for failure in &health.failures {
            self.tell_failure(at, failure);
        }
    }

    /// Tells what a runtime has to tell.
    pub(super) fn tell_news(&mut self, at: usize, since: Timestamp) {
        for news in self.ask(at, since, |step, run| step.runtime.news(run)) {
            let event = self.warning(news.reason, news.message);
            self.tell_of(at, event);
        }
    }

    fn tell_failure(&mut self, at: usize, failure: &Failure) {
        let new = meta::at(self.look.pod, "/status/startTime").is_none();
        if (new || self.look.before.is_some()) && self.is_news(failure.at) {
            let event = self.warning("Unhealthy", failure.message.clone());
            self.tell_of(at, event);
        }
    }

    /// Stops a container that is to be restarted; whether it has ended.
    fn kill(&mut self, at: usize, since: Timestamp, begins: Timestamp, message: String) -> bool {
        let now = self.look.now;
        if self.is_news(begins) {
            let event = self.normal("Killing", message);
            self.tell_of(at, event);
        }
        let probes = [Probe::Liveness, Probe::Startup];
        let container = self.cells[at].container;
        let own = probes
            .iter()
            .filter_map(|probe| container.probe(probe.field()))
            .find_map(|probe| probe.get("terminationGracePeriodSeconds").and_then(Value::as_i64));
        let grace = own.unwrap_or_else(|| pod::grace(self.look.pod));
        let stop = Stop {
            begins,
            deadline: later(begins, grace),
        };
        match self.ask(at, since, |step, run| step.runtime.stop(run, stop, now)) {
            Doing::Ended(exit) => {
                self.ended(at, exit);
                true
            }
            Doing::Running(health) => {
                self.cells[at].ready = false;
                if let Some(next) = health.next {
                    self.look_at(next);
                }
                false
            }
        }
    }

    pub(super) fn ended(&mut self, at: usize, exit: Exit) {
        let init = self.cells[at].container.role == pod::Role::Init;
        self.cells[at].started = false;
        self.cells[at].ready = init && exit.code == 0;
        self.cells[at].state = State::Ended(exit);
    }

    /// Restarts a container that has ended, at once or later; whether it changed.
    fn restart(&mut self, at: usize, exit: Exit) -> bool {
        let cell = &self.cells[at];
        if !cell.container.restarts(self.look.pod, exit.code) {
            return false;
        }
        let wait = cell.wait_after(&exit);
        let due = later(exit.finished, wait);
        let before = self.cells[at].last.replace(exit);
        if due <= self.look.now {
            let moved = self.again(at, due);
            if self.is_starting(at) {
                self.cells[at].last = before;
            }
            return moved;
        }
        let name = self.cells[at].container.name().to_owned();
        let pod = pod::full_name(self.look.pod);
        let event = self.warning(
            "BackOff",
            format!("Back-off restarting failed container {name} in pod {pod}"),
        );
        self.tell_of(at, event);
        self.cells[at].wait(CRASH_LOOP, backoff::message(wait, &name, &pod));
        self.look_at(due);
        false
    }

    /// Waits for the next run of a container that failed too often; whether the wait is over.
    fn wait_out(&mut self, at: usize, message: &str) -> bool {
        let wait = backoff::from_message(message).unwrap_or_default();
        let ended = self.cells[at].last.as_ref().map(|last| last.finished);
        let due = ended.map_or(self.look.now, |ended| later(ended, wait));
        if due > self.look.now {
            self.look_at(due);
            return false;
        }
        self.again(at, due)
    }

    /// Starts the next run of a container, which was due at a time. Until its hook is done its status stays as it is:
    /// a kubelet writes none meanwhile.
    fn again(&mut self, at: usize, due: Timestamp) -> bool {
        let waiting = State::waiting("ContainerCreating");
        let before = std::mem::replace(&mut self.cells[at].state, waiting);
        self.cells[at].restarts += 1;
        let moved = self.start(at, due);
        if self.is_starting(at) {
            self.cells[at].restarts -= 1;
            self.cells[at].state = before;
        }
        moved
    }

    fn is_starting(&self, at: usize) -> bool {
        self.out.starting & bit(at) != 0
    }
}

/// The bit of a container. A pod of more containers than there are bits tells some events twice.
pub(super) fn bit(at: usize) -> u64 {
    1 << at.min(63)
}
