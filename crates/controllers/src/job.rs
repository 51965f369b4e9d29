//! Jobs: pods that run until enough of them have succeeded.
//!
//! ```text
//! Job, its pods ──► census ──► pass: judge, steer, count, conclude ──► Plan
//! ```
//!
//! The behaviour is that of the job controller of Kubernetes 1.35. What a pod's end means is kept in the Job's status
//! and in the finalizer of its pods, never here: see `pass`.

mod backoff;
mod census;
mod failure_policy;
mod indexes;
mod pass;
mod pods;
mod spec;
mod status;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, Selector, World, meta};
use serde_json::{Value, json};

use census::Census;
use pass::{Pass, release};
use spec::Spec;
pub(crate) use status::outcome;

use crate::claim::{self, Owner};
use crate::pod;
use crate::refusal::{self, Meaning};

/// Keeps a pod until its Job has counted it.
const TRACKING_FINALIZER: &str = "batch.kubernetes.io/job-tracking";
/// The label and the annotation with the completion that a pod is for.
const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The kind, for those who need it for as long as the world.
static KIND: Kind = Kind::JOB;

/// The job controller.
#[derive(Debug, Default)]
pub struct Jobs {
    memory: backoff::Memory,
}

impl Loop for Jobs {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:job-controller",
            manager: "kube-controller-manager",
            component: "job-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::JOB {
            keys.push(change.key.clone());
            if change.new.is_none() {
                let pods = world.owned(meta::uid(change.object()));
                let kept = pods.filter(|(key, pod)| key.kind == Kind::POD && is_tracked(pod));
                keys.extend(kept.map(|(key, _)| key.clone()));
            }
        } else if change.key.kind == Kind::POD {
            claim::touch_owners(change, &KIND, keys);
            claim::touch_adopters(world, change, &KIND, selector, keys);
            if change
                .new
                .is_some_and(|pod| is_tracked(pod) && !has_job(world, pod))
            {
                keys.push(change.key.clone());
            }
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        if key.kind == Kind::POD {
            let orphan = world
                .get(key)
                .filter(|pod| is_tracked(pod) && !has_job(world, pod));
            return Plan::of(orphan.map(|pod| release(pod)).into_iter().collect());
        }
        let Some(job) = world.get(key) else {
            return Plan::nothing();
        };
        let uid = meta::uid(job);
        let Some(spec) = Spec::of(job) else {
            return Plan::nothing();
        };
        if outcome(job).is_some() {
            self.memory.forget(uid);
            let left = world.controlled(uid, &pod::KIND).filter(|pod| is_tracked(pod));
            return Plan::of(left.map(|pod| release(pod)).collect());
        }
        let selector = selector(job);
        let owner = Owner {
            object: job,
            api_version: "batch/v1",
            kind: &KIND,
        };
        let claims = claim::claim(world, &owner, &selector, &pod::KIND, |_| true);
        if !claims.actions.is_empty() {
            return Plan::of(
                tracked_first(world, job, &selector)
                    .chain(claims.actions)
                    .collect(),
            );
        }
        let census = Census::take(&spec, claims.mine.into_iter().map(|pod| &**pod));
        let wait = self.memory.wait_until(uid, &census).filter(|wait| *wait > now);
        Pass::new(world, key, job, spec, census).run(now, wait)
    }

    fn refused(&mut self, _world: &World, key: &Key, refusal: &Refusal<'_>, _now: Timestamp) -> Plan {
        let event = match refusal::meaning(refusal) {
            Meaning::NotCreated(why) => Event::warning(key, "FailedCreate", format!("Error creating: {why}")),
            Meaning::NotDeleted(why) => Event::warning(key, "FailedDelete", format!("Error deleting: {why}")),
            Meaning::Nothing => return Plan::nothing(),
        };
        Plan::of(vec![Action::Record(event)])
    }
}

fn selector(job: &Value) -> Selector {
    Selector::from_json(&job["spec"]["selector"])
}

/// The pods that a Job is about to adopt get its finalizer before they get their owner.
fn tracked_first<'a>(
    world: &'a World,
    job: &'a Value,
    selector: &'a Selector,
) -> impl Iterator<Item = Action> + use<'a> {
    let orphans = world.orphans(&Kind::POD, meta::namespace(job));
    let adopted =
        orphans.filter(|pod| claim::wants(selector, pod) && !meta::is_deleted(pod) && !is_tracked(pod));
    adopted.map(|pod| {
        let others = meta::list_at(pod, "/metadata/finalizers").iter().cloned();
        let finalizers: Vec<Value> = others.chain([json!(TRACKING_FINALIZER)]).collect();
        Action::Patch {
            key: Key::of(Kind::POD, pod),
            subresource: None,
            patch: json!({"metadata": {"uid": meta::uid(pod), "finalizers": finalizers}}),
        }
    })
}

fn is_tracked(pod: &Value) -> bool {
    meta::has_finalizer(pod, TRACKING_FINALIZER)
}

/// Whether the Job that a pod belongs to is still there.
fn has_job(world: &World, pod: &Value) -> bool {
    let job = claim::owner_of(pod, &KIND).and_then(|key| world.get(&key));
    job.is_some_and(|job| meta::is_controlled_by(pod, meta::uid(job)))
}
