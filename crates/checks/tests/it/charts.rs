//! What is found in real charts, where their corpus is unpacked in `target/corpus` (as `cargo xtask parity` does) or at
//! `SHIPWAY_CORPUS`: `real-charts.tsv` holds every error and warning over what Helm rendered, by check and chart.
//!
//! Each line of it was looked at in the chart and is true. A new line is a fault of the check until somebody has looked:
//! `UPDATE=1 cargo test -p checks real_charts` writes it, `cargo run -p checks --example survey` tells the places.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use checks::{Context, check};
use golden::Answers;
use manifest::{Severity, read_placed};

use crate::collection::Files;
use crate::mutations::found;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The corpus, if there is one.
fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("SHIPWAY_CORPUS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(HERE).join("../../target/corpus/open"));
    folder.join("golden").is_dir().then_some(folder)
}

/// The rendered files below a folder, by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Errors and warnings with their number, by check and chart.
fn survey(corpus: &Path) -> BTreeMap<(&'static str, String), usize> {
    let context = Context::new("rel", "ns", 35);
    let golden = corpus.join("golden");
    let mut counts = BTreeMap::new();
    for file in files(&golden) {
        let chart = file.parent().unwrap().strip_prefix(&golden).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        // Some charts make what is no object at all.
        let Ok(objects) = read_placed(&text) else { continue };
        let found = check(&objects, &context).into_iter();
        for finding in found.filter(|finding| finding.severity != Severity::Note) {
            let key = (finding.check, chart.display().to_string());
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
}

#[test]
fn nothing_untrue_is_found_in_real_charts() {
    let path = Path::new(HERE).join("tests/real-charts.tsv");
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let ids: Vec<&str> = checks::all().map(|check| check.id).collect();
    for line in held.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        assert!(fields.len() == 3 && ids.contains(&fields[0]), "{line}");
    }
    let Some(corpus) = corpus() else { return };
    let counts = survey(&corpus).into_iter();
    let lines: String = counts
        .map(|((check, chart), count)| format!("{check}\t{chart}\t{count}\n"))
        .collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &lines).unwrap();
        return;
    }
    let new: Vec<&str> = lines.lines().filter(|line| !held.contains(line)).collect();
    let gone: Vec<&str> = held.lines().filter(|line| !lines.contains(line)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "new: {new:#?}\ngone: {gone:#?}"
    );
}

/// The chart that every team begins with is an example: nothing is to be said of it, even where it has to stay up.
#[test]
fn a_service_of_the_golden_path_has_no_errors_and_no_warnings() {
    let answers = Answers::new("web".parse().unwrap(), "pay".parse().unwrap());
    let files: Files = golden::make(golden::latest(), &answers).into_iter().collect();
    for words in ["", "up"] {
        let found = found(&files, &[words.to_owned()]);
        let told: Vec<String> = found
            .iter()
            .filter(|(finding, _)| finding.severity != Severity::Note)
            .map(|(finding, _)| finding.to_string())
            .collect();
        assert_eq!(told, [""; 0], "{words}");
    }
}
