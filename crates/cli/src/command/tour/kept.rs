//! How far a tour is: kept in the folder after each step, so that one that was stopped goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Problem;
use super::story::Story;

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) outcome: String,
    took_ms: u64,
}

impl Done {
    pub(super) fn new(id: &str, title: &str, outcome: &str, took: Duration) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            outcome: outcome.to_owned(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn took(&self) -> Duration {
        Duration::from_millis(self.took_ms)
    }
}

/// A tour under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The version that the main branch had when it began; empty before that is known.
    pub(super) before: String,
    /// The chart of a person's own that it is about, by name and version.
    #[serde(default)]
    pub(super) chart: Option<(String, String)>,
    pub(super) done: Vec<Done>,
}

impl Kept {
    fn path(folder: &Path) -> PathBuf {
        folder.join("tour.json")
    }

    /// What an earlier run left; a new one if there is none, it can't be read, or is about something else.
    pub(super) fn read(folder: &Path, chart: Option<(String, String)>) -> Self {
        let kept: Option<Self> = crate::command::up::folder::read(&Self::path(folder));
        let new = Self {
            chart,
            ..Self::default()
        };
        kept.filter(|kept| kept.chart == new.chart).unwrap_or(new)
    }

    /// The story, from where it began; none before that is known.
    pub(super) fn story(&self) -> Result<Story, Problem> {
        match (&self.chart, self.before.as_str()) {
            (Some((name, version)), _) => Ok(Story::of_chart(name, version)),
            (None, "") => Ok(Story::none()),
            (None, before) => Story::from(before),
        }
    }

    pub(super) fn is_done(&self, id: &str) -> bool {
        self.done.iter().any(|one| one.id == id)
    }

    /// Keeps it, whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Problem> {
        let path = Self::path(folder);
        let aside = path.with_extension("new");
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let written = std::fs::write(&aside, text).and_then(|()| std::fs::rename(&aside, &path));
        written.map_err(|source| Problem::File {
            doing: "write",
            path,
            source,
        })
    }

    /// Forgets it: the next tour is a new one.
    pub(super) fn forget(folder: &Path) {
        let _ = std::fs::remove_file(Self::path(folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_known_after_a_stop_and_forgotten_at_the_end() {
        let place = tempfile::tempdir().expect("a folder");
        let mut kept = Kept::read(place.path(), None);
        assert_eq!(kept, Kept::default());
        kept.done
            .push(Done::new("merge", "It is merged", "", Duration::from_millis(31)));
        kept.write(place.path()).expect("it is written");
        let read = Kept::read(place.path(), None);
        assert!(read.is_done("merge") && !read.is_done("staging"));
        let other = Kept::read(place.path(), Some(("api".to_owned(), "1.0.0".to_owned())));
        assert!(!other.is_done("merge"), "that is another tour");
        Kept::forget(place.path());
        assert_eq!(Kept::read(place.path(), None), Kept::default());
    }
}
