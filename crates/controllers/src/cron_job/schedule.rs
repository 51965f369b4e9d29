//! Schedules in cron's language, as the parser that Kubernetes uses reads them (robfig/cron, standard form): five
//! fields with lists, ranges, steps and names, or `@hourly` and its like, or `@every 90m`.
//!
//! A schedule names moments of the clock on the wall of its time zone. A moment that a clock skips in spring does not
//! happen; one that it shows twice in autumn happens twice.
//!
//! Finding the next moment takes at most a few thousand steps, whatever the schedule: it leaps over months, days and
//! hours that do not match.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::go_duration;

/// Schedules whose next moment is further away never happen: the 30th of February.
const MAX_YEARS: i16 = 5;
/// More leaps than five years of months, and of days and hours within the months that match, can take.
const MAX_LEAPS: usize = 100_000;
/// Texts that are longer mean nothing more.
const LONGEST: usize = 1024;

/// When something is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    when: When,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Fields(Fields),
    Every(SignedDuration),
}

/// What matches, as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// A day must match both: one of the two says nothing.
    both: bool,
}

/// The values that a field can have, and their names.
struct Range {
    first: u64,
    last: u64,
    names: &'static [&'static str],
}

const MINUTES: Range = numbers(0, 59);
const HOURS: Range = numbers(0, 23);
const DAYS: Range = numbers(1, 31);
const MONTHS: Range = Range {
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
    ..numbers(1, 12)
};
const WEEKDAYS: Range = Range {
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    ..numbers(0, 6)
};

const fn numbers(first: u64, last: u64) -> Range {
    Range {
        first,
        last,
        names: &[],
    }
}

impl Schedule {
    /// Reads a schedule that is meant in a time zone. A zone that the text names itself, `TZ=Asia/Tokyo 0 6 * * *`,
    /// wins.
    ///
    /// # Errors
    /// What is wrong, in the words of the parser that Kubernetes uses.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("spec string longer than {LONGEST} bytes"));
        }
        let mut rest = text;
        let mut zone = zone;
        if let Some(named) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
            let (name, schedule) = named.split_once(' ').unwrap_or((named, ""));
            zone = find_zone(name)
                .ok_or_else(|| format!("provided bad location {name}: unknown time zone {name}"))?;
            rest = schedule.trim();
        }
        let when = match rest.strip_prefix('@') {
            Some(descriptor) => describe(rest, descriptor)?,
            None => When::Fields(Fields::parse(rest)?),
        };
        Ok(Self { when, zone })
    }

    /// The first moment after a time; `None` when there is none in the next five years.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Every(pause) => {
                let second = Timestamp::from_second(after.as_second()).ok()?;
                second.checked_add(*pause).ok()
            }
            When::Fields(fields) => {
                // The next full minute; the second is always 0.
                let minute = after.as_second().div_euclid(60) + 1;
                let start = Timestamp::from_second(minute.checked_mul(60)?).ok()?;
                fields.next(start.to_zoned(self.zone.clone()))
            }
        }
    }
}

/// The time zone of a name as the tz database has it.
#[must_use]
pub fn find_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" | "Local" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    }
}

fn describe(text: &str, descriptor: &str) -> Result<When, String> {
    if let Some(pause) = descriptor.strip_prefix("every ") {
        let pause = go_duration::parse(pause)
            .ok_or_else(|| format!("failed to parse duration {text}: time: invalid duration {pause:?}"))?;
        // Parts of seconds don't count.
        return Ok(When::Every(SignedDuration::from_secs(pause.as_secs().max(1))));
    }
    let fields = match descriptor {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        _ => return Err(format!("unrecognized descriptor: {text}")),
    };
    Ok(When::Fields(Fields::parse(fields)?))
}

impl Fields {
    fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "expected exactly 5 fields, found {}: [{}]",
                fields.len(),
                fields.join(" ")
            ));
        };
        let (minute, _) = field(minute, &MINUTES)?;
        let (hour, _) = field(hour, &HOURS)?;
        let (day, any_day) = field(day, &DAYS)?;
        let (month, _) = field(month, &MONTHS)?;
        let (weekday, any_weekday) = field(weekday, &WEEKDAYS)?;
        Ok(Self {
            minute,
            hour,
            day,
            month,
            weekday,
            both: any_day || any_weekday,
        })
    }

    fn day_matches(&self, date: Date) -> bool {
        let day = has(self.day, date.day());
        let weekday = has(self.weekday, date.weekday().to_sunday_zero_offset());
        if self.both { day && weekday } else { day || weekday }
    }

    /// The first moment from `at` on, which is a full minute.
    fn next(&self, mut at: Zoned) -> Option<Timestamp> {
        let last_year = at.year().saturating_add(MAX_YEARS);
        for _ in 0..MAX_LEAPS {
            if at.year() > last_year {
                return None;
            }
            at = if !has(self.month, at.month()) {
                let first = at.date().last_of_month().tomorrow().ok()?;
                first.to_zoned(at.time_zone().clone()).ok()?
            } else if !self.day_matches(at.date()) {
                at.date().tomorrow().ok()?.to_zoned(at.time_zone().clone()).ok()?
            } else if !has(self.hour, at.hour()) {
                // By the time that passes, not by the clock on the wall: an hour may be missing or come twice.
                at.checked_add(SignedDuration::from_mins(i64::from(60 - at.minute())))
                    .ok()?
            } else if has(self.minute, at.minute()) {
                return Some(at.timestamp());
            } else {
                at.checked_add(SignedDuration::from_mins(1)).ok()?
            };
        }
        None
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

/// The values of a field, and whether it says nothing.
fn field(text: &str, range: &Range) -> Result<(u64, bool), String> {
    let (mut bits, mut any) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (more, all) = interval(part, range)?;
        bits |= more;
        any |= all;
    }
    Ok((bits, any))
}

/// `5`, `mon-fri`, `*/15`, `10-50/20`, and `10/20`, which means `10-59/20`.
fn interval(text: &str, range: &Range) -> Result<(u64, bool), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let (first, mut last, mut any) = match ends.as_slice() {
        ["*" | "?"] => (range.first, range.last, true),
        [one] => {
            let one = value(one, range)?;
            (one, one, false)
        }
        [first, last] if !matches!(*first, "*" | "?") => (value(first, range)?, value(last, range)?, false),
        ["*" | "?", _] => (range.first, range.last, true),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            let step = number(step)?;
            if ends.len() == 1 {
                last = last.max(range.last);
            }
            any &= step <= 1;
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if first < range.first {
        return Err(format!(
            "beginning of range ({first}) below minimum ({}): {text}",
            range.first
        ));
    }
    if last > range.last {
        return Err(format!(
            "end of range ({last}) above maximum ({}): {text}",
            range.last
        ));
    }
    if first > last {
        return Err(format!(
            "beginning of range ({first}) beyond end of range ({last}): {text}"
        ));
    }
    let Some(step) = usize::try_from(step).ok().filter(|step| *step > 0) else {
        return Err(format!("step of range should be a positive number: {text}"));
    };
    Ok((
        (first..=last)
            .step_by(step)
            .fold(0, |bits, value| bits | (1 << value)),
        any,
    ))
}

fn value(text: &str, range: &Range) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    match range.names.iter().position(|name| *name == lower) {
        Some(at) => Ok(range.first + at as u64),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    match text.parse::<i64>() {
        Ok(number) => {
            u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
        }
        Err(_) => Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        find_zone(name).expect("a zone of the tz database")
    }

    #[test]
    fn the_next_moment_is_the_first_that_matches_every_field() {
        for (text, after, expected) in [
            ("*/15 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"),
            ("*/15 * * * *", "2026-01-01T00:59:59.9Z", "2026-01-01T01:00:00Z"),
            ("10/20 * * * *", "2026-01-01T00:11:00Z", "2026-01-01T00:30:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 1 jan ?", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            // Either of two restricted days is enough; with one of them open, both must match.
            ("0 0 13 * FRI", "2026-02-01T00:00:00Z", "2026-02-06T00:00:00Z"),
            ("0 0 */2 * mon", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"),
            ("0 0 * * mon", "2026-02-03T00:00:00Z", "2026-02-09T00:00:00Z"),
            (
                "30 6-16/4 * * 1-5",
                "2026-01-02T14:30:00Z",
                "2026-01-05T06:30:00Z",
            ),
            ("5,10, 3 * * *", "2026-01-01T03:05:00Z", "2026-01-01T03:10:00Z"),
            ("@hourly", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"),
            ("@weekly", "2026-01-01T00:30:00Z", "2026-01-04T00:00:00Z"),
            ("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("@every 1h30m", "2026-01-01T00:00:00.7Z", "2026-01-01T01:30:00Z"),
            (
                "TZ=Asia/Tokyo 0 6 * * *",
                "2026-01-01T00:00:00Z",
                "2026-01-01T21:00:00Z",
            ),
        ] {
            let schedule = Schedule::parse(text, TimeZone::UTC).expect(text);
            let next = schedule.next(after.parse().expect("a time"));
            assert_eq!(
                next.map(|next| next.to_string()).as_deref(),
                Some(expected),
                "{text} after {after}"
            );
        }
    }

    #[test]
    fn a_skipped_hour_has_no_moments_and_a_repeated_one_has_them_twice() {
        for (zone_name, text, after, expected) in [
            // 2026-03-08 02:00 does not exist in New York, 2026-11-01 01:30 comes twice.
            (
                "America/New_York",
                "30 2 * * *",
                "2026-03-07T08:00:00Z",
                "2026-03-09T06:30:00Z",
            ),
            (
                "America/New_York",
                "0 3 * * *",
                "2026-03-07T09:00:00Z",
                "2026-03-08T07:00:00Z",
            ),
            (
                "America/New_York",
                "30 1 * * *",
                "2026-11-01T00:00:00Z",
                "2026-11-01T05:30:00Z",
            ),
            (
                "America/New_York",
                "30 1 * * *",
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:30:00Z",
            ),
            (
                "America/New_York",
                "30 1 * * *",
                "2026-11-01T06:30:00Z",
                "2026-11-02T06:30:00Z",
            ),
            (
                "Europe/Berlin",
                "30 * * * *",
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:30:00Z",
            ),
            // The day begins at 1 there.
            (
                "America/Sao_Paulo",
                "0 0 * * *",
                "2018-11-03T12:00:00Z",
                "2018-11-05T02:00:00Z",
            ),
            // Half an hour is skipped.
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2026-10-03T00:00:00Z",
                "2026-10-04T15:15:00Z",
            ),
        ] {
            let schedule = Schedule::parse(text, zone(zone_name)).expect(text);
            let next = schedule.next(after.parse().expect("a time"));
            assert_eq!(
                next.map(|next| next.to_string()).as_deref(),
                Some(expected),
                "{text} after {after}"
            );
        }
    }

    #[test]
    fn a_day_that_never_comes_has_no_next() {
        for text in ["0 0 30 2 *", "59 23 31 4,6 *", ", * * * *"] {
            let schedule = Schedule::parse(text, TimeZone::UTC).expect(text);
            assert_eq!(schedule.next(Timestamp::UNIX_EPOCH), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_users_know() {
        for (text, expected) in [
            ("", "empty spec string"),
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            (
                "5-3 * * * *",
                "beginning of range (5) beyond end of range (3): 5-3",
            ),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("*/1/2 * * * *", "too many slashes: */1/2"),
            (
                "x * * * *",
                "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            ("@noon", "unrecognized descriptor: @noon"),
            (
                "TZ=Mars/X * * * * *",
                "provided bad location Mars/X: unknown time zone Mars/X",
            ),
        ] {
            assert_eq!(
                Schedule::parse(text, TimeZone::UTC),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }

    /// Every minute until one matches: what [`Schedule::next`] must find by leaps.
    fn slow(schedule: &Schedule, after: Timestamp, minutes: i64) -> Option<Timestamp> {
        let When::Fields(fields) = &schedule.when else {
            return None;
        };
        let first = after.as_second().div_euclid(60) + 1;
        (first..first + minutes).find_map(|minute| {
            let at = Timestamp::from_second(minute * 60).expect("in range");
            let wall = at.to_zoned(schedule.zone.clone());
            let matches = has(fields.minute, wall.minute())
                && has(fields.hour, wall.hour())
                && has(fields.month, wall.month())
                && fields.day_matches(wall.date());
            matches.then_some(at)
        })
    }

    proptest! {
        #[test]
        fn leaping_finds_what_counting_minutes_finds(
            text in "(\\*|[0-5]?[0-9](-5[0-9])?|\\*/[1-9])(,[0-5][0-9])? (\\*|[0-9]|1[0-9]/2|\\*/5) (\\*|[1-9]) \\* (\\*|[0-6])",
            day in 0_i64..3000,
            zone_name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
        ) {
            let after = Timestamp::from_second(1_700_000_000 + day * 86_400).expect("in range");
            if let Ok(schedule) = Schedule::parse(&text, zone(zone_name)) {
                let two_days = 2 * 24 * 60;
                let found = schedule.next(after);
                match slow(&schedule, after, two_days) {
                    Some(expected) => prop_assert_eq!(found, Some(expected)),
                    None => prop_assert!(found.is_none_or(|found| found.duration_since(after).as_mins() > two_days - 1)),
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused_without_harm(text in ".{0,80}|[-*/?,0-9@a-zTZ= ]{0,40}") {
            if let Ok(schedule) = Schedule::parse(&text, TimeZone::UTC) {
                let _ = schedule.next(Timestamp::MAX);
                let after = Timestamp::from_second(1_700_000_000).expect("in range");
                prop_assert!(schedule.next(after).is_none_or(|next| next > after));
            }
        }
    }
}
