//! Records where they are kept: the Secrets of a release's namespace, or its ConfigMaps with Helm's other driver.

use std::time::Duration;

use jiff::Timestamp;
use objects::{Key, Kind, meta};
use release::storage::{self, Driver, Write as Purpose};
use release::{MANAGER, Record};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::Error;
use crate::{At, Cluster, Delete, Event, ListQuery, Resource, Why, Write};

/// The label by which Helm finds its records.
const OWNER: &str = "owner=helm";

/// The most records that one request deletes: their revisions are a selector, which is part of its address.
const AT_ONCE: usize = 100;

/// A record and the object that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) object: Value,
    pub(crate) driver: Driver,
}

/// The releases of a namespace or of the cluster.
#[derive(Debug)]
pub struct Releases {
    /// Every revision of every release, as they came.
    pub records: Vec<Record>,
    /// Objects that look like records and can't be read, with the reason.
    pub unreadable: Vec<String>,
}

impl Releases {
    /// Reads all of them; `labels` is a selector of the records' own labels.
    ///
    /// # Errors
    /// When the cluster can't be read. A record that can't be read is told in the answer.
    pub async fn read(
        cluster: &Cluster,
        namespace: Option<&str>,
        driver: Driver,
        labels: &str,
    ) -> Result<Self, Error> {
        let resource = resource(cluster, driver).await?;
        let selector = [OWNER, labels].into_iter().filter(|part| !part.is_empty());
        let query = ListQuery {
            labels: selector.collect::<Vec<_>>().join(","),
            ..ListQuery::default()
        };
        let mut releases = Self {
            records: Vec::new(),
            unreadable: Vec::new(),
        };
        for object in cluster.list(&resource, namespace, &query).await?.items {
            match storage::from_object(&object) {
                Ok(record) => releases.records.push(record),
                Err(error) => releases.unreadable.push(error.to_string()),
            }
        }
        Ok(releases)
    }
}

impl Stored {
    /// When it was last written, as far as it says.
    pub(crate) fn written(&self) -> Timestamp {
        let info = &self.record.info;
        let times = [info.deleted, info.last_deployed, info.first_deployed];
        times
            .into_iter()
            .flatten()
            .map(release::record::Time::instant)
            .max()
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Writes the record anew, if it is still as it was read.
    pub(crate) async fn update(
        &self,
        cluster: &Cluster,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut object = storage::to_object(record, self.driver, Purpose::Update(now))?;
        let resource = resource(cluster, self.driver).await?;
        let at = resource.at(&record.namespace, meta::name(&self.object));
        write_over(cluster, at, (&mut object, &self.object)).await?;
        Ok(())
    }

    /// Deletes the record, and no other that has its name by now.
    pub(crate) async fn delete(&self, cluster: &Cluster) -> Result<(), Error> {
        let resource = resource(cluster, self.driver).await?;
        let at = resource.at(&self.record.namespace, meta::name(&self.object));
        let how = Delete {
            uid: meta::uid(&self.object),
            ..Delete::default()
        };
        match cluster.delete(at, how).await {
            Err(error) if !error.is(&Why::Conflict) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Writes an object in the place of one, if that is still as it was read.
pub(crate) async fn write_over(
    cluster: &Cluster,
    at: At<'_>,
    (object, read): (&mut Value, &Value),
) -> Result<Value, crate::Error> {
    let version = json!(meta::resource_version(read));
    meta::map_mut(object, &["metadata"]).insert("resourceVersion".to_owned(), version);
    cluster.update(at, object, how()).await
}

/// Deletes several records of one release: many by one request, by their revisions.
pub(crate) async fn delete_all(cluster: &Cluster, all: &[&Stored]) -> Result<(), Error> {
    for some in all.chunks(AT_ONCE) {
        let [first, _, ..] = some else {
            each_deleted(cluster, some).await?;
            continue;
        };
        let record = &first.record;
        let revisions: Vec<String> = some
            .iter()
            .map(|stored| stored.record.revision.to_string())
            .collect();
        let labels = format!(
            "{},version in ({})",
            storage::selector(&record.name),
            revisions.join(",")
        );
        let resource = resource(cluster, first.driver).await?;
        match cluster.delete_all(&resource, &record.namespace, &labels).await {
            // Roles that were made for helm may say `delete` only.
            Err(error) if error.is(&Why::Forbidden) => each_deleted(cluster, some).await?,
            other => other?,
        }
    }
    Ok(())
}

async fn each_deleted(cluster: &Cluster, all: &[&Stored]) -> Result<(), Error> {
    for stored in all {
        stored.delete(cluster).await?;
    }
    Ok(())
}

/// Every revision of a release, oldest first.
pub(crate) async fn of_release(
    cluster: &Cluster,
    driver: Driver,
    namespace: &str,
    name: &str,
) -> Result<Vec<Stored>, Error> {
    let resource = resource(cluster, driver).await?;
    let query = ListQuery {
        labels: storage::selector(name),
        ..ListQuery::default()
    };
    let listed = cluster.list(&resource, Some(namespace), &query).await?;
    let mut revisions = Vec::with_capacity(listed.items.len());
    for object in listed.items {
        revisions.push(Stored {
            record: storage::from_object(&object)?,
            object,
            driver,
        });
    }
    revisions.sort_by_key(|stored| stored.record.revision);
    Ok(revisions)
}

/// Waits until a held record changes, its hold ends, or there is no time left.
pub(crate) async fn until_changed(
    cluster: &Cluster,
    stored: &Stored,
    (until, now): (Timestamp, Timestamp),
    give_up: Instant,
) -> Result<(), Error> {
    let resource = resource(cluster, stored.driver).await?;
    let (name, version) = (meta::name(&stored.object), meta::resource_version(&stored.object));
    let mut watch = cluster.watch(
        &resource,
        Some(&stored.record.namespace),
        &ListQuery::named(name),
        version,
    );
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    let deadline = give_up.min(Instant::now() + left);
    loop {
        let Ok(event) = timeout_at(deadline, watch.next()).await else {
            return Ok(());
        };
        match event? {
            Event::Added(object) | Event::Modified(object) if meta::resource_version(&object) == version => {}
            _ => return Ok(()),
        }
    }
}

/// How records are written.
pub(crate) fn how() -> Write<'static> {
    Write {
        manager: MANAGER,
        ..Write::default()
    }
}

/// The kind of object that a driver keeps records in.
pub(crate) async fn resource(cluster: &Cluster, driver: Driver) -> Result<Resource, Error> {
    let kind = Kind::new("", driver.kind());
    cluster.served("v1", &Key::new(kind, "", "")).await
}
