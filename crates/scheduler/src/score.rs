//! How wanted each node is among those that take a pod: the real scheduler's default scores and weights.

use crate::cache::{Cache, NO_VALUE, Node, Slot};
use crate::filter::Case;
use crate::filter::near::{counts_for, has_all, sum};
use crate::shape::Shape;
use crate::shape::taint::{Effect, tolerated};
use crate::wants::Constraint;

/// The best that one rule gives.
const BEST: i64 = 100;

const TAINTS: i64 = 3;
const NODE_AFFINITY: i64 = 2;
const SPREAD: i64 = 2;
const POD_AFFINITY: i64 = 2;

/// Images smaller than this in sum, or larger than the other for each container, make no difference.
const SMALL_IMAGE: i64 = 23 * 1024 * 1024;
const LARGE_IMAGE: i64 = 1000 * 1024 * 1024;

/// Scores nodes that take a pod, in their order. `order` is all nodes.
#[must_use]
pub fn scores(case: &Case, cache: &Cache, order: &[Slot], slots: &[Slot]) -> Vec<i64> {
    let shape = case.shape.as_ref();
    let nodes = || slots.iter().map(|slot| cache.node(*slot));
    let mut scores: Vec<_> = nodes().map(|node| room(shape, node)).collect();
    add(&mut scores, TAINTS, avoided_taints(shape, nodes()));
    if !shape.preferred.is_empty() {
        add(&mut scores, NODE_AFFINITY, preferred(shape, nodes()));
    }
    if !case.wants.soft.is_empty() {
        add(&mut scores, SPREAD, spread(case, cache, order, slots));
    }
    if let Some(pulled) = pulled(case, cache, order, slots) {
        add(&mut scores, POD_AFFINITY, pulled);
    }
    if shape.images.iter().any(|image| cache.image_nodes(image) > 0) {
        add(&mut scores, 1, images(shape, cache, order.len(), slots));
    }
    scores
}

fn add(scores: &mut [i64], weight: i64, more: Vec<i64>) {
    for (score, more) in scores.iter_mut().zip(more) {
        *score += weight * more;
    }
}

/// Least allocated, and CPU and memory allocated evenly.
fn room(shape: &Shape, node: &Node) -> i64 {
    let usual = shape.requests.usual;
    let least = |has: i64, used: i64| {
        if used > has {
            0
        } else {
            has.saturating_sub(used).saturating_mul(BEST) / has
        }
    };
    let (cpu, memory) = (node.allocatable.cpu, node.allocatable.memory);
    let (mut sum, mut kinds) = (0, 0);
    for (has, used) in [
        (cpu, node.usual.0.saturating_add(usual.0)),
        (memory, node.usual.1.saturating_add(usual.1)),
    ] {
        if has > 0 {
            sum += least(has, used);
            kinds += 1;
        }
    }
    let least = if kinds == 0 { 0 } else { sum / kinds };
    if shape.is_best_effort() {
        return least;
    }
    let wanted = &shape.requests.amounts;
    let share = |has: i64, used: i64| (used as f64 / has as f64).min(1.0);
    let spread = if cpu > 0 && memory > 0 {
        let cpu = share(cpu, node.requested.cpu.saturating_add(wanted.cpu));
        let memory = share(memory, node.requested.memory.saturating_add(wanted.memory));
        ((cpu - memory) / 2.0).abs()
    } else {
        0.0
    };
    least + ((1.0 - spread) * BEST as f64) as i64
}

fn avoided_taints<'a>(shape: &Shape, nodes: impl Iterator<Item = &'a Node>) -> Vec<i64> {
    let counts = nodes.map(|node| {
        let soft = node
            .taints
            .iter()
            .filter(|taint| taint.effect == Effect::PreferNoSchedule);
        let count = soft.filter(|taint| !tolerated(&shape.tolerations, taint)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    });
    let mut counts: Vec<_> = counts.collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    for count in &mut counts {
        *count = if most == 0 {
            BEST
        } else {
            BEST - BEST * *count / most
        };
    }
    counts
}

fn preferred<'a>(shape: &Shape, nodes: impl Iterator<Item = &'a Node>) -> Vec<i64> {
    let weights = nodes.map(|node| {
        let met = shape
            .preferred
            .iter()
            .filter(|one| one.term.matches(&node.name, &node.labels));
        met.map(|one| one.weight).sum::<i64>()
    });
    let mut weights: Vec<_> = weights.collect();
    let most = weights.iter().copied().max().unwrap_or_default();
    if most > 0 {
        for weight in &mut weights {
            *weight = BEST * *weight / most;
        }
    }
    weights
}

/// Fewer of the pod's like are better, in domains of which there are many more so.
fn spread(case: &Case, cache: &Cache, order: &[Slot], slots: &[Slot]) -> Vec<i64> {
    let wants = &case.wants;
    let compared = |slot: &Slot| !wants.own_soft || has_all(cache, *slot, &wants.soft);
    let compared: Vec<_> = slots.iter().map(compared).collect();
    let mut raw = vec![0.0; slots.len()];
    for constraint in &wants.soft {
        let column = cache.values(constraint.column);
        let domains = if constraint.host {
            compared.iter().filter(|yes| **yes).count()
        } else {
            let both = slots.iter().zip(&compared).filter(|(_, yes)| **yes);
            let mut values: Vec<_> = both.map(|(slot, _)| column.of(*slot)).collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        let weight = ((domains + 2) as f64).ln();
        let sums = if constraint.host {
            Vec::new()
        } else {
            by_domain(case, cache, order, constraint)
        };
        let tally = cache.counts(constraint.tally);
        for (slot, raw) in slots.iter().zip(&mut raw) {
            let value = column.of(*slot);
            if value == NO_VALUE {
                continue;
            }
            let count = if constraint.host {
                tally.get(*slot)
            } else {
                sums.get(value as usize)
            };
            let count = f64::from(count.copied().unwrap_or_default());
            *raw += count * weight + (constraint.max_skew - 1) as f64;
        }
    }
    let raw: Vec<_> = raw.into_iter().map(|score: f64| score.round() as i64).collect();
    let both = || raw.iter().zip(&compared);
    let considered = || both().filter(|(_, yes)| **yes).map(|(score, _)| *score);
    let (least, most) = (
        considered().min().unwrap_or_default(),
        considered().max().unwrap_or_default(),
    );
    both()
        .map(|(score, yes)| match (yes, most) {
            (false, _) => 0,
            (true, 0) => BEST,
            (true, _) => BEST * (most + least - score) / most,
        })
        .collect()
}

fn by_domain(case: &Case, cache: &Cache, order: &[Slot], constraint: &Constraint) -> Vec<u32> {
    let column = cache.values(constraint.column);
    let shape = case.shape.as_ref();
    let mut sums = vec![0; column.bound()];
    if sums.is_empty() {
        return sums;
    }
    let tally = cache.counts(constraint.tally);
    for slot in order {
        let count = tally.get(*slot).copied().unwrap_or_default();
        if count == 0
            || case.wants.own_soft && !has_all(cache, *slot, &case.wants.soft)
            || !counts_for(cache, *slot, shape, constraint)
        {
            continue;
        }
        if let Some(sum) = sums.get_mut(column.of(*slot) as usize) {
            *sum += count;
        }
    }
    sums
}

/// Preferred affinity, both of the pod and of those that run; `None` when nobody has any.
fn pulled(case: &Case, cache: &Cache, order: &[Slot], slots: &[Slot]) -> Option<Vec<i64>> {
    let pulling = cache.pulling(&case.shape);
    if case.wants.preferred.is_empty() && pulling.is_empty() {
        return None;
    }
    let mut scores = vec![0; slots.len()];
    let mut pull = |weight: i64, column: usize, sums: &[u32]| {
        for (slot, score) in slots.iter().zip(&mut scores) {
            let value = cache.values(column).of(*slot) as usize;
            *score += weight * i64::from(sums.get(value).copied().unwrap_or_default());
        }
    };
    for (weight, column, tally) in &case.wants.preferred {
        let sums = sum(cache.values(*column), cache.counts(*tally), order);
        pull(*weight, *column, &sums);
    }
    for (weight, column, on) in pulling {
        let values = cache.values(column);
        let mut sums = vec![0; values.bound()];
        for (slot, count) in on {
            if let Some(sum) = sums.get_mut(values.of(*slot) as usize) {
                *sum += count;
            }
        }
        pull(weight, column, &sums);
    }
    let (least, most) = (scores.iter().copied().min()?, scores.iter().copied().max()?);
    for score in &mut scores {
        let above = (*score - least) as f64;
        *score = if most > least {
            (BEST as f64 * (above / (most - least) as f64)) as i64
        } else {
            0
        };
    }
    Some(scores)
}

/// Images that are there already, the more so the more nodes have them: one node must not draw everything.
fn images(shape: &Shape, cache: &Cache, nodes: usize, slots: &[Slot]) -> Vec<i64> {
    let containers = i64::try_from(shape.images.len()).unwrap_or(i64::MAX);
    let large = LARGE_IMAGE.saturating_mul(containers);
    let score = |slot: &Slot| {
        let there = &cache.node(*slot).images;
        let sizes = shape.images.iter().filter_map(|image| {
            let share = cache.image_nodes(image) as f64 / nodes as f64;
            Some((*there.get(image)? as f64 * share) as i64)
        });
        let sum = sizes.sum::<i64>().clamp(SMALL_IMAGE, large);
        BEST * (sum - SMALL_IMAGE) / (large - SMALL_IMAGE)
    };
    slots.iter().map(score).collect()
}
