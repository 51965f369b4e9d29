//! Brings a service that was made earlier up to the present template.
//!
//! ```text
//! as it was made ─┐
//! as it is now ───┼─► for each file: nothing, or one action
//! as it would be ─┘    made now
//! ```
//!
//! What a user changed is never lost: a file is replaced only if it is as it was made, merged only if the two changes
//! don't touch, and otherwise left as it is, with the outcome beside it in a file that ends in `.rej`. A file that a user
//! removed stays removed.

use std::collections::{BTreeMap, BTreeSet};

use model::Digest;

use crate::error::Error;
use crate::make::{Files, content};
use crate::merge::{self, Merged, merge};
use crate::record::{RECORD, Record};
use crate::template::Template;

/// What is put beside a file that has a conflict.
const REJECTED: &str = ".rej";

/// What is to be done to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The template that it was made from or last brought up to.
    pub from: String,
    pub to: String,
    /// By path.
    pub changes: Vec<Change>,
    /// The record of it.
    record: String,
}

/// What is to be done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub action: Action,
    /// What it has now, if it is there and text.
    before: Option<String>,
    /// What it, or for a conflict the file beside it, is to have.
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Add,
    /// It is as it was made.
    Replace,
    /// The user's changes and the template's don't touch.
    Merge,
    /// The template has it no more, and it is as it was made.
    Remove,
    /// It stays as it is, and what can't be merged comes into a file beside it.
    Conflict,
    /// The template has it no more, but the user changed it.
    Keep,
    /// The template changed it, but the user removed it.
    StayRemoved,
}

impl Record {
    /// The files that an update looks at.
    pub fn looks_at(&self, present: &Template<'_>) -> BTreeSet<String> {
        let new = content(present, &self.answers).into_keys();
        let paths: BTreeSet<String> = self.files.keys().cloned().chain(new).collect();
        let rejected = paths
            .iter()
            .map(|path| path.clone() + REJECTED)
            .collect::<Vec<_>>();
        paths.into_iter().chain(rejected).collect()
    }
}

impl Update {
    /// Whether there is nothing to do, not even to remember the template's version.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.from == self.to
    }

    pub fn has_conflicts(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.action == Action::Conflict)
    }

    /// Every file to be written (with its text) or removed (without), in this order: an update that is stopped between
    /// any two can be run again.
    pub fn writes(&self) -> Vec<(String, Option<&str>)> {
        let of = |conflict: bool| {
            let changes = self.changes.iter();
            let changes = changes.filter(move |change| (change.action == Action::Conflict) == conflict);
            changes.filter_map(Change::write)
        };
        let record = (RECORD.to_owned(), Some(self.record.as_str()));
        of(false).chain(of(true)).chain([record]).collect()
    }
}

impl Change {
    /// What changes, as `git diff` shows it; empty if nothing does. For a conflict, how the file beside it differs.
    pub fn diff(&self) -> String {
        match self.write() {
            Some((path, after)) => merge::diff((&self.path, &path), self.before.as_deref(), after),
            None => String::new(),
        }
    }

    fn write(&self) -> Option<(String, Option<&str>)> {
        match self.action {
            Action::Add | Action::Replace | Action::Merge | Action::Remove => {
                Some((self.path.clone(), self.after.as_deref()))
            }
            Action::Conflict => Some((self.path.clone() + REJECTED, self.after.as_deref())),
            Action::Keep | Action::StayRemoved => None,
        }
    }
}

impl Action {
    /// The word for it, for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Remove => "remove",
            Self::Conflict => "conflict",
            Self::Keep => "keep",
            Self::StayRemoved => "stay-removed",
        }
    }

    /// Why, in the words of who meets it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Add => "the template has it now",
            Self::Replace => "as it was made",
            Self::Merge => "with what you changed",
            Self::Remove => "the template has it no more",
            Self::Conflict => {
                "you and the template changed the same lines; yours stay, and beside it is a .rej"
            }
            Self::Keep => "the template has it no more, but you changed it",
            Self::StayRemoved => "the template changed it, but you removed it",
        }
    }
}

/// Decides what to do to a service; `now` has those of [`Record::looks_at`] that are there, and the last of `templates`
/// is the present one.
///
/// # Errors
/// A template that is not among those known, and conflicts of an earlier update.
pub fn update(
    templates: &[Template<'_>],
    record: &Record,
    now: &BTreeMap<String, Vec<u8>>,
) -> Result<Update, Error> {
    let unknown = || Error::UnknownTemplate {
        made: record.template.clone(),
        known: templates
            .iter()
            .map(|template| template.version)
            .collect::<Vec<_>>()
            .join(", "),
    };
    let made_from = templates
        .iter()
        .find(|template| template.version == record.template);
    let made_from = made_from.ok_or_else(unknown)?;
    let present = templates.last().ok_or_else(unknown)?;
    let rejected = |path: &&String| path.strip_suffix(REJECTED).is_some();
    let unresolved: Vec<String> = now.keys().filter(rejected).cloned().collect();
    if !unresolved.is_empty() {
        return Err(Error::Unresolved { files: unresolved });
    }

    let base = content(made_from, &record.answers);
    let new = content(present, &record.answers);
    let paths: BTreeSet<&String> = record.files.keys().chain(new.keys()).collect();
    let file = |path: &String| File {
        made: record.files.get(path).copied(),
        base: base.get(path).map(String::as_str),
        mine: now.get(path).map(|bytes| Mine::of(bytes)),
        new: new.get(path).map(String::as_str),
        version: present.version,
    };
    let changes = paths.into_iter().filter_map(|path| file(path).change(path));
    Ok(Update {
        from: record.template.clone(),
        to: present.version.to_owned(),
        changes: changes.collect(),
        record: renewed(record, present, &new).to_text(),
    })
}

fn renewed(record: &Record, present: &Template<'_>, new: &Files) -> Record {
    Record {
        template: present.version.to_owned(),
        answers: record.answers.clone(),
        files: new
            .iter()
            .map(|(path, text)| (path.clone(), Digest::of(text.as_bytes())))
            .collect(),
    }
}

/// A file at the four moments that matter.
struct File<'a> {
    /// Its digest when it was made.
    made: Option<model::Digest>,
    /// What the template of then makes now.
    base: Option<&'a str>,
    mine: Option<Mine>,
    new: Option<&'a str>,
    version: &'a str,
}

/// A file as the user has it.
enum Mine {
    /// With the line ends of the template; git on Windows likes others.
    Text {
        text: String,
        has_crlf: bool,
    },
    Bytes,
}

impl Mine {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text {
                text: text.replace("\r\n", "\n"),
                has_crlf: text.contains("\r\n"),
            },
            Err(_) => Self::Bytes,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Bytes => None,
        }
    }

    /// A text with the line ends that the user's has.
    fn like(&self, text: &str) -> String {
        match self {
            Self::Text { has_crlf: true, .. } => text.replace('\n', "\r\n"),
            _ => text.to_owned(),
        }
    }
}

impl File<'_> {
    fn change(&self, path: &str) -> Option<Change> {
        let (action, after) = self.decide()?;
        let like = |text: String| {
            self.mine
                .as_ref()
                .map_or_else(|| text.clone(), |mine| mine.like(&text))
        };
        let before = self.mine.as_ref().and_then(|mine| Some(mine.like(mine.text()?)));
        Some(Change {
            path: path.to_owned(),
            action,
            before,
            after: after.map(like),
        })
    }

    fn decide(&self) -> Option<(Action, Option<String>)> {
        let made = self.made;
        let is_as_made = |text: &str| made == Some(Digest::of(text.as_bytes()));
        let new = self.new.map(str::to_owned);
        match (&self.mine, self.new) {
            (None, Some(_)) if made.is_none() => Some((Action::Add, new)),
            (None, Some(text)) => (!is_as_made(text)).then_some((Action::StayRemoved, None)),
            (None, None) => None,
            (Some(mine), None) => match mine.text().is_some_and(is_as_made) {
                true => Some((Action::Remove, None)),
                false => Some((Action::Keep, None)),
            },
            (Some(mine), Some(text)) => match mine.text() {
                Some(mine) if mine == text => None,
                Some(mine) if is_as_made(mine) => Some((Action::Replace, new)),
                _ if is_as_made(text) => None,
                Some(mine) => self.merged(mine, text),
                None => Some((Action::Conflict, new)),
            },
        }
    }

    fn merged(&self, mine: &str, new: &str) -> Option<(Action, Option<String>)> {
        // A base that is not what was made would make changes of ours look like changes of the user.
        let base = self
            .base
            .filter(|base| self.made == Some(Digest::of(base.as_bytes())));
        let merged = match base {
            Some(base) => merge(base, mine, new, self.version),
            None => Merged::Conflict(new.to_owned()),
        };
        match merged {
            Merged::Clean(text) if text == mine => None,
            Merged::Clean(text) => Some((Action::Merge, Some(text))),
            Merged::Conflict(text) => Some((Action::Conflict, Some(text))),
        }
    }
}

#[cfg(test)]
mod tests;
