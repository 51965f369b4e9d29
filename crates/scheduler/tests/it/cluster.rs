//! A cluster in memory: a world, the scheduler, and an engine that does what plans say at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, World, meta};
use scheduler::Scheduler;
use serde_json::{Value, json};

/// More decisions than any test needs: one that never rests fails.
const MOST_DECISIONS: usize = 100_000;

/// What the API server answers to a binding that a test wants refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The loop is told.
    Refused,
    /// The world has moved on; the loop is only asked again.
    Overtaken,
}

pub struct Cluster {
    pub world: World,
    pub scheduler: Scheduler,
    pub now: Timestamp,
    pub events: Vec<(String, &'static str, String)>,
    /// Bindings in their order: pod and node.
    pub bound: Vec<(String, String)>,
    /// How many times the scheduler was asked.
    pub decisions: usize,
    pub trouble: Option<Trouble>,
    ready: VecDeque<Key>,
    timers: BTreeMap<Key, Timestamp>,
    version: u64,
    /// Deleted pods stay until the test removes them.
    pub graceful: bool,
}

impl Cluster {
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::default(),
            scheduler: Scheduler::new(seed),
            now: Timestamp::UNIX_EPOCH,
            events: Vec::new(),
            bound: Vec::new(),
            decisions: 0,
            trouble: None,
            ready: VecDeque::new(),
            timers: BTreeMap::new(),
            version: 0,
            graceful: false,
        }
    }

    /// A cluster with these nodes.
    pub fn of(nodes: &[Value]) -> Self {
        let mut cluster = Self::new(1);
        for node in nodes {
            cluster.put(Kind::NODE, node.clone());
        }
        cluster
    }

    pub fn put(&mut self, kind: Kind, mut object: Value) {
        let key = Key::of(kind, &object);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if meta::uid(&object).is_empty() {
            object["metadata"]["uid"] = json!(format!("uid-{}", key.name));
        }
        let old = self.world.put(&key, object);
        self.tell(&key, old.as_deref());
    }

    pub fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        let key = Key::new(kind, namespace, name);
        let old = self.world.remove(&key);
        self.tell(&key, old.as_deref());
    }

    pub fn pod(&self, name: &str) -> &Value {
        self.world.find(&Kind::POD, "n", name).expect("the pod is there")
    }

    pub fn node_of(&self, name: &str) -> &str {
        meta::text_at(self.pod(name), "/spec/nodeName")
    }

    /// What the condition of a pod without a node says.
    pub fn message(&self, name: &str) -> &str {
        let condition = objects::condition::find(self.pod(name), "PodScheduled").expect("a condition");
        meta::text(condition, "message")
    }

    /// Runs until the scheduler has nothing to do now.
    pub fn settle(&mut self) {
        for _ in 0..MOST_DECISIONS {
            self.ring();
            let Some(key) = self.ready.pop_front() else { return };
            self.decisions += 1;
            let plan = self.scheduler.decide(&self.world, &key, self.now);
            self.run(&key, &plan);
        }
        panic!("the scheduler does not come to rest");
    }

    /// Moves the clock and runs.
    pub fn pass(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        loop {
            self.settle();
            let next = self.timers.values().min().copied().filter(|next| *next <= end);
            self.now = next.unwrap_or(end);
            if next.is_none() {
                return;
            }
        }
    }

    fn ring(&mut self) {
        let due: BTreeSet<_> = self
            .timers
            .iter()
            .filter(|(_, at)| **at <= self.now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.timers.remove(&key);
            self.push(key);
        }
    }

    fn push(&mut self, key: Key) {
        if !self.ready.contains(&key) {
            self.ready.push_back(key);
        }
    }

    fn run(&mut self, key: &Key, plan: &Plan) {
        self.timers.remove(key);
        if let Some(again) = plan.again {
            self.timers.insert(key.clone(), again);
        }
        for action in &plan.actions {
            let binding = matches!(action, Action::Bind { .. });
            if let Some(trouble) = self.trouble.filter(|_| binding) {
                self.trouble = None;
                if trouble == Trouble::Refused {
                    let refusal = Refusal {
                        action,
                        code: 403,
                        reason: "Forbidden",
                        message: "no",
                    };
                    let plan = self.scheduler.refused(&self.world, key, &refusal, self.now);
                    for action in &plan.actions {
                        self.act(action);
                    }
                }
                self.push(key.clone());
                return;
            }
            self.act(action);
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Bind { pod, node, .. } => {
                self.bound.push((pod.name.to_string(), node.clone()));
                self.change(pod, |object| object["spec"]["nodeName"] = json!(node));
            }
            Action::Patch { key, patch, .. } => self.change(key, |object| merge(object, patch)),
            Action::UpdateStatus(kind, object) => self.put(kind.clone(), object.clone()),
            Action::Delete { key, .. } if self.graceful => {
                self.change(key, |object| {
                    object["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:30Z");
                });
            }
            Action::Delete { key, .. } => self.remove(key.kind.clone(), &key.namespace, &key.name),
            Action::Record(event) => {
                self.events
                    .push((event.about.name.to_string(), event.reason, event.message.clone()));
            }
            other => panic!("the scheduler does not do this: {other:?}"),
        }
    }

    fn change(&mut self, key: &Key, how: impl FnOnce(&mut Value)) {
        if let Some(object) = self.world.get(key) {
            let mut object = Value::clone(object);
            how(&mut object);
            self.put(key.kind.clone(), object);
        }
    }

    fn tell(&mut self, key: &Key, old: Option<&Value>) {
        let new = self.world.get(key).cloned();
        let change = Change {
            key,
            old,
            new: new.as_deref(),
        };
        let mut keys = Vec::new();
        self.scheduler.touched(&self.world, &change, &mut keys);
        for key in keys {
            self.push(key);
        }
    }
}

fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (field, value) in patch {
        if value.is_null() {
            object.as_object_mut().expect("it is a map").remove(field);
        } else {
            merge(&mut object[field.as_str()], value);
        }
    }
}

/// An object with fields set over those of another.
pub fn with(mut object: Value, patch: &Value) -> Value {
    merge(&mut object, patch);
    object
}

/// A node of 4 cores, 8 GiB and 10 pods.
pub fn node(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10", "ephemeral-storage": "10Gi"}},
    })
}

/// A node in a zone.
pub fn node_in(name: &str, zone: &str) -> Value {
    with(
        node(name),
        &json!({"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}),
    )
}

/// A pod in namespace `n` that asks for CPU.
pub fn pod(name: &str, cpu: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "n", "generation": 1, "labels": {"app": "a"}},
        "spec": {
            "schedulerName": "default-scheduler",
            "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}],
        },
        "status": {"phase": "Pending"},
    })
}

/// A pod with more in its spec.
pub fn pod_with(name: &str, spec: &Value) -> Value {
    with(pod(name, "100m"), &json!({"spec": spec}))
}

/// A pod that runs on a node.
pub fn placed(pod: Value, node: &str) -> Value {
    with(
        pod,
        &json!({"spec": {"nodeName": node}, "status": {"phase": "Running"}}),
    )
}
