//! Everything there is, indexed the way controllers ask: by name, namespace, owner, node and label.
//!
//! ```text
//! changes ──put, remove──► World ◄──get, list, owned, on_node, selected── loops
//! ```
//!
//! One task owns it and feeds it the cluster's changes in their order. It gives each object parsed, without its
//! managed fields: no loop reads them, and they are half of an object's size. In a large cluster it holds only what is
//! read, and reads the rest again when somebody asks (see `slots`).

mod brief;
mod slots;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use crate::kind::{Key, Kind};
use crate::labels::Selector;
use crate::meta;
use crate::requests::{Held, is_admitted};
use slots::{SlotId, Slots};

pub use brief::Brief;
pub use slots::Source;

/// How much JSON a world holds parsed, beside what nobody else stores: some 8,000 pods, which take 200 MB then.
const MAX_PARSED: usize = 32 << 20;

/// The objects of a cluster at one moment.
#[derive(Debug)]
pub struct World {
    slots: Slots,
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

/// The objects at one place of an index, with their places among all, so that who walks over thousands looks up none.
type Members = BTreeMap<Key, SlotId>;

/// The objects of one kind by namespace and name.
type Objects = BTreeMap<(Arc<str>, Arc<str>), SlotId>;

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

impl Default for World {
    fn default() -> Self {
        Self::holding(MAX_PARSED)
    }
}

impl World {
    /// A world that holds about so many bytes of JSON parsed, beside what nobody else stores.
    #[must_use]
    pub fn holding(bytes: usize) -> Self {
        Self {
            slots: Slots::new(bytes),
            kinds: HashMap::new(),
            served: HashMap::new(),
            owned: HashMap::new(),
            on_node: HashMap::new(),
            held: HashMap::new(),
            labelled: HashMap::new(),
            orphans: HashMap::new(),
        }
    }

    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.place(key).map(|id| self.slots.get(id))
    }

    /// Whether there is an object, without reading it.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.place(key).is_some()
    }

    fn place(&self, key: &Key) -> Option<SlotId> {
        let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
        self.kinds.get(&key.kind)?.get(&place).copied()
    }

    /// [`World::get`] for a name that is no key yet.
    #[must_use]
    pub fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        let place = (Arc::from(namespace), Arc::from(name));
        let id = self.kinds.get(kind)?.get(&place)?;
        Some(self.slots.get(*id))
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
            .map(|(_, id)| self.slots.get(*id))
    }

    /// All objects of a kind, by namespace and name.
    pub fn all<'a>(&'a self, kind: &Kind) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let all = self.kinds.get(kind).into_iter().flat_map(BTreeMap::values);
        all.map(|id| self.slots.get(*id))
    }

    /// The keys of all objects of a kind, without reading them.
    pub fn keys<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = Key> + 'a {
        let places = self.kinds.get(kind).into_iter().flat_map(BTreeMap::keys);
        places.map(|(namespace, name)| Key {
            kind: kind.clone(),
            namespace: Arc::clone(namespace),
            name: Arc::clone(name),
        })
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
        self.members(self.owned.get(uid))
    }

    /// The objects of a kind that are controlled by the owner of this uid.
    pub fn controlled<'a>(
        &'a self,
        uid: &str,
        kind: &Kind,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let (owner, kind) = (uid.to_owned(), kind.clone());
        let owned = self.owned.get(uid).into_iter().flatten();
        owned
            .filter(move |(key, _)| key.kind == kind)
            .map(|(_, id)| self.slots.get(*id))
            .filter(move |object| meta::is_controlled_by(object, &owner))
    }

    /// The pods that are controlled by the owner of this uid, in brief: none of them is read.
    pub fn pods_of<'a>(&'a self, uid: &'a str) -> impl Iterator<Item = (&'a Key, &'a Brief)> + use<'a> {
        let owned = self.owned.get(uid).into_iter().flatten();
        let briefs = owned.filter_map(|(key, id)| Some((key, self.slots.brief(*id)?)));
        briefs.filter(move |(_, brief)| *brief.controller == *uid)
    }

    /// The objects of a kind in a namespace that nothing controls.
    pub fn orphans<'a>(
        &'a self,
        kind: &Kind,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let place = (kind.clone(), Box::from(namespace));
        self.members(self.orphans.get(&place)).map(|(_, object)| object)
    }

    /// The pods bound to a node; those bound to none for "".
    pub fn on_node<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        self.members(self.on_node.get(node)).map(|(_, pod)| pod)
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
                let pods = self.members(self.labelled.get(&place)).map(|(_, pod)| pod);
                Box::new(pods.filter(move |pod| selector.selects(pod)))
            }
            None => {
                let pods = self.list(&Kind::POD, namespace);
                Box::new(pods.filter(move |pod| selector.selects(pod)))
            }
        }
    }

    /// Takes in an object as it is now and gives it as it was.
    pub fn put(&mut self, key: &Key, object: Value) -> Option<Arc<Value>> {
        self.put_stored(key, object, None)
    }

    /// [`World::put`] for an object that somebody else stores as well: it may be read from there again.
    pub fn put_stored(
        &mut self,
        key: &Key,
        mut object: Value,
        source: Option<Box<dyn Source>>,
    ) -> Option<Arc<Value>> {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let object = Arc::new(object);
        let Some(id) = self.place(key) else {
            let id = self.slots.add(Arc::clone(&object), source);
            let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
            self.kinds.entry(key.kind.clone()).or_default().insert(place, id);
            self.account(key, None, Some(&object));
            self.sum_up(key, &object, (id, None));
            self.link(key, &object, id);
            return None;
        };
        let old = Arc::clone(self.slots.get(id));
        let brief = self.slots.brief(id).cloned();
        self.slots.set(id, Arc::clone(&object), source);
        self.sum_up(key, &object, (id, brief));
        self.account(key, Some(&old), Some(&object));
        // Most changes are of a status: the object takes its own place.
        if !same_links(key, &old, &object) {
            self.unlink(key, &old);
            self.link(key, &object, id);
        }
        Some(old)
    }

    /// Forgets an object and gives it as it was.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let place = (Arc::clone(&key.namespace), Arc::clone(&key.name));
        let id = self.kinds.get_mut(&key.kind)?.remove(&place)?;
        let old = Arc::clone(self.slots.get(id));
        self.slots.remove(id);
        self.unlink(key, &old);
        self.account(key, Some(&old), None);
        Some(old)
    }

    /// Lets go of what nobody read lately, if very much is held parsed. To be called between looks.
    pub fn cool(&mut self) {
        self.slots.cool();
    }

    /// Keeps in brief what a pod is, given how it was.
    fn sum_up(&mut self, key: &Key, object: &Value, (id, old): (SlotId, Option<Brief>)) {
        if key.kind != Kind::POD {
            return;
        }
        // A new pod looks like its siblings.
        let sibling = || {
            let owner = meta::text(meta::controller(object)?, "uid");
            let (_, id) = self.owned.get(owner)?.first_key_value()?;
            self.slots.brief(*id)
        };
        let brief = Brief::of(object, old.as_ref().or_else(sibling));
        self.slots.sum_up(id, brief);
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

    fn members<'a>(
        &'a self,
        place: Option<&'a Members>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> + use<'a> {
        let members = place.into_iter().flatten();
        members.map(|(key, id)| (key, self.slots.get(*id)))
    }

    fn link(&mut self, key: &Key, object: &Value, id: SlotId) {
        for owner in meta::owners(object) {
            let keys = self.owned.entry(Box::from(meta::text(owner, "uid")));
            keys.or_default().insert(key.clone(), id);
        }
        if meta::controller(object).is_none() {
            let orphans = self.orphans.entry(home(key));
            orphans.or_default().insert(key.clone(), id);
        }
        if key.kind == Kind::POD {
            let node = self.on_node.entry(Box::from(node_of(object)));
            node.or_default().insert(key.clone(), id);
            for place in places(key, object) {
                self.labelled.entry(place).or_default().insert(key.clone(), id);
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

    /// A store of one object.
    #[derive(Debug)]
    struct Stored(Value);

    impl Source for Stored {
        fn read(&self) -> Value {
            self.0.clone()
        }

        fn bytes(&self) -> usize {
            100
        }
    }

    #[test]
    fn what_is_not_held_is_read_again_and_nobody_sees_a_difference() {
        let mut world = World::holding(250);
        let mut names = Vec::new();
        for number in 0..10 {
            let name = format!("p{number}");
            let mut pod = pod(&name, "one", "1");
            pod["metadata"]
                .as_object_mut()
                .expect("a map")
                .remove("managedFields");
            world.put_stored(
                &Key::new(Kind::POD, "n", &name),
                pod.clone(),
                Some(Box::new(Stored(pod))),
            );
            names.push(name);
        }
        world.put(&Key::new(Kind::POD, "n", "mine"), pod("mine", "one", "1"));
        assert!(world.slots.parsed() <= 4, "{} are parsed", world.slots.parsed());
        let read = |world: &World| -> Vec<String> {
            let pods = world.controlled("1", &Kind::POD);
            pods.map(|pod| meta::name(pod).to_owned()).collect()
        };
        names.insert(0, "mine".to_owned());
        for _ in 0..3 {
            assert_eq!(read(&world), names);
            assert_eq!(world.slots.parsed(), 11);
            world.cool();
            assert!(world.slots.parsed() <= 4, "{} are parsed", world.slots.parsed());
            assert_eq!(world.pods_of("1").count(), 11);
            assert!(world.slots.parsed() <= 4, "who is known in brief is not read");
        }
        let old = world.remove(&Key::new(Kind::POD, "n", "p0")).expect("a pod");
        assert_eq!(meta::name(&old), "p0");
        assert!(world.get(&Key::new(Kind::POD, "n", "p0")).is_none());
        names.remove(1);
        assert_eq!(read(&world), names);
    }

    #[test]
    fn a_pod_in_brief_is_as_it_is_now() {
        let mut world = World::default();
        let key = Key::new(Kind::POD, "n", "a");
        let put = |world: &mut World, change: &dyn Fn(&mut Value)| -> Vec<Brief> {
            let mut pod = pod("a", "one", "1");
            change(&mut pod);
            world.put(&key, pod);
            world.pods_of("1").map(|(_, brief)| brief.clone()).collect()
        };
        let at = "2026-01-01T00:00:00Z";
        let fresh = put(&mut world, &|_| {});
        assert!(matches!(fresh.as_slice(), [one] if one.active && !one.ready));
        let ready = put(&mut world, &|pod| {
            pod["status"]["conditions"] =
                json!([{"type": "Ready", "status": "True", "lastTransitionTime": at}]);
        });
        assert!(matches!(ready.as_slice(), [one] if one.ready && one.ready_since == at.parse().ok()));
        assert!(
            Arc::ptr_eq(&ready[0].labels, &fresh[0].labels),
            "labels are shared"
        );
        let left = put(&mut world, &|pod| {
            pod["metadata"]["deletionTimestamp"] = json!(at);
            pod["metadata"]["labels"] = json!({"app": "b"});
        });
        assert!(matches!(left.as_slice(), [one] if !one.active && *one.labels == json!({"app": "b"})));
        let free = put(&mut world, &|pod| {
            pod["metadata"]["ownerReferences"] = json!([{"uid": "1"}]);
        });
        assert_eq!(free, [], "an owner that does not control it");
    }
}
