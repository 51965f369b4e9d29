//! The end of a pod: its containers stop, its last status says how, and then it is gone.

use jiff::Timestamp;
use objects::meta;
use objects::pod::is_finished;

use super::cell::{Cell, State};
use super::run::bit;
use super::{Outcome, Step};
use crate::pod::{self, Role, later};
use crate::runtime::{Doing, Run, Stop};

impl Step<'_, '_> {
    /// Ends a pod that is deleted, or that somebody declared over.
    pub(super) fn end(mut self, begins: Timestamp) -> Outcome {
        let declared = is_finished(self.look.pod);
        let deadline = meta::deleted(self.look.pod).unwrap_or_else(|| self.grace_from(begins));
        self.stop_all(Stop { begins, deadline });
        if declared {
            let reason = meta::text_at(self.look.pod, "/status/phase").to_owned();
            let mut outcome = self.conclude();
            // The phase, and why, is what was declared.
            for field in ["phase", "reason", "message"] {
                outcome.status.remove(field);
            }
            outcome.gone &= !reason.is_empty();
            return outcome;
        }
        self.conclude()
    }

    /// Ends a pod that was active for as long as it may be.
    pub(super) fn out_of_time(mut self, due: Timestamp) -> Outcome {
        let message = "Pod was active on the node longer than the specified deadline";
        if self.is_news(due) {
            let event = self.normal("DeadlineExceeded", message);
            self.tell(event);
        }
        let deadline = self.grace_from(due);
        self.stop_all(Stop {
            begins: due,
            deadline,
        });
        self.verdict = Some(("DeadlineExceeded", message.to_owned()));
        self.conclude()
    }

    /// Stops the sidecars of a pod whose work is done, the last one first.
    pub(super) fn stop_sidecars(&mut self) {
        let ended = self
            .cells
            .iter()
            .filter_map(Cell::exit)
            .map(|exit| exit.finished)
            .max();
        let begins = ended.unwrap_or(self.look.now);
        let deadline = self.grace_from(begins);
        self.stop_role(&[Role::Sidecar], Stop { begins, deadline });
    }

    fn grace_from(&self, begins: Timestamp) -> Timestamp {
        later(begins, pod::grace(self.look.pod))
    }

    /// Stops everything, the sidecars when the others have ended.
    fn stop_all(&mut self, stop: Stop) {
        let others = [Role::Init, Role::Main, Role::Ephemeral];
        if !self.stop_role(&others, stop) {
            return;
        }
        let main = self.cells.iter().filter(|cell| cell.container.role == Role::Main);
        let ended = main.filter_map(Cell::exit).map(|exit| exit.finished).max();
        let begins = ended.map_or(stop.begins, |ended| ended.max(stop.begins));
        self.stop_role(&[Role::Sidecar], Stop { begins, ..stop });
    }

    /// Stops the containers of some roles; whether all have ended.
    fn stop_role(&mut self, roles: &[Role], stop: Stop) -> bool {
        let now = self.look.now;
        let mut all = true;
        for at in (0..self.cells.len()).rev() {
            let container = self.cells[at].container;
            if !roles.contains(&container.role) {
                continue;
            }
            let since = match &self.cells[at].state {
                State::Running { since } => *since,
                _ => match self.runtime.starting(self.look.pod, &container) {
                    Some(run) => {
                        all &= self.abandon(at, run, stop);
                        continue;
                    }
                    None => {
                        self.give_up(at);
                        continue;
                    }
                },
            };
            if self.is_stop_news(stop.begins) {
                let event = self.normal("Killing", format!("Stopping container {}", container.name()));
                self.tell_of(at, event);
            }
            self.tell_news(at, since);
            let run = Run {
                pod: self.look.pod,
                container: &container,
                restarts: self.cells[at].restarts,
                since,
            };
            match self.runtime.stop(&run, stop, now) {
                Doing::Ended(exit) => self.ended(at, exit),
                Doing::Running(health) => {
                    all = false;
                    self.take_health(at, &health);
                }
            }
        }
        all
    }

    /// Deletions are told apart by the pod, not the clock: one may fall into the second of the look before.
    fn is_stop_news(&self, begins: Timestamp) -> bool {
        if pod::deletion_began(self.look.pod) == Some(begins) {
            return self.look.before.is_none_or(|before| !before.deleted);
        }
        self.is_news(begins)
    }

    /// Stops a run whose `postStart` hook is not done; whether it has ended.
    fn abandon(&mut self, at: usize, number: i64, stop: Stop) -> bool {
        let now = self.look.now;
        let container = self.cells[at].container;
        let run = Run {
            pod: self.look.pod,
            container: &container,
            restarts: number,
            since: stop.begins,
        };
        let Doing::Ended(exit) = self.runtime.stop(&run, stop, now) else {
            self.out.starting |= bit(at);
            return false;
        };
        if let State::Ended(before) = &self.cells[at].state {
            self.cells[at].last = Some(before.clone());
        }
        self.cells[at].restarts = number;
        self.ended(at, exit);
        true
    }

    /// A container that waits to run again has ended with its last run.
    fn give_up(&mut self, at: usize) {
        let cell = &mut self.cells[at];
        if !matches!(cell.state, State::Waiting { .. }) {
            return;
        }
        (cell.ready, cell.started) = (false, false);
        if let Some(last) = cell.last.take() {
            cell.state = State::Ended(last);
        }
    }
}
