//! How many requests may come: buckets of tokens, by whom they are for. Time is given, nothing is slept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Buckets that are remembered. Full ones are forgotten first, which changes nothing; when none is, all are.
const REMEMBERED: usize = 8_192;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    per_second: f64,
    holds: f64,
}

/// Of an address, for requests of nobody who is known: no token or a wrong one, and webhooks. Many may be behind one.
pub(crate) const OF_ADDRESS: Rate = Rate {
    per_second: 100.0,
    holds: 400.0,
};

/// Of one caller: a script that asks as fast as it can is slowed, a person never is.
pub(crate) const OF_CALLER: Rate = Rate {
    per_second: 20.0,
    holds: 100.0,
};

/// Of all machines of a tenant together, which can be made as many as its administrator likes.
pub(crate) const OF_MACHINES: Rate = Rate {
    per_second: 60.0,
    holds: 300.0,
};

/// Of what changes something, of one caller and of a tenant's machines: each has two lines in the audit log, which nothing is
/// ever deleted from.
pub(crate) const WRITES: Rate = Rate {
    per_second: 1.0,
    holds: 20.0,
};
pub(crate) const WRITES_OF_MACHINES: Rate = Rate {
    per_second: 5.0,
    holds: 100.0,
};

/// Of tokens that were never seen, from addresses that have guessed too much: each is a request to the hub. For all of them
/// together, so that whoever shares his address with a broken script still comes in.
pub(crate) const STRANGERS: Rate = Rate {
    per_second: 5.0,
    holds: 20.0,
};

/// What a request with a wrong token costs an address: so many are guessed a second, of 2^256.
pub(crate) const WRONG: f64 = 10.0;

/// Buckets by whom they are for.
#[derive(Debug)]
pub(crate) struct Limits {
    rate: Rate,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    has: f64,
    since: Instant,
}

impl Limits {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Whether there is enough in a bucket; if not, after how long there is.
    pub(crate) fn look(&self, whose: &str, cost: f64, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(whose);
        let has = bucket.map_or(self.rate.holds, |bucket| bucket.at(now, self.rate));
        self.rate.after(has, cost)
    }

    /// Takes from a bucket; if there is not enough in it, says after how long there is.
    pub(crate) fn take(&self, whose: &str, cost: f64, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(whose) {
            buckets.retain(|_, bucket| bucket.at(now, self.rate) < self.rate.holds);
            if buckets.len() >= REMEMBERED {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(whose.to_owned()).or_insert(Bucket {
            has: self.rate.holds,
            since: now,
        });
        let has = bucket.at(now, self.rate);
        self.rate.after(has, cost)?;
        *bucket = Bucket {
            has: has - cost,
            since: now,
        };
        Ok(())
    }
}

impl Rate {
    fn after(self, has: f64, cost: f64) -> Result<(), Duration> {
        match has < cost {
            true => Err(Duration::from_secs_f64((cost - has) / self.per_second)),
            false => Ok(()),
        }
    }
}

impl Bucket {
    fn at(self, now: Instant, rate: Rate) -> f64 {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        (self.has + passed * rate.per_second).min(rate.holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_with_time() {
        let limits = Limits::new(OF_CALLER);
        let start = Instant::now();
        assert!((0..100).all(|_| limits.take("ana", 1.0, start).is_ok()));
        let wait = limits.take("ana", 1.0, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(50));
        assert_eq!(limits.look("ana", 1.0, start), Err(wait));
        assert!(limits.take("bob", 1.0, start).is_ok(), "another's is another");
        assert!(limits.take("ana", 1.0, start + wait).is_ok());
        assert!(limits.take("ana", 1.0, start + wait).is_err());
    }

    #[test]
    fn however_many_come_the_memory_is_bounded() {
        let limits = Limits::new(OF_ADDRESS);
        let start = Instant::now();
        for at in 0..3 * REMEMBERED {
            let _ = limits.take(&at.to_string(), 1.0, start);
        }
        assert!(limits.buckets.lock().unwrap().len() <= REMEMBERED);
    }
}
