//! What `helm list`, `history`, `status` and `get` print, byte for byte as Helm 4.1 does without colours.
//!
//! Texts for the command line to print: nothing here knows a terminal. The machine's time zone is an argument, since
//! Helm prints by it.

mod get;
mod history;
mod list;
mod resources;
mod status;
mod table;

use serde::Serialize;

pub use get::{hooks, manifest, metadata, notes, values};
pub use history::history;
pub use list::{ListStyle, Order, Selection, list, names, select};
pub use resources::resources;
pub use status::{StatusStyle, all, status};

use crate::go_json;

/// How times are printed in tables that have a short one.
const ANSI_C: &str = "Mon Jan _2 15:04:05 2006";

/// `-o`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// JSON in one line.
fn json(value: &impl Serialize) -> String {
    format!("{}\n", go_json::to_string(value))
}

/// YAML as Helm makes it, by way of JSON: keys sorted, whole numbers whole.
fn yaml(value: &impl Serialize) -> String {
    let json = go_json::to_string(value);
    let tree = yaml::read(json.as_bytes(), yaml::Numbers::Kept);
    let text = tree.and_then(|tree| yaml::to_string(&tree));
    // What JSON can hold, YAML can; a depth that the reader refuses is printed as the JSON it is.
    text.unwrap_or_else(|_| format!("{json}\n"))
}
