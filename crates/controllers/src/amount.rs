//! Amounts that a spec gives as a number or as a percentage of something, such as `maxSurge: 25%`.

use serde_json::Value;

/// What becomes of a part of a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Up,
    Down,
}

/// The amount that a number, or a percentage of `total`, comes to. What is neither, which validation refuses, is 0.
#[must_use]
pub fn of(value: Option<&Value>, total: i64, rounding: Rounding) -> i64 {
    match value {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default(),
        Some(Value::String(text)) => percent(text).map_or(0, |percent| {
            let hundredths = total.saturating_mul(percent);
            match rounding {
                Rounding::Down => hundredths.div_euclid(100),
                Rounding::Up => hundredths.saturating_add(99).div_euclid(100),
            }
        }),
        _ => 0,
    }
}

fn percent(text: &str) -> Option<i64> {
    text.strip_suffix('%')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percentages_round_as_asked_and_numbers_stay() {
        for (value, total, up, down) in [
            (json!("25%"), 10, 3, 2),
            (json!("25%"), 4, 1, 1),
            (json!("25%"), 0, 0, 0),
            (json!("1%"), 1, 1, 0),
            (json!("100%"), 7, 7, 7),
            (json!(3), 1, 3, 3),
            (json!("many"), 5, 0, 0),
            (json!(null), 5, 0, 0),
        ] {
            assert_eq!(of(Some(&value), total, Rounding::Up), up, "{value} of {total}");
            assert_eq!(
                of(Some(&value), total, Rounding::Down),
                down,
                "{value} of {total}"
            );
        }
        assert_eq!(of(None, 5, Rounding::Up), 0);
    }
}
