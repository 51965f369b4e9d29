//! The deliveries that were here already.
//!
//! Bounded: a day, and so many of them. Whoever may send that many in a day knows the secret, and one forgotten too early
//! costs one look at a repository.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::Refused;

/// Longer than any sender tries again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Deliveries in a day of a large installation; each takes some 100 bytes.
const MOST: usize = 10_000;

/// A memory of deliveries: one for each source, because GitLab gives one event the same id on every webhook.
#[derive(Debug, Default)]
pub struct Seen {
    known: HashSet<[u8; 32]>,
    order: VecDeque<(Timestamp, [u8; 32])>,
    forgotten: u64,
}

impl Seen {
    /// How many were forgotten before their day was over.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Remembers a delivery, and refuses it if any of its ids was here.
    pub(super) fn first(&mut self, ids: &[&str], now: Timestamp) -> Result<(), Refused> {
        while self
            .order
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > KEPT)
        {
            self.forget_oldest();
        }
        let sums: Vec<[u8; 32]> = ids
            .iter()
            .map(|id| Sha256::digest(id.as_bytes()).into())
            .collect();
        let again = ids.iter().zip(&sums).find(|(_, sum)| self.known.contains(*sum));
        if again.is_some() {
            return Err(Refused::Again {
                id: ids.first().copied().unwrap_or_default().to_owned(),
            });
        }
        for sum in sums {
            if self.known.insert(sum) {
                self.order.push_back((now, sum));
            }
            if self.order.len() > MOST {
                self.forget_oldest();
                self.forgotten += 1;
            }
        }
        Ok(())
    }

    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.order.pop_front() {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_delivery_is_known_for_a_day() {
        let mut seen = Seen::default();
        seen.first(&["a", "b"], at(0)).unwrap();
        for ids in [&["a", "c"][..], &["x", "b"]] {
            assert!(seen.first(ids, at(86_400)).is_err(), "{ids:?}");
        }
        seen.first(&["a"], at(86_401)).unwrap();
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut seen = Seen::default();
        for index in 0..=MOST {
            seen.first(&[&index.to_string()], at(0)).unwrap();
        }
        assert_eq!((seen.len(), seen.forgotten()), (MOST, 1));
        seen.first(&["0"], at(0)).unwrap();
        assert!(seen.first(&["2"], at(0)).is_err());
    }
}
