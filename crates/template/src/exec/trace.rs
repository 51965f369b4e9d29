//! Where in its file a template wrote what it printed, line by line.
//!
//! ```text
//! text, action, call of the template itself ──mark──► marks ──lines──► for each printed line, the line that wrote it
//! ```
//!
//! Only the template that is executed leaves marks: what `include` and `{{template}}` bring is their action's. Off unless
//! asked for; then a mark is a few bytes for each node.

use crate::tree::{File, NodeId};

/// A place in the printed text from which on something was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// In the printed text.
    at: usize,
    /// In the source.
    position: u32,
    /// Whether the source was copied, so that both go on together.
    is_copy: bool,
}

/// The marks of one template.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Mark>);

impl Marks {
    /// What follows is copied from the source.
    pub(super) fn copy(&mut self, at: usize, position: u32) {
        self.0.push(Mark {
            at,
            position,
            is_copy: true,
        });
    }

    /// What follows is what an action prints.
    pub(super) fn action(&mut self, at: usize, file: &File, id: NodeId) {
        self.0.push(Mark {
            at,
            position: file.positions[id.0 as usize],
            is_copy: false,
        });
    }

    /// For each line of the printed text the line of the source that wrote its first character that is no space, or its
    /// end where there is none.
    pub(super) fn lines(&self, printed: &[u8], source: &[u8]) -> Vec<u32> {
        let breaks: Vec<usize> = memchr::memchr_iter(b'\n', source).collect();
        let line_of = |position: usize| 1 + breaks.partition_point(|at| *at < position) as u32;
        let mut lines = Vec::with_capacity(memchr::memchr_iter(b'\n', printed).count() + 1);
        let mut start = 0;
        let mut mark = 0;
        while start <= printed.len() {
            let end = memchr::memchr(b'\n', &printed[start..]).map_or(printed.len(), |at| start + at);
            let spaces = printed[start..end]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let first = start + spaces;
            // Marks come in the order of the text, and so do lines. Of several at one place the last one wrote.
            while self.0.get(mark + 1).is_some_and(|next| next.at <= first) {
                mark += 1;
            }
            lines.push(match self.0.get(mark) {
                Some(one) if one.is_copy => line_of(one.position as usize + first.saturating_sub(one.at)),
                Some(one) => line_of(one.position as usize),
                None => 1,
            });
            start = end + 1;
        }
        lines
    }
}
