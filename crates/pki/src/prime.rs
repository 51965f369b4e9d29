//! Finds random primes of a fixed size: a random start, a sieve over the odd numbers behind it, and tests of what
//! the sieve leaves.

use std::sync::LazyLock;

use num_bigint::BigUint;

use crate::Random;
use crate::montgomery::{Limbs, Modulus};

/// How many odd numbers are sieved at once: some six primes of 1,024 bits are among them.
const WINDOW: usize = 2048;

/// Sieving further costs more than the tests it saves.
const SIEVE_LIMIT: u32 = 1 << 16;

/// With the test to base 2 before them, a random composite number of 1,024 bits passes with less than 2⁻¹⁰⁰.
const ROUNDS: usize = 4;

/// The exponent that suits every prime, for a prime that is not of RSA.
pub(crate) const ANY_EXPONENT: u32 = 1;

/// Odd primes, in groups whose product is below 2³²: a long division serves a whole group.
static GROUPS: LazyLock<Vec<(u32, Vec<u32>)>> = LazyLock::new(|| {
    let mut composite = vec![false; SIEVE_LIMIT as usize];
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    for number in (3..SIEVE_LIMIT).step_by(2) {
        if composite[number as usize] {
            continue;
        }
        for multiple in (number * number..SIEVE_LIMIT).step_by(number as usize) {
            composite[multiple as usize] = true;
        }
        let joined = groups.last().and_then(|(product, _)| product.checked_mul(number));
        match (joined, groups.last_mut()) {
            (Some(joined), Some((product, group))) => {
                *product = joined;
                group.push(number);
            }
            _ => groups.push((number, vec![number])),
        }
    }
    groups
});

/// A random prime of `64 * N` bits with its two highest bits set, that the public exponent suits.
///
/// `salt` makes the start another one for the same random bytes, so that broken randomness (all zeros) still
/// comes to an end. Windows follow each other until one has a prime: the first does in nearly all cases.
pub(crate) fn random<const N: usize>(random: &mut Random<'_>, exponent: u32, salt: u64) -> BigUint {
    let mut salt = salt;
    loop {
        let mut start = random_start::<N>(random);
        start[N / 2] ^= salt;
        // Only past the last number of this size another start is needed.
        while let Some(next) = add(&start, 2 * WINDOW as u64) {
            let sieved = sieve(&start);
            for offset in (0..WINDOW).filter(|offset| !sieved[*offset]) {
                let Some(candidate) = add(&start, 2 * offset as u64) else {
                    break;
                };
                // The exponent is prime, so it divides p - 1 or has an inverse.
                if remainder(&candidate, exponent) != 1 && is_prime(&candidate, random) {
                    return to_big(&candidate);
                }
            }
            start = next;
        }
        salt = salt.wrapping_add(1);
    }
}

/// A random prime of `64 * N` bits that is 1 modulo another prime, as DSA's parameters need it.
pub(crate) fn random_congruent<const N: usize>(random: &mut Random<'_>, divisor: &BigUint) -> BigUint {
    let step = divisor * 2u32;
    // Each start is another one even when the random bytes repeat.
    for salt in 0.. {
        let mut start = random_start::<N>(random);
        start[N / 2] ^= salt;
        let start = to_big(&start);
        let candidate = &start - (&start % &step) + 1u32;
        let Some(limbs) = from_big::<N>(&candidate) else {
            continue;
        };
        let divisible = GROUPS.iter().any(|(product, group)| {
            let of_product = remainder(&limbs, *product);
            group.iter().any(|prime| of_product.is_multiple_of(*prime))
        });
        if !divisible && is_prime(&limbs, random) {
            return candidate;
        }
    }
    unreachable!("one of some thousand candidates is prime")
}

fn random_start<const N: usize>(random: &mut Random<'_>) -> Limbs<N> {
    let mut start = random_limbs(random);
    start[0] |= 1;
    start[N - 1] |= 3 << 62;
    start
}

fn random_limbs<const N: usize>(random: &mut Random<'_>) -> Limbs<N> {
    let mut limbs = [0; N];
    for limb in &mut limbs {
        let mut bytes = [0; 8];
        random(&mut bytes);
        *limb = u64::from_le_bytes(bytes);
    }
    limbs
}

/// Which of the odd numbers from `start` on a small prime divides.
fn sieve<const N: usize>(start: &Limbs<N>) -> Vec<bool> {
    let mut sieved = vec![false; WINDOW];
    for (product, group) in GROUPS.iter() {
        let of_product = remainder(start, *product);
        for prime in group {
            let of_prime = of_product % prime;
            // The first k with start + 2k = 0 modulo the prime.
            let missing = (prime - of_prime) % prime;
            let first = if missing % 2 == 0 {
                missing / 2
            } else {
                (missing + prime) / 2
            };
            for index in (first as usize..WINDOW).step_by(*prime as usize) {
                sieved[index] = true;
            }
        }
    }
    sieved
}

fn is_prime<const N: usize>(candidate: &Limbs<N>, random: &mut Random<'_>) -> bool {
    let modulus = Modulus::new(*candidate);
    modulus.passes_base_two()
        && (0..ROUNDS).all(|_| {
            let mut base = random_limbs::<N>(random);
            // Below the candidate, whose highest bit is set.
            base[N - 1] >>= 1;
            base[0] |= 2;
            modulus.passes(&base)
        })
}

fn add<const N: usize>(number: &Limbs<N>, addend: u64) -> Option<Limbs<N>> {
    let mut sum = *number;
    let mut carry = addend;
    for limb in &mut sum {
        let (value, overflow) = limb.overflowing_add(carry);
        *limb = value;
        carry = u64::from(overflow);
    }
    (carry == 0).then_some(sum)
}

fn remainder<const N: usize>(number: &Limbs<N>, divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let rest = number.iter().rev().fold(0, |rest, limb| {
        let rest = (rest << 32 | limb >> 32) % divisor;
        (rest << 32 | limb & 0xffff_ffff) % divisor
    });
    u32::try_from(rest).unwrap_or(0)
}

fn to_big<const N: usize>(number: &Limbs<N>) -> BigUint {
    BigUint::from_bytes_le(number.map(u64::to_le_bytes).as_flattened())
}

/// The limbs of a number of exactly `64 * N` bits.
fn from_big<const N: usize>(number: &BigUint) -> Option<Limbs<N>> {
    let limbs: Limbs<N> = number.to_u64_digits().try_into().ok()?;
    (limbs[N - 1] >> 63 == 1).then_some(limbs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limbs(text: &str) -> Limbs<2> {
        let number = u128::from_str_radix(text, 16).unwrap();
        [
            u64::try_from(number & u128::from(u64::MAX)).unwrap(),
            u64::try_from(number >> 64).unwrap(),
        ]
    }

    fn counting() -> impl FnMut(&mut [u8]) {
        let mut state = 1u64;
        move |bytes| {
            for byte in bytes {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56).to_le_bytes()[0];
            }
        }
    }

    #[test]
    fn primes_pass_and_composites_fail() {
        for prime in [
            "ffffffffffffffffffffffffffffff61",
            "c0000000000000000000000000000025",
        ] {
            let passed = is_prime(&limbs(prime), &mut counting());
            let divisible = (3..5000).any(|small| remainder(&limbs(prime), small) == 0);
            assert_eq!(passed, !divisible, "{prime}");
        }
        assert!(is_prime(
            &limbs("ffffffffffffffffffffffffffffff61"),
            &mut counting()
        ));
        // A product of two primes of 64 bits.
        let product = u128::from(u64::MAX - 58) * u128::from(u64::MAX - 82);
        assert!(!is_prime(&limbs(&format!("{product:x}")), &mut counting()));
    }

    #[test]
    fn a_found_prime_has_its_two_highest_bits_and_passes_fermat() {
        let prime = random::<8>(&mut counting(), 65_537, 0);
        assert_eq!(prime.bits(), 512);
        assert!(prime.bit(510));
        let three = BigUint::from(3u32);
        assert_eq!(three.modpow(&(&prime - 1u32), &prime), BigUint::from(1u32));
        assert!(
            random::<8>(&mut |_: &mut [u8]| {}, 65_537, 1).bits() == 512,
            "no randomness at all"
        );
        assert_eq!(random::<8>(&mut counting(), 65_537, 0), prime);
    }
}
