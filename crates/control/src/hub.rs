//! The hub: the cluster that holds the custom resources, read and reported to by their Rust types.

use cluster::{Apply, Cluster, Delete, Error as ClusterError, ListQuery, Patch, Resource, Why, Write};
use delivery::Name;
use kinds::condition::Condition;
use kinds::{API_VERSION, Kind, Object};
use objects::{condition, meta};
use serde_json::{Value, json};
use stdx::chain;
use tokio::time::{Duration, sleep, timeout};

use crate::error::Error;
use crate::sites::secret as secret_values;
use crate::written::PERSON;

/// The name under which the loops write.
pub const MANAGER: &str = "shipway-controller";

/// The Secret with the key that versions are signed with, and its place in it.
const SIGNING: &str = "shipway-signing";
const KEY: &str = "key.pem";

/// The wait after a failure to watch the hub, on top of those between the client's own tries.
pub(crate) const HUB_AGAIN: Duration = Duration::from_secs(2);

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

    /// As [`Hub::kind`], once it is served.
    pub(crate) async fn served<K: Kind>(&self) -> Resource {
        loop {
            match self.kind::<K>().await {
                Ok(kind) => return kind,
                Err(error) => {
                    tracing::warn!(kind = K::NAME, error = %chain(&error), "the kind can't be looked at");
                    sleep(HUB_AGAIN).await;
                }
            }
        }
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
        let status = difference::<K>(&object.status, status);
        let patch = json!({"metadata": {"uid": object.metadata.uid}, "status": status});
        self.patch::<K>(object, "status", &patch).await
    }

    /// Writes a status over the one that was read, and gives the object as it is then. Refused if the object has changed since;
    /// `None` if it is gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn set_status<K: Kind>(
        &self,
        object: &Object<K>,
        status: &K::Status,
    ) -> Result<Option<Object<K>>, Error> {
        let metadata = &object.metadata;
        let patch = json!({
            "metadata": {"uid": metadata.uid, "resourceVersion": metadata.resource_version},
            "status": difference::<K>(&object.status, status),
        });
        self.patched::<K>(object, "status", &patch).await
    }

    /// Writes fields of a spec, unless the object has changed since it was read; `None` if it is gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn set_spec<K: Kind>(
        &self,
        object: &Object<K>,
        fields: &Value,
    ) -> Result<Option<Object<K>>, Error> {
        let version = &object.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": fields});
        self.patched::<K>(object, "", &patch).await
    }

    /// Makes an object, and gives it as it is then, unless there is one of its name.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn create<K: Kind>(&self, object: &Object<K>) -> Result<Option<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let at = kind.at(&object.metadata.namespace, &object.metadata.name);
        let how = Write {
            manager: MANAGER,
            ..Write::default()
        };
        match self.cluster.create(at, &object.written(), how).await {
            Ok(made) => Ok(Some(Object::read(&made)?)),
            Err(error) if matches!(error.why(), Some(Why::Exists)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// One object of a kind with namespaces.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn find<K: Kind>(&self, name: &Name) -> Result<Option<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let found = self.cluster.get(kind.at(&name.namespace, &name.name)).await?;
        Ok(found.as_ref().map(Object::read).transpose()?)
    }

    /// Makes an object; `None` if there is one of its name.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn make<K: Kind>(&self, object: &Object<K>) -> Result<Option<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let at = kind.at(&object.metadata.namespace, &object.metadata.name);
        let how = Write {
            manager: PERSON,
            ..Write::default()
        };
        match self.cluster.create(at, &object.written(), how).await {
            Ok(made) => Ok(Some(Object::read(&made)?)),
            Err(error) if matches!(error.why(), Some(Why::Exists)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes an object for a person; `None` if it is not the one any more that the patch names.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn try_patch<K: Kind>(
        &self,
        object: &Object<K>,
        subresource: &str,
        patch: &Value,
    ) -> Result<Option<Object<K>>, Error> {
        self.patch_unless(PERSON, (object, subresource, patch), &Why::Conflict)
            .await
    }

    /// The private key with which versions are signed, kept in the hub: the one that is there, or this new one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn signing_key(&self, namespace: &str, new: &str) -> Result<String, Error> {
        apply_namespace(&self.cluster, namespace).await?;
        let kind = self.builtin("v1", "Secret").await?;
        let at = kind.at(namespace, SIGNING);
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SIGNING, "namespace": namespace},
            "immutable": true,
            "stringData": {KEY: new},
        });
        let how = Write {
            manager: MANAGER,
            ..Write::default()
        };
        if self.cluster.get(at).await?.is_none() {
            // Another replica may be faster; then its key counts.
            match self.cluster.create(at, &secret, how).await {
                Err(error) if matches!(error.why(), Some(Why::Exists)) => {}
                created => drop(created?),
            }
        }
        let place = kinds::SecretName {
            secret: SIGNING.to_owned(),
            namespace: namespace.to_owned(),
        };
        let values = secret_values(self, &place).await?;
        let key = values
            .get(KEY)
            .map(|key| String::from_utf8_lossy(key).into_owned());
        key.ok_or_else(|| Error::Mistake {
            problem: format!("the Secret {namespace}/{SIGNING} has no {KEY}"),
            cure: "delete it: another key is made, and what was signed with the old one has to be trusted with --trust"
                .to_owned(),
        })
    }

    /// Makes a tenant's namespace, unless he has it.
    ///
    /// # Errors
    /// It is somebody else's; otherwise see [`Error`].
    pub(crate) async fn make_home(&self, namespace: &str, tenant: &str) -> Result<(), Error> {
        let kind = self.builtin("v1", "Namespace").await?;
        let at = kind.at("", namespace);
        let Some(there) = self.cluster.get(at).await? else {
            let how = Write {
                manager: MANAGER,
                ..Write::default()
            };
            self.cluster
                .create(at, &tenancy::of_hub(namespace, tenant), how)
                .await?;
            return Ok(());
        };
        match meta::label(&there, tenancy::names::TENANT_LABEL) == Some(tenant) {
            true => Ok(()),
            false => Err(Error::Mistake {
                problem: format!("the namespace {namespace} of the hub is there, and not Tenant {tenant}'s"),
                cure: format!(
                    "if it is to be his: `kubectl label namespace {namespace} {}={tenant}`",
                    tenancy::names::TENANT_LABEL
                ),
            }),
        }
    }

    /// Deletes an object; one that is gone is fine.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn delete<K: Kind>(&self, namespace: &str, name: &str) -> Result<(), Error> {
        let kind = self.kind::<K>().await?;
        self.cluster
            .delete(kind.at(namespace, name), Delete::default())
            .await?;
        Ok(())
    }

    /// Deletes an object as it was read; `false` if it is not that any more.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn delete_read<K: Kind>(&self, object: &Object<K>) -> Result<bool, Error> {
        let kind = self.kind::<K>().await?;
        let metadata = &object.metadata;
        let how = Delete {
            resource_version: &metadata.resource_version,
            ..Delete::default()
        };
        match self
            .cluster
            .delete(kind.at(&metadata.namespace, &metadata.name), how)
            .await
        {
            Ok(is_gone) => Ok(is_gone),
            Err(error) if matches!(error.why(), Some(Why::Conflict)) => Ok(false),
            Err(error) => Err(error.into()),
        }
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

    /// Writes an annotation, whatever else somebody writes meanwhile.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn annotate<K: Kind>(
        &self,
        object: &Object<K>,
        name: &str,
        value: &str,
    ) -> Result<(), Error> {
        let patch = json!({"metadata": {"annotations": {name: value}}});
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
        self.patched::<K>(object, subresource, patch).await.map(drop)
    }

    async fn patched<K: Kind>(
        &self,
        object: &Object<K>,
        subresource: &str,
        patch: &Value,
    ) -> Result<Option<Object<K>>, Error> {
        self.patch_unless(MANAGER, (object, subresource, patch), &Why::NotFound)
            .await
    }

    /// Patches an object, and gives it as it is then; `None` if the cluster refuses for this one reason.
    async fn patch_unless<K: Kind>(
        &self,
        manager: &str,
        (object, subresource, patch): (&Object<K>, &str, &Value),
        reason: &Why,
    ) -> Result<Option<Object<K>>, Error> {
        let kind = self.kind::<K>().await?;
        let at = kind
            .at(&object.metadata.namespace, &object.metadata.name)
            .subresource(subresource);
        let how = Write {
            manager,
            ..Write::default()
        };
        match self.cluster.patch(at, Patch::Merge(patch), how).await {
            Ok(written) => Ok(Some(Object::read(&written)?)),
            Err(error) if error.why() == Some(reason) => Ok(None),
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

/// The merge patch from one status to another: what is the same is left out, as others may write beside us.
fn difference<K: Kind>(before: &K::Status, after: &K::Status) -> Value {
    let json = |status: &K::Status| serde_json::to_value(status).unwrap_or_default();
    merge_patch(&json(before), json(after))
}

fn merge_patch(before: &Value, after: Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, &after) else {
        return after;
    };
    let mut patch = serde_json::Map::new();
    for (field, new) in after {
        match before.get(field) {
            Some(old) if old == new => {}
            Some(old) => drop(patch.insert(field.clone(), merge_patch(old, new.clone()))),
            None => drop(patch.insert(field.clone(), new.clone())),
        }
    }
    let gone = before.keys().filter(|field| !after.contains_key(*field));
    patch.extend(gone.map(|field| (field.clone(), Value::Null)));
    Value::Object(patch)
}

impl From<ClusterError> for Error {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

/// Makes the namespace of the controller, unless it is there.
pub(crate) async fn apply_namespace(hub: &Cluster, name: &str) -> Result<(), Error> {
    let namespaces = builtin(hub, "v1", "Namespace").await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let how = Apply {
        manager: MANAGER,
        force: false,
        dry_run: false,
    };
    hub.apply(namespaces.at("", name), &namespace, how).await?;
    Ok(())
}
