//! Which other pods a pod wants near or far, and how evenly its like are spread: reading the terms.

use objects::labels::{Labels, Selector};
use objects::meta;
use serde_json::Value;

/// The weight of an existing pod's required affinity for a pod that it selects, as the real scheduler sets it.
const REQUIRED_WEIGHT: i64 = 1;

/// Terms about other pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Affinity {
    pub required: Vec<PodTerm>,
    pub avoided: Vec<PodTerm>,
    /// Preferred terms with their weights, negative for those to be far from.
    pub preferred: Vec<(i64, PodTerm)>,
}

/// Pods that are selected, and the label of nodes that says what near is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodTerm {
    pub pods: Pods,
    pub topology: String,
}

/// Pods by namespace and label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pods {
    /// Sorted.
    pub namespaces: Vec<String>,
    /// Namespaces by label, in addition.
    pub namespace_selector: Option<Selector>,
    pub selector: Selector,
}

/// A topology spread constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    pub topology: String,
    pub max_skew: i64,
    pub min_domains: i64,
    /// `whenUnsatisfiable: DoNotSchedule`
    pub hard: bool,
    pub selector: Selector,
    /// Only nodes that match the pod's node affinity count.
    pub honor_affinity: bool,
    /// Only nodes whose taints the pod tolerates count.
    pub honor_taints: bool,
}

impl Affinity {
    /// Reads the affinity of a pod with these labels.
    #[must_use]
    pub fn of(pod: &Value, namespace: &str, labels: &Labels) -> Self {
        let Some(affinity) = pod.pointer("/spec/affinity") else {
            return Self::default();
        };
        let read = |term: &Value| PodTerm::of(term, namespace, labels);
        let required = |kind: &str| {
            let place = format!("/{kind}/requiredDuringSchedulingIgnoredDuringExecution");
            meta::list_at(affinity, &place).iter().map(read).collect()
        };
        let mut preferred = Vec::new();
        for (kind, sign) in [("podAffinity", 1), ("podAntiAffinity", -1)] {
            let place = format!("/{kind}/preferredDuringSchedulingIgnoredDuringExecution");
            for one in meta::list_at(affinity, &place) {
                let weight = meta::number_at(one, "/weight").unwrap_or_default();
                preferred.push((sign * weight, read(&one["podAffinityTerm"])));
            }
        }
        Self {
            required: required("podAffinity"),
            avoided: required("podAntiAffinity"),
            preferred,
        }
    }

    /// The labels of nodes that the terms are about.
    pub fn topologies(&self) -> impl Iterator<Item = &str> {
        let preferred = self.preferred.iter().map(|(_, term)| term);
        let all = self.required.iter().chain(&self.avoided).chain(preferred);
        all.map(|term| term.topology.as_str())
    }

    /// The terms by which a pod that runs makes nodes more or less wanted for others.
    pub fn pulls(&self) -> impl Iterator<Item = (i64, &PodTerm)> {
        let required = self.required.iter().map(|term| (REQUIRED_WEIGHT, term));
        required.chain(self.preferred.iter().map(|(weight, term)| (*weight, term)))
    }
}

impl PodTerm {
    fn of(term: &Value, namespace: &str, labels: &Labels) -> Self {
        let texts = meta::list_at(term, "/namespaces")
            .iter()
            .filter_map(Value::as_str);
        let mut namespaces: Vec<_> = texts.map(str::to_owned).collect();
        let namespace_selector = term.get("namespaceSelector").filter(|one| one.is_object());
        if namespaces.is_empty() && namespace_selector.is_none() {
            namespaces.push(namespace.to_owned());
        }
        namespaces.sort();
        let mut selector = selector(term);
        for key in keys(term, "/matchLabelKeys") {
            if let Some(value) = labels.get(key) {
                selector = selector.requiring(key, value);
            }
        }
        for key in keys(term, "/mismatchLabelKeys") {
            if let Some(value) = labels.get(key) {
                selector = selector.excluding(key, value);
            }
        }
        Self {
            pods: Pods {
                namespaces,
                namespace_selector: namespace_selector.map(Selector::from_json),
                selector,
            },
            topology: meta::text(term, "topologyKey").to_owned(),
        }
    }
}

/// Reads the spread constraints of a pod with these labels.
#[must_use]
pub fn spread(pod: &Value, labels: &Labels) -> Vec<Spread> {
    let all = meta::list_at(pod, "/spec/topologySpreadConstraints").iter();
    let read = all.map(|one| {
        let mut selector = selector(one);
        for key in keys(one, "/matchLabelKeys") {
            if let Some(value) = labels.get(key) {
                selector = selector.requiring(key, value);
            }
        }
        Spread {
            topology: meta::text(one, "topologyKey").to_owned(),
            max_skew: meta::number_at(one, "/maxSkew").unwrap_or(1),
            min_domains: meta::number_at(one, "/minDomains").unwrap_or(1),
            hard: meta::text(one, "whenUnsatisfiable") != "ScheduleAnyway",
            selector,
            honor_affinity: meta::text(one, "nodeAffinityPolicy") != "Ignore",
            honor_taints: meta::text(one, "nodeTaintsPolicy") == "Honor",
        }
    });
    read.collect()
}

/// The selector of a term; one that is missing selects nothing.
fn selector(term: &Value) -> Selector {
    match term.get("labelSelector").filter(|one| one.is_object()) {
        Some(selector) => Selector::from_json(selector),
        None => Selector::nothing(),
    }
}

fn keys<'a>(term: &'a Value, place: &str) -> impl Iterator<Item = &'a str> {
    meta::list_at(term, place).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_term_is_about_its_own_namespace_unless_it_says() {
        let labels = Labels::from([("v".to_owned(), "1".to_owned())]);
        let read = |term: Value| PodTerm::of(&term, "mine", &labels);
        assert_eq!(read(json!({})).pods.namespaces, ["mine"]);
        assert_eq!(
            read(json!({"namespaces": ["b", "a"]})).pods.namespaces,
            ["a", "b"]
        );
        let all = read(json!({"namespaceSelector": {}}));
        assert!(all.pods.namespaces.is_empty());
        assert_eq!(all.pods.namespace_selector, Some(Selector::default()));
        assert!(!read(json!({})).pods.selector.matches(&labels));
        let narrowed = json!({"labelSelector": {}, "matchLabelKeys": ["v"], "mismatchLabelKeys": ["w"]});
        assert_eq!(
            read(narrowed).pods.selector,
            Selector::default().requiring("v", "1")
        );
        let apart = json!({"labelSelector": {}, "mismatchLabelKeys": ["v"]});
        assert!(!read(apart).pods.selector.matches(&labels));
    }
}
