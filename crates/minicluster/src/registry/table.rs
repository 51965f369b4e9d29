//! `Table`: what `kubectl get` prints, computed by the server.
//!
//! ```text
//! stored object ──► columns of its kind (workloads, network, cluster, storage, access) ──► cells
//!               └─► additionalPrinterColumns (custom) ───────────────────────────────────────┘
//! ```
//!
//! Kinds without columns of their own have their name and when they were made. Wide columns are always there; the
//! client hides them.

mod access;
mod cluster;
mod column;
mod custom;
mod network;
mod path;
mod pods;
mod read;
mod storage;
mod workloads;

use serde_json::{Value, json};

use super::catalog::Served;
use super::{reply, world};
use column::{CREATED_AT, Column, Columns, NAME};

/// What kinds without columns of their own have.
const OTHERS: &[Column] = &[NAME, CREATED_AT];

/// Makes the table of some objects. `include` is the option `includeObject`, `columns` is false in a watch after
/// its first event.
pub(super) fn table(
    served: &Served,
    objects: Vec<Value>,
    metadata: &Value,
    (include, columns): (&str, bool),
) -> Value {
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| row(served, object, include))
        .collect();
    let definitions = if columns {
        Value::Array(definitions(served))
    } else {
        Value::Null
    };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// The columns of all kinds that have some.
fn built_in() -> impl Iterator<Item = &'static Columns> {
    let all = [
        workloads::COLUMNS,
        network::COLUMNS,
        cluster::COLUMNS,
        storage::COLUMNS,
        access::COLUMNS,
    ];
    all.into_iter().flatten()
}

fn columns_of(served: &Served) -> &'static [Column] {
    // Versions of one kind have the columns of the stored one, whose paths they name.
    let resource = &served.resource;
    let group = resource
        .storage
        .as_ref()
        .map_or(&resource.group, |(group, _)| group);
    let found = built_in().find(|(known, plural, _)| known == group && *plural == resource.plural);
    found.map_or(OTHERS, |(_, _, columns)| *columns)
}

fn definitions(served: &Served) -> Vec<Value> {
    match &served.custom {
        Some(custom) => custom::definitions(custom),
        None => columns_of(served).iter().map(Column::definition).collect(),
    }
}

fn row(served: &Served, object: Value, include: &str) -> Value {
    let mut row = json!({"cells": cells(served, &object)});
    if served.is("", "pods")
        && let Some(conditions) = pods::ended(&object)
    {
        row["conditions"] = conditions;
    }
    row["object"] = match include {
        "None" => Value::Null,
        "Object" => object,
        _ => reply::metadata(object),
    };
    row
}

fn cells(served: &Served, object: &Value) -> Vec<Value> {
    if let Some(custom) = &served.custom {
        return custom::cells(custom, object);
    }
    // What a table is made of comes as it is stored, whatever version is asked for.
    columns_of(served)
        .iter()
        .map(|column| (column.cell)(object))
        .collect()
}

fn age(object: &Value) -> Value {
    json!(age_of(read::text(&object["metadata"]["creationTimestamp"])))
}

/// How long ago a time was.
fn age_of(time: &str) -> String {
    world::seconds_since(time).map_or_else(|| "<unknown>".to_owned(), duration)
}

/// How long it was from one time to another.
fn between(start: &str, end: &str) -> String {
    match (world::seconds_since(start), world::seconds_since(end)) {
        (Some(start), Some(end)) => duration(start - end),
        _ => String::new(),
    }
}

/// A duration as kubectl prints it: two units while they say something.
fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |first: i64, unit: &str, second: i64, small: &str| match second {
        0 => format!("{first}{unit}"),
        _ => format!("{first}{unit}{second}{small}"),
    };
    match () {
        // A clock that is a little behind is no reason to doubt a time.
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if days < 730 => format!("{days}d"),
        () if days < 2920 => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::catalog::Catalog;
    use crate::schema::Table;

    #[test]
    fn durations_read_as_kubectl_prints_them() {
        for (seconds, expected) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (5, "5s"),
            (119, "119s"),
            (125, "2m5s"),
            (660, "11m"),
            (3 * 3600 + 60, "3h1m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn every_kind_of_columns_is_served_and_every_column_is_described() {
        let catalog = Catalog::new(Table::get(), &[], false, None);
        for (group, plural, columns) in built_in() {
            let served = catalog.all().find(|served| served.is(group, plural));
            assert!(served.is_some(), "{plural}.{group}");
            for column in *columns {
                // A RuntimeClass's handler is looked for where it isn't, by the real server too.
                let described = column.definition()["description"] != json!("") || column.name == "Handler";
                assert!(described, "{plural}: {}", column.name);
            }
        }
    }

    #[test]
    fn an_object_without_anything_has_cells_for_all_columns() {
        let catalog = Catalog::new(Table::get(), &[], false, None);
        for served in catalog.all() {
            let cells = cells(served, &json!({"metadata": {"name": "a"}}));
            assert_eq!(
                cells.len(),
                definitions(served).len(),
                "{}",
                served.resource.plural
            );
        }
    }
}
