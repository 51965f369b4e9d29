//! What is where: the nodes and the pods on them, counted so that a decision never looks at every pod.
//!
//! ```text
//! changes ──put_node, bind, assume, remove──► nodes: room, ports   ◄── filter, score, preempt
//!                                             tallies: pods per node that somebody selects
//!                                             terms: affinity that pods which run have for others
//! ```
//!
//! A pod that was decided for a node is *assumed* there: it counts at once and is forgotten if the binding is
//! refused. Pods of one template share a [`Shape`]; adding or removing a pod costs as much as the tallies and terms
//! that its shape is in.

mod index;
mod node;
mod shapes;
mod tallies;
mod terms;
mod topology;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use objects::{Key, labels::Labels};
use serde_json::Value;

pub use node::{Better, Node, Slot};
pub use shapes::ShapeId;
pub use tallies::{Selection, TallyId};
pub use topology::{Column, NO_VALUE};

use crate::shape::Shape;
use crate::wants::Wants;
use node::Nodes;
use shapes::Shapes;
use tallies::Tallies;
use terms::Terms;
use topology::Topology;

/// The state of the cluster as the scheduler needs it.
#[derive(Debug, Default)]
pub struct Cache {
    nodes: Nodes,
    pods: HashMap<Key, Placed>,
    shapes: Shapes,
    tallies: Tallies,
    /// Required anti-affinity and preferences of pods that run.
    terms: Terms,
    topology: Topology,
    namespaces: HashMap<String, Labels>,
    /// How many pods use a claim, by namespace and name.
    claims: HashMap<(Arc<str>, String), usize>,
    nominated: BTreeMap<Slot, Vec<(Key, ShapeId)>>,
    /// Counts whatever may change the tallies that a shape needs.
    epoch: u64,
}

/// A pod on a node.
#[derive(Clone, Debug)]
pub struct Placed {
    pub slot: Slot,
    pub shape: ShapeId,
    /// Decided, but not yet seen as bound.
    pub assumed: bool,
    pub started: Option<Timestamp>,
}

impl Cache {
    /// Takes in a node and says what about it is better for pods than before.
    pub fn put_node(&mut self, node: &Value) -> (Slot, Better) {
        let (slot, better) = self.nodes.put(node);
        self.topology.put(slot, &self.nodes.get(slot).labels);
        (slot, better)
    }

    /// Forgets a node; pods that are still bound to it are kept for when it comes back.
    pub fn remove_node(&mut self, name: &str) {
        if let Some(slot) = self.nodes.remove(name) {
            self.nominated.remove(&slot);
            self.topology.remove(slot);
        }
    }

    /// Remembers the labels of a namespace, or forgets it.
    pub fn set_namespace(&mut self, name: &str, labels: Option<Labels>) {
        match labels {
            Some(labels) => self.namespaces.insert(name.to_owned(), labels),
            None => self.namespaces.remove(name),
        };
        self.tallies.forget_by_namespace_labels(&mut self.shapes);
        self.epoch += 1;
    }

    /// Something changed of which selectors are made.
    pub fn renew(&mut self) {
        self.epoch += 1;
    }

    /// Makes a shape known; every call needs a [`Cache::release`].
    pub fn intern(&mut self, shape: Shape) -> ShapeId {
        let (id, new) = self.shapes.intern(shape);
        if new {
            let shape = Arc::clone(self.shapes.get(id));
            for term in shape.affinity.topologies() {
                self.column(term);
            }
            let tallies = self.tallies.selecting(&shape, &self.namespaces);
            let terms = self.terms.hold(&shape);
            self.shapes.describe(id, tallies, terms);
        }
        id
    }

    pub fn release(&mut self, id: ShapeId) {
        if let Some(terms) = self.shapes.release(id) {
            self.terms.release(&terms);
        }
    }

    /// Counts a pod on a node.
    pub fn place(&mut self, key: &Key, mut pod: Placed, node: &str) {
        let slot = self.nodes.slot(node);
        pod.slot = slot;
        self.shapes.retain(pod.shape);
        self.nodes.get_mut(slot).pods.push(key.clone());
        self.count(pod.slot, pod.shape, true);
        if let Some(before) = self.pods.insert(key.clone(), pod) {
            self.displace(key, &before);
        }
    }

    /// Counts a pod no more.
    pub fn remove(&mut self, key: &Key) -> Option<Placed> {
        let pod = self.pods.remove(key)?;
        self.displace(key, &pod);
        Some(pod)
    }

    #[must_use]
    pub fn pod(&self, key: &Key) -> Option<&Placed> {
        self.pods.get(key)
    }

    /// An assumed pod was seen as bound.
    pub fn confirm(&mut self, key: &Key) {
        if let Some(pod) = self.pods.get_mut(key) {
            pod.assumed = false;
        }
    }

    pub fn set_started(&mut self, key: &Key, started: Option<Timestamp>) {
        if let Some(pod) = self.pods.get_mut(key) {
            pod.started = started;
        }
    }

    /// Leaves out a pod for the moment, as if it were gone, or counts it again. For trying what would be.
    pub fn pretend(&mut self, key: &Key, there: bool) {
        if let Some(pod) = self.pods.get(key) {
            let (slot, shape) = (pod.slot, pod.shape);
            self.count(slot, shape, there);
        }
    }

    /// Reserves room on a node for a pod that waits until others are gone from there.
    pub fn nominate(&mut self, key: &Key, shape: ShapeId, node: Option<&str>) {
        self.nominated.retain(|_, pods| {
            pods.retain(|(one, _)| one != key);
            !pods.is_empty()
        });
        if let Some(slot) = node.and_then(|node| self.nodes.find(node)) {
            self.nominated.entry(slot).or_default().push((key.clone(), shape));
        }
    }

    /// The pods that wait for room on a node.
    #[must_use]
    pub fn nominated(&self, slot: Slot) -> &[(Key, ShapeId)] {
        self.nominated.get(&slot).map_or(&[], Vec::as_slice)
    }

    #[must_use]
    pub fn node(&self, slot: Slot) -> &Node {
        self.nodes.get(slot)
    }

    #[must_use]
    pub fn find_node(&self, name: &str) -> Option<Slot> {
        self.nodes.find(name).filter(|slot| self.nodes.get(*slot).present)
    }

    /// The nodes that there are, zones taking turns.
    pub fn order(&mut self) -> Arc<Vec<Slot>> {
        self.nodes.order()
    }

    /// On how many nodes an image is.
    #[must_use]
    pub fn image_nodes(&self, image: &str) -> usize {
        self.nodes.image_nodes(image)
    }

    #[must_use]
    pub fn shape(&self, id: ShapeId) -> &Arc<Shape> {
        self.shapes.get(id)
    }

    /// How many pods use a claim.
    #[must_use]
    pub fn claim_users(&self, namespace: &Arc<str>, claim: &str) -> usize {
        let key = (Arc::clone(namespace), claim.to_owned());
        self.claims.get(&key).copied().unwrap_or_default()
    }

    /// Counts the pods of a selection on each node from now on.
    pub fn tally(&mut self, selection: &Selection) -> TallyId {
        let (id, forgot) = self.tallies.get(selection, &mut self.shapes, &self.namespaces);
        if forgot {
            self.epoch += 1;
        }
        id
    }

    /// The number of selected pods, by slot.
    #[must_use]
    pub fn counts(&self, id: TallyId) -> &[u32] {
        self.tallies.counts(id)
    }

    #[must_use]
    pub fn selects(&self, selection: &Selection, shape: &Shape) -> bool {
        selection.selects(shape, &self.namespaces)
    }

    /// The values that nodes have for a label, numbered.
    pub fn column(&mut self, label: &str) -> usize {
        let nodes = &self.nodes;
        self.topology.column(label, || nodes.present())
    }

    #[must_use]
    pub fn values(&self, column: usize) -> &Column {
        self.topology.get(column)
    }

    /// The nodes with pods whose required anti-affinity is against a shape: by column, slot and count.
    #[must_use]
    pub fn repelling(&self, shape: &Shape) -> Vec<(usize, &BTreeMap<Slot, u32>)> {
        let all = self.terms.repelling(shape, &self.namespaces).into_iter();
        all.filter_map(|(label, on)| Some((self.topology.find(label)?, on)))
            .collect()
    }

    /// The nodes with pods that want a shape near or far: weight, column, slot and count.
    #[must_use]
    pub fn pulling(&self, shape: &Shape) -> Vec<(i64, usize, &BTreeMap<Slot, u32>)> {
        let all = self.terms.pulling(shape, &self.namespaces).into_iter();
        all.filter_map(|(weight, label, on)| Some((weight, self.topology.find(label)?, on)))
            .collect()
    }

    /// What pods of a shape ask about others, if that was found out and still holds.
    #[must_use]
    pub fn wants(&self, id: ShapeId) -> Option<Arc<Wants>> {
        self.shapes.wants(id, self.epoch)
    }

    pub fn set_wants(&mut self, id: ShapeId, wants: &Arc<Wants>) {
        self.shapes.set_wants(id, self.epoch, Arc::clone(wants));
    }

    /// Whether it matters to pods of a shape where a pod of another shape is.
    #[must_use]
    pub fn concerns(&self, shape: &Shape, other: &Shape) -> bool {
        let selected = |of: &Shape, pod: &Shape| {
            let terms = of.affinity.required.iter().chain(&of.affinity.avoided);
            terms
                .into_iter()
                .any(|term| term.pods.select(pod, &self.namespaces))
        };
        let spread = || {
            shape.namespace == other.namespace
                && shape.spread.iter().any(|one| one.selector.matches(&other.labels))
        };
        let shares = |(claim, _): &(String, bool)| {
            shape.namespace == other.namespace && other.claims.iter().any(|(one, _)| one == claim)
        };
        shape.claims.iter().any(shares) || spread() || selected(shape, other) || selected(other, shape)
    }

    fn displace(&mut self, key: &Key, pod: &Placed) {
        self.nodes.take_pod(pod.slot, key);
        self.count(pod.slot, pod.shape, false);
        self.release(pod.shape);
        self.nodes.tidy(pod.slot);
    }

    fn count(&mut self, slot: Slot, id: ShapeId, there: bool) {
        let entry = self.shapes.count(id, slot, there);
        let shape = &entry.shape;
        self.nodes.get_mut(slot).count(shape, there);
        self.tallies.count(&entry.tallies, slot, there);
        self.terms.count(&entry.terms, slot, there);
        for (claim, _) in &shape.claims {
            let claim = (Arc::clone(&shape.namespace), claim.clone());
            let users = self.claims.entry(claim).or_default();
            *users = if there {
                *users + 1
            } else {
                users.saturating_sub(1)
            };
        }
    }
}
