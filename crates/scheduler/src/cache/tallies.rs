//! Counted pods: for each selection that somebody asked about, how many of its pods are on each node.
//!
//! A tally is made when it is first asked for and kept up with every change, so that spreading and affinity read it
//! instead of looking at pods.

use std::collections::HashMap;

use objects::labels::Labels;

use super::index::Index;
use super::node::Slot;
use super::shapes::Shapes;
use crate::shape::Shape;
use crate::shape::pod_affinity::Pods;

/// A tally by number.
pub type TallyId = usize;

/// So many are kept; then those used least recently are forgotten. At 1,000 nodes this is 16 MB.
const MOST: usize = 4096;

/// Pods that all of some conditions select.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Leaves out pods that are being deleted.
    pub living: bool,
    pub all: Vec<Pods>,
}

#[derive(Debug, Default)]
pub struct Tallies {
    tallies: Vec<Option<Tally>>,
    free: Vec<TallyId>,
    by_selection: HashMap<Selection, TallyId>,
    index: Index,
    /// Counts the questions, to know which tallies nobody asks for.
    clock: u64,
}

#[derive(Debug)]
struct Tally {
    selection: Selection,
    counts: Vec<u32>,
    used: u64,
}

impl Selection {
    pub fn selects(&self, shape: &Shape, namespaces: &HashMap<String, Labels>) -> bool {
        !(self.living && shape.terminating) && self.all.iter().all(|pods| pods.select(shape, namespaces))
    }

    fn by_namespace_labels(&self) -> bool {
        self.all.iter().any(|pods| pods.namespace_selector.is_some())
    }
}

impl Pods {
    /// Whether a pod of this shape is selected.
    pub fn select(&self, shape: &Shape, namespaces: &HashMap<String, Labels>) -> bool {
        let namespace = shape.namespace.as_ref();
        let named = self.namespaces.iter().any(|one| one == namespace);
        let by_labels = || {
            self.namespace_selector.as_ref().is_some_and(|selector| {
                selector.is_empty()
                    || namespaces
                        .get(namespace)
                        .is_some_and(|labels| selector.matches(labels))
            })
        };
        (named || by_labels()) && self.selector.matches(&shape.labels)
    }
}

impl Tallies {
    /// The tally of a selection, and whether others were forgotten to make room for it.
    pub fn get(
        &mut self,
        selection: &Selection,
        shapes: &mut Shapes,
        namespaces: &HashMap<String, Labels>,
    ) -> (TallyId, bool) {
        self.clock += 1;
        if let Some(id) = self.by_selection.get(selection) {
            let id = *id;
            if let Some(tally) = &mut self.tallies[id] {
                tally.used = self.clock;
            }
            return (id, false);
        }
        let crowded = self.by_selection.len() >= MOST;
        if crowded {
            self.forget_unused(shapes);
        }
        let id = self.free.pop().unwrap_or(self.tallies.len());
        if id == self.tallies.len() {
            self.tallies.push(None);
        }
        let mut counts = Vec::new();
        for entry in shapes.iter_mut() {
            if selection.selects(&entry.shape, namespaces) {
                entry.tallies.push(id);
                for (slot, count) in &entry.on {
                    add(&mut counts, *slot, *count);
                }
            }
        }
        if let Some(pods) = selection.all.first() {
            self.index.insert(&pods.selector, id);
        }
        self.by_selection.insert(selection.clone(), id);
        self.tallies[id] = Some(Tally {
            selection: selection.clone(),
            counts,
            used: self.clock,
        });
        (id, crowded)
    }

    /// Counts by slot; slots beyond the end have none.
    pub fn counts(&self, id: TallyId) -> &[u32] {
        match self.tallies.get(id) {
            Some(Some(tally)) => &tally.counts,
            _ => &[],
        }
    }

    /// The tallies that count pods of a shape.
    pub fn selecting(&self, shape: &Shape, namespaces: &HashMap<String, Labels>) -> Vec<TallyId> {
        let selects = |id: &TallyId| {
            let tally = self.tallies.get(*id).and_then(Option::as_ref);
            tally.is_some_and(|tally| tally.selection.selects(shape, namespaces))
        };
        self.index.candidates(&shape.labels).filter(selects).collect()
    }

    pub fn count(&mut self, ids: &[TallyId], slot: Slot, there: bool) {
        for id in ids {
            let Some(Some(tally)) = self.tallies.get_mut(*id) else {
                continue;
            };
            if there {
                add(&mut tally.counts, slot, 1);
            } else if let Some(count) = tally.counts.get_mut(slot) {
                *count = count.saturating_sub(1);
            }
        }
    }

    pub fn forget_by_namespace_labels(&mut self, shapes: &mut Shapes) {
        self.forget(shapes, |tally| tally.selection.by_namespace_labels());
    }

    fn forget_unused(&mut self, shapes: &mut Shapes) {
        let mut used: Vec<_> = self.tallies.iter().flatten().map(|tally| tally.used).collect();
        used.sort_unstable();
        let limit = used.get(used.len() / 2).copied().unwrap_or_default();
        self.forget(shapes, |tally| tally.used <= limit);
    }

    fn forget(&mut self, shapes: &mut Shapes, which: impl Fn(&Tally) -> bool) {
        let mut gone = false;
        for (id, place) in self.tallies.iter_mut().enumerate() {
            let Some(tally) = place.take_if(|tally| which(tally)) else {
                continue;
            };
            gone = true;
            self.by_selection.remove(&tally.selection);
            if let Some(pods) = tally.selection.all.first() {
                self.index.remove(&pods.selector, id);
            }
            self.free.push(id);
        }
        if gone {
            for entry in shapes.iter_mut() {
                entry.tallies.retain(|id| self.tallies[*id].is_some());
            }
        }
    }
}

fn add(counts: &mut Vec<u32>, slot: Slot, count: u32) {
    if counts.len() <= slot {
        counts.resize(slot + 1, 0);
    }
    counts[slot] += count;
}
