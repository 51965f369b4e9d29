//! Passing simple lines at once, for readers that do not want what is in them.
//!
//! Most of a large manifest is lines of `key: text`, `key:`, `- text` and the bodies of block scalars. They are
//! recognised here without tokens and events, and the scanner is left exactly as it would be behind them.
//! Whatever is not simple beyond doubt is left to the scanner proper, so nothing is accepted or refused here
//! that it would not.

use super::{MAX_DEPTH, Scanner};
use crate::chars::{KEY, TEXT_START, is};

/// Longer keys are left alone; simple keys end at 1,024 characters.
const MAX_KEY: usize = 256;

/// A line's first character that is no space.
#[derive(Clone, Copy)]
struct Mark {
    pos: usize,
    line: u32,
    line_start: usize,
}

/// What stands behind a key.
enum Value {
    /// A scalar or a list of them, which ends before this line.
    Passed(Mark),
    /// Nothing, and this line is deeper.
    Deeper(Mark),
}

impl Scanner<'_> {
    /// Passes pairs of the current block mapping, and mappings in it and around it. May leave as many mappings
    /// as `closable`, and returns how many more are open than before.
    pub(crate) fn skip_pairs(&mut self, closable: usize) -> isize {
        let Some(mut at) = self.begin_lines() else {
            return 0;
        };
        let lowest = -(closable as isize);
        let mut balance = 0;
        // Where a key without a value stands, while it is not certain that a mapping follows.
        let mut unsure = None;
        while at.column() == self.indent {
            match self.pair(at) {
                Some(Value::Passed(next)) => {
                    unsure = None;
                    at = next;
                    while balance > lowest && self.indent > at.column() {
                        self.indent = self.indents.pop().unwrap_or(-1);
                        balance -= 1;
                    }
                }
                Some(Value::Deeper(next)) if self.indents.len() < MAX_DEPTH => {
                    unsure = Some(at);
                    self.indents.push(self.indent);
                    self.indent = next.column();
                    balance += 1;
                    at = next;
                }
                _ => break,
            }
        }
        if let Some(key) = unsure {
            self.indent = self.indents.pop().unwrap_or(-1);
            balance -= 1;
            at = key;
        }
        self.go_to(at);
        balance
    }

    /// Passes scalar items of the current block sequence.
    pub(crate) fn skip_items(&mut self) {
        let Some(at) = self.begin_lines() else { return };
        if at.column() == self.indent && self.is_item(at) {
            let (next, _) = self.items(at);
            self.go_to(next);
        }
    }

    /// The first character of a line of the current block, if the scanner is there and knows nothing beyond.
    fn begin_lines(&mut self) -> Option<Mark> {
        if !self.queue.is_empty() || self.flow_level > 0 || self.odd_breaks || self.bad.is_some() {
            return None;
        }
        self.skip_to_token();
        let here = Mark {
            pos: self.pos,
            line: self.line,
            line_start: self.line_start,
        };
        let fresh = self.simple_key_allowed && !self.keys[0].possible;
        let indented = self.bytes[here.line_start..here.pos]
            .iter()
            .all(|byte| *byte == b' ');
        (fresh && indented).then_some(here)
    }

    fn go_to(&mut self, at: Mark) {
        (self.pos, self.line, self.line_start) = (at.pos, at.line, at.line_start);
    }

    fn pair(&self, at: Mark) -> Option<Value> {
        let rest = &self.bytes[at.pos..];
        if !rest.first()?.is_ascii_alphabetic() {
            return None;
        }
        let length = rest.iter().take(MAX_KEY).position(|byte| !is(*byte, KEY))?;
        if rest[length] != b':' || matches!(&rest[..length], b"null" | b"Null" | b"NULL") {
            return None;
        }
        let end = at.pos + length + 1;
        if self.bytes.get(end) != Some(&b'\n') {
            let next = self.scalar(at, end, self.indent)?;
            return Some(Value::Passed(next));
        }
        let next = self.next_line(at, end)?;
        if next.column() >= self.indent && self.is_item(next) {
            let (next, complete) = self.items(next);
            let outside = complete && next.column() <= self.indent;
            return outside.then_some(Value::Passed(next));
        }
        (next.column() > self.indent).then_some(Value::Deeper(next))
    }

    fn is_item(&self, at: Mark) -> bool {
        self.bytes[at.pos..].starts_with(b"- ")
    }

    /// Passes scalar items at a column, and tells whether those were all of the sequence.
    fn items(&self, first: Mark) -> (Mark, bool) {
        let mut at = first;
        while at.column() == first.column() && self.is_item(at) {
            match self.scalar(at, at.pos + 1, first.column()) {
                Some(next) => at = next,
                None => return (at, false),
            }
        }
        (at, true)
    }

    /// Passes a blank and a scalar behind it in a block at a column. Returns the line behind, which is not
    /// deeper.
    fn scalar(&self, at: Mark, from: usize, column: isize) -> Option<Mark> {
        if self.bytes.get(from) != Some(&b' ') {
            return None;
        }
        let start = from + 1;
        let next = match *self.bytes.get(start)? {
            quote @ (b'"' | b'\'') => self.next_line(at, self.quoted(start + 1, quote)?),
            b'|' | b'>' => self.block(at, start + 1, column),
            first if is(first, TEXT_START) => self.plain(at, start, column),
            _ => None,
        };
        next.filter(|next| next.column() <= column)
    }

    /// Passes a plain scalar on one or more lines, none of them empty.
    fn plain(&self, mut at: Mark, mut start: usize, column: isize) -> Option<Mark> {
        loop {
            let end = start + memchr::memchr(b'\n', &self.bytes[start..])?;
            let text = &self.bytes[start..end];
            let simple = memchr::memchr2_iter(b':', b'#', text).all(|at| match text[at] {
                b'#' => !matches!(text[at - 1], b' ' | b'\t'),
                _ => !matches!(text.get(at + 1), None | Some(b' ' | b'\t')),
            });
            if !simple {
                return None;
            }
            at = self.next_line(at, end)?;
            if at.column() <= column {
                return Some(at);
            }
            start = at.pos;
        }
    }

    /// The end of a quoted scalar that has no escapes and ends its line.
    fn quoted(&self, start: usize, quote: u8) -> Option<usize> {
        let text = &self.bytes[start..];
        let close = memchr::memchr3(quote, b'\n', b'\\', text)?;
        let ends = text[close] == quote && text.get(close + 1) == Some(&b'\n');
        ends.then_some(start + close + 1)
    }

    /// Passes a block scalar whose indentation its first line shows.
    fn block(&self, mut at: Mark, header: usize, column: isize) -> Option<Mark> {
        let chomp = usize::from(matches!(self.bytes.get(header), Some(b'+' | b'-')));
        if self.bytes.get(header + chomp) != Some(&b'\n') {
            return None;
        }
        at = self.line_after(at, header + chomp)?;
        let indent = at.column();
        if indent <= column || matches!(self.bytes[at.pos], b'\n' | b'\t') {
            return None;
        }
        loop {
            if self.bytes[at.pos] != b'\n' {
                if at.column() < indent {
                    return self.begins_simply(at).then_some(at);
                }
                at = self.line_after(at, at.pos + memchr::memchr(b'\n', &self.bytes[at.pos..])?)?;
            } else {
                at = self.line_after(at, at.pos)?;
            }
        }
    }

    /// The next line, if it is neither empty nor a comment nor the last.
    fn next_line(&self, at: Mark, end: usize) -> Option<Mark> {
        self.line_after(at, end).filter(|next| self.begins_simply(*next))
    }

    fn begins_simply(&self, at: Mark) -> bool {
        !matches!(self.bytes[at.pos], b'\n' | b'#' | b'\t')
    }

    /// The line behind a line's end, unless it is the last and nothing but spaces.
    fn line_after(&self, at: Mark, end: usize) -> Option<Mark> {
        let line_start = end + 1;
        let spaces = self.bytes[line_start..].iter().position(|byte| *byte != b' ')?;
        Some(Mark {
            pos: line_start + spaces,
            line: at.line + 1,
            line_start,
        })
    }
}

impl Mark {
    fn column(self) -> isize {
        (self.pos - self.line_start) as isize
    }
}
