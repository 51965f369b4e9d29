//! Durations as Go writes them, `1h30m` or `15.03s`: in schedules and in the windows of metrics.

use jiff::SignedDuration;

/// Longer ones, some 30 years, are no durations that anybody means.
const LONGEST_S: f64 = 1e9;

/// Reads a duration that is not negative; `None` for what is none.
#[must_use]
pub fn parse(text: &str) -> Option<SignedDuration> {
    const UNITS: [(&str, f64); 7] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    if text == "0" {
        return Some(SignedDuration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0_f64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..end].parse().ok()?;
        let tail = &rest[end..];
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit))?;
        seconds += amount * factor;
        rest = &tail[unit.len()..];
    }
    (!text.is_empty() && seconds <= LONGEST_S).then(|| SignedDuration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_amounts_with_units() {
        for (text, millis) in [
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1500)),
            ("200ms", Some(200)),
            ("0", Some(0)),
            ("", None),
            ("5", None),
            ("s", None),
            ("1x", None),
            ("1.2.3s", None),
            ("99999999999h", None),
        ] {
            assert_eq!(parse(text), millis.map(SignedDuration::from_millis), "{text:?}");
        }
    }
}
