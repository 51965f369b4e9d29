//! How many requests may come: a bucket of tokens per address, and per caller. Time is given, nothing is slept.

use std::collections::BTreeMap;
use std::net::IpAddr;
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

/// Of an address: many people may be behind one, a company's or an ingress's.
pub(crate) const OF_ADDRESS: Rate = Rate {
    per_second: 100.0,
    holds: 400.0,
};

/// Of one caller: a script that asks as fast as it can is slowed, a person never is.
pub(crate) const OF_CALLER: Rate = Rate {
    per_second: 20.0,
    holds: 100.0,
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
        if has < cost {
            return Err(Duration::from_secs_f64((cost - has) / self.rate.per_second));
        }
        *bucket = Bucket {
            has: has - cost,
            since: now,
        };
        Ok(())
    }
}

impl Bucket {
    fn at(self, now: Instant, rate: Rate) -> f64 {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        (self.has + passed * rate.per_second).min(rate.holds)
    }
}

/// Whose a request is, by its address: of IPv6, the network that one customer has.
///
/// Behind an ingress all have its address. So one from a private network is taken at its word, which is the last one of
/// `X-Forwarded-For`: whoever is outside can't write that. Inside, a lie is worth no more than another address.
pub(crate) fn origin(peer: IpAddr, forwarded: Option<&str>) -> String {
    let said = forwarded
        .filter(|_| is_private(peer.to_canonical()))
        .and_then(|forwarded| forwarded.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let address = said.unwrap_or(peer);
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
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

    #[test]
    fn an_ipv6_network_is_one_origin() {
        let of = |text: &str| origin(text.parse().unwrap(), None);
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }

    #[test]
    fn an_ingress_is_believed_and_a_stranger_is_not() {
        let of = |peer: &str, said: &str| origin(peer.parse().unwrap(), Some(said));
        assert_eq!(of("10.0.0.1", "1.2.3.4, 203.0.113.7"), "203.0.113.7");
        assert_eq!(of("198.51.100.1", "203.0.113.7"), "198.51.100.1");
        assert_eq!(of("10.0.0.1", "nobody"), "10.0.0.1");
        assert_eq!(of("10.0.0.1", ""), "10.0.0.1");
    }
}
