//! Cuts a Go layout into its elements: `2006`, `Jan`, `_2`, `.000`, `Z07:00` and the text between them.

/// One element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongYear,
    ShortYear,
    LongMonth,
    ShortMonth,
    Month,
    ZeroMonth,
    LongWeekday,
    ShortWeekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    UpperPm,
    LowerPm,
    Abbreviation,
    Offset(Offset),
    Fraction(Fraction),
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// UTC itself is `Z`.
    pub(super) zulu: bool,
    pub(super) colons: bool,
    pub(super) precision: Precision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Hours,
    Minutes,
    Seconds,
}

/// How the fraction of a second is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) separator: u8,
    pub(super) digits: usize,
    /// Trailing zeros are left out.
    pub(super) trimmed: bool,
}

/// Elements that one spelling makes, longest first where one begins another.
const SPELLINGS: &[(&[u8], Element)] = &[
    (b"January", Element::LongMonth),
    (b"Monday", Element::LongWeekday),
    (b"MST", Element::Abbreviation),
    (b"01", Element::ZeroMonth),
    (b"02", Element::ZeroDay),
    (b"03", Element::ZeroHour12),
    (b"04", Element::ZeroMinute),
    (b"05", Element::ZeroSecond),
    (b"06", Element::ShortYear),
    (b"002", Element::ZeroYearDay),
    (b"15", Element::Hour),
    (b"1", Element::Month),
    (b"2006", Element::LongYear),
    (b"2", Element::Day),
    (b"_2", Element::UnderDay),
    (b"__2", Element::UnderYearDay),
    (b"3", Element::Hour12),
    (b"4", Element::Minute),
    (b"5", Element::Second),
    (b"PM", Element::UpperPm),
    (b"pm", Element::LowerPm),
    (b"-070000", offset(false, false, Precision::Seconds)),
    (b"-07:00:00", offset(false, true, Precision::Seconds)),
    (b"-0700", offset(false, false, Precision::Minutes)),
    (b"-07:00", offset(false, true, Precision::Minutes)),
    (b"-07", offset(false, false, Precision::Hours)),
    (b"Z070000", offset(true, false, Precision::Seconds)),
    (b"Z07:00:00", offset(true, true, Precision::Seconds)),
    (b"Z0700", offset(true, false, Precision::Minutes)),
    (b"Z07:00", offset(true, true, Precision::Minutes)),
    (b"Z07", offset(true, false, Precision::Hours)),
];

/// Splits a layout into the text before its first element, the element, and what follows it.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Element>, &[u8]) {
    for start in 0..layout.len() {
        let rest = &layout[start..];
        // `_2006` is an underscore and a year, not a padded day.
        if rest.starts_with(b"_2006") {
            return (&layout[..=start], Some(Element::LongYear), &rest[5..]);
        }
        if let Some((element, length)) = element(rest) {
            return (&layout[..start], Some(element), &rest[length..]);
        }
    }
    (layout, None, b"")
}

/// The element that begins here and its length.
fn element(rest: &[u8]) -> Option<(Element, usize)> {
    match rest[0] {
        b'J' | b'M' | b'0'..=b'5' | b'_' | b'P' | b'p' | b'-' | b'Z' => {}
        b'.' | b',' => return fraction(rest),
        _ => return None,
    }
    if let Some((spelling, element)) = SPELLINGS.iter().find(|(spelling, _)| rest.starts_with(spelling)) {
        return Some((*element, spelling.len()));
    }
    // "Month" is a word and not the weekday before "th".
    let ends_here = !rest.get(3).is_some_and(u8::is_ascii_lowercase);
    match rest.get(..3) {
        Some(b"Jan") if ends_here => Some((Element::ShortMonth, 3)),
        Some(b"Mon") if ends_here => Some((Element::ShortWeekday, 3)),
        _ => None,
    }
}

/// `.000` or `,999`, unless more digits follow.
fn fraction(rest: &[u8]) -> Option<(Element, usize)> {
    let digit = *rest.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = rest[1..].iter().take_while(|byte| **byte == digit).count();
    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let fraction = Fraction {
        separator: rest[0],
        digits,
        trimmed: digit == b'9',
    };
    Some((Element::Fraction(fraction), 1 + digits))
}

const fn offset(zulu: bool, colons: bool, precision: Precision) -> Element {
    Element::Offset(Offset {
        zulu,
        colons,
        precision,
    })
}
