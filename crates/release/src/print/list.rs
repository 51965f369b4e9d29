//! `helm list`: which releases, in what order, and how they are printed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Format, table};
use crate::chart::StoredChart;
use crate::record::{Record, Status};

/// Go's `Time.String`.
const STRING_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

const HEADERS: [&str; 7] = [
    "NAME",
    "NAMESPACE",
    "REVISION",
    "UPDATED",
    "STATUS",
    "CHART",
    "APP VERSION",
];

/// Which releases are listed. Names are filtered by whoever has the pattern, before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// None of them means all.
    pub statuses: Vec<Status>,
    pub order: Order,
    pub reverse: bool,
    pub offset: usize,
    /// 0 for all of them; Helm's own default is 256.
    pub max: usize,
}

/// What releases are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Name,
    /// The oldest first.
    Date,
}

/// How releases are printed.
#[derive(Clone, Debug)]
pub struct ListStyle<'a> {
    pub format: Format,
    pub no_headers: bool,
    /// A Go layout.
    pub time_format: Option<&'a str>,
    pub zone: &'a TimeZone,
}

#[derive(Serialize)]
struct Element<'a> {
    name: &'a str,
    namespace: &'a str,
    revision: String,
    updated: String,
    status: &'a str,
    chart: String,
    app_version: &'a str,
}

/// Chooses the newest revision of each release, then those with a status that is asked for. Superseded ones are never
/// the newest: when only they are asked for, all of them are chosen.
#[must_use]
pub fn select<'a>(records: &'a [Record], selection: &Selection) -> Vec<&'a Record> {
    let Selection {
        statuses,
        order,
        reverse,
        offset,
        max,
    } = selection;
    let mut chosen: Vec<&Record> = records.iter().collect();
    if statuses.as_slice() != [Status::Superseded] {
        chosen = newest(&chosen);
    }
    chosen.retain(|record| statuses.is_empty() || statuses.contains(&record.info.status));
    let by_name = |record: &&Record| (record.name.clone(), record.namespace.clone(), record.revision);
    chosen.sort_by_cached_key(by_name);
    if *order == Order::Date {
        chosen.sort_by_key(|record| record.info.last_deployed.map(|time| time.instant().as_second()));
    }
    if *reverse {
        chosen.reverse();
    }
    let max = if *max == 0 { usize::MAX } else { *max };
    chosen.into_iter().skip(*offset).take(max).collect()
}

/// Prints releases.
#[must_use]
pub fn list(records: &[&Record], style: &ListStyle<'_>) -> String {
    let elements: Vec<Element<'_>> = records.iter().map(|record| element(record, style)).collect();
    match style.format {
        Format::Json => super::json(&elements),
        Format::Yaml => super::yaml(&elements),
        Format::Table => {
            let headers = HEADERS.map(str::to_owned).to_vec();
            let headers = (!style.no_headers).then_some(headers);
            let rows: Vec<Vec<String>> = headers.into_iter().chain(elements.into_iter().map(row)).collect();
            table::draw(&rows)
        }
    }
}

/// Prints only the names, for `--short`.
#[must_use]
pub fn names(records: &[&Record], format: Format) -> String {
    let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    match format {
        Format::Json => super::json(&names),
        Format::Yaml => super::yaml(&names),
        Format::Table => names.iter().map(|name| format!("{name}\n")).collect(),
    }
}

fn newest<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    let mut newest: BTreeMap<(&str, &str), &'a Record> = BTreeMap::new();
    for record in records {
        let slot = newest.entry((&record.namespace, &record.name)).or_insert(record);
        if record.revision > slot.revision {
            *slot = record;
        }
    }
    newest.into_values().collect()
}

fn element<'a>(record: &'a Record, style: &ListStyle<'_>) -> Element<'a> {
    let layout = style.time_format.filter(|layout| !layout.is_empty());
    let updated = record.info.last_deployed.map_or_else(
        || "-".to_owned(),
        |time| time.as_written(style.zone, layout.unwrap_or(STRING_LAYOUT)),
    );
    Element {
        name: &record.name,
        namespace: &record.namespace,
        revision: record.revision.to_string(),
        updated,
        status: record.info.status.as_str(),
        chart: StoredChart::label(record.chart.as_ref()),
        app_version: StoredChart::app_version(record.chart.as_ref()),
    }
}

fn row(element: Element<'_>) -> Vec<String> {
    let Element {
        name,
        namespace,
        revision,
        updated,
        status,
        chart,
        app_version,
    } = element;
    vec![
        name.to_owned(),
        namespace.to_owned(),
        revision,
        updated,
        status.to_owned(),
        chart,
        app_version.to_owned(),
    ]
}
