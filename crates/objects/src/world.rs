//! Everything there is, indexed the way controllers ask: by name, namespace, owner, node and label.
//!
//! ```text
//! changes ──put, remove──► World ◄──get, list, owned, on_node, selected── loops
//! ```
//!
//! One task owns it and feeds it the cluster's changes in their order. It holds each object parsed, without its
//! managed fields: no loop reads them, and they are half of an object's size.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use crate::kind::{Key, Kind};
use crate::labels::Selector;
use crate::meta;
use crate::requests::{Held, is_admitted};

/// The objects of a cluster at one moment.
#[derive(Debug, Default)]
pub struct World {
    kinds: HashMap<Kind, Objects>,
    /// Every kind that the cluster serves, whether there are objects of it or not, with its name in the plural.
    served: HashMap<Kind, String>,
    /// By the uid of any owner, whether it is there or not.
    owned: HashMap<Box<str>, Members>,
    /// Pods by `spec.nodeName`, the unscheduled ones under "".
    on_node: HashMap<Box<str>, Members>,
    /// What the pods of a node hold that it has admitted.
    held: HashMap<Box<str>, Held>,
    /// Pods by namespace, label and value.
    labelled: HashMap<Place, Members>,
    /// What has no controller, by kind and namespace: what a controller may adopt is found without a look at all.
    orphans: HashMap<(Kind, Box<str>), Members>,
}

/// The objects at one place of an index: themselves, so that who walks over thousands looks up none.
type Members = BTreeMap<Key, Arc<Value>>;

/// The objects of one kind by namespace and name.
type Objects = BTreeMap<(Arc<str>, Arc<str>), Arc<Value>>;

/// A namespace, a label and its value.
type Place = (Box<str>, Box<str>, Box<str>);

/// What happened to one object. At least one side is there.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub key: &'a Key,
    pub old: Option<&'a Value>,
    pub new: Option<&'a Value>,
}

impl Change<'_> {
    /// The object as it is, or as it last was.
    #[must_use]
    pub fn object(&self) -> &Value {
        static NOTHING: Value = Value::Null;
        self.new.or(self.old).unwrap_or(&NOTHING)
    }

    /// Whether a field is another than before; that an object appears or goes is a change of all its fields.
    #[must_use]
    pub fn changed(&self, pointer: &str) -> bool {
        match (self.old, self.new) {
            (Some(old), Some(new)) => meta::at(old, pointer) != meta::at(new, pointer),
            _ => true,
        }
    }
}

impl World {
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
        self.kinds.get(&key.kind)?.get(&place)
    }

    /// [`World::get`] for a name that is no key yet.
    #[must_use]
    pub fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.kinds
            .get(kind)?
            .get(&(Arc::from(namespace), Arc::from(name)))
    }

    /// The objects of a kind in a namespace, by name.
    pub fn list<'a>(
        &'a self,
        kind: &Kind,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let namespace: Arc<str> = Arc::from(namespace);
        let first = (Arc::clone(&namespace), Arc::from(""));
        let objects = self.kinds.get(kind).into_iter();
        objects
            .flat_map(move |objects| objects.range((Bound::Included(first.clone()), Bound::Unbounded)))
            .take_while(move |((at, _), _)| *at == namespace)
            .map(|(_, object)| object)
    }

    /// All objects of a kind, by namespace and name.
    pub fn all<'a>(&'a self, kind: &Kind) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// How many objects of a kind there are.
    #[must_use]
    pub fn count(&self, kind: &Kind) -> usize {
        self.kinds.get(kind).map_or(0, BTreeMap::len)
    }

    /// Whether the cluster serves a kind at all.
    #[must_use]
    pub fn is_served(&self, kind: &Kind) -> bool {
        self.served.contains_key(kind)
    }

    /// The name in the plural of a kind that the cluster serves, such as `pods`.
    #[must_use]
    pub fn plural(&self, kind: &Kind) -> Option<&str> {
        self.served.get(kind).map(String::as_str)
    }

    /// Says which kinds the cluster serves, with their names in the plural.
    pub fn serve(&mut self, kinds: impl IntoIterator<Item = (Kind, String)>) {
        self.served = kinds.into_iter().collect();
    }

    /// Serves what another world does.
    pub fn serve_as(&mut self, other: &World) {
        self.served.clone_from(&other.served);
    }

    /// Every kind of which there was an object.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.keys()
    }

    /// The objects that name an owner of this uid, by their keys.
    pub fn owned<'a>(&'a self, uid: &str) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> + use<'a> {
        members(self.owned.get(uid))
    }

    /// The objects of a kind that are controlled by the owner of this uid.
    pub fn controlled<'a>(
        &'a self,
        uid: &str,
        kind: &Kind,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let (owner, kind) = (uid.to_owned(), kind.clone());
        self.owned(uid)
            .filter(move |(key, object)| key.kind == kind && meta::is_controlled_by(object, &owner))
            .map(|(_, object)| object)
    }

    /// The objects of a kind in a namespace that nothing controls.
    pub fn orphans<'a>(
        &'a self,
        kind: &Kind,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let place = (kind.clone(), Box::from(namespace));
        members(self.orphans.get(&place)).map(|(_, object)| object)
    }

    /// The pods bound to a node; those bound to none for "".
    pub fn on_node<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        members(self.on_node.get(node)).map(|(_, pod)| pod)
    }

    /// What the pods hold that a node has admitted; `None` if there never was one.
    #[must_use]
    pub fn held(&self, node: &str) -> Option<&Held> {
        self.held.get(node)
    }

    /// The pods of a namespace that a selector selects. Quick when the selector asks for a certain label.
    pub fn selected<'a>(
        &'a self,
        namespace: &str,
        selector: &Selector,
    ) -> Box<dyn Iterator<Item = &'a Arc<Value>> + 'a> {
        let selector = selector.clone();
        match selector.certain() {
            Some((label, value)) => {
                let place = (Box::from(namespace), Box::from(label), Box::from(value));
                let pods = members(self.labelled.get(&place)).map(|(_, pod)| pod);
                Box::new(pods.filter(move |pod| selector.selects(pod)))
            }
            None => {
                let pods = self.list(&Kind::POD, namespace);
                Box::new(pods.filter(move |pod| selector.selects(pod)))
            }
        }
    }

    /// Takes in an object as it is now and gives it as it was.
    pub fn put(&mut self, key: &Key, mut object: Value) -> Option<Arc<Value>> {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let object = Arc::new(object);
        let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
        if !self.kinds.contains_key(&key.kind) {
            self.kinds.insert(key.kind.clone(), BTreeMap::new());
        }
        let old = self
            .kinds
            .get_mut(&key.kind)
            .and_then(|objects| objects.insert(place, Arc::clone(&object)));
        self.account(key, old.as_deref(), Some(&object));
        match &old {
            // Most changes are of a status: the object takes its own place.
            Some(old) if same_links(key, old, &object) => self.link(key, &object),
            Some(old) => {
                self.unlink(key, old);
                self.link(key, &object);
            }
            None => self.link(key, &object),
        }
        old
    }

    /// Forgets an object and gives it as it was.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
        let old = self.kinds.get_mut(&key.kind)?.remove(&place)?;
        self.unlink(key, &old);
        self.account(key, Some(&old), None);
        Some(old)
    }

    /// Brings the sums of nodes up to a change of a pod.
    fn account(&mut self, key: &Key, old: Option<&Value>, new: Option<&Value>) {
        if key.kind != Kind::POD {
            return;
        }
        if let Some(old) = old.filter(|pod| is_admitted(pod))
            && let Some(held) = self.held.get_mut(node_of(old))
        {
            held.take(old);
        }
        if let Some(new) = new.filter(|pod| is_admitted(pod)) {
            self.held.entry(Box::from(node_of(new))).or_default().add(new);
        }
    }

    fn link(&mut self, key: &Key, object: &Arc<Value>) {
        for owner in meta::owners(object) {
            let keys = self.owned.entry(Box::from(meta::text(owner, "uid")));
            keys.or_default().insert(key.clone(), Arc::clone(object));
        }
        if meta::controller(object).is_none() {
            let orphans = self.orphans.entry(home(key));
            orphans.or_default().insert(key.clone(), Arc::clone(object));
        }
        if key.kind == Kind::POD {
            let node = self.on_node.entry(Box::from(node_of(object)));
            node.or_default().insert(key.clone(), Arc::clone(object));
            for place in places(key, object) {
                self.labelled
                    .entry(place)
                    .or_default()
                    .insert(key.clone(), Arc::clone(object));
            }
        }
    }

    fn unlink(&mut self, key: &Key, object: &Value) {
        for owner in meta::owners(object) {
            take(&mut self.owned, &Box::from(meta::text(owner, "uid")), key);
        }
        if meta::controller(object).is_none() {
            take(&mut self.orphans, &home(key), key);
        }
        if key.kind == Kind::POD {
            take(&mut self.on_node, &Box::from(node_of(object)), key);
            for place in places(key, object) {
                take(&mut self.labelled, &place, key);
            }
        }
    }
}

/// Whether two states of an object stand at the same places of all indices.
fn same_links(key: &Key, old: &Value, new: &Value) -> bool {
    let labels = |object| meta::at(object, "/metadata/labels");
    meta::owners(old) == meta::owners(new)
        && (key.kind != Kind::POD || node_of(old) == node_of(new) && labels(old) == labels(new))
}

fn home(key: &Key) -> (Kind, Box<str>) {
    (key.kind.clone(), Box::from(&*key.namespace))
}

fn node_of(pod: &Value) -> &str {
    meta::text_at(pod, "/spec/nodeName")
}

fn places(key: &Key, object: &Value) -> Vec<Place> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let texts = labels
        .into_iter()
        .flatten()
        .filter_map(|(label, value)| Some((label, value.as_str()?)));
    texts
        .map(|(label, value)| {
            (
                Box::from(&*key.namespace),
                Box::from(label.as_str()),
                Box::from(value),
            )
        })
        .collect()
}

fn members(place: Option<&Members>) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
    place.into_iter().flatten()
}

fn take<K: std::hash::Hash + Eq>(index: &mut HashMap<K, Members>, at: &K, key: &Key) {
    if let Some(keys) = index.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, node: &str, owner: &str) -> Value {
        json!({
            "metadata": {
                "name": name, "namespace": "n", "labels": {"app": name},
                "ownerReferences": [{"uid": owner, "controller": true}],
                "managedFields": [{}],
            },
            "spec": {"nodeName": node},
        })
    }

    #[test]
    fn indices_follow_every_change() {
        let mut world = World::default();
        let key = |name| Key::new(Kind::POD, "n", name);
        assert!(world.put(&key("a"), pod("a", "", "1")).is_none());
        world.put(&key("b"), pod("b", "one", "1"));
        let old = world.put(&key("a"), pod("a", "one", "2"));
        assert_eq!(old.as_deref().map(node_of), Some(""));

        let names = |pods: Vec<&Arc<Value>>| -> Vec<String> {
            pods.into_iter().map(|pod| meta::name(pod).to_owned()).collect()
        };
        assert_eq!(names(world.on_node("").collect()), [""; 0]);
        assert_eq!(names(world.on_node("one").collect()), ["a", "b"]);
        assert_eq!(names(world.controlled("1", &Kind::POD).collect()), ["b"]);
        assert_eq!(names(world.controlled("2", &Kind::POD).collect()), ["a"]);
        assert_eq!(names(world.orphans(&Kind::POD, "n").collect()), [""; 0]);
        let mut free = pod("c", "", "3");
        free["metadata"]["ownerReferences"] = json!([]);
        world.put(&key("c"), free);
        assert_eq!(names(world.orphans(&Kind::POD, "n").collect()), ["c"]);
        world.remove(&key("c"));
        assert_eq!(names(world.orphans(&Kind::POD, "n").collect()), [""; 0]);
        assert_eq!(names(world.list(&Kind::POD, "n").collect()), ["a", "b"]);
        let selector = Selector::from_map(&json!({"app": "b"}));
        assert_eq!(names(world.selected("n", &selector).collect()), ["b"]);
        assert_eq!(names(world.selected("m", &selector).collect()), [""; 0]);
        assert_eq!(
            names(world.selected("n", &Selector::default()).collect()),
            ["a", "b"]
        );
        let mut ready = pod("b", "one", "1");
        ready["status"] = json!({"phase": "Running"});
        world.put(&key("b"), ready);
        let found = world.selected("n", &selector).next().expect("a pod");
        assert_eq!(
            found["status"]["phase"], "Running",
            "an index holds what is there now"
        );
        assert!(
            world
                .get(&key("a"))
                .is_some_and(|pod| pod.pointer("/metadata/managedFields").is_none())
        );

        world.remove(&key("b"));
        assert_eq!(names(world.on_node("one").collect()), ["a"]);
        assert!(world.get(&key("b")).is_none());
        assert!(world.remove(&key("b")).is_none());
    }
}
