//! What makes a pod of a StatefulSet the one that it is: its ordinal, its name, its labels.

use objects::control::Action;
use objects::{Key, Kind, meta};
use serde_json::{Value, json};

use super::{HASH, claims};
use crate::claim::Owner;
use crate::pod_template;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The ordinals that a set's pods shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinals {
    start: i64,
    count: i64,
}

impl Ordinals {
    pub(super) fn of(set: &Value) -> Self {
        Self {
            start: meta::number_at(set, "/spec/ordinals/start").unwrap_or_default(),
            count: super::status::replicas(set).max(0),
        }
    }

    pub(super) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }

    /// The ordinal at a place.
    pub(super) fn at(&self, index: usize) -> i64 {
        self.start
            .saturating_add(i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// The place of an ordinal, if it has one.
    pub(super) fn index(&self, ordinal: i64) -> Option<usize> {
        let index = ordinal.checked_sub(self.start)?;
        (0..self.count)
            .contains(&index)
            .then(|| usize::try_from(index).ok())?
    }
}

/// The ordinal in a pod's name, if it is the name of a pod of this set.
pub(super) fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    let digits = meta::name(pod).strip_prefix(meta::name(set))?.strip_prefix('-')?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

pub(super) fn pod_name(set: &str, ordinal: i64) -> String {
    format!("{set}-{ordinal}")
}

/// The pod with an ordinal, as it is to be created.
pub(super) fn pod(owner: &Owner<'_>, template: &Value, ordinal: i64, revision: &str) -> Value {
    let set = owner.object;
    let mut pod = pod_template::pod(template, set, owner.api_version, owner.kind);
    let name = pod_name(meta::name(set), ordinal);
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["generateName"] = json!(format!("{}-", meta::name(set)));
    let labels = meta::map_mut(&mut pod, &["metadata", "labels"]);
    labels.insert(POD_NAME.to_owned(), json!(name));
    labels.insert(POD_INDEX.to_owned(), json!(ordinal.to_string()));
    labels.insert(HASH.to_owned(), json!(revision));
    pod["spec"]["hostname"] = json!(name);
    let service = meta::text_at(set, "/spec/serviceName");
    if !service.is_empty() {
        pod["spec"]["subdomain"] = json!(service);
    }
    claims::mount(&mut pod, set, ordinal);
    pod
}

/// What an adopted pod lacks to be one of the set.
pub(super) fn repair(set: &Value, pod: &Value) -> Option<Action> {
    let name = meta::name(pod);
    let index = ordinal(set, pod)?.to_string();
    if meta::label(pod, POD_NAME) == Some(name) && meta::label(pod, POD_INDEX) == Some(index.as_str()) {
        return None;
    }
    Some(Action::Patch {
        key: Key::of(Kind::POD, pod),
        subresource: None,
        patch: json!({"metadata": {"uid": meta::uid(pod), "labels": {POD_NAME: name, POD_INDEX: index}}}),
    })
}
