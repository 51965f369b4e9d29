//! Applying and deleting the objects of a plan.

use std::collections::HashMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use objects::{Key, Kind, meta};
use release::{Action, Change, HandOver, MANAGER, Prune, wave};
use serde_json::{Value, json};

use super::wait::{self, Until, Waited};
use super::{Error, Work, stored};
use crate::{Apply, At, Cluster, Delete, Patch, Propagation, Resource, Why};

/// The most objects that are applied at once; the cluster's own limit is below this if it is set so.
const AT_ONCE: usize = 16;

/// How often fields are taken over from an object that others write meanwhile: a rollout writes a status a few times a
/// second, and each try takes a few milliseconds.
const TAKE_OVERS: usize = 8;

/// Applies the changes wave by wave and says what the cluster made of them, in the same order. An object that is as it
/// should be is not asked for again if it is `known` what it is now.
pub(crate) async fn apply(
    work: &Work<'_>,
    changes: &[Change],
    known: Option<&HashMap<Key, Value>>,
    force_conflicts: bool,
) -> Result<Vec<Waited>, Error> {
    let mut applied = Vec::with_capacity(changes.len());
    let mut waves: Vec<usize> = changes
        .iter()
        .map(|change| wave(&change.object.key.kind.name))
        .collect();
    waves.sort_unstable();
    waves.dedup();
    for number in waves {
        let of_wave = changes
            .iter()
            .filter(|change| wave(&change.object.key.kind.name) == number);
        let each: Vec<BoxFuture<'_, _>> = of_wave
            .map(|change| apply_one(work, change, known, force_conflicts).boxed())
            .collect();
        let made: Vec<Waited> = stream::iter(each).buffered(AT_ONCE).try_collect().await?;
        establish(work, &made).await?;
        applied.extend(made);
    }
    Ok(applied)
}

/// Applies the objects of `crds/` that the cluster does not have yet, as Helm does: an existing one is the
/// administrator's affair.
pub(crate) async fn apply_crds(work: &Work<'_>, crds: &[manifest::Object]) -> Result<(), Error> {
    let cluster = work.cluster;
    let mut made = Vec::new();
    for crd in crds {
        let resource = cluster.served(&crd.api_version, &crd.key).await?;
        if cluster.get(resource.at("", &crd.key.name)).await?.is_none() {
            let live = cluster
                .apply(resource.at("", &crd.key.name), &crd.value, how(false))
                .await?;
            work.watching.tell_changed(&crd.key, "created");
            made.push(Waited {
                resource,
                key: crd.key.clone(),
                live,
            });
        }
    }
    establish(work, &made).await
}

/// Custom kinds are there once their definitions are established; what comes next may be of such a kind.
async fn establish(work: &Work<'_>, made: &[Waited]) -> Result<(), Error> {
    let crds: Vec<Waited> = made
        .iter()
        .filter(|one| one.key.kind == Kind::CUSTOM_RESOURCE_DEFINITION)
        .cloned()
        .collect();
    if crds.is_empty() {
        return Ok(());
    }
    wait::wait(work, crds, Until::HEALTHY).await?;
    work.cluster.forget().await;
    Ok(())
}

async fn apply_one(
    work: &Work<'_>,
    change: &Change,
    known: Option<&HashMap<Key, Value>>,
    force_conflicts: bool,
) -> Result<Waited, Error> {
    let cluster = work.cluster;
    let Change {
        object,
        action,
        hand_over,
    } = change;
    let (namespace, name) = (&object.key.namespace, &object.key.name);
    let resource = cluster.served(&object.api_version, &object.key).await?;
    let at = resource.at(namespace, name);
    if *action == Action::Nothing {
        let live = match known.and_then(|known| known.get(&object.key)) {
            Some(live) => Some(live.clone()),
            None => cluster.get(at).await?,
        };
        if let Some(live) = live {
            return Ok(Waited {
                resource,
                key: object.key.clone(),
                live,
            });
        }
    }
    if let Some(first) = hand_over {
        take_over(cluster, at, first, &object.api_version).await?;
    }
    let live = cluster.apply(at, &object.value, how(force_conflicts)).await?;
    work.watching.tell_changed(
        &object.key,
        match action {
            Action::Create => "created",
            Action::Adopt => "adopted",
            Action::Update | Action::Nothing => "applied",
        },
    );
    Ok(Waited {
        resource,
        key: object.key.clone(),
        live,
    })
}

/// Makes the fields of earlier managers ours, of the object as it is then: a controller that writes a status is no reason
/// to leave them where they are.
async fn take_over(cluster: &Cluster, at: At<'_>, first: &HandOver, api_version: &str) -> Result<(), Error> {
    let mut hand_over = first.clone();
    for _ in 0..TAKE_OVERS {
        let patch = json!({"metadata": {
            "resourceVersion": hand_over.resource_version, "managedFields": hand_over.managed_fields}});
        match cluster.patch(at, Patch::Merge(&patch), stored::how()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is(&Why::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        match cluster
            .get(at)
            .await?
            .and_then(|live| HandOver::of(&live, api_version))
        {
            Some(again) => hand_over = again,
            None => return Ok(()),
        }
    }
    // The fields stay theirs, and applying says so.
    Ok(())
}

/// What became of objects that were to be deleted.
#[derive(Default)]
pub(crate) struct Pruned {
    /// Those that go, to be waited for.
    pub(crate) leaving: Vec<Waited>,
    /// Those that are not as they were left, and stay until somebody has looked at them.
    pub(crate) touched: Vec<Key>,
}

/// Deletes what a plan prunes, in its order.
pub(crate) async fn prune(
    work: &Work<'_>,
    prune: &[Prune],
    live: &HashMap<Key, Value>,
) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    for one in prune {
        // A kind that is no longer served took its objects along.
        let Some(resource) = work
            .cluster
            .resource(&one.api_version, &one.key.kind.name)
            .await?
        else {
            continue;
        };
        let only = Only {
            uid: &one.uid,
            resource_version: one.resource_version.as_deref().unwrap_or_default(),
        };
        let is_it = delete(work.cluster, &resource, &one.key, only).await?;
        if !is_it && one.resource_version.is_some() {
            pruned.touched.push(one.key.clone());
            continue;
        }
        work.watching.tell_changed(&one.key, "deleted");
        pruned.leaving.push(Waited {
            resource,
            key: one.key.clone(),
            live: live.get(&one.key).cloned().unwrap_or_else(|| as_left(one)),
        });
    }
    Ok(pruned)
}

/// An object that nobody has looked at, as far as a watch of it needs to know.
fn as_left(one: &Prune) -> Value {
    json!({"metadata": {"name": &*one.key.name, "namespace": &*one.key.namespace, "uid": one.uid,
        "resourceVersion": one.resource_version}})
}

/// Which incarnation of an object is deleted, and in which state; empty for any.
#[derive(Clone, Copy, Default)]
pub(crate) struct Only<'a> {
    pub(crate) uid: &'a str,
    pub(crate) resource_version: &'a str,
}

/// Deletes an object, and says whether it was the one that is meant; one that is gone is as good.
pub(crate) async fn delete(
    cluster: &Cluster,
    resource: &Resource,
    key: &Key,
    only: Only<'_>,
) -> Result<bool, Error> {
    let how = Delete {
        uid: only.uid,
        resource_version: only.resource_version,
        propagation: Some(Propagation::Background),
        ..Delete::default()
    };
    match cluster.delete(resource.at(&key.namespace, &key.name), how).await {
        Ok(_) => Ok(true),
        Err(error) if error.is(&Why::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The lowest `resourceVersion` of some objects: a watch from there misses nothing of them.
pub(crate) fn oldest<'a>(objects: impl Iterator<Item = &'a Value>) -> String {
    let versions = objects.map(|object| meta::resource_version(object).parse::<u64>().ok());
    let oldest = versions
        .collect::<Option<Vec<u64>>>()
        .and_then(|all| all.into_iter().min());
    oldest.map(|version| version.to_string()).unwrap_or_default()
}

fn how(force: bool) -> Apply<'static> {
    Apply {
        manager: MANAGER,
        force,
        dry_run: false,
    }
}
