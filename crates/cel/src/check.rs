//! Types of an expression before it runs: unknown fields and names, functions that don't fit.
//!
//! Also the place where `optional.of(x)` becomes one function: only here is known which names are variables.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::ast::{Expr, Flat, Fold, FoldKind, Node, Optional};
use crate::signatures::{SPACES, Signature, of_name};
use crate::types::{Order, Type};
use crate::value::Value;

/// Errors told of one expression, as many as the real parser and checker tell.
const ISSUES_MAX: usize = 100;

/// Names of types that are values.
const TYPE_NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// One error and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    at: usize,
    message: String,
}

/// Why a text is no program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issues {
    /// As the real compiler prints them: place, message, the line and a caret.
    pub text: String,
}

impl Issue {
    pub(crate) fn new(at: usize, message: &str) -> Self {
        Self {
            at,
            message: message.to_owned(),
        }
    }
}

impl Issues {
    pub(crate) fn new(source: &str, issues: &[Issue]) -> Self {
        let mut text = String::new();
        for issue in issues {
            let before: String = source.chars().take(issue.at).collect();
            let row = before.matches('\n').count();
            let line = source.split('\n').nth(row).unwrap_or_default();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
            let separator = if text.is_empty() { "" } else { "\n" };
            let dots = ".".repeat(column);
            let _ = write!(
                text,
                "{separator}ERROR: <input>:{}:{}: {}\n | {line}\n | {dots}^",
                row + 1,
                column + 1,
                issue.message
            );
        }
        Self { text }
    }
}

/// Checks an expression and gives its type.
pub(crate) fn check(expr: &mut Expr, variables: &HashMap<String, Type>) -> Result<Type, Vec<Issue>> {
    let mut checker = Checker {
        variables,
        scope: Vec::new(),
        issues: Vec::new(),
    };
    let ty = checker.check(expr);
    if checker.issues.is_empty() {
        return Ok(ty);
    }
    checker.issues.sort_by_key(|issue| issue.at);
    Err(checker.issues)
}

struct Checker<'a> {
    variables: &'a HashMap<String, Type>,
    scope: Vec<(String, Type)>,
    issues: Vec<Issue>,
}

impl Checker<'_> {
    /// What is wrong is `dyn`, so that it is told once.
    fn wrong(&mut self, at: usize, message: &str) -> Type {
        if self.issues.len() < ISSUES_MAX {
            self.issues.push(Issue::new(at, message));
        }
        Type::Dyn
    }

    fn variable(&self, name: &str) -> Option<Type> {
        let local = self.scope.iter().rev().find(|(known, _)| known == name);
        local
            .map(|(_, ty)| ty.clone())
            .or_else(|| self.variables.get(name).cloned())
    }

    fn check(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        match &mut expr.node {
            Node::Literal(value) => literal(value),
            Node::Ident(name) => match self.variable(name) {
                Some(ty) => ty,
                None if TYPE_NAMES.contains(&name.as_str()) => Type::Type,
                None => {
                    let message = format!("undeclared reference to '{name}' (in container '')");
                    self.wrong(at, &message)
                }
            },
            Node::Select(of, field, optional) => {
                let ty = self.check(of);
                self.field(at, &ty, field, *optional)
            }
            Node::Has(of, field) => {
                let place = of.at;
                let ty = self.check(of);
                self.field(place, &ty, field, Optional::No);
                Type::Bool
            }
            Node::Index(pair, optional) => {
                let [of, index] = &mut **pair;
                let (of, index) = (self.check(of), self.check(index));
                self.index(at, &of, &index, *optional)
            }
            Node::Call(..) => self.call(expr),
            Node::And(all) => self.logic(all, "_&&_", at),
            Node::Or(all) => self.logic(all, "_||_", at),
            Node::If(three) => {
                let [condition, yes, no] = &mut **three;
                let (condition, yes, no) = (self.check(condition), self.check(yes), self.check(no));
                if !Type::Bool.accepts(&condition) || !yes.accepts(&no) {
                    return self.no_overload(at, "_?_:_", None, &[condition, yes, no]);
                }
                yes.join(&no)
            }
            Node::List(items) => {
                let types: Vec<Type> = items
                    .iter_mut()
                    .map(|(item, optional)| {
                        let ty = self.check(item);
                        unwrapped(ty, *optional)
                    })
                    .collect();
                Type::list(joined(types))
            }
            Node::Map(entries) => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for (key, value, optional) in entries {
                    keys.push(self.check(key));
                    let ty = self.check(value);
                    values.push(unwrapped(ty, *optional));
                }
                Type::Map(Arc::new(joined(keys)), Arc::new(joined(values)))
            }
            Node::Fold(fold) => self.fold(at, fold),
            Node::Bind(name, pair) => {
                let [value, body] = &mut **pair;
                let value = self.check(value);
                self.within(vec![(name.clone(), value)], body)
            }
            Node::OptMap(name, pair, flat) => {
                let [of, body] = &mut **pair;
                let inner = match self.check(of) {
                    Type::Optional(inner) => (*inner).clone(),
                    _ => Type::Dyn,
                };
                let body = self.within(vec![(name.clone(), inner)], body);
                match flat {
                    Flat::Yes => body,
                    Flat::No => Type::Optional(Arc::new(body)),
                }
            }
        }
    }

    fn within(&mut self, names: Vec<(String, Type)>, body: &mut Expr) -> Type {
        let before = self.scope.len();
        self.scope.extend(names);
        let ty = self.check(body);
        self.scope.truncate(before);
        ty
    }

    fn logic(&mut self, all: &mut [Expr], operator: &str, at: usize) -> Type {
        let types: Vec<Type> = all.iter_mut().map(|one| self.check(one)).collect();
        if types.iter().all(|ty| Type::Bool.accepts(ty)) {
            return Type::Bool;
        }
        let wrong = types.iter().position(|ty| !Type::Bool.accepts(ty)).unwrap_or(0);
        let left = wrong.saturating_sub(1);
        let pair = [
            types[left].clone(),
            types[(left + 1).min(types.len() - 1)].clone(),
        ];
        self.no_overload(at, operator, None, &pair)
    }

    fn field(&mut self, at: usize, ty: &Type, field: &str, optional: Optional) -> Type {
        let found = match ty {
            Type::Dyn | Type::Param(_) => Type::Dyn,
            Type::Optional(inner) => {
                let inner = self.field(at, inner, field, Optional::No);
                return Type::Optional(Arc::new(inner));
            }
            Type::Map(_, of) => (**of).clone(),
            Type::Object(object) => match object.fields.get(field) {
                Some(field) => field.ty.clone(),
                None => return self.wrong(at, &format!("undefined field '{field}'")),
            },
            other => {
                return self.wrong(at, &format!("type '{other}' does not support field selection"));
            }
        };
        match optional {
            Optional::Yes => Type::Optional(Arc::new(found)),
            Optional::No => found,
        }
    }

    fn index(&mut self, at: usize, of: &Type, index: &Type, optional: Optional) -> Type {
        let found = match of {
            Type::Dyn | Type::Param(_) => Type::Dyn,
            Type::Optional(inner) => {
                let inner = self.index(at, inner, index, Optional::No);
                return Type::Optional(Arc::new(inner));
            }
            Type::List(element, _) if Type::Int.accepts(index) => (**element).clone(),
            Type::Map(key, value) if key.accepts(index) => (**value).clone(),
            _ => return self.no_overload(at, "_[_]", None, &[of.clone(), index.clone()]),
        };
        match optional {
            Optional::Yes => Type::Optional(Arc::new(found)),
            Optional::No => found,
        }
    }

    fn fold(&mut self, at: usize, fold: &mut Fold) -> Type {
        let over = self.check(&mut fold.over);
        let (first, second) = match &over {
            Type::List(element, _) => (Type::Int, (**element).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Param(_) => (Type::Dyn, Type::Dyn),
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.wrong(fold.over.at, &message);
                (Type::Dyn, Type::Dyn)
            }
        };
        let names = match &fold.second {
            Some(name) => vec![(fold.variable.clone(), first.clone()), (name.clone(), second)],
            // With one variable a list gives its elements and a map its keys.
            None if matches!(over, Type::List(..)) => vec![(fold.variable.clone(), second)],
            None => vec![(fold.variable.clone(), first.clone())],
        };
        let predicate = |checker: &mut Self, expr: &mut Expr| {
            let place = expr.at;
            let ty = checker.within(names.clone(), expr);
            if !Type::Bool.accepts(&ty) {
                let message = format!("expected type 'bool' but found '{ty}'");
                checker.wrong(place, &message);
            }
        };
        if let Some(filter) = &mut fold.filter {
            predicate(self, filter);
        }
        match fold.kind {
            FoldKind::All | FoldKind::Exists | FoldKind::ExistsOne => {
                predicate(self, &mut fold.body);
                Type::Bool
            }
            FoldKind::Filter => {
                predicate(self, &mut fold.body);
                match over {
                    Type::List(element, _) => Type::List(element, Order::Matters),
                    _ => Type::list(first),
                }
            }
            FoldKind::Map => Type::list(self.within(names, &mut fold.body)),
            FoldKind::TransformMap => {
                let value = self.within(names, &mut fold.body);
                let _ = at;
                Type::Map(Arc::new(first), Arc::new(value))
            }
        }
    }

    fn call(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        let Node::Call(name, target, args) = &mut expr.node else {
            return Type::Dyn;
        };
        if let Some(space) = target.as_deref().and_then(|target| match &target.node {
            Node::Ident(space) if SPACES.contains(&space.as_str()) => Some(space.clone()),
            _ => None,
        }) && self.variable(&space).is_none()
        {
            *name = format!("{space}.{name}");
            *target = None;
        }
        let receiver = target.as_deref_mut().map(|target| self.check(target));
        let types: Vec<Type> = args.iter_mut().map(|arg| self.check(arg)).collect();
        let candidates = of_name(name);
        if candidates.is_empty() {
            let message = format!("undeclared reference to '{name}' (in container '')");
            return self.wrong(at, &message);
        }
        let results: Vec<Type> = candidates
            .iter()
            .filter_map(|one| apply(one, receiver.as_ref(), &types))
            .collect();
        match results.split_first() {
            None => {
                let name = name.clone();
                self.no_overload(at, &name, receiver.as_ref(), &types)
            }
            Some((first, rest)) if rest.iter().all(|other| other == first) => first.clone(),
            Some(_) => Type::Dyn,
        }
    }

    fn no_overload(&mut self, at: usize, name: &str, receiver: Option<&Type>, args: &[Type]) -> Type {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let receiver = receiver.map(|ty| format!("{ty}.")).unwrap_or_default();
        let message = format!(
            "found no matching overload for '{name}' applied to '{receiver}({})'",
            args.join(", ")
        );
        self.wrong(at, &message)
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}

fn unwrapped(ty: Type, optional: Optional) -> Type {
    match (ty, optional) {
        (Type::Optional(inner), Optional::Yes) => (*inner).clone(),
        (ty, _) => ty,
    }
}

fn joined(types: Vec<Type>) -> Type {
    let mut types = types.into_iter();
    let first = types.next();
    first.map_or(Type::Dyn, |first| types.fold(first, |all, one| all.join(&one)))
}

/// The result of a function for types, if they fit.
fn apply(signature: &Signature, receiver: Option<&Type>, args: &[Type]) -> Option<Type> {
    if signature.args.len() != args.len() || signature.receiver.is_some() != receiver.is_some() {
        return None;
    }
    let mut bound: [Option<Type>; 2] = [None, None];
    let wanted = signature.receiver.iter().chain(&signature.args);
    for (wanted, given) in wanted.zip(receiver.into_iter().chain(args)) {
        if !unify(wanted, given, &mut bound) {
            return None;
        }
    }
    Some(substitute(&signature.result, &bound))
}

fn unify(wanted: &Type, given: &Type, bound: &mut [Option<Type>; 2]) -> bool {
    match (wanted, given) {
        (Type::Param(at), given) => {
            let slot = &mut bound[usize::from(*at) % 2];
            match slot {
                None => *slot = Some(given.clone()),
                Some(known) if !known.accepts(given) => return false,
                Some(known) => {
                    if *known != *given {
                        *known = known.clone().join(given);
                    }
                }
            }
            true
        }
        (Type::List(wanted, _), Type::List(given, _)) | (Type::Optional(wanted), Type::Optional(given)) => {
            unify(wanted, given, bound)
        }
        (Type::Map(key, value), Type::Map(given_key, given_value)) => {
            unify(key, given_key, bound) && unify(value, given_value, bound)
        }
        (wanted, given) => wanted.accepts(given),
    }
}

fn substitute(ty: &Type, bound: &[Option<Type>; 2]) -> Type {
    match ty {
        Type::Param(at) => bound[usize::from(*at) % 2].clone().unwrap_or(Type::Dyn),
        Type::List(of, order) => Type::List(Arc::new(substitute(of, bound)), order.clone()),
        Type::Map(key, of) => Type::Map(Arc::new(substitute(key, bound)), Arc::new(substitute(of, bound))),
        Type::Optional(of) => Type::Optional(Arc::new(substitute(of, bound))),
        other => other.clone(),
    }
}
