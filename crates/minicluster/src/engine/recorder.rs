//! Events: written once, counted when they come again, and dropped when one object floods the cluster with them.
//!
//! The rules are those of client-go's event correlator: the same event again is a higher count of the first one; a
//! source may say 25 things about one object at once and one more every five minutes.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use objects::control::{Action, Event, Identity};
use objects::{Key, Kind, World, meta, time};
use serde_json::{Value, json};

/// How many events about one object may come at once, and the seconds after which one more may.
const BURST: f64 = 25.0;
const REFILL_SECONDS: f64 = 300.0;

/// With more nodes than this, what goes well with a pod is not told: there would be more events than objects.
const MANY_NODES: usize = 200;

/// How many series and objects are remembered, as client-go's caches hold.
const MAX_REMEMBERED: usize = 4096;

/// What has been said lately. Lost with the process: then counts begin at one again.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    series: Remembered<Series>,
    budgets: Remembered<Budget>,
    /// Makes names unique within one moment of a clock that stands still.
    written: u64,
}

#[derive(Debug, Clone)]
struct Series {
    event: Key,
    count: u64,
}

#[derive(Debug, Clone)]
struct Budget {
    tokens: f64,
    at: Timestamp,
}

/// A map that forgets its oldest entry when it is full.
#[derive(Debug)]
struct Remembered<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
}

impl Recorder {
    /// The write that an event takes: a new object, a higher count, or none.
    pub(super) fn note(
        &mut self,
        event: &Event,
        identity: &Identity,
        world: &World,
        now: Timestamp,
    ) -> Option<Action> {
        let is_routine = !event.warning && event.about.kind == Kind::POD;
        if is_routine && world.count(&Kind::NODE) > MANY_NODES {
            return None;
        }
        let about = world.get(&event.about);
        let uid = about.map_or("", |object| meta::uid(object));
        let source = format!("{}/{}/{uid}", identity.component, event.about);
        let field = event.field.as_deref().unwrap_or_default();
        let said = format!("{source}/{field}/{}/{}", event.reason, event.message);
        if !self.spend(&source, now) {
            return None;
        }
        if let Some(series) = self.series.entries.get_mut(&said)
            && world.get(&series.event).is_some()
        {
            series.count += 1;
            let patch = match event.action {
                None => json!({"count": series.count, "lastTimestamp": time::seconds(now)}),
                Some(_) => json!({"series": {"count": series.count, "lastObservedTime": time::micros(now)}}),
            };
            return Some(Action::Patch {
                key: series.event.clone(),
                subresource: None,
                patch,
            });
        }
        self.written += 1;
        let nanos = now.as_nanosecond() + i128::from(self.written % 1000);
        let name = format!("{}.{nanos:x}", event.about.name);
        let object = object(event, identity, about.map(|object| &**object), &name, now);
        let key = Key::of(Kind::EVENT, &object);
        self.series.insert(said, Series { event: key, count: 1 });
        Some(Action::Create(object))
    }

    /// Takes one from an object's budget; false if it is used up.
    fn spend(&mut self, source: &str, now: Timestamp) -> bool {
        let Some(budget) = self.budgets.entries.get_mut(source) else {
            let first = Budget {
                tokens: BURST - 1.0,
                at: now,
            };
            self.budgets.insert(source.to_owned(), first);
            return true;
        };
        let passed = now.duration_since(budget.at).as_secs_f64().max(0.0);
        budget.tokens = (budget.tokens + passed / REFILL_SECONDS).min(BURST);
        budget.at = now;
        if budget.tokens < 1.0 {
            return false;
        }
        budget.tokens -= 1.0;
        true
    }
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Remembered<T> {
    fn insert(&mut self, key: String, value: T) {
        if self.entries.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

fn object(event: &Event, identity: &Identity, about: Option<&Value>, name: &str, now: Timestamp) -> Value {
    let key = &event.about;
    // Events about objects without a namespace are kept in `default`.
    let namespace = match key.namespace.as_ref() {
        "" => "default",
        namespace => namespace,
    };
    let api_version = about.map_or("", |object| meta::text(object, "apiVersion"));
    let mut involved = json!({"kind": key.kind.name, "name": &*key.name, "apiVersion": api_version});
    let parts = [
        ("namespace", &*key.namespace),
        ("uid", about.map_or("", meta::uid)),
        ("resourceVersion", about.map_or("", meta::resource_version)),
        ("fieldPath", event.field.as_deref().unwrap_or_default()),
    ];
    for (field, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
        involved[field] = json!(text);
    }
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "reason": event.reason,
        "message": event.message,
        "type": if event.warning { "Warning" } else { "Normal" },
        "reportingComponent": identity.component,
        "reportingInstance": event.host.as_deref().unwrap_or_default(),
        "source": {},
    });
    match event.action {
        None => {
            let at = time::seconds(now);
            object["source"] = json!({"component": identity.component});
            if let Some(host) = &event.host {
                object["source"]["host"] = json!(host);
            }
            object["count"] = json!(1);
            object["firstTimestamp"] = json!(at);
            object["lastTimestamp"] = json!(at);
            object["eventTime"] = Value::Null;
        }
        Some(action) => {
            object["action"] = json!(action);
            object["eventTime"] = json!(time::micros(now));
            object["reportingInstance"] = json!(identity.component);
            object["firstTimestamp"] = Value::Null;
            object["lastTimestamp"] = Value::Null;
        }
    }
    object
}
