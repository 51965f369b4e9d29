//! A cluster in a few lines: an API server's bookkeeping, nodes that run what they are given, and loops.
//!
//! ```text
//! seed ──► which key or pod next? ──► decide, execute (perhaps only half of it) ──► World ──► touched ──► keys
//! ```
//!
//! The clock stands still while there is work and then jumps to the next appointment. No admission, no garbage
//! collection, no defaults: objects are given as the server would have stored them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

/// More turns than any story here needs by far: who needs them does not come to rest.
const MAX_TURNS: usize = 50_000;

/// How far the clock may be moved by appointments before a story counts as at rest.
const HORIZON: SignedDuration = SignedDuration::from_hours(1);

/// What the loops are, so that they can be made anew.
pub type Loops = fn() -> Vec<Box<dyn Loop>>;

pub struct Cluster {
    pub world: World,
    pub now: Timestamp,
    pub events: Vec<Event>,
    /// How many pods there may be.
    pub quota: Option<usize>,
    /// How often a loop was asked.
    pub looks: usize,
    /// One in so many plans is cut short by the end of the process; 0 for none.
    pub crashes: u64,
    make: Loops,
    loops: Vec<Box<dyn Loop>>,
    ready: BTreeSet<(usize, Key)>,
    timers: BTreeMap<(usize, Key), Timestamp>,
    writes: u64,
    random: u64,
}

impl Cluster {
    pub fn new(make: Loops, seed: u64) -> Self {
        Self {
            world: World::default(),
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            events: Vec::new(),
            quota: None,
            looks: 0,
            crashes: 0,
            make,
            loops: make(),
            ready: BTreeSet::new(),
            timers: BTreeMap::new(),
            writes: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    pub fn with_nodes(mut self, count: usize) -> Self {
        for at in 0..count {
            let node =
                json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{at}")}});
            self.apply(&Action::Create(node)).expect("a new node");
        }
        self
    }

    pub fn create(&mut self, object: Value) {
        self.apply(&Action::Create(object)).expect("a new object");
    }

    /// Changes an object as a user would.
    pub fn edit(&mut self, kind: &Kind, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(kind, name);
        change(&mut object);
        self.apply(&Action::Update(kind.clone(), object))
            .expect("a valid change");
    }

    pub fn get(&self, kind: &Kind, name: &str) -> Value {
        let found = self
            .world
            .find(kind, "n", name)
            .or_else(|| self.world.find(kind, "", name));
        Value::clone(found.unwrap_or_else(|| panic!("there is no {kind} {name}")))
    }

    pub fn list(&self, kind: &Kind) -> Vec<Value> {
        self.world
            .list(kind, "n")
            .map(|object| Value::clone(object))
            .collect()
    }

    /// What was said, in its order.
    pub fn told(&self, reason: &str) -> Vec<&str> {
        let events = self.events.iter().filter(|event| event.reason == reason);
        events.map(|event| event.message.as_str()).collect()
    }

    /// Everybody works until nobody has anything to do for an hour.
    pub fn settle(&mut self) {
        let end = self.now + HORIZON;
        for _ in 0..MAX_TURNS {
            if self.turn() {
                continue;
            }
            let Some(next) = self.timers.values().min().copied().filter(|next| *next <= end) else {
                return;
            };
            self.now = self.now.max(next);
            let now = self.now;
            let due = self
                .timers
                .iter()
                .filter(|(_, at)| **at <= now)
                .map(|(item, _)| item.clone());
            let due: Vec<_> = due.collect();
            for item in due {
                self.timers.remove(&item);
                self.ready.insert(item);
            }
        }
        panic!(
            "this never comes to rest; next were {:?}",
            self.ready.iter().take(3).collect::<Vec<_>>()
        );
    }

    /// Only the loops work, at one moment; nodes do nothing.
    pub fn settle_without_nodes(&mut self) {
        for _ in 0..MAX_TURNS {
            if !self.look() {
                return;
            }
        }
        panic!("this never comes to rest");
    }

    /// Up to so many turns, in an order of chance.
    pub fn turns(&mut self, count: u64) {
        for _ in 0..count {
            self.turn();
        }
    }

    /// A number below a limit.
    pub fn draw(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1)
    }

    /// The process ends and another one begins: what loops knew is gone.
    pub fn restart(&mut self) {
        self.loops = (self.make)();
        self.ready.clear();
        self.timers.clear();
        let kinds: Vec<Kind> = self.world.kinds().cloned().collect();
        for kind in kinds {
            let all: Vec<_> = self.world.all(&kind).cloned().collect();
            for object in all {
                let key = Key::of(kind.clone(), &object);
                self.announce(&key, None, Some(&object));
            }
        }
    }

    /// Deletes an object as a user would.
    pub fn delete(&mut self, kind: &Kind, name: &str) {
        let object = self.get(kind, name);
        let key = Key::of(kind.clone(), &object);
        self.apply(&Action::delete(key, &object))
            .expect("an object that is there");
    }

    /// How often anything was written.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Sets a pod's status as a kubelet would.
    pub fn set_pod(&mut self, name: &str, phase: &str, ready: bool) {
        let mut pod = self.get(&Kind::POD, name);
        let status = if ready { "True" } else { "False" };
        pod["status"] = json!({"phase": phase, "conditions": [
            {"type": "Ready", "status": status, "lastTransitionTime": time::seconds(self.now)},
        ]});
        self.put(&Key::of(Kind::POD, &pod), pod);
    }

    fn turn(&mut self) -> bool {
        let loops_first = self.draw(2) == 0;
        (loops_first && self.look()) || self.run_pod() || self.look()
    }

    /// One key's turn.
    fn look(&mut self) -> bool {
        if self.ready.is_empty() {
            return false;
        }
        let at = self.draw(self.ready.len() as u64) as usize;
        let item = self
            .ready
            .iter()
            .nth(at)
            .cloned()
            .expect("the index is below the length");
        self.ready.remove(&item);
        self.looks += 1;
        let (at, key) = &item;
        let Plan { actions, again } = self.loops[*at].decide(&self.world, key, self.now);
        match again {
            Some(again) => self.timers.insert(item.clone(), again),
            None => self.timers.remove(&item),
        };
        let crash = self.crashes > 0 && self.draw(self.crashes) == 0;
        let end = if crash {
            self.draw(actions.len() as u64 + 1) as usize
        } else {
            actions.len()
        };
        for action in &actions[..end] {
            if let Err((code, reason, message)) = self.apply(action) {
                let refusal = Refusal {
                    action,
                    code,
                    reason,
                    message: &message,
                };
                let plan = self.loops[*at].refused(&self.world, key, &refusal, self.now);
                for action in &plan.actions {
                    if self.apply(action).is_err() {
                        break;
                    }
                }
                // As a queue with a back-off would: not at once.
                self.ready.remove(&item);
                self.timers
                    .insert(item.clone(), self.now + SignedDuration::from_secs(60));
                return true;
            }
        }
        if crash {
            self.restart();
        }
        true
    }

    /// One pod's next step: bound, running and ready, or gone.
    fn run_pod(&mut self) -> bool {
        let pods: Vec<_> = self
            .world
            .list(&Kind::POD, "n")
            .filter(|pod| next_step(pod).is_some())
            .cloned()
            .collect();
        if pods.is_empty() {
            return false;
        }
        let at = self.draw(pods.len() as u64) as usize;
        let mut pod = Value::clone(&pods[at]);
        let key = Key::of(Kind::POD, &pod);
        match next_step(&pod) {
            Some(Step::Go) => self.remove(&key),
            Some(Step::Bind) => {
                let named = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
                             /nodeSelectorTerms/0/matchFields/0/values/0";
                let nodes: Vec<_> = self
                    .world
                    .all(&Kind::NODE)
                    .map(|node| meta::name(node).to_owned())
                    .collect();
                let chance = nodes[self.draw(nodes.len() as u64) as usize].clone();
                let node = pod
                    .pointer(named)
                    .and_then(Value::as_str)
                    .unwrap_or(&chance)
                    .to_owned();
                pod["spec"]["nodeName"] = json!(node);
                self.put(&key, pod);
            }
            Some(Step::Start) => {
                let ready = meta::text_at(&pod, "/spec/containers/0/image") != "broken";
                self.set_pod(&key.name, "Running", ready);
            }
            None => {}
        }
        true
    }

    fn apply(&mut self, action: &Action) -> Result<(), (u16, &'static str, String)> {
        match action {
            Action::Create(object) => self.apply_create(object.clone()),
            Action::Update(kind, object) => {
                let old = self.current(&Key::of(kind.clone(), object), object)?;
                let mut new = object.clone();
                new["status"] = old["status"].clone();
                if new["spec"] != old["spec"] {
                    new["metadata"]["generation"] = json!(meta::generation(&old) + 1);
                }
                self.put(&Key::of(kind.clone(), object), new);
                Ok(())
            }
            Action::UpdateStatus(kind, object) => {
                let mut new = self.current(&Key::of(kind.clone(), object), object)?;
                new["status"] = object["status"].clone();
                if let Some(annotations) = object.pointer("/metadata/annotations") {
                    new["metadata"]["annotations"] = annotations.clone();
                }
                self.put(&Key::of(kind.clone(), object), new);
                Ok(())
            }
            Action::Patch { key, patch, .. } => {
                let Some(old) = self.world.get(key) else {
                    return Err((404, "NotFound", key.to_string()));
                };
                let mut new = Value::clone(old);
                merge(&mut new, patch);
                self.put(key, new);
                Ok(())
            }
            Action::Delete { key, uid, .. } => {
                let Some(old) = self.world.get(key) else {
                    return Err((404, "NotFound", key.to_string()));
                };
                assert!(
                    uid.as_deref().is_none_or(|uid| uid == meta::uid(old)),
                    "another incarnation"
                );
                if key.kind == Kind::POD && !meta::text_at(old, "/spec/nodeName").is_empty() {
                    let mut new = Value::clone(old);
                    new["metadata"]["deletionTimestamp"] = json!(time::seconds(self.now));
                    self.put(key, new);
                } else {
                    self.remove(&key.clone());
                }
                Ok(())
            }
            Action::Observe { .. } => panic!("controllers observe nothing: {action:?}"),
            Action::Record(event) => {
                self.events.push(event.clone());
                Ok(())
            }
            Action::UpdatePart(..) | Action::Bind { .. } | Action::Scale { .. } => {
                panic!("no loop here does this")
            }
        }
    }

    fn apply_create(&mut self, mut object: Value) -> Result<(), (u16, &'static str, String)> {
        let key = Key::of(Kind::of(&object), &object);
        if self.world.get(&key).is_some() {
            return Err((409, "AlreadyExists", format!("{key} already exists")));
        }
        let pods = self.world.list(&Kind::POD, "n").count();
        if key.kind == Kind::POD && self.quota.is_some_and(|quota| pods >= quota) {
            let message = format!("pods {:?} is forbidden: exceeded quota: few", meta::name(&object));
            return Err((403, "Forbidden", message));
        }
        object["metadata"]["uid"] = json!(format!("uid-{}", self.writes));
        object["metadata"]["creationTimestamp"] = json!(time::seconds(self.now));
        object["metadata"]["generation"] = json!(1);
        object["status"] = if key.kind == Kind::POD {
            json!({"phase": "Pending"})
        } else {
            json!({})
        };
        self.put(&key, object);
        Ok(())
    }

    fn current(&self, key: &Key, object: &Value) -> Result<Value, (u16, &'static str, String)> {
        match self.world.get(key) {
            None => Err((404, "NotFound", key.to_string())),
            Some(old) if meta::resource_version(old) != meta::resource_version(object) => {
                Err((409, "Conflict", key.to_string()))
            }
            Some(old) => Ok(Value::clone(old)),
        }
    }

    fn put(&mut self, key: &Key, mut object: Value) {
        self.writes += 1;
        object["metadata"]["resourceVersion"] = json!(self.writes.to_string());
        let old = self.world.put(key, object);
        let new = self.world.get(key).cloned();
        self.announce(key, old.as_deref(), new.as_deref());
    }

    fn remove(&mut self, key: &Key) {
        let old = self.world.remove(key);
        self.announce(key, old.as_deref(), None);
    }

    fn announce(&mut self, key: &Key, old: Option<&Value>, new: Option<&Value>) {
        let change = Change { key, old, new };
        let mut keys = Vec::new();
        for (at, one) in self.loops.iter_mut().enumerate() {
            one.touched(&self.world, &change, &mut keys);
            self.ready.extend(keys.drain(..).map(|key| (at, key)));
        }
    }
}

enum Step {
    Bind,
    Start,
    Go,
}

fn next_step(pod: &Value) -> Option<Step> {
    if meta::is_deleted(pod) {
        return Some(Step::Go);
    }
    if meta::text_at(pod, "/spec/nodeName").is_empty() {
        return Some(Step::Bind);
    }
    (meta::text_at(pod, "/status/phase") == "Pending").then_some(Step::Start)
}

/// RFC 7386.
fn merge(into: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    for (field, value) in fields {
        if value.is_null() {
            if let Some(map) = into.as_object_mut() {
                map.remove(field);
            }
        } else {
            merge(&mut into[field.as_str()], value);
        }
    }
}

/// An object of the apps group in the one namespace, with `image` in its only container.
pub fn workload(kind: &str, name: &str, image: &str, spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "n"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    });
    merge(&mut object["spec"], spec);
    object
}

pub fn set_image(object: &mut Value, image: &str) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
}

/// The condition of a type as `status/reason`.
pub fn condition(object: &Value, kind: &str) -> String {
    objects::condition::find(object, kind).map_or_else(String::new, |one| {
        format!("{}/{}", meta::text(one, "status"), meta::text(one, "reason"))
    })
}
