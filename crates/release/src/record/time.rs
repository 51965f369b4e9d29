//! Times as Go's `time.Time` is kept in JSON: an instant, the offset it was written with, or nothing.
//!
//! Helm writes the offset of the machine it ran on and prints most times as they were written, so it is kept.

use std::fmt;

use chart::time::{Moment, Zone};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Go's zero time, which means that there is none.
const ZERO: &str = "0001-01-01T00:00:00Z";

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A moment with the offset in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    instant: Timestamp,
    /// Seconds east of UTC.
    offset: i32,
}

impl Time {
    #[must_use]
    pub fn utc(instant: Timestamp) -> Self {
        Self { instant, offset: 0 }
    }

    #[must_use]
    pub fn instant(self) -> Timestamp {
        self.instant
    }

    /// Reads RFC 3339; `None` for an empty text, Go's zero time, and what is no time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text == ZERO {
            return None;
        }
        let instant: Timestamp = text.parse().ok()?;
        Some(Self {
            instant,
            offset: offset(text)?,
        })
    }

    /// Prints by a Go layout in the offset it was written with, which is called by its name where the machine's own
    /// zone has the same one: that is how Go reads times.
    pub(crate) fn as_written(self, local: &TimeZone, layout: &str) -> String {
        let zone = if self.offset == 0 {
            Zone::Utc
        } else if local.to_offset(self.instant).seconds() == self.offset {
            Zone::Iana(local.clone())
        } else {
            Zone::Fixed {
                name: "".into(),
                offset: self.offset,
            }
        };
        self.format(zone, layout)
    }

    /// Prints by a Go layout in the machine's zone.
    pub(crate) fn local(self, local: &TimeZone, layout: &str) -> String {
        self.format(Zone::Iana(local.clone()), layout)
    }

    fn format(self, zone: Zone, layout: &str) -> String {
        // Both parts have the sign of the whole, and a moment counts its fraction forward.
        let (seconds, nanos) = (
            self.instant.as_second(),
            i64::from(self.instant.subsec_nanosecond()),
        );
        let moment = Moment::from_unix(seconds).add_nanos(nanos.clamp(-NANOS_PER_SECOND, NANOS_PER_SECOND));
        let text = moment.in_zone(zone).format(layout.as_bytes());
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// As Go's JSON has it: `2026-11-22T04:37:44.9409197Z`, no digit more than needed.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shifted = self
            .instant
            .checked_add(SignedDuration::from_secs(self.offset.into()))
            .unwrap_or(self.instant);
        write!(f, "{}", shifted.strftime("%Y-%m-%dT%H:%M:%S%.f"))?;
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let minutes = self.offset.unsigned_abs() / 60;
        let sign = if self.offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The offset at the end of an RFC 3339 text: `Z` or `+02:00`.
fn offset(text: &str) -> Option<i32> {
    if text.ends_with(['Z', 'z']) {
        return Some(0);
    }
    let tail = text.get(text.len().checked_sub(6)?..)?;
    let (hours, minutes) = tail.get(1..)?.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    match tail.as_bytes().first()? {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// A field that holds a time, an empty text (Helm 3), Go's zero time, null or nothing.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Time, ZERO};

    pub(crate) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        match Time::parse(&text) {
            None if !text.is_empty() && text != ZERO => {
                Err(serde::de::Error::custom(format!("{text:?} is no RFC 3339 time")))
            }
            time => Ok(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_go_wrote_them() {
        for text in [
            "2026-11-22T04:37:44.940919742Z",
            "2026-11-22T04:37:51.47649968Z",
            "2026-11-22T05:43:45.828405003+01:00",
            "2026-11-22T05:43:45-03:30",
            "1969-12-31T23:59:59.5Z",
            "2026-11-22T04:37:44Z",
        ] {
            assert_eq!(
                Time::parse(text).map(|time| time.to_string()).as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn no_time_has_many_forms() {
        for text in ["", ZERO, "yesterday", "2026-11-22", "+", "é"] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_zones_name_is_printed_where_the_machine_has_it() {
        let time = Time::parse("2026-11-22T05:43:45.828405003+01:00").expect("a time");
        let layout = "2006-01-02 15:04:05.999999999 -0700 MST";
        let berlin = jiff::tz::db().get("Europe/Berlin").expect("bundled");
        for (zone, expected) in [
            (&berlin, "2026-11-22 05:43:45.828405003 +0100 CET"),
            (&TimeZone::UTC, "2026-11-22 05:43:45.828405003 +0100 +0100"),
        ] {
            assert_eq!(time.as_written(zone, layout), expected);
        }
        let time = Time::parse("1969-12-31T23:59:59.5Z").expect("a time");
        assert_eq!(
            time.as_written(&berlin, layout),
            "1969-12-31 23:59:59.5 +0000 UTC"
        );
        assert_eq!(time.local(&berlin, layout), "1970-01-01 00:59:59.5 +0100 CET");
    }
}
