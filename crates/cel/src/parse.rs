//! From tokens to an expression, with macros recognised.
//!
//! One function per nesting of the text, operators by precedence; chains of `&&` and `||` become one node, so that
//! long ones aren't deep.

use crate::ast::{DEPTH_MAX, Expr, Flat, Fold, FoldKind, Node, Optional};
use crate::check::Issue;
use crate::lex::{Token, Word, lex};
use crate::value::Value;

/// What an expression may begin with, as the real parser lists it.
const BEGINNINGS: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                          STRING, BYTES, IDENTIFIER}";

/// Words that are values, and so no names either.
pub(crate) const LITERALS: &[&str] = &["true", "false", "null"];

/// Words that are no names of variables.
pub(crate) const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "in",
];

/// Parses a whole text.
pub(crate) fn parse(text: &str) -> Result<Expr, Issue> {
    let mut parser = Parser {
        words: lex(text)?,
        at: 0,
        nesting: 0,
    };
    let expr = parser.expr()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.mismatched("<EOF>")),
    }
}

struct Parser {
    words: Vec<Word>,
    at: usize,
    nesting: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.words[self.at.min(self.words.len() - 1)].0
    }

    fn place(&self) -> usize {
        self.words[self.at.min(self.words.len() - 1)].1
    }

    fn mismatched(&self, expected: &str) -> Issue {
        let written = &self.words[self.at.min(self.words.len() - 1)].2;
        Issue::new(
            self.place(),
            &format!("Syntax error: mismatched input '{written}' expecting {expected}"),
        )
    }

    fn takes(&mut self, operator: &str) -> Option<usize> {
        let place = self.place();
        let found = matches!(self.peek(), Token::Op(op) if *op == operator);
        found.then(|| {
            self.at += 1;
            place
        })
    }

    fn wants(&mut self, operator: &str) -> Result<usize, Issue> {
        match self.takes(operator) {
            Some(place) => Ok(place),
            None => Err(self.mismatched(&format!("'{operator}'"))),
        }
    }

    fn make(&self, at: usize, node: Node) -> Result<Expr, Issue> {
        let mut expr = Expr { at, depth: 0, node };
        expr.depth = 1 + expr.children().iter().map(|child| child.depth).max().unwrap_or(0);
        if expr.depth > DEPTH_MAX {
            return Err(too_deep(at));
        }
        Ok(expr)
    }

    fn expr(&mut self) -> Result<Expr, Issue> {
        self.nesting += 1;
        if self.nesting > DEPTH_MAX {
            return Err(too_deep(self.place()));
        }
        let condition = self.or()?;
        let out = match self.takes("?") {
            None => condition,
            Some(at) => {
                let yes = self.or()?;
                self.wants(":")?;
                let no = self.expr()?;
                self.make(at, Node::If(Box::new([condition, yes, no])))?
            }
        };
        self.nesting -= 1;
        Ok(out)
    }

    fn or(&mut self) -> Result<Expr, Issue> {
        let mut all = vec![self.and()?];
        let mut at = 0;
        while let Some(place) = self.takes("||") {
            at = place;
            all.push(self.and()?);
        }
        match all.len() {
            1 => Ok(all.remove(0)),
            _ => self.make(at, Node::Or(all)),
        }
    }

    fn and(&mut self) -> Result<Expr, Issue> {
        let mut all = vec![self.binary(0)?];
        let mut at = 0;
        while let Some(place) = self.takes("&&") {
            at = place;
            all.push(self.binary(0)?);
        }
        match all.len() {
            1 => Ok(all.remove(0)),
            _ => self.make(at, Node::And(all)),
        }
    }

    /// Relations, sums and products.
    fn binary(&mut self, least: u8) -> Result<Expr, Issue> {
        let mut left = self.unary()?;
        loop {
            let (operator, strength) = match self.peek() {
                Token::Op(op @ ("==" | "!=" | "<" | "<=" | ">" | ">=")) => (*op, 0),
                Token::Ident(word) if word == "in" => ("in", 0),
                Token::Op(op @ ("+" | "-")) => (*op, 1),
                Token::Op(op @ ("*" | "/" | "%")) => (*op, 2),
                _ => return Ok(left),
            };
            if strength < least {
                return Ok(left);
            }
            let at = self.place();
            self.at += 1;
            let right = self.binary(strength + 1)?;
            let name = if operator == "in" {
                "@in".to_owned()
            } else {
                format!("_{operator}_")
            };
            left = self.make(at, Node::Call(name, None, vec![left, right]))?;
        }
    }

    fn unary(&mut self) -> Result<Expr, Issue> {
        let mut before = Vec::new();
        loop {
            if let Some(at) = self.takes("!") {
                before.push((at, "!_"));
            } else if let Some(at) = self.takes("-") {
                before.push((at, "-_"));
            } else {
                break;
            }
            if before.len() > DEPTH_MAX {
                return Err(too_deep(self.place()));
            }
        }
        // A minus right before a number is part of it.
        if let Some((at, "-_")) = before.last().copied() {
            let literal = match self.peek() {
                Token::Int(int) => Some(Value::Int(-int)),
                Token::IntMin => Some(Value::Int(i64::MIN)),
                Token::Double(double) => Some(Value::Double(-double)),
                _ => None,
            };
            if let Some(value) = literal {
                before.pop();
                self.at += 1;
                let literal = self.make(at, Node::Literal(value))?;
                let mut out = self.members(literal)?;
                for (at, operator) in before.into_iter().rev() {
                    out = self.make(at, Node::Call(operator.to_owned(), None, vec![out]))?;
                }
                return Ok(out);
            }
        }
        let first = self.primary()?;
        let mut out = self.members(first)?;
        for (at, operator) in before.into_iter().rev() {
            out = self.make(at, Node::Call(operator.to_owned(), None, vec![out]))?;
        }
        Ok(out)
    }

    fn members(&mut self, mut of: Expr) -> Result<Expr, Issue> {
        loop {
            if let Some(dot) = self.takes(".") {
                let optional = self.takes("?").map_or(Optional::No, |_| Optional::Yes);
                let Token::Ident(name) = self.peek().clone() else {
                    return Err(self.mismatched("IDENTIFIER"));
                };
                self.at += 1;
                of = match self.takes("(") {
                    Some(open) if optional == Optional::No => {
                        let args = self.list(")")?;
                        self.method(open, of, name, args)?
                    }
                    _ => self.make(dot, Node::Select(Box::new(of), name, optional))?,
                };
            } else if let Some(at) = self.takes("[") {
                let optional = self.takes("?").map_or(Optional::No, |_| Optional::Yes);
                let index = self.expr()?;
                self.wants("]")?;
                of = self.make(at, Node::Index(Box::new([of, index]), optional))?;
            } else {
                return Ok(of);
            }
        }
    }

    fn list(&mut self, close: &str) -> Result<Vec<Expr>, Issue> {
        let mut all = Vec::new();
        while self.takes(close).is_none() {
            all.push(self.expr()?);
            if self.takes(",").is_none() {
                self.wants(close)?;
                break;
            }
        }
        Ok(all)
    }

    fn primary(&mut self) -> Result<Expr, Issue> {
        let at = self.place();
        let token = self.peek().clone();
        self.at += 1;
        let literal = match token {
            Token::Int(int) => Value::Int(int),
            Token::Uint(uint) => Value::Uint(uint),
            Token::Double(double) => Value::Double(double),
            Token::Str(text) => Value::String(text),
            Token::Bytes(bytes) => Value::Bytes(bytes),
            Token::Ident(name) => return self.named(at, name),
            Token::Op("(") => {
                let inner = self.expr()?;
                self.wants(")")?;
                return Ok(inner);
            }
            Token::Op("[") => return self.list_literal(at),
            Token::Op("{") => return self.map_literal(at),
            Token::Op(".") => return self.primary(),
            Token::IntMin => return Err(Issue::new(at, "invalid int literal")),
            _ => {
                self.at -= 1;
                return Err(self.mismatched(BEGINNINGS));
            }
        };
        self.make(at, Node::Literal(literal))
    }

    fn named(&mut self, at: usize, name: String) -> Result<Expr, Issue> {
        let literal = match name.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = literal {
            return self.make(at, Node::Literal(value));
        }
        let Some(open) = self.takes("(") else {
            if RESERVED.contains(&name.as_str()) {
                return Err(Issue::new(
                    at,
                    &format!("Syntax error: reserved identifier: {name}"),
                ));
            }
            return self.make(at, Node::Ident(name));
        };
        let mut args = self.list(")")?;
        if name == "has" && args.len() == 1 {
            let arg = args.remove(0);
            let place = arg.at;
            return match arg.node {
                Node::Select(of, field, Optional::No) => self.make(open, Node::Has(of, field)),
                _ => Err(Issue::new(place, "invalid argument to has() macro")),
            };
        }
        self.make(open, Node::Call(name, None, args))
    }

    fn list_literal(&mut self, at: usize) -> Result<Expr, Issue> {
        let mut items = Vec::new();
        while self.takes("]").is_none() {
            let optional = self.takes("?").map_or(Optional::No, |_| Optional::Yes);
            items.push((self.expr()?, optional));
            if self.takes(",").is_none() {
                self.wants("]")?;
                break;
            }
        }
        self.make(at, Node::List(items))
    }

    fn map_literal(&mut self, at: usize) -> Result<Expr, Issue> {
        let mut entries = Vec::new();
        while self.takes("}").is_none() {
            let optional = self.takes("?").map_or(Optional::No, |_| Optional::Yes);
            let key = self.expr()?;
            self.wants(":")?;
            entries.push((key, self.expr()?, optional));
            if self.takes(",").is_none() {
                self.wants("}")?;
                break;
            }
        }
        self.make(at, Node::Map(entries))
    }

    /// A call with a receiver, or the macro that it is.
    fn method(&self, open: usize, of: Expr, name: String, mut args: Vec<Expr>) -> Result<Expr, Issue> {
        let is_cel = matches!(&of.node, Node::Ident(ident) if ident == "cel");
        match (name.as_str(), args.len()) {
            ("bind", 3) if is_cel => {
                let variable = variable(&args[0], "cel.bind() variable names must be simple identifiers")?;
                let body = args.remove(2);
                let value = args.remove(1);
                return self.make(open, Node::Bind(variable, Box::new([value, body])));
            }
            ("optMap" | "optFlatMap", 2) => {
                let variable = variable(
                    &args[0],
                    &format!("{name}() variable name must be a simple identifier"),
                )?;
                let flat = if name == "optMap" { Flat::No } else { Flat::Yes };
                let body = args.remove(1);
                return self.make(open, Node::OptMap(variable, Box::new([of, body]), flat));
            }
            _ => {}
        }
        let shape = match (name.as_str(), args.len()) {
            ("all", 2) => Some((FoldKind::All, 1, false)),
            ("exists", 2) => Some((FoldKind::Exists, 1, false)),
            ("exists_one" | "existsOne", 2) => Some((FoldKind::ExistsOne, 1, false)),
            ("map", 2) => Some((FoldKind::Map, 1, false)),
            ("map", 3) => Some((FoldKind::Map, 1, true)),
            ("filter", 2) => Some((FoldKind::Filter, 1, false)),
            ("all", 3) => Some((FoldKind::All, 2, false)),
            ("exists", 3) => Some((FoldKind::Exists, 2, false)),
            ("existsOne", 3) => Some((FoldKind::ExistsOne, 2, false)),
            ("transformList", 3) => Some((FoldKind::Map, 2, false)),
            ("transformList", 4) => Some((FoldKind::Map, 2, true)),
            ("transformMap", 3) => Some((FoldKind::TransformMap, 2, false)),
            ("transformMap", 4) => Some((FoldKind::TransformMap, 2, true)),
            _ => None,
        };
        let Some((kind, variables, filtered)) = shape else {
            return self.make(open, Node::Call(name, Some(Box::new(of)), args));
        };
        let simple = "argument must be a simple name";
        let first = variable(&args[0], simple)?;
        let second = match variables {
            2 => Some(variable(&args[1], simple)?),
            _ => None,
        };
        let body = args.pop().expect("the shape says how many arguments there are");
        let filter = if filtered { args.pop() } else { None };
        let fold = Fold {
            kind,
            over: of,
            variable: first,
            second,
            filter,
            body,
        };
        self.make(open, Node::Fold(Box::new(fold)))
    }
}

fn variable(expr: &Expr, otherwise: &str) -> Result<String, Issue> {
    match &expr.node {
        Node::Ident(name) => Ok(name.clone()),
        _ => Err(Issue::new(expr.at, otherwise)),
    }
}

fn too_deep(at: usize) -> Issue {
    Issue::new(at, &format!("expression recursion limit exceeded: {DEPTH_MAX}"))
}
