//! Small objects and short words for the tests of the store.

use std::sync::Arc;

use minicluster::store::{
    Draft, Event, EventKind, Handle, Key, Object, Options, Page, Pairs, Query, Resource, Store,
};
use serde_json::json;

pub fn resource(plural: &str) -> Resource {
    Resource::new("", plural).unwrap()
}

/// `plural/namespace/name`, or `plural/name`.
pub fn key(text: &str) -> Key {
    match text.split('/').collect::<Vec<_>>()[..] {
        [plural, namespace, name] => Key::new(&resource(plural), Some(namespace), name).unwrap(),
        [plural, name] => Key::new(&resource(plural), None, name).unwrap(),
        _ => panic!("no key: {text}"),
    }
}

pub fn draft(content: &str) -> Draft {
    let value = json!({"metadata": {"labels": {"content": content}}, "data": content});
    Draft::new(&value, Pairs::default()).unwrap()
}

pub fn content(object: &Object) -> String {
    let value = object.value().unwrap();
    assert_eq!(
        value["metadata"]["resourceVersion"],
        object.revision().to_string()
    );
    assert_eq!(*object.labels()[0].1, *value["data"].as_str().unwrap());
    value["data"].as_str().unwrap().to_owned()
}

pub fn memory() -> (Store, Handle) {
    let store = Store::memory(Options::default()).unwrap();
    let handle = store.handle();
    (store, handle)
}

/// `name=content` of each object of a page.
pub fn names(page: &Page) -> Vec<String> {
    page.objects
        .iter()
        .map(|object| format!("{}={}", object.key().name(), content(object)))
        .collect()
}

pub fn list(handle: &Handle, plural: &str, query: &Query<'_>) -> Page {
    handle.list(&resource(plural), query).unwrap()
}

/// `revision kind name=content` of each event.
pub fn told(events: &[Arc<Event>]) -> Vec<String> {
    let kind = |event: &Event| match event.kind {
        EventKind::Added => "+",
        EventKind::Modified => "~",
        EventKind::Deleted => "-",
    };
    let tell = |event: &Arc<Event>| {
        format!(
            "{} {}{}={}",
            event.revision(),
            kind(event),
            event.key().name(),
            content(&event.object)
        )
    };
    events.iter().map(tell).collect()
}
