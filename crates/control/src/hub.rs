//! The hub: the cluster that holds the custom resources, read and reported to by their Rust types.

use cluster::{Apply, Cluster, Error as ClusterError, ListQuery, Patch, Resource, Why, Write};
use kinds::condition::Condition;
use kinds::{API_VERSION, Kind, Object};
use objects::condition;
use serde_json::{Value, json};
use tokio::time::{Duration, timeout};

use crate::error::Error;

/// The name under which the loops write.
pub const MANAGER: &str = "shipway-controller";

/// How long a new kind may take to be served. A real API server takes a second or two.
const ESTABLISHED: Duration = Duration::from_secs(30);

/// A hub. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub {
    cluster: Cluster,
}

impl Hub {
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Installs the kinds, or brings them up to date, and waits until they are served.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn install(&self, crds: &[Value]) -> Result<(), Error> {
        let definitions = self
            .builtin("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            .await?;
        let how = Apply {
            manager: MANAGER,
            force: true,
            dry_run: false,
        };
        for crd in crds {
            let name = objects::meta::name(crd);
            let applied = self.cluster.apply(definitions.at("", name), crd, how).await?;
            if !condition::is_true(&applied, "Established") {
                let waited = timeout(ESTABLISHED, self.established(&definitions, name)).await;
                waited.map_err(|_| Error::NotServed {
                    name: name.to_owned(),
                })??;
            }
        }
        self.cluster.forget().await;
        Ok(())
    }

    async fn established(&self, definitions: &Resource, name: &str) -> Result<(), Error> {
        let mut watch = self.cluster.watch(definitions, None, &ListQuery::named(name), "");
        loop {
            let is_served = |object: &Value| condition::is_true(object, "Established");
            let done = match watch.next().await? {
                cluster::Event::Added(object) | cluster::Event::Modified(object) => is_served(&object),
                cluster::Event::Relisted(objects) => objects.iter().any(is_served),
                cluster::Event::Deleted(_) => false,
            };
            if done {
                return Ok(());
            }
        }
    }

    /// How the hub serves a kind of ours.
    ///
    /// # Errors
    /// [`Error::NoKind`] if it does not.
    pub async fn kind<K: Kind>(&self) -> Result<Resource, Error> {
        let found = self.cluster.resource(API_VERSION, K::NAME).await?;
        found.ok_or(Error::NoKind { kind: K::NAME })
    }

    /// A kind that every cluster has.
    pub(crate) async fn builtin(
        &self,
        api_version: &'static str,
        kind: &'static str,
    ) -> Result<Resource, Error> {
        builtin(&self.cluster, api_version, kind).await
    }

    /// All objects of a kind.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list<K: Kind>(&self) -> Result<Vec<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let listed = self.cluster.list(&kind, None, &ListQuery::default()).await?;
        let read = listed
            .items
            .iter()
            .map(|item| Object::read(item).map_err(Error::from));
        read.collect()
    }

    /// One object of a kind without namespaces.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get<K: Kind>(&self, name: &str) -> Result<Option<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let found = self.cluster.get(kind.at("", name)).await?;
        found
            .map(|object| Object::read(&object).map_err(Error::from))
            .transpose()
    }

    /// Reports a status, unless it is the one that is there. An object that is gone needs none, and one that changed
    /// meanwhile is looked at again anyway.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn report<K: Kind>(&self, object: &Object<K>, status: &K::Status) -> Result<(), Error> {
        if object.status == *status {
            return Ok(());
        }
        let before = serde_json::to_value(&object.status).unwrap_or_default();
        let mut status = serde_json::to_value(status).unwrap_or_default();
        clear_missing(&before, &mut status);
        let patch = json!({"metadata": {"uid": object.metadata.uid}, "status": status});
        self.patch::<K>(object, "status", &patch).await
    }

    /// Sets the finalizers of an object; refused if it has changed since it was read.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_finalizers<K: Kind>(
        &self,
        object: &Object<K>,
        finalizers: &[String],
    ) -> Result<(), Error> {
        let version = &object.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version, "finalizers": finalizers}});
        self.patch::<K>(object, "", &patch).await
    }

    /// Reports conditions; refused if the object has changed since it was read, as others may have reported meanwhile.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn set_conditions<K: Kind>(
        &self,
        object: &Object<K>,
        conditions: &[Condition],
    ) -> Result<(), Error> {
        let version = &object.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version}, "status": {"conditions": conditions}});
        self.patch::<K>(object, "status", &patch).await
    }

    async fn patch<K: Kind>(
        &self,
        object: &Object<K>,
        subresource: &str,
        patch: &Value,
    ) -> Result<(), Error> {
        let kind = self.kind::<K>().await?;
        let at = kind
            .at(&object.metadata.namespace, &object.metadata.name)
            .subresource(subresource);
        let how = Write {
            manager: MANAGER,
            ..Write::default()
        };
        match self.cluster.patch(at, Patch::Merge(patch), how).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.why(), Some(Why::NotFound)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A kind that every cluster has.
pub(crate) async fn builtin(
    cluster: &Cluster,
    api_version: &'static str,
    kind: &'static str,
) -> Result<Resource, Error> {
    let found = cluster.resource(api_version, kind).await?;
    found.ok_or(Error::NotServed {
        name: format!("{kind} ({api_version})"),
    })
}

/// A merge patch leaves alone what it does not name, so fields that went have to be named.
fn clear_missing(before: &Value, after: &mut Value) {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object_mut()) else {
        return;
    };
    for (field, old) in before {
        match after.get_mut(field) {
            None => drop(after.insert(field.clone(), Value::Null)),
            Some(new) => clear_missing(old, new),
        }
    }
}

impl From<ClusterError> for Error {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}
