//! Exact decimals, for the one keyword where binary fractions give wrong answers: `multipleOf`.

/// `digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal that reads back as this number, which is how it was written.
    pub(super) fn of(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Self {
            digits,
            exponent: exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?,
        })
    }

    /// Whether this is a whole number of `unit`s; `None` when the numbers are too far apart to say exactly.
    pub(super) fn is_multiple_of(self, unit: Self) -> Option<bool> {
        if unit.digits == 0 {
            return None;
        }
        let exponent = self.exponent.min(unit.exponent);
        Some(self.scaled(exponent)? % unit.scaled(exponent)? == 0)
    }

    fn scaled(self, exponent: i32) -> Option<i128> {
        let places = u32::try_from(self.exponent - exponent).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(places)?)
    }
}
