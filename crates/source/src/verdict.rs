//! What is said of a commit, short: as a commit status on a forge, as a git note elsewhere.
//!
//! A commit can hold several charts, so a note holds several verdicts, each under its context.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Digest;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::ObjectId;

/// Notes are read from a repository that others write to.
pub(crate) const LARGEST_NOTE: usize = 256 * 1024;

/// Contexts in one note; the largest repositories of charts have fewer.
const MOST_CONTEXTS: usize = 2_000;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is being looked at.
    Pending,
    Passed,
    Failed,
    /// It could not be looked at.
    Error,
}

/// What is said of a commit about one chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// One line.
    pub summary: String,
    /// What was found, a line each, with file and line of the chart: what a forge shows in a comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// The highest level that passed: `L1`, `L2`, `L3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The digest of the evidence that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// Where more is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub at: Timestamp,
}

/// The verdicts of a note, by context: `shipway/shop/web`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub verdicts: BTreeMap<String, Verdict>,
}

impl Outcome {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// It was not written by us, or is too large.
    pub fn read(commit: ObjectId, content: &[u8]) -> Result<Self, Error> {
        let refuse = |problem: String| Error::Content {
            what: format!("the note on {commit}"),
            problem,
        };
        if content.len() > LARGEST_NOTE {
            return Err(refuse(format!("has more than {LARGEST_NOTE} bytes")));
        }
        serde_json::from_slice(content)
            .map_err(|error| refuse(format!("was not written by shipway: {error}")))
    }

    /// Puts a verdict in; the oldest goes where there are too many.
    pub fn put(&mut self, context: &str, verdict: Verdict) {
        self.verdicts.insert(context.to_owned(), verdict);
        while self.verdicts.len() > MOST_CONTEXTS {
            let oldest = self.verdicts.iter().min_by_key(|(_, verdict)| verdict.at);
            let Some(oldest) = oldest.map(|(context, _)| context.clone()) else {
                break;
            };
            self.verdicts.remove(&oldest);
        }
    }

    /// The text of the note: JSON with a line for each field, so that `git notes show` is readable.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("verdicts are plain JSON");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let commit: ObjectId = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7".parse().unwrap();
        let verdict = |second: i64| Verdict {
            outcome: Outcome::Passed,
            summary: "2 stages".into(),
            findings: Vec::new(),
            level: Some("L2".into()),
            evidence: None,
            url: None,
            at: Timestamp::from_second(second).unwrap(),
        };
        let mut note = Note::default();
        for index in 0..2_002 {
            note.put(&format!("shipway/{index}"), verdict(index));
        }
        assert_eq!(note.verdicts.len(), MOST_CONTEXTS);
        assert!(!note.verdicts.contains_key("shipway/1"));
        let mut note = Note::default();
        note.put("shipway/a", verdict(0));
        assert_eq!(Note::read(commit, note.text().as_bytes()).unwrap(), note);
        assert!(Note::read(commit, b"a note of somebody else").is_err());
        assert!(Note::read(commit, &vec![b' '; LARGEST_NOTE + 1]).is_err());
    }
}
