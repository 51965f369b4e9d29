//! How soon a failed pod of a DaemonSet is replaced: at once, then after 1 s, 2 s, … 15 minutes.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

const FIRST: SignedDuration = SignedDuration::from_secs(1);
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// How many nodes of sets are remembered at most: those of a set of 1,000 nodes many times over. When it is full,
/// what has calmed down is forgotten.
const MAX_REMEMBERED: usize = 65_536;

/// The pauses, by the uid of a set and the name of a node.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pauses: HashMap<(String, String), (SignedDuration, Timestamp)>,
}

impl Backoff {
    /// Until when nothing is to be tried, if it is to be waited for.
    pub(super) fn blocked_until(&self, key: (&str, &str), now: Timestamp) -> Option<Timestamp> {
        let (pause, since) = self.pauses.get(&owned(key))?;
        let due = since.checked_add(*pause).ok()?;
        (now < due).then_some(due)
    }

    /// Notes a try: the next one waits for twice as long, or as the first one did if the last was long ago.
    pub(super) fn note(&mut self, key: (&str, &str), now: Timestamp) {
        if self.pauses.len() >= MAX_REMEMBERED {
            self.pauses.retain(|_, (_, since)| !is_calm(*since, now));
        }
        if self.pauses.len() >= MAX_REMEMBERED {
            self.pauses.clear();
        }
        let entry = self.pauses.entry(owned(key));
        let next = |(pause, since): &mut (SignedDuration, Timestamp)| {
            *pause = if is_calm(*since, now) {
                FIRST
            } else {
                pause.saturating_mul(2).min(LONGEST)
            };
            *since = now;
        };
        entry.and_modify(next).or_insert((FIRST, now));
    }
}

fn is_calm(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) > LONGEST.saturating_mul(2)
}

fn owned((set, node): (&str, &str)) -> (String, String) {
    (set.to_owned(), node.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_it_is_calm() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let key = ("set", "node");
        let mut backoff = Backoff::default();
        assert_eq!(backoff.blocked_until(key, at(0)), None);
        for (now, due) in [(0, 1), (1, 3), (3, 7), (7, 15), (10_000, 10_001)] {
            backoff.note(key, at(now));
            assert_eq!(backoff.blocked_until(key, at(now)), Some(at(due)));
            assert_eq!(backoff.blocked_until(key, at(due)), None);
        }
        assert_eq!(backoff.blocked_until(("set", "other"), at(0)), None);
    }
}
