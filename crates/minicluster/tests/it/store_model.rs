//! The store in memory against a model that is too simple to be wrong: a list of all states.

use std::collections::BTreeMap;

use minicluster::store::{At, Error, EventKind, Expected, Handle, Options, Query, Store};
use proptest::prelude::*;

use crate::store_samples::{content, draft, key, resource};

/// How many events the store under test remembers of a resource.
const HISTORY: usize = 12;

#[derive(Clone, Debug)]
enum Step {
    Write {
        resource: usize,
        name: usize,
        verb: Verb,
        stale: bool,
    },
    Compact {
        resource: usize,
        back: u64,
    },
    List {
        resource: usize,
        namespace: Option<usize>,
        back: u64,
        limit: usize,
    },
    Watch {
        resource: usize,
        namespace: Option<usize>,
        back: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Create,
    Update,
    Delete,
}

const RESOURCES: [&str; 2] = ["pods", "services"];
const NAMESPACES: [&str; 3] = ["a", "a-b", "b"];
const NAMES: [&str; 5] = ["a/x", "a/y", "a-b/x", "b/x", "b/xx"];

/// One event of the model: path, kind and content.
type Told = (u64, String, EventKind, String);

/// The objects of one resource: path to revision and content.
type State = BTreeMap<String, (u64, String)>;

#[derive(Default)]
struct Model {
    revision: u64,
    /// The state of both resources at each revision from 1 on.
    states: Vec<[State; 2]>,
    events: [Vec<Told>; 2],
    compacted: [u64; 2],
}

impl Model {
    fn new() -> Self {
        Self {
            revision: 1,
            states: vec![Default::default()],
            compacted: [1, 1],
            ..Self::default()
        }
    }

    fn now(&self, resource: usize) -> &State {
        &self.states.last().unwrap()[resource]
    }

    /// Writes if the write is allowed.
    fn write(&mut self, (resource, path): (usize, &str), verb: Verb, expected: Expected, text: &str) -> bool {
        let current = self.now(resource).get(path).cloned();
        let allowed = match (verb, &current, expected) {
            (Verb::Create, current, _) => current.is_none(),
            (_, None, _) => false,
            (_, Some(_), Expected::Any) => true,
            (_, Some((at, _)), Expected::Revision(expected)) => *at == expected,
        };
        if !allowed {
            return false;
        }
        self.revision += 1;
        let mut state = self.states.last().unwrap().clone();
        let (kind, text) = match verb {
            Verb::Create => (EventKind::Added, text.to_owned()),
            Verb::Update => (EventKind::Modified, text.to_owned()),
            Verb::Delete => (EventKind::Deleted, current.unwrap().1),
        };
        match kind {
            EventKind::Deleted => state[resource].remove(path),
            _ => state[resource].insert(path.to_owned(), (self.revision, text.clone())),
        };
        self.states.push(state);
        let events = &mut self.events[resource];
        events.push((self.revision, path.to_owned(), kind, text));
        let remembered = events
            .iter()
            .filter(|event| event.0 > self.compacted[resource])
            .count();
        if remembered > HISTORY {
            self.compacted[resource] = events[events.len() - HISTORY - 1].0;
        }
        true
    }

    fn list(&self, resource: usize, namespace: Option<&str>, revision: u64) -> Vec<(String, (u64, String))> {
        let state = &self.states[usize::try_from(revision).unwrap() - 1][resource];
        let inside = |path: &str| namespace.is_none_or(|ns| path.split_once('/').unwrap().0 == ns);
        state
            .iter()
            .filter(|(path, _)| inside(path))
            .map(|(path, at)| (path.clone(), at.clone()))
            .collect()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let resource = 0..RESOURCES.len();
    let namespace = proptest::option::of(0..NAMESPACES.len());
    let verb = prop_oneof![
        Just(Verb::Create),
        Just(Verb::Update),
        Just(Verb::Update),
        Just(Verb::Delete)
    ];
    prop_oneof![
        6 => (resource.clone(), 0..NAMES.len(), verb, proptest::bool::weighted(0.1))
            .prop_map(|(resource, name, verb, stale)| Step::Write { resource, name, verb, stale }),
        1 => (resource.clone(), 0..20u64).prop_map(|(resource, back)| Step::Compact { resource, back }),
        2 => (resource.clone(), namespace.clone(), 0..20u64, 0..4usize)
            .prop_map(|(resource, namespace, back, limit)| Step::List { resource, namespace, back, limit }),
        2 => (resource, namespace, 0..20u64)
            .prop_map(|(resource, namespace, back)| Step::Watch { resource, namespace, back }),
    ]
}

fn write(handle: &Handle, model: &mut Model, step: (usize, usize, Verb, bool)) {
    let (resource, name, verb, stale) = step;
    let key = key(&format!("{}/{}", RESOURCES[resource], NAMES[name]));
    let text = format!("c{}", model.revision);
    let expected = match handle.get(&key) {
        Some(_) if stale => Expected::Revision(1),
        Some(object) => Expected::Revision(object.revision()),
        None => Expected::Any,
    };
    let allowed = model.write((resource, NAMES[name]), verb, expected, &text);
    let outcome = match verb {
        Verb::Create => handle.create(key, draft(&text)).wait(),
        Verb::Update => handle.update(key, expected, draft(&text)).wait(),
        Verb::Delete => handle.delete(key, expected).wait(),
    };
    assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
    assert_eq!(handle.revision(), model.revision);
}

fn check_list(handle: &Handle, model: &Model, step: (usize, Option<usize>, u64, usize)) {
    let (kind, namespace, back, limit) = step;
    let namespace = namespace.map(|index| NAMESPACES[index]);
    let at = model.revision.saturating_sub(back).max(1);
    let mut seen = Vec::new();
    let expected = model.list(kind, namespace, at);
    let mut token = None;
    loop {
        let query = Query {
            namespace,
            at: At::Exact(at),
            limit: Some(limit),
            after: token.as_ref(),
            keep: None,
            field: None,
        };
        let page = match handle.list(&resource(RESOURCES[kind]), &query) {
            Ok(page) => page,
            Err(Error::Expired { requested, oldest }) => {
                assert_eq!((requested, oldest), (at, model.compacted[kind]));
                assert!(at < oldest);
                return;
            }
            Err(error) => panic!("{error}"),
        };
        assert!(at >= model.compacted[kind]);
        assert_eq!(page.revision, at);
        seen.extend(page.objects.iter().map(|object| {
            let path = format!("{}/{}", object.key().namespace().unwrap(), object.key().name());
            (path, (object.revision(), content(object)))
        }));
        let left = expected.len() - seen.len();
        assert_eq!(page.remaining, (left > 0).then_some(left));
        let Some(next) = page.next else { break };
        assert_eq!(page.objects.len(), limit);
        token = Some(next);
    }
    assert_eq!(seen, expected);
}

fn check_watch(handle: &Handle, model: &Model, step: (usize, Option<usize>, u64)) {
    let (kind, namespace, back) = step;
    let namespace = namespace.map(|index| NAMESPACES[index]);
    let from = model.revision.saturating_sub(back).max(1);
    let mut watcher = match handle.watch(&resource(RESOURCES[kind]), namespace, from) {
        Ok(watcher) => watcher,
        Err(Error::Expired { requested, oldest }) => {
            assert_eq!((requested, oldest), (from, model.compacted[kind]));
            assert!(from < oldest);
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(from >= model.compacted[kind]);
    let inside = |path: &str| namespace.is_none_or(|ns| path.split_once('/').unwrap().0 == ns);
    let expected: Vec<_> = model.events[kind]
        .iter()
        .filter(|event| event.0 > from && inside(&event.1))
        .cloned()
        .collect();
    let events = watcher.try_next().unwrap();
    let seen: Vec<Told> = events
        .iter()
        .map(|event| {
            let path = format!("{}/{}", event.key().namespace().unwrap(), event.key().name());
            (event.revision(), path, event.kind, content(&event.object))
        })
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(watcher.progress(), model.revision);
    for event in events {
        let path = format!("{}/{}", event.key().namespace().unwrap(), event.key().name());
        let before = &model.states[usize::try_from(event.revision()).unwrap() - 2][kind];
        let before = before
            .get(&path)
            .map(|(revision, text)| (*revision, text.clone()));
        assert_eq!(
            event
                .previous
                .as_ref()
                .map(|object| (object.revision(), content(object))),
            before
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..150)) {
        let options = Options { history_events: HISTORY, ..Options::default() };
        let store = Store::memory(options).unwrap();
        let handle = store.handle();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Write { resource, name, verb, stale } => {
                    write(&handle, &mut model, (resource, name, verb, stale));
                }
                Step::Compact { resource: kind, back } => {
                    let until = model.revision.saturating_sub(back).max(1);
                    model.compacted[kind] = model.compacted[kind].max(until);
                    handle.compact(&resource(RESOURCES[kind]), until).unwrap();
                }
                Step::List { resource, namespace, back, limit } => {
                    check_list(&handle, &model, (resource, namespace, back, limit));
                }
                Step::Watch { resource, namespace, back } => {
                    check_watch(&handle, &model, (resource, namespace, back));
                }
            }
        }
        let stats = handle.stats();
        prop_assert_eq!(stats.objects, model.now(0).len() + model.now(1).len());
        handle.compact(&resource("pods"), model.revision).unwrap();
        handle.compact(&resource("services"), model.revision).unwrap();
        prop_assert_eq!(handle.stats().history_bytes, 0);
    }
}
