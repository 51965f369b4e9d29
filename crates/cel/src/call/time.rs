//! Times and durations.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::eval::{Error, Meter, failed};
use crate::value::Value;

type Called = Option<Result<Value, Error>>;

const SECOND: i64 = 1_000_000_000;

pub(super) fn call(name: &str, args: &[Value], _meter: &mut Meter) -> Called {
    Some(match (name, args) {
        ("duration", [Value::Duration(nanos)]) => Ok(Value::Duration(*nanos)),
        ("duration", [Value::String(text)]) => parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| failed("type conversion error from 'string' to 'google.protobuf.Duration'")),
        ("timestamp", [at @ Value::Timestamp(_)]) => Ok(at.clone()),
        ("timestamp", [Value::Int(second)]) => Timestamp::from_second(*second)
            .map(Value::Timestamp)
            .map_err(|_| failed("timestamp overflow")),
        ("timestamp", [Value::String(text)]) => parse_timestamp(text)
            .ok_or_else(|| failed("type conversion error from 'string' to 'google.protobuf.Timestamp'")),
        (_, [Value::Duration(nanos)]) => return of_duration(name, *nanos),
        (_, [Value::Timestamp(at)]) => return of_time(name, &at.to_zoned(TimeZone::UTC)),
        (_, [Value::Timestamp(at), Value::String(zone)]) => match parse_zone(zone) {
            Some(zone) => return of_time(name, &at.to_zoned(zone)),
            None => Err(failed(format!("unknown time zone {zone}"))),
        },
        _ => return None,
    })
}

fn of_duration(name: &str, nanos: i64) -> Called {
    let value = match name {
        "getHours" => nanos / (3600 * SECOND),
        "getMinutes" => nanos / (60 * SECOND),
        "getSeconds" => nanos / SECOND,
        "getMilliseconds" => nanos / 1_000_000 % 1000,
        _ => return None,
    };
    Some(Ok(Value::Int(value)))
}

fn of_time(name: &str, at: &Zoned) -> Called {
    let value = match name {
        "getFullYear" => i64::from(at.year()),
        "getMonth" => i64::from(at.month()) - 1,
        "getDate" => i64::from(at.day()),
        "getDayOfMonth" => i64::from(at.day()) - 1,
        "getDayOfWeek" => i64::from(at.weekday().to_sunday_zero_offset()),
        "getDayOfYear" => i64::from(at.day_of_year()) - 1,
        "getHours" => i64::from(at.hour()),
        "getMinutes" => i64::from(at.minute()),
        "getSeconds" => i64::from(at.second()),
        "getMilliseconds" => i64::from(at.millisecond()),
        _ => return None,
    };
    Some(Ok(Value::Int(value)))
}

/// A zone by its name, or by its distance such as `-08:00`.
fn parse_zone(text: &str) -> Option<TimeZone> {
    let Some((hours, minutes)) = text.split_once(':') else {
        return TimeZone::get(text).ok();
    };
    let sign = if hours.starts_with('-') { -1 } else { 1 };
    let hours: i32 = hours.trim_start_matches(['+', '-']).parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
}

pub(super) fn moved(at: Timestamp, by: i64) -> Result<Value, Error> {
    at.checked_add(SignedDuration::from_nanos(by))
        .map(Value::Timestamp)
        .map_err(|_| failed("timestamp overflow"))
}

/// A time in RFC 3339, or a date.
pub(crate) fn parse_timestamp(text: &str) -> Option<Value> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Value::Timestamp(at));
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    let at = date.to_zoned(TimeZone::UTC).ok()?;
    Some(Value::Timestamp(at.timestamp()))
}

/// A duration as Go writes it: `1h30m`, `-1.5s`, `0`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        nanos = nanos.checked_add(scaled(number, scale)?)?;
        rest = next;
    }
    i64::try_from(if negative { -nanos } else { nanos }).ok()
}

fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut sum = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        sum = sum.checked_add(place.checked_mul(i128::from(digit.to_digit(10)?))?)?;
    }
    Some(sum)
}

/// A duration as `string()` prints it: seconds.
pub(crate) fn print_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{whole}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{whole}.{}s", fraction.trim_end_matches('0'))
}
