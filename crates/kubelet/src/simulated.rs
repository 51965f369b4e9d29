//! A runtime that runs nothing: what its containers do follows from a behaviour file, the pod's status and the clock.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use objects::{Quantity, World, meta};
use serde_json::Value;

use crate::address::Addresses;
use crate::backoff;
use crate::behaviour::{Behaviour, End, Pull, Script, Stopping, TERMINATED};
use crate::runtime::{Begun, Doing, Exit, Image, Refused, Run, Runtime, Stop};
use crate::{image, pod, probes};

/// What SIGKILL leaves as a code.
const KILLED: i64 = 137;

/// How long a failed pull is shown as such before it counts as waiting, as a kubelet does between two looks.
const FAILURE_SHOWN: i64 = 2;

/// So many images are remembered as pulled; beyond, all are forgotten and events say once more that they are pulled.
const MOST_PULLED: usize = 100_000;

/// Which images nodes have pulled. What events say depends on it, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Pulled(HashSet<(Box<str>, Box<str>)>);

/// The simulated runtime of one node, for one look at one pod.
#[derive(Debug)]
pub(crate) struct Simulated<'a> {
    pub(crate) world: &'a World,
    pub(crate) node: &'a Value,
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) pulled: &'a mut Pulled,
    pub(crate) addresses: &'a mut Addresses,
}

impl Runtime for Simulated<'_> {
    fn address(&mut self, pod: &Value) -> Result<String, String> {
        self.addresses.give(self.world, self.node, pod)
    }

    fn image(&mut self, run: &Run<'_>, now: Timestamp) -> Image {
        let script = self.script(run);
        let container = run.container;
        let always = container.pull_policy() == "Always";
        if container.pull_policy() == "Never" {
            let there = script.pull == Some(Pull::Present) || self.is_on_node(run);
            return if there { Image::Present } else { Image::Absent };
        }
        if script.pull == Some(Pull::Fails) {
            return failed(container.image(), &script, run.since, now);
        }
        if script.pull == Some(Pull::Present) && !always {
            return Image::Present;
        }
        let takes = script.pull_takes.unwrap_or_default();
        if run.restarts > 0 {
            return self.pull(run, SignedDuration::ZERO, always);
        }
        if takes.is_zero() || !always && self.is_on_node(run) {
            return self.pull(run, SignedDuration::ZERO, always);
        }
        let done = run.since.saturating_add(takes).unwrap_or(now);
        if done > now {
            return Image::Pulling { until: Some(done) };
        }
        self.pull(run, takes, true)
    }

    fn start(&mut self, run: &Run<'_>, now: Timestamp) -> Result<Begun, Refused> {
        let hook = run.container.hook_takes("postStart");
        if hook.is_zero() {
            return Ok(Begun::Running { since: now });
        }
        // Counted from when it could first have started, so that it need not be remembered.
        let pull = self.script(run).pull_takes.filter(|_| run.restarts == 0);
        let after = |time: Timestamp, span| time.saturating_add(span).unwrap_or(time);
        let since = after(run.since, pull.unwrap_or_default());
        let done = after(since, hook);
        Ok(if done > now {
            Begun::Starting { again: Some(done) }
        } else {
            Begun::Running { since }
        })
    }

    fn look(&mut self, run: &Run<'_>, now: Timestamp) -> Doing {
        let script = self.script(run);
        let exit = exit(run, &script);
        let mut health = probes::health(run.container, &script, run.since, now);
        let killed = health.failures.iter().filter(|failure| failure.final_one);
        let killed = killed.map(|failure| failure.at).min();
        match exit {
            Some(exit) if exit.finished <= now && killed.is_none_or(|killed| exit.finished <= killed) => {
                Doing::Ended(exit)
            }
            exit => {
                let ends = exit.map(|exit| exit.finished).filter(|time| *time > now);
                health.next = health.next.into_iter().chain(ends).min();
                Doing::Running(health)
            }
        }
    }

    fn stop(&mut self, run: &Run<'_>, stop: Stop, now: Timestamp) -> Doing {
        let script = self.script(run);
        let hook = run.container.hook_takes("preStop");
        let (takes, code) = match script.stop {
            Some(Stopping::After { takes, code }) => (hook.saturating_add(takes), code),
            Some(Stopping::Slowly) => (SignedDuration::MAX, KILLED),
            None => (hook, TERMINATED),
        };
        let wanted = stop.begins.saturating_add(takes).unwrap_or(stop.deadline);
        let (finished, code) = if wanted >= stop.deadline && stop.deadline > stop.begins {
            (stop.deadline, KILLED)
        } else {
            (wanted.min(stop.deadline).max(stop.begins), code)
        };
        let stopped = Exit {
            code,
            reason: Exit::reason_of(code).to_owned(),
            message: String::new(),
            started: run.since,
            finished: finished.max(run.since),
        };
        // It may have ended by itself before.
        let exit = exit(run, &script).filter(|exit| exit.finished <= stopped.finished);
        let exit = exit.unwrap_or(stopped);
        if exit.finished <= now {
            return Doing::Ended(exit);
        }
        let mut health = probes::health(run.container, &script, run.since, now);
        health.next = Some(exit.finished);
        health.failures.clear();
        Doing::Running(health)
    }
}

impl Simulated<'_> {
    fn script(&self, run: &Run<'_>) -> Script {
        self.behaviour.script(run.pod, run.container)
    }

    /// Counts the image as pulled.
    fn pull(&mut self, run: &Run<'_>, took: SignedDuration, anew: bool) -> Image {
        let name = run.container.image();
        if self.pulled.0.len() >= MOST_PULLED {
            self.pulled.0.clear();
        }
        let first = self
            .pulled
            .0
            .insert((meta::name(self.node).into(), Box::from(name)));
        if anew || first && !self.is_listed(name) {
            let bytes = image::size(&image::full(name).unwrap_or_default());
            return Image::Pulled { took, bytes };
        }
        Image::Present
    }

    /// Whether the node or another pod of it has the image: this stands in the world, so it outlives us.
    fn is_on_node(&self, run: &Run<'_>) -> bool {
        let name = run.container.image();
        let Some(full) = image::full(name) else {
            return false;
        };
        let has = |pod: &Value| {
            let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
            let mut statuses = lists.iter().flat_map(|list| meta::list_at(pod, list));
            statuses.any(|status| {
                meta::text(status, "image") == full && !meta::text(status, "imageID").is_empty()
            })
        };
        self.is_listed(name) || self.world.on_node(meta::name(self.node)).any(|pod| has(pod))
    }

    fn is_listed(&self, name: &str) -> bool {
        let full = image::full(name);
        let images = meta::list_at(self.node, "/status/images").iter();
        let mut names = images.flat_map(|image| meta::list_at(image, "/names"));
        names.any(|one| {
            one.as_str()
                .is_some_and(|one| one == name || Some(one) == full.as_deref())
        })
    }
}

/// How a run ends by itself, and when; nothing for one that stays.
fn exit(run: &Run<'_>, script: &Script) -> Option<Exit> {
    let (code, after, reason) = match script.end {
        Some(End::Never) => return None,
        Some(End::Exit { code, after, times }) if times.is_none_or(|times| run.restarts < times) => {
            (code, after, Exit::reason_of(code))
        }
        Some(End::Memory { wants, after }) => match limit(run) {
            Some(limit) if limit > wants => return natural_end(run),
            _ => (KILLED, after, "OOMKilled"),
        },
        Some(End::Exit { .. }) | None => return natural_end(run),
    };
    Some(ended(run, code, after, reason))
}

fn natural_end(run: &Run<'_>) -> Option<Exit> {
    let stays = run.container.stays(run.pod);
    (!stays).then(|| ended(run, 0, SignedDuration::ZERO, "Completed"))
}

fn ended(run: &Run<'_>, code: i64, after: SignedDuration, reason: &str) -> Exit {
    Exit {
        code,
        reason: reason.to_owned(),
        message: String::new(),
        started: run.since,
        finished: run.since.saturating_add(after).unwrap_or(run.since),
    }
}

fn limit(run: &Run<'_>) -> Option<Quantity> {
    Quantity::of(meta::at(run.container.spec, "/resources/limits/memory")?)
}

/// A pull that fails, tries again after a wait, and fails again.
fn failed(name: &str, script: &Script, since: Timestamp, now: Timestamp) -> Image {
    let takes = script.pull_takes.unwrap_or_default();
    let attempt = backoff::attempt(since, takes, now);
    if attempt.number == 0 && now < attempt.ends {
        return Image::Pulling {
            until: Some(attempt.ends),
        };
    }
    let full = image::full(name).unwrap_or_default();
    let error =
        format!("failed to pull and unpack image \"{full}\": failed to resolve image: {full}: not found");
    let shown = pod::later(attempt.ends, FAILURE_SHOWN);
    let waiting = now < attempt.ends || now >= shown;
    let next = backoff::attempt(since, takes, attempt.next).ends;
    let again = if now < attempt.ends {
        attempt.ends
    } else if waiting {
        next
    } else {
        shown
    };
    Image::Failed {
        error,
        waiting,
        again: Some(again),
    }
}
