//! Amounts of resources such as `100m` and `1Gi`: comparing, adding, printing. Amounts are kept in billionths, the
//! finest that the real server keeps; what is too large to hold counts as the largest.

use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

use serde_json::Value;

/// An amount of a resource. Compared by its amount, whatever units it was written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

/// The units that an amount is printed in: those it was written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// `m`, none, `k`, `M`, …
    #[default]
    Decimal,
    /// `Ki`, `Mi`, …
    Binary,
    /// `e3`, `e6`, …
    Exponent,
}

const BILLION: i128 = 1_000_000_000;

impl Units {
    /// The units of a text such as `1Gi`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let suffix =
            text.trim_start_matches(['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        match suffix.as_bytes() {
            [.., b'i'] => Self::Binary,
            [b'e' | b'E', _, ..] => Self::Exponent,
            _ => Self::Decimal,
        }
    }
}

impl Quantity {
    pub const ZERO: Quantity = Quantity(0);

    /// So many whole units.
    #[must_use]
    pub fn whole(amount: i64) -> Self {
        Self(i128::from(amount) * BILLION)
    }

    /// So many thousandths.
    #[must_use]
    pub fn milli(amount: i64) -> Self {
        Self(i128::from(amount) * (BILLION / 1000))
    }

    /// Thousandths, rounded up, as the scheduler and metrics count CPU.
    #[must_use]
    pub fn as_milli(self) -> i64 {
        clamp(div_up(self.0, BILLION / 1000))
    }

    /// Whole units, rounded up, as the scheduler counts bytes.
    #[must_use]
    pub fn as_whole(self) -> i64 {
        clamp(div_up(self.0, BILLION))
    }

    /// The shortest canonical text of the amount, as the real server prints it.
    #[must_use]
    pub fn print(self, units: Units) -> String {
        let whole = self.0 % BILLION == 0;
        match units {
            Units::Binary if whole && self.0.abs() >= 1024 * BILLION => {
                let mut amount = self.0 / BILLION;
                let mut power = 0;
                while amount % 1024 == 0 && power < 6 {
                    amount /= 1024;
                    power += 1;
                }
                let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power];
                format!("{amount}{suffix}")
            }
            Units::Exponent => {
                let (amount, power) = decimal(self.0);
                match power {
                    0 => amount.to_string(),
                    power => format!("{amount}e{power}"),
                }
            }
            Units::Binary | Units::Decimal => {
                let (amount, power) = decimal(self.0);
                let suffix = match power {
                    -9 => "n",
                    -6 => "u",
                    -3 => "m",
                    3 => "k",
                    6 => "M",
                    9 => "G",
                    12 => "T",
                    15 => "P",
                    18 => "E",
                    _ => "",
                };
                format!("{amount}{suffix}")
            }
        }
    }

    /// The amount of a text or number; `None` when it is neither well formed.
    #[must_use]
    pub fn of(value: &Value) -> Option<Quantity> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// The amount of a text; `None` when it is not well formed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Quantity> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let (factor, divisor) = scale(suffix)?;
        // More digits than an i128 holds are beyond every limit, fewer billionths below every one.
        let digits = |text: &str| {
            text.bytes().fold(0_i128, |n, d| {
                n.saturating_mul(10).saturating_add(i128::from(d - b'0'))
            })
        };
        let fraction = &fraction[..fraction.len().min(18)];
        let places = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        let part = |n: i128| n.saturating_mul(factor) / divisor;
        let amount = part(digits(whole).saturating_mul(BILLION))
            .saturating_add(part(digits(fraction).saturating_mul(BILLION)) / places);
        Some(Quantity(if negative { -amount } else { amount }))
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Quantity {
    type Output = Self;

    fn mul(self, times: i64) -> Self {
        Self(self.0.saturating_mul(i128::from(times)))
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

/// An amount as a number and the power of ten, in steps of three, that it is counted in.
fn decimal(billionths: i128) -> (i128, i32) {
    if billionths == 0 {
        return (0, 0);
    }
    let (mut amount, mut power) = (billionths, -9);
    while amount % 1000 == 0 && power < 18 {
        amount /= 1000;
        power += 3;
    }
    (amount, power)
}

fn div_up(amount: i128, by: i128) -> i128 {
    amount.div_euclid(by) + i128::from(amount.rem_euclid(by) != 0)
}

fn clamp(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}

fn scale(suffix: &str) -> Option<(i128, i128)> {
    let binary = |power: u32| (1_i128 << (10 * power), 1);
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, BILLION),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (BILLION, 1),
        "T" => (BILLION * 1000, 1),
        "P" => (BILLION * 1_000_000, 1),
        "E" => (BILLION * BILLION, 1),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_i128.pow(power.unsigned_abs().min(18));
            if power < 0 { (1, factor) } else { (factor, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_compare_whatever_their_units() {
        let of = |text: &str| Quantity::of(&json!(text));
        for (one, other) in [
            ("1", "1000m"),
            ("1Gi", "1024Mi"),
            ("0.5", "500m"),
            ("1e3", "1k"),
            (".5", "500m"),
        ] {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        for (less, more) in [
            ("100m", "1"),
            ("1G", "1Gi"),
            ("-1", "0"),
            ("9", "99999999999999999999999999999999999999999"),
        ] {
            assert!(of(less) < of(more), "{less} {more}");
        }
        for bad in ["", "-", "x", "1x", "1.2.3", "e3", "1e"] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
        assert_eq!(Quantity::of(&json!(1)), of("1"));
    }

    #[test]
    fn sums_print_in_the_units_they_were_written_in() {
        for (parts, expected) in [
            (&["100m", "900m"][..], "1"),
            (&["1500m"], "1500m"),
            (&["1Gi", "1Gi"], "2Gi"),
            (&["1Gi", "512Mi"], "1536Mi"),
            (&["1000Ki"], "1000Ki"),
            (&["100Ki", "1"], "102401"),
            (&["1e3"], "1e3"),
            (&["1000k"], "1M"),
            (&["0"], "0"),
            (&["1", "-2"], "-1"),
        ] {
            let sum: Quantity = parts.iter().filter_map(|text| Quantity::parse(text)).sum();
            assert_eq!(sum.print(Units::of(parts[0])), expected, "{parts:?}");
        }
        assert_eq!(Quantity::milli(1).as_whole(), 1);
        assert_eq!(Quantity::whole(2).as_milli(), 2000);
        assert_eq!(
            (Quantity::whole(3) - Quantity::milli(500)).print(Units::Decimal),
            "2500m"
        );
        assert_eq!(Quantity::milli(500) * 3, Quantity::milli(1500));
    }
}
