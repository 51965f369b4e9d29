//! What is to be looked at: at once, at a time, or again after a refusal.
//!
//! A key that is announced twice before its turn is looked at once. Pure: the engine hands in the time, and the seed
//! of the order if there is one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use objects::Key;

/// The number of a loop in the engine's list.
pub(super) type LoopIndex = usize;

/// A key and the loop that is to look at it.
pub(super) type Item = (LoopIndex, Key);

/// The first and the longest pause after a refusal; it doubles in between, as the real controllers' queues do.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1000);

/// Keys with work, in the order in which they are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<Item>,
    waiting: HashSet<Item>,
    /// Appointments by time, and the time of each key's one appointment.
    timers: BTreeSet<(Timestamp, Item)>,
    appointed: HashMap<Item, Timestamp>,
    /// Keys that wait for their appointment whatever happens to them.
    held: HashSet<Item>,
    /// How often a key's plan was refused in a row.
    refusals: BTreeMap<Item, u32>,
    /// With a seed, any ready key may come next: what must hold in every order is tested in many.
    shuffle: Option<Shuffle>,
}

/// A small generator of numbers for the order (xorshift64*): the same seed gives the same order everywhere.
#[derive(Debug)]
struct Shuffle(u64);

impl Queue {
    /// A queue that hands out its keys in an order drawn from a seed.
    pub(super) fn shuffled(seed: u64) -> Self {
        Self {
            shuffle: Some(Shuffle(seed | 1)),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, item: Item) {
        if !self.held.contains(&item) && self.waiting.insert(item.clone()) {
            self.ready.push_back(item);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = match &mut self.shuffle {
            Some(shuffle) if !self.ready.is_empty() => {
                let at = shuffle.below(self.ready.len());
                self.ready.swap_remove_back(at)
            }
            _ => self.ready.pop_front(),
        }?;
        self.waiting.remove(&item);
        Some(item)
    }

    /// Sets the one appointment of a key, or takes it back.
    pub(super) fn appoint(&mut self, item: &Item, at: Option<Timestamp>) {
        if let Some(old) = self.appointed.remove(item) {
            self.timers.remove(&(old, item.clone()));
        }
        if let Some(at) = at {
            self.timers.insert((at, item.clone()));
            self.appointed.insert(item.clone(), at);
        }
    }

    /// When the next appointment is.
    pub(super) fn next_appointment(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Makes the keys ready whose time has come.
    pub(super) fn ring(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let Some((_, item)) = self.timers.pop_first() else {
                return;
            };
            self.appointed.remove(&item);
            self.held.remove(&item);
            self.push(item);
        }
    }

    /// A key's plan was refused: looks again after a pause that doubles each time.
    pub(super) fn retry(&mut self, item: &Item, now: Timestamp) {
        let count = self.refusals.entry(item.clone()).or_default();
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (*count).min(20))
            .min(LONGEST_PAUSE);
        *count = count.saturating_add(1);
        let at = now.saturating_add(pause).unwrap_or(now);
        let earlier = self.appointed.get(item).is_some_and(|other| *other <= at);
        if !earlier {
            self.appoint(item, Some(at));
        }
    }

    /// Lets a key wait until a time even if it is announced before.
    pub(super) fn hold(&mut self, item: &Item, until: Timestamp) {
        if self.waiting.remove(item) {
            self.ready.retain(|ready| ready != item);
        }
        self.appoint(item, Some(until));
        self.held.insert(item.clone());
    }

    /// A key's plan was done.
    pub(super) fn succeeded(&mut self, item: &Item) {
        self.refusals.remove(item);
    }
}

impl Shuffle {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % count
    }
}

#[cfg(test)]
mod tests {
    use objects::Kind;

    use super::*;

    fn item(name: &str) -> Item {
        (0, Key::new(Kind::POD, "n", name))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_key_waits_once_and_has_one_appointment() {
        let mut queue = Queue::default();
        queue.push(item("a"));
        queue.push(item("a"));
        assert_eq!(queue.pop(), Some(item("a")));
        assert_eq!(queue.pop(), None);
        queue.appoint(&item("a"), Some(at(5)));
        queue.appoint(&item("a"), Some(at(9)));
        assert_eq!(queue.next_appointment(), Some(at(9)));
        queue.ring(at(8));
        assert_eq!(queue.pop(), None);
        queue.ring(at(9));
        assert_eq!(queue.pop(), Some(item("a")));
        assert_eq!(queue.next_appointment(), None);
    }

    #[test]
    fn a_key_that_is_held_waits_whatever_is_announced() {
        let mut queue = Queue::default();
        queue.push(item("a"));
        queue.push(item("b"));
        queue.hold(&item("a"), at(5));
        queue.push(item("a"));
        assert_eq!(queue.pop(), Some(item("b")));
        assert_eq!(queue.pop(), None);
        queue.ring(at(5));
        assert_eq!(queue.pop(), Some(item("a")));
        queue.push(item("a"));
        assert_eq!(queue.pop(), Some(item("a")));
    }

    #[test]
    fn pauses_double_until_a_plan_is_done() {
        let mut queue = Queue::default();
        let mut pause = || {
            queue.retry(&item("a"), at(0));
            let next = queue.next_appointment().expect("an appointment");
            queue.ring(next);
            queue.pop();
            (next - at(0))
                .total(jiff::Unit::Millisecond)
                .expect("a span of time")
        };
        assert_eq!([pause(), pause(), pause()], [5.0, 10.0, 20.0]);
        queue.succeeded(&item("a"));
        queue.retry(&item("a"), at(0));
        assert_eq!(queue.next_appointment(), Some(at(0) + Duration::from_millis(5)));
    }

    #[test]
    fn a_seed_gives_one_order_of_all_keys() {
        let order = |seed| {
            let mut queue = Queue::shuffled(seed);
            for name in ["a", "b", "c", "d", "e"] {
                queue.push(item(name));
            }
            std::iter::from_fn(move || queue.pop()).collect::<Vec<_>>()
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert_eq!(order(7).into_iter().collect::<HashSet<_>>().len(), 5);
    }
}
