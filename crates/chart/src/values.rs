//! Values: the tree a chart is rendered with, and where it comes from.
//!
//! ```text
//! -f files, --set… ──user──┐
//! values.yaml of the chart ─┼─coalesce──► the chart's values, its subcharts' values within
//! values.yaml of subcharts ─┘
//! ```
//!
//! Nothing here reads a file: bytes come in. What Helm only prints as a warning is returned as `Warning`s.

pub mod coalesce;
pub mod documents;
pub mod lookup;
pub mod strvals;
pub mod user;

use std::collections::BTreeMap;

use yaml::Value;

pub use coalesce::{coalesce, coalesce_tables, merge};

/// A table of values, in key order.
pub type Map = BTreeMap<String, Value>;

/// The key under which values are handed down to every subchart.
pub const GLOBAL: &str = "global";

/// Lays `over` on `base`: tables are merged, anything else replaces, lists included.
///
/// This is how documents of one file and several `-f` files come together; a null replaces as any value does.
pub fn overlay(base: &mut Map, over: Map) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Map(below)), Value::Map(above)) => overlay(below, above),
            (Some(slot), value) => *slot = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}
