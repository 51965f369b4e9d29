//! How long a node waits before it tries again: 10 s, doubled each time, 5 minutes at most.
//!
//! Nothing is remembered: the wait follows from the number of restarts and the gap before the last start, both of
//! which stand in the pod's status, so a kubelet that forgot everything waits as long as one that did not.

use jiff::{SignedDuration, Timestamp};

use crate::{pod, span};

/// The first wait that is one.
const FIRST: i64 = 10;

/// The longest wait.
const LONGEST: i64 = 300;

/// A run this long clears what came before: twice the longest wait.
const CLEARS: i64 = 2 * LONGEST;

/// What a status tells about the run that ended and the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    /// When the run before ended, if there was one.
    pub(crate) before: Option<Timestamp>,
    pub(crate) restarts: i64,
}

/// Seconds between the end of a run and the next start. The first restart comes at once.
#[must_use]
pub(crate) fn restart_wait(ended: Ended) -> i64 {
    let ran = ended.finished.as_second() - ended.started.as_second();
    let Some(before) = ended.before else {
        return 0;
    };
    if ended.restarts <= 0 || ran >= CLEARS {
        return 0;
    }
    let by_count = nth(ended.restarts - 1);
    let gap = ended.started.as_second() - before.as_second();
    let by_gap = if gap < FIRST { FIRST } else { step_up(gap) };
    by_count.min(by_gap)
}

/// The message of a container that waits to be restarted.
#[must_use]
pub(crate) fn message(seconds: i64, container: &str, pod: &str) -> String {
    let wait = span::print(SignedDuration::from_secs(seconds));
    format!("back-off {wait} restarting failed container={container} pod={pod}")
}

/// The wait that such a message names.
#[must_use]
pub(crate) fn from_message(message: &str) -> Option<i64> {
    let wait = message.strip_prefix("back-off ")?.split(' ').next()?;
    Some(span::parse(wait)?.as_secs())
}

/// Attempts that began at `first`, each lasting `takes`: the latest that began until now, when it ends, and when the
/// next one begins.
#[must_use]
pub(crate) fn attempt(first: Timestamp, takes: SignedDuration, now: Timestamp) -> Attempt {
    let after = |time: Timestamp, span| time.saturating_add(span).unwrap_or(time);
    let mut attempt = Attempt {
        number: 0,
        begins: first,
        ends: after(first, takes),
        next: first,
    };
    loop {
        attempt.next = pod::later(attempt.ends, nth(attempt.number));
        if attempt.next > now {
            return attempt;
        }
        attempt.number += 1;
        attempt.begins = attempt.next;
        if attempt.number >= DOUBLINGS {
            // From here on all waits are equal: skip ahead instead of counting years.
            let round = takes.as_secs() + LONGEST;
            let rounds = (now.as_second() - attempt.begins.as_second()) / round.max(1);
            attempt.number += rounds;
            attempt.begins = pod::later(attempt.begins, rounds * round);
        }
        attempt.ends = after(attempt.begins, takes);
    }
}

/// One of several attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) number: i64,
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) next: Timestamp,
}

/// After so many doublings the longest wait is reached.
const DOUBLINGS: i64 = 5;

fn nth(number: i64) -> i64 {
    match number {
        0..DOUBLINGS => FIRST << number,
        _ => LONGEST,
    }
}

/// Twice the wait that a gap of so many seconds was.
fn step_up(gap: i64) -> i64 {
    let was = (0..DOUBLINGS)
        .rev()
        .map(nth)
        .find(|wait| *wait <= gap)
        .unwrap_or(FIRST);
    (2 * was).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn waits_double_until_five_minutes_and_a_long_run_clears_them() {
        let (mut now, mut before, mut waits) = (0, None, Vec::new());
        for restarts in 0..9 {
            let run = if restarts == 7 { CLEARS } else { 1 };
            let ended = Ended {
                started: at(now),
                finished: at(now + run),
                before,
                restarts,
            };
            let wait = restart_wait(ended);
            waits.push(wait);
            before = Some(at(now + run));
            now += run + wait;
        }
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 0, 10]);
    }

    #[test]
    fn a_wait_is_read_from_its_own_message() {
        for wait in [10, 80, 300] {
            assert_eq!(from_message(&message(wait, "c", "p_n(u)")), Some(wait));
        }
        assert_eq!(
            message(80, "c", "p_n(u)"),
            "back-off 1m20s restarting failed container=c pod=p_n(u)"
        );
        assert_eq!(from_message("something else"), None);
    }

    #[test]
    fn attempts_follow_from_the_first_and_the_clock() {
        let takes = SignedDuration::from_secs(1);
        let begins = |now| attempt(at(0), takes, at(now)).begins.as_second();
        assert_eq!([0, 10, 11, 31, 32, 73].map(begins), [0, 0, 11, 11, 32, 73]);
        let far = attempt(at(0), takes, at(1_000_000_000));
        assert!(
            far.next > at(1_000_000_000) && far.begins <= at(1_000_000_000),
            "{far:?}"
        );
    }
}
