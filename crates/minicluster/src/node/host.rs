//! The kubelet's runtime of processes: what the state machine of a pod asks becomes volumes, processes and answers.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use kubelet::machine::{self, Look, Outcome};
use kubelet::pod::Container;
use kubelet::runtime::{Begun, Doing, Image, News, Refused, Run, Runtime, Stop};
use kubelet::{Addresses, Behaviour, Host, nodes};
use objects::control::Event;
use objects::pod::is_finished;
use objects::{World, meta};
use serde_json::Value;

use super::environment::Sources;
use super::images::Images;
use super::launch::Ground;
use super::log::Log;
use super::runs::{self, Runs, Start};
use super::volumes::{self, Issuer, Synced, Volumes};

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
    pub(super) volumes: Volumes,
    /// Pods that were given a sandbox in this life of the cluster, by uid.
    pub(super) sandboxes: HashSet<String>,
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
        let synced = runtime.follow(look);
        let mut outcome = machine::step(look, &mut runtime);
        if is_finished(look.pod) || meta::is_deleted(look.pod) {
            return outcome;
        }
        outcome.awaits.extend(volumes::followed(look.pod));
        let again = if synced.failed.is_empty() {
            synced.again
        } else {
            after(look.now, AGAIN)
        };
        outcome.again = outcome.again.into_iter().chain(again).min();
        let failed = synced.failed.into_iter().filter(|_| synced.news);
        outcome
            .events
            .extend(failed.map(|message| failed_mount(look, message)));
        outcome
    }

    fn forget(&mut self, pod: &Value) {
        let uid = meta::uid(pod);
        self.addresses.forget(uid);
        self.volumes.forget(uid);
        self.sandboxes.remove(uid);
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

    /// Has the volumes of a pod that runs follow what they are made from.
    fn follow(&mut self, look: Look<'_>) -> Synced {
        let address = meta::text_at(look.pod, "/status/podIP");
        let lives = self.host.sandboxes.contains(meta::uid(look.pod));
        if !lives || address.is_empty() || is_finished(look.pod) || meta::is_deleted(look.pod) {
            return Synced::default();
        }
        self.sync(look.pod, address, look.now)
    }

    fn sync(&mut self, pod: &Value, address: &str, now: Timestamp) -> Synced {
        let sources = Sources {
            world: self.world,
            pod,
            node: self.node,
            address,
        };
        let host = &mut *self.host;
        host.volumes
            .sync(&host.ground.folders, sources, &*host.issuer, now)
    }

    fn try_start(&mut self, run: &Run<'_>, now: Timestamp) -> Result<(), Refused> {
        let refused = |reason, message| Refused {
            reason,
            message,
            again: after(now, AGAIN),
        };
        let address = self.host.addresses.give(self.world, self.node, run.pod);
        let address = address.map_err(|message| refused("CreateContainerError", message))?;
        if let Some(message) = self.sync(run.pod, &address, now).failed.into_iter().next() {
            return Err(refused("CreateContainerError", message));
        }
        let sources = Sources {
            world: self.world,
            pod: run.pod,
            node: self.node,
            address: &address,
        };
        let host = &*self.host;
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
        let address = self.host.addresses.give(self.world, self.node, pod)?;
        self.host.sandboxes.insert(meta::uid(pod).to_owned());
        Ok(address)
    }

    fn has_sandbox(&mut self, pod: &Value) -> bool {
        self.host.sandboxes.contains(meta::uid(pod))
    }

    fn mount(&mut self, pod: &Value, now: Timestamp) -> Result<(), Vec<String>> {
        let failed = self.sync(pod, "", now).failed;
        if failed.is_empty() { Ok(()) } else { Err(failed) }
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

    fn start(&mut self, run: &Run<'_>, now: Timestamp) -> Result<Begun, Refused> {
        let id = Self::id(run);
        // The status may not have been written the first time, or the hook not be done.
        if self.host.runs.find(&id).is_none() {
            self.try_start(run, now)?;
        }
        Ok(match self.host.runs.find(&id) {
            Some(run) if run.is_starting() => Begun::Starting { again: None },
            Some(run) => Begun::Running { since: run.since },
            None => Begun::Running { since: now },
        })
    }

    fn starting(&mut self, pod: &Value, container: &Container<'_>) -> Option<i64> {
        let latest = self.host.runs.latest(meta::uid(pod), container.name())?;
        latest.is_starting().then_some(latest.id.run)
    }

    fn news(&mut self, run: &Run<'_>) -> Vec<News> {
        let found = self.host.runs.find(&Self::id(run));
        found.map(|run| run.take_news()).unwrap_or_default()
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

fn after(now: Timestamp, span: SignedDuration) -> Option<Timestamp> {
    now.checked_add(span).ok()
}

fn failed_mount(look: Look<'_>, message: String) -> Event {
    Event {
        host: Some(meta::name(look.node).to_owned()),
        ..Event::warning(look.key, "FailedMount", message)
    }
}
