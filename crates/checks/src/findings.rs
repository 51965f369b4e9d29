//! Collects what checks find, and gives it its lines at the end.

use std::borrow::Cow;

use manifest::finding::shown;
use manifest::{Finding, Placed, Severity};

use crate::check::Check;

/// The index of no object: of the release as such.
pub(crate) const OF_THE_RELEASE: usize = usize::MAX;

/// The findings so far. A place is the index of an object and a JSON pointer in it.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    all: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    check: &'static Check,
    severity: Severity,
    item: usize,
    path: Vec<String>,
    message: String,
}

impl Findings {
    /// Adds a finding.
    pub(crate) fn add(&mut self, check: &'static Check, (item, pointer): (usize, &str), message: String) {
        self.add_as(check, check.severity, (item, pointer), message);
    }

    /// Adds a finding that is less than its check's severity says.
    pub(crate) fn add_as(
        &mut self,
        check: &'static Check,
        severity: Severity,
        (item, pointer): (usize, &str),
        message: String,
    ) {
        let steps = pointer.split('/').filter(|step| !step.is_empty());
        self.all.push(Found {
            check,
            severity,
            item,
            path: steps
                .map(|step| step.replace("~1", "/").replace("~0", "~"))
                .collect(),
            message,
        });
    }

    /// The findings in the order of the objects, each with its line.
    pub(crate) fn placed(mut self, objects: &[Placed<'_>]) -> Vec<Finding> {
        self.all.sort_by_key(|found| found.item);
        let mut placed = Vec::with_capacity(self.all.len());
        for of_one in self.all.chunk_by(|a, b| a.item == b.item) {
            let object = of_one.first().and_then(|found| objects.get(found.item));
            let paths = of_one.iter().map(|found| found.path.as_slice());
            let lines = object.map_or_else(|| vec![0; of_one.len()], |object| object.lines(paths));
            let findings = of_one.iter().zip(lines);
            placed.extend(findings.map(|(found, line)| Finding {
                check: found.check.id,
                severity: found.severity,
                object: object.map_or_else(String::new, |object| object.object.key.to_string()),
                path: shown(&found.path),
                source: object.map_or_else(String::new, |object| object.object.source.clone()),
                line,
                message: found.message.clone(),
                cure: Cow::Borrowed(found.check.cure),
            }));
        }
        placed
    }
}

/// A name that may have been meant, as the end of a message.
pub(crate) fn meant<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates = candidates.into_iter().filter(|candidate| *candidate != name);
    match stdx::nearest(name, candidates) {
        Some(near) => format!("; did you mean {near:?}?"),
        None => String::new(),
    }
}

/// Names as a message lists them; a few stand for many.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    /// As many as a person reads.
    const SHOWN: usize = 6;
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => "none".to_owned(),
        many if many > SHOWN => format!("{}, … ({many} in all)", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
