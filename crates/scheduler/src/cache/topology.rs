//! Labels of nodes as columns of numbers: which nodes have the same value is one comparison.

use std::collections::HashMap;

use super::node::Slot;
use crate::shape::node_affinity::Labels;

/// The number of a node without the label.
pub const NO_VALUE: u32 = u32::MAX;

/// A column with so many more values than nodes is made anew: nodes come and go, their names stay.
const SLACK: usize = 1024;

#[derive(Debug, Default)]
pub struct Topology {
    by_label: HashMap<String, usize>,
    columns: Vec<Column>,
}

/// The value of one label on each node.
#[derive(Debug, Default)]
pub struct Column {
    label: String,
    numbers: HashMap<String, u32>,
    of: Vec<u32>,
}

impl Column {
    /// The number of a node's value, or [`NO_VALUE`].
    #[must_use]
    pub fn of(&self, slot: Slot) -> u32 {
        self.of.get(slot).copied().unwrap_or(NO_VALUE)
    }

    /// Numbers of values are below this.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.numbers.len()
    }

    fn set(&mut self, slot: Slot, labels: &Labels) {
        if self.of.len() <= slot {
            self.of.resize(slot + 1, NO_VALUE);
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(NO_VALUE);
        self.of[slot] = match labels.get(&self.label) {
            None => NO_VALUE,
            Some(value) => match self.numbers.get(value) {
                Some(number) => *number,
                None => *self.numbers.entry(value.clone()).or_insert(next),
            },
        };
    }
}

impl Topology {
    /// The column of a label, made from all nodes if it is new.
    pub fn column<'a, I>(&mut self, label: &str, nodes: impl Fn() -> I) -> usize
    where
        I: Iterator<Item = (Slot, &'a Labels)>,
    {
        if let Some(at) = self.by_label.get(label) {
            let column = &self.columns[*at];
            if column.numbers.len() <= 2 * column.of.len() + SLACK {
                return *at;
            }
        }
        let mut column = Column {
            label: label.to_owned(),
            ..Column::default()
        };
        for (slot, labels) in nodes() {
            column.set(slot, labels);
        }
        let at = *self
            .by_label
            .entry(label.to_owned())
            .or_insert(self.columns.len());
        if at == self.columns.len() {
            self.columns.push(column);
        } else {
            self.columns[at] = column;
        }
        at
    }

    pub fn find(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    pub fn get(&self, at: usize) -> &Column {
        &self.columns[at]
    }

    pub fn put(&mut self, slot: Slot, labels: &Labels) {
        for column in &mut self.columns {
            column.set(slot, labels);
        }
    }

    pub fn remove(&mut self, slot: Slot) {
        self.put(slot, &Labels::new());
    }
}
