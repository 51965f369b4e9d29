//! How often an object is put back, so that two who want different things of it do not go on for ever.
//!
//! ```text
//! drift ──► Back ──changed again──► Later (2 s, 4 s, 8 s, …) ──► Back … ──eighth time──► Left, and told
//! ```
//!
//! An autoscaler of another kind, an injector of certificates, a second tool that deploys: whoever writes the same fields again
//! and again is at it by design, and only a person can say who is right. What is left is taken up again when it differs
//! otherwise, when it was as applied for an hour, or when something is promoted: then whoever owns this forgets it.

use std::collections::BTreeMap;
use std::time::Duration;

use objects::Key;
use tokio::time::Instant;

/// The wait after an object was put back for the first time; it doubles.
const FIRST: Duration = Duration::from_secs(2);

/// So often an object is put back that differs in the same way again and again. The last wait is four minutes long then, and
/// the audit log has eight lines about it.
const TRIES: u32 = 8;

/// So often an object is put back whatever differs each time.
const ALL_TRIES: u32 = 4 * TRIES;

/// What was as it should be for so long begins anew.
const CALM: Duration = Duration::from_secs(3600);

/// The objects of one release that were put back, each with the fields and who else writes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Fights(BTreeMap<(Key, String), Fight>);

#[derive(Clone, Debug)]
struct Fight {
    tries: u32,
    /// When it was put back last, and when it was seen last that it is not as applied.
    back: Instant,
    seen: Instant,
}

/// What is to become of an object that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Back,
    /// It was put back a moment ago.
    Later,
    /// Somebody else goes on changing it.
    Left,
}

impl Fights {
    /// Takes note that an object differs in some fields, and says whether it is to be put back now.
    pub(super) fn turn(&mut self, key: &Key, over: &str, now: Instant) -> Turn {
        let of_object = self.0.iter().filter(|((other, _), _)| other == key);
        let tries: u32 = of_object.map(|(_, fight)| fight.tries).sum();
        let Some(fight) = self.0.get_mut(&(key.clone(), over.to_owned())) else {
            return match tries < ALL_TRIES {
                true => Turn::Back,
                false => Turn::Left,
            };
        };
        fight.seen = now;
        match fight.next() {
            None => Turn::Left,
            Some(_) if tries >= ALL_TRIES => Turn::Left,
            Some(next) if now < next => Turn::Later,
            Some(_) => Turn::Back,
        }
    }

    /// Takes note that an object is put back.
    pub(super) fn back(&mut self, key: &Key, over: &str, now: Instant) {
        let fight = self.0.entry((key.clone(), over.to_owned())).or_insert(Fight {
            tries: 0,
            back: now,
            seen: now,
        });
        fight.tries = fight.tries.saturating_add(1);
        (fight.back, fight.seen) = (now, now);
    }

    /// Forgets what has been as it should be for long.
    pub(super) fn calm(&mut self, now: Instant) {
        self.0.retain(|_, fight| now < fight.seen + CALM);
    }

    /// When to look again at what differed now.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let of_now = self.0.values().filter(|fight| fight.seen == now);
        of_now.filter_map(Fight::next).min()
    }
}

impl Fight {
    /// When it may be put back again; never once it was often enough.
    fn next(&self) -> Option<Instant> {
        let wait = || FIRST * 2_u32.saturating_pow(self.tries.saturating_sub(1));
        (self.tries < TRIES).then(|| self.back + wait())
    }
}

#[cfg(test)]
mod tests {
    use objects::Kind;
    use serde_json::json;

    use super::*;

    fn key() -> Key {
        Key::of(
            Kind::CONFIG_MAP,
            &json!({"metadata": {"name": "web", "namespace": "shop"}}),
        )
    }

    /// Looks each second for so long, and puts back whatever is to be; says when that was.
    fn fought(fights: &mut Fights, over: &str, from: Instant, seconds: u64) -> Vec<u64> {
        let mut back = Vec::new();
        for second in 0..seconds {
            let now = from + Duration::from_secs(second);
            if fights.turn(&key(), over, now) == Turn::Back {
                fights.back(&key(), over, now);
                back.push(second);
            }
            fights.calm(now);
        }
        back
    }

    #[test]
    fn the_wait_doubles_and_after_the_eighth_time_it_is_left() {
        let (mut fights, now) = (Fights::default(), Instant::now());
        let day = 24 * 3600;
        assert_eq!(
            fought(&mut fights, "a by b", now, day),
            [0, 2, 6, 14, 30, 62, 126, 254]
        );
        let later = now + Duration::from_secs(day);
        assert_eq!(fights.turn(&key(), "a by b", later), Turn::Left);
        assert_eq!(fights.next(later), None);
        // It differs in another way.
        assert_eq!(fought(&mut fights, "c by b", later, 5), [0, 2]);
    }

    #[test]
    fn somebody_who_changes_something_else_each_time_is_left_alone_too() {
        let (mut fights, now) = (Fights::default(), Instant::now());
        let back: usize = (0..100)
            .map(|field| fought(&mut fights, &format!("field {field}"), now, 1).len())
            .sum();
        assert_eq!(u32::try_from(back).unwrap(), ALL_TRIES);
    }

    #[test]
    fn what_was_as_applied_for_an_hour_begins_anew() {
        let (mut fights, now) = (Fights::default(), Instant::now());
        fought(&mut fights, "a by b", now, 3600);
        let after = |hours: u64| now + CALM * u32::try_from(hours).unwrap();
        fights.calm(after(1));
        assert_eq!(fights.turn(&key(), "a by b", after(1)), Turn::Left);
        fights.calm(after(2));
        assert_eq!(fights.turn(&key(), "a by b", after(2)), Turn::Back);
    }

    #[test]
    fn it_is_looked_again_when_the_next_turn_comes_if_it_still_differs() {
        let (mut fights, now) = (Fights::default(), Instant::now());
        fights.back(&key(), "a", now);
        assert_eq!(fights.next(now), Some(now + FIRST));
        assert_eq!(fights.next(now + FIRST), None);
        assert_eq!(fights.turn(&key(), "a", now + FIRST / 2), Turn::Later);
    }
}
