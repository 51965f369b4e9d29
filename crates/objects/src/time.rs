//! Times as Kubernetes writes them: RFC 3339 in UTC, to the second or, in the Events API, to the microsecond.

use jiff::Timestamp;

/// `2026-01-02T03:04:05Z`
#[must_use]
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-02T03:04:05.000006Z`
#[must_use]
pub fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Reads either form; `None` for what is no time.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_they_are_read() {
        for text in ["2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(parse(text).map(seconds).as_deref(), Some(text));
        }
        let text = "2026-01-02T03:04:05.000006Z";
        assert_eq!(parse(text).map(micros).as_deref(), Some(text));
        assert_eq!(parse("yesterday"), None);
    }
}
