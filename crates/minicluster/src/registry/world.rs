//! The clock and the randomness of a running cluster: the only place that asks the machine for them.
//!
//! What is written into objects comes from [`Surroundings`], whose time may be virtual and whose numbers may be drawn
//! from a seed, so that a history can be repeated. Credentials live by the machine's time whatever the cluster's is.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;

/// The time of a cluster, and the numbers in its uids and generated names. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    clock: Clock,
    /// The state of a small generator (splitmix64); `None` for the machine's randomness.
    dice: Option<Arc<Mutex<u64>>>,
}

impl Surroundings {
    pub(crate) fn new(clock: Clock, seed: Option<u64>) -> Self {
        Self {
            clock,
            dice: seed.map(|seed| Arc::new(Mutex::new(seed))),
        }
    }

    /// RFC 3339, UTC, seconds: how Kubernetes writes times.
    pub(crate) fn now(&self) -> String {
        objects::time::seconds(self.clock.now())
    }

    /// A random UUID, version 4.
    pub(crate) fn uid(&self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hexadecimal(&bytes);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }

    /// Five characters for a generated name, out of those that the real server uses: no vowels, no look-alikes.
    pub(crate) fn suffix(&self) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        let pick = |byte: u8| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]);
        self.bytes::<5>().into_iter().map(pick).collect()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let Some(dice) = &self.dice else { return random() };
        let mut state = dice.lock().unwrap_or_else(PoisonError::into_inner);
        let mut byte = || {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed >> 56) as u8
        };
        std::array::from_fn(|_| byte())
    }
}

/// Unix seconds.
pub(super) fn now_seconds() -> i64 {
    Timestamp::now().as_second()
}

/// The date so many days from now: year, month, day.
pub(crate) fn date_in(days: i64) -> (i32, u8, u8) {
    // A hundred thousand days are what certificates and calendars can still write.
    let seconds = days.clamp(0, 100_000) * 24 * 3600;
    let then = Timestamp::from_second(now_seconds() + seconds).unwrap_or(Timestamp::now());
    let date = then.to_zoned(jiff::tz::TimeZone::UTC).date();
    let small = |number: i8| u8::try_from(number).unwrap_or(1);
    (i32::from(date.year()), small(date.month()), small(date.day()))
}

/// Seconds since a time, for ages; `None` for what is no time.
pub(super) fn seconds_since(time: &str) -> Option<i64> {
    let then: Timestamp = time.parse().ok()?;
    Some(Timestamp::now().as_second() - then.as_second())
}

/// 128 random bits, for a token.
pub(crate) fn random_hex() -> String {
    hexadecimal(&random::<16>())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness there are no keys either, so the server has not started.
    let _ = getrandom::fill(&mut bytes);
    bytes
}
