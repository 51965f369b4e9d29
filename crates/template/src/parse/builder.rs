//! Collects the nodes of a file, and knows which variables are visible.
//!
//! Children are pushed on a stack while their parent is parsed and sealed into a range when it is complete, so
//! that a list of children is one slice.

use std::collections::HashMap;
use std::sync::Arc;

use crate::tree::{File, Node, NodeId, Number, Quoted, Seq, UNDEFINED};

pub(super) struct Builder<'a> {
    source: &'a [u8],
    nodes: Vec<Node>,
    positions: Vec<u32>,
    links: Vec<NodeId>,
    names: Vec<Box<str>>,
    strings: Vec<Quoted>,
    numbers: Vec<Number>,
    /// Children of the lists that are still open.
    open: Vec<NodeId>,
}

/// The variables of one template. Every question is answered in constant time, however many there are.
pub(super) struct Scope<'a> {
    /// What was declared, in order, to be undone at the end of a control structure.
    declared: Vec<Declared<'a>>,
    names: HashMap<&'a [u8], Name>,
    /// How many are alive here, which is the slot of the next one.
    alive: u16,
    slots: u16,
    /// How many `range` surround this place.
    pub(super) range_depth: u32,
    /// How many parentheses do.
    pub(super) paren_depth: u32,
    /// How many control structures do.
    pub(super) block_depth: u32,
}

struct Declared<'a> {
    name: &'a [u8],
    has_slot: bool,
}

#[derive(Default)]
struct Name {
    /// How many declarations make it visible to Go's parser, with a value or without.
    declarations: u32,
    /// The slots of those that have a value here, the innermost last.
    slots: Vec<u16>,
}

/// What to return to at the end of a control structure.
#[derive(Clone, Copy)]
pub(super) struct ScopeMark {
    declared: usize,
    alive: u16,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        let expected = source.len() / 16;
        Self {
            source,
            nodes: Vec::with_capacity(expected),
            positions: Vec::with_capacity(expected),
            links: Vec::with_capacity(expected),
            names: Vec::new(),
            strings: Vec::new(),
            numbers: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn finish(self, name: Arc<str>) -> File {
        File {
            name,
            source: self.source.into(),
            nodes: self.nodes,
            positions: self.positions,
            links: self.links,
            names: self.names,
            strings: self.strings,
            numbers: self.numbers,
        }
    }

    pub(super) fn add(&mut self, node: Node, position: u32) -> NodeId {
        self.nodes.push(node);
        self.positions.push(position);
        NodeId(self.nodes.len() as u32 - 1)
    }

    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes[id.0 as usize]
    }

    /// Starts a list of children.
    pub(super) fn mark(&self) -> usize {
        self.open.len()
    }

    pub(super) fn push(&mut self, child: NodeId) {
        self.open.push(child);
    }

    /// Ends the list that was started at the mark.
    pub(super) fn seal(&mut self, mark: usize) -> Seq {
        let seq = Seq {
            start: self.links.len() as u32,
            len: (self.open.len() - mark) as u32,
        };
        self.links.extend(self.open.drain(mark..));
        seq
    }

    /// Adds the names of `.a.b` or `$x`; they are valid UTF-8, the lexer only takes letters.
    pub(super) fn name(&mut self, name: &[u8]) -> Seq {
        self.names.push(String::from_utf8_lossy(name).into());
        Seq {
            start: self.names.len() as u32 - 1,
            len: 1,
        }
    }

    pub(super) fn string(&mut self, value: Vec<u8>, start: u32, end: u32) -> u32 {
        self.strings.push(Quoted {
            value: value.into(),
            start,
            end,
        });
        self.strings.len() as u32 - 1
    }

    pub(super) fn number(&mut self, number: Number) -> u32 {
        self.numbers.push(number);
        self.numbers.len() as u32 - 1
    }

    /// Where the next name will stand.
    pub(super) fn next_name(&self) -> u32 {
        self.names.len() as u32
    }

    /// A literal as it is written in the source.
    pub(super) fn literal_text(&self, node: Node) -> &'a [u8] {
        let (start, end) = match node {
            Node::Bool(true) => return b"true",
            Node::Bool(false) => return b"false",
            Node::Nil => return b"nil",
            Node::Number(at) => (self.numbers[at as usize].start, self.numbers[at as usize].end),
            Node::Str(at) => (self.strings[at as usize].start, self.strings[at as usize].end),
            _ => return b".",
        };
        &self.source[start as usize..end as usize]
    }

    /// Whether the first of these commands can take the value of a pipeline; a literal can't.
    pub(super) fn first_is_executable(&self, commands: Seq) -> bool {
        let Some(Node::Command { args }) = self.links[commands.range()].first().map(|id| self.node(*id))
        else {
            return true;
        };
        let first = self.links[args.range()].first().map(|id| self.node(*id));
        !matches!(
            first,
            Some(Node::Bool(_) | Node::Dot | Node::Nil | Node::Number(_) | Node::Str(_))
        )
    }

    /// Whether a list has nothing but white space.
    pub(super) fn is_blank(&self, list: Seq) -> bool {
        self.links[list.range()]
            .iter()
            .all(|child| match self.node(*child) {
                Node::Text { start, end } => is_blank_text(&self.source[start as usize..end as usize]),
                _ => false,
            })
    }
}

fn is_blank_text(text: &[u8]) -> bool {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().is_empty(),
        Err(_) => false,
    }
}

impl<'a> Scope<'a> {
    pub(super) fn new() -> Self {
        let dollar = Name {
            declarations: 1,
            slots: vec![0],
        };
        Self {
            declared: Vec::new(),
            names: HashMap::from([(&b"$"[..], dollar)]),
            alive: 1,
            slots: 1,
            range_depth: 0,
            paren_depth: 0,
            block_depth: 0,
        }
    }

    pub(super) fn slots(&self) -> u16 {
        self.slots
    }

    pub(super) fn mark(&self) -> ScopeMark {
        ScopeMark {
            declared: self.declared.len(),
            alive: self.alive,
        }
    }

    pub(super) fn release(&mut self, mark: ScopeMark) {
        self.release_values(mark);
        for Declared { name, .. } in self.declared.drain(mark.declared..) {
            if let Some(name) = self.names.get_mut(name) {
                name.declarations -= 1;
            }
        }
    }

    /// At `{{else}}`: the names of the first branch stay visible to Go's parser, their values are gone.
    pub(super) fn release_values(&mut self, mark: ScopeMark) {
        for declared in &mut self.declared[mark.declared..] {
            if std::mem::take(&mut declared.has_slot)
                && let Some(name) = self.names.get_mut(declared.name)
            {
                name.slots.pop();
            }
        }
        self.alive = mark.alive;
    }

    /// Makes the name visible; [`Self::give_slot`] gives it a place once its value has been computed.
    pub(super) fn declare(&mut self, name: &'a [u8]) -> usize {
        self.names.entry(name).or_default().declarations += 1;
        self.declared.push(Declared {
            name,
            has_slot: false,
        });
        self.declared.len() - 1
    }

    /// `None` when there are more variables than any template has.
    pub(super) fn give_slot(&mut self, declared: usize) -> Option<u16> {
        let slot = self.alive;
        self.alive = slot.checked_add(1).filter(|next| *next < UNDEFINED)?;
        self.slots = self.slots.max(self.alive);
        let declared = &mut self.declared[declared];
        declared.has_slot = true;
        self.names.entry(declared.name).or_default().slots.push(slot);
        Some(slot)
    }

    /// The slot of the innermost variable of that name that has a value.
    pub(super) fn slot(&self, name: &[u8]) -> Option<u16> {
        self.names.get(name)?.slots.last().copied()
    }

    pub(super) fn is_visible(&self, name: &[u8]) -> bool {
        self.names.get(name).is_some_and(|name| name.declarations > 0)
    }
}
