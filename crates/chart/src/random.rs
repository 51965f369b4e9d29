//! Reproducible randomness: the same seed gives the same bytes on every machine, forever.
//!
//! For diffs, verification and tests. It must never make a real password: who knows the seed knows the bytes.

use sha2::{Digest, Sha256};

use crate::functions::host::Random;

/// SHA-256 over the seed and a counter, block by block.
#[derive(Debug)]
pub struct Seeded {
    seed: u64,
    next_block: u64,
    block: [u8; 32],
    used: usize,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            next_block: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn next(&mut self) -> u8 {
        if self.used == self.block.len() {
            let mut hash = Sha256::new();
            hash.update(b"shipway seeded randomness 1");
            hash.update(self.seed.to_le_bytes());
            hash.update(self.next_block.to_le_bytes());
            self.block = hash.finalize().into();
            self.next_block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(seed: u64, lengths: &[usize]) -> Vec<u8> {
        let mut random = Seeded::new(seed);
        let mut all = Vec::new();
        for length in lengths {
            let mut some = vec![0; *length];
            random.fill(&mut some);
            all.extend(some);
        }
        all
    }

    #[test]
    fn seed_decides_every_byte() {
        assert_eq!(bytes(7, &[100]), bytes(7, &[1, 40, 59]));
        assert_ne!(bytes(7, &[32]), bytes(8, &[32]));
    }

    /// Written down once: a change of these bytes would change every seeded render.
    #[test]
    fn bytes_never_change() {
        assert_eq!(bytes(0, &[4]), [44, 177, 135, 69]);
    }
}
