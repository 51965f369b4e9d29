//! Pipelines: declarations, commands and their operands.

use crate::fmt::quote;
use crate::lex::{Kind, Token};
use crate::stack::with_room;
use crate::tree::{Node, NodeId, Seq, UNDEFINED};

use super::{Parser, Parsing};

/// Go's bound on nested parentheses.
const MAX_PAREN_DEPTH: u32 = 10_000;

/// Variables that a pipeline declares or assigns: none, one, or two in `range`.
#[derive(Default)]
struct Declarations {
    variables: Vec<(Token, usize)>,
    assign: bool,
}

impl Parser<'_> {
    /// A pipeline up to `end`, which is consumed.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsing<NodeId> {
        let position = self.peek_non_space().start;
        let declared = self.declarations(context)?;
        let mark = self.builder.mark();
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                break;
            }
            if !starts_operand(token.kind) {
                return self.unexpected(token, context);
            }
            self.back(token);
            let command = self.command()?;
            self.builder.push(command);
        }
        let commands = self.builder.seal(mark);
        self.check_commands(commands, context)?;
        let decls = self.declare(&declared)?;
        let node = Node::Pipe {
            decls,
            commands,
            assign: declared.assign,
        };
        Ok(self.builder.add(node, position))
    }

    fn check_commands(&mut self, commands: Seq, context: &str) -> Parsing<()> {
        if commands.len == 0 {
            return self.fail(format!("missing value for {context}"));
        }
        for stage in 1..commands.len {
            if !self.builder.first_is_executable(Seq {
                start: commands.start + stage,
                len: 1,
            }) {
                return self.fail(format!("non executable command in pipeline stage {}", stage + 1));
            }
        }
        Ok(())
    }

    /// `$x :=`, `$x =` or, in `range`, `$i, $x :=`. Anything else is given back.
    fn declarations(&mut self, context: &str) -> Parsing<Declarations> {
        let mut declared = Declarations::default();
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(declared);
            }
            self.next();
            let after = self.peek();
            let next = self.peek_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.next_non_space();
                    declared.assign = next.kind == Kind::Assign;
                    self.note(&mut declared, variable);
                    return Ok(declared);
                }
                Kind::Char if self.bytes(next) == b"," => {
                    self.next_non_space();
                    self.note(&mut declared, variable);
                    if context != "range" || declared.variables.len() > 1 {
                        return self.fail(format!("too many declarations in {context}"));
                    }
                    let follows = self.peek_non_space().kind;
                    if !matches!(follows, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return self.fail("range can only initialize variables");
                    }
                }
                _ => {
                    // Peeking past the space has dropped it; it must come back to separate the operands.
                    if after.kind == Kind::Space {
                        self.back(after);
                    }
                    self.back(variable);
                    return Ok(declared);
                }
            }
        }
    }

    fn note(&mut self, declared: &mut Declarations, variable: Token) {
        let at = self.scope.declare(self.bytes(variable));
        declared.variables.push((variable, at));
    }

    /// The value is known now: declared variables get their slots, assigned ones are found.
    fn declare(&mut self, declared: &Declarations) -> Parsing<Seq> {
        let mark = self.builder.mark();
        for (token, at) in &declared.variables {
            let name = self.bytes(*token);
            let slot = if declared.assign {
                self.scope.slot(name).unwrap_or(UNDEFINED)
            } else {
                match self.scope.give_slot(*at) {
                    Some(slot) => slot,
                    None => return self.fail("too many variables"),
                }
            };
            let names = self.builder.name(name);
            let node = self.builder.add(Node::Variable { slot, names }, token.start);
            self.builder.push(node);
        }
        Ok(self.builder.seal(mark))
    }

    /// Operands separated by spaces, up to `|` or the end of the pipeline.
    fn command(&mut self) -> Parsing<NodeId> {
        let position = self.peek_non_space().start;
        let mark = self.builder.mark();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.builder.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        let args = self.builder.seal(mark);
        if args.len == 0 {
            return self.fail("empty command");
        }
        Ok(self.builder.add(Node::Command { args }, position))
    }

    /// A term and the fields that follow it.
    fn operand(&mut self) -> Parsing<Option<NodeId>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(term));
        }
        let node = self.builder.node(term);
        let start = match node {
            // Their own names come right before: the chain just grows.
            Node::Field { names } | Node::Variable { names, .. } => names.start,
            _ => self.builder.next_name(),
        };
        while self.peek().kind == Kind::Field {
            let field = self.next();
            self.builder.name(&self.bytes(field)[1..]);
        }
        let names = Seq {
            start,
            len: self.builder.next_name() - start,
        };
        let node = match node {
            Node::Field { .. } => Node::Field { names },
            Node::Variable { slot, .. } => Node::Variable { slot, names },
            Node::Bool(_) | Node::Str(_) | Node::Number(_) | Node::Nil | Node::Dot => {
                let text = self.builder.literal_text(node);
                return self.fail(format!("unexpected . after term {}", quote(text)));
            }
            _ => Node::Chain { base: term, names },
        };
        Ok(Some(self.builder.add(node, first.start)))
    }

    fn term(&mut self) -> Parsing<Option<NodeId>> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Identifier => self.function(token)?,
            Kind::Dot => Node::Dot,
            Kind::Nil => Node::Nil,
            Kind::Variable => self.variable(token)?,
            Kind::Field => Node::Field {
                names: self.builder.name(&self.bytes(token)[1..]),
            },
            Kind::Bool => Node::Bool(self.bytes(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => self.number(token)?,
            Kind::LeftParen => return self.parenthesized().map(Some),
            Kind::Str | Kind::RawStr => {
                let value = self.unquote(token)?;
                Node::Str(self.builder.string(value, token.start, token.end))
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(self.builder.add(node, token.start)))
    }

    fn parenthesized(&mut self) -> Parsing<NodeId> {
        if self.scope.paren_depth >= MAX_PAREN_DEPTH {
            return self.fail("max expression depth exceeded");
        }
        self.scope.paren_depth += 1;
        let pipe = with_room(|| self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.scope.paren_depth -= 1;
        pipe
    }

    fn function(&mut self, token: Token) -> Parsing<Node> {
        let name = self.bytes(token);
        let Some(entry) = self.functions.entry_of(name) else {
            return self.fail(format!("function {} not defined", quote(name)));
        };
        let name = self.builder.name(name).start;
        Ok(Node::Function { entry, name })
    }

    fn variable(&mut self, token: Token) -> Parsing<Node> {
        let name = self.bytes(token);
        let slot = match self.scope.slot(name) {
            Some(slot) => slot,
            None if self.scope.is_visible(name) => UNDEFINED,
            None => return self.fail(format!("undefined variable {}", quote(name))),
        };
        Ok(Node::Variable {
            slot,
            names: self.builder.name(name),
        })
    }

    pub(super) fn unquote(&mut self, token: Token) -> Parsing<Vec<u8>> {
        match crate::fmt::quote::unquote(self.bytes(token)) {
            Some(text) => Ok(text),
            None => self.fail("invalid syntax"),
        }
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawStr
            | Kind::Str
            | Kind::Variable
            | Kind::LeftParen
    )
}
