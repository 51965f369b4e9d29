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

/// Reads a log in pieces, for one that is larger than what should be in memory.
#[derive(Clone, Copy, Debug)]
pub struct Verifier {
    head: Head,
    known: Option<Head>,
    is_known: bool,
}

/// Reads a whole log. With a head that is known from elsewhere, lines cut off at the end are found too; a log that has grown
/// since then is fine.
///
/// # Errors
/// The first line that is wrong.
pub fn verify<'a>(lines: impl IntoIterator<Item = &'a str>, known: Option<&Head>) -> Result<Head, Broken> {
    let mut verifier = Verifier::new(known);
    verifier.read(lines)?;
    verifier.finish()
}

impl Verifier {
    /// At the beginning of a log. `known` is as for [`verify`].
    #[must_use]
    pub fn new(known: Option<&Head>) -> Self {
        Self::after(Head::empty(), known)
    }

    /// Behind lines that were read before, and were whole up to this head.
    ///
    /// Assumptions: `known`, if it is given, is this head or one of a line that is still to be read.
    #[must_use]
    pub fn after(head: Head, known: Option<&Head>) -> Self {
        Self {
            head,
            known: known.copied(),
            is_known: known.is_none_or(|known| *known == head),
        }
    }

    /// Reads the next lines.
    ///
    /// # Errors
    /// The first line that is wrong. One that comes in a later piece counts as missing in this one.
    pub fn read<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> Result<(), Broken> {
        let mut lines = lines.into_iter();
        while let Some(text) = lines.next() {
            let expected = self.head.number + 1;
            let broken = |line, how| Err(Broken { line, how });
            let Ok(entry) = Entry::read(text) else {
                return broken(expected, How::Changed);
            };
            if entry.number < expected {
                return broken(expected, How::Reordered);
            }
            if entry.number > expected {
                let is_elsewhere =
                    lines.any(|text| Entry::read(text).is_ok_and(|one| one.number == expected));
                let how = if is_elsewhere {
                    How::Reordered
                } else {
                    How::Missing
                };
                return broken(expected, how);
            }
            if entry.previous != self.head.hash {
                // The line before is whole in itself, and is not the one that this one followed.
                return broken(expected.max(2) - 1, How::Changed);
            }
            self.head = Head {
                number: entry.number,
                hash: hash(&entry),
            };
            if let Some(known) = self.known.filter(|known| known.number == self.head.number) {
                if known.hash != self.head.hash {
                    return broken(expected, How::Changed);
                }
                self.is_known = true;
            }
        }
        Ok(())
    }

    /// The head after what was read so far.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Ends the log.
    ///
    /// # Errors
    /// Lines are missing at its end.
    pub fn finish(self) -> Result<Head, Broken> {
        match self.is_known {
            true => Ok(self.head),
            false => Err(Broken {
                line: self.head.number + 1,
                how: How::Missing,
            }),
        }
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
