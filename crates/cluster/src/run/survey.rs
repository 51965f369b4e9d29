//! What the cluster has under the names that a plan is about.
//!
//! Few requests: one list for several objects of a kind in a namespace, one read for a single object.

use std::collections::HashMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use manifest::Object;
use objects::{Key, Kind, meta};
use release::{Live, Scope, Served};
use serde_json::Value;

use crate::{Cluster, Error, ListQuery, Resource, Why};

/// The most objects of one page of a list. A namespace with more is asked for each object by its name.
const PAGE: usize = 500;

/// The most requests of a survey at once; the cluster's own limit is below this if it is set so.
const AT_ONCE: usize = 16;

/// The objects of one kind in one place that are asked for.
struct Group<'a> {
    resource: Resource,
    namespace: &'a str,
    keys: Vec<&'a Key>,
}

/// Finds out which of the kinds of some objects the cluster serves.
pub(crate) async fn served(
    cluster: &Cluster,
    objects: impl Iterator<Item = &Object>,
) -> Result<Served, Error> {
    let mut served = Served::default();
    let mut asked: Vec<(&str, &str)> = objects
        .map(|object| (object.api_version.as_str(), object.key.kind.name.as_ref()))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    for (api_version, kind) in asked {
        if let Some(resource) = cluster.resource(api_version, kind).await? {
            let scope = match resource.namespaced {
                true => Scope::Namespace,
                false => Scope::Cluster,
            };
            served.add(api_version, kind, scope);
        }
    }
    Ok(served)
}

/// Reads the live objects under the names of `objects`, which are placed.
pub(crate) async fn objects(
    cluster: &Cluster,
    objects: impl Iterator<Item = &Object>,
) -> Result<HashMap<Key, Value>, Error> {
    let mut groups: HashMap<(&str, &str, &str), Group<'_>> = HashMap::new();
    for object in objects {
        let key = &object.key;
        let of = (
            object.api_version.as_str(),
            key.kind.name.as_ref(),
            key.namespace.as_ref(),
        );
        if let Some(group) = groups.get_mut(&of) {
            if !group.keys.contains(&key) {
                group.keys.push(key);
            }
            continue;
        }
        // A kind that is not served yet has no objects.
        if let Some(resource) = cluster.resource(of.0, of.1).await? {
            let group = Group {
                resource,
                namespace: &key.namespace,
                keys: vec![key],
            };
            groups.insert(of, group);
        }
    }
    // Futures of a known type: a task could not hold a closure that borrows across an answer.
    let reads: Vec<BoxFuture<'_, _>> = groups
        .into_values()
        .map(|group| read(cluster, group).boxed())
        .collect();
    let found: Vec<Vec<(Key, Value)>> = stream::iter(reads)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn read(cluster: &Cluster, group: Group<'_>) -> Result<Vec<(Key, Value)>, Error> {
    let Group {
        resource,
        namespace,
        keys,
    } = group;
    let mut found = Vec::with_capacity(keys.len());
    let mut missing = keys;
    if missing.len() > 1 {
        let query = ListQuery {
            limit: Some(PAGE),
            ..ListQuery::default()
        };
        let listed = cluster.list(&resource, place(namespace), &query).await?;
        let mut by_name: HashMap<String, Value> = HashMap::new();
        for item in listed.items {
            by_name.insert(meta::name(&item).to_owned(), item);
        }
        missing.retain(|key| match by_name.remove(key.name.as_ref()) {
            Some(item) => {
                found.push(((*key).clone(), item));
                false
            }
            None => !listed.complete,
        });
    }
    for key in missing {
        if let Some(object) = cluster.get(resource.at(namespace, &key.name)).await? {
            found.push((key.clone(), object));
        }
    }
    Ok(found)
}

/// Everything that a plan for these objects is made against.
pub(crate) async fn live(cluster: &Cluster, all: &[&Object], quotas_of: &[&str]) -> Result<Live, Error> {
    let mut live = Live {
        objects: objects(cluster, all.iter().copied()).await?,
        ..Live::default()
    };
    let Some(quota) = cluster.resource("v1", &Kind::RESOURCE_QUOTA.name).await? else {
        return Ok(live);
    };
    for namespace in quotas_of {
        match cluster.list(&quota, Some(namespace), &ListQuery::default()).await {
            Ok(listed) => {
                live.quotas.insert((*namespace).to_owned(), listed.items);
            }
            // Whoever may not see quotas learns of them when one is passed.
            Err(error) if error.is(&Why::Forbidden) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(live)
}

fn place(namespace: &str) -> Option<&str> {
    Some(namespace).filter(|namespace| !namespace.is_empty())
}
