//! Pipelines, commands and arguments.

use crate::function::{Param, Special};
use crate::stack::with_room;
use crate::tree::{File, Ideal, Node, NodeId, Seq, UNDEFINED};
use crate::value::Value;

use super::{Frame, Got, Halt, Run};

/// The arguments of a command after its first word, and what the pipeline hands it.
pub(super) struct Arguments<'f> {
    pub(super) nodes: &'f [NodeId],
    pub(super) last: Option<Got>,
}

impl Arguments<'_> {
    pub(super) const NONE: Self = Self {
        nodes: &[],
        last: None,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.last.is_none()
    }
}

impl Run<'_, '_> {
    /// The value of a pipeline. What it declares or assigns is set.
    pub(super) fn pipe(&mut self, frame: &Frame<'_>, id: NodeId) -> Result<Got, Halt> {
        let file = &*frame.template.file;
        let Node::Pipe { decls, commands, .. } = file.node(id) else {
            return Ok(Got::default());
        };
        self.at = id;
        let mut last = None;
        for command in file.links(commands) {
            let mut got = self.command(frame, *command, last)?;
            got.addressable &= !got.in_interface;
            got.in_interface = false;
            last = Some(got);
        }
        let got = last.unwrap_or_default();
        for decl in file.links(decls) {
            let Node::Variable { slot, names } = file.node(*decl) else {
                continue;
            };
            if slot == UNDEFINED {
                return self.fail(frame, undefined(file, names));
            }
            self.machine.variables[frame.base + usize::from(slot)] = got.clone();
        }
        Ok(got)
    }

    fn command(&mut self, frame: &Frame<'_>, id: NodeId, last: Option<Got>) -> Result<Got, Halt> {
        let file = &*frame.template.file;
        let Node::Command { args } = file.node(id) else {
            return Ok(Got::default());
        };
        let [first, rest @ ..] = file.links(args) else {
            return Ok(Got::default());
        };
        let arguments = Arguments { nodes: rest, last };
        match file.node(*first) {
            Node::Function { .. } => self.function(frame, *first, id, arguments),
            Node::Field { .. } | Node::Variable { .. } | Node::Chain { .. } => {
                self.operand(frame, *first, arguments)
            }
            Node::Pipe { .. } => {
                self.refuse_arguments(frame, *first, &arguments)?;
                with_room(|| self.pipe(frame, *first))
            }
            literal => {
                self.at = *first;
                self.refuse_arguments(frame, *first, &arguments)?;
                if let Node::Nil = literal {
                    return self.fail(frame, "nil is not a command");
                }
                self.literal(frame, *first)
            }
        }
    }

    fn refuse_arguments(
        &self,
        frame: &Frame<'_>,
        first: NodeId,
        arguments: &Arguments<'_>,
    ) -> Result<(), Halt> {
        if arguments.is_empty() {
            return Ok(());
        }
        let shown = frame.template.file.text_of(first);
        self.fail(
            frame,
            format!(
                "can't give argument to non-function {}",
                String::from_utf8_lossy(&shown)
            ),
        )
    }

    /// A field, a variable or a chain, which may take arguments if its last name is a method.
    pub(super) fn operand(
        &mut self,
        frame: &Frame<'_>,
        id: NodeId,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let file = &*frame.template.file;
        self.at = id;
        match file.node(id) {
            Node::Field { names } => self.fields(frame, frame.dot, (id, names), arguments),
            Node::Variable { slot, names } => {
                if slot == UNDEFINED {
                    return self.fail(frame, undefined(file, names));
                }
                let got = self.machine.variables[frame.base + usize::from(slot)].clone();
                if names.len == 1 {
                    self.refuse_arguments(frame, id, &arguments)?;
                    return Ok(got);
                }
                let names = Seq {
                    start: names.start + 1,
                    len: names.len - 1,
                };
                self.fields(frame, &got, (id, names), arguments)
            }
            Node::Chain { base, names } => {
                if let Node::Nil = file.node(base) {
                    let shown = file.text_of(id);
                    let shown = String::from_utf8_lossy(&shown);
                    return self.fail(frame, format!("indirection through explicit nil in {shown}"));
                }
                let got = self.untyped(frame, base)?;
                self.fields(frame, &got, (id, names), arguments)
            }
            _ => Ok(Got::default()),
        }
    }

    /// An operand where any type will do.
    pub(super) fn untyped(&mut self, frame: &Frame<'_>, id: NodeId) -> Result<Got, Halt> {
        self.at = id;
        match frame.template.file.node(id) {
            Node::Pipe { .. } => with_room(|| self.pipe(frame, id)),
            Node::Function { .. } => self.function(frame, id, id, Arguments::NONE),
            Node::Field { .. } | Node::Variable { .. } | Node::Chain { .. } => {
                self.operand(frame, id, Arguments::NONE)
            }
            _ => self.literal(frame, id),
        }
    }

    /// A constant or dot, whose type nothing else decides.
    fn literal(&mut self, frame: &Frame<'_>, id: NodeId) -> Result<Got, Halt> {
        let file = &*frame.template.file;
        Ok(match file.node(id) {
            Node::Dot => frame.dot.clone(),
            Node::Bool(yes) => Got::from(Value::Bool(yes)),
            Node::Str(at) => Got::from(file.strings[at as usize].value.clone()),
            Node::Number(at) => match file.numbers[at as usize].ideal {
                Ideal::Int(number) => Got::from(Value::int(number)),
                Ideal::Float(number) => Got::from(Value::Float(number)),
                Ideal::Overflow => {
                    let shown = file.text_of(id);
                    return self.fail(
                        frame,
                        format!("{} overflows int", String::from_utf8_lossy(&shown)),
                    );
                }
            },
            _ => Got::default(),
        })
    }

    /// An argument for a parameter of the given type.
    pub(super) fn argument(&mut self, frame: &Frame<'_>, param: Param, id: NodeId) -> Result<Value, Halt> {
        let file = &*frame.template.file;
        match file.node(id) {
            Node::Nil => {
                self.at = id;
                self.bare_nil = true;
                match param.zero() {
                    Some(zero) => Ok(zero),
                    None => self.fail(frame, format!("cannot assign nil to {}", param.type_name())),
                }
            }
            node @ (Node::Bool(_) | Node::Number(_) | Node::Str(_)) if param != Param::Any => {
                self.at = id;
                self.constant(frame, param, id, node)
            }
            _ => {
                let got = self.untyped(frame, id)?;
                self.bare_nil = !got.in_interface;
                self.checked(frame, got, param)
            }
        }
    }

    /// A constant takes the type of the parameter if it can.
    fn constant(&mut self, frame: &Frame<'_>, param: Param, id: NodeId, node: Node) -> Result<Value, Halt> {
        let file = &*frame.template.file;
        let number = match node {
            Node::Number(at) => Some(&file.numbers[at as usize]),
            _ => None,
        };
        let (value, expected) = match (param, node) {
            (Param::Bool, Node::Bool(yes)) => (Some(Value::Bool(yes)), "bool"),
            (Param::Bool, _) => (None, "bool"),
            (Param::Str, Node::Str(at)) => (
                Some(Value::Str(file.strings[at as usize].value.clone())),
                "string",
            ),
            (Param::Str, _) => (None, "string"),
            (Param::Int, _) => (number.and_then(|number| number.int).map(Value::int), "integer"),
            (Param::Int64, _) => (number.and_then(|number| number.int).map(Value::int64), "integer"),
            (Param::Float, _) => (number.and_then(|number| number.float).map(Value::Float), "float"),
            _ => {
                let shown = file.text_of(id);
                let shown = String::from_utf8_lossy(&shown);
                return self.fail(
                    frame,
                    format!("can't handle {shown} for arg of type {}", param.type_name()),
                );
            }
        };
        match value {
            Some(value) => Ok(value),
            None => {
                let shown = file.text_of(id);
                self.fail(
                    frame,
                    format!("expected {expected}; found {}", String::from_utf8_lossy(&shown)),
                )
            }
        }
    }

    /// Lets a value be an argument of the given type, or says why not.
    pub(super) fn checked(&self, frame: &Frame<'_>, got: Got, param: Param) -> Result<Value, Halt> {
        if param.accepts(&got.value) {
            return Ok(got.value);
        }
        let expected = param.type_name();
        match &got.value {
            Value::Nil if got.in_interface => self.fail(
                frame,
                format!("wrong type for value; expected {expected}; got interface {{}}"),
            ),
            Value::Nil => match param.zero() {
                Some(zero) => Ok(zero),
                None => self.fail(frame, format!("invalid value; expected {expected}")),
            },
            value => {
                let found = value.type_name();
                self.fail(
                    frame,
                    format!("wrong type for value; expected {expected}; got {found}"),
                )
            }
        }
    }

    /// `and` and `or`: the arguments up to the one that decides.
    pub(super) fn short_circuit(
        &mut self,
        frame: &Frame<'_>,
        special: Special,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let mut value = Value::Nil;
        for id in arguments.nodes {
            value = self.argument(frame, Param::Any, *id)?;
            if value.truth() == (special == Special::Or) {
                return Ok(Got::through_interface(value));
            }
        }
        Ok(Got::through_interface(
            arguments.last.map_or(value, |last| last.value),
        ))
    }
}

fn undefined(file: &File, names: Seq) -> String {
    format!(
        "undefined variable: {}",
        file.names(names).first().map_or("", |name| name)
    )
}
