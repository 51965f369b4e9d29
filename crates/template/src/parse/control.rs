//! Actions: control structures, definitions and calls of templates.

use crate::lex::{Kind, Token};
use crate::stack::with_room;
use crate::tree::{Node, NodeId, Seq};

use super::builder::Scope;
use super::{Failed, Item, MAX_BLOCK_DEPTH, Parser, Parsing};

/// The control structures that share their syntax.
#[derive(Clone, Copy, PartialEq)]
enum Control {
    If,
    With,
    Range,
}

impl Parser<'_> {
    /// What follows `{{`.
    pub(super) fn action(&mut self) -> Parsing<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => self.block().map(Item::Node),
            Kind::Break => self.jump(token, Node::Break, "{{break}}").map(Item::Node),
            Kind::Continue => self.jump(token, Node::Continue, "{{continue}}").map(Item::Node),
            Kind::Else => self.else_action(),
            Kind::End => self.expect(Kind::RightDelim, "end").map(|_| Item::End),
            Kind::If => self.control(Control::If).map(Item::Node),
            Kind::With => self.control(Control::With).map(Item::Node),
            Kind::Range => self.control(Control::Range).map(Item::Node),
            Kind::Template => self.template().map(Item::Node),
            _ => {
                self.back(token);
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Ok(Item::Node(self.builder.add(Node::Action { pipe }, token.start)))
            }
        }
    }

    fn jump(&mut self, token: Token, node: Node, context: &str) -> Parsing<NodeId> {
        let next = self.next_non_space();
        if next.kind != Kind::RightDelim {
            return self.unexpected(next, context);
        }
        if self.scope.range_depth == 0 {
            return self.fail(format!("{context} outside {{{{range}}}}"));
        }
        Ok(self.builder.add(node, token.start))
    }

    /// `{{else if` and `{{else with` leave the keyword for the control structure to find.
    fn else_action(&mut self) -> Parsing<Item> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Item::Else)
    }

    fn control(&mut self, control: Control) -> Parsing<NodeId> {
        self.scope.block_depth += 1;
        if self.scope.block_depth > MAX_BLOCK_DEPTH {
            return self.fail("control structures nest too deeply");
        }
        let node = with_room(|| self.control_inside(control));
        self.scope.block_depth -= 1;
        node
    }

    fn control_inside(&mut self, control: Control) -> Parsing<NodeId> {
        let outside = self.scope.mark();
        let position = self.peek_non_space().start;
        let context = match control {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        };
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let inside = self.scope.mark();
        self.scope.range_depth += u32::from(control == Control::Range);
        let (list, end) = self.items()?;
        self.scope.range_depth -= u32::from(control == Control::Range);
        let mut otherwise = Seq::default();
        if let Item::Else = end {
            self.scope.release_values(inside);
            otherwise = self.otherwise(control)?;
        }
        self.scope.release(outside);
        let node = match control {
            Control::If => Node::If {
                pipe,
                list,
                otherwise,
            },
            Control::With => Node::With {
                pipe,
                list,
                otherwise,
            },
            Control::Range => Node::Range {
                pipe,
                list,
                otherwise,
            },
        };
        Ok(self.builder.add(node, position))
    }

    fn otherwise(&mut self, control: Control) -> Parsing<Seq> {
        let chained = match (control, self.peek().kind) {
            (Control::If, Kind::If) => Some(Control::If),
            (Control::With, Kind::With) => Some(Control::With),
            _ => None,
        };
        if let Some(chained) = chained {
            self.next();
            let mark = self.builder.mark();
            let node = self.control(chained)?;
            self.builder.push(node);
            return Ok(self.builder.seal(mark));
        }
        match self.items()? {
            (list, Item::End) => Ok(list),
            _ => self.fail("expected end; found {{else}}"),
        }
    }

    /// What follows `{{define`.
    pub(super) fn definition(&mut self) -> Parsing<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.body(&name, CONTEXT)
    }

    /// The content of a definition, up to its `{{end}}`. It sees no variables from outside.
    fn body(&mut self, name: &str, context: &str) -> Parsing<()> {
        let mut scope = Scope::new();
        scope.block_depth = self.scope.block_depth;
        let outside = std::mem::replace(&mut self.scope, scope);
        let (list, end) = self.items()?;
        if let Item::Else = end {
            return self.fail(format!("unexpected {{{{else}}}} in {context}"));
        }
        let slots = std::mem::replace(&mut self.scope, outside).slots();
        self.define(name, list, slots)
    }

    /// What follows `{{block`: a definition that is called where it stands.
    fn block(&mut self) -> Parsing<NodeId> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.scope.block_depth += 1;
        if self.scope.block_depth > MAX_BLOCK_DEPTH {
            return self.fail("control structures nest too deeply");
        }
        with_room(|| self.body(&name, CONTEXT))?;
        self.scope.block_depth -= 1;
        let name = self.builder.string(name.into_bytes(), token.start, token.end);
        Ok(self.builder.add(
            Node::Template {
                name,
                pipe: Some(pipe),
            },
            token.start,
        ))
    }

    /// What follows `{{template`.
    fn template(&mut self) -> Parsing<NodeId> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let next = self.next_non_space();
        let mut pipe = None;
        if next.kind != Kind::RightDelim {
            self.back(next);
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        let name = self.builder.string(name.into_bytes(), token.start, token.end);
        Ok(self.builder.add(Node::Template { name, pipe }, token.start))
    }

    fn template_name(&mut self, token: Token, context: &str) -> Parsing<String> {
        if !matches!(token.kind, Kind::Str | Kind::RawStr) {
            return self.unexpected(token, context);
        }
        let name = self.unquote(token)?;
        String::from_utf8(name)
            .or_else(|_| self.fail::<String>("a template's name is not UTF-8"))
            .map_err(|_| Failed)
    }
}
