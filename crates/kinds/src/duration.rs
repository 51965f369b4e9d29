//! How long: the texts of durations in all kinds, read.

use jiff::SignedDuration;

/// Ten years. More is a slip of the keyboard, and would be no time that can be written.
const MOST_HOURS: i64 = 87_600;

/// Reads hours, minutes and seconds, as in `168h` or `1h30m`; `None` for anything else, and for more than ten years.
#[must_use]
pub fn duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut sum: i64 = 0;
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((digits, after)) = rest.split_once(unit) else {
            continue;
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return None;
        }
        let amount: i64 = digits.parse().ok()?;
        sum = sum.checked_add(amount.checked_mul(seconds)?)?;
        rest = after;
    }
    let fits = rest.is_empty() && !text.is_empty() && sum <= MOST_HOURS * 3600;
    fits.then(|| SignedDuration::from_secs(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_and_seconds_in_this_order() {
        for (text, seconds) in [
            ("168h", Some(604_800)),
            ("1h30m", Some(5400)),
            ("0s", Some(0)),
            ("1h1m1s", Some(3661)),
            ("1h5s", Some(3605)),
            ("87600h", Some(315_360_000)),
            ("87600h1s", None),
            ("", None),
            ("h", None),
            ("1", None),
            ("1m1h", None),
            ("-1h", None),
            ("+1h", None),
            ("1d", None),
            ("99999999999999999999h", None),
            ("9223372036854775807h", None),
        ] {
            assert_eq!(duration(text).map(|time| time.as_secs()), seconds, "{text:?}");
        }
    }
}
