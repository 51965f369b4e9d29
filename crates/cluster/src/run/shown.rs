//! What of a release is live, as `status` shows it: each object, and the pods of what has pods, by kind.
//!
//! Helm shows the same under the same titles; where it takes the kinds in no particular order, here they are in the
//! manifest's.

use futures::stream::{self, StreamExt, TryStreamExt};
use manifest::Object;
use objects::meta;
use release::Record;
use serde_json::{Value, json};

use super::{Error, Release, survey};
use crate::{Cluster, ListQuery, Why};

/// The most reads at once; the cluster's own limit is below this if it is set so.
const AT_ONCE: usize = 16;

/// What is under a workload, as Helm calls it.
const PODS: &str = "v1/Pod(related)";

/// The kinds that have pods by a selector.
const WORKLOADS: [&str; 6] = [
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

/// How live objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Objects,
    /// As the server prints them for people.
    Tables,
}

impl Release {
    /// The live objects of a revision under titles such as `v1/ConfigMap`, without those that are gone or may not be seen.
    ///
    /// # Errors
    /// When the cluster can't be read.
    pub async fn shown(&self, record: &Record, how: Shown) -> Result<Vec<(String, Vec<Value>)>, Error> {
        let objects = manifest::read(&record.manifest)?;
        let served = survey::served(&self.cluster, objects.iter()).await?;
        let objects = served.place_what_is_left(objects, &self.namespace);
        let reads = objects.iter().map(|object| read(&self.cluster, object, how));
        let found: Vec<Vec<(String, Value)>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let mut shown: Vec<(String, Vec<Value>)> = Vec::new();
        for (title, value) in found.into_iter().flatten() {
            match shown.iter_mut().find(|(known, _)| *known == title) {
                Some((_, values)) => values.push(value),
                None => shown.push((title, vec![value])),
            }
        }
        Ok(shown)
    }
}

/// An object with its title, and its pods with theirs.
async fn read(cluster: &Cluster, object: &Object, how: Shown) -> Result<Vec<(String, Value)>, Error> {
    let Some(resource) = cluster
        .resource(&object.api_version, &object.key.kind.name)
        .await?
    else {
        return Ok(Vec::new());
    };
    let at = resource.at(&object.key.namespace, &object.key.name);
    let found = match how {
        Shown::Objects => cluster.get(at).await,
        Shown::Tables => cluster.row(at).await,
    };
    let Some(found) = visible(found)? else {
        return Ok(Vec::new());
    };
    let mut shown = vec![(format!("{}/{}", resource.version, resource.kind.name), found)];
    if let Some(query) = selector(object) {
        let pods = pods(cluster, &object.key.namespace, &query, how).await;
        shown.extend(visible(pods.map(Some))?.map(|pods| (PODS.to_owned(), pods)));
    }
    Ok(shown)
}

async fn pods(
    cluster: &Cluster,
    namespace: &str,
    query: &ListQuery,
    how: Shown,
) -> Result<Value, crate::Error> {
    let Some(resource) = cluster.resource("v1", "Pod").await? else {
        return Ok(Value::Null);
    };
    match how {
        Shown::Tables => cluster.rows(&resource, namespace, query).await,
        Shown::Objects => {
            let listed = cluster.list(&resource, Some(namespace), query).await?;
            let metadata = json!({"resourceVersion": listed.resource_version});
            Ok(json!({"apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": listed.items}))
        }
    }
}

/// What may not be seen is left out: it is no reason not to show the rest.
fn visible(found: Result<Option<Value>, crate::Error>) -> Result<Option<Value>, Error> {
    match found {
        Ok(found) => Ok(found),
        Err(error) if error.is(&Why::Forbidden) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How the pods of an object are found, by the equalities of its selector; a Job mostly has none of its own.
fn selector(object: &Object) -> Option<ListQuery> {
    if !WORKLOADS.contains(&object.key.kind.name.as_ref()) {
        return None;
    }
    let labels = match object.key.kind.name.as_ref() {
        "ReplicationController" => "/spec/selector",
        _ => "/spec/selector/matchLabels",
    };
    let labels = meta::at(&object.value, labels)?.as_object()?;
    (!labels.is_empty()).then(|| ListQuery::matching(labels))
}
