//! The return of a pod whose node was away: its sandbox and its processes are gone, and its status says otherwise.
//!
//! As on a real node, the pod stays and its containers run again: init containers from the first one, everything with
//! one more restart, and without any back-off, as nobody remembers one. What never restarts has ended, unseen.

use objects::meta;

use super::Step;
use super::cell::{CRASH_LOOP, Cell, State};
use crate::pod::Role;
use crate::runtime::{Doing, Run};

impl Step<'_, '_> {
    /// Whether a pod that had a sandbox needs another one; then what ran in it has ended.
    pub(super) fn is_to_be_made_again(&mut self) -> bool {
        if self.runtime.has_sandbox(self.look.pod) || !self.comes_back() {
            return false;
        }
        let text = "Pod sandbox changed, it will be killed and re-created.";
        let event = self.normal("SandboxChanged", text);
        self.tell(event);
        self.sandbox = None;
        self.address.clear();
        let again = self.cells.iter().any(|cell| cell.container.role == Role::Init);
        for at in 0..self.cells.len() {
            self.bury(at);
            self.revive(at, again);
        }
        true
    }

    /// Whether anything of the pod is to run again.
    fn comes_back(&self) -> bool {
        let pod = self.look.pod;
        if meta::text_at(pod, "/spec/restartPolicy") == "Never" {
            return false;
        }
        let done = |cell: &Cell<'_>| {
            let exit = cell.exit();
            exit.is_some_and(|exit| !cell.container.restarts(pod, exit.code))
        };
        let mut main = self.cells.iter().filter(|cell| cell.container.role == Role::Main);
        main.any(|cell| !done(cell))
    }

    /// A container that ran has ended, and the runtime says how.
    fn bury(&mut self, at: usize) {
        let State::Running { since } = self.cells[at].state else {
            return;
        };
        let container = self.cells[at].container;
        let run = Run {
            pod: self.look.pod,
            container: &container,
            restarts: self.cells[at].restarts,
            since,
        };
        if let Doing::Ended(exit) = self.runtime.look(&run, self.look.now) {
            self.ended(at, exit);
        }
    }

    /// Has a container run again that ended; `all` where init containers come first, which then run again too.
    fn revive(&mut self, at: usize, all: bool) {
        let cell = &mut self.cells[at];
        let again = match &cell.state {
            State::Ended(_) if cell.container.role == Role::Init => true,
            // Without init containers the usual way is short enough.
            State::Ended(exit) => all && cell.container.restarts(self.look.pod, exit.code),
            State::Waiting { reason, .. } => reason == CRASH_LOOP,
            State::Running { .. } => false,
        };
        if !again {
            return;
        }
        if let State::Ended(exit) = &cell.state {
            cell.last = Some(exit.clone());
        }
        cell.restarts += 1;
        cell.wait(
            if all {
                "PodInitializing"
            } else {
                "ContainerCreating"
            },
            "",
        );
    }
}
