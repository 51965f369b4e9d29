//! What a request for a resource goes through, as a list of named stages, and the store behind it.
//!
//! ```text
//! Call ─► decode ─► check fields ─► default ─► own fields ─► admission ─► validate ─► admission ─► store ─► Reply
//!          body      fields          kinds      apply         admit                    admit, quota
//! ```
//!
//! Reading and writing are the same for every kind, built-in or custom; what differs by kind stands in tables
//! (`kinds`, `selector`, `table`). Knows nothing of connections and HTTP headers; whether a call is allowed has been
//! decided before it comes here, by [`access`]. The rules themselves are `crate::validate` and `crate::admission`, which
//! know no store. Not here: controllers, apart from what must not lag behind a write: CRDs and the status of quotas.

pub(crate) mod access;
mod addresses;
mod admission_policy;
mod admit;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod catalog;
mod collect;
mod convert;
mod custom;
mod definition;
mod delete;
pub(crate) mod failure;
mod fields;
mod kinds;
mod list;
mod metadata;
mod metrics;
mod own_service;
mod patch;
mod pods;
pub(crate) mod query;
mod reply;
mod requests;
mod review;
mod roles;
pub(crate) mod route;
mod scale;
mod secret_tokens;
pub(crate) mod selector;
mod table;
mod token;
mod tokens;
mod watch;
mod world;
mod write;

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use kubelet::Meter;
use serde_json::Value;

use crate::auth::UserInfo;
use crate::schema::Table;
use crate::store::{self, Handle, Object};
use access::Access;
use catalog::{Catalog, Served};
use failure::Failure;
use query::Query;
use route::Target;
use selector::Selector;

pub(crate) use kinds::base64;
pub(crate) use reply::{Content, Form, Reply};
pub(crate) use tokens::Tokens;
pub(crate) use world::{Surroundings, date_in, random_hex};

/// The resources of one cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    store: Handle,
    catalog: Arc<RwLock<Arc<Catalog>>>,
    services: Arc<addresses::Addresses>,
    turns: Arc<admit::Turns>,
    policies: Arc<admission_policy::Policies>,
    /// The certificate that every namespace publishes in `kube-root-ca.crt`.
    authority: Arc<str>,
    access: Arc<Access>,
    around: Surroundings,
    tokens: Arc<Tokens>,
    /// What pods use, if the cluster is to serve that.
    metrics: Option<Arc<dyn Meter>>,
}

/// A request for a resource, with everything that a stage may ask.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub around: Surroundings,
    pub served: Arc<Served>,
    pub target: Target,
    pub query: Query,
    /// Who is asking, after any impersonation.
    pub user: UserInfo,
    /// The owner of the fields that are written.
    pub manager: String,
    /// What is shown of the objects in the answer.
    pub form: Form,
    pub content_type: String,
    pub body: Bytes,
    /// The body of a caller in this process, which has it as a value: then `body` is empty.
    pub given: Option<Value>,
}

/// What a request does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
        }
    }
}

impl Call {
    /// The name on the path; calls on collections have none.
    fn name(&self) -> &str {
        self.target.name.as_deref().unwrap_or_default()
    }

    /// What the client selects by labels and fields.
    fn selector(&self) -> Result<Selector, Failure> {
        let (labels, fields) = (self.query.get("labelSelector"), self.query.get("fieldSelector"));
        Selector::read(labels, fields, &self.served.resource)
    }

    fn namespace(&self) -> Option<&str> {
        self.target.namespace.as_deref()
    }

    fn subresource(&self) -> &str {
        self.target.subresource.as_deref().unwrap_or_default()
    }

    fn stored_as(&self) -> Result<&store::Resource, Failure> {
        self.served
            .stored_as
            .as_ref()
            .ok_or_else(Failure::method_not_allowed)
    }

    fn key(&self, name: &str) -> Result<store::Key, Failure> {
        store::Key::new(self.stored_as()?, self.namespace(), name)
            .map_err(|error| self.store_failure(&error, name))
    }

    fn store_failure(&self, error: &store::Error, name: &str) -> Failure {
        Failure::store(error, &self.served.resource, name)
    }
}

impl Registry {
    pub(crate) fn new(
        store: Handle,
        authority: &str,
        tokens: Tokens,
        table: &'static Table,
        (around, metrics): (Surroundings, Option<Arc<dyn Meter>>),
    ) -> Self {
        let registry = Self {
            access: Access::new(store.clone()),
            around,
            store,
            catalog: Arc::new(RwLock::new(Arc::new(Catalog::new(
                table,
                &[],
                metrics.is_some(),
                None,
            )))),
            services: Arc::default(),
            turns: Arc::default(),
            policies: Arc::default(),
            authority: Arc::from(authority),
            tokens: Arc::new(tokens),
            metrics,
        };
        registry.refresh_catalog();
        registry.reserve_addresses();
        registry
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Everything that happens to the stored objects.
    pub(crate) fn follow(&self) -> store::Feed {
        self.store.follow()
    }

    /// The cluster's time and randomness.
    pub(crate) fn around(&self) -> &Surroundings {
        &self.around
    }

    /// Who may do what.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        // A catalog is replaced as a whole, so a panic while it was locked left nothing half done.
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the definitions again after one has changed.
    fn refresh_catalog(&self) {
        let definitions: Vec<Value> =
            match store::Resource::new("apiextensions.k8s.io", "customresourcedefinitions") {
                Ok(resource) => self.values(&resource, None),
                Err(_) => Vec::new(),
            };
        let (older, metrics) = (self.catalog(), self.metrics.is_some());
        let catalog = Arc::new(Catalog::new(older.table(), &definitions, metrics, Some(&older)));
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    /// All objects of a resource, as stored.
    pub(crate) fn values(&self, resource: &store::Resource, namespace: Option<&str>) -> Vec<Value> {
        let all = self.objects(resource, namespace);
        all.iter().filter_map(|object| object.value().ok()).collect()
    }

    fn objects(&self, resource: &store::Resource, namespace: Option<&str>) -> Vec<Arc<Object>> {
        let query = store::Query {
            namespace,
            ..store::Query::default()
        };
        self.store.list(resource, &query).unwrap_or_default().objects
    }

    /// Answers a call: the one place where verbs become work.
    ///
    /// # Errors
    /// Whatever the stages refuse, as the answer's `Status`.
    pub(crate) async fn answer(&self, verb: Verb, call: &Call) -> Result<Reply, Failure> {
        let reply = self.dispatch(verb, call).await?;
        Ok(match &call.served.deprecation {
            Some(warning) => reply.warn(warning),
            None => reply,
        })
    }

    async fn dispatch(&self, verb: Verb, call: &Call) -> Result<Reply, Failure> {
        let scale = call.subresource() == "scale";
        let measured = call.served.is(catalog::METRICS, &call.served.resource.plural);
        match verb {
            Verb::Get | Verb::List if measured => metrics::answer(self, verb, call).await,
            Verb::Get if scale => scale::get(self, call),
            Verb::Update | Verb::Patch if scale => scale::write(self, verb, call).await,
            Verb::Get => list::get(self, call),
            Verb::List => list::list(self, call).await,
            Verb::Watch => watch::watch(self, call).await,
            Verb::Create if call.subresource() == "token" => token::create(self, call),
            Verb::Create => write::create(self, call).await,
            Verb::Update => write::update(self, call).await,
            Verb::Patch => patch::patch(self, call).await,
            Verb::Delete => delete::delete(self, call).await,
            Verb::DeleteCollection => delete::collection(self, call).await,
        }
    }

    fn find(&self, call: &Call) -> Result<Arc<Object>, Failure> {
        let found = self.store.get(&call.key(call.name())?);
        found.ok_or_else(|| Failure::not_found(&call.served.resource, call.name()))
    }
}

/// The object with its kind and apiVersion, which are not stored.
pub(crate) fn complete(served: &Served, object: &Object) -> Result<Value, Failure> {
    let value = object.value();
    value
        .map(|value| completed(served, value))
        .map_err(|error| Failure::internal(error.to_string()))
}

/// [`complete`] without the managed fields; `None` for what can't be read.
pub(crate) fn complete_lean(served: &Served, object: &Object) -> Option<Value> {
    let value = object.lean_value().ok()?;
    Some(completed(served, value))
}

fn completed(served: &Served, mut value: Value) -> Value {
    custom::read(served, &mut value);
    if let Some(conversion) = served.conversion {
        conversion.read(&mut value);
    }
    identify(served, &mut value);
    value
}

/// An object on its way into a form: the rows of tables are made from what is stored, whatever version is asked for.
fn complete_for(served: &Served, object: &Object, form: Form) -> Result<Value, Failure> {
    if form != Form::Table || served.conversion.is_none() {
        return complete(served, object);
    }
    let mut value = object
        .value()
        .map_err(|error| Failure::internal(error.to_string()))?;
    identify(served, &mut value);
    Ok(value)
}

fn identify(served: &Served, value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("kind".to_owned(), Value::from(served.resource.kind.as_str()));
        fields.insert("apiVersion".to_owned(), Value::from(served.api_version.as_str()));
    }
}

/// The JSON of an object with its kind and apiVersion put in front, without parsing it where it is served as stored.
fn complete_json(served: &Served, object: &Object) -> Vec<u8> {
    let schema_changed = served.custom.as_ref().is_some_and(|custom| custom.reads_change);
    if served.conversion.is_some() || schema_changed {
        return complete(served, object)
            .unwrap_or_default()
            .to_string()
            .into_bytes();
    }
    let head = format!(
        "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",",
        served.resource.kind, served.api_version
    );
    let rest = object.json().get(1..).unwrap_or_default();
    [head.as_bytes(), rest].concat()
}
