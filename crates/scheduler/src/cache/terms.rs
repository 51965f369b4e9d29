//! The terms of pods that run about other pods: required anti-affinity, which holds both ways, and preferences.
//!
//! Equal terms are one group with a count per node, found by the labels of the pod that is to be placed.

use std::collections::{BTreeMap, HashMap};

use objects::labels::Labels;

use super::index::Index;
use super::node::Slot;
use crate::shape::Shape;
use crate::shape::pod_affinity::PodTerm;

/// What a term does: `None` keeps others away, a weight makes nodes more or less wanted.
type Force = Option<i64>;

#[derive(Debug, Default)]
pub struct Terms {
    groups: Vec<Option<Group>>,
    free: Vec<usize>,
    by_term: HashMap<(Force, PodTerm), usize>,
    index: Index,
}

/// The groups that a shape's terms are in.
#[derive(Debug, Default)]
pub struct Held(Vec<usize>);

#[derive(Debug)]
struct Group {
    force: Force,
    term: PodTerm,
    /// Shapes that have the term.
    users: usize,
    on: BTreeMap<Slot, u32>,
}

impl Terms {
    /// Makes the terms of a shape known.
    pub fn hold(&mut self, shape: &Shape) -> Held {
        let avoided = shape.affinity.avoided.iter().map(|term| (None, term));
        let pulls = shape.affinity.pulls().map(|(weight, term)| (Some(weight), term));
        let all: Vec<_> = avoided.chain(pulls).collect();
        Held(
            all.into_iter()
                .map(|(force, term)| self.group(force, term))
                .collect(),
        )
    }

    pub fn release(&mut self, held: &Held) {
        for id in &held.0 {
            let place = &mut self.groups[*id];
            let Some(group) = place else { continue };
            group.users -= 1;
            if group.users > 0 {
                continue;
            }
            if let Some(group) = place.take() {
                self.index.remove(&group.term.pods.selector, *id);
                self.by_term.remove(&(group.force, group.term));
                self.free.push(*id);
            }
        }
    }

    pub fn count(&mut self, held: &Held, slot: Slot, there: bool) {
        for id in &held.0 {
            let Some(Some(group)) = self.groups.get_mut(*id) else {
                continue;
            };
            let count = group.on.entry(slot).or_default();
            *count = if there {
                *count + 1
            } else {
                count.saturating_sub(1)
            };
            if *count == 0 {
                group.on.remove(&slot);
            }
        }
    }

    pub fn repelling(
        &self,
        shape: &Shape,
        namespaces: &HashMap<String, Labels>,
    ) -> Vec<(&str, &BTreeMap<Slot, u32>)> {
        let all = self
            .about(shape, namespaces)
            .filter(|group| group.force.is_none());
        all.map(|group| (group.term.topology.as_str(), &group.on))
            .collect()
    }

    pub fn pulling(
        &self,
        shape: &Shape,
        namespaces: &HashMap<String, Labels>,
    ) -> Vec<(i64, &str, &BTreeMap<Slot, u32>)> {
        let all = self.about(shape, namespaces);
        all.filter_map(|group| Some((group.force?, group.term.topology.as_str(), &group.on)))
            .collect()
    }

    fn about<'a: 'b, 'b>(
        &'a self,
        shape: &'b Shape,
        namespaces: &'b HashMap<String, Labels>,
    ) -> impl Iterator<Item = &'a Group> + 'b {
        let groups = self
            .index
            .candidates(&shape.labels)
            .filter_map(|id| self.groups[id].as_ref());
        groups.filter(|group| !group.on.is_empty() && group.term.pods.select(shape, namespaces))
    }

    fn group(&mut self, force: Force, term: &PodTerm) -> usize {
        if let Some(id) = self.by_term.get(&(force, term.clone())) {
            if let Some(group) = &mut self.groups[*id] {
                group.users += 1;
            }
            return *id;
        }
        let id = self.free.pop().unwrap_or(self.groups.len());
        if id == self.groups.len() {
            self.groups.push(None);
        }
        self.index.insert(&term.pods.selector, id);
        self.by_term.insert((force, term.clone()), id);
        self.groups[id] = Some(Group {
            force,
            term: term.clone(),
            users: 1,
            on: BTreeMap::new(),
        });
        id
    }
}
