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
    /// By the tenant, or by `/` and the namespace for what carries no tenant's label: charts' own rights and policies,
    /// which matter when their namespace leaves.
    owned: BTreeSet<(Arc<str>, Key)>,
    /// The kinds of which everything was seen.
    seen: BTreeSet<Kind>,
}

#[derive(Debug)]
struct Kept {
    /// As in [`Live::owned`].
    owner: Arc<str>,
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
        touched.iter().filter_map(|owner| self.tenant_of(owner)).collect()
    }

    /// Takes note of the answer to a write: the object as it is now.
    pub(crate) fn written(&mut self, object: Value) {
        self.keep(object);
    }

    /// What a tenant has, the namespaces of these names whosever they are, and what charts made of rights and policies in
    /// its namespaces. As texts: they are read where they are needed.
    pub(crate) fn of(&self, tenant: &str, namespaces: &BTreeSet<String>) -> Vec<Arc<str>> {
        let mut keys: BTreeSet<&Key> = self.owned_by(tenant).collect();
        let own = keys.iter().filter(|key| key.kind == Kind::NAMESPACE);
        let own: Vec<String> = own.map(|key| format!("/{}", key.name)).collect();
        keys.extend(own.iter().flat_map(|place| self.owned_by(place)));
        let named = namespaces.iter().map(|name| Key::new(Kind::NAMESPACE, "", name));
        let named: BTreeSet<Key> = named.collect();
        let all: BTreeSet<&Key> = keys.into_iter().chain(&named).collect();
        let kept = all.into_iter().filter_map(|key| self.objects.get(key));
        kept.map(|kept| Arc::clone(&kept.text)).collect()
    }

    pub(crate) fn has_any_of(&self, tenant: &str) -> bool {
        self.owned_by(tenant).next().is_some()
    }

    fn owned_by<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = &'a Key> {
        let from = (Arc::from(owner), Key::new(Kind::new("", ""), "", ""));
        let owned = self
            .owned
            .range(from..)
            .take_while(move |(other, _)| other.as_ref() == owner);
        owned.map(|(_, key)| key)
    }

    /// The tenant that an owner is, or whose namespace it is.
    fn tenant_of(&self, owner: &str) -> Option<String> {
        let tenant = match owner.strip_prefix('/') {
            None => owner,
            Some(namespace) => &self.objects.get(&Key::new(Kind::NAMESPACE, "", namespace))?.owner,
        };
        (!tenant.is_empty() && !tenant.starts_with('/')).then(|| tenant.to_owned())
    }

    fn keep(&mut self, mut object: Value) -> Vec<Arc<str>> {
        let key = Key::of(Kind::of(&object), &object);
        let version = version(&object);
        let old = self.objects.get(&key);
        if old.is_some_and(|old| old.version >= version) {
            return Vec::new();
        }
        let owner: Arc<str> = match meta::label(&object, TENANT_LABEL) {
            Some(tenant) if !tenant.is_empty() => Arc::from(tenant),
            _ => Arc::from(format!("/{}", meta::namespace(&object))),
        };
        strip(&mut object);
        let text: Arc<str> = Arc::from(object.to_string());
        let kept = Kept {
            owner: Arc::clone(&owner),
            version,
            text: Arc::clone(&text),
        };
        let owned = (Arc::clone(&owner), key.clone());
        match self.objects.insert(key.clone(), kept) {
            Some(old) if old.text == text => Vec::new(),
            Some(old) => {
                self.owned.remove(&(Arc::clone(&old.owner), key));
                self.owned.insert(owned);
                vec![old.owner, owner]
            }
            None => {
                self.owned.insert(owned);
                vec![owner]
            }
        }
    }

    fn remove(&mut self, key: &Key, version: u64) -> Vec<Arc<str>> {
        if self.objects.get(key).is_none_or(|kept| kept.version > version) {
            return Vec::new();
        }
        let removed = self.objects.remove(key).map(|kept| kept.owner);
        if let Some(tenant) = &removed {
            self.owned.remove(&(Arc::clone(tenant), key.clone()));
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
    fn what_a_chart_made_is_its_namespaces() {
        let mut live = Live::default();
        let labels = json!({TENANT_LABEL: "a"});
        let namespace = |labels: &Value| {
            let metadata = json!({"name": "n", "resourceVersion": "1", "labels": labels});
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        };
        live.take(&Kind::NAMESPACE, Event::Added(namespace(&labels)));
        let mut own = quota("", 2, "5", "0");
        own["metadata"]["labels"] = json!({});
        assert_eq!(touched(&mut live, Event::Added(own)), ["a"]);
        assert_eq!(live.of("a", &BTreeSet::new()).len(), 2);
        assert_eq!(live.of("b", &BTreeSet::from(["n".to_owned()])).len(), 1);
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
