//! A stage for kubelets: a world, a clock, and the few things that an API server does with a plan.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kubelet::{Behaviour, Kubelet, Shape, Telling, behaviour, nodes};
use objects::control::{Action, Event, Loop};
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

/// Where every story begins.
pub const START: i64 = 1_800_000_000;

/// A pod that needs more looks than this in one story is in a loop.
const MOST_LOOKS: usize = 2000;

#[derive(Debug)]
pub struct Stage {
    pub world: World,
    pub now: Timestamp,
    kubelet: Kubelet,
    behaviour: Arc<Behaviour>,
    again: BTreeMap<Key, Timestamp>,
    version: u64,
    pub events: Vec<Event>,
    pub writes: usize,
    /// Every status that was written, as one line each.
    pub story: String,
    forgetful: bool,
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).expect("in range")
}

/// A pod called `p` with these fields in its specification.
pub fn pod(spec: Value) -> Value {
    let mut spec = spec;
    spec["nodeName"] = json!("node-1");
    for (field, default) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("containers", json!([{"name": "c", "image": "busybox:1.36"}])),
    ] {
        if spec.get(field).is_none() {
            spec[field] = default;
        }
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "generation": 1},
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    })
}

impl Stage {
    pub fn new(rules: &str) -> Self {
        let behaviour = Arc::new(behaviour::parse(rules).expect("the story's rules are right"));
        let mut stage = Self {
            world: World::default(),
            now: at(0),
            kubelet: Kubelet::new(Arc::clone(&behaviour), Telling::Everything),
            behaviour,
            again: BTreeMap::new(),
            version: 0,
            events: Vec::new(),
            writes: 0,
            story: String::new(),
            forgetful: false,
        };
        for node in nodes::fleet(2, &Shape::default()) {
            stage.put(Kind::NODE, node);
        }
        stage
    }

    /// Loses the kubelet's memory before every look.
    pub fn forgetful(rules: &str) -> Self {
        Self {
            forgetful: true,
            ..Self::new(rules)
        }
    }

    /// Puts an object into the world, as somebody else's write.
    pub fn put(&mut self, kind: Kind, object: Value) {
        let key = Key::of(kind, &object);
        self.store(&key, Some(object));
        self.settle();
    }

    pub fn pod(&self) -> Option<&Value> {
        let pod = self.world.find(&Kind::POD, "n", "p")?;
        Some(pod)
    }

    pub fn status(&self) -> Value {
        self.pod().map_or(Value::Null, |pod| pod["status"].clone())
    }

    /// Deletes the pod as a user does.
    pub fn delete(&mut self, grace: i64) {
        let mut pod = self.pod().expect("there is a pod").clone();
        let end = self
            .now
            .saturating_add(SignedDuration::from_secs(grace))
            .expect("in range");
        pod["metadata"]["deletionTimestamp"] = json!(time::seconds(end));
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        self.put(Kind::POD, pod);
    }

    /// Lets time pass, from one appointment to the next.
    pub fn run(&mut self, until: i64) {
        for _ in 0..MOST_LOOKS {
            self.settle();
            let next = self.again.iter().map(|(key, time)| (*time, key.clone())).min();
            let Some((time, key)) = next.filter(|(time, _)| *time <= at(until)) else {
                self.now = self.now.max(at(until));
                return;
            };
            self.now = self.now.max(time);
            self.again.remove(&key);
            self.look(&key);
        }
        panic!("too many looks:\n{}", self.story);
    }

    /// Looks at once at whatever is due.
    fn settle(&mut self) {
        for _ in 0..MOST_LOOKS {
            let due: Vec<Key> = self
                .again
                .iter()
                .filter(|(_, time)| **time <= self.now)
                .map(|(key, _)| key.clone())
                .collect();
            if due.is_empty() {
                return;
            }
            for key in due {
                self.again.remove(&key);
                self.look(&key);
            }
        }
        panic!("it never comes to rest:\n{}", self.story);
    }

    fn look(&mut self, key: &Key) {
        if self.forgetful {
            self.kubelet = Kubelet::new(Arc::clone(&self.behaviour), Telling::Everything);
        }
        let plan = self.kubelet.decide(&self.world, key, self.now);
        if let Some(again) = plan.again {
            assert!(again > self.now, "{key} is to be looked at again at once");
            self.again.insert(key.clone(), again);
        }
        for action in plan.actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Patch { key, patch, .. } => {
                self.writes += 1;
                let mut object = self.world.get(&key).expect("it is there").as_ref().clone();
                assert_eq!(
                    patch["metadata"]["resourceVersion"], object["metadata"]["resourceVersion"],
                    "the pod that was looked at is patched"
                );
                merge(&mut object["status"], &patch["status"]);
                self.tell(&object);
                self.store(&key, Some(object));
            }
            Action::Delete { key, grace, .. } => {
                assert_eq!(grace, Some(0));
                self.writes += 1;
                let _ = writeln!(self.story, "{:>4} gone", self.clock());
                self.store(&key, None);
            }
            Action::Record(event) => {
                let mark = if event.warning { "!" } else { " " };
                let message = &event.message;
                let _ = writeln!(
                    self.story,
                    "{:>4} {mark} {}: {message}",
                    self.clock(),
                    event.reason
                );
                assert_eq!(event.host.as_deref(), Some("node-1"));
                self.events.push(event);
            }
            other => panic!("a kubelet does not do {other:?}"),
        }
    }

    fn store(&mut self, key: &Key, object: Option<Value>) {
        self.version += 1;
        let (old, new) = match object {
            Some(mut object) => {
                object["metadata"]["resourceVersion"] = json!(self.version.to_string());
                (self.world.put(key, object), self.world.get(key).cloned())
            }
            None => (self.world.remove(key), None),
        };
        let change = Change {
            key,
            old: old.as_deref(),
            new: new.as_deref(),
        };
        let mut keys = Vec::new();
        self.kubelet.touched(&self.world, &change, &mut keys);
        if self.forgetful {
            // Who forgets what pods wait for looks at all of them.
            keys.extend(self.world.all(&Kind::POD).map(|pod| Key::of(Kind::POD, pod)));
        }
        for key in keys {
            self.again.insert(key, self.now);
        }
    }

    fn clock(&self) -> String {
        format!("{}s", self.now.as_second() - START)
    }

    fn tell(&mut self, pod: &Value) {
        let status = &pod["status"];
        let lists = [
            "initContainerStatuses",
            "containerStatuses",
            "ephemeralContainerStatuses",
        ];
        let containers: Vec<String> = lists
            .iter()
            .flat_map(|list| status[list].as_array().into_iter().flatten())
            .map(container)
            .collect();
        let conditions: Vec<String> = meta::list_at(pod, "/status/conditions")
            .iter()
            .map(|one| {
                let (kind, reason) = (meta::text(one, "type"), meta::text(one, "reason"));
                match (meta::text(one, "status"), reason) {
                    ("True", "") => format!("+{kind}"),
                    ("True", reason) => format!("+{kind}({reason})"),
                    (_, "") => format!("-{kind}"),
                    (_, reason) => format!("-{kind}({reason})"),
                }
            })
            .collect();
        let mut phase = meta::text(status, "phase").to_owned();
        for field in ["reason", "message"] {
            if let Some(text) = status[field].as_str() {
                let _ = write!(phase, " {text}");
            }
        }
        let _ = writeln!(self.story, "{:>4} {phase}", self.clock());
        for line in containers {
            let _ = writeln!(self.story, "       {line}");
        }
        let _ = writeln!(self.story, "       {}", conditions.join(" "));
    }
}

fn container(status: &Value) -> String {
    let mut text = format!("{}:", meta::text(status, "name"));
    let state = &status["state"];
    if let Some(waiting) = state.get("waiting") {
        let _ = write!(text, " waiting {}", meta::text(waiting, "reason"));
        if let Some(message) = waiting["message"].as_str() {
            let _ = write!(text, " \"{message}\"");
        }
    }
    if state.get("running").is_some() {
        text.push_str(" running");
    }
    for (name, ended) in [
        ("ended", &state["terminated"]),
        ("last", &status["lastState"]["terminated"]),
    ] {
        if ended.is_object() {
            let (code, reason) = (&ended["exitCode"], meta::text(ended, "reason"));
            let times = ["startedAt", "finishedAt"].map(|field| {
                time::parse(meta::text(ended, field)).map_or(0, |time| time.as_second() - START)
            });
            let _ = write!(text, " {name} {reason}({code}) {}s-{}s", times[0], times[1]);
        }
    }
    for flag in ["started", "ready"] {
        if status[flag] == true {
            let _ = write!(text, " {flag}");
        }
    }
    if status["restartCount"] != 0 {
        let _ = write!(text, " x{}", status["restartCount"]);
    }
    text
}

/// A JSON merge patch.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (field, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("it was made a map").remove(field);
        } else {
            merge(&mut target[field], value);
        }
    }
}
