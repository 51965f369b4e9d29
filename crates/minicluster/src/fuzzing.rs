//! Ways in for fuzzers, to readers of requests that nobody else may use from outside.
//!
//! Running one must neither panic nor hang, whatever the input; what it answers is of no interest.

use crate::registry::body;
use crate::registry::selector::Selector;
use crate::schema::Table;

/// Label and field selectors, as they stand in a query.
pub fn selectors(labels: &str, fields: &str) {
    for resource in Table::get().resources().iter().take(MANY) {
        let _ = Selector::read(labels, fields, resource);
    }
}

/// A body as JSON and as YAML.
pub fn bodies(bytes: &[u8]) {
    let _ = body::json(bytes);
    let _ = body::yaml(bytes);
}

/// Enough resources to have some with fields of their own; each is read alike.
const MANY: usize = 8;
