//! `shipway new --update`: a service made earlier, brought up to the present template.

use std::path::Path;

use golden::{Change, Record, Update};
use serde::Serialize;

use super::folder;
use crate::Failure;
use crate::console::{Console, Verbosity};

/// What became of it, for the exit code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes {
    pub(super) any: bool,
    pub(super) conflicts: bool,
}

/// An update, for a program.
#[derive(Debug, Serialize)]
struct Report<'a> {
    from: &'a str,
    to: &'a str,
    written: bool,
    changes: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    action: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    diff: String,
}

impl<'a> Row<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            path: &change.path,
            action: change.action.as_str(),
            diff: change.diff(),
        }
    }
}

pub(super) fn run(path: &Path, write: bool, console: &mut Console) -> Result<Changes, Failure> {
    let record = Record::read(&folder::record(path)?)?;
    let now = folder::read_all(path, record.looks_at(golden::latest()))?;
    let update = golden::update(golden::RELEASED, &record, &now)?;
    if write && !update.is_nothing() {
        for (file, text) in update.writes() {
            folder::write(path, &file, text)?;
        }
    }
    report(&update, write, console)?;
    Ok(Changes {
        any: !update.is_nothing(),
        conflicts: update.has_conflicts(),
    })
}

fn report(update: &Update, written: bool, console: &mut Console) -> Result<(), Failure> {
    let report = Report {
        from: &update.from,
        to: &update.to,
        written,
        changes: update.changes.iter().map(Row::of).collect(),
    };
    console.data(&report, || match written {
        true => lines(update),
        false => report.changes.iter().map(|row| row.diff.as_str()).collect(),
    })?;
    console.note(Verbosity::Normal, &said(update, written));
    Ok(())
}

fn lines(update: &Update) -> String {
    let line = |change: &Change| {
        let (path, action) = (&change.path, change.action);
        format!("{:12}  {path}: {}\n", action.as_str(), action.reason())
    };
    update.changes.iter().map(line).collect()
}

fn said(update: &Update, written: bool) -> String {
    let Update {
        from, to, changes, ..
    } = update;
    if update.is_nothing() {
        return format!("nothing to do: the service is as template {to} makes it, beside what you changed");
    }
    let way = match from == to {
        true => format!("template {to}"),
        false => format!("template {from} to {to}"),
    };
    let files = match changes.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    match (written, update.has_conflicts()) {
        (true, true) => format!("{way}: {files}; take over what you want of each .rej, and remove it"),
        (true, false) => format!("{way}: {files}; `git diff` shows it"),
        (false, _) => format!("{}{way}: {files}; `--write` applies it", lines(update)),
    }
}
