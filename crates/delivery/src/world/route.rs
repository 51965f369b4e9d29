//! The stages in the order in which an artifact meets them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinds::{Object, Stage};

/// Puts each stage after the one that it comes after; by name among equals. Those that come after themselves, by
/// whatever way, and those after a stage that does not exist come last.
pub(super) fn route(stages: &BTreeMap<String, Arc<Object<Stage>>>) -> Vec<String> {
    let mut route: Vec<String> = Vec::new();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    // Every round places one or ends, so there are no more rounds than stages.
    for _ in 0..=stages.len() {
        let fits = |stage: &Object<Stage>| {
            let after = stage.spec.after.as_deref();
            after.is_none_or(|after| placed.contains(after))
        };
        let next: Vec<&str> = stages
            .iter()
            .filter(|(name, stage)| !placed.contains(name.as_str()) && fits(stage))
            .map(|(name, _)| name.as_str())
            .collect();
        if next.is_empty() {
            break;
        }
        placed.extend(&next);
        route.extend(next.into_iter().map(str::to_owned));
    }
    let rest = stages.keys().filter(|name| !placed.contains(name.as_str()));
    let rest: Vec<String> = rest.cloned().collect();
    route.extend(rest);
    route
}

/// Whether a stage can be reached from a first one.
pub(crate) fn is_reachable(world: &super::World, stage: &Object<Stage>) -> bool {
    let mut stage = stage;
    // A way without a circle has no more steps than there are stages.
    for _ in 0..=world.stages.len() {
        match &stage.spec.after {
            None => return true,
            Some(after) => match world.stage(after) {
                None => return false,
                Some(before) => stage = before,
            },
        }
    }
    false
}
