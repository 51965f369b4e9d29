//! What runs the control loops of a cluster: one task that observes, decides and executes, one key at a time.
//!
//! ```text
//! store ──feed──► World ──touched──► queue ──► decide(key, now) ──► Plan ──► registry ──► store
//!                                     ▲  ▲                            │
//!                          clock ─────┘  └── again, refusals ─────────┘
//! ```
//!
//! One task, so that every decision sees all earlier ones: there is no cache that lags behind, and with a virtual
//! clock and a seed the same history happens again. It has no state that a restart would miss: a new engine takes
//! the world from the store and looks at everything once. It writes through the same stages as any client.

mod execute;
mod kinds;
mod list;
mod pace;
mod queue;
mod recorder;
mod wakes;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use objects::control::{Action, Event, Loop, Refusal};
use objects::{Change, Key, World, meta};
use serde_json::Value;

pub(crate) use list::loops;
pub(crate) use wakes::Wakes;

use crate::clock::Clock;
use crate::registry::Registry;
use crate::registry::failure::Failure;
use crate::store::{EventKind, Feed, News};
use kinds::{Kinds, Read};
use pace::Pace;
use queue::{Item, LoopIndex, Queue};
use recorder::Recorder;

/// How many keys are looked at before other tasks of the runtime get their turn: enough to make the pause cheap,
/// few enough that a request waits for about a millisecond.
const KEYS_IN_A_ROW: usize = 16;

/// The longest the engine sleeps without looking at the clock: a machine that was suspended wakes up late.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The loops of one cluster and what they know.
pub(crate) struct Engine {
    registry: Registry,
    clock: Clock,
    feed: Feed,
    kinds: Kinds,
    world: World,
    loops: Vec<Box<dyn Loop>>,
    queue: Queue,
    pace: Pace,
    recorder: Recorder,
    /// Keys that the last loop of the list is to look at though the world has not changed.
    wakes: Wakes,
    /// What was written since the last look at the feed, by revision: it need not be parsed then. As many as a plan
    /// has actions.
    written: HashMap<u64, Value>,
}

impl Engine {
    /// An engine that has not looked yet. With a seed, its keys come in an order drawn from it.
    pub(crate) fn new(
        registry: Registry,
        clock: Clock,
        loops: Vec<Box<dyn Loop>>,
        seed: Option<u64>,
    ) -> Self {
        Self {
            feed: registry.follow(),
            kinds: Kinds::default(),
            world: World::default(),
            queue: seed.map_or_else(Queue::default, Queue::shuffled),
            pace: Pace::default(),
            recorder: Recorder::default(),
            wakes: Wakes::default(),
            written: HashMap::new(),
            registry,
            clock,
            loops,
        }
    }

    /// Has the last loop look at what is named there.
    pub(crate) fn woken_by(self, wakes: Wakes) -> Self {
        Self { wakes, ..self }
    }

    /// Runs until the store is closed or the task is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            for _ in 0..KEYS_IN_A_ROW {
                self.take_in();
                self.queue.ring(self.clock.now());
                let Some((at, key)) = self.queue.pop() else {
                    if !self.rest().await {
                        return;
                    }
                    continue;
                };
                self.look(at, key).await;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until there may be something to do. False when there never will be.
    async fn rest(&mut self) -> bool {
        let next = self.queue.next_appointment();
        match &self.clock {
            Clock::Machine | Clock::Runtime(_) => {
                let now = self.clock.now();
                let pause = next.map_or(LONGEST_SLEEP, |next| span(now, next).min(LONGEST_SLEEP));
                tokio::select! {
                    open = self.feed.changed() => open,
                    () = self.wakes.named() => true,
                    () = tokio::time::sleep(pause) => true,
                }
            }
            Clock::Virtual(clock) => {
                let mut limit = clock.limit();
                let until = *limit.borrow_and_update();
                let revision = self.feed.revision();
                if self.feed.is_behind() {
                    return true;
                }
                match next {
                    Some(next) if next <= until => {
                        clock.move_to(next);
                        return true;
                    }
                    _ => clock.move_to(until),
                }
                clock.rest(until, revision);
                tokio::select! {
                    open = self.feed.changed() => open,
                    moved = limit.changed() => moved.is_ok(),
                }
            }
        }
    }

    /// Brings the world up to date and asks every loop what it wants to look at because of it.
    fn take_in(&mut self) {
        if let Some(last) = self.loops.len().checked_sub(1) {
            for key in self.wakes.take() {
                self.queue.push((last, key));
            }
        }
        if let Some(served) = self.kinds.news(&self.registry) {
            self.world.serve(served);
        }
        match self.feed.take() {
            News::Events(events) => {
                for event in events {
                    let gone = event.kind == EventKind::Deleted;
                    let written = self.written.remove(&event.revision());
                    let read = self.kinds.read(&self.registry, &event.object, written);
                    if let Some((key, read)) = read {
                        self.change(&key, (!gone).then_some(read));
                    }
                }
            }
            News::Anew(objects) => {
                let old = std::mem::take(&mut self.world);
                self.world.serve_as(&old);
                for object in objects {
                    if let Some((key, read)) = self.kinds.read(&self.registry, &object, None) {
                        self.change(&key, Some(read));
                    }
                }
                for kind in old.kinds() {
                    for key in old.keys(kind).filter(|key| !self.world.has(key)) {
                        let change = Change {
                            key: &key,
                            old: old.get(&key).map(|object| &**object),
                            new: None,
                        };
                        touch(&mut self.loops, &self.world, &change, &mut self.queue);
                    }
                }
            }
        }
        // A write is in the feed before its writer is told: what is left now changed nothing.
        self.written.clear();
        self.world.cool();
    }

    fn change(&mut self, key: &Key, new: Option<Read>) {
        let old = match new {
            Some(Read { value, source }) => self.world.put_stored(key, value, Some(Box::new(source))),
            None => self.world.remove(key),
        };
        self.changed(key, old.as_deref());
    }

    fn changed(&mut self, key: &Key, old: Option<&Value>) {
        let new = self.world.get(key).cloned();
        let change = Change {
            key,
            old,
            new: new.as_deref(),
        };
        touch(&mut self.loops, &self.world, &change, &mut self.queue);
    }

    /// One key's turn: decide, execute, and make the next appointment.
    async fn look(&mut self, at: LoopIndex, key: Key) {
        let now = self.clock.now();
        let plan = self.loops[at].decide(&self.world, &key, now);
        let item = (at, key);
        self.queue.appoint(&item, plan.again);
        let pause = self.pace.count(&item, plan.again, now);
        for action in &plan.actions {
            let Err(failure) = self.execute(at, action).await else {
                continue;
            };
            self.take_in();
            if !is_overtaken(action, &failure) {
                self.refused(at, &item.1, action, &failure).await;
            }
            self.queue.retry(&item, self.clock.now());
            return;
        }
        self.queue.succeeded(&item);
        if let Some(pause) = pause {
            self.hold(&item, pause).await;
        }
    }

    /// Has a key wait that does not rest, and tells of it: somebody should mend its loop.
    async fn hold(&mut self, item: &Item, pause: Duration) {
        let (at, key) = item;
        let now = self.clock.now();
        let told = format!(
            "The loop {} wanted to look at {key} again and again at {now}: it has to wait for {pause:?}",
            self.loops[*at].identity().component
        );
        let event = Event::warning(key, "LoopDoesNotRest", told);
        // It is an event: nothing to do if it can't be written.
        let _ = self.execute(*at, &Action::Record(event)).await;
        self.take_in();
        self.queue.hold(item, now.saturating_add(pause).unwrap_or(now));
    }

    /// Tells the loop that an action was refused, and does what it makes of it.
    async fn refused(&mut self, at: LoopIndex, key: &Key, action: &Action, failure: &Failure) {
        let refusal = Refusal {
            action,
            code: failure.code,
            reason: failure.reason,
            message: &failure.message,
        };
        let plan = self.loops[at].refused(&self.world, key, &refusal, self.clock.now());
        for action in &plan.actions {
            // Refused again: the key is looked at again anyway.
            if self.execute(at, action).await.is_err() {
                return;
            }
        }
    }

    async fn execute(&mut self, at: LoopIndex, action: &Action) -> Result<(), Failure> {
        let identity = self.loops[at].identity();
        let now = self.clock.now();
        let written = match action {
            Action::Record(event) => {
                let noted = self.recorder.note(event, &identity, &self.world, now);
                let Some(write) = noted else { return Ok(()) };
                let written = execute::execute(&self.registry, &mut self.kinds, &identity, &write).await;
                // An event that can't be written is not worth more than the work it tells of.
                written.unwrap_or_default()
            }
            Action::Observe { key, value } => {
                let old = match value {
                    Some(value) => self.world.put(key, value.clone()),
                    None => self.world.remove(key),
                };
                self.changed(key, old.as_deref());
                None
            }
            action => execute::execute(&self.registry, &mut self.kinds, &identity, action).await?,
        };
        if let Some(written) = written
            && let Ok(revision) = meta::resource_version(&written).parse()
        {
            self.written.insert(revision, written);
        }
        Ok(())
    }
}

/// Whether an action failed only because the world has moved on: the next look sees why.
fn is_overtaken(action: &Action, failure: &Failure) -> bool {
    match failure.code {
        404 => !matches!(action, Action::Create(_)),
        409 => failure.reason == "Conflict",
        _ => false,
    }
}

fn touch(loops: &mut [Box<dyn Loop>], world: &World, change: &Change<'_>, queue: &mut Queue) {
    let mut keys = Vec::new();
    for (at, one) in loops.iter_mut().enumerate() {
        one.touched(world, change, &mut keys);
        for key in keys.drain(..) {
            queue.push((at, key));
        }
    }
}

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Span;
    use objects::Kind;
    use objects::control::{Event, Identity, Plan};
    use serde_json::json;

    use super::*;
    use crate::clock::Virtual;
    use crate::registry::{Surroundings, Tokens};
    use crate::schema::Table;
    use crate::store::{Options, Store};

    /// Keeps a copy of every ConfigMap `original`, a minute after it was made.
    struct Copier;

    impl Loop for Copier {
        fn identity(&self) -> Identity {
            Identity {
                user: "system:serviceaccount:kube-system:copier",
                manager: "copier",
                component: "copier",
            }
        }

        fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
            if change.key.kind == Kind::CONFIG_MAP && &*change.key.name == "original" {
                keys.push(change.key.clone());
            }
        }

        fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
            let Some(created) = world.get(key).and_then(|object| meta::created(object)) else {
                return Plan::nothing();
            };
            let due = created + Span::new().minutes(1);
            if world.find(&Kind::CONFIG_MAP, &key.namespace, "copy").is_some() {
                return Plan::nothing();
            }
            if now < due {
                return Plan::later(due);
            }
            let copy = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "copy", "namespace": &*key.namespace},
            });
            Plan::of(vec![
                Action::Create(copy),
                Action::Record(Event::normal(key, "Copied", "made a copy")),
            ])
        }
    }

    /// Wants to look at the ConfigMap `original` at once for ever, and writes to it each time if it `writes`.
    struct Restless {
        writes: bool,
    }

    impl Loop for Restless {
        fn identity(&self) -> Identity {
            Copier.identity()
        }

        fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
            Copier.touched(world, change, keys);
        }

        fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
            let Some(object) = world.get(key) else {
                return Plan::nothing();
            };
            if !self.writes {
                return Plan::later(now);
            }
            let patch = json!({"data": {"seen": meta::resource_version(object)}});
            Plan::of(vec![Action::Patch {
                key: key.clone(),
                subresource: None,
                patch,
            }])
        }
    }

    async fn until_quiet(clock: &Virtual, registry: &Registry, at: Timestamp) {
        clock.allow(at);
        assert!(clock.rested(at, registry.follow().revision()).await);
    }

    /// A cluster without loops, its clock and the time it begins at.
    async fn cluster() -> (Store, Registry, Virtual, Timestamp) {
        let store = Store::memory(Options::default()).expect("a store in memory");
        let start = Timestamp::from_second(1_800_000_000).expect("in range");
        let clock = Virtual::at(start);
        let around = Surroundings::new(Clock::Virtual(clock.clone()), Some(1));
        let registry = Registry::new(store.handle(), "", Tokens::fresh(), Table::get(), (around, None));
        registry.bootstrap().await;
        (store, registry, clock, start)
    }

    async fn create_original(registry: &Registry) {
        let original = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "original", "namespace": "default"},
        });
        let create = Action::Create(original);
        execute::execute(registry, &mut Kinds::default(), &Copier.identity(), &create)
            .await
            .expect("a new object");
    }

    /// The objects of a kind in the namespace `default`.
    fn objects(registry: &Registry, kind: &Kind) -> Vec<Value> {
        let mut kinds = Kinds::default();
        let served = kinds.served(registry, kind).expect("a built-in kind");
        let stored = served.stored_as.clone().expect("a stored kind");
        registry.values(&stored, Some("default"))
    }

    #[tokio::test]
    async fn a_loop_sees_the_world_keeps_its_appointments_and_survives_a_restart() {
        let (_store, registry, clock, start) = cluster().await;
        let engine = || {
            let clock = Clock::Virtual(clock.clone());
            tokio::spawn(Engine::new(registry.clone(), clock, vec![Box::new(Copier)], None).run())
        };
        let find = |kind: &Kind, name: &str| {
            let objects = objects(&registry, kind).into_iter();
            objects
                .filter(|object| meta::name(object).starts_with(name))
                .count()
        };
        let first = engine();
        create_original(&registry).await;

        until_quiet(&clock, &registry, start + Span::new().seconds(59)).await;
        assert_eq!(find(&Kind::CONFIG_MAP, "copy"), 0);

        // Whatever the first engine knew goes with it.
        first.abort();
        let second = engine();
        until_quiet(&clock, &registry, start + Span::new().seconds(60)).await;
        assert_eq!(find(&Kind::CONFIG_MAP, "copy"), 1);
        assert_eq!(find(&Kind::EVENT, "original."), 1);
        second.abort();
    }

    #[tokio::test]
    async fn a_loop_that_never_rests_is_held_back_and_reported() {
        for writes in [false, true] {
            let (_store, registry, clock, start) = cluster().await;
            let loops: Vec<Box<dyn Loop>> = vec![Box::new(Restless { writes })];
            let mut engine = Engine::new(registry.clone(), Clock::Virtual(clock.clone()), loops, None);
            engine.pace = Pace::of(20);
            let engine = tokio::spawn(engine.run());
            create_original(&registry).await;
            until_quiet(&clock, &registry, start).await;
            let told: Vec<Value> = objects(&registry, &Kind::EVENT);
            let [event] = told.as_slice() else {
                panic!("{told:?}");
            };
            assert_eq!(event["reason"], "LoopDoesNotRest");
            assert_eq!(
                event["message"],
                "The loop copier wanted to look at ConfigMap default/original again and again at \
                 2027-01-15T08:00:00Z: it has to wait for 5ms",
            );
            engine.abort();
        }
    }
}
