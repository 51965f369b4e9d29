//! Arithmetic modulo one odd number of a fixed size, in Montgomery's form: no division in the inner loops.
//!
//! It only serves the search for primes, whose time is nearly all squarings.

/// A number, least significant limb first.
pub(crate) type Limbs<const N: usize> = [u64; N];

/// An odd modulus whose highest bit is set.
#[derive(Debug)]
pub(crate) struct Modulus<const N: usize> {
    value: Limbs<N>,
    /// `-value⁻¹` modulo 2⁶⁴.
    inverse: u64,
}

impl<const N: usize> Modulus<N> {
    pub(crate) fn new(value: Limbs<N>) -> Self {
        // Newton's iteration doubles the correct bits: 5, 10, 20, 40, 80.
        let mut inverse = value[0].wrapping_mul(3) ^ 2;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(value[0].wrapping_mul(inverse)));
        }
        Self {
            value,
            inverse: inverse.wrapping_neg(),
        }
    }

    /// Fermat's test to base 2: 2^(n-1) = 1. Hardly a composite number of this size passes it.
    pub(crate) fn passes_base_two(&self) -> bool {
        let one = self.one();
        let mut power = one;
        let mut exponent = self.value;
        exponent[0] -= 1;
        for index in (0..N).rev() {
            for bit in (0..64).rev() {
                power = self.square(&power);
                if exponent[index] >> bit & 1 == 1 {
                    power = self.double(&power);
                }
            }
        }
        power == one
    }

    /// The test of Miller and Rabin to one base, which is below the modulus.
    pub(crate) fn passes(&self, base: &Limbs<N>) -> bool {
        let one = self.one();
        let minus_one = self.subtract(&self.value, &one);
        let mut odd = self.value;
        odd[0] -= 1;
        let twos = trailing_zeros(&odd);
        // The base stands for base·R⁻¹, which is as random as the base itself.
        let mut power = one;
        for index in (0..N * 64).rev() {
            power = self.square(&power);
            let shifted = index + twos;
            if shifted < N * 64 && odd[shifted / 64] >> (shifted % 64) & 1 == 1 {
                power = self.multiply(&power, base);
            }
        }
        if power == one || power == minus_one {
            return true;
        }
        for _ in 1..twos {
            power = self.square(&power);
            if power == minus_one {
                return true;
            }
        }
        false
    }

    /// 1 in Montgomery's form: R modulo the value, which is more than half of R.
    fn one(&self) -> Limbs<N> {
        self.subtract(&[0; N], &self.value)
    }

    fn double(&self, number: &Limbs<N>) -> Limbs<N> {
        let mut doubled = [0; N];
        let mut carry = 0;
        for (to, from) in doubled.iter_mut().zip(number) {
            *to = from << 1 | carry;
            carry = from >> 63;
        }
        self.reduced(doubled, carry == 1)
    }

    /// Squaring on its own would save a quarter of the products and lose more by its uneven rows, which the
    /// compiler does not unroll.
    fn square(&self, number: &Limbs<N>) -> Limbs<N> {
        self.multiply(number, number)
    }

    /// The product divided by R modulo the value: for each limb of one factor a row is added, and a multiple of
    /// the value that clears the lowest limb, which then drops out.
    fn multiply(&self, left: &Limbs<N>, right: &Limbs<N>) -> Limbs<N> {
        let mut sum = [0; N];
        let mut overflow = false;
        for factor in right {
            let mut carry = 0;
            for (limb, other) in sum.iter_mut().zip(left) {
                (*limb, carry) = multiply_add(*factor, *other, *limb, carry);
            }
            let (highest, first) = carry.overflowing_add(u64::from(overflow));
            let clearing = sum[0].wrapping_mul(self.inverse);
            let (_, mut carry) = multiply_add(clearing, self.value[0], sum[0], 0);
            for index in 1..N {
                (sum[index - 1], carry) = multiply_add(clearing, self.value[index], sum[index], carry);
            }
            let (highest, second) = highest.overflowing_add(carry);
            sum[N - 1] = highest;
            overflow = first | second;
        }
        self.reduced(sum, overflow)
    }

    /// Takes the value off once if the number reaches it.
    fn reduced(&self, number: Limbs<N>, overflowed: bool) -> Limbs<N> {
        if overflowed || number.iter().rev().ge(self.value.iter().rev()) {
            return self.subtract(&number, &self.value);
        }
        number
    }

    fn subtract(&self, left: &Limbs<N>, right: &Limbs<N>) -> Limbs<N> {
        let mut difference = [0; N];
        let mut borrow = false;
        for (to, (left, right)) in difference.iter_mut().zip(left.iter().zip(right)) {
            let (first, under) = left.overflowing_sub(*right);
            let (second, again) = first.overflowing_sub(u64::from(borrow));
            *to = second;
            borrow = under | again;
        }
        difference
    }
}

/// `left * right + addend + carry`, low and high.
#[inline(always)]
fn multiply_add(left: u64, right: u64, addend: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(left) * u128::from(right) + u128::from(addend) + u128::from(carry);
    (low_half(wide), high_half(wide))
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low_half(wide: u128) -> u64 {
    wide as u64
}

#[inline(always)]
fn high_half(wide: u128) -> u64 {
    (wide >> 64) as u64
}

fn trailing_zeros<const N: usize>(number: &Limbs<N>) -> usize {
    let zero_limbs = number.iter().take_while(|limb| **limb == 0).count();
    zero_limbs * 64
        + number
            .get(zero_limbs)
            .map_or(0, |limb| limb.trailing_zeros() as usize)
}
