//! Turns template source into a [`Parsed`]: the template itself and those it defines.
//!
//! ```text
//! source ──lex──► tokens ──Parser──► File (nodes) ──► Parsed { main, defined } ──Set::add──► Set
//! ```
//!
//! The parser resolves what Go resolves at run time (functions, variables), and refuses what Go's parser
//! refuses with the same words and line. It never looks at other sources: a name of a template is only looked up
//! when it runs.

mod builder;
mod control;
mod number;
mod pipeline;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::ParseError;
use crate::function::Functions;
use crate::lex::{Kind, Lexer, Token};
use crate::tree::{Node, NodeId, Seq, Template, line_at};

use builder::{Builder, Scope};

/// Control structures nested deeper than this are refused. Go has no bound; no chart comes near.
const MAX_BLOCK_DEPTH: u32 = 10_000;

/// Positions are 32 bits; this leaves room and is a hundred times the largest chart.
const MAX_SOURCE_BYTES: usize = 1 << 30;

/// One parsed source.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The template that carries the source's own name.
    pub main: Arc<Template>,
    /// What `define` and `block` made, one per name, in the order of names.
    pub defined: Vec<Arc<Template>>,
}

impl Parsed {
    /// What `define` or `block` made of that name.
    pub(crate) fn named(&self, name: &str) -> Option<&Template> {
        let at = self
            .defined
            .binary_search_by(|template| (*template.name).cmp(name))
            .ok()?;
        Some(&self.defined[at])
    }
}

/// Parses `source` as a template called `name`.
///
/// # Errors
/// When the source is not a template, or names a function that `functions` does not have.
pub fn parse(functions: &Functions, name: &str, source: &[u8]) -> Result<Parsed, ParseError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(ParseError {
            name: name.into(),
            line: 1,
            message: "the template is too large".to_owned(),
        });
    }
    let mut parser = Parser::new(functions, name, source);
    match parser.source() {
        Ok(root) => Ok(parser.finish(root)),
        Err(Failed) => Err(parser.into_error()),
    }
}

/// The message stands in the parser: the way without errors stays cheap.
struct Failed;

type Parsing<T> = Result<T, Failed>;

struct Parser<'a> {
    functions: &'a Functions,
    name: &'a str,
    source: &'a [u8],
    lexer: Lexer<'a>,
    /// Tokens given back, the next one last.
    ahead: [Token; 3],
    ahead_len: usize,
    /// Where the furthest token read so far starts; errors name its line.
    furthest: u32,
    /// Where the action being parsed starts, for errors in a token of it.
    action_start: Option<u32>,
    message: String,
    builder: Builder<'a>,
    scope: Scope<'a>,
    defined: Vec<Defined>,
    /// Where each name stands in `defined`.
    defined_by_name: HashMap<Arc<str>, usize>,
}

/// A template that is known by its root until the file is complete.
struct Defined {
    name: Arc<str>,
    root: Seq,
    slots: u16,
    is_blank: bool,
}

/// A parsed list ends with `{{end}}` or `{{else}}`.
#[derive(Clone, Copy)]
enum Item {
    Node(NodeId),
    /// Nothing to execute, such as text that is never there.
    End,
    Else,
}

impl<'a> Parser<'a> {
    fn new(functions: &'a Functions, name: &'a str, source: &'a [u8]) -> Self {
        let nothing = Token {
            kind: Kind::Eof,
            start: 0,
            end: 0,
        };
        Self {
            functions,
            name,
            source,
            lexer: Lexer::new(source),
            ahead: [nothing; 3],
            ahead_len: 0,
            furthest: 0,
            action_start: None,
            message: String::new(),
            builder: Builder::new(source),
            scope: Scope::new(),
            defined: Vec::new(),
            defined_by_name: HashMap::new(),
        }
    }

    fn finish(self, root: Seq) -> Parsed {
        let is_blank = self.builder.is_blank(root);
        let name: Arc<str> = self.name.into();
        let file = Arc::new(self.builder.finish(Arc::clone(&name)));
        let template = |defined: Defined| {
            Arc::new(Template {
                name: defined.name,
                file: Arc::clone(&file),
                root: defined.root,
                slots: defined.slots,
                is_blank: defined.is_blank,
            })
        };
        let mut main = Defined {
            name,
            root,
            slots: self.scope.slots(),
            is_blank,
        };
        let mut defined = Vec::with_capacity(self.defined.len());
        for other in self.defined {
            // A source that defines its own name: the source itself wins unless it is blank.
            if other.name == main.name {
                if main.is_blank {
                    main = other;
                }
            } else {
                defined.push(template(other));
            }
        }
        defined.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Parsed {
            main: template(main),
            defined,
        }
    }

    fn into_error(self) -> ParseError {
        let line = line_at(&self.source[..self.furthest as usize]);
        ParseError {
            name: self.name.into(),
            line,
            message: self.message,
        }
    }

    fn fail<T>(&mut self, message: impl Into<String>) -> Parsing<T> {
        self.message = message.into();
        Err(Failed)
    }

    fn unexpected<T>(&mut self, token: Token, context: &str) -> Parsing<T> {
        if token.kind != Kind::Error {
            let shown = self.show(token);
            return self.fail(format!("unexpected {shown} in {context}"));
        }
        let mut message = self.lexer.error().to_owned();
        if let Some(start) = self.action_start {
            let line = line_at(&self.source[..start as usize]);
            if line != line_at(&self.source[..token.start as usize]) {
                let what = if message.ends_with(" action") {
                    ""
                } else {
                    " in action"
                };
                message.push_str(&format!("{what} started at {}:{line}", self.name));
            }
        }
        self.fail(message)
    }

    /// A token as Go prints it in errors.
    fn show(&self, token: Token) -> String {
        let text = self.bytes(token);
        match token.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.lexer.error().to_owned(),
            kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(text)),
            _ if text.len() > 10 => {
                let head = String::from_utf8_lossy(text).chars().take(10).collect::<String>();
                format!("{}...", crate::fmt::quote(head.as_bytes()))
            }
            _ => crate::fmt::quote(text),
        }
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        &self.source[token.start as usize..token.end as usize]
    }

    fn next(&mut self) -> Token {
        if self.ahead_len > 0 {
            self.ahead_len -= 1;
            return self.ahead[self.ahead_len];
        }
        let token = self.lexer.next();
        self.furthest = self.furthest.max(token.start);
        token
    }

    /// Gives a token back. At most three are ever ahead: `$x`, the space after it and what follows.
    fn back(&mut self, token: Token) {
        self.ahead[self.ahead_len] = token;
        self.ahead_len += 1;
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.back(token);
        token
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.back(token);
        token
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsing<Token> {
        let token = self.next_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            self.unexpected(token, context)
        }
    }

    /// The whole source: texts, actions and definitions.
    fn source(&mut self) -> Parsing<Seq> {
        let mark = self.builder.mark();
        loop {
            let token = self.next();
            if token.kind == Kind::Eof {
                break;
            }
            if token.kind == Kind::LeftDelim {
                let first = self.next_non_space();
                if first.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(first);
            }
            self.back(token);
            match self.text_or_action()? {
                Item::Node(node) => self.builder.push(node),
                Item::End => return self.fail("unexpected {{end}}"),
                Item::Else => return self.fail("unexpected {{else}}"),
            }
        }
        let root = self.builder.seal(mark);
        self.check_main(root)?;
        Ok(root)
    }

    fn check_main(&mut self, root: Seq) -> Parsing<()> {
        let twice = self
            .defined
            .iter()
            .any(|defined| *defined.name == *self.name && !defined.is_blank);
        if twice && !self.builder.is_blank(root) {
            return self.multiple_definition(self.name);
        }
        Ok(())
    }

    fn multiple_definition<T>(&mut self, name: &str) -> Parsing<T> {
        self.fail(format!(
            "template: multiple definition of template {}",
            crate::fmt::quote(name.as_bytes())
        ))
    }

    /// Adds a template unless a fuller one of its name is there already.
    fn define(&mut self, name: &str, root: Seq, slots: u16) -> Parsing<()> {
        let is_blank = self.builder.is_blank(root);
        let new = Defined {
            name: name.into(),
            root,
            slots,
            is_blank,
        };
        match self.defined_by_name.get(name).map(|at| &mut self.defined[*at]) {
            None => {
                self.defined_by_name
                    .insert(Arc::clone(&new.name), self.defined.len());
                self.defined.push(new);
            }
            Some(old) if old.is_blank => *old = new,
            Some(_) if is_blank => {}
            Some(_) => return self.multiple_definition(name),
        }
        Ok(())
    }

    /// Texts and actions up to `{{end}}` or `{{else}}`; says which.
    fn items(&mut self) -> Parsing<(Seq, Item)> {
        let mark = self.builder.mark();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.builder.push(node),
                end => return Ok((self.builder.seal(mark), end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsing<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let node = Node::Text {
                    start: token.start,
                    end: token.end,
                };
                Ok(Item::Node(self.builder.add(node, token.start)))
            }
            Kind::LeftDelim => {
                self.action_start = Some(token.start);
                let item = self.action()?;
                self.action_start = None;
                Ok(item)
            }
            _ => self.unexpected(token, "input"),
        }
    }
}
