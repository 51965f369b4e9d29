//! Sprig's functions of times and durations.
//!
//! The only clock is the moment the host was given. Wherever Sprig takes "any date", something that is none
//! counts as now.

use std::rc::Rc;

use template::function::{Error, Param};
use template::value::IntKind;
use template::{Call, Function, Value};

use super::args::fixed;
use super::host::Host;
use super::moments::{self, Time};
use crate::time::{Moment, Zone, duration};

const TIME: Param = Param::Object(moments::TYPE_NAME);

pub(crate) const TABLE: &[Function] = &[
    fixed("now", &[], |call, _| Ok(time(now(call)?))),
    fixed("date", &[Param::Str, Param::Any], |call, args| {
        Ok(Value::Str(
            shown(call, &args[1], b"Local")?.format(bytes(args, 0)).into(),
        ))
    }),
    fixed("dateInZone", &[Param::Str, Param::Any, Param::Str], date_in_zone),
    fixed(
        "date_in_zone",
        &[Param::Str, Param::Any, Param::Str],
        date_in_zone,
    ),
    fixed("htmlDate", &[Param::Any], |call, args| {
        Ok(Value::Str(
            shown(call, &args[0], b"Local")?.format(HTML_DATE).into(),
        ))
    }),
    fixed("htmlDateInZone", &[Param::Any, Param::Str], |call, args| {
        Ok(Value::Str(
            shown(call, &args[0], bytes(args, 1))?.format(HTML_DATE).into(),
        ))
    }),
    fixed("dateModify", &[Param::Str, TIME], date_modify),
    fixed("date_modify", &[Param::Str, TIME], date_modify),
    fixed("mustDateModify", &[Param::Str, TIME], must_date_modify),
    fixed("must_date_modify", &[Param::Str, TIME], must_date_modify),
    fixed("toDate", &[Param::Str, Param::Str], |_, args| {
        Ok(time(
            Moment::parse(&text(args, 0), &text(args, 1)).unwrap_or_else(|_| Moment::zero()),
        ))
    }),
    fixed("mustToDate", &[Param::Str, Param::Str], |_, args| {
        let parsed = Moment::parse(&text(args, 0), &text(args, 1));
        parsed.map(time).map_err(|error| Error::new(error.to_string()))
    }),
    fixed("unixEpoch", &[TIME], |_, args| {
        Ok(Value::str(moment(args, 0)?.unix().to_string()))
    }),
    fixed("ago", &[Param::Any], ago),
    fixed("duration", &[Param::Any], duration_of),
    fixed("durationRound", &[Param::Any], duration_round),
];

const HTML_DATE: &[u8] = b"2006-01-02";

const SECOND: i64 = 1_000_000_000;

/// The units of `durationRound`, greatest first: a year of 365 days, a month of 30.
const UNITS: &[(u64, &str)] = &[
    (365 * 24 * 3600, "y"),
    (30 * 24 * 3600, "mo"),
    (24 * 3600, "d"),
    (3600, "h"),
    (60, "m"),
    (1, "s"),
];

fn date_in_zone(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::Str(
        shown(call, &args[1], bytes(args, 2))?
            .format(bytes(args, 0))
            .into(),
    ))
}

fn date_modify(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let moment = moment(args, 1)?;
    Ok(match duration::parse(&text(args, 0)) {
        Ok(nanos) => time(moment.add_nanos(nanos)),
        Err(_) => args[1].clone(),
    })
}

fn must_date_modify(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let nanos = duration::parse(&text(args, 0)).map_err(Error::new)?;
    Ok(time(moment(args, 1)?.add_nanos(nanos)))
}

fn ago(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let now = now(call)?;
    let then = match &args[0] {
        Value::Int(seconds, IntKind::Int | IntKind::Int64) => Moment::from_unix(*seconds),
        other => as_moment(other).unwrap_or_else(|| now.clone()),
    };
    Ok(Value::str(duration::print(duration::round(
        now.since(&then),
        SECOND,
    ))))
}

fn duration_of(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let seconds = match &args[0] {
        // Go's parser gives the nearest number for one that is too large, and Sprig ignores its error.
        Value::Str(_) => saturating_integer(&text(args, 0)),
        Value::Int(seconds, IntKind::Int64) => *seconds,
        _ => 0,
    };
    Ok(Value::str(duration::print(seconds.wrapping_mul(SECOND))))
}

fn duration_round(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let nanos = match &args[0] {
        Value::Str(_) => duration::parse(&text(args, 0)).unwrap_or(0),
        Value::Int(nanos, IntKind::Int64) => *nanos,
        other => match as_moment(other) {
            Some(moment) => now(call)?.since(&moment),
            None => 0,
        },
    };
    let size = nanos.unsigned_abs();
    for (seconds, name) in UNITS {
        let unit = seconds * SECOND.unsigned_abs();
        if size > unit {
            return Ok(Value::str(format!("{}{name}", size / unit)));
        }
    }
    Ok(Value::str("0s"))
}

fn now(call: &Call<'_>) -> Result<Moment, Error> {
    Ok(Moment::now(Host::of(call)?.now_ns))
}

fn time(moment: Moment) -> Value {
    Value::Object(Rc::new(Time(moment)))
}

/// Any date in the zone of a name; UTC when there is no such zone.
fn shown(call: &Call<'_>, date: &Value, zone: &[u8]) -> Result<Moment, Error> {
    let moment = match date {
        Value::Int(seconds, IntKind::Int | IntKind::Int32 | IntKind::Int64) => Moment::from_unix(*seconds),
        other => match as_moment(other) {
            Some(moment) => moment,
            None => now(call)?,
        },
    };
    let zone = std::str::from_utf8(zone)
        .ok()
        .and_then(Zone::by_name)
        .unwrap_or(Zone::Utc);
    Ok(moment.in_zone(zone))
}

fn as_moment(value: &Value) -> Option<Moment> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<Time>().map(|time| time.0.clone()),
        _ => None,
    }
}

fn moment(args: &[Value], index: usize) -> Result<Moment, Error> {
    args.get(index)
        .and_then(as_moment)
        .ok_or_else(|| Error::new("wrong type for value; expected time.Time"))
}

/// Go's `strconv.ParseInt` without its error: 0 for no number, the nearest for one out of range.
fn saturating_integer(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse()
        .unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn bytes(args: &[Value], index: usize) -> &[u8] {
    match args.get(index) {
        Some(Value::Str(text)) => text.as_bytes(),
        _ => &[],
    }
}

fn text(args: &[Value], index: usize) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, index))
}

#[cfg(test)]
mod tests {
    use super::super::called::{call, text};
    use super::*;

    fn check_format(layout: &str, unix: i64, zone: &str, expected: &str) {
        let got = text(
            "dateInZone",
            &[Value::str(layout), Value::int64(unix), Value::str(zone)],
        );
        assert_eq!(got, expected, "{layout} {unix} {zone}");
    }

    fn check_parse(layout: &str, input: &str, expected: &str) {
        assert_eq!(
            text("mustToDate", &[Value::str(layout), Value::str(input)]),
            expected,
            "{layout} {input}"
        );
    }

    fn check(name: &str, args: &[Value], expected: &str) {
        assert_eq!(text(name, args), expected, "{name} {args:?}");
    }

    #[test]
    fn layouts_print_as_gos() {
        check_format(
            "2006-01-02T15:04:05.000Z07:00",
            1600000000,
            "UTC",
            "2020-09-13T12:26:40.000Z",
        );
        check_format(
            "Jan _2 06 002 pm PM 3 03",
            1709210096,
            "America/New_York",
            "Feb 29 24 060 am AM 7 07",
        );
        check_format(
            "Monday January 2, 2006",
            951782400,
            "Local",
            "Tuesday February 29, 2000",
        );
        check_format(
            "Mon Jan 2 15:04:05 MST 2006",
            1718409600,
            "Europe/Berlin",
            "Sat Jun 15 02:00:00 CEST 2024",
        );
        check_format("Month Monday Janx", 0, "UTC", "Month Thursday Janx");
        check_format("_2006 __2 2", 1709210096, "", "_2024  60 29");
        check_format("05.999 05.000 5,99 .9999999999", 0, "UTC", "00 00.000 0 ");
        check_format(
            "-07 -0700 -07:00 -070000 -07:00:00",
            1718409600,
            "Asia/Kolkata",
            "+05 +0530 +05:30 +053000 +05:30:00",
        );
        check_format(
            "Z07 Z0700 Z07:00 Z070000 Z07:00:00",
            1718409600,
            "UTC",
            "Z Z Z Z Z",
        );
        check_format(".0001 .99x .009 ", 0, "UTC", ".0001 x .009 ");
        check_format("MST", 1718409600, "America/Sao_Paulo", "-03");
        check_format("MST", 1718409600, "america/new_york", "UTC");
        check_format("MST", 1718409600, "Nope", "UTC");
        check_format("2006", 99999999999, "UTC", "5138");
        check_format("2006", -99999999999, "UTC", "-1199");
        check_format(
            "2006-01-02T15:04:05.000Z07:00",
            -1,
            "Australia/Lord_Howe",
            "1970-01-01T09:59:59.000+10:00",
        );
        check_format("1 01 4 04 15 3 5", 1709210096, "UTC", "2 02 34 34 12 12 56");
    }

    #[test]
    fn layouts_parse_as_gos() {
        check_parse("2006-01-02", "2021-03-04", "2021-03-04 00:00:00 +0000 UTC");
        check_parse(
            "2006-01-02",
            "2021-02-30",
            "error: parsing time \"2021-02-30\": day out of range",
        );
        check_parse(
            "2006-01-02",
            "2021-02-03x",
            "error: parsing time \"2021-02-03x\": extra text: \"x\"",
        );
        check_parse(
            "2006",
            "x",
            "error: parsing time \"x\" as \"2006\": cannot parse \"x\" as \"2006\"",
        );
        check_parse(
            "2006",
            "12é",
            "error: parsing time \"12\\xc3\\xa9\" as \"2006\": cannot parse \"12\\xc3\\xa9\" as \"2006\"",
        );
        check_parse("06", "68", "2068-01-01 00:00:00 +0000 UTC");
        check_parse("Jan 2 2006", "mar 4 2021", "2021-03-04 00:00:00 +0000 UTC");
        check_parse(
            "Jan 2 2006",
            "Foo 4 2021",
            "error: parsing time \"Foo 4 2021\" as \"Jan 2 2006\": cannot parse \"Foo 4 2021\" as \"Jan\"",
        );
        check_parse(
            "Mon 2006",
            "Xyz 2020",
            "error: parsing time \"Xyz 2020\" as \"Mon 2006\": cannot parse \"Xyz 2020\" as \"Mon\"",
        );
        check_parse(
            "2006-01-02 15:04",
            "2021-03-04 23:60",
            "error: parsing time \"2021-03-04 23:60\": minute out of range",
        );
        check_parse(
            "15:04:05",
            "10:11:61",
            "error: parsing time \"10:11:61\": second out of range",
        );
        check_parse(
            "15:04:05.000",
            "10:11:12.34",
            "error: parsing time \"10:11:12.34\" as \"15:04:05.000\": cannot parse \".34\" as \".000\"",
        );
        check_parse("15:04:05.999", "10:11:12", "0000-01-01 10:11:12 +0000 UTC");
        check_parse("3:04PM", "3:04PM", "0000-01-01 15:04:00 +0000 UTC");
        check_parse(
            "3:04PM",
            "13:04AM",
            "error: parsing time \"13:04AM\": hour out of range",
        );
        check_parse(
            "2006-01-02 15:04 MST",
            "2021-03-04 10:00 CET",
            "2021-03-04 10:00:00 +0000 CET",
        );
        check_parse(
            "2006-01-02 15:04 MST",
            "2021-03-04 10:00 GMT+3",
            "2021-03-04 13:00:00 +0300 GMT+3",
        );
        check_parse(
            "MST",
            "ab",
            "error: parsing time \"ab\" as \"MST\": cannot parse \"ab\" as \"MST\"",
        );
        check_parse("MST", "WITA", "0000-01-01 00:00:00 +0000 WITA");
        check_parse("MST", "+03", "0000-01-01 00:00:00 +0000 +03");
        check_parse(
            "2006-01-02T15:04:05Z07:00",
            "2021-03-04T10:00:00Z",
            "2021-03-04 10:00:00 +0000 UTC",
        );
        check_parse(
            "2006-01-02T15:04:05Z07:00",
            "2021-03-04T10:00:00+00:00",
            "2021-03-04 10:00:00 +0000 UTC",
        );
        check_parse(
            "2006-01-02T15:04:05Z07:00",
            "2021-03-04T10:00:00 02:00",
            "error: parsing time \"2021-03-04T10:00:00 02:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \" 02:00\" as \"Z07:00\"",
        );
        check_parse("-0700", "+0230", "0000-01-01 00:00:00 +0230 +0230");
        check_parse("-07:00:00", "+01:02:03", "0000-01-01 00:00:00 +0102 +0102");
        check_parse(
            "-0700",
            "+0261",
            "error: parsing time \"+0261\": time zone offset minute out of range",
        );
        check_parse("2006 002", "2021 063", "2021-03-04 00:00:00 +0000 UTC");
        check_parse(
            "2006 002",
            "2021 366",
            "error: parsing time \"2021 366\": day-of-year out of range",
        );
        check_parse(
            "2006-01-02 002",
            "2021-03-04 063",
            "2021-03-04 00:00:00 +0000 UTC",
        );
        check_parse(
            "2006-01-02 002",
            "2021-04-04 063",
            "error: parsing time \"2021-04-04 063\": day-of-year does not match month",
        );
        check_parse(
            "_2",
            "  4",
            "error: parsing time \"  4\" as \"_2\": cannot parse \"  4\" as \"_2\"",
        );
        check_parse("2006 01", "2021    02", "2021-02-01 00:00:00 +0000 UTC");
        check_parse(
            "2006",
            "20211",
            "error: parsing time \"20211\": extra text: \"1\"",
        );
        check_parse("2", "0", "error: parsing time \"0\": day out of range");
        check_parse("2006é01", "2021é02", "2021-02-01 00:00:00 +0000 UTC");
        check_parse(
            "\"2006\"",
            "\"x\"",
            "error: parsing time \"\\\"x\\\"\" as \"\\\"2006\\\"\": cannot parse \"x\\\"\" as \"2006\"",
        );
        check_parse(
            "01/02 03:04:05PM '06 -0700",
            "01/02 03:04:05PM '06 -0700",
            "2006-01-02 15:04:05 -0700 -0700",
        );
        check_parse(
            "15",
            "ab",
            "error: parsing time \"ab\" as \"15\": cannot parse \"ab\" as \"15\"",
        );
        check_parse("MST -0700", "CET +0000", "0000-01-01 00:00:00 +0000 CET");
    }

    #[test]
    fn what_is_no_date_counts_as_now() {
        check(
            "date",
            &[Value::str("2006-01-02T15:04:05Z07:00"), Value::str("x")],
            "2020-09-13T12:26:40Z",
        );
        check("date", &[Value::str("2006"), Value::Float(0.0)], "2020");
        check("htmlDate", &[Value::Nil], "2020-09-13");
        check(
            "htmlDateInZone",
            &[Value::int(1_600_000_000), Value::str("Pacific/Kiritimati")],
            "2020-09-14",
        );
        check("ago", &[Value::str("x")], "0s");
        check("ago", &[Value::int(1_599_996_300)], "1h1m40s");
        check(
            "toDate",
            &[Value::str("2006"), Value::str("x")],
            "0001-01-01 00:00:00 +0000 UTC",
        );
    }

    #[test]
    fn dates_move_by_durations() {
        let now = call("now", &[]).unwrap();
        check(
            "dateModify",
            &[Value::str("-1h"), now.clone()],
            "2020-09-13 11:26:40 +0000 UTC m=-3600.000000000",
        );
        check(
            "dateModify",
            &[Value::str("x"), now.clone()],
            "2020-09-13 12:26:40 +0000 UTC m=+0.000000000",
        );
        check(
            "mustDateModify",
            &[Value::str("x"), now.clone()],
            "error: time: invalid duration \"x\"",
        );
        check("unixEpoch", &[now], "1600000000");
    }

    #[test]
    fn durations_round_to_their_greatest_unit() {
        for (input, expected) in [
            ("1h", "60m"),
            ("25h", "1d"),
            ("800h", "1mo"),
            ("10000h", "1y"),
            ("59s", "59s"),
            ("61s", "1m"),
            ("1s", "0s"),
            ("-3h", "3h"),
            ("x", "0s"),
        ] {
            check("durationRound", &[Value::str(input)], expected);
        }
        check("duration", &[Value::str("95")], "1m35s");
        check("duration", &[Value::int64(95)], "1m35s");
        check("duration", &[Value::int(95)], "0s");
        check("duration", &[Value::str("1x")], "0s");
    }

    #[test]
    fn methods_of_a_time_are_gos() {
        let Value::Object(date) =
            call("toDate", &[Value::str("2006-01-02"), Value::str("2020-01-31")]).unwrap()
        else {
            panic!("a date is an object")
        };
        let ints = |numbers: [i64; 3]| numbers.map(Value::int);
        for (args, expected) in [
            ([0, 1, 0], "2020-03-02"),
            ([1, 0, 30], "2021-03-02"),
            ([0, -13, -31], "2018-11-30"),
        ] {
            let Value::Object(moved) = date.call("AddDate", &ints(args)).unwrap() else {
                panic!("still a date")
            };
            let mut out = Vec::new();
            moved.display(&mut out);
            assert!(String::from_utf8(out).unwrap().starts_with(expected), "{args:?}");
        }
        assert!(matches!(
            date.call("YearDay", &[]),
            Ok(Value::Int(31, IntKind::Int))
        ));
        assert!(matches!(
            date.call("Weekday", &[]),
            Ok(Value::Int(5, IntKind::Weekday))
        ));
        assert!(!date.has_method("Zone") && date.field("wall").is_none());
    }
}
