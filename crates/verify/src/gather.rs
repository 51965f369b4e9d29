//! What a rehearsal left in its cluster: the events, the logs of its pods, and the objects of its namespaces.
//!
//! What can't be read is told in its place and stops nothing: the verdict is known already.

use std::collections::BTreeSet;

use cluster::{Catalog, Cluster, ListQuery, Resource};
use manifest::{Change, Object, mask};
use objects::{Kind, meta};
use serde_json::{Value, json};

/// The most namespaces that are read; a release is in one or two.
const NAMESPACES: usize = 10;

/// The most objects of a kind in a namespace, pods whose logs are read, and lines of each.
const OBJECTS: usize = 500;
const PODS: usize = 50;
const LINES: u32 = 200;

/// Repeats of other kinds, or answers to questions.
const LEFT_OUT: &[&str] = &["events.k8s.io", "metrics.k8s.io"];

/// What is left, by its kind: `event`, `log`, `object` or `unread`.
pub(crate) type Items = Vec<(&'static str, Value)>;

/// Gathers what is in the release's namespaces, and those of `owned` that have none.
pub(crate) async fn gather(cluster: &Cluster, namespace: &str, owned: &[&Object]) -> Items {
    let catalog = match cluster.catalog().await {
        Ok(catalog) => catalog,
        Err(error) => return vec![unread("the kinds", &error)],
    };
    let mut namespaces = BTreeSet::from([namespace]);
    namespaces.extend(owned.iter().map(|object| object.key.namespace.as_ref()));
    namespaces.retain(|one| !one.is_empty());
    let (mut events, mut logs, mut objects) = (Items::new(), Items::new(), Items::new());
    for namespace in namespaces.into_iter().take(NAMESPACES) {
        for resource in listed(&catalog) {
            let query = ListQuery {
                limit: Some(OBJECTS),
                ..ListQuery::default()
            };
            match cluster.list(resource, Some(namespace), &query).await {
                Err(error) => objects.push(unread(&format!("{} in {namespace}", resource.kind), &error)),
                Ok(found) if *resource.kind.name == *"Event" => {
                    events.extend(found.items.into_iter().map(|item| ("event", shown(item))));
                }
                Ok(found) => {
                    if resource.kind == Kind::POD {
                        logs.extend(logs_of(cluster, resource, &found.items).await);
                    }
                    objects.extend(found.items.into_iter().map(|item| ("object", shown(item))));
                }
            }
        }
    }
    objects.extend(wide(cluster, &catalog, owned).await);
    events.into_iter().chain(logs).chain(objects).collect()
}

/// The kinds that have a namespace and can be listed, each once.
fn listed(catalog: &Catalog) -> Vec<&Resource> {
    let is_it = |one: &&Resource| {
        one.namespaced
            && one.has_verb("list")
            && !LEFT_OUT.contains(&one.kind.group.as_ref())
            && catalog
                .preferred(&one.kind)
                .is_some_and(|preferred| preferred == *one)
    };
    let mut all: Vec<&Resource> = catalog.resources().filter(is_it).collect();
    all.sort_by(|a, b| a.kind.cmp(&b.kind));
    all
}

/// The release's objects of kinds without a namespace.
async fn wide(cluster: &Cluster, catalog: &Catalog, owned: &[&Object]) -> Items {
    let mut items = Items::new();
    let mut seen = BTreeSet::new();
    for object in owned {
        let key = &object.key;
        let resource = catalog.find(&object.api_version, &key.kind.name);
        let Some(resource) = resource.filter(|resource| !resource.namespaced && seen.insert(key)) else {
            continue;
        };
        match cluster.get(resource.at("", &key.name)).await {
            Ok(Some(found)) => items.push(("object", shown(found))),
            Ok(None) => {}
            Err(error) => items.push(unread(&key.to_string(), &error)),
        }
    }
    items
}

async fn logs_of(cluster: &Cluster, resource: &Resource, pods: &[Value]) -> Items {
    let mut items = Items::new();
    for pod in pods.iter().take(PODS) {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        let first = meta::list_at(pod, "/spec/initContainers").iter();
        for container in first.chain(meta::list_at(pod, "/spec/containers")) {
            let container = meta::text(container, "name");
            let at = resource.at(namespace, name);
            // A simulated container has no log, nor has one that never started.
            let Ok(text) = cluster.logs(at, container, LINES, false).await else {
                continue;
            };
            if !text.is_empty() {
                items.push((
                    "log",
                    json!({"namespace": namespace, "pod": name, "container": container, "text": text}),
                ));
            }
        }
    }
    items
}

fn unread(what: &str, error: &cluster::Error) -> (&'static str, Value) {
    (
        "unread",
        json!({"what": what, "why": crate::failure::chain(error)}),
    )
}

/// An object as it may be kept: who manages which field is noise, and what a Secret holds is nobody's.
fn shown(object: Value) -> Value {
    let kind = Kind::of(&object);
    let mut whole = [Change {
        path: String::new(),
        before: None,
        after: Some(object),
    }];
    mask(&mut whole, &kind);
    let [Change { after, .. }] = whole;
    let mut object = after.unwrap_or_default();
    let metadata = meta::map_mut(&mut object, &["metadata"]);
    metadata.remove("managedFields");
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        // It repeats the whole object, also that of a Secret.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_kept() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "aHVudGVyMg=="}, "stringData": {"l": "hunter2"},
            "metadata": {"name": "s", "managedFields": [{}], "annotations": {"a": "b",
                "kubectl.kubernetes.io/last-applied-configuration": "hunter2"}}});
        let kept = shown(secret);
        let expected = json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "(secret, 7 bytes)"},
            "stringData": {"l": "(secret, 7 bytes)"}, "metadata": {"name": "s", "annotations": {"a": "b"}}});
        assert_eq!(kept, expected);
    }
}
