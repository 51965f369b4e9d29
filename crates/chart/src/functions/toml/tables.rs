//! The tables of a TOML document while it is read, and the library's rules on who may define what twice.

use std::collections::{BTreeMap, HashSet};

use template::value::{Elem, Str};
use template::{List, Map, Value};

use crate::functions::args::{MAX_DEPTH, deeper};

#[derive(Debug)]
enum Node {
    Table(Table),
    /// `[[…]]`
    Array(Vec<Table>),
    Value(Value),
}

type Table = BTreeMap<Str, Node>;

#[derive(Debug, Default)]
pub(super) struct Tables {
    top: Table,
    /// Paths that exist only because something below them does; they may be defined once more.
    implicit: HashSet<Vec<Str>>,
    /// The table that keys are put into.
    pub(super) context: Vec<Str>,
}

impl Tables {
    pub(super) fn finish(self) -> Value {
        value_of(Node::Table(self.top), 0)
    }

    /// Begins `[path]` or `[[path]]`.
    pub(super) fn open(&mut self, path: &[Str], array: bool) -> Result<(), String> {
        let Some((last, parents)) = path.split_last() else {
            return Ok(());
        };
        if path.len() > MAX_DEPTH {
            return Err(format!("tables nest deeper than {MAX_DEPTH} levels"));
        }
        let mut table = &mut self.top;
        for at in 0..parents.len() {
            if !table.contains_key(&parents[at]) {
                self.implicit.insert(parents[..=at].to_vec());
                table.insert(parents[at].clone(), Node::Table(Table::new()));
            }
            table = below(table, &parents[at]).ok_or_else(|| defined(&parents[..=at]))?;
        }
        self.context = parents.to_vec();
        if array {
            match table
                .entry(last.clone())
                .or_insert_with(|| Node::Array(Vec::new()))
            {
                Node::Array(tables) => tables.push(Table::new()),
                _ => {
                    return Err(format!(
                        "Key '{}' was already created and cannot be used as an array.",
                        shown(path)
                    ));
                }
            }
        } else {
            self.put(last, Node::Table(Table::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Goes into the table that a dotted key names, making it when it is not there.
    pub(super) fn enter(&mut self, key: &Str) -> Result<(), String> {
        let mut path = self.context.clone();
        path.push(key.clone());
        self.implicit.insert(path.clone());
        self.open(&path, false)
    }

    /// Defines a key of the present table.
    pub(super) fn set(&mut self, key: &Str, value: Value) -> Result<(), String> {
        self.put(key, Node::Value(value))
    }

    fn put(&mut self, key: &Str, node: Node) -> Result<(), String> {
        let mut table = &mut self.top;
        for at in 0..self.context.len() {
            table = below(table, &self.context[at]).ok_or_else(|| defined(&self.context[..=at]))?;
        }
        if !table.contains_key(key) {
            table.insert(key.clone(), node);
            return Ok(());
        }
        let mut path = self.context.clone();
        path.push(key.clone());
        if self.implicit.remove(&path) {
            Ok(())
        } else {
            Err(defined(&path))
        }
    }
}

/// The table at a key, for an array of tables its last.
fn below<'t>(table: &'t mut Table, key: &Str) -> Option<&'t mut Table> {
    match table.get_mut(key) {
        Some(Node::Table(table)) => Some(table),
        Some(Node::Array(tables)) => tables.last_mut(),
        _ => None,
    }
}

fn value_of(node: Node, depth: usize) -> Value {
    match node {
        Node::Value(value) => value,
        Node::Table(table) => Value::Map(
            table
                .into_iter()
                .map(|(key, node)| (key, deeper(depth, || value_of(node, depth + 1))))
                .collect::<Map>(),
        ),
        Node::Array(tables) => {
            let tables = tables
                .into_iter()
                .map(|table| deeper(depth, || value_of(Node::Table(table), depth + 1)));
            Value::List(List::new(Elem::Maps, tables.collect()))
        }
    }
}

fn defined(path: &[Str]) -> String {
    format!("Key '{}' has already been defined.", shown(path))
}

/// A path as the library prints it.
pub(super) fn shown(path: &[Str]) -> String {
    let mut out = Vec::new();
    for (index, key) in path.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        super::write::push_key(&mut out, key.as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}
