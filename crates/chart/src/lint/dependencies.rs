//! Rules for `dependencies` and `charts/`: each has what the other has.

use super::Linter;
use super::Severity::{Error, Warning};
use crate::dependencies::missing;

pub(super) fn check(linter: &mut Linter) {
    let chart = match linter.load() {
        Ok(chart) => chart,
        Err(failed) => {
            linter.add(Error, "", format!("unable to load chart\n\t{}", failed.chain()));
            return;
        }
    };
    let root = linter.root.display().to_string();
    let is_declared = |name: &str| chart.metadata().dependencies().any(|entry| entry.name == name);
    let undeclared: Vec<&str> = chart
        .dependencies()
        .iter()
        .map(crate::Chart::name)
        .filter(|name| !is_declared(name))
        .collect();
    if !undeclared.is_empty() {
        let message = format!(
            "chart metadata is missing these dependencies: {}",
            undeclared.join(",")
        );
        linter.add(Error, &root, message);
    }
    let missing = missing(&chart);
    if !missing.is_empty() {
        let message = format!(
            "chart directory is missing these dependencies: {}",
            missing.join(",")
        );
        linter.add(Warning, &root, message);
    }
}
