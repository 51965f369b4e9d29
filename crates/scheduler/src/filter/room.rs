//! Ports and amounts: what a node has left.

use std::sync::Arc;

use super::Case;
use crate::cache::{Cache, Node, Slot};
use crate::reason::{Reason, Rejection};
use crate::shape::{Amounts, Shape};

/// Whether there is room, also when the pods come that wait for this node and are as urgent.
pub fn check(case: &Case, cache: &Cache, slot: Slot) -> Result<(), Rejection> {
    let node = cache.node(slot);
    let waiting = cache.nominated(slot).iter();
    let waiting = waiting.filter(|(key, _)| *key != case.key);
    let waiting = waiting.map(|(_, id)| Arc::clone(cache.shape(*id)));
    let waiting: Vec<_> = waiting
        .filter(|shape| shape.priority >= case.shape.priority)
        .collect();
    check_room(&case.shape, node, &waiting)
}

/// Whether there is room for a pod beside those that are there and that wait.
pub fn check_room(shape: &Shape, node: &Node, waiting: &[Arc<Shape>]) -> Result<(), Rejection> {
    let taken = |port| {
        let reserved = waiting.iter().flat_map(|shape| &shape.ports);
        node.ports
            .iter()
            .chain(reserved)
            .any(|other| other.conflicts(port))
    };
    if shape.ports.iter().any(taken) {
        return Err(Rejection::resolvable(Reason::Ports));
    }
    if waiting.is_empty() {
        return check_amounts(shape, node, &node.requested, node.count);
    }
    let mut requested = node.requested.clone();
    for shape in waiting {
        requested.add(&shape.requests.amounts);
    }
    let pods = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
    check_amounts(shape, node, &requested, node.count.saturating_add(pods))
}

fn check_amounts(shape: &Shape, node: &Node, requested: &Amounts, pods: i64) -> Result<(), Rejection> {
    let mut reasons = Vec::new();
    let mut resolvable = true;
    if pods >= node.capacity {
        reasons.push(Reason::TooManyPods);
    }
    let wanted = &shape.requests.amounts;
    let has = &node.allocatable;
    let mut compare = |name: &str, wanted: i64, used: i64, has: i64| {
        if wanted > 0 && wanted > has.saturating_sub(used) {
            reasons.push(Reason::Insufficient(name.to_owned()));
            resolvable &= wanted <= has;
        }
    };
    compare("cpu", wanted.cpu, requested.cpu, has.cpu);
    compare("memory", wanted.memory, requested.memory, has.memory);
    compare(
        "ephemeral-storage",
        wanted.storage,
        requested.storage,
        has.storage,
    );
    for (name, amount) in &wanted.other {
        compare(name, *amount, requested.of_other(name), has.of_other(name));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Rejection { reasons, resolvable })
}
