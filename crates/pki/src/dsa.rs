//! DSA keys with 2,048 and 256 bits. They are only made and printed: nothing signs with them any more.

use num_bigint::BigUint;

use crate::der::{self, Reader};
use crate::{Random, prime};

/// Limbs of the large prime.
const LIMBS: usize = 32;

#[derive(Clone)]
pub(crate) struct Key {
    /// p, q, g, y and x, in the order of their encoding.
    numbers: [BigUint; 5],
}

impl Key {
    pub(crate) fn generate(random: &mut Random<'_>) -> Self {
        let small = prime::random::<4>(random, prime::ANY_EXPONENT, 0);
        let large = prime::random_congruent::<LIMBS>(random, &small);
        let one = BigUint::from(1u32);
        let generator = BigUint::from(2u32).modpow(&((&large - &one) / &small), &large);
        let mut bytes = [0; 40];
        random(&mut bytes);
        let private = BigUint::from_bytes_be(&bytes) % (&small - &one) + one;
        let public = generator.modpow(&private, &large);
        Self {
            numbers: [large, small, generator, public, private],
        }
    }

    pub(crate) fn from_der(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes).sequence()?;
        fields.integer()?;
        let mut next = || fields.integer();
        Some(Self {
            numbers: [next()?, next()?, next()?, next()?, next()?],
        })
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let version = der::unsigned(&[]);
        let numbers = self.numbers.each_ref().map(der::integer).concat();
        der::sequence(&[&version, &numbers])
    }
}
