//! Tokens → events: the grammar of YAML 1.1, and nothing of what scalars mean.
//!
//! Only the first document of a text is parsed, as `Unmarshal` does. The states are a stack of what to do next,
//! so that depth costs no call stack.

use crate::decode::Raw;
use crate::error::Error;
use crate::reader::Bad;
use crate::scan::{Kind, Scanner};

/// A piece of a document. Comments and the tags of collections are gone.
#[derive(Clone, Debug)]
pub(crate) enum Event<'a> {
    /// A value given by the name of its anchor.
    Alias(&'a str),
    Scalar(Scalar<'a>),
    SequenceStart {
        anchor: Option<&'a str>,
    },
    SequenceEnd,
    MappingStart {
        anchor: Option<&'a str>,
    },
    MappingEnd,
    /// The document is over; what follows in the text is not looked at.
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar<'a> {
    pub(crate) raw: Raw<'a>,
    pub(crate) anchor: Option<&'a str>,
    /// In full, `tag:yaml.org,2002:str` for `!!str`.
    pub(crate) tag: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    DocumentEnd,
    SequenceFirst,
    Sequence,
    /// A sequence at the column of the mapping that holds it.
    Indentless,
    MappingFirst,
    MappingKey,
    MappingValue,
    FlowSequenceFirst,
    FlowSequence,
    /// A pair in a flow sequence, `[a: b]`, is a mapping of its own.
    PairKey,
    PairValue,
    PairEnd,
    FlowMappingFirst,
    FlowMapping,
    FlowValue,
    FlowEmptyValue,
}

/// What may stand where a node is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Block,
    /// In a block mapping, where a sequence need not be indented.
    InMapping,
    Flow,
}

#[derive(Debug)]
pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    states: Vec<State>,
    /// `%TAG` handles and their prefixes, with the two that every document has.
    tags: Vec<(&'a str, String)>,
    started: bool,
}

impl<'a> Parser<'a> {
    /// Parses text that YAML allows: no control characters. [`crate::reader::Reader`] makes sure of that.
    pub(crate) fn new(text: &'a str, bad: Option<Bad>) -> Self {
        Self {
            scanner: Scanner::new(text, bad),
            states: Vec::with_capacity(16),
            tags: Vec::new(),
            started: false,
        }
    }

    /// The next event; `End` again and again when the document is over.
    pub(crate) fn next_event(&mut self) -> Result<Event<'a>, Error> {
        if !self.started {
            self.started = true;
            return self.document_start();
        }
        let Some(state) = self.states.pop() else {
            return Ok(Event::End);
        };
        match state {
            State::DocumentEnd => self.document_end(),
            State::SequenceFirst | State::Sequence => self.sequence(),
            State::Indentless => self.indentless(),
            State::MappingFirst | State::MappingKey => self.mapping_key(),
            State::MappingValue => self.mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence(true),
            State::FlowSequence => self.flow_sequence(false),
            State::PairKey => self.pair_key(),
            State::PairValue => self.pair_value(),
            State::PairEnd => {
                self.scanner.peek()?;
                self.states.push(State::FlowSequence);
                Ok(Event::MappingEnd)
            }
            State::FlowMappingFirst => self.flow_mapping(true),
            State::FlowMapping => self.flow_mapping(false),
            State::FlowValue => self.flow_value(),
            State::FlowEmptyValue => {
                self.scanner.peek()?;
                self.states.push(State::FlowMapping);
                Ok(empty())
            }
        }
    }

    /// Passes what it can without events, if a key or an item of a block collection comes next. May leave as many
    /// mappings as `closable`, and returns how many more are open than before, each of which waits for a key.
    pub(crate) fn skip_lines(&mut self, closable: usize) -> isize {
        match self.states.last() {
            Some(State::MappingKey) => {
                let mappings = self
                    .states
                    .iter()
                    .rev()
                    .take_while(|state| matches!(state, State::MappingKey));
                let balance = self.scanner.skip_pairs(closable.min(mappings.count() - 1));
                let open = self.states.len().saturating_add_signed(balance);
                self.states.resize(open, State::MappingKey);
                balance
            }
            Some(State::Sequence | State::Indentless) => {
                self.scanner.skip_items();
                0
            }
            _ => 0,
        }
    }

    /// The line, from zero, of what comes next.
    pub(crate) fn line(&mut self) -> Result<u32, Error> {
        Ok(self.scanner.peek()?.line)
    }

    fn kind(&mut self) -> Result<&Kind<'a>, Error> {
        Ok(&self.scanner.peek()?.kind)
    }

    fn fail<T>(&mut self, problem: &str) -> Result<T, Error> {
        let line = self.line()?;
        Err(Error::parse(line, problem))
    }

    fn document_start(&mut self) -> Result<Event<'a>, Error> {
        match self.kind()? {
            Kind::StreamEnd => return Ok(Event::End),
            Kind::Version { .. } | Kind::TagDirective { .. } | Kind::DocumentStart => {}
            _ => {
                self.default_tags();
                self.states.push(State::DocumentEnd);
                return self.node(Place::Block);
            }
        }
        self.directives()?;
        if !matches!(self.kind()?, Kind::DocumentStart) {
            return self.fail("did not find expected <document start>");
        }
        self.scanner.take();
        self.states.push(State::DocumentEnd);
        match self.kind()? {
            Kind::Version { .. }
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd => Ok(empty()),
            _ => self.node(Place::Block),
        }
    }

    fn directives(&mut self) -> Result<(), Error> {
        let mut versioned = false;
        loop {
            match self.scanner.peek()?.kind.clone() {
                Kind::Version { .. } if versioned => return self.fail("found duplicate %YAML directive"),
                Kind::Version { major: 1, minor: 1 } => versioned = true,
                Kind::Version { .. } => return self.fail("found incompatible YAML document"),
                Kind::TagDirective { handle, .. } if self.prefix(handle).is_some() => {
                    return self.fail("found duplicate %TAG directive");
                }
                Kind::TagDirective { handle, prefix } => self.tags.push((handle, prefix)),
                _ => break,
            }
            self.scanner.take();
        }
        self.default_tags();
        Ok(())
    }

    fn default_tags(&mut self) {
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if self.prefix(handle).is_none() {
                self.tags.push((handle, prefix.to_owned()));
            }
        }
    }

    fn prefix(&self, handle: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|tag| tag.0 == handle)
            .map(|tag| tag.1.as_str())
    }

    /// Looks at the token behind the document, as Go does, so that a mistake there is found.
    fn document_end(&mut self) -> Result<Event<'a>, Error> {
        self.scanner.peek()?;
        Ok(Event::End)
    }

    fn node(&mut self, place: Place) -> Result<Event<'a>, Error> {
        let (mut anchor, mut tag) = (None, None);
        match self.kind()? {
            Kind::Alias(name) => {
                let name = *name;
                self.scanner.take();
                return Ok(Event::Alias(name));
            }
            Kind::Anchor(_) | Kind::Tag { .. } => (anchor, tag) = self.properties()?,
            _ => {}
        }
        let state = match self.kind()? {
            Kind::Scalar(raw) => {
                let raw = *raw;
                self.scanner.take();
                return Ok(Event::Scalar(Scalar { raw, anchor, tag }));
            }
            Kind::BlockEntry if place == Place::InMapping => State::Indentless,
            Kind::FlowSequenceStart => State::FlowSequenceFirst,
            Kind::FlowMappingStart => State::FlowMappingFirst,
            Kind::SequenceStart if place != Place::Flow => State::SequenceFirst,
            Kind::MappingStart if place != Place::Flow => State::MappingFirst,
            _ if anchor.is_some() || tag.is_some() => {
                return Ok(Event::Scalar(Scalar {
                    raw: Raw::EMPTY,
                    anchor,
                    tag,
                }));
            }
            _ => return self.fail("did not find expected node content"),
        };
        self.states.push(state);
        if !matches!(state, State::Indentless) {
            self.scanner.take();
        }
        Ok(match state {
            State::FlowMappingFirst | State::MappingFirst => Event::MappingStart { anchor },
            _ => Event::SequenceStart { anchor },
        })
    }

    /// Reads an anchor and a tag, in either order, each at most once.
    fn properties(&mut self) -> Result<(Option<&'a str>, Option<Box<str>>), Error> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                Kind::Anchor(name) if anchor.is_none() => anchor = Some(*name),
                Kind::Tag { handle, suffix } if tag.is_none() => {
                    tag = Some((*handle, suffix.clone(), token.line));
                }
                _ => break,
            }
            self.scanner.take();
        }
        let Some((handle, suffix, line)) = tag else {
            return Ok((anchor, None));
        };
        let tag = match (handle, self.prefix(handle)) {
            ("", _) => suffix,
            (_, Some(prefix)) => format!("{prefix}{suffix}"),
            (_, None) => return Err(Error::parse(line, "found undefined tag handle")),
        };
        Ok((anchor, Some(tag.into())))
    }

    fn sequence(&mut self) -> Result<Event<'a>, Error> {
        match self.kind()? {
            Kind::BlockEntry => {
                self.scanner.take();
                self.states.push(State::Sequence);
                match self.kind()? {
                    Kind::BlockEntry | Kind::BlockEnd => Ok(empty()),
                    _ => self.node(Place::Block),
                }
            }
            Kind::BlockEnd => {
                self.scanner.take();
                Ok(Event::SequenceEnd)
            }
            _ => self.fail("did not find expected '-' indicator"),
        }
    }

    fn indentless(&mut self) -> Result<Event<'a>, Error> {
        if !matches!(self.kind()?, Kind::BlockEntry) {
            return Ok(Event::SequenceEnd);
        }
        self.scanner.take();
        self.states.push(State::Indentless);
        match self.kind()? {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => Ok(empty()),
            _ => self.node(Place::Block),
        }
    }

    fn mapping_key(&mut self) -> Result<Event<'a>, Error> {
        match self.kind()? {
            Kind::Key => {
                self.scanner.take();
                self.states.push(State::MappingValue);
                self.node_in_mapping()
            }
            Kind::BlockEnd => {
                self.scanner.take();
                Ok(Event::MappingEnd)
            }
            _ => self.fail("did not find expected key"),
        }
    }

    fn mapping_value(&mut self) -> Result<Event<'a>, Error> {
        self.states.push(State::MappingKey);
        if !matches!(self.kind()?, Kind::Value) {
            return Ok(empty());
        }
        self.scanner.take();
        self.node_in_mapping()
    }

    fn node_in_mapping(&mut self) -> Result<Event<'a>, Error> {
        match self.kind()? {
            Kind::Key | Kind::Value | Kind::BlockEnd => Ok(empty()),
            _ => self.node(Place::InMapping),
        }
    }

    fn flow_sequence(&mut self, first: bool) -> Result<Event<'a>, Error> {
        if !first {
            match self.kind()? {
                Kind::FlowSequenceEnd => {}
                Kind::FlowEntry => {
                    self.scanner.take();
                }
                _ => return self.fail("did not find expected ',' or ']'"),
            }
        }
        match self.kind()? {
            Kind::FlowSequenceEnd => {
                self.scanner.take();
                Ok(Event::SequenceEnd)
            }
            Kind::Key => {
                self.scanner.take();
                self.states.push(State::PairKey);
                Ok(Event::MappingStart { anchor: None })
            }
            _ => {
                self.states.push(State::FlowSequence);
                self.node(Place::Flow)
            }
        }
    }

    /// When the key is missing, Go loses the token that stands in its place.
    fn pair_key(&mut self) -> Result<Event<'a>, Error> {
        self.states.push(State::PairValue);
        match self.kind()? {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                self.scanner.take();
                Ok(empty())
            }
            _ => self.node(Place::Flow),
        }
    }

    fn pair_value(&mut self) -> Result<Event<'a>, Error> {
        self.states.push(State::PairEnd);
        if matches!(self.kind()?, Kind::Value) {
            self.scanner.take();
            if !matches!(self.kind()?, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                return self.node(Place::Flow);
            }
        }
        Ok(empty())
    }

    fn flow_mapping(&mut self, first: bool) -> Result<Event<'a>, Error> {
        if !first {
            match self.kind()? {
                Kind::FlowMappingEnd => {}
                Kind::FlowEntry => {
                    self.scanner.take();
                }
                _ => return self.fail("did not find expected ',' or '}'"),
            }
        }
        match self.kind()? {
            Kind::FlowMappingEnd => {
                self.scanner.take();
                return Ok(Event::MappingEnd);
            }
            Kind::Key => {
                self.scanner.take();
            }
            _ => {
                self.states.push(State::FlowEmptyValue);
                return self.node(Place::Flow);
            }
        }
        self.states.push(State::FlowValue);
        match self.kind()? {
            Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => Ok(empty()),
            _ => self.node(Place::Flow),
        }
    }

    fn flow_value(&mut self) -> Result<Event<'a>, Error> {
        self.states.push(State::FlowMapping);
        if matches!(self.kind()?, Kind::Value) {
            self.scanner.take();
            if !matches!(self.kind()?, Kind::FlowEntry | Kind::FlowMappingEnd) {
                return self.node(Place::Flow);
            }
        }
        Ok(empty())
    }
}

fn empty<'a>() -> Event<'a> {
    Event::Scalar(Scalar {
        raw: Raw::EMPTY,
        anchor: None,
        tag: None,
    })
}
