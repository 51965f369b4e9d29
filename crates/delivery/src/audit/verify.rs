//! Whether an audit log is whole, and if not, where and how.

use std::fmt;

use model::{Code, Diagnose};

use super::{Entry, Head, hash};

/// The first thing that is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the audit log {how}")]
pub struct Broken {
    /// From 1.
    pub line: u64,
    pub how: How,
}

/// How a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The line is not what was written.
    Changed,
    /// The line that belongs here is nowhere.
    Missing,
    /// The line that belongs here is elsewhere, or this one is here twice.
    Reordered,
}

/// Reads a whole log. With a head that is known from elsewhere, lines cut off at the end are found too; a log that has grown
/// since then is fine.
///
/// # Errors
/// The first line that is wrong.
pub fn verify<'a>(lines: impl IntoIterator<Item = &'a str>, known: Option<&Head>) -> Result<Head, Broken> {
    let mut lines = lines.into_iter();
    let mut head = Head::empty();
    let mut line = 0;
    let mut is_known = known.is_none_or(|known| *known == head);
    while let Some(text) = lines.next() {
        line += 1;
        let broken = |line, how| Err(Broken { line, how });
        let Ok(entry) = Entry::read(text) else {
            return broken(line, How::Changed);
        };
        let expected = head.number + 1;
        if entry.number < expected {
            return broken(line, How::Reordered);
        }
        if entry.number > expected {
            let is_elsewhere = lines.any(|text| Entry::read(text).is_ok_and(|one| one.number == expected));
            let how = if is_elsewhere {
                How::Reordered
            } else {
                How::Missing
            };
            return broken(line, how);
        }
        if entry.previous != head.hash {
            // The line before is whole in itself, and is not the one that this one followed.
            return broken(line.max(2) - 1, How::Changed);
        }
        head = Head {
            number: entry.number,
            hash: hash(&entry),
        };
        if let Some(known) = known.filter(|known| known.number == head.number) {
            if known.hash != head.hash {
                return broken(line, How::Changed);
            }
            is_known = true;
        }
    }
    match is_known {
        true => Ok(head),
        false => Err(Broken {
            line: line + 1,
            how: How::Missing,
        }),
    }
}

impl Diagnose for Broken {
    fn code(&self) -> Code {
        Code::AUDIT_LOG
    }

    fn hint(&self) -> Option<String> {
        Some(
            "the lines before it are whole; hold the log against a copy that was kept elsewhere, from this line on"
                .to_owned(),
        )
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "was changed",
            Self::Missing => "is missing",
            Self::Reordered => "is out of order",
        })
    }
}
