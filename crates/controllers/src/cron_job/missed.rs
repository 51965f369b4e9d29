//! Which moment of a schedule is due, and how many have been missed.
//!
//! The count is an estimate from the distance of two moments, as the real controller's is: it only says whether to
//! warn. Only the latest moment is ever made up for.

use jiff::{SignedDuration, Timestamp};

use super::schedule::Schedule;

/// More missed moments than this are worth a warning.
const MANY: i64 = 100;
/// Moments to look at from shortly before now. Two intervals hold a few; a day full of minutes 1,440.
const MAX_MOMENTS: usize = 5_000;

/// What of a schedule lies between the last run and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    /// The latest moment that is due.
    pub latest: Option<Timestamp>,
    /// More than a hundred moments have passed.
    pub many: bool,
    /// When to look next.
    pub next: Option<Timestamp>,
}

impl Missed {
    /// Looks at a schedule since its last run, which was long ago or never if `earliest` is the time of creation.
    /// `deadline` is how long after its moment a run may still start.
    pub fn find(
        schedule: &Schedule,
        earliest: Timestamp,
        deadline: Option<SignedDuration>,
        now: Timestamp,
    ) -> Self {
        let allowed = deadline.and_then(|deadline| now.checked_sub(deadline).ok());
        let since = allowed.map_or(earliest, |allowed| allowed.max(earliest));
        let (latest, many) = latest(schedule, since, now);
        let base = latest.unwrap_or(now).max(earliest);
        // A moment that is past was looked at just now.
        let next = schedule
            .next(base)
            .filter(|next| *next > now)
            .or_else(|| schedule.next(now));
        Self { latest, many, next }
    }
}

fn latest(schedule: &Schedule, since: Timestamp, now: Timestamp) -> (Option<Timestamp>, bool) {
    let Some(first) = schedule.next(since).filter(|first| *first <= now) else {
        return (None, false);
    };
    let Some(second) = schedule.next(first).filter(|second| *second <= now) else {
        return (Some(first), false);
    };
    let interval = second.duration_since(first).as_secs().max(1);
    let passed = now.duration_since(first).as_secs() / interval + 1;
    let back = SignedDuration::from_secs((passed - 2).saturating_mul(interval));
    let mut at = first.checked_add(back).unwrap_or(first);
    let mut latest = None;
    for _ in 0..MAX_MOMENTS {
        match schedule.next(at).filter(|next| *next <= now) {
            Some(next) => {
                latest = Some(next);
                at = next;
            }
            None => break,
        }
    }
    (latest, passed > MANY)
}
