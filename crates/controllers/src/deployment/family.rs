//! The ReplicaSets of a Deployment: the one with its template, the others, and what they remember in annotations.

use std::cmp::Reverse;

use objects::meta;
use serde_json::{Map, Value, json};

use crate::amount::{self, Rounding};
use crate::pod_template;

pub(super) const HASH: &str = "pod-template-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// What a Deployment's annotations don't hand down.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

/// How long a ReplicaSet's list of earlier revisions may grow, as in the real controller: annotations share 256 KiB.
const LONGEST_HISTORY: usize = 2000;

/// How many pods the Deployment wants, and within which bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) replicas: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
    pub(super) rolling: bool,
}

/// The ReplicaSets of a Deployment.
#[derive(Clone, Debug)]
pub(super) struct Family<'a> {
    /// The one whose pods are as the Deployment's template says.
    pub(super) new: Option<&'a Value>,
    /// The others, the oldest first.
    pub(super) old: Vec<&'a Value>,
}

impl Bounds {
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = size(deployment);
        let rolling = meta::text_at(deployment, "/spec/strategy/type") != "Recreate";
        let amount = |field, rounding| {
            let value = deployment
                .pointer("/spec/strategy/rollingUpdate")
                .and_then(|update| update.get(field));
            amount::of(value, replicas, rounding).max(0)
        };
        let (mut surge, mut unavailable) = (0, 0);
        if rolling {
            surge = amount("maxSurge", Rounding::Up);
            unavailable = amount("maxUnavailable", Rounding::Down);
            if surge == 0 && unavailable == 0 {
                // Both round to nothing: then nothing would ever move.
                unavailable = 1;
            }
        }
        Self {
            replicas,
            surge,
            unavailable: unavailable.min(replicas),
            rolling,
        }
    }

    /// The most pods there may be.
    pub(super) fn most(&self) -> i64 {
        self.replicas + self.surge
    }
}

impl<'a> Family<'a> {
    pub(super) fn of(deployment: &Value, sets: impl Iterator<Item = &'a Value>) -> Self {
        let nothing = Value::Null;
        let template = deployment.pointer("/spec/template").unwrap_or(&nothing);
        let mut old: Vec<_> = sets.collect();
        sort_by_age(&mut old);
        // The oldest of several, so that every look finds the same one.
        let same = |set: &&Value| {
            let other = set.pointer("/spec/template").unwrap_or(&nothing);
            pod_template::same(template, other, HASH)
        };
        let new = old.iter().position(same).map(|at| old.remove(at));
        Self { new, old }
    }

    /// All of them, the old ones first.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Value> + '_ {
        self.old.iter().copied().chain(self.new)
    }

    /// How many pods they are to have together.
    pub(super) fn total_size(&self) -> i64 {
        self.all().map(size).sum()
    }

    /// The sum of a count in their status.
    pub(super) fn sum(&self, field: &str) -> i64 {
        self.all().map(|set| count(set, field)).sum()
    }

    /// The revision of the new one: one more than all old ones have.
    pub(super) fn next_revision(&self) -> i64 {
        self.old.iter().map(|set| revision(set)).max().unwrap_or_default() + 1
    }
}

/// `spec.replicas` of a Deployment or a ReplicaSet.
pub(super) fn size(object: &Value) -> i64 {
    meta::number_at(object, "/spec/replicas").unwrap_or(1)
}

/// A count in the status of an object.
pub(super) fn count(object: &Value, field: &str) -> i64 {
    let status = object.get("status").and_then(|status| status.get(field));
    status.and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn revision(object: &Value) -> i64 {
    number(object, REVISION).unwrap_or_default()
}

/// A number in an annotation.
pub(super) fn number(object: &Value, annotation: &str) -> Option<i64> {
    meta::annotation(object, annotation)?.parse().ok()
}

/// The oldest first; the name decides between those of one second.
pub(super) fn sort_by_age(sets: &mut [&Value]) {
    sets.sort_by(|one, other| {
        let age = |set| (meta::created(set), meta::name(set));
        age(one).cmp(&age(other))
    });
}

/// The biggest first, and of equal ones the newest or the oldest.
pub(super) fn sort_by_size(sets: &mut [&Value], newest_first: bool) {
    sort_by_age(sets);
    if newest_first {
        sets.reverse();
    }
    sets.sort_by_key(|set| Reverse(size(set)));
}

/// Hands the Deployment's annotations and a revision down to the new ReplicaSet's; whether anything changed.
pub(super) fn inherit(annotations: &mut Map<String, Value>, deployment: &Value, revision: i64) -> bool {
    let before = annotations.clone();
    let given = deployment
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        if !NOT_COPIED.contains(&name.as_str()) {
            annotations.insert(name.clone(), value.clone());
        }
    }
    let old = annotations
        .get(REVISION)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if old.parse::<i64>().unwrap_or_default() < revision {
        annotations.insert(REVISION.to_owned(), json!(revision.to_string()));
        if !old.is_empty() {
            let history = annotations
                .get(HISTORY)
                .and_then(Value::as_str)
                .unwrap_or_default();
            annotations.insert(HISTORY.to_owned(), json!(prolonged(history, &old)));
        }
    }
    before != *annotations
}

/// The annotations that say for which size of the Deployment a ReplicaSet's size was reckoned.
pub(super) fn note_bounds(annotations: &mut Map<String, Value>, bounds: &Bounds) -> bool {
    let mut changed = false;
    for (name, number) in [(DESIRED, bounds.replicas), (MAX, bounds.most())] {
        let text = json!(number.to_string());
        changed |= annotations.insert(name.to_owned(), text.clone()) != Some(text);
    }
    changed
}

/// A list of revisions with one more; the oldest ones make room.
fn prolonged(history: &str, revision: &str) -> String {
    let mut revisions: Vec<&str> = history.split(',').filter(|one| !one.is_empty()).collect();
    revisions.push(revision);
    let mut length: usize = revisions.iter().map(|one| one.len() + 1).sum();
    let mut dropped = 0;
    while length > LONGEST_HISTORY && dropped + 1 < revisions.len() {
        length -= revisions[dropped].len() + 1;
        dropped += 1;
    }
    revisions[dropped..].join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_never_leave_a_rollout_stuck() {
        let bounds = |replicas: i64, surge: Value, unavailable: Value| {
            let deployment = json!({"spec": {"replicas": replicas, "strategy": {
                "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            }}});
            let bounds = Bounds::of(&deployment);
            (bounds.surge, bounds.unavailable)
        };
        assert_eq!(bounds(3, json!("25%"), json!("25%")), (1, 0));
        assert_eq!(bounds(10, json!("25%"), json!("25%")), (3, 2));
        assert_eq!(bounds(3, json!(0), json!("25%")), (0, 1));
        assert_eq!(bounds(2, json!(0), json!(5)), (0, 2));
        assert_eq!(bounds(0, json!("25%"), json!("25%")), (0, 0));
    }

    #[test]
    fn a_revision_that_comes_back_remembers_its_earlier_numbers() {
        let deployment = json!({"metadata": {"annotations": {"note": "x", REVISION: "9"}}});
        let mut annotations = Map::new();
        assert!(inherit(&mut annotations, &deployment, 1));
        assert!(!inherit(&mut annotations, &deployment, 1));
        assert!(inherit(&mut annotations, &deployment, 3));
        assert!(inherit(&mut annotations, &deployment, 5));
        assert_eq!(
            Value::Object(annotations),
            json!({"note": "x", REVISION: "5", HISTORY: "1,3"})
        );
        let long = (0..600).map(|one| one.to_string()).collect::<Vec<_>>().join(",");
        assert!(prolonged(&long, "600").len() <= LONGEST_HISTORY);
        assert!(prolonged(&long, "600").ends_with(",599,600"));
    }
}
