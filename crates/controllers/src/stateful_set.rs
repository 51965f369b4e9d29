//! StatefulSets: pods with a number, a name that stays, and claims of their own.
//!
//! ```text
//! revisions ──► settle ──► pods by ordinal ──► create and repair, in order ──► remove the condemned ──► update
//! ```
//!
//! In order means that each pod waits until those before it are available; `Parallel` waits for none. A rollout
//! that broke stays broken until the broken pod is deleted by hand, as in the real controller: a set whose pods hold
//! data does not guess.

mod claims;
mod history;
mod identity;
mod status;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, Selector, World, meta};
use serde_json::Value;

use crate::amount::{self, Rounding};
use crate::claim::{self, Owner};
use crate::pod::{self, Availability};
use crate::refusal::{self, Meaning};
use history::{History, Settled};
use identity::Ordinals;

static STATEFUL_SET: Kind = Kind::STATEFUL_SET;

const HASH: &str = "controller-revision-hash";

/// The loop of StatefulSets.
#[derive(Debug, Default)]
pub struct StatefulSets;

/// A set at one moment, and the plan as far as it is made.
#[derive(Debug)]
struct Look<'a> {
    world: &'a World,
    key: &'a Key,
    set: &'a Value,
    history: &'a History<'a>,
    ordinals: Ordinals,
    /// By ordinal from the first; `None` where a pod is missing.
    replicas: Vec<Option<&'a Value>>,
    /// Beyond the ordinals of the set, the highest first.
    condemned: Vec<&'a Value>,
    now: Timestamp,
    plan: Plan,
}

/// Whether there is more to decide in this look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    /// A pod that others wait for is not there yet, or not gone yet.
    Wait,
}

impl Loop for StatefulSets {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:statefulset-controller",
            manager: "kube-controller-manager",
            component: "statefulset-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let kind = &change.key.kind;
        if *kind == STATEFUL_SET {
            keys.push(change.key.clone());
        } else if *kind == Kind::POD || *kind == Kind::CONTROLLER_REVISION {
            claim::touch_owners(change, &STATEFUL_SET, keys);
            claim::touch_adopters(world, change, &STATEFUL_SET, selector, keys);
        } else if *kind == Kind::PERSISTENT_VOLUME_CLAIM && change.new.is_none() {
            // A pod may wait for the end of an old claim of this name.
            for set in world.list(&STATEFUL_SET, &change.key.namespace) {
                if claims::may_own(set, &change.key.name) {
                    keys.push(Key::of(Kind::STATEFUL_SET, set));
                }
            }
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(set) = world.get(key) else {
            return Plan::nothing();
        };
        let owner = owner(set);
        let selector = selector(set);
        let revisions = claim::claim(world, &owner, &selector, &crate::revision::KIND, |_| true);
        let member = |pod: &Value| identity::ordinal(set, pod).is_some();
        let pods = claim::claim(world, &owner, &selector, &pod::KIND, member);
        let mut adoptions = revisions.actions;
        adoptions.extend(pods.actions);
        if !adoptions.is_empty() {
            return Plan::of(adoptions);
        }
        let revisions = revisions.mine.iter().map(|one| &***one).collect();
        let history = match history::settle(world, &owner, revisions) {
            Settled::Known(history) => history,
            Settled::Write(action) => return Plan::of(vec![*action]),
        };
        let pods: Vec<&Value> = pods.mine.iter().map(|pod| &***pod).collect();
        let mut plan = Plan::nothing();
        if let Some(changed) = status::changed(set, &history, &pods, now) {
            plan.push(Action::UpdateStatus(STATEFUL_SET.clone(), changed));
        }
        plan.actions.extend(history.surplus(set, &pods));
        for pod in &pods {
            if let Availability::At(due) = pod::availability(pod, status::min_ready_seconds(set), now) {
                plan.look_at(due);
            }
        }
        if meta::is_deleted(set) {
            return plan;
        }
        let mut look = Look::new(world, key, set, &history, now);
        look.plan = plan;
        look.sort_out(&pods);
        look.decide()
    }

    fn refused(&mut self, _world: &World, key: &Key, refusal: &Refusal<'_>, _now: Timestamp) -> Plan {
        let set = &key.name;
        let (reason, told) = match (refusal::meaning(refusal), refusal.action) {
            (Meaning::NotCreated(why), Action::Create(object)) if Kind::of(object) == Kind::POD => {
                let name = meta::name(object);
                let told = format!("create Pod {name} in StatefulSet {set} failed error: {why}");
                ("FailedCreate", told)
            }
            (Meaning::NotCreated(why), Action::Create(object))
                if Kind::of(object) == Kind::PERSISTENT_VOLUME_CLAIM =>
            {
                let claim = meta::name(object);
                let pod = claims::pod_of(set, claim);
                let told =
                    format!("create Claim {claim} for Pod {pod} in StatefulSet {set} failed error: {why}");
                ("FailedCreate", told)
            }
            (Meaning::NotDeleted(why), Action::Delete { key: pod, .. }) => {
                let told = format!("delete Pod {} in StatefulSet {set} failed error: {why}", pod.name);
                ("FailedDelete", told)
            }
            _ => return Plan::nothing(),
        };
        Plan::of(vec![Action::Record(Event::warning(key, reason, told))])
    }
}

impl<'a> Look<'a> {
    fn new(world: &'a World, key: &'a Key, set: &'a Value, history: &'a History<'a>, now: Timestamp) -> Self {
        let ordinals = Ordinals::of(set);
        Self {
            world,
            key,
            set,
            history,
            replicas: vec![None; ordinals.count()],
            ordinals,
            condemned: Vec::new(),
            now,
            plan: Plan::nothing(),
        }
    }

    fn sort_out(&mut self, pods: &[&'a Value]) {
        let mut condemned = Vec::new();
        for pod in pods {
            let Some(ordinal) = identity::ordinal(self.set, pod) else {
                continue;
            };
            match self.ordinals.index(ordinal) {
                Some(at) => self.replicas[at] = Some(pod),
                None => condemned.push((ordinal, *pod)),
            }
        }
        condemned.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
        self.condemned = condemned.into_iter().map(|(_, pod)| pod).collect();
    }

    fn decide(mut self) -> Plan {
        let in_order = meta::text_at(self.set, "/spec/podManagementPolicy") != "Parallel";
        for at in 0..self.replicas.len() {
            if self.see_to(at, in_order) == Next::Wait && in_order {
                return self.plan;
            }
        }
        for pod in self.condemned.clone() {
            self.settle_claims(pod, true);
        }
        if self.remove_condemned(in_order) == Next::Go {
            self.update();
        }
        self.plan
    }

    /// Makes, replaces or repairs the pod at a place.
    fn see_to(&mut self, at: usize, in_order: bool) -> Next {
        let Some(pod) = self.replicas[at] else {
            return self.create(at);
        };
        if pod::is_finished(pod) {
            if !meta::is_deleted(pod) {
                self.delete(pod);
            }
            return Next::Wait;
        }
        if pod::phase(pod) == "Pending" {
            self.create_claims(meta::name(pod), self.ordinals.at(at));
        }
        if in_order && !self.is_available(pod) {
            return Next::Wait;
        }
        if let Some(patch) = identity::repair(self.set, pod) {
            self.plan.push(patch);
        }
        self.settle_claims(pod, false);
        Next::Go
    }

    fn create(&mut self, at: usize) -> Next {
        let ordinal = self.ordinals.at(at);
        let revision = self.revision_for(at);
        let template = crate::revision::template(revision);
        let pod = identity::pod(&owner(self.set), &template, ordinal, meta::name(revision));
        let name = meta::name(&pod).to_owned();
        if self.create_claims(&name, ordinal) == Next::Wait {
            return Next::Wait;
        }
        let told = format!("create Pod {name} in StatefulSet {} successful", self.key.name);
        self.plan.push(Action::Create(pod));
        self.plan
            .push(Action::Record(Event::normal(self.key, "SuccessfulCreate", told)));
        Next::Wait
    }

    /// Creates what a pod claims. Waits while an old claim is on its way out.
    fn create_claims(&mut self, pod: &str, ordinal: i64) -> Next {
        let mut next = Next::Go;
        for claim in claims::of(self.set, ordinal) {
            let name = meta::name(&claim).to_owned();
            let place = &self.key.namespace;
            match self.world.find(&Kind::PERSISTENT_VOLUME_CLAIM, place, &name) {
                Some(old) if meta::is_deleted(old) => next = Next::Wait,
                Some(_) => {}
                None => {
                    let told = format!(
                        "create Claim {name} Pod {pod} in StatefulSet {} success",
                        self.key.name
                    );
                    self.plan.push(Action::Create(claim));
                    self.plan
                        .push(Action::Record(Event::normal(self.key, "SuccessfulCreate", told)));
                }
            }
        }
        next
    }

    /// Makes the claims of a pod belong to whom the retention policy says.
    fn settle_claims(&mut self, pod: &Value, condemned: bool) {
        let patches = claims::settle(self.world, self.set, pod, condemned);
        self.plan.actions.extend(patches);
    }

    /// Deletes the pods beyond the set's size. In order: one at a time, and only when nothing else is in trouble.
    fn remove_condemned(&mut self, in_order: bool) -> Next {
        let condemned = self.condemned.clone();
        let unavailable = |pod: &&&Value| !self.is_available(pod);
        let first_unavailable = condemned.iter().rev().find(unavailable).copied();
        for pod in &condemned {
            if meta::is_deleted(pod) {
                if in_order {
                    return Next::Wait;
                }
                continue;
            }
            if in_order && !self.is_available(pod) && first_unavailable.is_some_and(|first| first != *pod) {
                return Next::Wait;
            }
            self.delete(pod);
            if in_order {
                return Next::Wait;
            }
        }
        Next::Go
    }

    /// Deletes pods of other revisions, the highest ordinal first, while no more are unavailable than may be. Old
    /// pods that serve nobody only wait for the new ones: that is how a set gets out of a broken revision.
    fn update(&mut self) {
        if meta::text_at(self.set, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        let update = meta::name(self.history.update).to_owned();
        let is_old = |pod: &Value| meta::label(pod, HASH) != Some(update.as_str()) && !meta::is_deleted(pod);
        let (mut unavailable, mut on_the_way) = (0, 0);
        for pod in &self.replicas {
            if !pod.is_some_and(|pod| self.is_available(pod)) {
                unavailable += 1;
                on_the_way += i64::from(!pod.is_some_and(is_old));
            }
        }
        let most = self.max_unavailable();
        let partition = usize::try_from(self.partition()).unwrap_or_default();
        for pod in self.replicas.clone().into_iter().skip(partition).rev().flatten() {
            if !is_old(pod) {
                continue;
            }
            let serves = self.is_available(pod);
            if on_the_way < most && (!serves || unavailable < most) {
                self.delete(pod);
                on_the_way += 1;
                unavailable += i64::from(serves);
            }
        }
    }

    fn delete(&mut self, pod: &Value) {
        let told = format!(
            "delete Pod {} in StatefulSet {} successful",
            meta::name(pod),
            self.key.name
        );
        self.plan.push(Action::delete(Key::of(Kind::POD, pod), pod));
        self.plan
            .push(Action::Record(Event::normal(self.key, "SuccessfulDelete", told)));
    }

    /// Which revision a missing pod is made from: below the partition, the one before the update.
    fn revision_for(&self, at: usize) -> &'a Value {
        let rolling = meta::text_at(self.set, "/spec/updateStrategy/type") != "OnDelete";
        let below = if self.set.pointer("/spec/updateStrategy/rollingUpdate").is_some() {
            self.partition()
        } else {
            meta::number_at(self.set, "/status/currentReplicas").unwrap_or_default()
        };
        if rolling && i64::try_from(at).is_ok_and(|at| at < below) {
            self.history.current
        } else {
            self.history.update
        }
    }

    fn partition(&self) -> i64 {
        meta::number_at(self.set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default()
    }

    fn max_unavailable(&self) -> i64 {
        match self
            .set
            .pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable")
        {
            None => 1,
            // Never none: then an update could not begin.
            some => amount::of(some, status::replicas(self.set), Rounding::Down).max(1),
        }
    }

    /// Whether a pod runs, has been ready for long enough and is not on its way out.
    fn is_available(&self, pod: &Value) -> bool {
        let min_ready = status::min_ready_seconds(self.set);
        pod::phase(pod) == "Running" && !meta::is_deleted(pod) && pod::is_available(pod, min_ready, self.now)
    }
}

fn owner(set: &Value) -> Owner<'_> {
    Owner {
        object: set,
        api_version: "apps/v1",
        kind: &STATEFUL_SET,
    }
}

fn selector(set: &Value) -> Selector {
    Selector::from_json(set.pointer("/spec/selector").unwrap_or(&Value::Null))
}
