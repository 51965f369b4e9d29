//! Where a composer's events come from: the parser, or the tape when an alias or a merge replays a part.
//!
//! Only anchored parts and what a merge needs twice go onto the tape; a document without anchors has none.
//! go-yaml's rule against alias bombs is kept here: the share of events that come from aliases is bounded, ever
//! tighter as a document grows.

use std::collections::HashMap;
use std::ops::Range;

use super::Fault;
use crate::error::Error;
use crate::parse::{Event, Parser};

/// Up to this many events nearly all may come from aliases, and from `MANY` on, one in ten.
const FEW: u32 = 400_000;
const MANY: u32 = 4_000_000;

#[derive(Clone, Debug)]
pub(super) enum Step<'a> {
    Event(Event<'a>),
    /// The number of an anchor.
    Alias(usize),
    End,
}

#[derive(Debug)]
struct Anchor<'a> {
    name: &'a str,
    start: usize,
    /// Nothing while the anchored part is still being read.
    end: Option<usize>,
    mapping: bool,
}

#[derive(Debug)]
struct Replay {
    at: usize,
    end: usize,
    alias: bool,
}

/// A stretch of events that is being kept.
#[derive(Debug)]
pub(super) struct Recording {
    /// The replay it is part of, if it is not read from the parser.
    replay: Option<usize>,
    start: usize,
}

#[derive(Debug)]
pub(super) struct Source<'p, 'a> {
    parser: &'p mut Parser<'a>,
    tape: Vec<Step<'a>>,
    /// How many stretches are being recorded.
    recording: usize,
    depth: usize,
    /// Anchored collections that are open, with their depth.
    open: Vec<(usize, usize)>,
    anchors: Vec<Anchor<'a>>,
    names: HashMap<&'a str, usize>,
    replays: Vec<Replay>,
    decoded: u32,
    aliased: u32,
}

impl<'p, 'a> Source<'p, 'a> {
    pub(super) fn new(parser: &'p mut Parser<'a>) -> Self {
        Self {
            parser,
            tape: Vec::new(),
            recording: 0,
            depth: 0,
            open: Vec::new(),
            anchors: Vec::new(),
            names: HashMap::new(),
            replays: Vec::new(),
            // The document itself counts.
            decoded: 1,
            aliased: 0,
        }
    }

    pub(super) fn next_step(&mut self) -> Result<Step<'a>, Fault> {
        let step = match self.replaying() {
            Some(replay) => {
                let at = replay.at;
                replay.at += 1;
                self.tape[at].clone()
            }
            None => self.read().map_err(Fault::Parse)?,
        };
        self.count(&step)?;
        Ok(step)
    }

    /// Reads to the document's end, for the errors of what follows.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        while !matches!(self.read()?, Step::End) {}
        Ok(())
    }

    pub(super) fn is_mapping(&self, anchor: usize) -> bool {
        self.anchors[anchor].mapping
    }

    /// Lets an anchored part come next.
    pub(super) fn replay_anchor(&mut self, anchor: usize) -> Result<(), Fault> {
        let Anchor { name, start, end, .. } = self.anchors[anchor];
        let Some(end) = end else {
            return Err(Fault::Build(Error::yaml(format_args!(
                "anchor '{name}' value contains itself"
            ))));
        };
        self.replays.push(Replay {
            at: start,
            end,
            alias: true,
        });
        Ok(())
    }

    /// Lets a stretch of the tape come next.
    pub(super) fn replay(&mut self, range: Range<usize>) {
        self.replays.push(Replay {
            at: range.start,
            end: range.end,
            alias: false,
        });
    }

    /// Passes the rest of the collection that was just opened and returns where it stands on the tape, without
    /// its end.
    pub(super) fn skim(&mut self) -> Result<Range<usize>, Fault> {
        let recording = self.begin_recording();
        let mut depth = 1;
        while depth > 0 {
            let step = match self.replaying() {
                Some(replay) => {
                    replay.at += 1;
                    let at = replay.at - 1;
                    &self.tape[at]
                }
                None => &self.read().map_err(Fault::Parse)?,
            };
            depth = nested(depth, step);
            if matches!(step, Step::End) {
                break;
            }
        }
        let mut range = self.end_recording(&recording);
        range.end = range.end.saturating_sub(1).max(range.start);
        Ok(range)
    }

    pub(super) fn begin_recording(&mut self) -> Recording {
        if let Some(replay) = self.replaying() {
            let start = replay.at;
            return Recording {
                replay: Some(self.replays.len() - 1),
                start,
            };
        }
        self.recording += 1;
        Recording {
            replay: None,
            start: self.tape.len(),
        }
    }

    pub(super) fn end_recording(&mut self, recording: &Recording) -> Range<usize> {
        let end = match recording.replay {
            Some(level) => self
                .replays
                .get(level)
                .map_or(recording.start, |replay| replay.at),
            None => {
                self.recording = self.recording.saturating_sub(1);
                self.tape.len()
            }
        };
        recording.start..end
    }

    /// The nodes of a stretch of the tape, one after the other.
    pub(super) fn nodes(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut nodes = Vec::new();
        let mut start = range.start;
        let mut depth = 0;
        for at in range {
            depth = nested(depth, &self.tape[at]);
            if depth == 0 {
                nodes.push(start..at + 1);
                start = at + 1;
            }
        }
        nodes
    }

    pub(super) fn step(&self, at: usize) -> &Step<'a> {
        &self.tape[at]
    }

    /// Where an anchor's part stands on the tape, if it is complete.
    pub(super) fn anchored(&self, anchor: usize) -> Option<Range<usize>> {
        let anchor = &self.anchors[anchor];
        anchor.end.map(|end| anchor.start..end)
    }

    fn replaying(&mut self) -> Option<&mut Replay> {
        while self.replays.last().is_some_and(|replay| replay.at >= replay.end) {
            self.replays.pop();
        }
        self.replays.last_mut()
    }

    fn read(&mut self) -> Result<Step<'a>, Error> {
        let event = self.parser.next_event()?;
        let anchor = match &event {
            Event::Scalar(scalar) => scalar.anchor,
            Event::SequenceStart { anchor } | Event::MappingStart { anchor } => {
                self.depth += 1;
                *anchor
            }
            _ => None,
        };
        let step = match event {
            Event::End => return Ok(Step::End),
            Event::Alias(name) => match self.names.get(name) {
                Some(anchor) => Step::Alias(*anchor),
                None => return Err(Error::yaml(format_args!("unknown anchor '{name}' referenced"))),
            },
            _ => Step::Event(event),
        };
        if let Some(name) = anchor {
            self.begin_anchor(name, &step);
        }
        if self.recording > 0 {
            self.tape.push(step.clone());
        }
        self.end_anchors(&step);
        Ok(step)
    }

    fn begin_anchor(&mut self, name: &'a str, step: &Step<'a>) {
        self.recording += 1;
        let mapping = matches!(step, Step::Event(Event::MappingStart { .. }));
        self.names.insert(name, self.anchors.len());
        let depth = if matches!(step, Step::Event(Event::Scalar(_))) {
            self.depth + 1
        } else {
            self.depth
        };
        self.open.push((depth, self.anchors.len()));
        self.anchors.push(Anchor {
            name,
            start: self.tape.len(),
            end: None,
            mapping,
        });
    }

    /// Ends the anchored part that a step completes.
    fn end_anchors(&mut self, step: &Step<'a>) {
        let depth = match step {
            Step::Event(Event::SequenceEnd | Event::MappingEnd) => {
                self.depth -= 1;
                self.depth + 1
            }
            Step::Event(Event::Scalar(_)) => self.depth + 1,
            _ => return,
        };
        if let Some((_, anchor)) = self.open.pop_if(|(open, _)| *open == depth) {
            self.anchors[anchor].end = Some(self.tape.len());
            self.recording -= 1;
        }
    }

    fn count(&mut self, step: &Step<'a>) -> Result<(), Fault> {
        if matches!(
            step,
            Step::End | Step::Event(Event::SequenceEnd | Event::MappingEnd)
        ) {
            return Ok(());
        }
        self.decoded = self.decoded.saturating_add(1);
        if self.replays.is_empty() || !self.replays.iter().any(|replay| replay.alias) {
            return Ok(());
        }
        self.aliased = self.aliased.saturating_add(1);
        let ratio = f64::from(self.aliased) / f64::from(self.decoded);
        if self.aliased > 100 && self.decoded > 1000 && ratio > allowed_ratio(self.decoded) {
            return Err(Fault::Build(Error::yaml("document contains excessive aliasing")));
        }
        Ok(())
    }
}

fn nested(depth: usize, step: &Step<'_>) -> usize {
    match step {
        Step::Event(Event::SequenceStart { .. } | Event::MappingStart { .. }) => depth + 1,
        Step::Event(Event::SequenceEnd | Event::MappingEnd) => depth.saturating_sub(1),
        _ => depth,
    }
}

fn allowed_ratio(decoded: u32) -> f64 {
    match decoded {
        ..=FEW => 0.99,
        MANY.. => 0.10,
        _ => 0.99 - 0.89 * (f64::from(decoded - FEW) / f64::from(MANY - FEW)),
    }
}
