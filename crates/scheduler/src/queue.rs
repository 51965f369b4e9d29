//! Pods that wait for a node: which is next, and which look again because of a change.
//!
//! ```text
//! new pod ──► active ──next──► decided ──► on a node
//!               ▲                └─ fits nowhere ──► parked by shape and cause
//!               └── a change that can help, or time ────┘
//! ```
//!
//! Pods of one shape fit or don't fit together. So a change wakes one of them as a scout, and only if it finds a
//! node the next one is woken: a change costs as much as there are shapes that it may help, not pods.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use objects::Key;

use crate::cache::ShapeId;
use crate::reason::Cause;

/// Parked pods look again after so long whatever happens, as the real scheduler does: a missed cause must not hold
/// a pod forever.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Pods that wait.
#[derive(Debug, Default)]
pub struct Queue {
    pods: HashMap<Key, Waiting>,
    /// The most urgent first, then in the order they came.
    active: BTreeSet<(Reverse<i64>, u64, Key)>,
    parked: HashMap<ShapeId, BTreeSet<(u64, Key)>>,
    by_cause: [BTreeSet<ShapeId>; CAUSES.len()],
    deadlines: BTreeSet<(Timestamp, Key)>,
    turns: u64,
    /// How many pods were activated without anybody being told to ask about them.
    unasked: usize,
}

const CAUSES: [Cause; 5] = [
    Cause::Empty,
    Cause::Nodes,
    Cause::Room,
    Cause::Volumes,
    Cause::Pods,
];

#[derive(Debug)]
struct Waiting {
    shape: ShapeId,
    priority: i64,
    turn: u64,
    active: bool,
    deadline: Option<Timestamp>,
}

impl Queue {
    /// Adds a pod, which is to be looked at.
    pub fn add(&mut self, key: &Key, shape: ShapeId, priority: i64) {
        self.turns += 1;
        let waiting = Waiting {
            shape,
            priority,
            turn: self.turns,
            active: false,
            deadline: None,
        };
        self.pods.insert(key.clone(), waiting);
        self.activate(key);
    }

    /// Takes out a pod and gives its shape, which the caller has to release.
    pub fn remove(&mut self, key: &Key) -> Option<ShapeId> {
        self.take(key);
        Some(self.pods.remove(key)?.shape)
    }

    #[must_use]
    pub fn shape(&self, key: &Key) -> Option<ShapeId> {
        Some(self.pods.get(key)?.shape)
    }

    #[must_use]
    pub fn is_active(&self, key: &Key) -> bool {
        self.pods.get(key).is_some_and(|pod| pod.active)
    }

    /// How many pods wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Takes the next pod. It stays in the queue, neither active nor parked.
    pub fn next(&mut self) -> Option<Key> {
        let Some((_, _, key)) = self.active.pop_first() else {
            self.unasked = 0;
            return None;
        };
        self.unasked = self.unasked.saturating_sub(1);
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.active = false;
        }
        Some(key)
    }

    /// Parks a pod that fits nowhere until one of the causes changes or its patience ends.
    pub fn park(&mut self, key: &Key, causes: &[Cause], now: Timestamp) {
        self.rest(key, now.checked_add(PATIENCE).ok());
        let Some(pod) = self.pods.get(key) else { return };
        self.parked
            .entry(pod.shape)
            .or_default()
            .insert((pod.turn, key.clone()));
        for cause in causes {
            self.by_cause[*cause as usize].insert(pod.shape);
        }
    }

    /// Lets a pod wait until somebody activates it, or for so long.
    pub fn rest(&mut self, key: &Key, until: Option<Timestamp>) {
        self.take(key);
        if let Some(pod) = self.pods.get_mut(key) {
            pod.deadline = until;
            if let Some(until) = until {
                self.deadlines.insert((until, key.clone()));
            }
        }
    }

    /// Has a pod looked at; whether it was not going to be already.
    pub fn activate(&mut self, key: &Key) -> bool {
        if self.is_active(key) {
            return false;
        }
        self.take(key);
        self.turns += 1;
        let Some(pod) = self.pods.get_mut(key) else {
            return false;
        };
        pod.active = true;
        self.active.insert((Reverse(pod.priority), pod.turn, key.clone()));
        true
    }

    /// Wakes one pod of each shape that was parked for a cause and that a change may help.
    pub fn scout(&mut self, causes: &[Cause], helps: impl Fn(ShapeId) -> bool) -> Vec<Key> {
        let mut shapes: Vec<ShapeId> = causes
            .iter()
            .flat_map(|cause| &self.by_cause[*cause as usize])
            .copied()
            .collect();
        shapes.sort_unstable();
        shapes.dedup();
        shapes.retain(|shape| helps(*shape));
        shapes
            .into_iter()
            .filter_map(|shape| self.wake_one(shape))
            .collect()
    }

    /// Wakes all pods that were parked for a cause.
    pub fn wake_all(&mut self, cause: Cause) -> Vec<Key> {
        let shapes = self.by_cause[cause as usize].iter();
        let keys = shapes.flat_map(|shape| self.parked.get(shape)).flatten();
        let keys: Vec<_> = keys.map(|(_, key)| key.clone()).collect();
        keys.into_iter().filter(|key| self.activate(key)).collect()
    }

    /// Wakes the next parked pod of a shape.
    pub fn wake_one(&mut self, shape: ShapeId) -> Option<Key> {
        let (_, key) = self.parked.get(&shape)?.first()?.clone();
        self.activate(&key).then_some(key)
    }

    /// Activates a pod whose key nobody announces.
    pub fn activate_unasked(&mut self, key: &Key) {
        self.unasked += usize::from(self.activate(key));
    }

    /// A pod of a shape found a node: has the next parked one looked at.
    pub fn follow(&mut self, shape: ShapeId) {
        self.unasked += usize::from(self.wake_one(shape).is_some());
    }

    /// Whether pods are active that nobody was told to ask about.
    #[must_use]
    pub fn has_unasked(&self) -> bool {
        self.unasked > 0
    }

    /// Activates what has waited long enough; gives when the next does.
    pub fn wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        while let Some((until, key)) = self.deadlines.first().cloned() {
            if until > now {
                return Some(until);
            }
            self.deadlines.pop_first();
            self.activate_unasked(&key);
        }
        None
    }

    fn take(&mut self, key: &Key) {
        let Some(pod) = self.pods.get_mut(key) else { return };
        if pod.active {
            pod.active = false;
            self.active
                .remove(&(Reverse(pod.priority), pod.turn, key.clone()));
        }
        if let Some(deadline) = pod.deadline.take() {
            self.deadlines.remove(&(deadline, key.clone()));
        }
        if let Some(pods) = self.parked.get_mut(&pod.shape) {
            pods.remove(&(pod.turn, key.clone()));
            if pods.is_empty() {
                self.parked.remove(&pod.shape);
                for shapes in &mut self.by_cause {
                    shapes.remove(&pod.shape);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use objects::Kind;

    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Kind::POD, "n", name)
    }

    fn drain(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.next())
            .map(|key| key.name.to_string())
            .collect()
    }

    #[test]
    fn urgent_pods_go_first_then_older_ones() {
        let mut queue = Queue::default();
        for (name, priority) in [("a", 0), ("b", 10), ("c", 0), ("d", 10)] {
            queue.add(&key(name), 0, priority);
        }
        assert_eq!(drain(&mut queue), ["b", "d", "a", "c"]);
    }

    #[test]
    fn a_change_wakes_one_pod_of_each_shape_that_it_may_help() {
        let mut queue = Queue::default();
        let now = Timestamp::UNIX_EPOCH;
        for (name, shape, cause) in [
            ("a", 1, Cause::Room),
            ("b", 1, Cause::Room),
            ("c", 2, Cause::Room),
            ("d", 3, Cause::Volumes),
        ] {
            queue.add(&key(name), shape, 0);
            queue.next();
            queue.park(&key(name), &[cause], now);
        }
        assert_eq!(queue.scout(&[Cause::Nodes], |_| true), []);
        assert_eq!(queue.scout(&[Cause::Room], |shape| shape == 1), [key("a")]);
        assert_eq!(drain(&mut queue), ["a"]);
        assert_eq!(queue.wake_one(1), Some(key("b")));
        assert_eq!(
            queue.scout(&[Cause::Room, Cause::Volumes], |_| true),
            [key("c"), key("d")]
        );
    }

    #[test]
    fn a_parked_pod_looks_again_when_its_patience_ends() {
        let mut queue = Queue::default();
        let now = Timestamp::UNIX_EPOCH;
        queue.add(&key("a"), 0, 0);
        queue.next();
        queue.park(&key("a"), &[], now);
        let end = queue.wake(now);
        assert_eq!(end, Some(now + PATIENCE));
        assert_eq!(drain(&mut queue), [""; 0]);
        assert_eq!(queue.wake(now + PATIENCE), None);
        assert_eq!(drain(&mut queue), ["a"]);
    }
}
