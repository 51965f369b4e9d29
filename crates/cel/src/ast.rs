//! An expression as parsed: macros are nodes of their own, so that evaluation needs no accumulators.

use crate::value::Value;

/// The deepest nesting of an expression: the evaluator recurses along it. The real parser's bound is 250; the
/// deepest rule in public charts has some 30 levels.
pub(crate) const DEPTH_MAX: usize = 120;

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    /// Where errors point to: the character of an operator, a dot, a bracket or a name.
    pub at: usize,
    pub depth: usize,
    pub node: Node,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Literal(Value),
    Ident(String),
    /// `of.field`, and `of.?field`.
    Select(Box<Expr>, String, Optional),
    Has(Box<Expr>, String),
    Index(Box<[Expr; 2]>, Optional),
    Call(String, Option<Box<Expr>>, Vec<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    If(Box<[Expr; 3]>),
    List(Vec<(Expr, Optional)>),
    Map(Vec<(Expr, Expr, Optional)>),
    Fold(Box<Fold>),
    /// `cel.bind(name, value, body)`
    Bind(String, Box<[Expr; 2]>),
    /// `value.optMap(name, body)` and `optFlatMap`.
    OptMap(String, Box<[Expr; 2]>, Flat),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Optional {
    No,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flat {
    No,
    Yes,
}

/// A macro that looks at every element.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub kind: FoldKind,
    pub over: Expr,
    pub variable: String,
    pub second: Option<String>,
    pub filter: Option<Expr>,
    pub body: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoldKind {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformMap,
}

impl Expr {
    /// The expressions right below.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Literal(_) | Node::Ident(_) => Vec::new(),
            Node::Select(of, _, _) | Node::Has(of, _) => vec![of],
            Node::Index(pair, _) | Node::Bind(_, pair) | Node::OptMap(_, pair, _) => pair.iter().collect(),
            Node::Call(_, target, args) => target.as_deref().into_iter().chain(args).collect(),
            Node::And(all) | Node::Or(all) => all.iter().collect(),
            Node::If(three) => three.iter().collect(),
            Node::List(items) => items.iter().map(|(item, _)| item).collect(),
            Node::Map(entries) => entries.iter().flat_map(|(key, value, _)| [key, value]).collect(),
            Node::Fold(fold) => {
                let fold = &**fold;
                let mut all = vec![&fold.over, &fold.body];
                all.extend(&fold.filter);
                all
            }
        }
    }

    /// Whether a name is mentioned anywhere.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        matches!(&self.node, Node::Ident(ident) if ident == name)
            || self.children().iter().any(|child| child.mentions(name))
    }
}
