//! The audit log: a chain of lines, of which none can be changed, left out or moved without being found.
//!
//! ```text
//! {"hash":H1,"number":1,"previous":H0,…}   H1 = digest of the line without its hash
//! {"hash":H2,"number":2,"previous":H1,…}
//! ```
//!
//! A line is canonical JSON, so one entry has one text. Whoever can write the whole file can write another whole chain, and cut
//! the end off: that is found by a head that was kept elsewhere. Nothing is written or read here.

mod verify;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use model::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::canonical;
pub use verify::{Broken, How, Verifier, verify};

/// The longest line that is read. A plan is in it by its digest alone, and a reason has 1,024 characters.
pub const MAX_LINE: usize = 64 * 1024;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub time: Timestamp,
    /// Who: a user, a token, or `shipway` itself.
    pub who: String,
    /// What, and on which object: `approve promotion payments/api-1.4.2-production`.
    pub what: String,
    /// The digest of the plan that it was about.
    pub plan: Option<Digest>,
    /// Why, in the words of whoever decided.
    pub why: String,
    /// What came of it: `done`, or why not.
    pub outcome: String,
}

/// A record in its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: u64,
    pub record: Record,
    /// The hash of the entry before.
    pub previous: Digest,
}

/// How far a chain goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last entry; 0 of an empty chain.
    pub number: u64,
    /// Its hash.
    pub hash: Digest,
}

/// A line that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// A line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    number: u64,
    time: String,
    who: String,
    what: String,
    plan: Option<Digest>,
    why: String,
    outcome: String,
    previous: Digest,
    hash: Digest,
}

impl Head {
    /// The head of a chain without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            number: 0,
            hash: Digest::of(b"shipway audit log"),
        }
    }

    /// The head of a chain that ends with a line; `None` if that is no entry.
    #[must_use]
    pub fn after(line: &str) -> Option<Self> {
        Entry::read(line).ok().map(|entry| entry.head())
    }
}

/// As it is printed.
impl FromStr for Head {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, hash) = text.split_once(' ').ok_or(())?;
        Ok(Self {
            number: number.parse().map_err(drop)?,
            hash: hash.parse().map_err(drop)?,
        })
    }
}

/// The entry that follows a head.
#[must_use]
pub fn append(head: &Head, record: Record) -> Entry {
    Entry {
        number: head.number.saturating_add(1),
        record,
        previous: head.hash,
    }
}

/// The hash of an entry: of all it says, and so of all that came before it.
#[must_use]
pub fn hash(entry: &Entry) -> Digest {
    Digest::of(canonical::text(&entry.value()).as_bytes())
}

impl Entry {
    /// The head of a chain that ends with this.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            number: self.number,
            hash: hash(self),
        }
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut value = self.value();
        value["hash"] = hash(self).to_string().into();
        canonical::text(&value)
    }

    /// Reads a line.
    ///
    /// Guarantees: what it returns prints as the line, to the last byte, so there is no second text for an entry.
    pub(crate) fn read(line: &str) -> Result<Self, Unreadable> {
        if line.len() > MAX_LINE {
            return Err(Unreadable);
        }
        let written: Written = serde_json::from_str(line).map_err(|_| Unreadable)?;
        let entry = Self {
            number: written.number,
            record: Record {
                time: written.time.parse().map_err(|_| Unreadable)?,
                who: written.who,
                what: written.what,
                plan: written.plan,
                why: written.why,
                outcome: written.outcome,
            },
            previous: written.previous,
        };
        let is_same = hash(&entry) == written.hash && entry.line() == line;
        is_same.then_some(entry).ok_or(Unreadable)
    }

    fn value(&self) -> Value {
        let record = &self.record;
        json!({
            "number": self.number,
            "time": record.time.to_string(),
            "who": record.who,
            "what": record.what,
            "plan": record.plan.map(|plan| plan.to_string()),
            "why": record.why,
            "outcome": record.outcome,
            "previous": self.previous.to_string(),
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.hash)
    }
}
