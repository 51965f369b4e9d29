//! What charts get where they ask for something random: the same bytes for the same promotion and cluster, and nobody can guess
//! them.
//!
//! People agree to a plan, and what is applied has to be that plan; a new password with each look would be another one. So the
//! bytes follow from the promotion and from the key that the controller signs with.

use chart::functions::host::Random;
use model::Digest;

/// SHA-256 over a secret and a counter, block by block.
#[derive(Debug)]
pub(super) struct Secret {
    secret: Digest,
    next_block: u64,
    block: Vec<u8>,
}

impl Secret {
    /// The bytes that follow from a secret.
    pub(super) fn of(secret: Digest) -> Self {
        Self {
            secret,
            next_block: 0,
            block: Vec::new(),
        }
    }

    fn next(&mut self) -> u8 {
        if self.block.is_empty() {
            let mut text = self.secret.to_string().into_bytes();
            text.extend(self.next_block.to_le_bytes());
            self.block = Digest::of(&text).bytes().to_vec();
            self.next_block += 1;
        }
        self.block.pop().unwrap_or_default()
    }
}

impl Random for Secret {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_decides_every_byte() {
        let bytes = |secret: &[u8], parts: &[usize]| {
            let mut random = Secret::of(Digest::of(secret));
            let mut all = Vec::new();
            for part in parts {
                let mut some = vec![0; *part];
                random.fill(&mut some);
                all.extend(some);
            }
            all
        };
        assert_eq!(bytes(b"a", &[100]), bytes(b"a", &[1, 40, 59]));
        assert_ne!(bytes(b"a", &[32]), bytes(b"b", &[32]));
        assert_ne!(bytes(b"a", &[64])[..32], bytes(b"a", &[64])[32..]);
    }
}
