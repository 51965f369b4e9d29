//! Making room for an urgent pod: which less urgent pods would have to go, and on which node that hurts least.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use objects::{Key, Kind, Selector, World, condition, meta};
use serde_json::Value;

use crate::cache::{Cache, Slot};
use crate::filter::Case;
use crate::reason::{Reason, Rejection, Tally};

/// The reason of the condition that victims get.
pub const PREEMPTED: &str = "PreemptionByScheduler";

/// Nodes that could be freed are tried until there are so many to choose from: a tenth of them, at least a hundred.
const CANDIDATES_DIVISOR: usize = 10;
const LEAST_CANDIDATES: usize = 100;

/// Pods that have to go from a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub slot: Slot,
    /// The most important first.
    pub victims: Vec<Key>,
    /// Victims whose disruption budget is used up.
    violations: usize,
}

/// A budget, with what it still allows.
#[derive(Debug)]
struct Budget {
    namespace: String,
    selector: Selector,
    allowed: i64,
    /// Pods whose eviction is already counted.
    disrupted: Vec<String>,
}

/// The nodes that refused a pod.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Those where removing pods could help.
    pub resolvable: Vec<Slot>,
    pub nodes: usize,
}

/// Finds the node on which making room hurts least.
///
/// # Errors
///
/// Why no room can be made, in words.
pub fn candidate(
    cache: &mut Cache,
    world: &World,
    case: &mut Case,
    refusals: &Refusals,
) -> Result<Candidate, String> {
    eligible(cache, world, case, refusals)?;
    let budgets = budgets(world);
    let wanted = LEAST_CANDIDATES.max(refusals.resolvable.len() / CANDIDATES_DIVISOR);
    let mut found = Vec::new();
    let mut tally = Tally::default();
    let mut explained = 0;
    for slot in &refusals.resolvable {
        match try_node(cache, case, *slot, &budgets, world) {
            Ok(candidate) => found.push(candidate),
            Err(rejection) => {
                explained += 1;
                for reason in rejection.reasons {
                    tally.add(reason, 1);
                }
            }
        }
        if found.len() >= wanted {
            break;
        }
    }
    let best = found.into_iter().min_by_key(|candidate| pain(cache, candidate));
    best.ok_or_else(|| {
        tally.add(Reason::NotHelpful, refusals.nodes.saturating_sub(explained));
        tally.print(refusals.nodes)
    })
}

fn eligible(cache: &Cache, world: &World, case: &Case, refusals: &Refusals) -> Result<(), String> {
    if case.shape.peaceful {
        return Err("not eligible due to preemptionPolicy=Never.".to_owned());
    }
    let pod = world.get(&case.key).map(Arc::as_ref).unwrap_or(&Value::Null);
    let nominated = meta::text_at(pod, "/status/nominatedNodeName");
    let Some(slot) = cache
        .find_node(nominated)
        .filter(|slot| refusals.resolvable.contains(slot))
    else {
        return Ok(());
    };
    let leaving = |key: &&Key| {
        let lower = cache
            .pod(key)
            .is_some_and(|pod| cache.shape(pod.shape).priority < case.shape.priority);
        let pod = world.get(key).map(Arc::as_ref).unwrap_or(&Value::Null);
        let target = condition::find(pod, "DisruptionTarget");
        lower
            && meta::is_deleted(pod)
            && target.is_some_and(|one| {
                meta::text(one, "status") == "True" && meta::text(one, "reason") == PREEMPTED
            })
    };
    if cache.node(slot).pods.iter().any(|key| leaving(&key)) {
        return Err("not eligible due to a terminating pod on the nominated node.".to_owned());
    }
    Ok(())
}

/// Removes all less urgent pods for a trial, and gives back as many as the pod still fits beside.
fn try_node(
    cache: &mut Cache,
    case: &mut Case,
    slot: Slot,
    budgets: &[Budget],
    world: &World,
) -> Result<Candidate, Rejection> {
    let mut lower = less_urgent(cache, slot, case.shape.priority);
    if lower.is_empty() {
        return Err(Rejection::of(Reason::NoVictims));
    }
    for key in &lower {
        cache.pretend(key, false);
    }
    case.look_again(cache);
    let verdict = case.check(cache, slot);
    let mut victims = Vec::new();
    let mut violations = 0;
    if verdict.is_ok() {
        lower.sort_by_cached_key(|key| importance(cache, key));
        let violating = violating(&lower, budgets, world);
        // Those whose budget would be violated are spared first.
        let mut order = lower.clone();
        order.sort_by_key(|key| !violating[key]);
        for key in order {
            cache.pretend(&key, true);
            case.look_again(cache);
            if case.check(cache, slot).is_err() {
                cache.pretend(&key, false);
                violations += usize::from(violating[&key]);
                victims.push(key);
            }
        }
        victims.sort_by_cached_key(|key| importance(cache, key));
        for key in &victims {
            cache.pretend(key, true);
        }
    } else {
        for key in &lower {
            cache.pretend(key, true);
        }
    }
    case.look_again(cache);
    verdict?;
    if victims.is_empty() {
        return Err(Rejection::of(Reason::NoVictims));
    }
    Ok(Candidate {
        slot,
        victims,
        violations,
    })
}

fn less_urgent(cache: &Cache, slot: Slot, priority: i64) -> Vec<Key> {
    let node = cache.node(slot);
    if node.lowest_priority().is_none_or(|lowest| lowest >= priority) {
        return Vec::new();
    }
    let lower = |key: &&Key| {
        cache
            .pod(key)
            .is_some_and(|pod| cache.shape(pod.shape).priority < priority)
    };
    node.pods.iter().filter(lower).cloned().collect()
}

/// Urgent pods first, then those that have run for longer.
fn importance(cache: &Cache, key: &Key) -> (Reverse<i64>, Timestamp, Key) {
    let pod = cache.pod(key);
    let priority = pod.map(|pod| cache.shape(pod.shape).priority);
    let started = pod.and_then(|pod| pod.started);
    (
        Reverse(priority.unwrap_or_default()),
        started.unwrap_or(Timestamp::MAX),
        key.clone(),
    )
}

/// What is compared to choose a node, the first that differs decides: violated budgets, the most urgent victim, the
/// sum of priorities, the number of victims, how long the most urgent ones have run.
fn pain(cache: &Cache, candidate: &Candidate) -> (usize, i64, i64, usize, Reverse<Timestamp>) {
    let pods = candidate.victims.iter().filter_map(|key| cache.pod(key));
    let priorities: Vec<_> = pods.clone().map(|pod| cache.shape(pod.shape).priority).collect();
    let highest = priorities.first().copied().unwrap_or_default();
    // Negative priorities must not make more victims cheaper.
    let shift = i64::from(i32::MAX) + 1;
    let sum = priorities.iter().map(|priority| priority + shift).sum();
    let top = pods
        .zip(&priorities)
        .filter(|(_, priority)| **priority == highest);
    let earliest = top.map(|(pod, _)| pod.started.unwrap_or(Timestamp::MAX)).min();
    (
        candidate.violations,
        highest,
        sum,
        priorities.len(),
        Reverse(earliest.unwrap_or(Timestamp::MIN)),
    )
}

fn budgets(world: &World) -> Vec<Budget> {
    let all = world.all(&Kind::POD_DISRUPTION_BUDGET).filter_map(|budget| {
        let selector = Selector::from_json(budget.pointer("/spec/selector")?);
        let disrupted = budget.pointer("/status/disruptedPods").and_then(Value::as_object);
        Some(Budget {
            namespace: meta::namespace(budget).to_owned(),
            allowed: meta::number_at(budget, "/status/disruptionsAllowed").unwrap_or_default(),
            disrupted: disrupted
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect(),
            selector,
        })
    });
    all.filter(|budget| !budget.selector.is_empty()).collect()
}

/// Which pods would violate a budget, if they went in this order.
fn violating(pods: &[Key], budgets: &[Budget], world: &World) -> HashMap<Key, bool> {
    let mut allowed: Vec<_> = budgets.iter().map(|budget| budget.allowed).collect();
    let mut violating = HashMap::new();
    for key in pods {
        let pod = world.get(key).map(Arc::as_ref).unwrap_or(&Value::Null);
        let mut violates = false;
        for (budget, allowed) in budgets.iter().zip(&mut allowed) {
            let counted = budget.disrupted.iter().any(|name| *name == *key.name);
            if budget.namespace == *key.namespace && !counted && budget.selector.selects(pod) {
                *allowed -= 1;
                violates |= *allowed < 0;
            }
        }
        violating.insert(key.clone(), violates);
    }
    violating
}
