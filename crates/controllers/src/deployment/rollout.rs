//! One look at a Deployment: what to create, resize and delete, and what to say about it.

use jiff::Timestamp;
use objects::control::{Action, Event, Plan};
use objects::{Key, Kind, World, meta};
use serde_json::{Value, json};

use super::condition::{self, PROGRESSING, Said};
use super::family::{self, Bounds, DESIRED, Family, REVISION, size};
use super::progress::{self, Counts, Step};
use super::{DEPLOYMENT, REPLICA_SET, proportion, spawn};
use crate::pod;
use crate::status::Status;

/// A Deployment at one moment, and the plan as far as it is made.
#[derive(Debug)]
pub(super) struct Rollout<'a> {
    world: &'a World,
    key: &'a Key,
    deployment: &'a Value,
    family: Family<'a>,
    bounds: Bounds,
    now: Timestamp,
    conditions: Vec<Value>,
    /// The revision that the Deployment is to be annotated with.
    revision: Option<String>,
    plan: Plan,
}

/// Whether there is more to decide in this look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    /// What was planned changes what the rest depends on.
    Stop,
}

impl<'a> Rollout<'a> {
    pub(super) fn new(
        world: &'a World,
        key: &'a Key,
        deployment: &'a Value,
        family: Family<'a>,
        now: Timestamp,
    ) -> Self {
        Self {
            world,
            key,
            deployment,
            bounds: Bounds::of(deployment),
            family,
            now,
            conditions: crate::status::conditions(deployment),
            revision: None,
            plan: Plan::nothing(),
        }
    }

    pub(super) fn decide(mut self) -> Plan {
        if meta::is_deleted(self.deployment) {
            self.inherit();
            return self.report(false);
        }
        let paused = self.deployment.pointer("/spec/paused") == Some(&Value::Bool(true));
        self.note_pause(paused);
        if self.inherit() == Next::Stop {
            return self.plan;
        }
        if paused || self.is_resized() {
            self.resize();
            if paused {
                self.clean_up();
            }
            return self.report(false);
        }
        let next = if self.bounds.rolling {
            self.roll()
        } else {
            self.recreate()
        };
        if next == Next::Go && Counts::said(self.deployment).complete(&self.bounds) {
            self.clean_up();
        }
        self.report(true)
    }

    /// Says that the rollout was paused or goes on again; a rollout that was given up stays given up.
    fn note_pause(&mut self, paused: bool) {
        if progress::deadline(self.deployment).is_none() {
            return;
        }
        let (reason, message) = match (paused, condition::reason(&self.conditions, PROGRESSING)) {
            (_, condition::TIMED_OUT) | (true, condition::PAUSED) => return,
            (true, _) => (condition::PAUSED, "Deployment is paused"),
            (false, condition::PAUSED) => (condition::RESUMED, "Deployment is resumed"),
            (false, _) => return,
        };
        let said = Said::progressing("Unknown", reason, message);
        condition::set(&mut self.conditions, said, self.now);
    }

    /// Brings the new ReplicaSet's annotations up to date and takes over its revision.
    fn inherit(&mut self) -> Next {
        let Some(new) = self.family.new else {
            return Next::Go;
        };
        let mut wanted = new.clone();
        let revision = self.family.next_revision();
        let annotations = meta::map_mut(&mut wanted, &["metadata", "annotations"]);
        let mut changed = family::inherit(annotations, self.deployment, revision);
        let seconds = |object| meta::number_at(object, "/spec/minReadySeconds").unwrap_or_default();
        if seconds(new) != seconds(self.deployment) {
            wanted["spec"]["minReadySeconds"] = json!(seconds(self.deployment));
            changed = true;
        }
        if changed && !meta::is_deleted(self.deployment) {
            self.plan.push(Action::Update(REPLICA_SET.clone(), wanted));
            return Next::Stop;
        }
        self.revision = meta::annotation(new, REVISION).map(str::to_owned);
        if condition::find(&self.conditions, PROGRESSING).is_none()
            && progress::deadline(self.deployment).is_some()
        {
            let message = format!("Found new replica set {:?}", meta::name(new));
            let said = Said::progressing("True", condition::NEW_FOUND, &message);
            condition::set(&mut self.conditions, said, self.now);
        }
        Next::Go
    }

    /// Whether the ReplicaSets' sizes were reckoned for another size of the Deployment.
    fn is_resized(&self) -> bool {
        let mut active = self.family.all().filter(|set| size(set) > 0);
        active.any(|set| family::number(set, DESIRED).is_some_and(|desired| desired != self.bounds.replicas))
    }

    /// Takes over a new size of the Deployment without moving the rollout.
    fn resize(&mut self) {
        let mut active: Vec<_> = self.family.all().filter(|set| size(set) > 0).collect();
        let latest = self.family.new.or(self.family.old.last().copied());
        match (active.as_slice(), latest) {
            ([only], _) => self.scale(only, self.bounds.replicas),
            ([], Some(latest)) => self.scale(latest, self.bounds.replicas),
            ([], None) => {}
            (_, Some(new)) if self.is_saturated() => {
                for old in active.into_iter().filter(|set| meta::uid(set) != meta::uid(new)) {
                    self.scale(old, 0);
                }
            }
            _ if self.bounds.rolling => {
                let growing = self.bounds.most() > self.family.total_size();
                family::sort_by_size(&mut active, growing);
                for (set, size) in proportion::spread(&active, &self.bounds, self.deployment) {
                    self.scale(set, size);
                }
            }
            _ => {}
        }
    }

    /// Whether the new ReplicaSet has all the pods that are wanted.
    fn is_saturated(&self) -> bool {
        let wanted = self.bounds.replicas;
        self.family.new.is_some_and(|new| {
            family::number(new, DESIRED) == Some(wanted)
                && size(new) == wanted
                && family::count(new, "availableReplicas") == wanted
        })
    }

    /// RollingUpdate: the new one grows as far as it may, then the old ones shrink as far as they may.
    fn roll(&mut self) -> Next {
        let Some(new) = self.family.new else {
            return self.spawn();
        };
        let wanted = match size(new) {
            now if now > self.bounds.replicas => self.bounds.replicas,
            now => spawn::room(&self.family, &self.bounds, now),
        };
        if wanted != size(new) {
            self.scale(new, wanted);
            return Next::Stop;
        }
        self.shrink_old(new)
    }

    fn shrink_old(&mut self, new: &Value) -> Next {
        let old = self.family.old.clone();
        if old.iter().all(|set| size(set) == 0) {
            return Next::Go;
        }
        let least = self.bounds.replicas - self.bounds.unavailable;
        let new_unavailable = size(new) - family::count(new, "availableReplicas");
        let mut room = self.family.total_size() - least - new_unavailable;
        if room <= 0 {
            return Next::Go;
        }
        // Pods that serve nobody go first: they cost no availability.
        let mut next = Next::Go;
        for set in &old {
            let useless = size(set) - family::count(set, "availableReplicas");
            let fewer = useless.min(room).max(0);
            if fewer > 0 {
                room -= fewer;
                self.scale(set, size(set) - fewer);
                next = Next::Stop;
            }
        }
        if next == Next::Stop {
            return next;
        }
        let mut spare = self.family.sum("availableReplicas") - least;
        for set in old {
            let fewer = size(set).min(spare).max(0);
            if fewer > 0 {
                spare -= fewer;
                self.scale(set, size(set) - fewer);
                next = Next::Stop;
            }
        }
        next
    }

    /// Recreate: all old pods go, then the new ones come.
    fn recreate(&mut self) -> Next {
        let active: Vec<_> = self
            .family
            .old
            .iter()
            .copied()
            .filter(|set| size(set) > 0)
            .collect();
        for set in &active {
            self.scale(set, 0);
        }
        if !active.is_empty() || self.old_pods_run() {
            return Next::Stop;
        }
        match self.family.new {
            None => self.spawn(),
            Some(new) if size(new) != self.bounds.replicas => {
                self.scale(new, self.bounds.replicas);
                Next::Stop
            }
            Some(_) => Next::Go,
        }
    }

    fn old_pods_run(&self) -> bool {
        self.family.old.iter().any(|set| {
            let mut pods = self.world.controlled(meta::uid(set), &pod::KIND);
            family::count(set, "replicas") > 0 || pods.any(|pod| !pod::is_finished(pod))
        })
    }

    /// Creates the new ReplicaSet, under a name that nothing else has.
    fn spawn(&mut self) -> Next {
        let hash = spawn::hash(self.deployment);
        let set = spawn::replica_set(self.deployment, &self.family, &self.bounds, &hash);
        let name = meta::name(&set);
        if self.world.find(&REPLICA_SET, &self.key.namespace, name).is_some() {
            self.count_collision();
            return Next::Stop;
        }
        let message = format!("Created new replica set {name:?}");
        let size = size(&set);
        self.revision = meta::annotation(&set, REVISION).map(str::to_owned);
        let told = format!("Scaled up replica set {name} from 0 to {size}");
        self.plan.push(Action::Create(set));
        if size > 0 {
            self.plan
                .push(Action::Record(Event::normal(self.key, "ScalingReplicaSet", told)));
        }
        if progress::deadline(self.deployment).is_some() {
            let said = Said::progressing("True", condition::NEW_CREATED, &message);
            condition::set(&mut self.conditions, said, self.now);
        }
        Next::Stop
    }

    /// The name belongs to another ReplicaSet: the next look reckons another hash.
    fn count_collision(&mut self) {
        let collisions = family::count(self.deployment, "collisionCount");
        let mut status = Status::of(self.deployment);
        status.always("collisionCount", collisions + 1);
        if let Some(changed) = status.applied(self.deployment) {
            self.plan.push(Action::UpdateStatus(DEPLOYMENT.clone(), changed));
        }
    }

    /// Resizes a ReplicaSet and notes for which size of the Deployment.
    fn scale(&mut self, set: &Value, wanted: i64) {
        let mut changed = set.clone();
        let annotations = meta::map_mut(&mut changed, &["metadata", "annotations"]);
        let noted = family::note_bounds(annotations, &self.bounds);
        let now = size(set);
        if now == wanted && !noted {
            return;
        }
        changed["spec"]["replicas"] = json!(wanted);
        self.plan.push(Action::Update(REPLICA_SET.clone(), changed));
        if now != wanted {
            let direction = if wanted > now { "up" } else { "down" };
            let name = meta::name(set);
            let told = format!("Scaled {direction} replica set {name} from {now} to {wanted}");
            self.plan
                .push(Action::Record(Event::normal(self.key, "ScalingReplicaSet", told)));
        }
    }

    /// Deletes the oldest of the empty ReplicaSets, but for as many as the Deployment keeps for rollbacks.
    fn clean_up(&mut self) {
        let keep = meta::number_at(self.deployment, "/spec/revisionHistoryLimit");
        let Some(keep) = keep.filter(|keep| *keep != i64::from(i32::MAX)) else {
            return;
        };
        let mut old = self.family.old.clone();
        old.retain(|set| !meta::is_deleted(set));
        // The sort is stable: of equal revisions the oldest goes first.
        old.sort_by_key(|set| family::revision(set));
        let surplus = i64::try_from(old.len()).unwrap_or(i64::MAX) - keep;
        for set in old.into_iter().take(usize::try_from(surplus).unwrap_or_default()) {
            let settled = meta::generation(set) <= family::count(set, "observedGeneration");
            if size(set) == 0 && family::count(set, "replicas") == 0 && settled {
                self.plan
                    .push(Action::delete(Key::of(Kind::REPLICA_SET, set), set));
            }
        }
    }

    /// Ends the plan with the status and the revision, if they are others than before.
    fn report(mut self, rolling_out: bool) -> Plan {
        if matches!(self.plan.actions.as_slice(), [Action::UpdateStatus(..)]) {
            // A collision was counted, and there is one write of the status in a plan.
            return self.plan;
        }
        let counts = Counts::of(&self.family);
        progress::set_available(&mut self.conditions, &counts, &self.bounds, self.now);
        if rolling_out {
            let step = Step {
                deployment: self.deployment,
                new: self.family.new,
                counts: &counts,
                bounds: &self.bounds,
                now: self.now,
            };
            progress::set_progressing(&mut self.conditions, &step);
            progress::set_failure(&mut self.conditions, &self.family);
            if let Some(time) = progress::next_look(&self.conditions, &step) {
                self.plan.look_at(time);
            }
        }
        let status = counts.status(self.deployment, self.conditions);
        let mut changed = status.applied(self.deployment);
        if let Some(revision) = self.revision
            && meta::annotation(self.deployment, REVISION) != Some(revision.as_str())
        {
            let deployment = changed.get_or_insert_with(|| self.deployment.clone());
            let annotations = meta::map_mut(deployment, &["metadata", "annotations"]);
            annotations.insert(REVISION.to_owned(), json!(revision));
        }
        let write = changed.map(|deployment| Action::UpdateStatus(DEPLOYMENT.clone(), deployment));
        self.plan.actions.extend(write);
        self.plan
    }
}
