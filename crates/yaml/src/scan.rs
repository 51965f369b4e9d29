//! Text → tokens: indentation, simple keys and the tokens' order, exactly as libyaml's scanner has them.
//!
//! ```text
//! text → Scanner (tokens) → Parser (events) → build (values) | head (the few fields)
//! ```
//!
//! A *simple key* is a node that turns out to be a key when a `:` follows on the same line within 1,024
//! characters; until that is known its token waits in the queue. Scalars are only delimited and checked here;
//! [`crate::decode`] makes their text, for those who want it. Columns are counted in bytes: a column decides
//! something only where nothing but ASCII stands before it on its line.

mod lines;
mod properties;
mod scalar;

use std::collections::VecDeque;

use crate::chars::{BREAK_START, break_len, byte, is, is_blank, is_blankz, is_document_mark};
use crate::decode::Raw;
use crate::error::Error;
use crate::reader::Bad;

/// go-yaml's bound on flow nesting and on indentation levels.
pub(crate) const MAX_DEPTH: usize = 10_000;
/// YAML's bound on the length of a simple key, in characters.
const MAX_SIMPLE_KEY: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    /// The line it starts on, from zero.
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagDirective { handle: &'a str, prefix: String },
    DocumentStart,
    DocumentEnd,
    SequenceStart,
    MappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag { handle: &'a str, suffix: String },
    Scalar(Raw<'a>),
}

/// A place where a simple key may have begun, one per flow level.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// Its token waits in the queue until it is known whether it is a key.
    tracked: bool,
    /// Only a key may stand here, so that its absence is an error.
    required: bool,
    /// The number of its first token.
    token: usize,
    line: u32,
    column: usize,
    pos: usize,
}

#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    line: u32,
    /// Where the line's column 0 is; one before the line for a byte order mark counts as a column.
    line_start: usize,
    /// The current block's column, -1 outside of all blocks.
    indent: isize,
    indents: Vec<isize>,
    flow_level: usize,
    simple_key_allowed: bool,
    keys: Vec<SimpleKey>,
    queue: VecDeque<Token<'a>>,
    /// How many tokens have left the queue.
    taken: usize,
    /// The head of the queue is known not to become a key.
    ready: bool,
    bad: Option<Bad>,
    /// There are line breaks other than LF somewhere.
    odd_breaks: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, bad: Option<Bad>) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            line: 0,
            line_start: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            keys: vec![SimpleKey::default()],
            queue: VecDeque::with_capacity(8),
            taken: 0,
            ready: false,
            bad,
            odd_breaks: has_odd_breaks(text.as_bytes()),
        }
    }

    /// The next token, which stays in the queue.
    pub(crate) fn peek(&mut self) -> Result<&Token<'a>, Error> {
        if !self.ready {
            let filled = self.fill();
            match self.reader_error() {
                Some(error) => return Err(error),
                None => filled?,
            }
        }
        // `fill` only returns with a token in the queue, and the stream's end is never taken.
        self.queue
            .front()
            .ok_or_else(|| Error::yaml("unknown problem parsing YAML content"))
    }

    /// Takes the token that `peek` showed.
    pub(crate) fn take(&mut self) -> Option<Token<'a>> {
        self.ready = false;
        self.taken += 1;
        self.queue.pop_front()
    }

    /// The reader's error, if the scanner has come to what could not be read.
    fn reader_error(&self) -> Option<Error> {
        let bad = self.bad.as_ref()?;
        (self.pos + 1 > bad.from).then(|| bad.error())
    }

    fn fill(&mut self) -> Result<(), Error> {
        while self.queue.is_empty() || self.head_may_be_key()? {
            self.fetch()?;
        }
        self.ready = true;
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Result<bool, Error> {
        // Keys begin at ever later tokens from level to level.
        let level = match self.keys.as_slice() {
            [only] if only.token != self.taken => return Ok(false),
            [_] => 0,
            keys => keys.partition_point(|key| key.token < self.taken),
        };
        let tail = self.keys[level..].iter();
        let candidate = tail
            .take_while(|key| key.token == self.taken)
            .position(|key| key.possible && key.tracked);
        match candidate {
            Some(offset) => self.key_is_valid(level + offset),
            None => Ok(false),
        }
    }

    /// Whether the possible key of a level can still be followed by its `:` here.
    fn key_is_valid(&mut self, level: usize) -> Result<bool, Error> {
        let key = self.keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.line == self.line && self.chars_since(key.pos) <= MAX_SIMPLE_KEY {
            return Ok(true);
        }
        if key.required {
            return self.fail("could not find expected ':'");
        }
        self.keys[level].possible = false;
        Ok(false)
    }

    /// How many characters ago a position was, counted exactly only when it matters.
    fn chars_since(&self, pos: usize) -> usize {
        let bytes = self.pos - pos;
        if bytes <= MAX_SIMPLE_KEY {
            return bytes;
        }
        self.bytes[pos..self.pos]
            .iter()
            .filter(|byte| **byte & 0xC0 != 0x80)
            .count()
    }

    fn save_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let key = SimpleKey {
            possible: true,
            tracked: true,
            required: self.flow_level == 0 && self.indent == self.column() as isize,
            token: self.taken + self.queue.len(),
            line: self.line,
            column: self.column(),
            pos: self.pos,
        };
        if let Some(top) = self.keys.last_mut() {
            *top = key;
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), Error> {
        let Some(top) = self.keys.last_mut() else {
            return Ok(());
        };
        if top.possible && top.required {
            return self.fail("could not find expected ':'");
        }
        top.possible = false;
        Ok(())
    }

    /// Opens a block at a column, if the column is deeper. The token goes `back` places before the queue's end.
    fn roll_indent(&mut self, column: usize, back: usize, token: Token<'a>) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= column as isize {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column as isize;
        if self.indents.len() > MAX_DEPTH {
            return self.fail(&format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.insert(back, token);
        Ok(())
    }

    /// Closes the blocks that are deeper than a column.
    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn insert(&mut self, back: usize, token: Token<'a>) {
        let at = self.queue.len() - back;
        self.queue.insert(at, token);
    }

    fn push(&mut self, kind: Kind<'a>) {
        self.queue.push_back(Token {
            kind,
            line: self.line,
        });
    }

    /// Scans on until at least one more token is in the queue.
    fn fetch(&mut self) -> Result<(), Error> {
        self.skip_to_token();
        self.unroll_indent(self.column() as isize);
        let first = self.at(0);
        if self.pos == self.line_start && matches!(first, b'-' | b'.' | b'%') {
            if first == b'%' {
                return self.fetch_directive();
            }
            if is_document_mark(self.bytes, self.pos) {
                return self.fetch_document_mark(first);
            }
        }
        let flow = self.flow_level > 0;
        match first {
            0 if self.pos >= self.bytes.len() => self.fetch_stream_end(),
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.blankz(1) => self.fetch_block_entry(),
            b'?' if flow || self.blankz(1) => self.fetch_key(),
            b':' if flow || self.blankz(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(first),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !flow => self.fetch_block_scalar(first),
            b'\'' | b'"' => self.fetch_quoted(first),
            b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                self.fail("found character that cannot start any token")
            }
            _ => self.fetch_plain(),
        }
    }

    /// Passes blanks, breaks and comments. A tab may not stand where a simple key may start.
    fn skip_to_token(&mut self) {
        loop {
            // Go means to pass one at every line's start, but only looks at its buffer's.
            if self.pos == 0 && self.bytes.starts_with(b"\xEF\xBB\xBF") {
                self.pos += 3;
                self.line_start = self.pos - 1;
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == b' ' || (tabs && self.at(0) == b'\t') {
                self.pos += 1;
            }
            if self.at(0) == b'#' {
                self.skip_comment();
            }
            if !self.skip_break() {
                return;
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_comment(&mut self) {
        self.pos = self.line_end(self.pos);
    }

    fn fetch_stream_end(&mut self) -> Result<(), Error> {
        if self.column() != 0 {
            self.line += 1;
            self.line_start = self.pos;
        }
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push(Kind::StreamEnd);
        Ok(())
    }

    fn fetch_document_mark(&mut self, first: u8) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push(if first == b'-' {
            Kind::DocumentStart
        } else {
            Kind::DocumentEnd
        });
        self.pos += 3;
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind<'a>) -> Result<(), Error> {
        self.save_key()?;
        self.keys.push(SimpleKey {
            token: self.taken + self.queue.len(),
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return self.fail(&format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.simple_key_allowed = true;
        self.indicator(kind)
    }

    fn fetch_flow_end(&mut self, kind: Kind<'a>) -> Result<(), Error> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.untrack_collection();
        }
        self.simple_key_allowed = false;
        self.indicator(kind)
    }

    /// Go confuses a collection without a key inside of it with the collection's own place as a key, and stops
    /// waiting for its `:`, so that `{}: a` is an error.
    fn untrack_collection(&mut self) {
        let popped = self.keys.pop();
        if let (Some(popped), Some(below)) = (popped, self.keys.last_mut()) {
            below.tracked &= below.token != popped.token;
        }
    }

    fn fetch_flow_entry(&mut self) -> Result<(), Error> {
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.indicator(Kind::FlowEntry)
    }

    /// A `-` in flow context is left to the parser, which refuses it with better words.
    fn fetch_block_entry(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("block sequence entries are not allowed in this context");
            }
            self.roll_indent(
                self.column(),
                0,
                Token {
                    kind: Kind::SequenceStart,
                    line: self.line,
                },
            )?;
        }
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.indicator(Kind::BlockEntry)
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("mapping keys are not allowed in this context");
            }
            self.roll_indent(
                self.column(),
                0,
                Token {
                    kind: Kind::MappingStart,
                    line: self.line,
                },
            )?;
        }
        self.remove_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.indicator(Kind::Key)
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.keys[level];
            // A key whose token is gone already can only be put at the end.
            let (back, shift) = match key.token.checked_sub(self.taken) {
                Some(at) => (self.queue.len() - at, 1),
                None => (0, 0),
            };
            self.insert(
                back,
                Token {
                    kind: Kind::Key,
                    line: key.line,
                },
            );
            self.roll_indent(
                key.column,
                back + shift,
                Token {
                    kind: Kind::MappingStart,
                    line: key.line,
                },
            )?;
            self.keys[level].possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.fail("mapping values are not allowed in this context");
                }
                self.roll_indent(
                    self.column(),
                    0,
                    Token {
                        kind: Kind::MappingStart,
                        line: self.line,
                    },
                )?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.indicator(Kind::Value)
    }

    fn indicator(&mut self, kind: Kind<'a>) -> Result<(), Error> {
        self.push(kind);
        self.pos += 1;
        Ok(())
    }

    /// Where the line that holds a position ends: at its break or at the text's end.
    fn line_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        if !self.odd_breaks {
            return from + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
        let end = (0..rest.len()).find(|&at| is(rest[at], BREAK_START) && break_len(rest, at) > 0);
        from + end.unwrap_or(rest.len())
    }

    fn column(&self) -> usize {
        self.pos - self.line_start
    }

    fn at(&self, offset: usize) -> u8 {
        byte(self.bytes, self.pos + offset)
    }

    fn blankz(&self, offset: usize) -> bool {
        is_blankz(self.bytes, self.pos + offset)
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.at(0)) {
            self.pos += 1;
        }
    }

    /// Passes one line break, if there is one here.
    fn skip_break(&mut self) -> bool {
        let len = break_len(self.bytes, self.pos);
        self.pos += len;
        if len > 0 {
            self.line += 1;
            self.line_start = self.pos;
        }
        len > 0
    }

    fn fail<T>(&self, problem: &str) -> Result<T, Error> {
        Err(Error::scan(self.line, problem))
    }
}

fn has_odd_breaks(bytes: &[u8]) -> bool {
    memchr::memchr(b'\r', bytes).is_some()
        || memchr::memmem::find(bytes, b"\xC2\x85").is_some()
        || memchr::memmem::find(bytes, b"\xE2\x80\xA8").is_some()
        || memchr::memmem::find(bytes, b"\xE2\x80\xA9").is_some()
}
