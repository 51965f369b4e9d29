//! When freeze windows are on: days, time zones, clocks that are set forward and back.

use delivery::{Span, Window};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::object;

fn weekly(days: &[&str], from: &str, lasts: &str, zone: &str) -> Window {
    let weekly = json!({"days": days, "from": from, "lasts": lasts, "timeZone": zone});
    window(json!({"reason": "rest", "weekly": weekly}))
}

fn window(spec: Value) -> Window {
    Window::of(object("shipway-system", "rest", spec))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Option<Span> {
    Some(Span {
        from: time(from),
        to: time(to),
    })
}

fn check(window: &Window, now: &str, on: Option<Span>) {
    assert_eq!(window.on(time(now)), on, "{now}");
}

#[test]
fn a_window_is_on_from_its_first_moment_to_the_last_but_not_at_its_end() {
    let once = json!({"from": "2026-12-20T18:00:00+01:00", "to": "2026-12-27T08:00:00+01:00"});
    let once = window(json!({"reason": "rest", "once": once}));
    let on = span("2026-12-20T17:00:00Z", "2026-12-27T07:00:00Z");
    check(&once, "2026-12-20T16:59:59Z", None);
    check(&once, "2026-12-20T17:00:00Z", on);
    check(&once, "2026-12-27T06:59:59Z", on);
    check(&once, "2026-12-27T07:00:00Z", None);
    assert_eq!(once.next(time("2026-01-01T00:00:00Z")), on);
    assert_eq!(once.next(time("2026-12-21T00:00:00Z")), None);
}

#[test]
fn a_weekly_window_follows_the_clocks_of_its_zone() {
    let weekend = weekly(&["Friday"], "17:00", "63h", "Europe/Berlin");
    // In winter Berlin is an hour ahead, in summer two.
    check(
        &weekend,
        "2026-01-17T12:00:00Z",
        span("2026-01-16T16:00:00Z", "2026-01-19T07:00:00Z"),
    );
    check(
        &weekend,
        "2026-07-18T12:00:00Z",
        span("2026-07-17T15:00:00Z", "2026-07-20T06:00:00Z"),
    );
    // The clocks go forward on Sunday, 29 March 2026: 63 hours are 63 hours.
    check(
        &weekend,
        "2026-03-28T12:00:00Z",
        span("2026-03-27T16:00:00Z", "2026-03-30T07:00:00Z"),
    );
    check(&weekend, "2026-01-19T07:00:00Z", None);
    assert_eq!(
        weekend.next(time("2026-01-19T07:00:00Z")),
        span("2026-01-23T16:00:00Z", "2026-01-26T07:00:00Z")
    );
}

#[test]
fn a_time_that_a_day_does_not_have_is_one_that_it_has() {
    // On 29 March 2026 there is no 02:30 in Berlin; on 25 October there are two.
    let night = weekly(&["Sunday"], "02:30", "1h", "Europe/Berlin");
    check(
        &night,
        "2026-03-29T01:30:00Z",
        span("2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"),
    );
    check(
        &night,
        "2026-10-25T00:45:00Z",
        span("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    );
    check(&night, "2026-10-25T01:45:00Z", None);
}

#[test]
fn a_window_of_a_week_is_always_on() {
    let always = weekly(&["Monday"], "00:00", "168h", "Pacific/Auckland");
    for now in ["2026-01-01T00:00:00Z", "2026-02-11T23:59:59Z"] {
        assert!(always.on(time(now)).is_some(), "{now}");
    }
}

#[test]
fn what_can_not_be_read_is_a_mistake() {
    let cases = [
        (
            weekly(&["Monday"], "25:00", "1h", "UTC"),
            r#""25:00" is no time of day, as in 18:00"#,
        ),
        (
            weekly(&["Monday"], "10:00", "1d", "UTC"),
            r#""1d" is no duration"#,
        ),
        (
            weekly(&["Monday"], "10:00", "1h", "Moon/Base"),
            r#"there is no time zone "Moon/Base", as in Europe/Berlin"#,
        ),
        (
            window(json!({"reason": "rest", "once": {"from": "soon", "to": "later"}})),
            r#""soon" or "later" is no time"#,
        ),
        (
            window(json!({"reason": "rest"})),
            "it says neither once nor weekly, or both",
        ),
    ];
    for (window, expected) in cases {
        assert_eq!(window.mistake(), Some(expected));
        assert_eq!(window.on(time("2026-01-05T10:30:00Z")), None);
    }
}

proptest! {
    #[test]
    fn what_is_on_now_holds_now_and_what_is_next_comes_later(
        day in 0..7_usize, hour in 0..24_u8, lasts in 1..=168_u16, zone in 0..4_usize, now in 1_700_000_000..1_900_000_000_i64,
    ) {
        let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][day];
        let zone = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"][zone];
        let window = weekly(&[day], &format!("{hour:02}:30"), &format!("{lasts}h"), zone);
        let now = Timestamp::from_second(now).unwrap();
        if let Some(on) = window.on(now) {
            prop_assert!(on.from <= now && now < on.to);
            prop_assert_eq!(on.to.duration_since(on.from).as_hours(), i64::from(lasts));
        }
        let next = window.next(now).unwrap();
        prop_assert!(next.from > now);
        prop_assert!(next.from.duration_since(now).as_hours() <= 8 * 24);
        prop_assert_eq!(window.on(next.from).map(|one| one.to >= next.to), Some(true));
    }
}
