//! RSA keys: making, PKCS#1 encoding, and signing with PKCS#1 v1.5 padding and SHA-256.

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use crate::der::{self, Reader};
use crate::{Random, prime};

const EXPONENT: u32 = 65_537;

/// What stands before a SHA-256 digest in a PKCS#1 v1.5 signature.
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The sizes of modulus a key may be read with; the upper one bounds the time of a signature.
const READABLE_BITS: std::ops::RangeInclusive<u64> = 1024..=16_384;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    modulus: BigUint,
    public: BigUint,
    private: BigUint,
    primes: [BigUint; 2],
    /// The private exponent modulo each prime less one.
    exponents: [BigUint; 2],
    /// The inverse of the second prime modulo the first.
    coefficient: BigUint,
}

impl Key {
    /// Makes a key of 2,048 bits.
    pub(crate) fn generate_2048(random: &mut Random<'_>) -> Self {
        Self::generate::<16>(random)
    }

    /// Makes a key of 4,096 bits.
    pub(crate) fn generate_4096(random: &mut Random<'_>) -> Self {
        Self::generate::<32>(random)
    }

    fn generate<const N: usize>(random: &mut Random<'_>) -> Self {
        for salt in (0..).step_by(2) {
            let first = prime::random::<N>(random, EXPONENT, salt);
            let second = prime::random::<N>(random, EXPONENT, salt + 1);
            // Equal primes are as likely as a broken source of randomness.
            if let Some(key) = Self::of_primes(BigUint::from(EXPONENT), first, second) {
                return key;
            }
        }
        unreachable!("two primes of different starts make a key")
    }

    fn of_primes(public: BigUint, first: BigUint, second: BigUint) -> Option<Self> {
        let one = BigUint::from(1u32);
        let (first_less, second_less) = (&first - &one, &second - &one);
        let private = public.modinv(&(&first_less * &second_less))?;
        Some(Self {
            modulus: &first * &second,
            exponents: [&private % first_less, &private % second_less],
            coefficient: second.modinv(&first)?,
            public,
            private,
            primes: [first, second],
        })
    }

    /// Reads PKCS#1. Only keys of two primes that fit together are taken.
    pub(crate) fn from_pkcs1(bytes: &[u8]) -> Option<Self> {
        let mut outer = Reader::new(bytes);
        let mut fields = outer.sequence()?;
        let version = fields.integer()?;
        let (modulus, public, private) = (fields.integer()?, fields.integer()?, fields.integer()?);
        let (first, second) = (fields.integer()?, fields.integer()?);
        let one = BigUint::from(1u32);
        let sound = version == BigUint::ZERO
            && outer.is_empty()
            && READABLE_BITS.contains(&modulus.bits())
            && first > one
            && second > one
            && &first * &second == modulus;
        if !sound {
            return None;
        }
        let mut key = Self::of_primes(public, first, second)?;
        // Any exponent that undoes the public one is right; the key keeps its own spelling.
        let exponents = key.primes.each_ref().map(|prime| &private % (prime - &one));
        if exponents != key.exponents {
            return None;
        }
        key.private = private;
        Some(key)
    }

    pub(crate) fn to_pkcs1(&self) -> Vec<u8> {
        let zero = BigUint::ZERO;
        let [first, second] = &self.primes;
        let [first_exponent, second_exponent] = &self.exponents;
        let fields = [
            &zero,
            &self.modulus,
            &self.public,
            &self.private,
            first,
            second,
            first_exponent,
            second_exponent,
            &self.coefficient,
        ];
        der::element(der::SEQUENCE, &fields.map(der::integer).concat())
    }

    /// The public key as PKCS#1 has it.
    pub(crate) fn public_pkcs1(&self) -> Vec<u8> {
        der::sequence(&[&der::integer(&self.modulus), &der::integer(&self.public)])
    }

    /// Signs the SHA-256 digest of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let size = usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(0);
        let digest = Sha256::digest(message);
        let padding = size.saturating_sub(3 + SHA256_INFO.len() + digest.len());
        let padded = [
            &[0, 1],
            vec![0xff; padding].as_slice(),
            &[0],
            SHA256_INFO,
            &digest,
        ]
        .concat();
        let message = BigUint::from_bytes_be(&padded);
        let [first, second] = &self.primes;
        let [first_exponent, second_exponent] = &self.exponents;
        let of_first = message.modpow(first_exponent, first);
        let of_second = message.modpow(second_exponent, second);
        let difference = (of_first + first - &of_second % first) % first;
        let signature = of_second + second * (difference * &self.coefficient % first);
        let bytes = signature.to_bytes_be();
        [vec![0; size.saturating_sub(bytes.len())], bytes].concat()
    }
}
