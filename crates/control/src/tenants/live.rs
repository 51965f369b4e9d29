//! What a cluster has of the tenants, as small as it can be kept: one text per object, found by tenant.
//!
//! Left out are the fields that say who wrote what and how much of a quota is used: they change without anybody having
//! changed anything, and nothing is decided by them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::Event;
use objects::{Key, Kind, meta};
use serde_json::Value;
use tenancy::names::TENANT_LABEL;

/// The objects of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Live {
    objects: BTreeMap<Key, Kept>,
    by_tenant: BTreeSet<(Arc<str>, Key)>,
    /// The kinds of which everything was seen.
    seen: BTreeSet<Kind>,
}

#[derive(Debug)]
struct Kept {
    /// Empty for a namespace that is nobody's.
    tenant: Arc<str>,
    version: u64,
    text: Arc<str>,
}

impl Live {
    /// Whether everything of these kinds was seen.
    pub(crate) fn has_seen(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.seen.contains(kind))
    }

    /// Takes note of an event, and says whose objects are others now.
    pub(crate) fn take(&mut self, kind: &Kind, event: Event) -> BTreeSet<String> {
        let touched = match event {
            Event::Added(object) | Event::Modified(object) => self.keep(object),
            Event::Deleted(object) => self.remove(&Key::of(Kind::of(&object), &object), version(&object)),
            Event::Relisted(objects) => {
                let mut gone: BTreeSet<Key> = self
                    .objects
                    .keys()
                    .filter(|key| key.kind == *kind)
                    .cloned()
                    .collect();
                let mut touched = Vec::new();
                for object in objects {
                    gone.remove(&Key::of(Kind::of(&object), &object));
                    touched.extend(self.keep(object));
                }
                touched.extend(gone.iter().flat_map(|key| self.remove(key, u64::MAX)));
                self.seen.insert(kind.clone());
                touched
            }
        };
        touched
            .iter()
            .filter(|tenant| !tenant.is_empty())
            .map(|tenant| tenant.to_string())
            .collect()
    }

    /// Takes note of the answer to a write: the object as it is now.
    pub(crate) fn written(&mut self, object: Value) {
        self.keep(object);
    }

    /// What a tenant has, and the namespaces of these names whosever they are. As texts: they are read where they are
    /// needed.
    pub(crate) fn of(&self, tenant: &str, namespaces: &BTreeSet<String>) -> Vec<Arc<str>> {
        let from = (Arc::from(tenant), Key::new(Kind::new("", ""), "", ""));
        let own = self
            .by_tenant
            .range(from..)
            .take_while(|(owner, _)| owner.as_ref() == tenant);
        let own = own.map(|(_, key)| key.clone());
        let named = namespaces
            .iter()
            .map(|name| Key::new(Kind::NAMESPACE, "", name.as_str()));
        let keys: BTreeSet<Key> = own.chain(named).collect();
        keys.iter()
            .filter_map(|key| self.objects.get(key))
            .map(|kept| Arc::clone(&kept.text))
            .collect()
    }

    pub(crate) fn has_any_of(&self, tenant: &str) -> bool {
        let from = (Arc::from(tenant), Key::new(Kind::new("", ""), "", ""));
        self.by_tenant
            .range(from..)
            .next()
            .is_some_and(|(owner, _)| owner.as_ref() == tenant)
    }

    fn keep(&mut self, mut object: Value) -> Vec<Arc<str>> {
        let key = Key::of(Kind::of(&object), &object);
        let version = version(&object);
        let old = self.objects.get(&key);
        if old.is_some_and(|old| old.version >= version) {
            return Vec::new();
        }
        let tenant: Arc<str> = Arc::from(meta::label(&object, TENANT_LABEL).unwrap_or_default());
        strip(&mut object);
        let text: Arc<str> = Arc::from(object.to_string());
        let kept = Kept {
            tenant: Arc::clone(&tenant),
            version,
            text: Arc::clone(&text),
        };
        let owner = (Arc::clone(&tenant), key.clone());
        match self.objects.insert(key.clone(), kept) {
            Some(old) if old.text == text => Vec::new(),
            Some(old) => {
                self.by_tenant.remove(&(Arc::clone(&old.tenant), key));
                self.by_tenant.insert(owner);
                vec![old.tenant, tenant]
            }
            None => {
                self.by_tenant.insert(owner);
                vec![tenant]
            }
        }
    }

    fn remove(&mut self, key: &Key, version: u64) -> Vec<Arc<str>> {
        if self.objects.get(key).is_none_or(|kept| kept.version > version) {
            return Vec::new();
        }
        let removed = self.objects.remove(key).map(|kept| kept.tenant);
        if let Some(tenant) = &removed {
            self.by_tenant.remove(&(Arc::clone(tenant), key.clone()));
        }
        removed.into_iter().collect()
    }
}

/// API servers count; one that does not is believed that what comes later is newer.
fn version(object: &Value) -> u64 {
    meta::resource_version(object).parse().unwrap_or(u64::MAX)
}

fn strip(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(tenant: &str, version: u64, pods: &str, used: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "shipway", "namespace": "n", "resourceVersion": version.to_string(),
                         "labels": {TENANT_LABEL: tenant}},
            "spec": {"hard": {"pods": pods}}, "status": {"used": {"pods": used}},
        })
    }

    fn touched(live: &mut Live, event: Event) -> Vec<String> {
        live.take(&Kind::RESOURCE_QUOTA, event).into_iter().collect()
    }

    #[test]
    fn only_a_change_that_means_something_touches_a_tenant() {
        let mut live = Live::default();
        assert_eq!(touched(&mut live, Event::Added(quota("a", 1, "5", "0"))), ["a"]);
        assert!(
            touched(&mut live, Event::Modified(quota("a", 2, "5", "3"))).is_empty(),
            "what is used"
        );
        assert_eq!(
            touched(&mut live, Event::Modified(quota("a", 3, "9", "3"))),
            ["a"]
        );
        assert!(
            touched(&mut live, Event::Modified(quota("a", 2, "5", "3"))).is_empty(),
            "older than what is known"
        );
        assert_eq!(
            touched(&mut live, Event::Modified(quota("b", 4, "9", "3"))),
            ["a", "b"]
        );
        assert!(!live.has_any_of("a"));
        assert_eq!(live.of("b", &BTreeSet::new()).len(), 1);
        assert_eq!(touched(&mut live, Event::Relisted(Vec::new())), ["b"]);
        assert!(!live.has_any_of("b"));
    }

    #[test]
    fn an_answer_is_newer_than_the_events_before_it() {
        let mut live = Live::default();
        live.written(quota("a", 7, "9", "0"));
        assert!(touched(&mut live, Event::Added(quota("a", 6, "5", "0"))).is_empty());
        assert!(touched(&mut live, Event::Deleted(quota("a", 5, "5", "0"))).is_empty());
        assert_eq!(touched(&mut live, Event::Deleted(quota("a", 8, "9", "0"))), ["a"]);
    }
}
