//! What is known of the place a chart goes to, and what is asked of it there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use objects::{Key, Kind, Quantity};
use serde_json::Value;

/// Where a chart goes, and what it is held to.
#[derive(Clone, Debug)]
pub struct Context {
    /// The minor version of the cluster's Kubernetes 1.x.
    pub minor: u64,
    /// The one it is brought to next.
    pub next_minor: u64,
    /// The namespace of the release.
    pub namespace: String,
    /// The name of the release.
    pub release: String,
    /// What is there already. Nothing when that is not known: then what the chart does not make may be there.
    pub known: Option<Known>,
    pub images: ImagePolicy,
    /// Whether what serves has to stay up during rollouts and drains.
    pub always_up: bool,
    /// What a pod may have of the largest node, by resource. Empty when that is not known.
    pub node: BTreeMap<String, Quantity>,
    /// How large the release's record is, and may be. Not known before the release is made.
    pub record: Option<Record>,
}

/// What a cluster has.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The objects, by key; null where only the name is known, as of Secrets that may not be read.
    pub objects: BTreeMap<Key, Arc<Value>>,
    /// The namespaces whose objects are all in `objects`: in others, what is not there is not known.
    pub namespaces: BTreeSet<String>,
    /// The custom kinds that are served. Nothing when that is not known.
    pub custom_kinds: Option<BTreeSet<Kind>>,
}

/// What an image must be named by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImagePolicy {
    /// By anything.
    Anything,
    /// By a tag, or a digest, but not `latest`.
    #[default]
    FixedTag,
    Digest,
}

/// The size of a release's record in its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub bytes: usize,
    pub max_bytes: usize,
}

impl Context {
    /// A release into a cluster of which nothing but its version is known.
    #[must_use]
    pub fn new(release: &str, namespace: &str, minor: u64) -> Self {
        Self {
            minor,
            next_minor: minor + 1,
            namespace: namespace.to_owned(),
            release: release.to_owned(),
            known: None,
            images: ImagePolicy::default(),
            always_up: false,
            node: BTreeMap::new(),
            record: None,
        }
    }

    /// What the cluster has under a name, if it was looked at.
    pub(crate) fn found(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Value> {
        let key = Key::new(kind.clone(), namespace, name);
        self.known.as_ref()?.objects.get(&key).map(AsRef::as_ref)
    }

    /// Whether all objects of a namespace are known.
    pub(crate) fn knows(&self, namespace: &str) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|known| known.namespaces.contains(namespace))
    }
}
