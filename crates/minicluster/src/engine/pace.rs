//! The bound on loops that never rest: a key that is due again and again without time having passed is held back.
//!
//! Two mistakes of a loop lead there: an appointment that is not in the future, and a write that touches the key it
//! was decided for every time. On a virtual clock either would stop the time for ever; on the machine's the first
//! would take a whole CPU. Pure: the engine hands in the time, holds the key back and tells of it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::queue::Item;

/// How often one key is looked at without time having passed. A ReplicaSet whose 500 pods change five times each is
/// looked at 2,500 times at one moment of a virtual clock when nothing puts looks together; this is four times that,
/// and a second's work.
const MOST_LOOKS: u32 = 10_000;

/// The first and the longest pause of a key that does not rest; it doubles in between, so that such a key costs
/// ten looks a second in the end.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1000);

/// Counts looks.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    /// The moment of the last look, and how often each key was looked at then.
    moment: Timestamp,
    looks: HashMap<Item, u32>,
    /// How often in a row a key wanted to be looked at again at once. The machine's clock is another at every look.
    hurried: HashMap<Item, u32>,
    /// The keys that were held back: as few as there are mistakes.
    held: HashMap<Item, Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    pause: Duration,
    until: Timestamp,
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(MOST_LOOKS)
    }
}

impl Pace {
    /// With another bound.
    pub(super) fn of(most: u32) -> Self {
        Self {
            most,
            moment: Timestamp::default(),
            looks: HashMap::new(),
            hurried: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Counts a look at `now` that ended with an appointment. Gives how long the key is to be held back, if it does
    /// not rest.
    pub(super) fn count(
        &mut self,
        item: &Item,
        again: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Duration> {
        if now != self.moment {
            self.moment = now;
            self.looks.clear();
        }
        let looks = increment(&mut self.looks, item);
        let in_a_row = if again.is_some_and(|again| again <= now) {
            increment(&mut self.hurried, item)
        } else {
            self.hurried.remove(item);
            0
        };
        if looks.max(in_a_row) < self.most {
            return None;
        }
        self.looks.remove(item);
        self.hurried.remove(item);
        Some(self.hold(item, now))
    }

    /// A pause twice as long as the last one, if that was not long ago.
    fn hold(&mut self, item: &Item, now: Timestamp) -> Duration {
        let last = self.held.get(item);
        let lately = last.filter(|last| now <= later(last.until, last.pause));
        let pause = lately.map_or(FIRST_PAUSE, |last| {
            last.pause.saturating_mul(2).min(LONGEST_PAUSE)
        });
        let until = later(now, pause);
        self.held.retain(|_, held| now <= later(held.until, held.pause));
        self.held.insert(item.clone(), Held { pause, until });
        pause
    }
}

fn increment(counts: &mut HashMap<Item, u32>, item: &Item) -> u32 {
    match counts.get_mut(item) {
        Some(count) => {
            *count = count.saturating_add(1);
            *count
        }
        None => {
            counts.insert(item.clone(), 1);
            1
        }
    }
}

fn later(time: Timestamp, pause: Duration) -> Timestamp {
    time.checked_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use objects::{Key, Kind};

    use super::*;

    fn item(name: &str) -> Item {
        (0, Key::new(Kind::POD, "n", name))
    }

    fn at(milli: i64) -> Timestamp {
        Timestamp::from_millisecond(milli).expect("in range")
    }

    /// Looks until the key is held back; gives how often, and for how long.
    fn until_held(mut look: impl FnMut() -> Option<Duration>) -> (u32, Duration) {
        for looks in 1..=2 * MOST_LOOKS {
            if let Some(pause) = look() {
                return (looks, pause);
            }
        }
        panic!("the key was never held back");
    }

    #[test]
    fn a_key_that_is_looked_at_for_ever_at_one_moment_is_held_back_longer_each_time() {
        let mut pace = Pace::default();
        for (moment, pause) in [(10, 5), (15, 10), (25, 20), (1000, 5)] {
            let held = until_held(|| pace.count(&item("a"), None, at(moment)));
            assert_eq!(held, (MOST_LOOKS, Duration::from_millis(pause)), "at {moment}");
        }
        assert_eq!(pace.held.len(), 1, "what rests again is forgotten");
    }

    #[test]
    fn time_that_passes_makes_all_looks_good() {
        let mut pace = Pace::default();
        for look in 0..i64::from(3 * MOST_LOOKS) {
            let now = at(look / 2);
            let later = at(look / 2 + 1);
            assert_eq!(pace.count(&item("a"), Some(later), now), None);
            assert_eq!(pace.count(&item("b"), (look % 2 == 0).then_some(now), now), None);
        }
    }

    #[test]
    fn an_appointment_that_is_never_in_the_future_is_held_back_on_any_clock() {
        let mut pace = Pace::default();
        let mut now = 0;
        let held = until_held(|| {
            now += 1;
            pace.count(&item("a"), Some(at(now)), at(now))
        });
        assert_eq!(held, (MOST_LOOKS, FIRST_PAUSE));
    }
}
