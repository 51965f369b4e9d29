//! What pods use, whoever runs them: measured where they are processes, told by the behaviour file where not.
//!
//! ```text
//! meter ──measured──► Runs ──┐
//!           behaviour file ──┴──► Gauge ──► metrics.k8s.io, autoscalers
//! ```

use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};
use kubelet::pod::{self, Role};
use kubelet::{Behaviour, Meter, Usage, nodes};
use objects::{Kind, Quantity, World, meta};
use serde_json::Value;

use super::runs::Runs;

/// Knows what the pods of a cluster use.
pub(crate) struct Gauge {
    behaviour: Arc<Behaviour>,
    /// Set once it is known that pods are processes, which is after those who ask were made.
    runs: OnceLock<Runs>,
}

impl Gauge {
    pub(crate) fn new(behaviour: Arc<Behaviour>) -> Self {
        Self {
            behaviour,
            runs: OnceLock::new(),
        }
    }

    /// Has it ask these runs. Only the first call counts: a cluster has one fleet.
    pub(crate) fn measure(&self, runs: &Runs) {
        let _ = self.runs.set(runs.clone());
    }
}

impl Meter for Gauge {
    fn usage(&self, world: &World, pod: &Value, now: Timestamp) -> Vec<Usage> {
        let node = world.find(&Kind::NODE, "", pod::node(pod));
        match self.runs.get() {
            Some(runs) if node.is_some_and(|node| nodes::runs_processes(node)) => measured(runs, pod),
            _ => self.behaviour.usage(world, pod, now),
        }
    }
}

impl std::fmt::Debug for Gauge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Gauge").finish_non_exhaustive()
    }
}

/// What the running containers of a pod use. As a metrics server has it, a pod is not shown before all of its
/// containers were measured.
fn measured(runs: &Runs, pod: &Value) -> Vec<Usage> {
    let mut running = pod::containers(pod)
        .filter(|container| container.role != Role::Ephemeral)
        .filter_map(|container| runs.latest(meta::uid(pod), container.name()))
        .filter(|run| !*run.over().borrow());
    let all: Option<Vec<Usage>> = running.try_fold(Vec::new(), |mut all, run| {
        let usage = run.usage()?;
        all.push(Usage {
            container: run.id.container.clone(),
            cpu: Quantity::milli(usage.cpu_milli),
            memory: Quantity::whole(usage.bytes),
            over: SignedDuration::try_from(usage.over).unwrap_or_default(),
        });
        Some(all)
    });
    all.unwrap_or_default()
}
