//! Holding a value against a compiled schema.
//!
//! ```text
//! type ► const ► enum ► format ► $ref ► by kind of value ► not/allOf/anyOf/oneOf/if ► unevaluated…
//! ```
//!
//! The first four stop at the first violation, the rest collects. This order, and the way causes nest, is what
//! Helm's users see. A schema that is only tried (`not`, `if`) is checked without building any text.

mod kinds;

use std::collections::BTreeSet;

use yaml::Value;

use super::instance::Instance;
use super::message;
use super::meta::Draft;
use super::node::{Node, NodeId, Schema};
use crate::go_text;

/// Schemas within schemas and values within values on one path. A chain of references that long is a loop
/// that the cycle check, which compares values by place, cannot see.
const MAX_DEPTH: usize = 600;

/// Schemas tried in all. `anyOf` within `anyOf` can multiply without bound; real charts need some thousands.
const MAX_STEPS: u64 = 20_000_000;

/// Something a value must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violation {
    /// Where in the values, as a JSON pointer.
    pub at: String,
    pub message: String,
    pub causes: Vec<Violation>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Plain,
    /// Several violations of one schema.
    Group,
    /// Behind a `$ref`.
    Reference,
}

/// Checks a value; every violation, in Helm's order.
pub(super) fn run(schema: &Schema, value: Instance<'_>) -> Result<(), Vec<Violation>> {
    run_bounded(schema, value, MAX_STEPS)
}

/// The same with another bound on the schemas tried.
pub(super) fn run_bounded(schema: &Schema, value: Instance<'_>, steps: u64) -> Result<(), Vec<Violation>> {
    let mut pass = Pass {
        schema,
        path: Vec::new(),
        scopes: Vec::new(),
        next_via: None,
        steps,
    };
    let result = pass.child(schema.root, value, Want::Text);
    // Whatever came out of it, `not` included, was not thought through to the end.
    if pass.steps == 0 {
        return Err(vec![
            pass.violation("schema is too deep or too complex to be checked".to_owned()),
        ]);
    }
    match result {
        Ok(()) => Ok(()),
        Err(violation) if violation.kind == Kind::Group => Err(violation.causes),
        Err(violation) => Err(vec![violation]),
    }
}

/// The violations as Helm lists them.
pub(crate) fn print(violations: &[Violation]) -> String {
    let mut out = String::new();
    for violation in violations {
        violation.print(&mut out, 0);
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

impl Violation {
    fn print(&self, out: &mut String, indent: usize) {
        let is_shown = self.kind != Kind::Reference || self.causes.len() != 1;
        if is_shown {
            out.extend(std::iter::repeat_n("  ", indent));
            out.push_str("- at ");
            out.push_str(&message::quote(&self.at));
            out.push_str(": ");
            out.push_str(&self.message);
            out.push('\n');
        }
        for cause in &self.causes {
            cause.print(out, indent + usize::from(is_shown));
        }
    }
}

/// Whether the caller will show the violation, or only asks if there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Text,
    Answer,
}

#[derive(Clone, Copy)]
enum Token<'v> {
    Key(&'v str),
    Index(usize),
}

/// A schema that is being tried on the value at a depth.
struct Scope {
    node: NodeId,
    depth: usize,
    /// The keyword that led here from another place in the schema.
    via: Option<&'static str>,
}

struct Pass<'s, 'v> {
    schema: &'s Schema,
    path: Vec<Token<'v>>,
    scopes: Vec<Scope>,
    /// The keyword of the reference that is about to be followed.
    next_via: Option<&'static str>,
    steps: u64,
}

/// What no keyword has looked at yet, as far as somebody asks.
#[derive(Default)]
struct Unevaluated<'v> {
    properties: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
}

/// One schema on one value.
struct Visit<'s, 'v> {
    node: &'s Node,
    value: Instance<'v>,
    want: Want,
    rest: Unevaluated<'v>,
    errors: Vec<Violation>,
}

type Checked<T> = Result<T, Violation>;

impl<'s, 'v> Pass<'s, 'v> {
    /// Tries a schema on a value of its own.
    fn child(&mut self, id: NodeId, value: Instance<'v>, want: Want) -> Checked<()> {
        self.visit(id, value, want, false).map(|_| ())
    }

    fn visit(
        &mut self,
        id: NodeId,
        value: Instance<'v>,
        want: Want,
        is_asked: bool,
    ) -> Checked<Unevaluated<'v>> {
        let schema = self.schema;
        let node = &schema.nodes[id];
        let depth = self.path.len();
        if let Some(cycle) = self.cycle(id, depth, want) {
            return Err(cycle);
        }
        let via = self.next_via.take();
        if self.scopes.len() > MAX_DEPTH || self.steps == 0 {
            self.steps = 0;
            return Err(Violation::default());
        }
        let rest = Unevaluated::of(value, node, is_asked);
        let mut visit = Visit {
            node,
            value,
            want,
            rest,
            errors: Vec::new(),
        };
        self.steps -= 1;
        self.scopes.push(Scope { node: id, depth, via });
        let result = self.check(&mut visit);
        self.scopes.pop();
        result?;
        let Visit { rest, mut errors, .. } = visit;
        match errors.len() {
            0 => Ok(rest),
            1 => Err(errors.remove(0)),
            _ => {
                let mut group = self.violation("validation failed".to_owned());
                (group.kind, group.causes) = (Kind::Group, errors);
                Err(group)
            }
        }
    }

    fn cycle(&self, id: NodeId, depth: usize, want: Want) -> Option<Violation> {
        let same_value = self.scopes.iter().rev().take_while(|scope| scope.depth == depth);
        let first = same_value.into_iter().find(|scope| scope.node == id)?;
        if want == Want::Answer {
            return Some(Violation::default());
        }
        let first = self
            .scopes
            .iter()
            .position(|scope| std::ptr::eq(scope, first))
            .unwrap_or(0);
        let last = Scope {
            node: id,
            depth,
            via: self.next_via,
        };
        let again = self.keywords(self.scopes.iter().chain([&last]));
        let before = self.keywords(self.scopes[..=first].iter());
        let location = go_text::quote(&self.schema.nodes[id].location);
        Some(self.violation(format!(
            "both {again} and {before} resolve to {location} causing reference cycle"
        )))
    }

    /// The keywords that lead from the root to the last of these scopes.
    fn keywords<'a>(&self, scopes: impl Iterator<Item = &'a Scope>) -> String {
        let mut out = String::new();
        let mut parent = None;
        for scope in scopes {
            let location = self.schema.nodes[scope.node].location.as_str();
            match (scope.via, parent) {
                (Some(keyword), _) => {
                    out.push('/');
                    out.push_str(keyword);
                }
                (None, Some(parent)) => out.push_str(location.strip_prefix(parent).unwrap_or("")),
                (None, None) => {}
            }
            parent = Some(location);
        }
        out
    }

    /// The keywords in order. An error here is one that hides all others.
    fn check(&mut self, visit: &mut Visit<'s, 'v>) -> Checked<()> {
        let node = visit.node;
        let value = visit.value;
        if let Some(always) = node.always {
            return if always {
                Ok(())
            } else {
                Err(self.fail(visit, || "false schema".to_owned()))
            };
        }
        if node.types.0 != 0 && !value.is_one_of(node.types) {
            let got = value.type_name();
            return Err(self.fail(visit, || format!("got {got}, want {}", node.types.list())));
        }
        if let Some(constant) = &node.constant
            && !value.equals(constant.into())
        {
            return Err(self.fail(visit, || match constant {
                Value::Seq(_) | Value::Map(_) => "'const' failed".to_owned(),
                constant => format!("value must be {}", Instance::from(constant).display()),
            }));
        }
        if let Some(allowed) = &node.enumeration
            && !allowed.iter().any(|one| value.equals(one.into()))
        {
            return Err(self.fail(visit, || enumeration(allowed)));
        }
        if let (Some(format), Instance::String(text)) = (node.format, value)
            && let Err(reason) = format.check(text)
        {
            let text = message::quote(text);
            return Err(self.fail(visit, || {
                format!("{text} is not valid {}: {reason}", format.name())
            }));
        }
        if let Some(target) = node.reference {
            let result = self.referred(visit, target, "$ref");
            if node.draft < Draft::D2019 {
                return result;
            }
            visit.add(result);
        }
        match value {
            Instance::Map(map) => self.object(visit, map),
            Instance::Seq(items) => self.array(visit, items),
            Instance::String(text) => self.string(visit, text),
            Instance::Number(number) => self.number(visit, number),
            Instance::Null | Instance::Bool(_) => {}
        }
        if visit.errors.is_empty() || visit.want == Want::Text {
            self.references(visit);
            self.combined(visit);
            self.unevaluated(visit);
        }
        Ok(())
    }

    /// Tries another schema on the same value and takes over what it evaluated.
    fn also(&mut self, visit: &mut Visit<'s, 'v>, id: NodeId, want: Want) -> Checked<()> {
        let want = if visit.want == Want::Answer {
            Want::Answer
        } else {
            want
        };
        let rest = self.visit(id, visit.value, want, !visit.rest.is_empty())?;
        visit.rest.keep_common(&rest);
        Ok(())
    }

    fn referred(&mut self, visit: &mut Visit<'s, 'v>, target: NodeId, keyword: &'static str) -> Checked<()> {
        self.next_via = Some(keyword);
        let Err(failed) = self.also(visit, target, Want::Text) else {
            return Ok(());
        };
        let mut violation = self.fail(visit, || "validation failed".to_owned());
        violation.kind = Kind::Reference;
        violation.causes = if failed.kind == Kind::Group {
            failed.causes
        } else {
            vec![failed]
        };
        Err(violation)
    }

    /// `$recursiveRef` and `$dynamicRef`: the outermost schema in scope that claims the name.
    fn references(&mut self, visit: &mut Visit<'s, 'v>) {
        let nodes = &self.schema.nodes;
        if let Some(mut target) = visit.node.recursive_reference {
            if nodes[target].recursive_anchor {
                let claims = |scope: &&Scope| nodes[nodes[scope.node].resource].recursive_anchor;
                target = self.scopes.iter().find(claims).map_or(target, |scope| scope.node);
            }
            let result = self.referred(visit, target, "$recursiveRef");
            visit.add(result);
        }
        if let Some((mut target, anchor)) = visit.node.dynamic_reference.clone() {
            if anchor.is_some() && nodes[target].dynamic_anchor == anchor {
                let found = self.scopes.iter().find_map(|scope| {
                    let anchors = &nodes[nodes[scope.node].resource].dynamic_anchors;
                    anchors
                        .iter()
                        .find(|(name, _)| Some(name) == anchor.as_ref())
                        .map(|(_, id)| *id)
                });
                target = found.unwrap_or(target);
            }
            let result = self.referred(visit, target, "$dynamicRef");
            visit.add(result);
        }
    }

    /// `not`, `allOf`, `anyOf`, `oneOf`, `if`.
    fn combined(&mut self, visit: &mut Visit<'s, 'v>) {
        let node = visit.node;
        if let Some(id) = node.not
            && self.also(visit, id, Want::Answer).is_ok()
        {
            self.report(visit, || "'not' failed".to_owned());
        }
        let failed: Vec<Violation> = node
            .all_of
            .iter()
            .filter_map(|id| self.also(visit, *id, Want::Text).err())
            .collect();
        if !failed.is_empty() {
            self.report_causes(visit, failed, || "'allOf' failed".to_owned());
        }
        self.any_of(visit);
        self.one_of(visit);
        if let Some(condition) = node.condition {
            let holds = self.also(visit, condition.when, Want::Answer).is_ok();
            if let Some(id) = if holds {
                condition.then
            } else {
                condition.otherwise
            } {
                let result = self.also(visit, id, Want::Text);
                visit.add(result);
            }
        }
    }

    fn any_of(&mut self, visit: &mut Visit<'s, 'v>) {
        let mut matched = visit.node.any_of.is_empty();
        let mut failed = Vec::new();
        for id in &visit.node.any_of {
            match self.also(visit, *id, Want::Text) {
                Err(violation) => failed.push(violation),
                Ok(()) => {
                    matched = true;
                    if visit.rest.is_empty() {
                        break;
                    }
                }
            }
        }
        if !matched {
            self.report_causes(visit, failed, || "'anyOf' failed".to_owned());
        }
    }

    fn one_of(&mut self, visit: &mut Visit<'s, 'v>) {
        if visit.node.one_of.is_empty() {
            return;
        }
        let mut matched = None;
        let mut failed = Vec::new();
        for (i, id) in visit.node.one_of.iter().enumerate() {
            let want = if matched.is_some() {
                Want::Answer
            } else {
                Want::Text
            };
            match (self.also(visit, *id, want), matched) {
                (Err(violation), None) => failed.push(violation),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(i),
                (Ok(()), Some(first)) => {
                    self.report(visit, || {
                        format!("'oneOf' failed, subschemas {first}, {i} matched")
                    });
                    return;
                }
            }
        }
        if matched.is_none() {
            self.report_causes(visit, failed, || "'oneOf' failed, none matched".to_owned());
        }
    }

    fn unevaluated(&mut self, visit: &mut Visit<'s, 'v>) {
        if let (Some(id), Instance::Map(map)) = (visit.node.unevaluated_properties, visit.value) {
            for name in std::mem::take(&mut visit.rest.properties) {
                if let Some((name, value)) = map.get_key_value(name) {
                    self.member(visit, id, Token::Key(name), value);
                }
            }
        }
        if let (Some(id), Instance::Seq(items)) = (visit.node.unevaluated_items, visit.value) {
            for i in std::mem::take(&mut visit.rest.items) {
                self.member(visit, id, Token::Index(i), &items[i]);
            }
        }
    }

    /// Tries a schema on a part of the value.
    fn member(&mut self, visit: &mut Visit<'s, 'v>, id: NodeId, token: Token<'v>, value: &'v Value) {
        self.path.push(token);
        let result = self.child(id, value.into(), visit.want);
        self.path.pop();
        visit.add(result);
    }

    fn report(&self, visit: &mut Visit<'s, 'v>, text: impl FnOnce() -> String) {
        let violation = self.fail(visit, text);
        visit.errors.push(violation);
    }

    fn report_causes(
        &self,
        visit: &mut Visit<'s, 'v>,
        causes: Vec<Violation>,
        text: impl FnOnce() -> String,
    ) {
        let mut violation = self.fail(visit, text);
        violation.causes = causes;
        visit.errors.push(violation);
    }

    fn fail(&self, visit: &Visit<'s, 'v>, text: impl FnOnce() -> String) -> Violation {
        if visit.want == Want::Answer {
            Violation::default()
        } else {
            self.violation(text())
        }
    }

    fn violation(&self, message: String) -> Violation {
        let mut at = String::new();
        for token in &self.path {
            at.push('/');
            match token {
                Token::Key(key) => at.push_str(&super::document::escape(key)),
                Token::Index(index) => at.push_str(&index.to_string()),
            }
        }
        Violation {
            at,
            message,
            causes: Vec::new(),
            kind: Kind::Plain,
        }
    }
}

impl Visit<'_, '_> {
    fn add(&mut self, result: Checked<()>) {
        self.errors.extend(result.err());
    }

    /// Only an answer is wanted, and it is no.
    fn is_decided(&self) -> bool {
        self.want == Want::Answer && !self.errors.is_empty()
    }
}

impl<'v> Unevaluated<'v> {
    fn of(value: Instance<'v>, node: &Node, is_asked: bool) -> Self {
        let mut rest = Self::default();
        match value {
            Instance::Map(map)
                if (is_asked || node.unevaluated_properties.is_some())
                    && node.object.additional.is_none() =>
            {
                rest.properties = map.keys().map(String::as_str).collect();
            }
            Instance::Seq(items) if is_asked || node.unevaluated_items.is_some() => {
                if let Some(first) = node.array.evaluated() {
                    rest.items = (first..items.len()).collect();
                }
            }
            _ => {}
        }
        rest
    }

    fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.items.is_empty()
    }

    fn keep_common(&mut self, other: &Self) {
        self.properties.retain(|name| other.properties.contains(name));
        self.items.retain(|i| other.items.contains(i));
    }
}

fn enumeration(allowed: &[Value]) -> String {
    if allowed
        .iter()
        .any(|one| matches!(one, Value::Seq(_) | Value::Map(_)))
    {
        return "'enum' failed".to_owned();
    }
    let shown: Vec<String> = allowed.iter().map(|one| Instance::from(one).display()).collect();
    match shown.as_slice() {
        [one] => format!("value must be {one}"),
        all => format!("value must be one of {}", all.join(", ")),
    }
}
