//! Shapes that pods have, each kept once, with where its pods are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::node::Slot;
use super::tallies::TallyId;
use super::terms::Held;
use crate::shape::Shape;
use crate::wants::Wants;

/// A shape by number; used again when no pod has the shape any more.
pub type ShapeId = usize;

#[derive(Debug, Default)]
pub struct Shapes {
    entries: Vec<Entry>,
    free: Vec<ShapeId>,
    by_shape: HashMap<Arc<Shape>, ShapeId>,
}

#[derive(Debug, Default)]
pub struct Entry {
    pub shape: Arc<Shape>,
    /// Pods that have it, on nodes and in the queue.
    users: usize,
    /// How many of its pods are on each node.
    pub on: BTreeMap<Slot, u32>,
    /// The tallies that count its pods.
    pub tallies: Vec<TallyId>,
    pub terms: Held,
    /// What its pods ask about others, with the epoch that this holds for.
    pub wants: Option<(u64, Arc<Wants>)>,
}

impl Shapes {
    /// The number of a shape, and whether it is new.
    pub fn intern(&mut self, shape: Shape) -> (ShapeId, bool) {
        if let Some(id) = self.by_shape.get(&shape) {
            self.entries[*id].users += 1;
            return (*id, false);
        }
        let shape = Arc::new(shape);
        let id = self.free.pop().unwrap_or(self.entries.len());
        if id == self.entries.len() {
            self.entries.push(Entry::default());
        }
        self.by_shape.insert(Arc::clone(&shape), id);
        self.entries[id] = Entry {
            shape,
            users: 1,
            ..Entry::default()
        };
        (id, true)
    }

    pub fn describe(&mut self, id: ShapeId, tallies: Vec<TallyId>, terms: Held) {
        self.entries[id].tallies = tallies;
        self.entries[id].terms = terms;
    }

    pub fn retain(&mut self, id: ShapeId) {
        self.entries[id].users += 1;
    }

    /// Gives the terms of a shape that nobody has any more.
    pub fn release(&mut self, id: ShapeId) -> Option<Held> {
        let entry = &mut self.entries[id];
        entry.users = entry.users.saturating_sub(1);
        if entry.users > 0 {
            return None;
        }
        let entry = std::mem::take(entry);
        self.by_shape.remove(&entry.shape)?;
        self.free.push(id);
        Some(entry.terms)
    }

    pub fn get(&self, id: ShapeId) -> &Arc<Shape> {
        &self.entries[id].shape
    }

    pub fn wants(&self, id: ShapeId, epoch: u64) -> Option<Arc<Wants>> {
        let (of, wants) = self.entries[id].wants.as_ref()?;
        (*of == epoch).then(|| Arc::clone(wants))
    }

    pub fn set_wants(&mut self, id: ShapeId, epoch: u64, wants: Arc<Wants>) {
        self.entries[id].wants = Some((epoch, wants));
    }

    pub fn count(&mut self, id: ShapeId, slot: Slot, there: bool) -> &Entry {
        let entry = &mut self.entries[id];
        let count = entry.on.entry(slot).or_default();
        *count = if there {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
        if *count == 0 {
            entry.on.remove(&slot);
        }
        entry
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut().filter(|entry| entry.users > 0)
    }
}
