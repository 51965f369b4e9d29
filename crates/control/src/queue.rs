//! Whom to look at, and when: the one queue of a loop.
//!
//! A key is in it at most once, so it is bounded by what there is to look at. A trigger only says "look again"; what
//! failed is looked at again after a wait that doubles.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// The wait after the first failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// No wait is longer: a person who has mended the cause should not have to wait for longer than a walk to the kettle.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Keys with the time at which each is due.
#[derive(Debug)]
pub struct Queue<K> {
    due: BTreeMap<K, Instant>,
    failures: BTreeMap<K, u32>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Looks at a key at a time, or earlier if that was said before.
    pub fn look(&mut self, key: K, at: Instant) {
        let due = self.due.entry(key).or_insert(at);
        *due = at.min(*due);
    }

    /// Whether a key is to be looked at some time.
    pub fn holds(&self, key: &K) -> bool {
        self.due.contains_key(key)
    }

    /// Takes a key that is due and that may be taken; those that are being looked at may not.
    pub fn take(&mut self, now: Instant, may: impl Fn(&K) -> bool) -> Option<K> {
        let (key, _) = self
            .due
            .iter()
            .filter(|(key, at)| **at <= now && may(key))
            .min_by_key(|(_, at)| **at)?;
        let key = key.clone();
        self.due.remove(&key);
        Some(key)
    }

    /// When the next key is due that may be taken.
    pub fn next_due(&self, may: impl Fn(&K) -> bool) -> Option<Instant> {
        self.due
            .iter()
            .filter(|(key, _)| may(key))
            .map(|(_, at)| *at)
            .min()
    }

    pub fn succeeded(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Looks again after a wait.
    pub fn failed(&mut self, key: K, now: Instant) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let wait = FIRST_WAIT * 2_u32.saturating_pow((*failures).min(16));
        *failures = failures.saturating_add(1);
        self.look(key, now + wait.min(LONGEST_WAIT));
    }

    /// Forgets a key that is gone.
    pub fn forget(&mut self, key: &K) {
        self.due.remove(key);
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_once_however_often_it_was_named() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.look("a", now + Duration::from_secs(5));
        queue.look("a", now);
        queue.look("b", now + Duration::from_secs(1));
        assert_eq!(queue.take(now, |_| true), Some("a"));
        assert_eq!(queue.take(now, |_| true), None);
        assert_eq!(queue.next_due(|_| true), Some(now + Duration::from_secs(1)));
        assert_eq!(queue.next_due(|key| *key != "b"), None);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_success() {
        let now = Instant::now();
        let mut queue = Queue::default();
        let mut wait = || {
            queue.failed("a", now);
            let due = queue.next_due(|_| true).unwrap();
            queue.take(due, |_| true);
            (due - now).as_secs()
        };
        let waits: Vec<u64> = std::iter::repeat_with(&mut wait).take(9).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        queue.succeeded(&"a");
        queue.failed("a", now);
        assert_eq!(queue.next_due(|_| true), Some(now + FIRST_WAIT));
    }
}
