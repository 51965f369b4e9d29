//! The kubelet's runtime of processes: what the state machine of a pod asks becomes volumes, processes and answers.

use jiff::{SignedDuration, Timestamp};
use kubelet::machine::{self, Look, Outcome};
use kubelet::runtime::{Doing, Image, Refused, Run, Runtime, Stop};
use kubelet::{Addresses, Behaviour, Host, nodes};
use objects::{World, meta};
use serde_json::Value;

use super::environment::Sources;
use super::files::Issuer;
use super::images::Images;
use super::launch::Ground;
use super::log::Log;
use super::runs::{self, Runs, Start};

/// How long a missing program is shown as news before it counts as waited for.
const FAILURE_SHOWN: SignedDuration = SignedDuration::from_secs(2);

/// A refused start is tried again after this: programs are built while the cluster runs.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// Runs the pods of process nodes.
pub(crate) struct Processes {
    pub(super) images: Images,
    pub(super) ground: Ground,
    pub(super) logs: std::path::PathBuf,
    pub(super) runs: Runs,
    pub(super) addresses: Addresses,
    pub(super) issuer: Box<dyn Issuer + Send>,
}

/// For one look at one pod.
struct One<'a> {
    host: &'a mut Processes,
    world: &'a World,
    node: &'a Value,
}

impl Host for Processes {
    fn serves(&self, node: &Value, now: Timestamp) -> bool {
        nodes::runs_processes(node) && !nodes::is_down(node, &Behaviour::default(), now)
    }

    fn look(&mut self, look: Look<'_>) -> Outcome {
        let mut runtime = One {
            host: self,
            world: look.world,
            node: look.node,
        };
        machine::step(look, &mut runtime)
    }

    fn forget(&mut self, pod: &Value) {
        let uid = meta::uid(pod);
        self.addresses.forget(uid);
        let gone = self.runs.forget(uid);
        let logs = runs::log_folder(&self.logs, pod, "");
        let logs = logs
            .parent()
            .map_or_else(|| logs.clone(), std::path::Path::to_path_buf);
        tokio::spawn(runs::clean(gone, [self.ground.folders.pod(uid), logs]));
    }

    fn addressed(&mut self, pod: &Value) {
        self.addresses.forget(meta::uid(pod));
    }
}

impl One<'_> {
    fn id(run: &Run<'_>) -> runs::Id {
        runs::id(run.pod, run.container.name(), run.restarts)
    }

    fn try_start(&mut self, run: &Run<'_>) -> Result<(), Refused> {
        let refused = |reason, message| Refused {
            reason,
            message,
            again: Timestamp::now().checked_add(AGAIN).ok(),
        };
        let address = self.host.addresses.give(self.world, self.node, run.pod);
        let address = address.map_err(|message| refused("CreateContainerError", message))?;
        let sources = Sources {
            world: self.world,
            pod: run.pod,
            node: self.node,
            address: &address,
        };
        let host = &*self.host;
        let written = host.ground.folders.write(sources, &*host.issuer);
        written.map_err(|message| refused("CreateContainerError", message))?;
        let Some(image) = host.images.find(run.container.image()) else {
            return Err(refused(
                "CreateContainerError",
                "its image is not in the image map".to_owned(),
            ));
        };
        let launch = host.ground.plan(run.container, image, sources);
        let launch = launch.map_err(|message| refused("RunContainerError", message))?;
        let folder = runs::log_folder(&host.logs, run.pod, run.container.name());
        let log = Log::open(&folder, run.restarts).map_err(|error| {
            refused(
                "CreateContainerError",
                format!("can't write its log in {}: {error}", folder.display()),
            )
        })?;
        let program = launch.program.clone();
        let start = Start {
            id: Self::id(run),
            pod: run.pod,
            container: run.container,
            address: &address,
            launch,
            log,
        };
        host.runs.start(start).map_err(|error| {
            refused(
                "RunContainerError",
                format!("can't start {}: {error}", program.display()),
            )
        })
    }
}

impl Runtime for One<'_> {
    fn address(&mut self, pod: &Value) -> Result<String, String> {
        self.host.addresses.give(self.world, self.node, pod)
    }

    fn image(&mut self, run: &Run<'_>, now: Timestamp) -> Image {
        if self.host.images.find(run.container.image()).is_some() {
            return Image::Present;
        }
        let image = run.container.image();
        let shown = run.since.saturating_add(FAILURE_SHOWN).unwrap_or(now);
        Image::Failed {
            error: format!("no program stands for image \"{image}\": add it to the file of `--images`"),
            waiting: now >= shown,
            again: (now < shown).then_some(shown),
        }
    }

    fn start(&mut self, run: &Run<'_>, _now: Timestamp) -> Result<(), Refused> {
        // The status may not have been written the first time.
        if self.host.runs.find(&Self::id(run)).is_some() {
            return Ok(());
        }
        self.try_start(run)
    }

    fn look(&mut self, run: &Run<'_>, _now: Timestamp) -> Doing {
        self.host.runs.look(&Self::id(run), run.since)
    }

    fn stop(&mut self, run: &Run<'_>, stop: Stop, _now: Timestamp) -> Doing {
        let id = Self::id(run);
        self.host.runs.stop(&id, stop);
        self.host.runs.look(&id, run.since)
    }
}
