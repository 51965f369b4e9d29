//! The decision about one pod: a node, victims, or the reason in words; and whether it then happened.

mod search;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, World, condition, meta};
use serde_json::Value;

use crate::cache::{Cache, Placed, ShapeId, Slot};
use crate::filter::Case;
use crate::queue::Queue;
use crate::{NAME, changes, report};
use search::Failure;

/// How long volumes may take to be bound before the pod is placed anew.
const VOLUME_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// After a refused write a pod waits for a second, then twice as long each time, up to ten.
const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(1);
const MOST_DOUBLINGS: u32 = 3;
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// The scheduler, as one control loop.
///
/// [`Loop::decide`] answers for the most urgent pod that waits, whichever key it is asked for: the order of pods is
/// the scheduler's, not the engine's. Every pod that is to be looked at has its key announced by [`Loop::touched`]
/// or asked for again, so each gets its turn.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) cache: Cache,
    pub(crate) queue: Queue,
    /// Nodes that are kept for pods until their volumes are bound.
    pub(crate) reserved: HashMap<Key, Reserved>,
    /// How often writes about a pod were refused in a row.
    pub(crate) refusals: HashMap<Key, u32>,
    /// What was decided last, to see whether it has happened.
    last: Option<Answer>,
    /// The earliest time and the key that we asked to be called again for.
    bell: Option<(Timestamp, Key)>,
    seed: u64,
    draws: u64,
    /// Where the next search begins, so that all nodes are looked at as often.
    start: usize,
}

/// A decision that has to show in the world before the next one is made.
#[derive(Debug)]
struct Answer {
    pod: Key,
    /// What the pod's condition says by then; `None` if the pod is to be bound.
    says: Option<String>,
    /// Pods that are to be deleted by then.
    victims: Vec<Key>,
}

/// A node that is kept for a pod.
#[derive(Debug)]
pub(crate) struct Reserved {
    node: Arc<str>,
    until: Timestamp,
}

impl Scheduler {
    /// Makes a scheduler. Of nodes that are equally good, the seed decides which is taken.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            cache: Cache::default(),
            queue: Queue::default(),
            reserved: HashMap::new(),
            refusals: HashMap::new(),
            last: None,
            bell: None,
            seed,
            draws: 0,
            start: 0,
        }
    }

    /// How many pods wait for a node.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn schedule(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(id) = self.queue.shape(key) else {
            return Plan::nothing();
        };
        let Some(pod) = world.get(key).filter(|pod| changes::is_pending(pod)) else {
            self.drop_pod(key);
            return Plan::nothing();
        };
        if !meta::list_at(pod, "/spec/schedulingGates").is_empty() {
            self.queue.rest(key, None);
            return Plan::of(report::gated(pod, now));
        }
        let kept = self.reserved.remove(key);
        if kept.is_some() {
            self.cache.remove(key);
        }
        let kept = kept.filter(|kept| kept.until > now);
        match self.place(world, (key, pod), id, kept.as_ref()) {
            Ok((slot, case)) => self.bind(world, &case, (slot, kept), now),
            Err(failure) => self.fail(world, key, &failure, now),
        }
    }

    /// Binds a pod, or first has its volumes bound.
    fn bind(&mut self, world: &World, case: &Case, place: (Slot, Option<Reserved>), now: Timestamp) -> Plan {
        let (slot, kept) = place;
        let key = &case.key;
        let node = Arc::clone(&self.cache.node(slot).name);
        let pod = world.get(key).map(Arc::as_ref).unwrap_or(&Value::Null);
        let choices = case.volumes.choose(self.cache.node(slot)).unwrap_or_default();
        let placed = Placed {
            slot,
            shape: case.id,
            assumed: true,
            started: None,
        };
        self.cache.nominate(key, case.id, None);
        self.cache.place(key, placed, &node);
        let mut plan = Plan::nothing();
        if choices.is_empty() {
            plan.actions = report::bound(key, pod, &node);
            self.last = Some(Answer {
                pod: key.clone(),
                says: None,
                victims: Vec::new(),
            });
            self.release(key);
        } else {
            let patience = || now.checked_add(VOLUME_PATIENCE).unwrap_or(Timestamp::MAX);
            let until = kept
                .filter(|kept| kept.node == node)
                .map_or_else(patience, |kept| kept.until);
            for choice in choices {
                let (key, patch) = choice.patch(world, &node);
                if !says(world, &key, &patch) {
                    plan.push(Action::Patch {
                        key,
                        subresource: None,
                        patch,
                    });
                }
            }
            self.queue.rest(key, Some(until));
            self.reserved.insert(key.clone(), Reserved { node, until });
        }
        self.queue.follow(case.id);
        plan
    }

    fn release(&mut self, key: &Key) {
        if let Some(id) = self.queue.remove(key) {
            self.cache.release(id);
        }
    }

    fn fail(&mut self, world: &World, key: &Key, failure: &Failure, now: Timestamp) -> Plan {
        let pod = world.get(key).map(Arc::as_ref).unwrap_or(&Value::Null);
        let mut plan = Plan::nothing();
        let mut nominated = failure.denominate.then_some(Arc::from(""));
        if let (Some(candidate), Some(id)) = (&failure.candidate, self.queue.shape(key)) {
            let node = Arc::clone(&self.cache.node(candidate.slot).name);
            for victim in &candidate.victims {
                if let Some(object) = world.get(victim) {
                    plan.actions
                        .extend(report::preempted(victim, object, pod, &node, now));
                }
            }
            for waiting in self.less_urgent_nominated(candidate.slot, id) {
                self.cache.nominate(&waiting, id, None);
                plan.push(report::denominated(&waiting));
                self.queue.activate_unasked(&waiting);
            }
            self.cache.nominate(key, id, Some(&node));
            nominated = Some(node);
        } else if failure.denominate
            && let Some(id) = self.queue.shape(key)
        {
            self.cache.nominate(key, id, None);
        }
        let says = (report::UNSCHEDULABLE, failure.message.as_str());
        plan.actions
            .extend(report::failed(key, pod, says, nominated.as_deref(), now));
        let candidate = failure.candidate.as_ref();
        self.last = Some(Answer {
            pod: key.clone(),
            says: Some(failure.message.clone()),
            victims: candidate
                .map(|candidate| candidate.victims.clone())
                .unwrap_or_default(),
        });
        self.queue.park(key, &failure.causes, now);
        plan
    }

    fn less_urgent_nominated(&self, slot: Slot, than: ShapeId) -> Vec<Key> {
        let priority = self.cache.shape(than).priority;
        let all = self.cache.nominated(slot).iter();
        all.filter(|(_, id)| self.cache.shape(*id).priority < priority)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Looks whether what was decided last has happened. If not, it was overtaken by another change.
    fn settle(&mut self, world: &World, now: Timestamp) {
        let Some(answer) = self.last.take() else { return };
        let key = &answer.pod;
        let Some(says) = &answer.says else {
            if self.cache.pod(key).is_some_and(|pod| pod.assumed) {
                self.give_up(world, key, now);
            }
            return;
        };
        let stays = |victim: &Key| world.get(victim).is_some_and(|pod| !meta::is_deleted(pod));
        let says = |pod: &Value| {
            condition::find(pod, "PodScheduled").is_some_and(|one| meta::text(one, "message") == says)
        };
        let told = world.get(key).is_none_or(|pod| says(pod));
        let waits = self.queue.shape(key).is_some() && !self.queue.is_active(key);
        if waits && (!told || answer.victims.iter().any(stays)) {
            self.retry(key, now);
        }
    }

    /// Forgets that a pod was to go to a node; it is placed anew if it still waits.
    fn give_up(&mut self, world: &World, key: &Key, now: Timestamp) -> bool {
        if self.cache.pod(key).is_some_and(|pod| pod.assumed) {
            self.cache.remove(key);
            self.reserved.remove(key);
        }
        let Some(pod) = world.get(key).filter(|pod| changes::is_pending(pod)) else {
            self.drop_pod(key);
            return false;
        };
        if self.queue.shape(key).is_none() {
            self.enqueue(key, pod);
        }
        self.retry(key, now);
        true
    }

    fn retry(&mut self, key: &Key, now: Timestamp) {
        let until = now.checked_add(self.wait(key)).unwrap_or(now);
        self.queue.rest(key, Some(until));
    }

    /// Makes sure that somebody calls when the next pod has waited long enough.
    fn set_bell(&mut self, key: &Key, plan: &mut Plan, now: Timestamp) {
        let Some(time) = self.queue.wake(now) else { return };
        let rings = self
            .bell
            .as_ref()
            .is_some_and(|(at, of)| of != key && *at > now && *at <= time);
        if !rings {
            self.bell = Some((time, key.clone()));
            plan.look_at(time);
        }
    }

    /// How long a pod waits after a refused write.
    fn wait(&mut self, key: &Key) -> SignedDuration {
        let times = self.refusals.entry(key.clone()).or_default();
        let wait = SHORTEST_WAIT * 2_i32.pow((*times).min(MOST_DOUBLINGS + 1));
        *times += 1;
        wait.min(LONGEST_WAIT)
    }
}

impl Loop for Scheduler {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:kube-scheduler",
            manager: "kube-scheduler",
            component: NAME,
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        self.take_in(world, change, keys);
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        self.settle(world, now);
        self.queue.wake(now);
        let mut plan = match self.queue.next() {
            Some(next) => self.schedule(world, &next, now),
            None => Plan::nothing(),
        };
        // Another pod had this one's turn, or pods are active that nobody will ask about.
        if self.queue.is_active(key) || self.queue.has_unasked() {
            plan.look_at(now);
        }
        self.set_bell(key, &mut plan, now);
        plan
    }

    fn refused(&mut self, world: &World, _: &Key, refusal: &Refusal<'_>, now: Timestamp) -> Plan {
        let Some(Answer { pod, .. }) = self.last.take() else {
            return Plan::nothing();
        };
        if !self.give_up(world, &pod, now) {
            return Plan::nothing();
        }
        let mut plan = Plan::nothing();
        if let (Action::Bind { .. }, Some(object)) = (refusal.action, world.get(&pod)) {
            let message = format!("running Bind plugin \"DefaultBinder\": {}", refusal.message);
            plan.actions = report::failed(&pod, object, (report::ERROR, &message), None, now);
        }
        self.set_bell(&pod, &mut plan, now);
        plan
    }
}

/// Whether an object already has what a patch would set.
fn says(world: &World, key: &Key, patch: &Value) -> bool {
    fn holds(object: &Value, patch: &Value) -> bool {
        match (object, patch) {
            (Value::Object(object), Value::Object(patch)) => patch
                .iter()
                .all(|(field, value)| object.get(field).is_some_and(|one| holds(one, value))),
            _ => object == patch,
        }
    }
    world.get(key).is_some_and(|object| holds(object, patch))
}
