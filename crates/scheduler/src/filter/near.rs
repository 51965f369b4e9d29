//! Rules about other pods: spreading and affinity, decided by counts per domain.
//!
//! A domain is the nodes that have one value for a label. Summing the counts of nodes by domain costs one pass over
//! the nodes for each constraint; then each node is a look-up.

use crate::cache::{Cache, Column, NO_VALUE, Slot};
use crate::reason::{Reason, Rejection};
use crate::shape::Shape;
use crate::wants::{Constraint, Wants};

/// What is near each node, as far as one pod cares.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// For each hard spread constraint.
    spread: Vec<Domains>,
    /// For each term of required affinity: pods by domain.
    near: Vec<(usize, Vec<u32>)>,
    /// Nobody is there that the pod could be near to.
    alone: bool,
    far: Vec<(usize, Vec<u32>)>,
    /// Domains with pods that keep this one away.
    repelled: Vec<(usize, Vec<u32>)>,
}

/// The pods by domain of a spread constraint.
#[derive(Debug)]
struct Domains {
    counts: Vec<u32>,
    /// The fewest in a domain that counts.
    least: i64,
}

impl Surroundings {
    pub fn of(cache: &Cache, order: &[Slot], shape: &Shape, wants: &Wants) -> Self {
        let by_domain = |column: usize, counts: &[u32]| sum(cache.values(column), counts, order);
        let near = wants.near.as_ref();
        let near: Vec<_> = near
            .into_iter()
            .flat_map(|near| near.columns.iter().map(|column| (*column, near.tally)))
            .map(|(column, tally)| (column, by_domain(column, cache.counts(tally))))
            .collect();
        let far = wants.far.iter();
        let mut repelled: Vec<(usize, Vec<u32>)> = Vec::new();
        for (column, on) in cache.repelling(shape) {
            let at = repelled.iter().position(|(one, _)| *one == column);
            let at = at.unwrap_or_else(|| {
                repelled.push((column, vec![0; cache.values(column).bound()]));
                repelled.len() - 1
            });
            for (slot, count) in on {
                let value = cache.values(column).of(*slot);
                if let Some(sum) = repelled[at].1.get_mut(value as usize) {
                    *sum += count;
                }
            }
        }
        Self {
            spread: wants
                .hard
                .iter()
                .map(|one| domains(cache, order, shape, (wants, one)))
                .collect(),
            alone: near
                .iter()
                .all(|(_, counts)| counts.iter().all(|count| *count == 0)),
            near,
            far: far
                .map(|(column, tally)| (*column, by_domain(*column, cache.counts(*tally))))
                .collect(),
            repelled,
        }
    }

    /// Whether the pod cares about others at all.
    pub fn matter(&self) -> bool {
        !(self.spread.is_empty() && self.near.is_empty() && self.far.is_empty() && self.repelled.is_empty())
    }

    pub fn check(&self, cache: &Cache, slot: Slot, wants: &Wants) -> Result<(), Rejection> {
        self.check_spread(cache, slot, wants)?;
        let at = |(column, counts): &(usize, Vec<u32>)| {
            let value = cache.values(*column).of(slot);
            (value != NO_VALUE).then(|| counts.get(value as usize).copied().unwrap_or_default())
        };
        if let Some(near) = &wants.near {
            let with = |one| at(one).is_some_and(|count| count > 0);
            let first = || near.own && self.alone && self.near.iter().all(|one| at(one).is_some());
            if !self.near.iter().all(with) && !first() {
                return Err(Rejection::of(Reason::PodAffinity));
            }
        }
        let with = |one| at(one).is_some_and(|count| count > 0);
        if self.far.iter().any(with) {
            return Err(Rejection::resolvable(Reason::PodAntiAffinity));
        }
        if self.repelled.iter().any(with) {
            return Err(Rejection::resolvable(Reason::ExistingAntiAffinity));
        }
        Ok(())
    }

    fn check_spread(&self, cache: &Cache, slot: Slot, wants: &Wants) -> Result<(), Rejection> {
        for (constraint, domains) in wants.hard.iter().zip(&self.spread) {
            let value = cache.values(constraint.column).of(slot);
            if value == NO_VALUE {
                return Err(Rejection::of(Reason::SpreadLabel));
            }
            let there = domains.counts.get(value as usize).copied().unwrap_or_default();
            let skew = i64::from(there) + i64::from(constraint.own) - domains.least;
            if skew > constraint.max_skew {
                return Err(Rejection::resolvable(Reason::Spread));
            }
        }
        Ok(())
    }
}

/// Whether the pods of a node count for a spread constraint.
pub fn counts_for(cache: &Cache, slot: Slot, shape: &Shape, constraint: &Constraint) -> bool {
    let node = cache.node(slot);
    (!constraint.honor_affinity || super::matches_affinity(shape, node))
        && (!constraint.honor_taints || super::untolerated(shape, node).is_none())
}

/// Whether a node has every label that constraints are about.
pub fn has_all(cache: &Cache, slot: Slot, constraints: &[Constraint]) -> bool {
    let mut columns = constraints.iter().map(|one| cache.values(one.column));
    columns.all(|column| column.of(slot) != NO_VALUE)
}

fn domains(cache: &Cache, order: &[Slot], shape: &Shape, of: (&Wants, &Constraint)) -> Domains {
    let (wants, constraint) = of;
    let column = cache.values(constraint.column);
    let tally = cache.counts(constraint.tally);
    let mut counts = vec![0; column.bound()];
    let mut eligible = vec![false; column.bound()];
    for slot in order {
        if !has_all(cache, *slot, &wants.hard) || !counts_for(cache, *slot, shape, constraint) {
            continue;
        }
        let value = column.of(*slot) as usize;
        counts[value] += tally.get(*slot).copied().unwrap_or_default();
        eligible[value] = true;
    }
    let eligible: Vec<_> = counts.iter().zip(&eligible).filter(|(_, yes)| **yes).collect();
    let fewest = eligible.iter().map(|(count, _)| i64::from(**count)).min();
    let enough = i64::try_from(eligible.len()).unwrap_or(i64::MAX) >= constraint.min_domains;
    Domains {
        // Without any domain nothing is too many; the nodes are refused for other reasons.
        least: if enough {
            fewest.unwrap_or(i64::from(i32::MAX))
        } else {
            0
        },
        counts,
    }
}

/// Counts of nodes by domain.
pub fn sum(column: &Column, counts: &[u32], order: &[Slot]) -> Vec<u32> {
    let mut sums = vec![0; column.bound()];
    for slot in order {
        let Some(count) = counts.get(*slot).filter(|count| **count > 0) else {
            continue;
        };
        if let Some(sum) = sums.get_mut(column.of(*slot) as usize) {
            *sum += count;
        }
    }
    sums
}
