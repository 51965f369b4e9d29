//! Whether a node takes a pod: every hard rule, in the real scheduler's order. The first rule that a node breaks
//! gives its reasons.

pub(crate) mod near;
mod room;

use std::sync::Arc;

use objects::{Key, World};

use crate::cache::{Cache, Node, ShapeId, Slot};
use crate::reason::{Reason, Rejection};
use crate::shape::Shape;
use crate::shape::node_affinity;
use crate::shape::taint::{Taint, tolerated};
use crate::volumes::Volumes;
use crate::wants::Wants;
use near::Surroundings;

/// A pod that is to be placed, with what the rules need to know, found out once.
#[derive(Debug)]
pub struct Case {
    pub key: Key,
    pub id: ShapeId,
    pub shape: Arc<Shape>,
    pub wants: Arc<Wants>,
    pub volumes: Volumes,
    surroundings: Surroundings,
}

impl Case {
    /// Prepares a pod.
    ///
    /// # Errors
    ///
    /// What is wrong with its claims, if no node could take it for that.
    pub fn of(cache: &mut Cache, world: &World, key: &Key, id: ShapeId) -> Result<Self, String> {
        let shape = Arc::clone(cache.shape(id));
        let volumes = Volumes::of(cache, world, &shape, key)?;
        let wants = Wants::of(cache, world, id);
        let order = cache.order();
        let surroundings = Surroundings::of(cache, &order, &shape, &wants);
        Ok(Self {
            key: key.clone(),
            id,
            shape,
            wants,
            volumes,
            surroundings,
        })
    }

    /// Looks around again after pods came or went.
    pub fn look_again(&mut self, cache: &mut Cache) {
        if self.surroundings.matter() || !cache.repelling(&self.shape).is_empty() {
            let order = cache.order();
            self.surroundings = Surroundings::of(cache, &order, &self.shape, &self.wants);
        }
        self.volumes.look_again(cache, &self.shape);
    }

    /// The only nodes that the pod names, if it does.
    #[must_use]
    pub fn named(&self, cache: &Cache) -> Option<Vec<Slot>> {
        let names = node_affinity::named(self.shape.required.as_ref()?)?;
        Some(
            names
                .into_iter()
                .filter_map(|name| cache.find_node(name))
                .collect(),
        )
    }

    /// Whether a node takes the pod.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&self, cache: &Cache, slot: Slot) -> Result<(), Rejection> {
        let node = cache.node(slot);
        check_rules(&self.shape, node)?;
        room::check(self, cache, slot)?;
        self.volumes.check(node)?;
        self.surroundings.check(cache, slot, &self.wants)
    }
}

/// Whether a node would take a pod of a shape as far as the node itself and its room are concerned.
#[must_use]
pub fn may_fit(shape: &Shape, node: &Node) -> bool {
    check_rules(shape, node).is_ok() && room::check_room(shape, node, &[]).is_ok()
}

/// Whether the labels and name of a node are what the pod asks for.
#[must_use]
pub fn matches_affinity(shape: &Shape, node: &Node) -> bool {
    let label = |(key, value): &(String, String)| node.labels.get(key) == Some(value);
    let required = shape.required.as_ref();
    shape.node_selector.iter().all(label)
        && required.is_none_or(|terms| node_affinity::any_matches(terms, &node.name, &node.labels))
}

/// The first taint that keeps a pod away.
#[must_use]
pub fn untolerated<'a>(shape: &Shape, node: &'a Node) -> Option<&'a Taint> {
    let mut taints = node.taints.iter().filter(|taint| taint.repels());
    taints.find(|taint| !tolerated(&shape.tolerations, taint))
}

fn check_rules(shape: &Shape, node: &Node) -> Result<(), Rejection> {
    if node.unschedulable && !tolerated(&shape.tolerations, &Taint::unschedulable()) {
        return Err(Rejection::of(Reason::Unschedulable));
    }
    if let Some(taint) = untolerated(shape, node) {
        let reason = Reason::Taint(taint.key.clone(), taint.value.clone());
        return Err(Rejection::of(reason));
    }
    if !matches_affinity(shape, node) {
        return Err(Rejection::of(Reason::NodeAffinity));
    }
    Ok(())
}
