//! A cluster without a server: a world, the loops that are to be tested, a clock that stands until it is moved, and
//! nodes that do with pods what the test says.
//!
//! Its API does what the loops depend on: uids, versions and conflicts, finalizers, merge patches, owners that take
//! their pods with them. With a seed, everything that waits takes its turn in an order drawn from it, and now and then
//! the controllers are killed in the middle of a plan.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Loop, Refusal};
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

/// Turns after which a cluster that does not come to rest never will.
const MAX_TURNS: usize = 20_000;

/// What a pod ends with, when it is not to run on.
pub type Nodes = fn(&Value) -> Option<i64>;

pub struct Cluster {
    pub world: World,
    pub now: Timestamp,
    /// Reason and message of every event, in their order.
    pub events: Vec<(String, String)>,
    loops: Vec<Box<dyn Loop>>,
    make: fn() -> Vec<Box<dyn Loop>>,
    nodes: Nodes,
    queue: BTreeSet<(usize, Key)>,
    timers: BTreeSet<(Timestamp, usize, Key)>,
    version: u64,
    /// The state of the dice; 0 keeps everything in order.
    dice: u64,
}

type Refused = (u16, &'static str);

impl Cluster {
    pub fn new(make: fn() -> Vec<Box<dyn Loop>>, nodes: Nodes, seed: u64) -> Self {
        Self {
            world: World::default(),
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            events: Vec::new(),
            loops: make(),
            make,
            nodes,
            queue: BTreeSet::new(),
            timers: BTreeSet::new(),
            version: 0,
            dice: seed,
        }
    }

    pub fn get(&self, kind: &Kind, name: &str) -> Value {
        self.world
            .find(kind, "n", name)
            .map_or(Value::Null, |object| (**object).clone())
    }

    pub fn names(&self, kind: &Kind) -> Vec<String> {
        self.world
            .all(kind)
            .map(|object| meta::name(object).to_owned())
            .collect()
    }

    pub fn said(&self, reason: &str) -> Vec<&str> {
        let events = self.events.iter().filter(|(one, _)| one == reason);
        events.map(|(_, message)| message.as_str()).collect()
    }

    /// Creates an object in the namespace `n`, as the API server does.
    pub fn create(&mut self, mut object: Value) {
        object["metadata"]["namespace"] = json!("n");
        self.execute(&Action::Create(object)).expect("it is new");
    }

    /// Merges a patch into an object.
    pub fn patch(&mut self, kind: &Kind, name: &str, patch: Value) {
        let key = Key::new(kind.clone(), "n", name);
        let action = Action::Patch {
            key,
            subresource: None,
            patch,
        };
        self.execute(&action).expect("it is there");
    }

    pub fn delete(&mut self, kind: &Kind, name: &str) {
        let key = Key::new(kind.clone(), "n", name);
        let action = Action::Delete {
            key,
            uid: None,
            grace: None,
            propagation: None,
        };
        self.execute(&action).expect("it is there");
    }

    /// Lets everything happen that is to happen within so many seconds.
    pub fn run(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        for _ in 0..MAX_TURNS {
            if self.turn() {
                continue;
            }
            match self.timers.first().cloned().filter(|(due, ..)| *due <= end) {
                Some((due, ..)) => {
                    self.now = self.now.max(due);
                    while let Some(first) = self.timers.first().cloned().filter(|(due, ..)| *due <= self.now)
                    {
                        self.timers.remove(&first);
                        self.queue.insert((first.1, first.2));
                    }
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the cluster does not come to rest: {:?}", self.queue);
    }

    /// One thing happens; false if there is nothing to do.
    fn turn(&mut self) -> bool {
        if self.dice != 0 && self.roll(12) == 0 {
            self.kill();
        }
        let waiting: Vec<Key> = self.pods_waiting();
        let choices = self.queue.len() + waiting.len();
        if choices == 0 {
            return false;
        }
        // In order: the controllers first.
        let choice = if self.dice == 0 { 0 } else { self.roll(choices) };
        match choice.checked_sub(self.queue.len()) {
            Some(pod) => self.step_pod(&waiting[pod]),
            None => {
                let item = self.queue.iter().nth(choice).cloned().expect("one of the queue");
                self.queue.remove(&item);
                self.look(item.0, &item.1);
            }
        }
        true
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % sides as u64).expect("less than the sides")
    }

    /// New controllers know nothing but the world.
    fn kill(&mut self) {
        self.loops = (self.make)();
        self.queue.clear();
        self.timers.clear();
        let kinds: Vec<Kind> = self.world.kinds().cloned().collect();
        for kind in kinds {
            let all: Vec<(Key, Value)> = self
                .world
                .all(&kind)
                .map(|object| (Key::of(kind.clone(), object), (**object).clone()))
                .collect();
            for (key, object) in all {
                self.touch(&key, None, Some(&object));
            }
        }
    }

    fn look(&mut self, at: usize, key: &Key) {
        let plan = self.loops[at].decide(&self.world, key, self.now);
        if let Some(again) = plan.again {
            self.timers.insert((again.max(self.now), at, key.clone()));
        }
        for action in &plan.actions {
            if self.dice != 0 && self.roll(40) == 0 {
                self.kill();
                return;
            }
            let Err((code, reason)) = self.execute(action) else {
                continue;
            };
            let refusal = Refusal {
                action,
                code,
                reason,
                message: "refused",
            };
            if code != 404 && reason != "Conflict" {
                for action in self.loops[at]
                    .refused(&self.world, key, &refusal, self.now)
                    .actions
                {
                    let _ = self.execute(&action);
                }
            }
            self.timers
                .insert((self.now + SignedDuration::from_millis(100), at, key.clone()));
            return;
        }
    }

    fn change(&mut self, key: &Key, new: Option<Value>) {
        let old = match new.clone() {
            Some(mut object) => {
                self.version += 1;
                object["metadata"]["resourceVersion"] = json!(self.version.to_string());
                self.world.put(key, object)
            }
            None => self.world.remove(key),
        };
        let new = self.world.get(key).map(|object| (**object).clone());
        self.touch(key, old.as_deref(), new.as_ref());
    }

    fn touch(&mut self, key: &Key, old: Option<&Value>, new: Option<&Value>) {
        let change = Change { key, old, new };
        for (at, one) in self.loops.iter_mut().enumerate() {
            let mut keys = Vec::new();
            one.touched(&self.world, &change, &mut keys);
            self.queue.extend(keys.into_iter().map(|key| (at, key)));
        }
    }

    pub fn execute(&mut self, action: &Action) -> Result<(), Refused> {
        match action {
            Action::Record(event) => self.events.push((event.reason.to_owned(), event.message.clone())),
            Action::Observe { .. } => panic!("controllers observe nothing: {action:?}"),
            Action::Create(object) => {
                let key = Key::of(Kind::of(object), object);
                if self.world.get(&key).is_some() {
                    return Err((409, "AlreadyExists"));
                }
                let mut object = object.clone();
                self.version += 1;
                object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
                object["metadata"]["creationTimestamp"] = json!(time::seconds(self.now));
                object["metadata"]["generation"] = json!(1);
                if key.kind == Kind::POD {
                    object["status"] = json!({"phase": "Pending"});
                }
                if key.kind == Kind::JOB {
                    let labels = json!({"batch.kubernetes.io/controller-uid": object["metadata"]["uid"]});
                    object["spec"]["selector"] = json!({"matchLabels": labels});
                    merge(&mut object["spec"]["template"]["metadata"]["labels"], &labels);
                }
                self.change(&key, Some(object));
            }
            Action::Update(kind, object) | Action::UpdateStatus(kind, object) => {
                let key = Key::of(kind.clone(), object);
                let old = self.world.get(&key).ok_or((404, "NotFound"))?;
                if meta::resource_version(old) != meta::resource_version(object) {
                    return Err((409, "Conflict"));
                }
                self.change(&key, Some(object.clone()));
            }
            Action::Patch { key, patch, .. } => {
                let mut object = (**self.world.get(key).ok_or((404, "NotFound"))?).clone();
                for field in ["uid", "resourceVersion"] {
                    let wanted = meta::text(&patch["metadata"], field);
                    if !wanted.is_empty() && wanted != meta::text(&object["metadata"], field) {
                        return Err((409, "Conflict"));
                    }
                }
                merge(&mut object, patch);
                self.settle(key, object);
            }
            Action::Delete { key, uid, .. } => {
                let mut object = (**self.world.get(key).ok_or((404, "NotFound"))?).clone();
                if uid.as_ref().is_some_and(|uid| uid != meta::uid(&object)) {
                    return Err((409, "Conflict"));
                }
                let owned: Vec<Key> = self
                    .world
                    .owned(meta::uid(&object))
                    .map(|(key, _)| key.clone())
                    .collect();
                if !meta::is_deleted(&object) {
                    object["metadata"]["deletionTimestamp"] = json!(time::seconds(self.now));
                    self.settle(key, object);
                }
                for key in owned {
                    let _ = self.execute(&Action::Delete {
                        key,
                        uid: None,
                        grace: None,
                        propagation: None,
                    });
                }
            }
            Action::Scale { key, replicas } => {
                let mut object = (**self.world.get(key).ok_or((404, "NotFound"))?).clone();
                object["spec"]["replicas"] = json!(replicas);
                self.change(key, Some(object));
            }
            Action::Bind { .. } | Action::UpdatePart(..) => return Err((405, "MethodNotAllowed")),
        }
        Ok(())
    }

    /// Writes an object, unless it has been deleted and nothing holds it any more.
    fn settle(&mut self, key: &Key, object: Value) {
        let held = !meta::list_at(&object, "/metadata/finalizers").is_empty();
        let gone = meta::is_deleted(&object) && !held;
        self.change(key, (!gone).then_some(object));
    }

    fn pods_waiting(&self) -> Vec<Key> {
        let waiting = self
            .world
            .all(&Kind::POD)
            .filter(|pod| match meta::text_at(pod, "/status/phase") {
                "Pending" => true,
                "Running" => meta::is_deleted(pod) || (self.nodes)(pod).is_some(),
                _ => false,
            });
        waiting.map(|pod| Key::of(Kind::POD, pod)).collect()
    }

    /// A node does the next thing with a pod: runs it, or ends it.
    fn step_pod(&mut self, key: &Key) {
        let Some(pod) = self.world.get(key) else { return };
        let mut pod = (**pod).clone();
        let at = time::seconds(self.now);
        let code = if meta::is_deleted(&pod) {
            Some(137)
        } else {
            (self.nodes)(&pod)
        };
        let running = meta::text_at(&pod, "/status/phase") == "Running";
        pod["status"] = match code.filter(|_| running || meta::is_deleted(&pod)) {
            None => json!({
                "phase": "Running", "startTime": at,
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at}],
            }),
            Some(code) => json!({
                "phase": if code == 0 { "Succeeded" } else { "Failed" },
                "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": code, "finishedAt": at}}}],
            }),
        };
        self.settle(key, pod);
    }
}

/// A JSON merge patch (RFC 7386).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let map = target.as_object_mut().expect("made an object above");
    for (field, value) in fields {
        if value.is_null() {
            map.remove(field);
        } else {
            merge(map.entry(field.clone()).or_insert(Value::Null), value);
        }
    }
}
