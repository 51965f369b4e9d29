//! `Table`: what `kubectl get` prints, computed by the server.
//!
//! Columns of the kinds that people look at most, of every CRD (`additionalPrinterColumns`), and name and age for
//! all others.

mod cells;
mod work;

use serde_json::{Value, json};

use super::catalog::Served;
use super::{reply, world};
use cells::COLUMNS;

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const CREATED_AT: &str = "Created At";

/// A column of a built-in kind.
pub(super) struct Column {
    name: &'static str,
    kind: &'static str,
    priority: u8,
    description: &'static str,
    cell: fn(&Value) -> Value,
}

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
        .map(|object| {
            let cells = row(served, &object);
            match include {
                "None" => json!({"cells": cells, "object": null}),
                "Object" => json!({"cells": cells, "object": object}),
                _ => json!({"cells": cells, "object": reply::metadata(object)}),
            }
        })
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

fn columns_of(served: &Served) -> Option<&'static [Column]> {
    // Versions of one kind have the columns of the stored one, whose paths they name.
    let resource = &served.resource;
    let group = resource
        .storage
        .as_ref()
        .map_or(&resource.group, |(group, _)| group);
    let found = COLUMNS
        .iter()
        .find(|(known, plural, _)| known == group && *plural == resource.plural);
    found
        .filter(|_| served.custom.is_none())
        .map(|(_, _, columns)| *columns)
}

fn definitions(served: &Served) -> Vec<Value> {
    let mut all = vec![definition("Name", ("string", "name"), NAME, 0)];
    let age = || definition("Age", ("string", ""), AGE, 0);
    if let Some(custom) = &served.custom {
        for column in &custom.columns {
            let path = column["jsonPath"].as_str().unwrap_or_default();
            let described = column["description"].as_str().map_or_else(
                || format!("Custom resource definition column (in JSONPath format): {path}"),
                str::to_owned,
            );
            all.push(json!({
                "name": column["name"],
                "type": column["type"],
                "format": column["format"].as_str().unwrap_or_default(),
                "description": described,
                "priority": column["priority"].as_i64().unwrap_or(0),
            }));
        }
        if custom.columns.is_empty() {
            let described =
                "Custom resource definition column (in JSONPath format): .metadata.creationTimestamp";
            all.push(definition("Age", ("date", ""), described, 0));
        }
        return all;
    }
    match columns_of(served) {
        Some(columns) => {
            for column in columns {
                let described = if column.name == "Age" {
                    AGE
                } else {
                    column.description
                };
                all.push(definition(
                    column.name,
                    (column.kind, ""),
                    described,
                    column.priority,
                ));
            }
        }
        None => {
            all.push(definition(CREATED_AT, ("date", ""), AGE, 0));
        }
    }
    if columns_of(served).is_some_and(|columns| columns.iter().all(|column| column.name != "Age")) {
        all.push(age());
    }
    all
}

fn definition(name: &str, (kind, format): (&str, &str), description: &str, priority: u8) -> Value {
    json!({"name": name, "type": kind, "format": format, "description": description, "priority": priority})
}

fn row(served: &Served, object: &Value) -> Vec<Value> {
    let mut cells = vec![object["metadata"]["name"].clone()];
    if let Some(custom) = &served.custom {
        for column in &custom.columns {
            let found = path(object, column["jsonPath"].as_str().unwrap_or_default());
            let cell = found.cloned().unwrap_or_default();
            cells.push(if column["type"] == "date" {
                json!(age_of(cell.as_str().unwrap_or_default()))
            } else {
                cell
            });
        }
        if custom.columns.is_empty() {
            cells.push(age(object));
        }
        return cells;
    }
    match columns_of(served) {
        Some(columns) => {
            cells.extend(columns.iter().map(|column| (column.cell)(object)));
            if columns.iter().all(|column| column.name != "Age") {
                cells.push(age(object));
            }
        }
        None => cells.push(object["metadata"]["creationTimestamp"].clone()),
    }
    cells
}

/// The part of JSONPath that printer columns use: fields, indices, and a filter on one field.
fn path<'a>(object: &'a Value, text: &str) -> Option<&'a Value> {
    let mut found = object;
    let mut rest = text.trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end > 0 {
                found = found.get(&after[..end])?;
            }
            rest = &after[end..];
            continue;
        }
        let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
        found = if let Some(filter) = inside.strip_prefix("?(@.") {
            let (field, value) = filter.trim_end_matches(')').split_once("==")?;
            let wanted = value.trim().trim_matches(['"', '\'']);
            found.as_array()?.iter().find(|one| one[field.trim()] == wanted)?
        } else {
            match inside.parse::<usize>() {
                Ok(index) => found.get(index)?,
                Err(_) => found.get(inside.trim_matches(['"', '\'']))?,
            }
        };
        rest = after;
    }
    Some(found)
}

pub(super) fn age(object: &Value) -> Value {
    json!(age_of(
        object["metadata"]["creationTimestamp"]
            .as_str()
            .unwrap_or_default()
    ))
}

fn age_of(time: &str) -> String {
    match world::seconds_since(time) {
        None => "<unknown>".to_owned(),
        Some(seconds) => duration(seconds.max(0)),
    }
}

/// A duration as kubectl prints it: two units while they say something.
pub(super) fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |first: i64, unit: &str, second: i64, small: &str| match second {
        0 => format!("{first}{unit}"),
        _ => format!("{first}{unit}{second}{small}"),
    };
    match () {
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

    #[test]
    fn durations_read_as_kubectl_prints_them() {
        for (seconds, expected) in [
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
    fn printer_paths_are_followed() {
        let object = json!({"a": {"b": [{"t": "x", "v": 1}]}});
        for (text, expected) in [
            (".a.b[0].v", Some(1)),
            (".a.b[?(@.t==\"x\")].v", Some(1)),
            (".a.c", None),
            ("[", None),
            (".a.b[9]", None),
        ] {
            assert_eq!(path(&object, text).and_then(Value::as_i64), expected, "{text}");
        }
    }
}
