//! Formats of dates, times and spans (RFC 3339).

use crate::go_text;

type Checked = Result<(), String>;

pub(super) fn date(text: &str) -> Checked {
    const LAYOUT: &str = "2006-01-02";
    let quoted = go_text::quote(text);
    let refuse = |rest: &str, part: &str| {
        let rest = go_text::quote(rest);
        Err(format!(
            "parsing time {quoted} as \"{LAYOUT}\": cannot parse {rest} as \"{part}\""
        ))
    };
    let out_of_range = |what: &str| Err(format!("parsing time {quoted}: {what} out of range"));
    let Some(year) = number(text, 0..4) else {
        return refuse(text, "2006");
    };
    for (at, part) in [(4, "-"), (7, "-")] {
        if text.get(at..=at) != Some("-") {
            return refuse(text.get(at..).unwrap_or(""), part);
        }
        let (next, name) = if at == 4 { (5..7, "01") } else { (8..10, "02") };
        if number(text, next.clone()).is_none() {
            return refuse(text.get(next.start..).unwrap_or(""), name);
        }
    }
    let (Some(month), Some(day)) = (number(text, 5..7), number(text, 8..10)) else {
        return Ok(());
    };
    if !(1..=12).contains(&month) {
        return out_of_range("month");
    }
    if text.len() > LAYOUT.len() {
        return Err(format!(
            "parsing time {quoted}: extra text: {}",
            go_text::quote(&text[LAYOUT.len()..])
        ));
    }
    if day < 1 || day > days(year, month) {
        out_of_range("day")
    } else {
        Ok(())
    }
}

pub(super) fn time(text: &str) -> Checked {
    let bytes = text.as_bytes();
    if bytes.len() < 9 {
        return refuse("less than 9 characters long");
    }
    if bytes[2] != b':' || bytes[5] != b':' {
        return refuse("missing colon in correct place");
    }
    let parts = (number(text, 0..2), number(text, 3..5), number(text, 6..8));
    let (Some(hour), Some(minute), Some(second)) = parts else {
        return refuse("invalid hour/min/sec");
    };
    if hour > 23 || minute > 59 || second > 60 {
        return refuse("hour/min/sec out of range");
    }
    let mut rest = text.get(8..).unwrap_or("");
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return refuse("no digits in second fraction");
        }
        rest = &fraction[digits..];
    }
    let minutes = i64::from(hour * 60 + minute) - offset(rest)?;
    let is_last_minute = minutes.rem_euclid(24 * 60) == 23 * 60 + 59;
    if second == 60 && !is_last_minute {
        refuse("invalid leap second")
    } else {
        Ok(())
    }
}

/// Minutes east of Greenwich.
fn offset(text: &str) -> Result<i64, String> {
    if matches!(text, "z" | "Z") {
        return Ok(0);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 {
        return Err("offset must be 6 characters long".to_owned());
    }
    let sign = match bytes[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return Err("offset must begin with plus/minus".to_owned()),
    };
    if bytes[3] != b':' {
        return Err("missing colon in offset in correct place".to_owned());
    }
    let (Some(hour), Some(minute)) = (number(text, 1..3), number(text, 4..6)) else {
        return Err("invalid hour/min in offset".to_owned());
    };
    if hour > 23 || minute > 59 {
        return Err("hour/min in offset out of range".to_owned());
    }
    Ok(sign * i64::from(hour * 60 + minute))
}

pub(super) fn date_time(text: &str) -> Checked {
    if text.len() < 20 {
        return refuse("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return refuse("11th character must be t or T");
    }
    let (day, clock) = (text.get(..10).unwrap_or(""), text.get(11..).unwrap_or(""));
    date(day).map_err(|why| format!("invalid date element: {why}"))?;
    time(clock).map_err(|why| format!("invalid time element: {why}"))
}

pub(super) fn duration(text: &str) -> Checked {
    let Some(rest) = text.strip_prefix('P') else {
        return refuse("must start with P");
    };
    if rest.is_empty() {
        return refuse("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        if weeks.is_empty() {
            return refuse("no number in week");
        }
        return if weeks.bytes().all(|b| b.is_ascii_digit()) {
            Ok(())
        } else {
            refuse("invalid week")
        };
    }
    for (i, part) in rest.split('T').enumerate() {
        if i != 0 && part.is_empty() {
            return refuse("no time elements");
        }
        let Some(units) = ["YMD", "HMS"].get(i) else {
            return refuse("more than one T");
        };
        elements(part, units)?;
    }
    Ok(())
}

/// Numbers, each with one of the units behind it, in their order.
fn elements(part: &str, all: &str) -> Checked {
    let (mut units, mut rest) = (all, part);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return refuse("missing number");
        }
        let Some(unit) = rest[digits..].chars().next() else {
            return refuse("missing unit");
        };
        let Some(at) = units.find(unit) else {
            let unit = super::text::quote_char(unit);
            let is_known = all.contains(unit.trim_matches('\''));
            return Err(if is_known {
                format!("unit {unit} out of order")
            } else {
                format!("invalid unit {unit}")
            });
        };
        units = &units[at + 1..];
        rest = &rest[digits + unit.len_utf8()..];
    }
    Ok(())
}

pub(super) fn period(text: &str) -> Checked {
    let Some((start, end)) = text.split_once('/') else {
        return refuse("missing slash");
    };
    if start.starts_with('P') {
        duration(start).map_err(|why| format!("invalid start duration: {why}"))?;
        return date_time(end).map_err(|why| format!("invalid end date-time: {why}"));
    }
    date_time(start).map_err(|why| format!("invalid start date-time: {why}"))?;
    if end.starts_with('P') {
        duration(end).map_err(|why| format!("invalid end duration: {why}"))
    } else {
        date_time(end).map_err(|why| format!("invalid end date-time: {why}"))
    }
}

fn number(text: &str, range: std::ops::Range<usize>) -> Option<u32> {
    let digits = text.get(range)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn refuse(why: &str) -> Checked {
    Err(why.to_owned())
}
