//! What of Helm's hook annotations checks need to know.

use objects::meta;
use serde_json::Value;

/// An object that runs at a point of the release's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    /// In lower case, as Helm compares them.
    pub(crate) events: Vec<String>,
    pub(crate) weight: i64,
    /// Empty when none is given: then Helm deletes the one before.
    pub(crate) delete_policies: Vec<String>,
}

/// The delete policies that Helm knows.
pub(crate) const DELETE_POLICIES: &[&str] = &["before-hook-creation", "hook-succeeded", "hook-failed"];

/// Where its delete policies stand.
pub(crate) const DELETE_POLICY_AT: &str = "/metadata/annotations/helm.sh~1hook-delete-policy";

impl Hook {
    pub(crate) fn of(object: &Value) -> Option<Self> {
        let words = |name: &str| -> Vec<String> {
            let text = meta::annotation(object, name).unwrap_or_default();
            let words = text.split(',').map(|word| word.trim().to_lowercase());
            words.filter(|word| !word.is_empty()).collect()
        };
        let events = words("helm.sh/hook");
        (!events.is_empty()).then(|| Self {
            events,
            weight: meta::annotation(object, "helm.sh/hook-weight")
                .and_then(|weight| weight.parse().ok())
                .unwrap_or_default(),
            delete_policies: words("helm.sh/hook-delete-policy"),
        })
    }

    pub(crate) fn runs(&self, event: &str) -> bool {
        self.events.iter().any(|one| one == event)
    }
}
