//! Reads a time by a Go layout, with Go's tolerance and in Go's words where it ends.

use super::duration::quote;
use super::layout::{self, Element, Fraction, Offset, Precision};
use super::{MONTHS, Moment, WEEKDAYS, Zone, days_in};

/// Why a text is no time of a layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

/// Why one element can not be read.
enum Fault {
    /// The text does not look like the element.
    Shape,
    /// The named field has an impossible value.
    Range(&'static str),
}

/// The fields as far as they were read.
#[derive(Default)]
struct Fields<'v> {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    morning: bool,
    evening: bool,
    utc: bool,
    offset: Option<i32>,
    zone_name: &'v str,
}

impl Moment {
    /// Go's `time.ParseInLocation` in the local zone.
    ///
    /// # Errors
    /// The first element that the text does not have, or a date that does not exist.
    pub fn parse(layout: &str, text: &str) -> Result<Self, ParseError> {
        let mut fields = Fields::default();
        let mut rest = text;
        let mut pattern = layout.as_bytes();
        loop {
            let (prefix, element, behind) = layout::next(pattern);
            let spelling = &pattern[prefix.len()..pattern.len() - behind.len()];
            rest = skip(rest, prefix)
                .map_err(|held| mismatch(layout, text, &String::from_utf8_lossy(prefix), held))?;
            let Some(element) = element else { break };
            let fraction_follows = matches!(layout::next(behind).1, Some(Element::Fraction(_)));
            match fields.read(element, rest, fraction_follows) {
                Ok(behind) => rest = behind,
                Err(Fault::Range(field)) => return Err(wrong(text, &format!("{field} out of range"))),
                Err(Fault::Shape) => {
                    return Err(mismatch(layout, text, &String::from_utf8_lossy(spelling), rest));
                }
            }
            pattern = behind;
        }
        if !rest.is_empty() {
            return Err(wrong(text, &format!("extra text: {}", quote(rest))));
        }
        fields.moment().map_err(|message| wrong(text, message))
    }
}

impl<'v> Fields<'v> {
    /// Reads one element and gives what follows it.
    fn read(&mut self, element: Element, text: &'v str, fraction_follows: bool) -> Result<&'v str, Fault> {
        let rest;
        match element {
            Element::ShortYear => {
                let (digits, behind) = text.split_at_checked(2).ok_or(Fault::Shape)?;
                let year: i64 = digits.parse().map_err(|_| Fault::Shape)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                rest = behind;
            }
            Element::LongYear => {
                let (digits, behind) = text.split_at_checked(4).ok_or(Fault::Shape)?;
                self.year = all_digits(digits)?.into();
                rest = behind;
            }
            Element::LongMonth | Element::ShortMonth => {
                let (index, behind) = name(&MONTHS, element == Element::ShortMonth, text)?;
                (self.month, rest) = (Some(index + 1), behind);
            }
            Element::LongWeekday | Element::ShortWeekday => {
                rest = name(&WEEKDAYS, element == Element::ShortWeekday, text)?.1;
            }
            Element::Month | Element::ZeroMonth => {
                let (month, behind) = number(text, element == Element::ZeroMonth)?;
                let month = in_range(month, 1, 12, "month")?;
                (self.month, rest) = (Some(month), behind);
            }
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let padded = element == Element::UnderDay;
                let unpadded = if padded {
                    text.strip_prefix(' ').unwrap_or(text)
                } else {
                    text
                };
                let (day, behind) = number(unpadded, element == Element::ZeroDay)?;
                (self.day, rest) = (Some(day), behind);
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                let (day, behind) = year_day(text, element == Element::UnderYearDay)?;
                (self.year_day, rest) = (Some(day), behind);
            }
            Element::Hour | Element::Hour12 | Element::ZeroHour12 => {
                let (hour, behind) = number(text, element == Element::ZeroHour12)?;
                let last = if element == Element::Hour { 23 } else { 12 };
                (self.hour, rest) = (in_range(hour, 0, last, "hour")?, behind);
            }
            Element::Minute | Element::ZeroMinute => {
                let (minute, behind) = number(text, element == Element::ZeroMinute)?;
                (self.minute, rest) = (in_range(minute, 0, 59, "minute")?, behind);
            }
            Element::Second | Element::ZeroSecond => {
                let (second, behind) = number(text, element == Element::ZeroSecond)?;
                self.second = in_range(second, 0, 59, "second")?;
                rest = if fraction_follows {
                    behind
                } else {
                    self.optional_fraction(behind)
                };
            }
            Element::UpperPm | Element::LowerPm => rest = self.half(text, element == Element::UpperPm)?,
            Element::Abbreviation => rest = self.zone(text)?,
            Element::Offset(style) => rest = self.offset(text, style)?,
            Element::Fraction(style) => rest = self.fraction(text, style)?,
        }
        Ok(rest)
    }

    fn half(&mut self, text: &'v str, upper: bool) -> Result<&'v str, Fault> {
        let (evening, morning) = if upper { ("PM", "AM") } else { ("pm", "am") };
        if let Some(rest) = text.strip_prefix(evening) {
            self.evening = true;
            return Ok(rest);
        }
        let rest = text.strip_prefix(morning).ok_or(Fault::Shape)?;
        self.morning = true;
        Ok(rest)
    }

    fn zone(&mut self, text: &'v str) -> Result<&'v str, Fault> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = abbreviation(text).ok_or(Fault::Shape)?;
        let (name, rest) = text.split_at(length);
        self.zone_name = name;
        Ok(rest)
    }

    fn offset(&mut self, text: &'v str, style: Offset) -> Result<&'v str, Fault> {
        if style.zulu
            && let Some(rest) = text.strip_prefix('Z')
        {
            self.utc = true;
            return Ok(rest);
        }
        let sign = match text.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(Fault::Shape),
        };
        let parts = match style.precision {
            Precision::Hours => 1,
            Precision::Minutes => 2,
            Precision::Seconds => 3,
        };
        let mut values = [0; 3];
        let mut rest = &text[1..];
        for (index, value) in values.iter_mut().enumerate().take(parts) {
            if style.colons && index > 0 {
                rest = rest.strip_prefix(':').ok_or(Fault::Shape)?;
            }
            (*value, rest) = number(rest, true)?;
        }
        let [hours, minutes, seconds] = values;
        in_range(hours, 0, 24, "time zone offset hour")?;
        in_range(minutes, 0, 60, "time zone offset minute")?;
        in_range(seconds, 0, 60, "time zone offset second")?;
        let size = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(sign * i32::try_from(size).unwrap_or(0));
        Ok(rest)
    }

    fn fraction(&mut self, text: &'v str, style: Fraction) -> Result<&'v str, Fault> {
        if style.trimmed {
            return Ok(self.optional_fraction(text));
        }
        let (part, rest) = text.split_at_checked(1 + style.digits).ok_or(Fault::Shape)?;
        let digits = part.strip_prefix(['.', ',']).ok_or(Fault::Shape)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Shape);
        }
        self.nanos = nanos(digits);
        Ok(rest)
    }

    /// A fraction may follow the seconds even when the layout has none.
    fn optional_fraction(&mut self, text: &'v str) -> &'v str {
        let Some(rest) = text.strip_prefix(['.', ',']) else {
            return text;
        };
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return text;
        }
        self.nanos = nanos(&rest[..count]);
        &rest[count..]
    }

    /// Puts the fields together, or says what is wrong with them.
    fn moment(mut self) -> Result<Moment, &'static str> {
        if self.evening && self.hour < 12 {
            self.hour += 12;
        } else if self.morning && self.hour == 12 {
            self.hour = 0;
        }
        if let Some(year_day) = self.year_day {
            let (month, day) = date_of_year_day(self.year, year_day).ok_or("day-of-year out of range")?;
            if self.month.is_some_and(|own| own != month) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|own| own != day) {
                return Err("day-of-year does not match day");
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        let month = self.month.unwrap_or(1);
        let day = self.day.unwrap_or(1);
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let date = (self.year, i64::from(month), i64::from(day));
        let clock = (self.hour, self.minute, self.second);
        let moment = Moment::from_civil(date, clock, self.nanos, Zone::Utc);
        Ok(match self.offset {
            _ if self.utc => moment,
            // Go marks "no offset" with -1, so that one second west counts as none.
            Some(offset) if offset != -1 => {
                let shifted = moment.add_nanos(-i64::from(offset) * super::NANOS_PER_SECOND);
                let is_local = offset == 0 && matches!(self.zone_name, "" | "UTC");
                shifted.in_zone(if is_local {
                    Zone::Local
                } else {
                    fixed(self.zone_name, offset)
                })
            }
            _ if !self.zone_name.is_empty() => {
                let hours: i32 = self
                    .zone_name
                    .strip_prefix("GMT")
                    .and_then(|hours| hours.parse().ok())
                    .unwrap_or(0);
                moment.in_zone(fixed(self.zone_name, hours * 3600))
            }
            _ => moment.in_zone(Zone::Local),
        })
    }
}

fn fixed(name: &str, offset: i32) -> Zone {
    Zone::Fixed {
        name: name.into(),
        offset,
    }
}

fn mismatch(layout: &str, text: &str, element: &str, held: &str) -> ParseError {
    let [text, layout, held, element] = [text, layout, held, element].map(quote);
    ParseError(format!(
        "parsing time {text} as {layout}: cannot parse {held} as {element}"
    ))
}

fn wrong(text: &str, message: &str) -> ParseError {
    ParseError(format!("parsing time {}: {message}", quote(text)))
}

/// Skips the text between elements; runs of spaces count as one. The error is what is left where it differs.
fn skip<'v>(mut text: &'v str, mut prefix: &[u8]) -> Result<&'v str, &'v str> {
    while let Some((&first, behind)) = prefix.split_first() {
        if first == b' ' {
            if text.starts_with(|letter| letter != ' ') {
                return Err(text);
            }
            prefix = prefix.trim_ascii_start();
            text = text.trim_start_matches(' ');
            continue;
        }
        // Whole characters, so that the text stays one.
        let width = if first < 0x80 {
            1
        } else {
            prefix
                .iter()
                .take(4)
                .skip(1)
                .take_while(|byte| **byte & 0xc0 == 0x80)
                .count()
                + 1
        };
        if !text.as_bytes().starts_with(&prefix[..width]) {
            return Err(text);
        }
        text = text.get(width..).ok_or(text)?;
        prefix = if width == 1 { behind } else { &prefix[width..] };
    }
    Ok(text)
}

/// One or two digits; `fixed` asks for two.
fn number(text: &str, fixed: bool) -> Result<(u32, &str), Fault> {
    let digit = |index: usize| {
        text.as_bytes()
            .get(index)
            .filter(|byte| byte.is_ascii_digit())
            .map(|byte| u32::from(byte - b'0'))
    };
    match (digit(0), digit(1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &text[2..])),
        (Some(only), None) if !fixed => Ok((only, &text[1..])),
        _ => Err(Fault::Shape),
    }
}

fn all_digits(text: &str) -> Result<u32, Fault> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| Fault::Shape)
    } else {
        Err(Fault::Shape)
    }
}

fn in_range(number: u32, low: u32, high: u32, field: &'static str) -> Result<u32, Fault> {
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        Err(Fault::Range(field))
    }
}

/// Up to three digits, of which spaces may replace two.
fn year_day(text: &str, padded: bool) -> Result<(u32, &str), Fault> {
    let mut rest = text;
    for _ in 0..2 {
        if padded {
            rest = rest.strip_prefix(' ').unwrap_or(rest);
        }
    }
    let count = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
    if count == 0 || (!padded && count != 3) {
        return Err(Fault::Shape);
    }
    Ok((all_digits(&rest[..count])?, &rest[count..]))
}

fn date_of_year_day(year: i64, year_day: u32) -> Option<(u32, u32)> {
    let mut left = year_day;
    for month in 1..=12 {
        let days = days_in(year, month);
        if left <= days {
            return (left > 0).then_some((month, left));
        }
        left -= days;
    }
    None
}

/// A name or its first three letters, in any case.
fn name<'v>(names: &[&str], short: bool, text: &'v str) -> Result<(u32, &'v str), Fault> {
    for (index, name) in (0..).zip(names) {
        let name = if short { &name[..3] } else { name };
        if let Some((head, rest)) = text.split_at_checked(name.len())
            && head.eq_ignore_ascii_case(name)
        {
            return Ok((index, rest));
        }
    }
    Err(Fault::Shape)
}

/// Nanoseconds of the digits behind the point; what is finer is cut off.
fn nanos(digits: &str) -> u32 {
    let mut padded = [b'0'; 9];
    for (to, from) in padded.iter_mut().zip(digits.bytes()) {
        *to = from;
    }
    padded
        .iter()
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// The length of what looks like the abbreviation of a zone.
fn abbreviation(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if bytes.len() < 3 {
        return None;
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_hours(rest).unwrap_or(0));
    }
    if matches!(bytes[0], b'+' | b'-') {
        return signed_hours(text);
    }
    match bytes
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count()
    {
        5 if bytes[4] == b'T' => Some(5),
        4 if bytes[3] == b'T' || text.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of a signed number of hours up to 23.
fn signed_hours(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['+', '-'])?;
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let hours: u64 = rest[..count].parse().ok()?;
    (hours <= 23).then_some(1 + count)
}
