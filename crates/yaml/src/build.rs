//! Events → values through a [`Builder`]: aliases, merge keys, and the step to JSON that Helm's library takes.
//!
//! Go builds three trees (nodes, values, JSON) and fails in the first that finds fault; here one pass builds
//! the caller's own values, and an error of a later stage waits until the document is known to be good YAML.
//! Aliased parts are replayed from a tape of their events, so that every use is a value of its own.

mod anchors;
mod scalar;
mod syntax;

use std::borrow::Cow;

use crate::error::Error;
use crate::parse::{Event, Parser, Scalar};
use crate::resolve::Resolved;
use anchors::{Recording, Source, Step};
use scalar::{Key, Typed, is_merge, json_key, not_a_number, resolve_scalar};
use syntax::{go_collection, go_syntax, invalid_key};

/// How deep values may nest. Kubernetes objects stay far below; a tree of this depth can still be dropped and
/// walked by plain recursion on a 2 MiB stack.
pub const MAX_DEPTH: usize = 1_000;

/// Makes a caller's values. Keys come in document order, and of equal ones the last counts.
pub trait Builder {
    type Node;
    fn null(&mut self) -> Self::Node;
    fn bool(&mut self, value: bool) -> Self::Node;
    fn int(&mut self, value: i64) -> Self::Node;
    fn uint(&mut self, value: u64) -> Self::Node;
    fn float(&mut self, value: f64) -> Self::Node;
    fn string(&mut self, value: Cow<'_, str>) -> Self::Node;
    fn sequence(&mut self, items: impl ExactSizeIterator<Item = Self::Node>) -> Self::Node;
    fn mapping<'k>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (Cow<'k, str>, Self::Node)>,
    ) -> Self::Node;
}

/// Builds the first document of a text.
///
/// # Errors
/// In the words of `sigs.k8s.io/yaml`.
pub fn build<B: Builder>(input: &[u8], builder: &mut B) -> Result<B::Node, Error> {
    let reader = crate::reader::Reader::new(input);
    let mut parser = Parser::new(&reader.text, reader.bad.clone());
    let mut composer = Composer::new(&mut parser, builder);
    let node = composer.document()?;
    Ok(node.unwrap_or_else(|| builder.null()))
}

/// A collection that is being read.
#[derive(Debug)]
struct Frame {
    expects: Expects,
    /// Its entries go to the map that merges it.
    merged: bool,
    /// Where its keys and values begin on the composer's stacks.
    keys: usize,
    nodes: usize,
    /// How many maps are still to be merged into it.
    merges: usize,
}

/// What may come next in a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    Item,
    Key,
    Value,
    /// The value of `<<`.
    Merge,
}

/// A key that JSON has no place for; the error also quotes its value, so it waits for that.
#[derive(Debug)]
struct Unsupported {
    key: String,
    depth: usize,
    recording: Recording,
}

#[derive(Debug)]
struct Composer<'p, 'a, 'b, B: Builder> {
    source: Source<'p, 'a>,
    builder: &'b mut B,
    frames: Vec<Frame>,
    keys: Vec<Cow<'a, str>>,
    nodes: Vec<B::Node>,
    unsupported: Option<Unsupported>,
    /// The first error of the step to JSON, which comes after all others.
    convert: Option<Error>,
    /// JSON's own refusal of what is not a number, after even that.
    not_a_number: Option<Error>,
}

impl<'p, 'a, 'b, B: Builder> Composer<'p, 'a, 'b, B> {
    fn new(parser: &'p mut Parser<'a>, builder: &'b mut B) -> Self {
        Self {
            source: Source::new(parser),
            builder,
            frames: Vec::new(),
            keys: Vec::new(),
            nodes: Vec::new(),
            unsupported: None,
            convert: None,
            not_a_number: None,
        }
    }

    /// Builds the document. Nothing if there is none.
    fn document(&mut self) -> Result<Option<B::Node>, Error> {
        let built = self.run();
        if let Err(Fault::Parse(error)) = built {
            return Err(error);
        }
        self.source.finish()?;
        match built {
            Err(Fault::Build(error) | Fault::Parse(error)) => return Err(error),
            Ok(()) => {}
        }
        match self.convert.take().or_else(|| self.not_a_number.take()) {
            Some(error) => Err(error),
            None => Ok(self.nodes.pop()),
        }
    }

    /// Reads one whole node, the document's, or meets the end.
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            match self.source.next_step()? {
                Step::End | Step::Event(Event::Alias(_) | Event::End) => return Ok(()),
                Step::Alias(anchor) => {
                    self.alias(anchor)?;
                    continue;
                }
                Step::Event(Event::Scalar(scalar)) => self.scalar(&scalar)?,
                Step::Event(Event::SequenceStart { .. }) => self.open_sequence()?,
                Step::Event(Event::MappingStart { .. }) => self.open_mapping()?,
                Step::Event(Event::SequenceEnd | Event::MappingEnd) => self.close()?,
            }
            if self.frames.is_empty() {
                return Ok(());
            }
        }
    }

    fn expects(&self) -> Expects {
        self.frames.last().map_or(Expects::Item, |frame| frame.expects)
    }

    fn alias(&mut self, anchor: usize) -> Result<(), Fault> {
        if self.expects() == Expects::Merge && !self.source.is_mapping(anchor) {
            return Err(want_map());
        }
        self.source.replay_anchor(anchor)
    }

    fn open_sequence(&mut self) -> Result<(), Fault> {
        match self.expects() {
            Expects::Key => Err(self.complex_key(false)),
            Expects::Merge => self.merge_sequence(),
            Expects::Item | Expects::Value => self.push(Expects::Item, false),
        }
    }

    fn open_mapping(&mut self) -> Result<(), Fault> {
        match self.expects() {
            Expects::Key => Err(self.complex_key(true)),
            Expects::Merge => self.push(Expects::Key, true),
            Expects::Item | Expects::Value => self.push(Expects::Key, false),
        }
    }

    fn push(&mut self, expects: Expects, merged: bool) -> Result<(), Fault> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(Fault::Build(Error::yaml(format_args!(
                "exceeded max depth of {MAX_DEPTH}"
            ))));
        }
        let (keys, nodes) = match self.frames.last() {
            Some(below) if merged => (below.keys, below.nodes),
            _ => (self.keys.len(), self.nodes.len()),
        };
        self.frames.push(Frame {
            expects,
            merged,
            keys,
            nodes,
            merges: 1,
        });
        Ok(())
    }

    /// The maps of a `<<: [a, b]` are taken from the last to the first, so that the first wins.
    fn merge_sequence(&mut self) -> Result<(), Fault> {
        let rest = self.source.skim()?;
        let items = self.source.nodes(rest);
        for item in items.iter().rev() {
            let is_map = match self.source.step(item.start) {
                Step::Alias(anchor) => self.source.is_mapping(*anchor),
                step => matches!(step, Step::Event(Event::MappingStart { .. })),
            };
            if !is_map {
                return Err(want_map());
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.merges = items.len();
            frame.expects = if items.is_empty() {
                Expects::Key
            } else {
                Expects::Merge
            };
        }
        // What is put on top last is replayed first.
        for item in items {
            self.source.replay(item);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        if frame.merged {
            if let Some(below) = self.frames.last_mut() {
                below.merges = below.merges.saturating_sub(1);
                if below.merges == 0 {
                    (below.expects, below.merges) = (Expects::Key, 1);
                }
            }
            return Ok(());
        }
        let node = if frame.expects == Expects::Item {
            self.builder.sequence(self.nodes.drain(frame.nodes..))
        } else {
            self.builder
                .mapping(self.keys.drain(frame.keys..).zip(self.nodes.drain(frame.nodes..)))
        };
        self.add(node)
    }

    /// Adds a complete value to the collection that is being read.
    fn add(&mut self, node: B::Node) -> Result<(), Fault> {
        self.nodes.push(node);
        if let Some(frame) = self.frames.last_mut()
            && frame.expects == Expects::Value
        {
            frame.expects = Expects::Key;
        }
        match self
            .unsupported
            .take_if(|unsupported| unsupported.depth == self.frames.len())
        {
            Some(unsupported) => self.report(&unsupported),
            None => Ok(()),
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'a>) -> Result<(), Fault> {
        match self.expects() {
            Expects::Key if is_merge(scalar) => {
                self.set_expects(Expects::Merge);
                return Ok(());
            }
            Expects::Key => {
                let key = self.key(scalar)?;
                self.keys.push(key);
                self.set_expects(Expects::Value);
                return Ok(());
            }
            Expects::Merge => return Err(want_map()),
            Expects::Item | Expects::Value => {}
        }
        let text = scalar.raw.text();
        let node = match resolve_scalar(scalar, &text)? {
            Typed::Text(text) => self.builder.string(text),
            Typed::Resolved(Resolved::Null) => self.builder.null(),
            Typed::Resolved(Resolved::Bool(value)) => self.builder.bool(value),
            Typed::Resolved(Resolved::Int(value)) => self.builder.int(value),
            Typed::Resolved(Resolved::Uint(value)) => self.builder.uint(value),
            Typed::Resolved(Resolved::Float(value)) => {
                if !value.is_finite() {
                    self.not_a_number.get_or_insert_with(|| not_a_number(value));
                }
                self.builder.float(value)
            }
            Typed::Resolved(Resolved::Timestamp | Resolved::Str) => self.builder.string(text),
        };
        self.add(node)
    }

    fn set_expects(&mut self, expects: Expects) {
        if let Some(frame) = self.frames.last_mut() {
            frame.expects = expects;
        }
    }

    fn key(&mut self, scalar: &Scalar<'a>) -> Result<Cow<'a, str>, Fault> {
        let text = scalar.raw.text();
        let resolved = match resolve_scalar(scalar, &text)? {
            Typed::Text(text) => return Ok(Cow::Owned(text.into_owned())),
            Typed::Resolved(resolved) => resolved,
        };
        Ok(match json_key(resolved) {
            Key::Text => text,
            Key::Owned(key) => Cow::Owned(key),
            Key::Unsupported(key) => {
                if self.convert.is_none() && self.unsupported.is_none() {
                    let recording = self.source.begin_recording();
                    self.unsupported = Some(Unsupported {
                        key,
                        depth: self.frames.len(),
                        recording,
                    });
                }
                text
            }
        })
    }

    fn report(&mut self, unsupported: &Unsupported) -> Result<(), Fault> {
        let range = self.source.end_recording(&unsupported.recording);
        let value = go_syntax(&self.source, range)?;
        let message = format!("unsupported map key of type: {}, value: {value}", unsupported.key);
        self.convert = Some(Error::convert(message));
        Ok(())
    }

    fn complex_key(&mut self, mapping: bool) -> Fault {
        let quoted = self
            .source
            .skim()
            .and_then(|rest| go_collection(&self.source, mapping, rest));
        quoted.map_or_else(|fault| fault, |key| invalid_key(&key))
    }
}

/// Why building stopped.
#[derive(Debug)]
enum Fault {
    /// Not YAML.
    Parse(Error),
    /// YAML that go-yaml cannot decode. What follows in the document may still fail to parse, and that wins.
    Build(Error),
}

fn want_map() -> Fault {
    Fault::Build(Error::yaml(
        "map merge requires map or sequence of maps as the value",
    ))
}
