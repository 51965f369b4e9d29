//! From a line of what is printed back to the line of the chart that wrote it.
//!
//! ```text
//! templates ──marks──► Text::lines ─┐
//!                  Rendered::laid ──┴► Origins: printed line ──► file of the chart, line
//! ```

use super::{Rendered, Shown, Text};

/// A place in a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The file, as in `# Source:`.
    pub file: &'a str,
    /// From 1.
    pub line: u32,
}

/// The origins of the lines that [`Rendered::print`] prints.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    documents: Vec<Document>,
}

/// A printed document.
#[derive(Clone, Debug)]
struct Document {
    /// Its first line of text, after `# Source:`, from 1.
    first: usize,
    file: String,
    /// The chart's line of each of its lines.
    lines: Vec<u32>,
}

impl Origins {
    /// The place in the chart that wrote a printed line, counted from 1; of the two lines that the printing puts before a
    /// document, where the document begins. Nothing for a line after all of them, or when the chart was rendered without
    /// a trace.
    #[must_use]
    pub fn of(&self, line: usize) -> Option<Origin<'_>> {
        let after = self.documents.partition_point(|document| document.first <= line);
        let within = after.checked_sub(1).and_then(|at| self.documents[at].at(line));
        within.or_else(|| {
            let next = self.documents.get(after)?;
            next.at(next.first)
        })
    }
}

impl Document {
    fn at(&self, line: usize) -> Option<Origin<'_>> {
        let written = self.lines.get(line - self.first)?;
        Some(Origin {
            file: &self.file,
            line: *written,
        })
    }
}

impl Rendered {
    /// Where the lines come from that [`Rendered::print`] prints for the same `shown`, without its patterns.
    #[must_use]
    pub fn origins(&self, shown: &Shown) -> Origins {
        let (printed, laid) = self.laid(shown);
        let (mut counted, mut line) = (0, 1);
        let documents = laid.into_iter().map(|one| {
            line += memchr::memchr_iter(b'\n', printed.get(counted..one.at).unwrap_or_default()).count();
            counted = one.at;
            Document {
                first: line,
                file: one.source.to_owned(),
                lines: match one.text {
                    Some(text) => text.origins(),
                    // What is not rendered is printed as it is written.
                    None => (1..=lines_of(one.bytes)).collect(),
                },
            }
        });
        Origins {
            documents: documents.collect(),
        }
    }
}

fn lines_of(bytes: &[u8]) -> u32 {
    1 + memchr::memchr_iter(b'\n', bytes).count() as u32
}

impl Text {
    /// The template's line of each of the document's lines.
    fn origins(&self) -> Vec<u32> {
        let Some(lines) = &self.lines else {
            return Vec::new();
        };
        let before = &self.file.as_bytes()[..self.range.start];
        let first = memchr::memchr_iter(b'\n', before).count();
        let count = lines_of(self.as_str().as_bytes()) as usize;
        lines.iter().skip(first).take(count).copied().collect()
    }
}
