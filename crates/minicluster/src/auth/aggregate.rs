//! ClusterRoles by name, and what the aggregated ones among them hold.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use objects::labels::{Labels, Selector, labels};
use serde_json::Value;

use super::Rule;

/// How often a change is carried on to roles that gather aggregated roles. The default roles need three (view, edit,
/// admin); roles that gather each other in a circle could otherwise go round for ever.
const MAX_ROUNDS: usize = 16;

#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterRoles {
    roles: BTreeMap<String, Role>,
    /// The names of those with an aggregation rule.
    gathering: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
struct Role {
    labels: Labels,
    /// As the object has them.
    stored: Vec<Rule>,
    /// What its selectors gather; nothing without an aggregation rule.
    gathered: Option<Vec<Rule>>,
    selectors: Vec<Selector>,
}

impl Role {
    fn rules(&self) -> &[Rule] {
        self.gathered.as_ref().unwrap_or(&self.stored)
    }

    fn gathers(&self, labels: &Labels) -> bool {
        self.selectors.iter().any(|selector| selector.matches(labels))
    }
}

impl ClusterRoles {
    pub(crate) fn put(&mut self, name: &str, object: &Value) {
        let selectors = object.pointer("/aggregationRule/clusterRoleSelectors");
        let selectors = selectors.and_then(Value::as_array).into_iter().flatten();
        let role = Role {
            labels: labels(object),
            stored: Rule::of(object),
            gathered: None,
            selectors: selectors.map(Selector::from_json).collect(),
        };
        let mut touched = vec![role.labels.clone()];
        let gathers = object.get("aggregationRule").is_some_and(|rule| !rule.is_null());
        if gathers {
            self.gathering.insert(name.to_owned());
        } else {
            self.gathering.remove(name);
        }
        touched.extend(self.roles.insert(name.to_owned(), role).map(|old| old.labels));
        if gathers {
            self.gather(name);
        }
        self.carry_on(touched);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.gathering.remove(name);
        if let Some(old) = self.roles.remove(name) {
            self.carry_on(vec![old.labels]);
        }
    }

    pub(crate) fn rules(&self, name: &str) -> Option<&[Rule]> {
        self.roles.get(name).map(Role::rules)
    }

    pub(crate) fn stale(&self) -> Vec<(&str, &[Rule])> {
        let gathering = self.gathering.iter().filter_map(|name| {
            let role = self.roles.get(name)?;
            (role.rules() != role.stored).then(|| (name.as_str(), role.rules()))
        });
        gathering.collect()
    }

    /// Gathers anew for every role that selects one of the labels, and for those that select these, in turn.
    fn carry_on(&mut self, mut touched: Vec<Labels>) {
        for _ in 0..MAX_ROUNDS {
            let selects = |name: &&String| {
                let role = self.roles.get(*name);
                role.is_some_and(|role| touched.iter().any(|labels| role.gathers(labels)))
            };
            let affected: Vec<String> = self.gathering.iter().filter(selects).cloned().collect();
            touched = affected.iter().filter_map(|name| self.gather(name)).collect();
            if touched.is_empty() {
                return;
            }
        }
    }

    /// Works out the rules of an aggregated role; its labels when they changed.
    fn gather(&mut self, name: &str) -> Option<Labels> {
        let role = self.roles.get(name)?;
        let others = self.roles.iter().filter(|(other, _)| *other != name);
        let selected: Vec<&Role> = others
            .map(|(_, other)| other)
            .filter(|other| role.gathers(&other.labels))
            .collect();
        let mut seen = HashSet::new();
        let all = selected.iter().flat_map(|other| other.rules());
        let gathered: Vec<Rule> = all.filter(|rule| seen.insert(*rule)).cloned().collect();
        if role.gathered.as_ref() == Some(&gathered) {
            return None;
        }
        let role = self.roles.get_mut(name)?;
        role.gathered = Some(gathered);
        Some(role.labels.clone())
    }
}
