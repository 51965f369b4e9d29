//! Waits until something holds of an object of a cluster, by a watch.

use std::time::Duration;

use cluster::{Cluster, Event, ListQuery};
use serde_json::Value;

use crate::Failure;

/// Waits at most so long, and says whether it came to hold.
///
/// # Errors
/// The cluster does not answer, or does not serve the kind.
pub(crate) async fn until(
    cluster: &Cluster,
    (api_version, kind): (&str, &str),
    (namespace, name): (&str, &str),
    patience: Duration,
    holds: impl Fn(&Value) -> bool,
) -> Result<bool, Failure> {
    let Some(resource) = cluster.resource(api_version, kind).await? else {
        return Ok(false);
    };
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    let mut watch = cluster.watch(&resource, namespace, &ListQuery::named(name), "");
    let watching = async {
        loop {
            let seen = match watch.next().await? {
                Event::Added(object) | Event::Modified(object) => Some(object),
                Event::Deleted(_) => None,
                Event::Relisted(objects) => objects.into_iter().next(),
            };
            if seen.as_ref().is_some_and(&holds) {
                return Ok::<(), Failure>(());
            }
        }
    };
    match tokio::time::timeout(patience, watching).await {
        Ok(watched) => watched.map(|()| true),
        Err(_) => Ok(false),
    }
}
