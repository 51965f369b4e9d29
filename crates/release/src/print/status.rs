//! `helm status`, `helm get all`, and what install and upgrade print in the end.

use std::fmt::Write as _;

use chart::render::HookEvent;
use jiff::tz::TimeZone;

use super::{ANSI_C, Format, get};
use crate::error::Error;
use crate::record::{Record, Time};
use crate::values;

/// The description of a release that was only planned, which is printed in full.
const DRY_RUN: &str = "Dry run complete";

/// How a release is printed.
#[derive(Clone, Copy, Debug)]
pub struct StatusStyle<'a> {
    pub format: Format,
    /// The live objects as tables, `==> v1/Kind` and an empty line about each; empty for none. The other formats print
    /// [`crate::record::Info::resources`].
    pub resources: &'a str,
    pub hide_notes: bool,
    pub zone: &'a TimeZone,
}

/// Prints where a release is.
#[must_use]
pub fn status(record: &Record, style: &StatusStyle<'_>) -> String {
    let without_chart = || Record {
        chart: None,
        config: get::as_go_reads(&record.config),
        ..record.clone()
    };
    match style.format {
        Format::Json => super::json(&without_chart()),
        Format::Yaml => super::yaml(&without_chart()),
        Format::Table => {
            let mut out = head(record, style.zone);
            describe(&mut out, record, style);
            if record.info.description.eq_ignore_ascii_case(DRY_RUN) {
                rendered(&mut out, record);
            }
            if !style.hide_notes {
                closing_notes(&mut out, record);
            }
            out
        }
    }
}

/// Prints all that a record has, as `helm get all` does.
///
/// # Errors
/// A chart in the record that can't be read.
pub fn all(record: &Record, zone: &TimeZone) -> Result<String, Error> {
    let style = StatusStyle {
        format: Format::Table,
        resources: "",
        hide_notes: false,
        zone,
    };
    let mut out = head(record, zone);
    let metadata = record.chart.as_ref().and_then(|chart| chart.metadata.as_ref());
    let (chart, version, app_version) = metadata.map_or(("", "", ""), |metadata| {
        (&*metadata.name, &*metadata.version, &*metadata.app_version)
    });
    let _ = writeln!(
        out,
        "CHART: {chart}\nVERSION: {version}\nAPP_VERSION: {app_version}"
    );
    describe(&mut out, record, &style);
    let _ = writeln!(out, "USER-SUPPLIED VALUES:\n{}", super::yaml(&get::given(record)));
    let computed = values::to_json(&values::all(record)?)?;
    let _ = writeln!(out, "COMPUTED VALUES:\n{}", super::yaml(&computed));
    rendered(&mut out, record);
    closing_notes(&mut out, record);
    Ok(out)
}

fn head(record: &Record, zone: &TimeZone) -> String {
    let mut out = format!("NAME: {}\n", record.name);
    if let Some(time) = record.info.last_deployed {
        let _ = writeln!(out, "LAST DEPLOYED: {}", time.local(zone, ANSI_C));
    }
    let _ = write!(
        out,
        "NAMESPACE: {}\nSTATUS: {}\nREVISION: {}\n",
        record.namespace, record.info.status, record.revision
    );
    out
}

fn describe(out: &mut String, record: &Record, style: &StatusStyle<'_>) {
    let _ = writeln!(out, "DESCRIPTION: {}", record.info.description);
    if !style.resources.is_empty() {
        let _ = writeln!(out, "RESOURCES:\n{}", style.resources);
    }
    let mut tests = record
        .hooks
        .iter()
        .filter(|hook| hook.runs_at(HookEvent::Test))
        .peekable();
    if tests.peek().is_none() {
        out.push_str("TEST SUITE: None\n");
    }
    for test in tests {
        let Some(started) = test.last_run.started_at else {
            continue;
        };
        let time = |time: Option<Time>| {
            time.map_or_else(
                || "Mon Jan  1 00:00:00 0001".to_owned(),
                |time| time.local(style.zone, ANSI_C),
            )
        };
        let _ = writeln!(
            out,
            "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {}\nPhase:          {}",
            test.name,
            time(Some(started)),
            time(test.last_run.completed_at),
            test.last_run.phase.as_str()
        );
    }
}

fn rendered(out: &mut String, record: &Record) {
    let _ = write!(
        out,
        "HOOKS:\n{}MANIFEST:\n{}\n",
        get::hooks(record),
        record.manifest
    );
}

fn closing_notes(out: &mut String, record: &Record) {
    if !record.info.notes.is_empty() {
        let _ = writeln!(out, "NOTES:\n{}", record.info.notes.trim());
    }
}
