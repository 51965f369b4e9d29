//! The guard: the rules held against the objects of a chart.
//!
//! ```text
//! object ──scopes of its kind──► subject ──paths──► parts ──expression, for each──► findings ──► lines
//! ```
//!
//! An object that a rule can't be decided on is a finding too, so that no shape of an object is a way past the guard.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cel::{Budget, Error, Lookup, Program, Type, Value as Cel, Variables};
use manifest::finding::{Finding, shown};
use manifest::{Object, Placed, without_nulls};
use objects::meta;
use serde_json::Value;

use super::facts::Facts;
use super::rule::{GUARD_VARIABLES, Look, Resource, Rule, VARIABLES};
use super::rules;

/// What the rules may cost on one object: what Kubernetes lets a policy cost for one request.
const COST_MAX: u64 = 10_000_000;

/// The rules, ready to be held against objects. Made once and kept: that costs more than many a chart.
#[derive(Debug)]
pub struct Guard {
    looks: Vec<(&'static Rule, &'static Look, Program)>,
    variables: Vec<(&'static str, Program)>,
}

/// An object in the form that expressions see.
struct Sight {
    object: Cel,
    values: BTreeMap<&'static str, Cel>,
}

/// A part in it, and the way there.
struct Found {
    path: Vec<String>,
    value: Cel,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard {
    /// Compiles the rules.
    #[must_use]
    pub fn new() -> Self {
        let names = names();
        let program = |text| {
            Program::compile(text, &names).expect("the table's expressions compile: a test compiles each")
        };
        let looks = rules::all().flat_map(|rule| {
            let looks = rule.looks.iter();
            looks.map(move |look| (rule, look))
        });
        Self {
            looks: looks
                .map(|(rule, look)| (rule, look, program(look.expression)))
                .collect(),
            variables: VARIABLES
                .iter()
                .map(|(name, text)| (*name, program(text)))
                .collect(),
        }
    }

    /// Finds everything that the objects of a manifest may not do, with its lines.
    #[must_use]
    pub fn check(&self, objects: &[Placed<'_>], facts: &Facts) -> Vec<Finding> {
        let mut all = Vec::new();
        for placed in objects {
            let found = self.find(&placed.object, facts);
            if found.is_empty() {
                continue;
            }
            let lines = placed.lines(found.iter().map(|(path, _)| path.as_slice()));
            all.extend(
                found
                    .into_iter()
                    .zip(lines)
                    .map(|((_, finding), line)| Finding { line, ..finding }),
            );
        }
        all
    }

    /// Finds everything that an object may not do. Without its text there are no lines.
    #[must_use]
    pub fn check_object(&self, object: &Object, facts: &Facts) -> Vec<Finding> {
        let found = self.find(object, facts).into_iter();
        found.map(|(_, finding)| finding).collect()
    }

    fn find(&self, object: &Object, facts: &Facts) -> Vec<(Vec<String>, Finding)> {
        let value = without_nulls(&object.value);
        let mut budget = Budget::new(COST_MAX);
        let mut sight = self.sight(&value, facts);
        let mut findings = Findings {
            object,
            all: Vec::new(),
            unreadable: BTreeSet::new(),
        };
        let kind = &object.key.kind;
        for (rule, look, program) in &self.looks {
            let scope = look.part.scope;
            let Some(resource) = scope
                .resources
                .iter()
                .find(|resource| resource.is(&kind.group, &kind.name))
            else {
                continue;
            };
            let Some(subject) = findings.subject(&sight.object, resource) else {
                continue;
            };
            for path in look.part.paths {
                for part in findings.parts(&subject, path) {
                    if budget.is_spent() {
                        findings.unreadable(&[], "it is too large to be looked at as a whole");
                        return findings.all;
                    }
                    sight.values.insert("it", part.value.clone());
                    sight.values.insert(scope.subject, subject.value.clone());
                    let told = program.eval(&sight, &mut budget);
                    findings.judge(rule, look, &part, told);
                }
            }
        }
        findings.all
    }

    /// What expressions see of an object, in the namespace it goes to.
    fn sight(&self, value: &Value, facts: &Facts) -> Sight {
        let namespace = meta::namespace(value);
        let mut sight = Sight {
            object: Cel::of_plain(value),
            values: BTreeMap::from([
                ("namespaceObject", Cel::of_plain(facts.namespace(namespace))),
                ("node", Cel::string("")),
            ]),
        };
        let mut budget = Budget::new(COST_MAX);
        for (name, program) in &self.variables {
            if let Ok(value) = program.eval(&sight, &mut budget) {
                sight.values.insert(name, value);
            }
        }
        for (name, value) in facts.variables(namespace) {
            sight.values.insert(name, Cel::of_plain(&value));
        }
        sight
    }
}

/// The names that expressions may mention, with what is known of their types.
fn names() -> Variables {
    let type_of = |name: &str| match name {
        "hosts" | "namespaces" => Type::list(Type::String),
        "loadBalancers" | "nodePorts" => Type::Int,
        _ => Type::String,
    };
    let named = VARIABLES.iter().map(|(name, _)| *name);
    let mut fields: Vec<(&str, Type)> = named
        .chain(GUARD_VARIABLES.iter().copied())
        .map(|name| (name, type_of(name)))
        .collect();
    fields.extend([
        ("node", Type::String),
        ("podSpec", Type::Dyn),
        ("subject", Type::Dyn),
    ]);
    HashMap::from([
        ("it".to_owned(), Type::Dyn),
        ("object".to_owned(), Type::Dyn),
        ("namespaceObject".to_owned(), Type::Dyn),
        ("variables".to_owned(), Type::object("variables", &fields)),
    ])
}

impl Lookup for Sight {
    fn get(&self, name: &str) -> Option<Cel> {
        match name {
            "object" => Some(self.object.clone()),
            "it" | "namespaceObject" => self.values.get(name).cloned(),
            _ => None,
        }
    }

    fn member(&self, of: &str, field: &str) -> Option<Result<Cel, Error>> {
        (of == "variables").then_some(())?;
        self.values.get(field).cloned().map(Ok)
    }
}

/// The findings of one object.
struct Findings<'a> {
    object: &'a Object,
    all: Vec<(Vec<String>, Finding)>,
    /// Paths of which was told already that they are of the wrong shape: many rules look there.
    unreadable: BTreeSet<String>,
}

impl Findings<'_> {
    /// What the paths of a scope begin at; nothing if the object has none, as a Deployment without a template.
    fn subject(&mut self, object: &Cel, resource: &Resource) -> Option<Found> {
        let whole = Found {
            path: Vec::new(),
            value: object.clone(),
        };
        self.parts(&whole, resource.root).pop()
    }

    /// The parts that a path leads to.
    fn parts(&mut self, from: &Found, path: &str) -> Vec<Found> {
        let mut found = vec![Found {
            path: from.path.clone(),
            value: from.value.clone(),
        }];
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let (field, each) = step
                .strip_suffix("[]")
                .map_or((step, false), |field| (field, true));
            found = found
                .iter()
                .flat_map(|part| self.step(part, field, each))
                .collect();
        }
        found
    }

    fn step(&mut self, part: &Found, field: &str, each: bool) -> Vec<Found> {
        let Cel::Map(map) = &part.value else {
            self.unreadable(&part.path, "an object is expected here");
            return Vec::new();
        };
        let Some(value) = map.get(&cel::Key::String(field.into())) else {
            return Vec::new();
        };
        let mut path = part.path.clone();
        path.push(field.to_owned());
        match value {
            Cel::List(list) if each => {
                let items = list.items.iter().enumerate();
                let item = |(index, value): (usize, &Cel)| {
                    let mut path = path.clone();
                    path.push(index.to_string());
                    Found {
                        path,
                        value: value.clone(),
                    }
                };
                items.map(item).collect()
            }
            _ if each => {
                self.unreadable(&path, "a list is expected here");
                Vec::new()
            }
            value => vec![Found {
                path,
                value: value.clone(),
            }],
        }
    }

    fn judge(&mut self, rule: &'static Rule, look: &Look, part: &Found, told: Result<Cel, Error>) {
        let fields = look.field.split('.').filter(|field| !field.is_empty());
        let way = part.path.iter().map(String::as_str).chain(fields);
        match told {
            Ok(Cel::Bool(true)) => {}
            Ok(Cel::Bool(false)) => {
                let path = way.map(str::to_owned).collect();
                let message = match &part.value {
                    Cel::String(text) => format!("{}: {text:?}", rule.message),
                    _ => rule.message.to_owned(),
                };
                self.push(rule, path, message);
            }
            Ok(_) | Err(_) => {
                let why = told.map_or_else(|error| error.to_string(), |_| "no truth value".to_owned());
                let path: Vec<String> = way.map(str::to_owned).collect();
                self.unreadable(&path, &format!("`{}` can't be decided here: {why}", rule.id));
            }
        }
    }

    fn unreadable(&mut self, path: &[String], why: &str) {
        if self.unreadable.insert(shown(path)) {
            let message = format!("{}: {why}", rules::UNREADABLE.message);
            self.push(&rules::UNREADABLE, path.to_vec(), message);
        }
    }

    fn push(&mut self, rule: &'static Rule, path: Vec<String>, message: String) {
        let finding = Finding {
            check: rule.id,
            severity: rule.severity,
            object: self.object.key.to_string(),
            path: shown(&path),
            source: self.object.source.clone(),
            line: 0,
            message,
            cure: Cow::Borrowed(rule.cure),
        };
        self.all.push((path, finding));
    }
}
