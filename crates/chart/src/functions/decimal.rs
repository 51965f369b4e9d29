//! Exact decimal numbers, through which Sprig's `addf`, `subf`, `mulf` and `divf` go (`0.1 + 0.2` is `0.3`).
//!
//! A quotient has 16 decimal places, rounded half away from zero. The size of a number is bounded by the number
//! of arguments that made it: at most 2,200 digits each.

use num_bigint::BigInt;

use super::number::digits_of;

/// `coefficient × 10^exponent`
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    coefficient: BigInt,
    exponent: i32,
}

/// The library's default precision of a division.
const QUOTIENT_PLACES: i32 = 16;

impl Decimal {
    /// The shortest decimal that reads back as this number; `None` for infinities and not-a-number.
    pub(crate) fn of(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let digits = digits_of(number);
        let coefficient: BigInt = digits.digits.parse().ok()?;
        let places = i32::try_from(digits.digits.len()).ok()?;
        let coefficient = if digits.negative {
            -coefficient
        } else {
            coefficient
        };
        Some(Self {
            coefficient,
            exponent: digits.point - places,
        })
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self {
            coefficient: self.scaled(exponent) + other.scaled(exponent),
            exponent,
        }
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self {
            coefficient: self.scaled(exponent) - other.scaled(exponent),
            exponent,
        }
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        Self {
            coefficient: &self.coefficient * &other.coefficient,
            exponent: self.exponent + other.exponent,
        }
    }

    /// `None` for a division by zero.
    pub(crate) fn div(&self, other: &Self) -> Option<Self> {
        let zero = BigInt::ZERO;
        if other.coefficient == zero {
            return None;
        }
        let shift = self.exponent - other.exponent + QUOTIENT_PLACES;
        let up = power(shift.max(0));
        let down = power((-shift).max(0));
        let (above, below) = (&self.coefficient * up, &other.coefficient * down);
        let mut quotient = &above / &below;
        let remainder = (&above - &quotient * &below).magnitude() * 2_u32;
        if remainder >= *below.magnitude() {
            let away = if (above < zero) == (below < zero) { 1 } else { -1 };
            quotient += away;
        }
        Some(Self {
            coefficient: quotient,
            exponent: -QUOTIENT_PLACES,
        })
    }

    /// The nearest float64.
    pub(crate) fn to_float(&self) -> f64 {
        format!("{}e{}", self.coefficient, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    fn scaled(&self, exponent: i32) -> BigInt {
        &self.coefficient * power(self.exponent - exponent)
    }
}

fn power(exponent: i32) -> BigInt {
    BigInt::from(10).pow(exponent.unsigned_abs())
}
