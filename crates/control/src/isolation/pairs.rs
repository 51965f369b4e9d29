//! Which pairs of tenants are tried in a cluster, when there are more than may be.
//!
//! All ordered pairs stand in a fixed order in which every tenant attacks once, and is attacked once, before any does twice.
//! A sample is a run of it, so everybody is in the smallest one that can hold everybody; the seed says where it begins, so
//! that check after check comes to every pair.

use kinds::{Object, Tenant};

use super::Check;

/// How many pairs are tried in a cluster when nobody says otherwise: all pairs of some thirty tenants, a minute's work.
pub const PAIRS_MAX: usize = 1_000;

/// The pairs of a cluster.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    tenants: Vec<&'a Object<Tenant>>,
    named: Vec<String>,
    chosen: Vec<(usize, usize)>,
    /// How many there are, the chosen ones among them.
    pub all: usize,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(tenants: &[&'a Object<Tenant>], check: &Check) -> Self {
        let is_named =
            |at: usize| check.tenants.is_empty() || check.tenants.contains(&tenants[at].metadata.name);
        let count = tenants.len();
        let rounds = (1..count).flat_map(|round| (0..count).map(move |at| (at, (at + round) % count)));
        let concerned: Vec<_> = rounds
            .filter(|(attacker, victim)| is_named(*attacker) || is_named(*victim))
            .collect();
        let all = concerned.len();
        let start = usize::try_from(check.seed)
            .unwrap_or(0)
            .checked_rem(all)
            .unwrap_or(0);
        let chosen = concerned.into_iter().cycle().skip(start);
        Self {
            tenants: tenants.to_vec(),
            named: check.tenants.clone(),
            chosen: chosen.take(all.min(check.pairs)).collect(),
            all,
        }
    }

    /// Attacker and victim.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a Object<Tenant>, &'a Object<Tenant>)> + '_ {
        self.chosen
            .iter()
            .map(|(attacker, victim)| (self.tenants[*attacker], self.tenants[*victim]))
    }

    pub(super) fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Everybody who attacks, and whether the check is about him. One that was asked for attacks also when there is nobody
    /// to attack.
    pub(super) fn attackers(&self) -> impl Iterator<Item = (&'a Object<Tenant>, bool)> + '_ {
        self.tenants.iter().enumerate().filter_map(|(at, tenant)| {
            let is_named = self.named.is_empty() || self.named.contains(&tenant.metadata.name);
            let attacks = self.chosen.iter().any(|(attacker, _)| *attacker == at);
            (is_named || attacks).then_some((*tenant, is_named))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn tenants(count: usize) -> Vec<Object<Tenant>> {
        let quota = json!({"cpu": "1", "memory": "1Gi"});
        (0..count)
            .map(|at| {
                Object::read(&json!({"metadata": {"name": format!("t{at}")}, "spec": {"quota": quota}}))
                    .unwrap()
            })
            .collect()
    }

    fn chosen(tenants: &[Object<Tenant>], check: &Check) -> Vec<(String, String)> {
        let tenants: Vec<_> = tenants.iter().collect();
        let name = |one: &Object<Tenant>| one.metadata.name.clone();
        Pairs::new(&tenants, check)
            .iter()
            .map(|(a, v)| (name(a), name(v)))
            .collect()
    }

    #[test]
    fn every_ordered_pair_is_tried_once() {
        for count in 0..6 {
            let all = chosen(&tenants(count), &Check::default());
            let different: BTreeSet<_> = all.iter().filter(|(a, v)| a != v).collect();
            assert_eq!(
                (all.len(), different.len()),
                (count * count.saturating_sub(1), all.len())
            );
        }
    }

    #[test]
    fn a_sample_has_everybody_and_seeds_come_to_every_pair() {
        let tenants = tenants(5);
        let mut seen = BTreeSet::new();
        for seed in 0..20 {
            let check = Check {
                pairs: 5,
                seed,
                ..Check::default()
            };
            let some = chosen(&tenants, &check);
            let attackers: BTreeSet<_> = some.iter().map(|(attacker, _)| attacker.clone()).collect();
            assert_eq!((some.len(), attackers.len()), (5, 5));
            seen.extend(some);
        }
        assert_eq!(seen.len(), 20);
    }

    #[test]
    fn a_named_tenant_attacks_everybody_and_is_attacked_by_everybody() {
        let check = Check {
            tenants: vec!["t1".to_owned()],
            ..Check::default()
        };
        let some = chosen(&tenants(3), &check);
        assert!(
            some.len() == 4 && some.iter().all(|(a, v)| a == "t1" || v == "t1"),
            "{some:?}"
        );
    }
}
