//! Moments as Go's `time.Time` has them: seconds and nanoseconds, and the zone in which they are shown.
//!
//! ```text
//! text ──parse──► Moment ──format──► text        both led by a layout such as "2006-01-02 15:04:05 MST"
//! ```
//!
//! The calendar reaches as far as Go's does (years of many digits and before year 1), which is why it is our own;
//! only the rules of time zones come from `jiff` and its bundled database. Nothing here reads a clock. The local
//! zone is always UTC, so that a render does not depend on the machine.

pub mod duration;
mod format;
mod layout;
mod parse;
mod zone;

pub(crate) use template::value::MONTHS;

use std::cmp::Ordering;

pub use parse::ParseError;
pub use zone::Zone;

const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Unix seconds of 0001-01-01, which is Go's zero time.
const ZERO_SECONDS: i64 = -62_135_596_800;

pub(crate) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// An instant and the zone in which it is shown.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Seconds since 1970-01-01 UTC.
    seconds: i64,
    nanos: u32,
    zone: Zone,
    /// Nanoseconds by the steady clock, which Go prints behind a time that came from `now`.
    monotonic: Option<i64>,
}

/// A moment taken apart in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// 1 to 366.
    pub year_day: u32,
}

impl Moment {
    /// The moment `now` gives: with a reading of the steady clock, which starts with the render.
    pub fn now(unix_nanos: i64) -> Self {
        let seconds = unix_nanos.div_euclid(NANOS_PER_SECOND);
        let nanos = nanos_of(unix_nanos.rem_euclid(NANOS_PER_SECOND));
        Self {
            seconds,
            nanos,
            zone: Zone::Local,
            monotonic: Some(0),
        }
    }

    pub fn from_unix(seconds: i64) -> Self {
        Self {
            seconds,
            nanos: 0,
            zone: Zone::Local,
            monotonic: None,
        }
    }

    /// Go's zero time.
    pub fn zero() -> Self {
        Self {
            seconds: ZERO_SECONDS,
            nanos: 0,
            zone: Zone::Utc,
            monotonic: None,
        }
    }

    pub fn is_zero(&self) -> bool {
        self.seconds == ZERO_SECONDS && self.nanos == 0
    }

    pub fn unix(&self) -> i64 {
        self.seconds
    }

    pub fn nanosecond(&self) -> u32 {
        self.nanos
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same instant shown in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self {
            seconds: self.seconds,
            nanos: self.nanos,
            zone,
            monotonic: None,
        }
    }

    #[must_use]
    pub fn add_nanos(&self, nanos: i64) -> Self {
        let sum = i64::from(self.nanos) + nanos.rem_euclid(NANOS_PER_SECOND);
        Self {
            seconds: self
                .seconds
                .wrapping_add(nanos.div_euclid(NANOS_PER_SECOND))
                .wrapping_add(sum / NANOS_PER_SECOND),
            nanos: nanos_of(sum % NANOS_PER_SECOND),
            zone: self.zone.clone(),
            monotonic: self.monotonic.and_then(|reading| reading.checked_add(nanos)),
        }
    }

    /// Adds to the fields of the calendar and lets overflow carry: one month after 31 January is 3 March.
    #[must_use]
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let date = (
            civil.year.wrapping_add(years),
            i64::from(civil.month).wrapping_add(months),
            i64::from(civil.day).wrapping_add(days),
        );
        let clock = (civil.hour, civil.minute, civil.second);
        Self::from_civil(date, clock, self.nanos, self.zone.clone())
    }

    /// The time between two moments in nanoseconds, as far as 64 bits hold it.
    pub fn since(&self, earlier: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanos =
            seconds * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos) - i128::from(earlier.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    pub fn compare(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }

    pub fn civil(&self) -> Civil {
        let (_, offset) = self.zone.at(self.seconds);
        let local = self.seconds.saturating_add(i64::from(offset));
        let days = local.div_euclid(SECONDS_PER_DAY);
        let clock = u32::try_from(local.rem_euclid(SECONDS_PER_DAY)).unwrap_or(0);
        let (year, month, day) = date_of(days);
        let year_day = days - days_before(year, 1) + 1;
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            // 1970-01-01 was a Thursday.
            weekday: u32::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
            year_day: u32::try_from(year_day).unwrap_or(1),
        }
    }

    /// The moment at which the clocks of a zone show a date. Month and day may lie outside of their range.
    fn from_civil(
        (year, month, day): (i64, i64, i64),
        (hour, minute, second): (u32, u32, u32),
        nanos: u32,
        zone: Zone,
    ) -> Self {
        let month0 = month.wrapping_sub(1);
        // The calendar of Go's 64 bit seconds is shorter than this; beyond it nothing sensible is lost.
        let year = year
            .wrapping_add(month0.div_euclid(12))
            .clamp(-290_000_000_000, 290_000_000_000);
        let month = u32::try_from(month0.rem_euclid(12)).unwrap_or(0) + 1;
        let days = days_before(year, month).saturating_add(day.saturating_sub(1));
        let clock = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let local = days.saturating_mul(SECONDS_PER_DAY).saturating_add(clock);
        let seconds = zone.unix_of(local);
        Self {
            seconds,
            nanos,
            zone,
            monotonic: None,
        }
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: i64, month: u32) -> i64 {
    // Years that begin in March end with the leap day.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that lies some days after 1970-01-01.
fn date_of(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A remainder of a second; the division that made it keeps it in range.
fn nanos_of(nanos: i64) -> u32 {
    u32::try_from(nanos).unwrap_or(0)
}
