//! Lengths of time as Go prints and reads them: `1m20s`, `500ms`. Messages of a kubelet hold such texts.

use jiff::SignedDuration;

/// `1h0m5s`, `2.5s`, `350ms`: the way Go prints a duration, to the millisecond.
#[must_use]
pub(crate) fn print(span: SignedDuration) -> String {
    let millis = span.as_millis().max(0);
    if millis == 0 {
        return "0s".to_owned();
    }
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let fraction = match rest {
        0 => String::new(),
        rest => format!(".{rest:03}").trim_end_matches('0').to_owned(),
    };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, _) => format!("{minutes}m{seconds}{fraction}s"),
        _ => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

/// Reads `90s`, `1m30s`, `0.5s`, `250ms`, `2h`; `None` for what is no length of time, or a negative one.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<SignedDuration> {
    if text == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += amount
            * match &rest[..end] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    // A century is beyond every use, and far from the ends of a timestamp.
    (!text.is_empty() && total < 3.2e9).then(|| SignedDuration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_and_print_as_in_go() {
        for text in ["0s", "350ms", "1s", "2.5s", "10s", "1m20s", "5m0s", "1h0m5s"] {
            assert_eq!(parse(text).map(print).as_deref(), Some(text), "{text}");
        }
        for (text, printed) in [("0", "0s"), ("90s", "1m30s"), ("0.5m", "30s"), ("1d", "24h0m0s")] {
            assert_eq!(parse(text).map(print).as_deref(), Some(printed), "{text}");
        }
        for bad in ["", "s", "1", "1x", "-1s", "1s ", "1.2.3s", "99999999999999h"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
