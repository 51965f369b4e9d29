//! Bringing a chart's defaults, its subcharts' defaults and the values given for them together.
//!
//! ```text
//! given ──► own defaults below ──► for every subchart: globals down, then the same again
//! ```
//!
//! Two modes, as in Helm 4: coalescing removes a key whose null meets a default, merging keeps every null.
//! A null that meets no default, or a null default, stays in both. Values are moved and only what is missing
//! is copied from the defaults, so a call costs one copy of the result at most.
//!
//! One thing looks odd and is Helm's: tables two levels below `global` are one and the same table in a chart
//! and all its subcharts, because Helm copies only the first level on the way down. What one subchart's
//! defaults add there, its parent and its siblings see. `take_back` and `share` imitate that on plain trees.
//!
//! Nesting is bounded by the readers of YAML and JSON, which refuse deeper documents.

use yaml::Value;

use super::{GLOBAL, Map};
use crate::chart::Chart;
use crate::error::Error;
use crate::go_text;
use crate::warning::Warning;

/// The final values of a chart: nulls delete (`CoalesceValues`).
///
/// # Errors
/// When something that is no table stands where a subchart's values belong.
pub fn coalesce(chart: &Chart, given: Map, warnings: &mut Vec<Warning>) -> Result<Map, Error> {
    run(
        chart,
        given,
        Pass {
            keep_nulls: false,
            warnings,
        },
    )
}

/// The same, with every null kept for a later pass (`MergeValues`).
///
/// # Errors
/// As [`coalesce`].
pub fn merge(chart: &Chart, given: Map, warnings: &mut Vec<Warning>) -> Result<Map, Error> {
    run(
        chart,
        given,
        Pass {
            keep_nulls: true,
            warnings,
        },
    )
}

/// Lays `dest` over `src`, keeping every null (`MergeTables`).
pub(crate) fn merge_tables(dest: &mut Map, src: &Map, warnings: &mut Vec<Warning>) {
    let mut pass = Pass {
        keep_nulls: true,
        warnings,
    };
    pass.tables(dest, src, &Path::root(""), true);
}

fn run(chart: &Chart, given: Map, mut pass: Pass<'_>) -> Result<Map, Error> {
    let mut values = pass.chart(chart, given, "")?;
    share(chart, &mut values);
    Ok(values)
}

/// Lays `dest` over `src`; a null over a default deletes it (`CoalesceTables`).
pub fn coalesce_tables(dest: &mut Map, src: &Map) {
    let mut pass = Pass {
        keep_nulls: false,
        warnings: &mut Vec::new(),
    };
    pass.tables(dest, src, &Path::root(""), false);
}

struct Pass<'a> {
    keep_nulls: bool,
    warnings: &'a mut Vec<Warning>,
}

/// A dotted key that is only written out when a warning needs it.
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    key: &'a str,
}

impl Pass<'_> {
    fn chart(&mut self, chart: &Chart, mut values: Map, prefix: &str) -> Result<Map, Error> {
        let path = join(prefix, chart.name());
        self.defaults(chart, &mut values, &path);
        for dependency in chart.dependencies() {
            let mut own = match values.remove(dependency.name()) {
                None => Map::new(),
                Some(Value::Map(own)) => own,
                Some(other) => {
                    return Err(Error::SubchartValues {
                        name: dependency.name().to_owned(),
                        found: go_text::as_bool(&other),
                    });
                }
            };
            self.globals(&mut own, &values, &path);
            let mut own = self.chart(dependency, own, &path)?;
            take_back(&mut values, &mut own);
            values.insert(dependency.name().to_owned(), Value::Map(own));
        }
        Ok(values)
    }

    /// Puts the chart's own defaults below `values`.
    fn defaults(&mut self, chart: &Chart, values: &mut Map, path: &str) {
        for (key, default) in chart.values() {
            let Some(value) = values.get_mut(key) else {
                values.insert(key.clone(), default.clone());
                continue;
            };
            match (value, default) {
                (Value::Null, _) if !self.keep_nulls => {
                    values.remove(key);
                }
                (Value::Map(dest), Value::Map(src)) => {
                    // What is meant for a subchart keeps its nulls: they delete the subchart's own defaults.
                    let keep_nulls = self.keep_nulls || chart.dependency(key).is_some();
                    let root = Path::root(path);
                    self.tables(dest, src, &root.child(key), keep_nulls);
                }
                (Value::Map(_), Value::Null) => {}
                (Value::Map(_), _) => {
                    let text = format!("warning: skipped value for {path}.{key}: Not a table.");
                    self.warnings.push(Warning::info(text));
                }
                _ => {}
            }
        }
    }

    /// Lays `dest` over `src`.
    fn tables(&mut self, dest: &mut Map, src: &Map, path: &Path<'_>, keep_nulls: bool) {
        for (key, below) in src {
            let Some(value) = dest.get_mut(key) else {
                dest.insert(key.clone(), below.clone());
                continue;
            };
            match (value, below) {
                // A null over a default deletes it; a null over a null, or over nothing, stays.
                (Value::Null, Value::Null) => {}
                (Value::Null, _) if keep_nulls => {}
                (Value::Null, _) => {
                    dest.remove(key);
                }
                (Value::Map(dest), Value::Map(src)) => self.tables(dest, src, &path.child(key), keep_nulls),
                (_, Value::Map(_)) => {
                    let (path, below) = (path.child(key), go_text::plain(below));
                    let text = format!("warning: cannot overwrite table with non table for {path} ({below})");
                    self.warnings.push(Warning::info(text));
                }
                (Value::Map(_), below) if *below != Value::Null => {
                    let (path, below) = (path.child(key), go_text::plain(below));
                    let text = format!(
                        "warning: destination for {path} is a table. Ignoring non-table value ({below})"
                    );
                    self.warnings.push(Warning::info(text));
                }
                _ => {}
            }
        }
    }

    /// Hands the globals of `values` down to the values of a subchart.
    fn globals(&mut self, own: &mut Map, values: &Map, path: &str) {
        let mut below = match own.get_mut(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(below)) => std::mem::take(below),
            Some(_) => {
                let text = "warning: skipping globals because destination global is not a table.";
                self.warnings.push(Warning::info(text));
                return;
            }
        };
        match values.get(GLOBAL) {
            None => {}
            Some(Value::Map(above)) => {
                for (key, value) in above {
                    self.global(&mut below, key, value, path);
                }
            }
            Some(_) => {
                let text = "warning: skipping globals because source global is not a table.";
                self.warnings.push(Warning::info(text));
                // Helm leaves the subchart without even an empty table then.
                if let Some(slot) = own.get_mut(GLOBAL) {
                    *slot = Value::Map(below);
                }
                return;
            }
        }
        own.insert(GLOBAL.to_owned(), Value::Map(below));
    }

    fn global(&mut self, below: &mut Map, key: &str, value: &Value, path: &str) {
        match (below.get_mut(key), value) {
            (None, value) => {
                below.insert(key.to_owned(), value.clone());
            }
            (Some(Value::Map(own)), Value::Map(above)) => {
                // The parent's globals win here, the other way round than everywhere else.
                let mut result = above.clone();
                let root = Path::root(path);
                self.tables(&mut result, own, &root.child(key), true);
                *own = result;
            }
            (Some(_), Value::Map(_)) => {
                let text = format!(
                    "Conflict: cannot merge map onto non-map for {}. Skipping.",
                    go_text::quote(key)
                );
                self.warnings.push(Warning::info(text));
            }
            (Some(Value::Map(_)), _) => {
                self.warnings
                    .push(Warning::info(format!("key {key} is table. Skipping")));
            }
            (Some(slot), value) => *slot = value.clone(),
        }
    }
}

/// Moves the tables two levels below `global` from a subchart back to its parent, with what was added.
fn take_back(values: &mut Map, own: &mut Map) {
    each_shared(values, own, |above, below| *above = std::mem::take(below));
}

/// Gives every subchart its copy of the tables that are shared, once all have added to them.
fn share(chart: &Chart, values: &mut Map) {
    for dependency in chart.dependencies() {
        let Some(mut own) = values
            .get_mut(dependency.name())
            .and_then(table_mut)
            .map(std::mem::take)
        else {
            continue;
        };
        each_shared(values, &mut own, |above, below| below.clone_from(above));
        share(dependency, &mut own);
        values.insert(dependency.name().to_owned(), Value::Map(own));
    }
}

/// Calls `each` with every table that a chart and its subchart share, as both have it.
fn each_shared(values: &mut Map, own: &mut Map, mut each: impl FnMut(&mut Map, &mut Map)) {
    let (Some(above), Some(below)) = (
        values.get_mut(GLOBAL).and_then(table_mut),
        own.get_mut(GLOBAL).and_then(table_mut),
    ) else {
        return;
    };
    for (key, above) in above.iter_mut() {
        let (Some(above), Some(below)) = (table_mut(above), below.get_mut(key).and_then(table_mut)) else {
            continue;
        };
        for (key, above) in above.iter_mut() {
            if let (Some(above), Some(below)) = (table_mut(above), below.get_mut(key).and_then(table_mut)) {
                each(above, below);
            }
        }
    }
}

fn table_mut(value: &mut Value) -> Option<&mut Map> {
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

impl<'a> Path<'a> {
    fn root(key: &'a str) -> Self {
        Self { parent: None, key }
    }

    fn child<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path {
            parent: Some(self),
            key,
        }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(parent) = self.parent else {
            return f.write_str(self.key);
        };
        parent.fmt(f)?;
        if parent.parent.is_some() || !parent.key.is_empty() {
            f.write_str(".")?;
        }
        f.write_str(self.key)
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

#[cfg(test)]
mod tests;
