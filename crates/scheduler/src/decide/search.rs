//! The search for a node: which nodes are looked at, which of those that fit is taken, and what is said if none does.

use objects::{Key, World, meta};
use serde_json::Value;

use super::{Reserved, Scheduler};
use crate::cache::{ShapeId, Slot};
use crate::filter::Case;
use crate::preempt::{self, Candidate, Refusals};
use crate::reason::{Cause, Reason, Tally};
use crate::score;

/// Below so many nodes all are looked at, above at least so many that fit are compared.
const LEAST_COMPARED: usize = 100;
/// The share of nodes that are compared shrinks by one percent for so many nodes, from the first to the last.
const NODES_PER_PERCENT: usize = 125;
const LARGEST_SHARE: usize = 50;
const SMALLEST_SHARE: usize = 5;

/// Why a pod goes nowhere now.
#[derive(Debug)]
pub(super) struct Failure {
    pub message: String,
    pub causes: Vec<Cause>,
    /// The node that is being freed for it.
    pub candidate: Option<Candidate>,
    /// Its nomination does not hold any more.
    pub denominate: bool,
}

impl Scheduler {
    /// Finds a node for a pod.
    pub(super) fn place(
        &mut self,
        world: &World,
        pod: (&Key, &Value),
        id: ShapeId,
        kept: Option<&Reserved>,
    ) -> Result<(Slot, Case), Failure> {
        let (key, object) = pod;
        let order = self.cache.order();
        if order.is_empty() {
            return Err(Failure::of(
                "no nodes available to schedule pods".to_owned(),
                Cause::Empty,
            ));
        }
        let mut case = Case::of(&mut self.cache, world, key, id).map_err(|message| {
            // The words of the last plugin that would have helped, which found nothing to work with.
            let message = format!("0/{} nodes are available: {message}. not found", order.len());
            Failure::of(message, Cause::Volumes)
        })?;
        let nominated = meta::text_at(object, "/status/nominatedNodeName");
        for node in [kept.map_or("", |kept| &kept.node), nominated] {
            let slot = self.cache.find_node(node);
            if let Some(slot) = slot.filter(|slot| case.check(&self.cache, *slot).is_ok()) {
                return Ok((slot, case));
            }
        }
        let (fitting, tally, refusals) = self.search(&case, &order);
        if fitting.is_empty() {
            return Err(self.explain(world, &mut case, (&tally, &refusals), !nominated.is_empty()));
        }
        let slot = self.choose(&case, &order, &fitting);
        Ok((slot, case))
    }

    /// The nodes that take a pod, enough of them to compare, and why the others don't.
    fn search(&mut self, case: &Case, order: &[Slot]) -> (Vec<Slot>, Tally, Refusals) {
        let named = case.named(&self.cache);
        let nodes = named.as_deref().unwrap_or(order);
        let wanted = compared(nodes.len());
        let mut tally = Tally::default();
        tally.add(Reason::NotNamed, order.len() - nodes.len().min(order.len()));
        let mut refusals = Refusals {
            nodes: order.len(),
            ..Refusals::default()
        };
        let mut fitting = Vec::with_capacity(wanted.min(nodes.len()));
        let start = if nodes.is_empty() {
            0
        } else {
            self.start % nodes.len()
        };
        let mut seen = 0;
        for slot in nodes[start..].iter().chain(&nodes[..start]) {
            if fitting.len() >= wanted {
                break;
            }
            seen += 1;
            match case.check(&self.cache, *slot) {
                Ok(()) => fitting.push(*slot),
                Err(rejection) => {
                    if rejection.resolvable {
                        refusals.resolvable.push(*slot);
                    }
                    for reason in rejection.reasons {
                        tally.add(reason, 1);
                    }
                }
            }
        }
        if !order.is_empty() {
            self.start = (self.start + seen) % order.len();
        }
        (fitting, tally, refusals)
    }

    fn choose(&mut self, case: &Case, order: &[Slot], fitting: &[Slot]) -> Slot {
        if let [only] = fitting {
            return *only;
        }
        let scores = score::scores(case, &self.cache, order, fitting);
        let best = scores.iter().copied().max().unwrap_or_default();
        let best = fitting.iter().zip(&scores).filter(|(_, score)| **score == best);
        let best: Vec<_> = best.map(|(slot, _)| *slot).collect();
        best[self.draw(best.len())]
    }

    /// A number below a bound, the same for the same seed and the same past.
    fn draw(&mut self, bound: usize) -> usize {
        self.draws += 1;
        // SplitMix64: well mixed from a counter, so that nothing but the count is kept.
        let mut mixed = self
            .seed
            .wrapping_add(self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let bound = bound.max(1) as u64;
        (mixed % bound) as usize
    }

    fn explain(
        &mut self,
        world: &World,
        case: &mut Case,
        found: (&Tally, &Refusals),
        nominated: bool,
    ) -> Failure {
        let (tally, refusals) = found;
        let message = tally.print(refusals.nodes);
        let mut failure = Failure {
            message,
            causes: tally.causes(),
            candidate: None,
            denominate: false,
        };
        match preempt::candidate(&mut self.cache, world, case, refusals) {
            Ok(candidate) => failure.candidate = Some(candidate),
            Err(why) => {
                failure.denominate = nominated && !why.starts_with("not eligible");
                failure.message = format!(
                    "{} no new claims to deallocate, preemption: {why}",
                    failure.message
                );
            }
        }
        failure
    }
}

impl Failure {
    fn of(message: String, cause: Cause) -> Self {
        Self {
            message,
            causes: vec![cause],
            candidate: None,
            denominate: false,
        }
    }
}

/// How many nodes that fit are enough to choose from.
fn compared(nodes: usize) -> usize {
    if nodes < LEAST_COMPARED {
        return nodes;
    }
    let share = LARGEST_SHARE
        .saturating_sub(nodes / NODES_PER_PERCENT)
        .max(SMALLEST_SHARE);
    (nodes * share / 100).max(LEAST_COMPARED)
}
