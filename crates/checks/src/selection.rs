//! What a selector selects among the pods of a chart, and by what it misses.
//!
//! A selector that selects nothing in the chart is not yet a mistake: a controller's custom object, another release, or the
//! program itself may bring pods or labels. So a miss is told only where the labels that differ are ones that a template
//! says, and nothing in the chart makes pods that it does not show.

use objects::{Kind, Selector, meta};
use serde_json::{Map, Value};

use crate::pods::{Pods, written, written_selector};
use crate::view::View;

/// Labels that nobody changes once a pod runs: a selector that asks for one of these has to find it in the template.
const STEADY: &[&str] = &[
    "app",
    "chart",
    "component",
    "heritage",
    "k8s-app",
    "name",
    "release",
    "tier",
];

/// The beginnings of more of them.
const STEADY_PREFIXES: &[&str] = &["app.kubernetes.io/", "helm.sh/"];

/// Why a selector selects nothing.
#[derive(Debug)]
pub(crate) struct Miss {
    /// What the nearest pods have instead.
    pub(crate) message: String,
    /// Whether it is a mistake beyond doubt: one word is misspelt.
    pub(crate) is_typo: bool,
}

/// A label that differs.
struct Differs<'a> {
    key: &'a str,
    wanted: &'a str,
    /// What the template says.
    has: Option<&'a str>,
}

/// A plain map of labels, as a Service has it, and as the `matchLabels` of others.
pub(crate) fn plain(selector: &Value) -> Option<&Map<String, Value>> {
    let map = selector.as_object()?;
    match map.get("matchLabels") {
        Some(Value::Object(labels)) if !map.contains_key("matchExpressions") => Some(labels),
        Some(_) => None,
        None if map.contains_key("matchExpressions") => None,
        None => Some(map),
    }
}

/// The selector of a Service, or of what has `matchLabels` and `matchExpressions`.
pub(crate) fn read(selector: &Value) -> Selector {
    match selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
        true => written_selector(selector),
        false => Selector::from_map(&written(selector)),
    }
}

impl<'a> View<'a> {
    /// The pods of the chart that a selector selects.
    pub(crate) fn selected(&self, namespace: &str, selector: &Selector) -> Vec<&Pods<'a>> {
        let here = self.pods.iter().filter(|pods| pods.namespace == namespace);
        here.filter(|pods| pods.is_selected(selector)).collect()
    }

    /// Whether pods that the cluster has already are selected.
    pub(crate) fn selected_there(&self, namespace: &str, selector: &Selector) -> bool {
        let workloads = [
            Kind::DEPLOYMENT,
            Kind::STATEFUL_SET,
            Kind::DAEMON_SET,
            Kind::REPLICA_SET,
        ];
        let template = |value: &Value| {
            let labels = meta::at(value, "/spec/template/metadata/labels");
            selector.selects_labels(labels.unwrap_or(&Value::Null))
        };
        self.there(&Kind::POD, namespace).any(|pod| selector.selects(pod))
            || workloads
                .iter()
                .any(|kind| self.there(kind, namespace).any(template))
    }

    /// Why a selector selects nothing, where that is sure enough to be told.
    pub(crate) fn miss(&self, namespace: &str, selector: &Value) -> Option<Miss> {
        let read = read(selector);
        if !self.makes_all(namespace)
            || read.is_empty()
            || !self.selected(namespace, &read).is_empty()
            || self.selected_there(namespace, &read)
        {
            return None;
        }
        let wanted = written(&Value::Object(plain(selector)?.clone()));
        let wanted = wanted.as_object()?;
        let here = self
            .pods
            .iter()
            .filter(|pods| pods.namespace == namespace && self.items[pods.item].hook.is_none());
        let compared = here.map(|pods| (pods, differing(wanted, pods.labels())));
        // The first of equally near ones, as a reader would look from above.
        let (pods, differs) = compared.min_by_key(|(_, differs)| differs.len())?;
        // Labels of which none agree are those of somebody else's pods.
        let is_other = |one: &Differs<'_>| one.has.is_none_or(|has| !is_misspelt(one.wanted, has));
        if differs.len() == wanted.len() && differs.iter().all(is_other) {
            return None;
        }
        let sure = differs.iter().find(|one| is_steady(one, pods.labels()))?;
        let name = self.items[pods.item].short();
        let Differs { key, wanted, has } = sure;
        let message = match has {
            Some(has) => format!("the nearest pods, of {name}, have {key}: {has}, not {wanted}"),
            None => format!("the nearest pods, of {name}, have no label {key}"),
        };
        let only = differs.len() == 1;
        Some(Miss {
            message,
            is_typo: only && has.is_some_and(|has| is_misspelt(wanted, has)),
        })
    }
}

fn differing<'s>(wanted: &'s Map<String, Value>, labels: &'s Value) -> Vec<Differs<'s>> {
    let pairs = wanted
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    pairs
        .map(|(key, wanted)| Differs {
            key,
            wanted,
            has: labels.get(key).and_then(Value::as_str),
        })
        .filter(|one| one.has != Some(one.wanted))
        .collect()
}

/// Whether a label can't come into being once the pod runs.
fn is_steady(differs: &Differs<'_>, labels: &Value) -> bool {
    let Differs { key, has, .. } = differs;
    let known = STEADY.contains(key) || STEADY_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    let others = || {
        labels
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
    };
    has.is_some() || known || stdx::nearest(key, others()).is_some()
}

/// Whether a word is another one with a slip of the keyboard: near, of letters, and neither counted nor an abbreviation.
fn is_misspelt(word: &str, other: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).count();
    letters(word) >= 3 && digits(word) == digits(other) && stdx::nearest(word, [other]).is_some()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
