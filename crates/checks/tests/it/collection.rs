//! The collection of mistakes in `tests/mutations`, as its file says them. The tests of `verify` read it with this file too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files of a chart by their paths in it.
pub type Files = BTreeMap<String, String>;

/// A mistake in one place of a good chart, as `mutations.txt` says it.
pub struct Mutation {
    pub name: String,
    pub level: String,
    pub what: String,
    pub chart: String,
    pub file: String,
    pub reported: String,
    pub words: Vec<String>,
    pub replaced: String,
    pub with: String,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/tests/mutations")
}

pub fn mutations() -> Vec<Mutation> {
    let text = std::fs::read_to_string(folder().join("mutations.txt")).unwrap();
    text.split("\n### ").skip(1).map(mutation).collect()
}

fn mutation(section: &str) -> Mutation {
    let (head, body) = section.split_once('\n').unwrap();
    let parts: Vec<&str> = head.split('|').map(str::trim).collect();
    let (level, what) = parts[1].split_once(' ').unwrap();
    let (chart, file) = parts[2].split_once('/').unwrap();
    let marked = |mark: &str| -> String {
        let lines = body.lines().filter_map(|line| line.strip_prefix(mark));
        lines.map(|line| format!("{line}\n")).collect()
    };
    Mutation {
        name: parts[0].to_owned(),
        level: level.to_owned(),
        what: what.to_owned(),
        chart: chart.to_owned(),
        file: file.to_owned(),
        reported: parts[3].to_owned(),
        words: parts[4..].iter().map(|words| (*words).to_owned()).collect(),
        replaced: marked("-"),
        with: marked("+"),
    }
}

pub fn good(chart: &str) -> Files {
    let root = folder().join("charts").join(chart);
    let mut files = Files::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

impl Mutation {
    pub fn apply(&self) -> Files {
        let mut files = good(&self.chart);
        let text = files.entry(self.file.clone()).or_default();
        if self.replaced.is_empty() {
            text.push_str(&self.with);
        } else {
            let times = text.matches(&self.replaced).count();
            assert_eq!(times, 1, "{}: stands {times} times in {}", self.name, self.file);
            *text = text.replace(&self.replaced, &self.with);
        }
        files
    }
}
