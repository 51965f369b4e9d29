//! How long a forge wants to be left alone.
//!
//! GitHub says 403 or 429, with `Retry-After`, or with nothing remaining and the second at which that changes, or only in
//! words. GitLab says 429 with `Retry-After` or `RateLimit-Reset`. What time it is is taken from the answer itself.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// Where a forge does not say: what GitHub's documentation asks for.
const UNSAID: Duration = Duration::from_secs(60);

/// Nobody waits longer for a limit that is counted by the hour.
const LONGEST: Duration = Duration::from_secs(3_700);

/// The words of GitHub where no header says it.
const LIMITED: &[&[u8]] = &[b"rate limit", b"abuse detection"];

/// The wait that an answer asks for, if it asks for one.
pub(super) fn asked_for(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let after = headers.get(RETRY_AFTER).is_some();
    let is_spent = number("x-ratelimit-remaining") == Some(0) || number("ratelimit-remaining") == Some(0);
    let says_so = body.len() < 4_096 && LIMITED.iter().any(|words| contains(body, words));
    let is_limit = match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => after || is_spent || says_so,
        StatusCode::SERVICE_UNAVAILABLE => after,
        _ => false,
    };
    if !is_limit {
        return None;
    }
    let now = headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(second);
    let until = number("x-ratelimit-reset")
        .or_else(|| number("ratelimit-reset"))
        .filter(|_| is_spent || !after);
    let by_reset = || Some(until? - now?).and_then(|wait| u64::try_from(wait.max(1)).ok());
    let by_header = number("retry-after").and_then(|wait| u64::try_from(wait).ok());
    let wait = by_header.or_else(by_reset).map_or(UNSAID, Duration::from_secs);
    Some(wait.min(LONGEST))
}

/// The second of a date as HTTP writes it.
fn second(date: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(date)
        .ok()
        .map(|moment| Timestamp::from(moment).as_second())
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len())
        .any(|part| part.eq_ignore_ascii_case(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, headers, body, and the wait in seconds.
    type Case = (
        u16,
        &'static [(&'static str, &'static str)],
        &'static str,
        Option<u64>,
    );

    #[test]
    fn waits_are_those_that_forges_ask_for() {
        const DATE: (&str, &str) = ("date", "Tue, 10 Oct 2017 16:00:00 GMT");
        const SECONDARY: &str =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let cases: &[Case] = &[
            (
                403,
                &[("retry-after", "60"), ("x-ratelimit-remaining", "4321")],
                SECONDARY,
                Some(60),
            ),
            (
                403,
                &[
                    DATE,
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1507651500"),
                ],
                "",
                Some(300),
            ),
            (
                429,
                &[
                    DATE,
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1507651100"),
                ],
                "",
                Some(1),
            ),
            (
                403,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1507651500"),
                ],
                "",
                Some(60),
            ),
            (403, &[("x-ratelimit-remaining", "4999")], SECONDARY, Some(60)),
            (
                403,
                &[("x-ratelimit-remaining", "4999")],
                "Resource not accessible by integration",
                None,
            ),
            (429, &[("retry-after", "999999")], "", Some(3_700)),
            (429, &[("retry-after", "-5")], "", Some(60)),
            (
                429,
                &[
                    DATE,
                    ("ratelimit-remaining", "0"),
                    ("ratelimit-reset", "1507651230"),
                ],
                "Retry later",
                Some(30),
            ),
            (503, &[("retry-after", "2")], "", Some(2)),
            (503, &[], "", None),
            (404, &[("x-ratelimit-remaining", "0")], "", None),
        ];
        for (status, headers, body, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(*name, value.parse().unwrap());
            }
            let wait = asked_for(StatusCode::from_u16(*status).unwrap(), &map, body.as_bytes());
            assert_eq!(
                wait,
                expected.map(Duration::from_secs),
                "{status} {headers:?} {body}"
            );
        }
    }
}
