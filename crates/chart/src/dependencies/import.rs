//! `import-values`: what subcharts export becomes part of their parent's defaults.
//!
//! From the leaves up, every chart that declares dependencies gets its subcharts' values merged into its own
//! defaults, nulls included, and below them what it imports.
//!
//! Helm's tables are references, and what one import merges into may be a table that another import, or the
//! subchart itself, still refers to. Charts with imports are therefore composed on shared tables, as Helm does
//! it; charts without need none of that. Where Helm would run in circles we stop with an error.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use yaml::Value;

use crate::chart::Chart;
use crate::error::Error;
use crate::go_text;
use crate::values::{Map, coalesce, merge};
use crate::warning::Warning;

/// Far deeper than real values: past it, an import has put a table into itself. Each level is one recursion.
const MAX_DEPTH: usize = 400;

/// Tables and values one chart may come to by imports. Each import can double what the one before it made.
const MAX_NODES: usize = 10_000_000;

pub(super) fn apply(chart: &mut Chart, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    for subchart in &mut chart.dependencies {
        apply(subchart, warnings)?;
    }
    if chart.metadata.dependencies.is_none() {
        return Ok(());
    }
    let mut values = merge(chart, Map::new(), warnings)?;
    if chart
        .metadata
        .dependencies()
        .any(|dependency| !dependency.import_values.is_empty())
    {
        values = import(chart, values, warnings)?;
    }
    chart.values = Arc::new(values);
    Ok(())
}

/// One wish of `import-values`, as templates see it afterwards.
struct Import {
    child: String,
    parent: String,
    is_table: bool,
}

fn import(chart: &mut Chart, values: Map, warnings: &mut Vec<Warning>) -> Result<Map, Error> {
    let values = Table::from_map(values);
    let imported = Table::default();
    let mut is_endless = false;
    for dependency in Arc::make_mut(&mut chart.metadata)
        .dependencies
        .iter_mut()
        .flatten()
        .flatten()
    {
        let imports: Vec<Import> = dependency.import_values.iter().filter_map(Import::read).collect();
        for wish in &imports {
            let path = format!("{}.{}", dependency.name, wish.child);
            match values.table(&path) {
                Ok(exported) => {
                    let exported = if wish.parent == "." {
                        exported
                    } else {
                        exported.below(&wish.parent)
                    };
                    is_endless |= imported
                        .merge(
                            &exported,
                            &mut Path {
                                names: Vec::new(),
                                warnings,
                            },
                        )
                        .is_none();
                }
                Err(missing) => warnings.push(wish.warning(&dependency.name, missing)),
            }
        }
        dependency.import_values = imports.iter().map(Import::to_value).collect();
    }
    let mut budget = MAX_NODES;
    match (values.to_map(0, &mut budget), imported.to_map(0, &mut budget)) {
        (Some(mut values), Some(imported)) if !is_endless => {
            coalesce::merge_tables(&mut values, &imported, warnings);
            Ok(values)
        }
        _ => Err(Error::ImportLoop {
            chart: chart.name().to_owned(),
        }),
    }
}

impl Import {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Some(Self {
                child: format!("exports.{name}"),
                parent: ".".to_owned(),
                is_table: false,
            }),
            Value::Map(map) => {
                let text = |key| go_text::plain(map.get(key).unwrap_or(&Value::Null));
                Some(Self {
                    child: text("child"),
                    parent: text("parent"),
                    is_table: true,
                })
            }
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        let fields = [("child", &self.child), ("parent", &self.parent)];
        Value::Map(
            fields
                .into_iter()
                .map(|(key, text)| (key.to_owned(), Value::String(text.clone())))
                .collect(),
        )
    }

    fn warning(&self, chart: &str, missing: &str) -> Warning {
        let error = format!("{} is not a table", go_text::quote(missing));
        if self.is_table {
            Warning::warn("ImportValues missing table from chart")
                .with("chart", chart)
                .with("error", error)
        } else {
            Warning::warn("ImportValues missing table").with("error", error)
        }
    }
}

/// A table by reference.
#[derive(Clone, Default)]
struct Table(Rc<RefCell<BTreeMap<String, Node>>>);

#[derive(Clone)]
enum Node {
    Table(Table),
    Leaf(Value),
}

impl Table {
    fn from_map(map: Map) -> Self {
        let node = |value| match value {
            Value::Map(map) => Node::Table(Self::from_map(map)),
            leaf => Node::Leaf(leaf),
        };
        Self(Rc::new(RefCell::new(
            map.into_iter().map(|(key, value)| (key, node(value))).collect(),
        )))
    }

    /// A copy without sharing; `None` when a table lies within itself.
    fn to_map(&self, depth: usize, budget: &mut usize) -> Option<Map> {
        if depth > MAX_DEPTH {
            return None;
        }
        let table = self.0.borrow();
        *budget = budget.checked_sub(table.len())?;
        let mut map = Map::new();
        for (key, node) in table.iter() {
            let value = match node {
                Node::Table(table) => Value::Map(table.to_map(depth + 1, budget)?),
                Node::Leaf(leaf) => leaf.clone(),
            };
            map.insert(key.clone(), value);
        }
        Some(map)
    }

    /// The table at a dotted path, or the name that is none.
    fn table<'p>(&self, path: &'p str) -> Result<Self, &'p str> {
        let mut here = self.clone();
        for name in path.split('.') {
            let next = match here.0.borrow().get(name) {
                Some(Node::Table(next)) => next.clone(),
                _ => return Err(name),
            };
            here = next;
        }
        Ok(here)
    }

    /// A new table that holds this one at a dotted path.
    fn below(&self, path: &str) -> Self {
        path.rsplit('.').fold(self.clone(), |inner, name| {
            let outer = Self::default();
            outer.0.borrow_mut().insert(name.to_owned(), Node::Table(inner));
            outer
        })
    }

    /// Lays this over `below`, in place. A null here makes null what is below, too: Helm writes it there.
    /// `None` when the tables have no end.
    fn merge(&self, below: &Self, path: &mut Path<'_>) -> Option<()> {
        if path.names.len() > MAX_DEPTH {
            return None;
        }
        for (key, node) in self.entries() {
            if matches!(node, Node::Leaf(Value::Null)) {
                below.0.borrow_mut().insert(key, node);
            }
        }
        for (key, node) in below.entries() {
            let own = self.0.borrow().get(&key).cloned();
            match (own, node) {
                (None, node) => {
                    self.0.borrow_mut().insert(key, node);
                }
                (Some(Node::Table(own)), Node::Table(below)) => {
                    path.names.push(key);
                    own.merge(&below, path)?;
                    path.names.pop();
                }
                (Some(_), Node::Table(below)) => {
                    let below = go_text::plain(&Value::Map(below.to_map(0, &mut { MAX_NODES })?));
                    path.warn(&key, |at| {
                        format!("warning: cannot overwrite table with non table for {at} ({below})")
                    });
                }
                (Some(Node::Table(_)), Node::Leaf(leaf)) if leaf != Value::Null => {
                    let leaf = go_text::plain(&leaf);
                    path.warn(&key, |at| {
                        format!("warning: destination for {at} is a table. Ignoring non-table value ({leaf})")
                    });
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The entries as they are now; what they refer to stays shared.
    fn entries(&self) -> Vec<(String, Node)> {
        self.0
            .borrow()
            .iter()
            .map(|(key, node)| (key.clone(), node.clone()))
            .collect()
    }
}

/// Where a merge is, for its warnings.
struct Path<'a> {
    names: Vec<String>,
    warnings: &'a mut Vec<Warning>,
}

impl Path<'_> {
    fn warn(&mut self, key: &str, text: impl FnOnce(String) -> String) {
        let at = self
            .names
            .iter()
            .map(String::as_str)
            .chain([key])
            .collect::<Vec<_>>()
            .join(".");
        self.warnings.push(Warning::info(text(at)));
    }
}
