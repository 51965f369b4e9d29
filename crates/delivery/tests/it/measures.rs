//! DORA's measures: what counts, and how times are spread.

use delivery::stats::{Change, Ending, Measures, stats};
use delivery::{Name, Span};
use jiff::{SignedDuration, Timestamp};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000).unwrap() + SignedDuration::from_mins(minutes)
}

fn change(application: &str, ended: i64, brought: &[i64], ending: Ending) -> Change {
    Change {
        application: Name::new("payments", application),
        tenant: "payments".into(),
        stage: "production".into(),
        artifact: "one".into(),
        brought: brought.iter().map(|one| at(*one)).collect(),
        ended: at(ended),
        succeeded: ending == Ending::Good,
        ending,
    }
}

fn measured(history: &[Change], from: i64, to: i64) -> Measures {
    let span = Span {
        from: at(from),
        to: at(to),
    };
    stats(history, span)
        .tenants
        .remove("payments")
        .unwrap_or_default()
}

#[test]
fn what_ended_in_the_time_counts() {
    let history = [
        change("api", 0, &[-10], Ending::Good),
        change("api", 60, &[50, 30], Ending::Good),
        change("web", 1440, &[0], Ending::Good),
    ];
    let one = measured(&history, 0, 1440);
    assert_eq!((one.deployments, one.changes, one.lead_time.count), (2, 2, 3));
    assert!((one.deployments_per_day - 2.0).abs() < 1e-9);
    assert_eq!(one.failure_percent, Some(0.0));
    assert_eq!(measured(&history, 2000, 3000), Measures::default());
    let span = Span {
        from: at(0),
        to: at(2000),
    };
    let by_application = stats(&history, span).applications;
    assert_eq!(by_application[&Name::new("payments", "web")].deployments, 1);
    assert_eq!(by_application[&Name::new("payments", "api")].deployments, 2);
}

#[test]
fn times_are_spread_by_nearest_rank() {
    let brought: Vec<i64> = (1..=10).map(|minutes| 100 - minutes).collect();
    let one = measured(&[change("api", 100, &brought, Ending::Good)], 0, 1440);
    assert_eq!(one.lead_time.median_seconds, Some(5 * 60));
    assert_eq!(one.lead_time.p90_seconds, Some(9 * 60));
    let alone = measured(&[change("api", 100, &[99], Ending::Good)], 0, 1440);
    assert_eq!(alone.lead_time.median_seconds, alone.lead_time.p90_seconds);
    // A commit from a clock that is ahead took no time, and not less.
    let ahead = measured(&[change("api", 100, &[110], Ending::Good)], 0, 1440);
    assert_eq!(ahead.lead_time.median_seconds, Some(0));
}

#[test]
fn failures_count_once_and_are_restored_or_not() {
    let bad = |from: i64, restored: Option<i64>| Ending::Bad {
        from: at(from),
        restored: restored.map(at),
    };
    let history = [
        change("api", 10, &[], Ending::Good),
        change("api", 20, &[], bad(15, Some(25))),
        change("api", 30, &[], bad(28, None)),
        change("web", 40, &[], bad(35, Some(95))),
    ];
    let one = measured(&history, 0, 1440);
    assert_eq!(
        (one.changes, one.failures, one.unrestored, one.deployments),
        (4, 3, 1, 1)
    );
    assert_eq!(one.failure_percent, Some(75.0));
    assert_eq!(one.restore_time.median_seconds, Some(600));
    assert_eq!(one.restore_time.p90_seconds, Some(3600));
}
