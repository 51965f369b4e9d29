//! Prints a moment by a Go layout.

use super::layout::{self, Element, Fraction, Offset, Precision};
use super::{Civil, MONTHS, Moment, WEEKDAYS};

/// What `fmt` prints a time with.
const STRING_LAYOUT: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

/// What JSON and YAML print a time with.
const RFC3339_NANO: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// The longest fraction a layout can ask for: more digits would only be zeros, without a bound.
const MAX_FRACTION_DIGITS: usize = 9;

impl Moment {
    /// Go's `Time.Format`.
    pub fn format(&self, layout: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(layout.len() + 10);
        let civil = self.civil();
        let (name, offset) = self.zone.at(self.seconds);
        let mut rest = layout;
        loop {
            let (text, element, behind) = layout::next(rest);
            out.extend_from_slice(text);
            match element {
                None => return out,
                Some(Element::Abbreviation) if name.is_empty() => {
                    write_offset(
                        &mut out,
                        offset,
                        Offset {
                            zulu: false,
                            colons: false,
                            precision: Precision::Minutes,
                        },
                    );
                }
                Some(Element::Abbreviation) => out.extend_from_slice(name.as_bytes()),
                Some(Element::Offset(style)) => write_offset(&mut out, offset, style),
                Some(Element::Fraction(style)) => write_fraction(&mut out, self.nanos, style),
                Some(element) => write_field(&mut out, &civil, element),
            }
            rest = behind;
        }
    }

    /// Go's `Time.String`, with the reading of the steady clock of a time that has one.
    pub fn to_go_string(&self) -> Vec<u8> {
        let mut out = self.format(STRING_LAYOUT);
        if let Some(reading) = self.monotonic {
            let size = reading.unsigned_abs();
            out.extend_from_slice(if reading < 0 { b" m=-" } else { b" m=+" });
            out.extend_from_slice(format!("{}.{:09}", size / 1_000_000_000, size % 1_000_000_000).as_bytes());
        }
        out
    }

    /// RFC 3339 with as many digits of the second as there are.
    pub fn to_rfc3339(&self) -> Vec<u8> {
        self.format(RFC3339_NANO)
    }
}

fn write_field(out: &mut Vec<u8>, civil: &Civil, element: Element) {
    let short_hour = if civil.hour.is_multiple_of(12) {
        12
    } else {
        civil.hour % 12
    };
    let (number, width, padding) = match element {
        Element::LongYear => return write_year(out, civil.year),
        Element::LongMonth => return out.extend_from_slice(month(civil).as_bytes()),
        Element::ShortMonth => return out.extend_from_slice(&month(civil).as_bytes()[..3]),
        Element::LongWeekday => return out.extend_from_slice(weekday(civil).as_bytes()),
        Element::ShortWeekday => return out.extend_from_slice(&weekday(civil).as_bytes()[..3]),
        Element::UpperPm => return out.extend_from_slice(if civil.hour >= 12 { b"PM" } else { b"AM" }),
        Element::LowerPm => return out.extend_from_slice(if civil.hour >= 12 { b"pm" } else { b"am" }),
        Element::ShortYear => (
            u32::try_from(civil.year.unsigned_abs() % 100).unwrap_or(0),
            2,
            b'0',
        ),
        Element::Month => (civil.month, 1, b'0'),
        Element::ZeroMonth => (civil.month, 2, b'0'),
        Element::Day => (civil.day, 1, b'0'),
        Element::UnderDay => (civil.day, 2, b' '),
        Element::ZeroDay => (civil.day, 2, b'0'),
        Element::UnderYearDay => (civil.year_day, 3, b' '),
        Element::ZeroYearDay => (civil.year_day, 3, b'0'),
        Element::Hour => (civil.hour, 2, b'0'),
        Element::Hour12 => (short_hour, 1, b'0'),
        Element::ZeroHour12 => (short_hour, 2, b'0'),
        Element::Minute => (civil.minute, 1, b'0'),
        Element::ZeroMinute => (civil.minute, 2, b'0'),
        Element::Second => (civil.second, 1, b'0'),
        Element::ZeroSecond => (civil.second, 2, b'0'),
        Element::Abbreviation | Element::Offset(_) | Element::Fraction(_) => return,
    };
    write_number(out, number, width, padding);
}

fn write_number(out: &mut Vec<u8>, number: u32, width: usize, padding: u8) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let digits = &digits[start..];
    out.extend(std::iter::repeat_n(padding, width.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

fn write_year(out: &mut Vec<u8>, year: i64) {
    let sign = if year < 0 { "-" } else { "" };
    out.extend_from_slice(format!("{sign}{:04}", year.unsigned_abs()).as_bytes());
}

fn write_offset(out: &mut Vec<u8>, offset: i32, style: Offset) {
    if style.zulu && offset == 0 {
        out.push(b'Z');
        return;
    }
    let size = offset.unsigned_abs();
    // Less than a minute has no sign, since Go looks at the minutes.
    out.push(if offset <= -60 { b'-' } else { b'+' });
    write_number(out, size / 3600, 2, b'0');
    if style.precision == Precision::Hours {
        return;
    }
    if style.colons {
        out.push(b':');
    }
    write_number(out, size / 60 % 60, 2, b'0');
    if style.precision == Precision::Seconds {
        if style.colons {
            out.push(b':');
        }
        write_number(out, size % 60, 2, b'0');
    }
}

fn write_fraction(out: &mut Vec<u8>, nanos: u32, style: Fraction) {
    if style.trimmed && nanos == 0 {
        return;
    }
    let start = out.len();
    out.push(style.separator);
    write_number(out, nanos, MAX_FRACTION_DIGITS, b'0');
    out.truncate(start + 1 + style.digits.min(MAX_FRACTION_DIGITS));
    if style.trimmed {
        while out.last() == Some(&b'0') {
            out.pop();
        }
        if out.len() == start + 1 {
            out.pop();
        }
    }
}

fn month(civil: &Civil) -> &'static str {
    MONTHS[(civil.month as usize).saturating_sub(1) % 12]
}

fn weekday(civil: &Civil) -> &'static str {
    WEEKDAYS[civil.weekday as usize % 7]
}
