//! Records of the real Helm 4.1 and 3.17, and what Helm 4.1 prints of them, held against ours.
//!
//! `tests/recorded/record.sh` made everything below `tests/recorded` from the two charts of our own there.

mod kept;
mod printed;
mod storage;

use std::path::PathBuf;

use release::Record;
use serde_json::Value;

/// A file below `tests/recorded`.
fn recorded(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(path)
}

fn text(path: &str) -> String {
    let path = recorded(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The objects of a file, one a line.
fn objects(path: &str) -> Vec<Value> {
    let text = text(path);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn records(path: &str) -> Vec<Record> {
    let objects = objects(path);
    objects
        .iter()
        .map(|object| release::storage::from_object(object).expect("a record"))
        .collect()
}

fn record(path: &str, name: &str, revision: u32) -> Record {
    let mut all = records(path).into_iter();
    all.find(|record| record.name == name && record.revision.get() == revision)
        .expect("it was recorded")
}
