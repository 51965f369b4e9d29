//! `helm history`.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{ANSI_C, Format, table};
use crate::chart::StoredChart;
use crate::history::History;
use crate::record::Record;

const HEADERS: [&str; 6] = [
    "REVISION",
    "UPDATED",
    "STATUS",
    "CHART",
    "APP VERSION",
    "DESCRIPTION",
];

/// Go's zero time, which a table shows for a revision that was never deployed.
const NO_TIME_ANSI_C: &str = "Mon Jan  1 00:00:00 0001";

#[derive(Serialize)]
struct Element<'a> {
    revision: u32,
    updated: String,
    status: &'a str,
    chart: String,
    app_version: &'a str,
    description: &'a str,
}

/// Prints the newest `max` revisions, the oldest of them first.
#[must_use]
pub fn history(history: &History, max: usize, format: Format, zone: &TimeZone) -> String {
    let records = history.records();
    let records = &records[records.len().saturating_sub(max)..];
    match format {
        Format::Json => super::json(&elements(records)),
        Format::Yaml => super::yaml(&elements(records)),
        Format::Table => {
            let headers = HEADERS.map(str::to_owned).to_vec();
            let rows = records.iter().map(|record| row(record, zone));
            let rows: Vec<Vec<String>> = std::iter::once(headers).chain(rows).collect();
            table::draw(&rows)
        }
    }
}

fn elements(records: &[Record]) -> Vec<Element<'_>> {
    records.iter().map(element).collect()
}

fn element(record: &Record) -> Element<'_> {
    let updated = record.info.last_deployed;
    Element {
        revision: record.revision.get(),
        updated: updated.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string()),
        status: record.info.status.as_str(),
        chart: StoredChart::label(record.chart.as_ref()),
        app_version: StoredChart::app_version(record.chart.as_ref()),
        description: &record.info.description,
    }
}

fn row(record: &Record, zone: &TimeZone) -> Vec<String> {
    let updated = record.info.last_deployed;
    vec![
        record.revision.to_string(),
        updated.map_or_else(|| NO_TIME_ANSI_C.to_owned(), |time| time.as_written(zone, ANSI_C)),
        record.info.status.to_string(),
        StoredChart::label(record.chart.as_ref()),
        StoredChart::app_version(record.chart.as_ref()).to_owned(),
        record.info.description.clone(),
    ]
}
