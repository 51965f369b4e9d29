//! What the functions of a chart reach outside of it: this machine's clock and randomness, or a seed for both.

use std::time::{SystemTime, UNIX_EPOCH};

use chart::functions::Host;
use chart::functions::host::Random;
use chart::random::Seeded;

/// The moment of a seeded render, 2020-01-01T00:00:00Z in nanoseconds: certificates that charts make then are
/// readable, and nobody takes them for fresh ones.
const SEEDED_NOW_NS: i64 = 1_577_836_800_000_000_000;

/// The operating system's randomness.
#[derive(Debug)]
struct System;

impl Random for System {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system that runs this has randomness");
    }
}

/// The host of one render.
pub(crate) fn host(seed: Option<u64>) -> Host {
    match seed {
        Some(seed) => Host::new(SEEDED_NOW_NS, Box::new(Seeded::new(seed))),
        None => Host::new(now_ns(), Box::new(System)),
    }
}

/// A part of a name that nobody else has: 64 random bits in hexadecimal.
pub(crate) fn unique() -> String {
    let mut bytes = [0; 8];
    System.fill(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

/// What a key is made from.
pub(crate) fn secret() -> [u8; 32] {
    let mut bytes = [0; 32];
    System.fill(&mut bytes);
    bytes
}

/// Nanoseconds since 1970, clamped to what 64 bits hold (the year 2262).
fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
