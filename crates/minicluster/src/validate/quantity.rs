//! Amounts of resources such as `100m` and `1Gi`, for comparing. Amounts are kept in billionths, the finest that the
//! real server keeps; what is too large to hold compares as the largest.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantity(i128);

const BILLION: i128 = 1_000_000_000;

impl Quantity {
    pub(super) const ZERO: Quantity = Quantity(0);

    /// The amount of a text or number; `None` when it is neither well formed.
    pub(super) fn of(value: &Value) -> Option<Quantity> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Quantity> {
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
}
