//! Running a checked expression, every step charged.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use regex_automata::meta::Regex;

use crate::ast::{Expr, Flat, Fold, FoldKind, Node, Optional};
use crate::call;
use crate::check::{self, Issues};
use crate::parse::parse;
use crate::types::{Order, Type};
use crate::value::{Key, List, Value};

/// The steps of one evaluation, as the real server has it.
const CALL_COST_MAX: u64 = 1_000_000;

/// What a new list or map costs, whatever is in it, as the real server has it.
const LIST_COST: u64 = 10;
const MAP_COST: u64 = 30;

/// The memory of one pattern's automaton, and what making one costs: some hundred microseconds.
const PATTERN_BYTES_MAX: usize = 1 << 20;
const PATTERN_COST: u64 = 100;

/// A checked expression.
#[derive(Debug, Clone)]
pub struct Program {
    expr: Expr,
    ty: Type,
}

/// Names and their types.
pub type Variables = HashMap<String, Type>;

/// Where values of names come from.
pub trait Lookup {
    /// The value of a name.
    fn get(&self, name: &str) -> Option<Value>;

    /// A field of a name whose fields are made when they are asked for. `None` if `get` has the name.
    fn member(&self, of: &str, field: &str) -> Option<Result<Value, Error>> {
        let _ = (of, field);
        None
    }
}

/// What may be spent on a row of evaluations.
#[derive(Debug)]
pub struct Budget {
    left: u64,
}

/// Why an evaluation has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It cost more than one evaluation may.
    Cost,
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cost => f.write_str("operation cancelled: actual cost limit exceeded"),
            Error::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl Budget {
    #[must_use]
    pub fn new(cost: u64) -> Self {
        Self { left: cost }
    }

    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }
}

impl Lookup for HashMap<String, Value> {
    fn get(&self, name: &str) -> Option<Value> {
        HashMap::get(self, name).cloned()
    }
}

impl Program {
    /// Parses and checks a text.
    ///
    /// # Errors
    /// If it does not parse, or mentions what is not there.
    pub fn compile(text: &str, variables: &Variables) -> Result<Self, Issues> {
        let mut expr = parse(text).map_err(|issue| Issues::new(text, &[issue]))?;
        match check::check(&mut expr, variables) {
            Ok(ty) => Ok(Self { expr, ty }),
            Err(issues) => Err(Issues::new(text, &issues)),
        }
    }

    /// The type of its values.
    #[must_use]
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        self.expr.mentions(name)
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// What the real server calls an evaluation error; or that it cost too much.
    pub fn eval(&self, lookup: &dyn Lookup, budget: &mut Budget) -> Result<Value, Error> {
        let start = budget.left.min(CALL_COST_MAX);
        let mut evaluator = Evaluator {
            lookup,
            scope: Vec::new(),
            meter: Meter {
                left: start,
                regexes: HashMap::new(),
            },
        };
        let value = evaluator.eval(&self.expr);
        budget.left -= start - evaluator.meter.left;
        value
    }
}

/// What is left of an evaluation's cost, and its patterns.
pub(crate) struct Meter {
    left: u64,
    regexes: HashMap<String, Arc<Regex>>,
}

impl Meter {
    pub(crate) fn charge(&mut self, cost: u64) -> Result<(), Error> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Error::Cost)
            }
        }
    }

    /// Charges work on a text: a tenth of its bytes, as the real server counts.
    pub(crate) fn charge_text(&mut self, bytes: usize) -> Result<(), Error> {
        self.charge(bytes as u64 / 10 + 1)
    }

    pub(crate) fn regex(&mut self, pattern: &str) -> Result<Arc<Regex>, Error> {
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(Arc::clone(regex));
        }
        self.charge(PATTERN_COST + pattern.len() as u64)?;
        let regex = crate::pattern::compile(pattern, PATTERN_BYTES_MAX)
            .map_err(|_| failed(format!("error parsing regexp: `{pattern}`")))?;
        let regex = Arc::new(regex);
        self.regexes.insert(pattern.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }

    /// Whether two values are equal, every part looked at charged.
    pub(crate) fn equal(&mut self, a: &Value, b: &Value) -> Result<bool, Error> {
        self.charge(1)?;
        match (a, b) {
            (Value::String(a), Value::String(b)) => {
                self.charge_text(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                self.charge_text(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Value::List(a), Value::List(b)) => self.lists_equal(a, b),
            (Value::Map(a), Value::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for ((key, value), (other_key, other)) in a.iter().zip(b.iter()) {
                    if key != other_key || !self.equal(value, other)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Optional(Some(a)), Value::Optional(Some(b))) => self.equal(a, b),
            (a, b) => Ok(a == b),
        }
    }

    fn lists_equal(&mut self, a: &List, b: &List) -> Result<bool, Error> {
        if a.items.len() != b.items.len() {
            return Ok(false);
        }
        if a.order == Order::Matters || b.order == Order::Matters {
            for (one, other) in a.items.iter().zip(b.items.iter()) {
                if !self.equal(one, other)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        for one in a.items.iter() {
            if !self.contains(&b.items, one)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn contains(&mut self, items: &[Value], wanted: &Value) -> Result<bool, Error> {
        for item in items {
            if self.equal(item, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(crate) fn failed(message: impl Into<String>) -> Error {
    Error::Failed(message.into())
}

pub(crate) fn no_overload() -> Error {
    failed("no such overload")
}

struct Evaluator<'a> {
    lookup: &'a dyn Lookup,
    scope: Vec<(String, Value)>,
    meter: Meter,
}

impl Evaluator<'_> {
    /// Recurses as deep as the expression, whose depth the parser bounds. Each arm is a function of its own, so
    /// that this one's frame stays small.
    fn eval(&mut self, expr: &Expr) -> Result<Value, Error> {
        match &expr.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Ident(name) => self.ident(name),
            Node::Select(of, name, optional) => self.select(of, name, *optional),
            Node::Has(of, name) => self.has(of, name),
            Node::Index(pair, optional) => self.index(pair, *optional),
            Node::Call(name, target, args) => self.call(name, target.as_deref(), args),
            Node::And(all) => self.logic(all, false),
            Node::Or(all) => self.logic(all, true),
            Node::If(three) => {
                self.meter.charge(1)?;
                match self.eval(&three[0])? {
                    Value::Bool(true) => self.eval(&three[1]),
                    Value::Bool(false) => self.eval(&three[2]),
                    _ => Err(no_overload()),
                }
            }
            Node::List(items) => self.list(items),
            Node::Map(entries) => self.map(entries),
            Node::Fold(fold) => self.fold(fold),
            Node::Bind(name, pair) => {
                let value = self.eval(&pair[0])?;
                self.within(&[(name, value)], &pair[1])
            }
            Node::OptMap(name, pair, flat) => self.opt_map(name, pair, *flat),
        }
    }

    fn ident(&mut self, name: &str) -> Result<Value, Error> {
        self.meter.charge(1)?;
        if let Some((_, value)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.lookup.get(name) {
            return Ok(value);
        }
        match name {
            "bool" | "bytes" | "double" | "int" | "list" | "map" | "null_type" | "string" | "type"
            | "uint" => Ok(Value::Type(name.into())),
            _ => Err(failed(format!("no such attribute(s): {name}"))),
        }
    }

    /// The value of a name's field that is made when asked for.
    fn member(&self, of: &Expr, name: &str) -> Option<Result<Value, Error>> {
        match &of.node {
            Node::Ident(ident) if !self.scope.iter().any(|(known, _)| known == ident) => {
                self.lookup.member(ident, name)
            }
            _ => None,
        }
    }

    fn select(&mut self, of: &Expr, name: &str, optional: Optional) -> Result<Value, Error> {
        self.meter.charge(1)?;
        if let Some(value) = self.member(of, name) {
            return value;
        }
        let of = self.eval(of)?;
        let is_optional = matches!(of, Value::Optional(_));
        let found = match &of {
            Value::Map(map) => field(map, name),
            Value::Optional(None) => None,
            Value::Optional(Some(inner)) => match &**inner {
                Value::Map(map) => field(map, name),
                _ => return Err(no_overload()),
            },
            _ => return Err(no_overload()),
        };
        if optional == Optional::Yes || is_optional {
            return Ok(Value::Optional(found.map(Box::new)));
        }
        found.ok_or_else(|| failed(format!("no such key: {name}")))
    }

    fn has(&mut self, of: &Expr, name: &str) -> Result<Value, Error> {
        self.meter.charge(1)?;
        if let Some(value) = self.member(of, name) {
            return value.map(|_| Value::Bool(true));
        }
        let found = match &self.eval(of)? {
            Value::Map(map) => field(map, name).is_some(),
            Value::Optional(None) => false,
            Value::Optional(Some(inner)) => match &**inner {
                Value::Map(map) => field(map, name).is_some(),
                _ => return Err(no_overload()),
            },
            _ => return Err(no_overload()),
        };
        Ok(Value::Bool(found))
    }

    fn index(&mut self, pair: &[Expr; 2], optional: Optional) -> Result<Value, Error> {
        self.meter.charge(1)?;
        let (of, index) = (self.eval(&pair[0])?, self.eval(&pair[1])?);
        let (of, optional) = match of {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => (*inner, Optional::Yes),
            other => (other, optional),
        };
        let found = call::at(&of, &index);
        match optional {
            Optional::No => found,
            Optional::Yes => Ok(Value::Optional(found.ok().map(Box::new))),
        }
    }

    fn call(&mut self, name: &str, target: Option<&Expr>, args: &[Expr]) -> Result<Value, Error> {
        self.meter.charge(1)?;
        let mut all = Vec::with_capacity(args.len() + 1);
        for expr in target.into_iter().chain(args) {
            all.push(self.eval(expr)?);
        }
        call::call(name, &all, &mut self.meter)
    }

    /// `&&` and `||`: an error counts only if no other part decides.
    fn logic(&mut self, all: &[Expr], decisive: bool) -> Result<Value, Error> {
        let mut error = None;
        for one in all {
            match self.eval(one) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(value)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    error.get_or_insert_with(no_overload);
                }
                Err(Error::Cost) => return Err(Error::Cost),
                Err(other) => {
                    error.get_or_insert(other);
                }
            }
        }
        match error {
            Some(error) => Err(error),
            None => Ok(Value::Bool(!decisive)),
        }
    }

    fn list(&mut self, items: &[(Expr, Optional)]) -> Result<Value, Error> {
        self.meter.charge(LIST_COST)?;
        let mut out = Vec::with_capacity(items.len());
        for (item, optional) in items {
            match (self.eval(item)?, optional) {
                (Value::Optional(inner), Optional::Yes) => out.extend(inner.map(|inner| *inner)),
                (value, _) => out.push(value),
            }
        }
        Ok(Value::list(out))
    }

    fn map(&mut self, entries: &[(Expr, Expr, Optional)]) -> Result<Value, Error> {
        self.meter.charge(MAP_COST)?;
        let mut out = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = self
                .eval(key)?
                .key()
                .ok_or_else(|| failed("unsupported key type"))?;
            let value = match (self.eval(value)?, optional) {
                (Value::Optional(None), Optional::Yes) => continue,
                (Value::Optional(Some(inner)), Optional::Yes) => *inner,
                (value, _) => value,
            };
            if out.contains_key(&key) {
                return Err(failed(format!("insert failed: key {key} already exists")));
            }
            out.insert(key, value);
        }
        Ok(Value::Map(Arc::new(out)))
    }

    fn within(&mut self, names: &[(&String, Value)], body: &Expr) -> Result<Value, Error> {
        let before = self.scope.len();
        self.scope
            .extend(names.iter().map(|(name, value)| ((*name).clone(), value.clone())));
        let value = self.eval(body);
        self.scope.truncate(before);
        value
    }

    fn opt_map(&mut self, name: &String, pair: &[Expr; 2], flat: Flat) -> Result<Value, Error> {
        match self.eval(&pair[0])? {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => {
                let value = self.within(&[(name, *inner)], &pair[1])?;
                Ok(match flat {
                    Flat::Yes => value,
                    Flat::No => Value::Optional(Some(Box::new(value))),
                })
            }
            _ => Err(no_overload()),
        }
    }

    fn fold(&mut self, fold: &Fold) -> Result<Value, Error> {
        let over = self.eval(&fold.over)?;
        let pairs: Vec<(Value, Value)> = match &over {
            Value::List(list) => (0i64..).map(Value::Int).zip(list.items.iter().cloned()).collect(),
            Value::Map(map) => map
                .iter()
                .map(|(key, value)| (key.to_value(), value.clone()))
                .collect(),
            _ => return Err(no_overload()),
        };
        self.meter.charge(pairs.len() as u64 + 1)?;
        let is_list = matches!(over, Value::List(_));
        let names = |(first, second): (Value, Value)| match &fold.second {
            Some(name) => vec![(&fold.variable, first), (name, second)],
            None if is_list => vec![(&fold.variable, second)],
            None => vec![(&fold.variable, first)],
        };
        match fold.kind {
            FoldKind::All | FoldKind::Exists | FoldKind::ExistsOne => {
                self.quantified(fold, pairs.into_iter().map(names))
            }
            FoldKind::Filter => {
                self.meter.charge(LIST_COST)?;
                let mut out = Vec::new();
                for names in pairs.into_iter().map(names) {
                    let value = names[0].1.clone();
                    if self.holds(&names, &fold.body)? {
                        out.push(value);
                    }
                }
                Ok(Value::list(out))
            }
            FoldKind::Map => {
                self.meter.charge(LIST_COST)?;
                let mut out = Vec::new();
                for names in pairs.into_iter().map(names) {
                    if self.passes(&names, fold)? {
                        out.push(self.within(&names, &fold.body)?);
                    }
                }
                Ok(Value::list(out))
            }
            FoldKind::TransformMap => {
                self.meter.charge(MAP_COST)?;
                let mut out = BTreeMap::new();
                for names in pairs.into_iter().map(names) {
                    let key = names[0].1.key().ok_or_else(no_overload)?;
                    if self.passes(&names, fold)? {
                        out.insert(key, self.within(&names, &fold.body)?);
                    }
                }
                Ok(Value::Map(Arc::new(out)))
            }
        }
    }

    fn passes(&mut self, names: &[(&String, Value)], fold: &Fold) -> Result<bool, Error> {
        fold.filter
            .as_ref()
            .map_or(Ok(true), |filter| self.holds(names, filter))
    }

    fn holds(&mut self, names: &[(&String, Value)], body: &Expr) -> Result<bool, Error> {
        self.meter.charge(1)?;
        match self.within(names, body)? {
            Value::Bool(bool) => Ok(bool),
            _ => Err(no_overload()),
        }
    }

    fn quantified<'a>(
        &mut self,
        fold: &Fold,
        each: impl Iterator<Item = Vec<(&'a String, Value)>>,
    ) -> Result<Value, Error> {
        let mut error = None;
        let mut count = 0u64;
        for names in each {
            match (self.holds(&names, &fold.body), fold.kind) {
                (Ok(false), FoldKind::All) => return Ok(Value::Bool(false)),
                (Ok(true), FoldKind::Exists) => return Ok(Value::Bool(true)),
                (Ok(holds), _) => count += u64::from(holds),
                (Err(Error::Cost), _) => return Err(Error::Cost),
                (Err(other), FoldKind::ExistsOne) => return Err(other),
                (Err(other), _) => error = Some(other),
            }
        }
        match (error, fold.kind) {
            (Some(error), _) => Err(error),
            (None, FoldKind::All) => Ok(Value::Bool(true)),
            (None, FoldKind::Exists) => Ok(Value::Bool(false)),
            (None, _) => Ok(Value::Bool(count == 1)),
        }
    }
}

fn field(map: &BTreeMap<Key, Value>, name: &str) -> Option<Value> {
    map.get(&Key::String(name.into())).cloned()
}
