//! Nodes: what each can take, what is taken, and in which order they are looked at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use objects::{Key, Quantity, labels, meta};
use serde_json::Value;

use crate::shape::node_affinity::Labels;
use crate::shape::taint::Taint;
use crate::shape::{Amounts, Port, Shape};

/// The label by which nodes take turns, so that a sample of them is from every zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Where a node is in the cache. It is used again when the node is gone.
pub type Slot = usize;

/// One node.
#[derive(Debug, Default)]
pub struct Node {
    pub name: Arc<str>,
    /// Whether the node is there; pods can be bound to one that is not.
    pub present: bool,
    pub labels: Labels,
    pub unschedulable: bool,
    pub taints: Vec<Taint>,
    pub allocatable: Amounts,
    /// How many pods it takes.
    pub capacity: i64,
    pub requested: Amounts,
    /// Requested CPU and memory, with the usual amounts for containers that ask for none.
    pub usual: (i64, i64),
    pub ports: Vec<Port>,
    /// Sizes by name.
    pub images: HashMap<String, i64>,
    pub pods: Vec<Key>,
    /// How many of the pods count: the others are left out for a trial.
    pub count: i64,
    /// How many pods have each priority.
    priorities: BTreeMap<i64, usize>,
}

/// What a change of a node may make possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Better {
    pub new: bool,
    /// Labels, taints, or that it takes pods again.
    pub rules: bool,
    pub room: bool,
}

/// All nodes.
#[derive(Debug, Default)]
pub struct Nodes {
    slots: Vec<Node>,
    free: Vec<Slot>,
    by_name: HashMap<Arc<str>, Slot>,
    images: HashMap<String, usize>,
    order: Option<Arc<Vec<Slot>>>,
}

impl Node {
    /// The lowest priority of a pod here.
    #[must_use]
    pub fn lowest_priority(&self) -> Option<i64> {
        self.priorities.keys().next().copied()
    }

    pub(super) fn count(&mut self, shape: &Shape, there: bool) {
        let usual = shape.requests.usual;
        if there {
            self.requested.add(&shape.requests.amounts);
            self.usual = (
                self.usual.0.saturating_add(usual.0),
                self.usual.1.saturating_add(usual.1),
            );
            self.ports.extend(shape.ports.iter().cloned());
            self.count += 1;
            *self.priorities.entry(shape.priority).or_default() += 1;
            return;
        }
        self.requested.subtract(&shape.requests.amounts);
        self.usual = (
            self.usual.0.saturating_sub(usual.0),
            self.usual.1.saturating_sub(usual.1),
        );
        for port in &shape.ports {
            if let Some(at) = self.ports.iter().position(|one| one == port) {
                self.ports.swap_remove(at);
            }
        }
        self.count -= 1;
        if let Some(count) = self.priorities.get_mut(&shape.priority) {
            *count -= 1;
            if *count == 0 {
                self.priorities.remove(&shape.priority);
            }
        }
    }
}

impl Nodes {
    pub fn get(&self, slot: Slot) -> &Node {
        &self.slots[slot]
    }

    pub fn get_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.slots[slot]
    }

    pub fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    /// The slot of a node, which need not be there yet.
    pub fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.by_name.get(name) {
            return *slot;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(Node::default());
        }
        let name: Arc<str> = Arc::from(name);
        self.slots[slot] = Node {
            name: Arc::clone(&name),
            ..Node::default()
        };
        self.by_name.insert(name, slot);
        slot
    }

    pub fn present(&self) -> impl Iterator<Item = (Slot, &Labels)> {
        let all = self.slots.iter().enumerate();
        all.filter(|(_, node)| node.present)
            .map(|(slot, node)| (slot, &node.labels))
    }

    pub fn put(&mut self, object: &Value) -> (Slot, Better) {
        let slot = self.slot(meta::name(object));
        let labels = labels::labels(object);
        let taints: Vec<_> = meta::list_at(object, "/spec/taints")
            .iter()
            .map(Taint::of)
            .collect();
        let unschedulable = object.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
        let allocatable = object.pointer("/status/allocatable");
        let pods = allocatable.and_then(|all| all.get("pods")).and_then(Quantity::of);
        let capacity = pods.unwrap_or_default().as_whole();
        let allocatable = Amounts::of(allocatable);
        let images = images(object);
        self.count_images(slot, &images);
        let node = &mut self.slots[slot];
        let better = Better {
            new: !node.present,
            rules: node.labels != labels || node.taints != taints || node.unschedulable && !unschedulable,
            room: capacity > node.capacity || grew(&node.allocatable, &allocatable),
        };
        if !node.present || node.labels.get(ZONE) != labels.get(ZONE) {
            self.order = None;
        }
        node.present = true;
        node.labels = labels;
        node.taints = taints;
        node.unschedulable = unschedulable;
        node.allocatable = allocatable;
        node.capacity = capacity;
        node.images = images;
        (slot, better)
    }

    pub fn remove(&mut self, name: &str) -> Option<Slot> {
        let slot = self.find(name)?;
        self.count_images(slot, &HashMap::new());
        let node = &mut self.slots[slot];
        node.present = false;
        node.images = HashMap::new();
        node.labels = Labels::new();
        self.order = None;
        self.tidy(slot);
        Some(slot)
    }

    pub fn take_pod(&mut self, slot: Slot, key: &Key) {
        let pods = &mut self.slots[slot].pods;
        if let Some(at) = pods.iter().position(|one| one == key) {
            pods.swap_remove(at);
        }
    }

    /// Frees the slot of a node that is gone with all its pods.
    pub fn tidy(&mut self, slot: Slot) {
        let node = &self.slots[slot];
        if !node.present && node.pods.is_empty() && self.by_name.remove(&node.name).is_some() {
            self.free.push(slot);
        }
    }

    pub fn image_nodes(&self, image: &str) -> usize {
        self.images.get(image).copied().unwrap_or_default()
    }

    /// The nodes by name, one of each zone after the other.
    pub fn order(&mut self) -> Arc<Vec<Slot>> {
        if let Some(order) = &self.order {
            return Arc::clone(order);
        }
        let mut zones: BTreeMap<&str, Vec<Slot>> = BTreeMap::new();
        for (slot, labels) in self.present() {
            let zone = labels.get(ZONE).map_or("", String::as_str);
            zones.entry(zone).or_default().push(slot);
        }
        let mut ranked = Vec::new();
        for (turn, slots) in zones.values_mut().enumerate() {
            slots.sort_by(|one, other| self.slots[*one].name.cmp(&self.slots[*other].name));
            ranked.extend(slots.iter().enumerate().map(|(rank, slot)| (rank, turn, *slot)));
        }
        ranked.sort_unstable();
        let order = Arc::new(ranked.into_iter().map(|(_, _, slot)| slot).collect());
        self.order = Some(Arc::clone(&order));
        order
    }

    fn count_images(&mut self, slot: Slot, images: &HashMap<String, i64>) {
        let node = &self.slots[slot];
        if node.images == *images {
            return;
        }
        for image in node.images.keys() {
            if let Some(count) = self.images.get_mut(image) {
                *count -= 1;
                if *count == 0 {
                    self.images.remove(image);
                }
            }
        }
        for image in images.keys() {
            *self.images.entry(image.clone()).or_default() += 1;
        }
    }
}

fn images(node: &Value) -> HashMap<String, i64> {
    let mut images = HashMap::new();
    for image in meta::list_at(node, "/status/images") {
        let size = meta::number_at(image, "/sizeBytes").unwrap_or_default();
        for name in meta::list_at(image, "/names").iter().filter_map(Value::as_str) {
            images.insert(name.to_owned(), size);
        }
    }
    images
}

fn grew(old: &Amounts, new: &Amounts) -> bool {
    new.cpu > old.cpu
        || new.memory > old.memory
        || new.storage > old.storage
        || new
            .other
            .iter()
            .any(|(name, amount)| *amount > old.of_other(name))
}
