//! The decision about one pod: a node, victims, or the reason in words.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, World, meta};
use serde_json::Value;

use crate::cache::{Cache, Placed, ShapeId, Slot};
use crate::filter::Case;
use crate::preempt::{self, Candidate, Refusals};
use crate::queue::Queue;
use crate::reason::{Cause, Reason, Tally};
use crate::{NAME, changes, report, score};

/// Below so many nodes all are looked at, above at least so many that fit are compared.
const LEAST_COMPARED: usize = 100;
/// The share of nodes that are compared shrinks by one percent for so many nodes, from the first to the last.
const NODES_PER_PERCENT: usize = 125;
const LARGEST_SHARE: usize = 50;
const SMALLEST_SHARE: usize = 5;

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
    seed: u64,
    draws: u64,
    /// Where the next search begins, so that all nodes are looked at as often.
    start: usize,
}

/// A node that is kept for a pod.
#[derive(Debug)]
pub(crate) struct Reserved {
    node: Arc<str>,
    until: Timestamp,
}

/// Why a pod goes nowhere now.
#[derive(Debug)]
struct Failure {
    message: String,
    causes: Vec<Cause>,
    /// The node that is being freed for it.
    candidate: Option<Candidate>,
    /// Its nomination does not hold any more.
    denominate: bool,
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
            return Plan::of(report::gated(key, pod, now));
        }
        let kept = self.reserved.remove(key);
        if kept.is_some() {
            self.cache.remove(key);
        }
        match self.place(world, (key, pod), id, kept.as_ref()) {
            Ok((slot, case)) => self.bind(world, &case, (slot, kept), now),
            Err(failure) => self.fail(world, key, failure, now),
        }
    }

    /// Finds a node for a pod.
    fn place(
        &mut self,
        world: &World,
        pod: (&Key, &Value),
        id: ShapeId,
        kept: Option<&Reserved>,
    ) -> Result<(Slot, Case), Failure> {
        let (key, object) = pod;
        let order = self.cache.order();
        if order.is_empty() {
            return Err(Failure::of(
                "no nodes available to schedule pods".to_owned(),
                Cause::Nodes,
            ));
        }
        let mut case = Case::of(&mut self.cache, world, key, id).map_err(|message| {
            // The words of the last plugin that would have helped, which found nothing to work with.
            let message = format!("0/{} nodes are available: {message}. not found", order.len());
            Failure::of(message, Cause::Volumes)
        })?;
        let nominated = meta::text_at(object, "/status/nominatedNodeName");
        for node in [kept.map_or("", |kept| &kept.node), nominated] {
            let slot = self.cache.find_node(node);
            if let Some(slot) = slot.filter(|slot| case.check(&self.cache, *slot).is_ok()) {
                return Ok((slot, case));
            }
        }
        let (fitting, tally, refusals) = self.search(&case, &order);
        if fitting.is_empty() {
            return Err(self.explain(world, &mut case, (&tally, &refusals), !nominated.is_empty()));
        }
        let slot = self.choose(&case, &order, &fitting);
        Ok((slot, case))
    }

    /// The nodes that take a pod, enough of them to compare, and why the others don't.
    fn search(&mut self, case: &Case, order: &[Slot]) -> (Vec<Slot>, Tally, Refusals) {
        let named = case.named(&self.cache);
        let nodes = named.as_deref().unwrap_or(order);
        let wanted = compared(nodes.len());
        let mut tally = Tally::default();
        tally.add(Reason::NotNamed, order.len() - nodes.len().min(order.len()));
        let mut refusals = Refusals {
            nodes: order.len(),
            ..Refusals::default()
        };
        let mut fitting = Vec::with_capacity(wanted.min(nodes.len()));
        let start = if nodes.is_empty() {
            0
        } else {
            self.start % nodes.len()
        };
        let mut seen = 0;
        for slot in nodes[start..].iter().chain(&nodes[..start]) {
            if fitting.len() >= wanted {
                break;
            }
            seen += 1;
            match case.check(&self.cache, *slot) {
                Ok(()) => fitting.push(*slot),
                Err(rejection) => {
                    if rejection.resolvable {
                        refusals.resolvable.push(*slot);
                    }
                    for reason in rejection.reasons {
                        tally.add(reason, 1);
                    }
                }
            }
        }
        if !order.is_empty() {
            self.start = (self.start + seen) % order.len();
        }
        (fitting, tally, refusals)
    }

    fn choose(&mut self, case: &Case, order: &[Slot], fitting: &[Slot]) -> Slot {
        if let [only] = fitting {
            return *only;
        }
        let scores = score::scores(case, &self.cache, order, fitting);
        let best = scores.iter().copied().max().unwrap_or_default();
        let best = fitting.iter().zip(&scores).filter(|(_, score)| **score == best);
        let best: Vec<_> = best.map(|(slot, _)| *slot).collect();
        best[self.draw(best.len())]
    }

    /// A number below a bound, the same for the same seed and the same past.
    fn draw(&mut self, bound: usize) -> usize {
        self.draws += 1;
        // SplitMix64: well mixed from a counter, so that nothing but the count is kept.
        let mut mixed = self
            .seed
            .wrapping_add(self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let bound = bound.max(1) as u64;
        (mixed % bound) as usize
    }

    fn explain(
        &mut self,
        world: &World,
        case: &mut Case,
        found: (&Tally, &Refusals),
        nominated: bool,
    ) -> Failure {
        let (tally, refusals) = found;
        let message = tally.print(refusals.nodes);
        let mut failure = Failure {
            message,
            causes: tally.causes(),
            candidate: None,
            denominate: false,
        };
        match preempt::candidate(&mut self.cache, world, case, refusals) {
            Ok(candidate) => failure.candidate = Some(candidate),
            Err(why) => {
                failure.denominate = nominated && !why.starts_with("not eligible");
                failure.message = format!(
                    "{} no new claims to deallocate, preemption: {why}",
                    failure.message
                );
            }
        }
        failure
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
        if self.queue.wake_one(case.id).is_some() {
            plan.look_at(now);
        }
        plan
    }

    fn release(&mut self, key: &Key) {
        if let Some(id) = self.queue.remove(key) {
            self.cache.release(id);
        }
    }

    fn fail(&mut self, world: &World, key: &Key, failure: Failure, now: Timestamp) -> Plan {
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
                if self.queue.activate(&waiting) {
                    plan.look_at(now);
                }
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
        self.queue.wake(now);
        let mut plan = match self.queue.next() {
            Some(next) => self.schedule(world, &next, now),
            None => Plan::nothing(),
        };
        // Another pod had this one's turn.
        if self.queue.is_active(key) {
            plan.look_at(now);
        }
        if let Some(time) = self.queue.wake(now) {
            plan.look_at(time);
        }
        plan
    }

    fn refused(&mut self, world: &World, key: &Key, refusal: &Refusal<'_>, now: Timestamp) -> Plan {
        let (pod, binding) = match refusal.action {
            Action::Bind { pod, .. } => (pod, true),
            _ => (key, false),
        };
        let assumed = self.cache.pod(pod).is_some_and(|placed| placed.assumed);
        if assumed {
            self.cache.remove(pod);
            self.reserved.remove(pod);
        }
        let Some(object) = world.get(pod).filter(|object| changes::is_pending(object)) else {
            self.drop_pod(pod);
            return Plan::nothing();
        };
        if self.queue.shape(pod).is_none() {
            self.enqueue(pod, object);
        }
        let until = now.checked_add(self.wait(pod)).unwrap_or(now);
        self.queue.rest(pod, Some(until));
        let mut plan = Plan::later(until);
        if binding {
            let message = format!("running Bind plugin \"DefaultBinder\": {}", refusal.message);
            plan.actions = report::failed(pod, object, (report::ERROR, &message), None, now);
        }
        plan
    }
}

impl Failure {
    fn of(message: String, cause: Cause) -> Self {
        Self {
            message,
            causes: vec![cause],
            candidate: None,
            denominate: false,
        }
    }
}

/// How many nodes that fit are enough to choose from.
fn compared(nodes: usize) -> usize {
    if nodes < LEAST_COMPARED {
        return nodes;
    }
    let share = LARGEST_SHARE
        .saturating_sub(nodes / NODES_PER_PERCENT)
        .max(SMALLEST_SHARE);
    (nodes * share / 100).max(LEAST_COMPARED)
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
