//! The parsed form of a template file: one arena of small nodes that the executor walks by index.
//!
//! Everything a run would have to look up is resolved here: variables are slots, functions are entries of the
//! table, names are strings, texts are ranges of the source. A [`File`] holds the nodes of every template that
//! one source defines; a [`Template`] is a name and a root in it. Both are shared between threads.
//!
//! It does not know how a node is executed; [`File::text_of`] gives a node back as Go prints it in errors.

use std::sync::Arc;

use crate::value::Str;

/// A variable that is visible where it is used but is never set there: Go only finds out when it runs.
pub(crate) const UNDEFINED: u16 = u16::MAX;

/// One named template.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) file: Arc<File>,
    pub(crate) root: Seq,
    /// How many variables are alive at once at most, `$` included.
    pub(crate) slots: u16,
    /// Nothing but space and comments: such a definition never replaces another.
    pub(crate) is_blank: bool,
}

/// The nodes of one source.
#[derive(Debug)]
pub(crate) struct File {
    /// The name the source was parsed under, which errors print as the file.
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<[u8]>,
    pub(crate) nodes: Vec<Node>,
    /// Where each node stands in the source, by node.
    pub(crate) positions: Vec<u32>,
    /// The children of nodes, as ranges.
    pub(crate) links: Vec<NodeId>,
    pub(crate) names: Vec<Box<str>>,
    pub(crate) strings: Vec<Quoted>,
    pub(crate) numbers: Vec<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// A range of [`File::links`], or of [`File::names`] where the field says so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seq {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    /// A range of the source.
    Text {
        start: u32,
        end: u32,
    },
    Action {
        pipe: NodeId,
    },
    If {
        pipe: NodeId,
        list: Seq,
        otherwise: Seq,
    },
    With {
        pipe: NodeId,
        list: Seq,
        otherwise: Seq,
    },
    Range {
        pipe: NodeId,
        list: Seq,
        otherwise: Seq,
    },
    /// `{{template "name" pipe}}`; `name` is an index of [`File::strings`].
    Template {
        name: u32,
        pipe: Option<NodeId>,
    },
    Break,
    Continue,
    Pipe {
        decls: Seq,
        commands: Seq,
        assign: bool,
    },
    Command {
        args: Seq,
    },
    /// `.a.b`; `names` is a range of [`File::names`].
    Field {
        names: Seq,
    },
    /// `$x.a.b`; the first of `names` is the variable's own name.
    Variable {
        slot: u16,
        names: Seq,
    },
    /// `(pipe).a.b`
    Chain {
        base: NodeId,
        names: Seq,
    },
    /// A function, as an entry of the table the file was parsed with.
    Function {
        entry: u32,
        name: u32,
    },
    Dot,
    Nil,
    Bool(bool),
    Number(u32),
    Str(u32),
}

/// A quoted string and what it means.
#[derive(Debug)]
pub(crate) struct Quoted {
    pub(crate) value: Str,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A numeric constant under every type that can hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) int: Option<i64>,
    pub(crate) float: Option<f64>,
    pub(crate) ideal: Ideal,
}

/// What a constant is where nothing else says its type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ideal {
    Int(i64),
    Float(f64),
    /// An integer that only a `uint64` holds.
    Overflow,
}

impl Template {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the source the template was parsed from.
    pub fn file_name(&self) -> &str {
        &self.file.name
    }
}

impl Seq {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

impl File {
    pub(crate) fn node(&self, id: NodeId) -> Node {
        self.nodes[id.0 as usize]
    }

    pub(crate) fn links(&self, seq: Seq) -> &[NodeId] {
        &self.links[seq.range()]
    }

    pub(crate) fn names(&self, seq: Seq) -> &[Box<str>] {
        &self.names[seq.range()]
    }

    pub(crate) fn slice(&self, start: u32, end: u32) -> &[u8] {
        &self.source[start as usize..end as usize]
    }

    /// Line, counted from 1, and byte column, counted from 0 as Go does.
    pub(crate) fn line_and_column(&self, id: NodeId) -> (u32, u32) {
        let before = &self.source[..self.positions[id.0 as usize] as usize];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        (line_at(before), (before.len() - line_start) as u32)
    }

    /// The node as Go prints it in an error.
    pub(crate) fn text_of(&self, id: NodeId) -> Vec<u8> {
        let mut out = Vec::new();
        self.print(id, &mut out);
        out
    }

    /// Recursion is as deep as parentheses nest, which the parser bounds.
    fn print(&self, id: NodeId, out: &mut Vec<u8>) {
        match self.node(id) {
            Node::Text { start, end } => out.extend_from_slice(self.slice(start, end)),
            Node::Action { pipe } => self.print_action(b"", Some(pipe), out),
            Node::If { pipe, .. } => self.print_action(b"if ", Some(pipe), out),
            Node::With { pipe, .. } => self.print_action(b"with ", Some(pipe), out),
            Node::Range { pipe, .. } => self.print_action(b"range ", Some(pipe), out),
            Node::Template { name, pipe } => {
                let mut head = b"template ".to_vec();
                head.extend_from_slice(
                    crate::fmt::quote(self.strings[name as usize].value.as_bytes()).as_bytes(),
                );
                if pipe.is_some() {
                    head.push(b' ');
                }
                self.print_action(&head, pipe, out);
            }
            Node::Break => out.extend_from_slice(b"{{break}}"),
            Node::Continue => out.extend_from_slice(b"{{continue}}"),
            Node::Pipe {
                decls,
                commands,
                assign,
            } => self.print_pipe(decls, commands, assign, out),
            Node::Command { args } => {
                for (at, arg) in self.links(args).iter().enumerate() {
                    if at > 0 {
                        out.push(b' ');
                    }
                    self.print_operand(*arg, out);
                }
            }
            Node::Field { names } => self.print_names(names, b".", out),
            Node::Variable { names, .. } => self.print_names(names, b"", out),
            Node::Chain { base, names } => {
                self.print_operand(base, out);
                self.print_names(names, b".", out);
            }
            Node::Function { name, .. } => out.extend_from_slice(self.names[name as usize].as_bytes()),
            Node::Dot => out.push(b'.'),
            Node::Nil => out.extend_from_slice(b"nil"),
            Node::Bool(yes) => out.extend_from_slice(if yes { b"true" } else { b"false" }),
            Node::Number(at) => {
                let number = &self.numbers[at as usize];
                out.extend_from_slice(self.slice(number.start, number.end));
            }
            Node::Str(at) => {
                let text = &self.strings[at as usize];
                out.extend_from_slice(self.slice(text.start, text.end));
            }
        }
    }

    fn print_action(&self, head: &[u8], pipe: Option<NodeId>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(head);
        if let Some(pipe) = pipe {
            self.print(pipe, out);
        }
        out.extend_from_slice(b"}}");
    }

    fn print_pipe(&self, decls: Seq, commands: Seq, assign: bool, out: &mut Vec<u8>) {
        for (at, decl) in self.links(decls).iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            self.print(*decl, out);
        }
        if decls.len > 0 {
            out.extend_from_slice(if assign { b" = " } else { b" := " });
        }
        for (at, command) in self.links(commands).iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b" | ");
            }
            self.print(*command, out);
        }
    }

    fn print_operand(&self, id: NodeId, out: &mut Vec<u8>) {
        if matches!(self.node(id), Node::Pipe { .. }) {
            out.push(b'(');
            self.print(id, out);
            out.push(b')');
        } else {
            self.print(id, out);
        }
    }

    fn print_names(&self, names: Seq, first: &[u8], out: &mut Vec<u8>) {
        for (at, name) in self.names(names).iter().enumerate() {
            out.extend_from_slice(if at > 0 { b"." } else { first });
            out.extend_from_slice(name.as_bytes());
        }
    }
}

/// The line on which a position stands, given what comes before it.
pub(crate) fn line_at(before: &[u8]) -> u32 {
    1 + memchr::memchr_iter(b'\n', before).count() as u32
}
