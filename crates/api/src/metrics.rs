//! Numbers as Prometheus reads them: its text format, version 0.0.4.

use std::fmt::Write as _;

use control::desk::Gauges;
use delivery::stats::Measures;

/// One measure of DORA's, by what it is called.
type Measure = (&'static str, &'static str, fn(&Measures) -> Option<f64>);

const MEASURES: &[Measure] = &[
    (
        "shipway_deployments",
        "Changes of production that succeeded in the last 30 days.",
        |one| Some(f64::from(one.deployments)),
    ),
    (
        "shipway_changes",
        "Changes of production that ended in the last 30 days.",
        |one| Some(f64::from(one.changes)),
    ),
    (
        "shipway_change_failures",
        "Changes of production that failed in the last 30 days.",
        |one| Some(f64::from(one.failures)),
    ),
    (
        "shipway_lead_time_median_seconds",
        "From commit to production, in the last 30 days.",
        |one| seconds(one.lead_time.median_seconds),
    ),
    (
        "shipway_lead_time_p90_seconds",
        "From commit to production, in the last 30 days.",
        |one| seconds(one.lead_time.p90_seconds),
    ),
    (
        "shipway_restore_time_median_seconds",
        "From a failure until production was good again, in the last 30 days.",
        |one| seconds(one.restore_time.median_seconds),
    ),
    (
        "shipway_unrestored",
        "Failures of production that are not mended yet.",
        |one| Some(f64::from(one.unrestored)),
    ),
];

/// The whole text.
pub(crate) fn text(gauges: &Gauges) -> String {
    let mut text = String::new();
    head(&mut text, "shipway_applications", "Applications.");
    for (tenant, count) in &gauges.applications {
        line(
            &mut text,
            "shipway_applications",
            &[("tenant", tenant)],
            *count as f64,
        );
    }
    head(&mut text, "shipway_promotions", "Promotions by phase.");
    for ((tenant, phase), count) in &gauges.phases {
        let labels = [("tenant", tenant.as_str()), ("phase", phase.as_str())];
        line(&mut text, "shipway_promotions", &labels, *count as f64);
    }
    head(
        &mut text,
        "shipway_gates_closed",
        "Promotions that wait, by the gate that is closed.",
    );
    for ((tenant, gate), count) in &gauges.gates {
        let labels = [("tenant", tenant.as_str()), ("gate", gate.as_str())];
        line(&mut text, "shipway_gates_closed", &labels, *count as f64);
    }
    for (name, about, measure) in MEASURES {
        head(&mut text, name, about);
        for (application, measures) in gauges.stats.iter().flat_map(|stats| &stats.applications) {
            let (tenant, application) = application.split_once('/').unwrap_or(("", application));
            let labels = [("namespace", tenant), ("application", application)];
            if let Some(value) = measure(measures) {
                line(&mut text, name, &labels, value);
            }
        }
    }
    head(&mut text, "shipway_audit_lines", "Lines of the audit log.");
    line(&mut text, "shipway_audit_lines", &[], gauges.audit as f64);
    text
}

fn seconds(seconds: Option<i64>) -> Option<f64> {
    seconds.map(|seconds| seconds as f64)
}

fn head(text: &mut String, name: &str, about: &str) {
    let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} gauge");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
        .collect();
    let _ = match labels.is_empty() {
        true => writeln!(text, "{name} {value}"),
        false => writeln!(text, "{name}{{{}}} {value}", labels.join(",")),
    };
}

/// A label's value, as the format wants it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_label_stays_in_it() {
        let mut gauges = Gauges::default();
        let key = ("a\"b\\c\nd".to_owned(), "Waiting".to_owned());
        gauges.phases.insert(key, 3);
        let text = text(&gauges);
        let line = "shipway_promotions{tenant=\"a\\\"b\\\\c\\nd\",phase=\"Waiting\"} 3\n";
        assert!(text.contains(line), "{text}");
        let named = |line: &&str| line.starts_with('#') || line.starts_with("shipway_");
        assert!(text.lines().all(|line| named(&line)), "{text}");
    }
}
