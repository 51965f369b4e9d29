//! The policies that are bound, kept read and compiled until one of them, or a binding, has changed.
//!
//! A write asks all of them: parsing and compiling a set of some dozen rules each time would cost more than the write.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::program::Compiled;
use super::{BINDINGS, GROUP, POLICIES};
use crate::registry::{Registry, metadata};
use crate::store::{Object, Resource};

/// What was installed when somebody looked last.
#[derive(Debug, Default)]
pub(in crate::registry) struct Policies(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The revisions of bindings and policies, in the order of the store.
    revisions: Vec<u64>,
    policies: Arc<Vec<Policy>>,
}

/// A policy that is bound.
#[derive(Debug)]
pub(super) struct Policy {
    pub value: Value,
    pub bindings: Vec<Value>,
    compiled: OnceLock<Compiled>,
}

impl Policy {
    /// Its expressions; compiled when a write is about them for the first time.
    pub(super) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled::new(&self.value["spec"]))
    }
}

impl Policies {
    /// The policies that are bound now.
    pub(super) fn read(&self, registry: &Registry) -> Arc<Vec<Policy>> {
        let stored = |plural: &str| {
            let resource = Resource::new(GROUP, plural).ok();
            resource.map_or_else(Vec::new, |resource| registry.objects(&resource, None))
        };
        let bindings = stored(BINDINGS);
        if bindings.is_empty() {
            return Arc::default();
        }
        let policies = stored(POLICIES);
        let both = bindings.iter().chain(&policies);
        let revisions: Vec<u64> = both.map(|object| object.revision()).collect();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.revisions != revisions {
            *seen = Seen {
                revisions,
                policies: Arc::new(bound(&values(&policies), &values(&bindings))),
            };
        }
        Arc::clone(&seen.policies)
    }
}

fn values(objects: &[Arc<Object>]) -> Vec<Value> {
    objects.iter().filter_map(|object| object.value().ok()).collect()
}

fn bound(policies: &[Value], bindings: &[Value]) -> Vec<Policy> {
    let of = |policy: &Value| Policy {
        value: policy.clone(),
        bindings: bindings
            .iter()
            .filter(|binding| binding["spec"]["policyName"] == metadata::text(policy, "name"))
            .cloned()
            .collect(),
        compiled: OnceLock::new(),
    };
    let all = policies.iter().map(of);
    all.filter(|policy| !policy.bindings.is_empty()).collect()
}
