//! Admission joined to the store: the request as `admission` wants it, other objects, and turns for quotas.
//!
//! Writes that no quota counts share a namespace's turn; those that one does have it alone from the check until the
//! charge is written, so that writes side by side never take more than there is.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::addresses::Reservation;
use super::catalog::Served;
use super::failure::Failure;
use super::write::stored_form;
use super::{Call, Registry, complete, metadata};
use crate::admission::quota::{self, Charge};
use crate::admission::{self, Lookup, Operation, Refusal, Request};
use crate::store::{self, Expected, Key};

/// Locks for all namespaces: enough that two busy ones rarely share one.
const SHARDS: usize = 64;

/// How often the status of a quota is written again when somebody else writes to it.
const MAX_TRIES: usize = 10;

/// Whose turn it is to write where quotas count.
#[derive(Debug)]
pub(super) struct Turns {
    shards: Vec<RwLock<()>>,
    /// Namespaces that wait to be measured: one measurement serves all who asked before it began.
    waiting: Mutex<HashSet<String>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::new(())).collect(),
            waiting: Mutex::default(),
        }
    }
}

impl Turns {
    fn of(&self, namespace: &str) -> &RwLock<()> {
        let mut hasher = DefaultHasher::new();
        namespace.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        &self.shards[at]
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write, and what the write is charged.
pub(super) struct Turn<'a> {
    namespace: String,
    charges: Vec<Charge>,
    _right: Right<'a>,
}

/// Held for its drop.
#[expect(dead_code, reason = "the guards are held, never read")]
enum Right<'a> {
    /// Nothing counts this write.
    Free,
    Shared(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

impl Lookup for Registry {
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let served = self.any_version(group, resource)?;
        let namespace = (!namespace.is_empty()).then_some(namespace);
        let key = Key::new(served.stored_as.as_ref()?, namespace, name).ok()?;
        complete(&served, &*self.store.get(&key)?).ok()
    }

    fn list(&self, group: &str, resource: &str, namespace: &str) -> Vec<Value> {
        let namespace = (!namespace.is_empty()).then_some(namespace);
        match store::Resource::new(group, resource) {
            Ok(resource) => self.values(&resource, namespace),
            Err(_) => Vec::new(),
        }
    }
}

fn request<'a>(call: &'a Call, old: Option<&'a Value>, name: &'a str) -> Request<'a> {
    Request {
        group: &call.served.resource.group,
        resource: &call.served.resource.plural,
        subresource: call.subresource(),
        operation: if old.is_some() {
            Operation::Update
        } else {
            Operation::Create
        },
        namespace: call.namespace().unwrap_or_default(),
        name,
        old,
        suffix: "",
    }
}

impl Registry {
    fn any_version(&self, group: &str, resource: &str) -> Option<std::sync::Arc<Served>> {
        let catalog = self.catalog();
        if let Some(served) = catalog.find(group, "v1", resource) {
            return Some(std::sync::Arc::clone(served));
        }
        let mut all = catalog.all();
        all.find(|served| served.is(group, resource)).cloned()
    }

    /// The namespace is there and stays.
    pub(super) fn begin_admission(&self, call: &Call, object: &Value) -> Result<(), Failure> {
        let name = metadata::text(object, "name");
        admission::begin(&request(call, None, name), self).map_err(|refusal| failure(call, name, refusal))
    }

    pub(super) fn mutate(&self, call: &Call, old: Option<&Value>, object: &mut Value) -> Result<(), Failure> {
        if call.served.custom.is_some() {
            return Ok(());
        }
        let name = metadata::text(object, "name").to_owned();
        let suffix = call.around.suffix();
        let request = Request {
            suffix: &suffix,
            ..request(call, old, &name)
        };
        admission::mutate(&request, object, self).map_err(|refusal| failure(call, &name, refusal))
    }

    pub(super) fn validate(
        &self,
        call: &Call,
        old: Option<&Value>,
        object: &Value,
    ) -> Result<Vec<String>, Failure> {
        if call.served.custom.is_some() {
            return Ok(Vec::new());
        }
        let name = metadata::text(object, "name");
        admission::validate(&request(call, old, name), object, self)
            .map_err(|refusal| failure(call, name, refusal))
    }

    pub(super) fn deletable(&self, served: &Served, name: &str) -> Result<(), Failure> {
        let resource = &served.resource;
        admission::deletable(&resource.group, &resource.plural, name).map_err(|refusal| match refusal {
            Refusal::Forbidden(cause) => Failure::forbidden(resource, name, &cause),
            _ => Failure::internal("a deletion is refused without a cause"),
        })
    }

    /// The address and the ports of a Service.
    pub(super) fn take_addresses(
        &self,
        call: &Call,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<Option<Reservation>, Failure> {
        if !call.served.is("", "services") || !call.subresource().is_empty() {
            return Ok(None);
        }
        Reservation::take(&self.services, object, old).map(Some)
    }

    /// Waits for the turn to write and checks the quotas.
    pub(super) async fn charge(
        &self,
        call: &Call,
        old: Option<&Value>,
        object: &Value,
    ) -> Result<Turn<'_>, Failure> {
        let name = metadata::text(object, "name");
        let request = request(call, old, name);
        let mut turn = Turn {
            namespace: request.namespace.to_owned(),
            charges: Vec::new(),
            _right: Right::Free,
        };
        if !quota::counts(&request) {
            return Ok(turn);
        }
        let lock = self.turns.of(request.namespace);
        let shared = lock.read().await;
        let is_quota = request.group.is_empty() && request.resource == "resourcequotas";
        if !is_quota && !self.has_quotas(request.namespace) {
            turn._right = Right::Shared(shared);
            return Ok(turn);
        }
        drop(shared);
        turn._right = Right::Alone(lock.write().await);
        turn.charges =
            quota::check(&request, object, self).map_err(|refusal| failure(call, name, refusal))?;
        Ok(turn)
    }

    fn has_quotas(&self, namespace: &str) -> bool {
        let quotas = store::Resource::new("", "resourcequotas");
        quotas.is_ok_and(|quotas| !self.objects(&quotas, Some(namespace)).is_empty())
    }

    /// Measures again what a write may have changed beyond what it was charged.
    pub(super) fn measure_after(&self, operation: Operation, call: &Call, object: &Value) {
        let namespace = call.namespace().unwrap_or_default();
        let ended =
            call.served.is("", "pods") && operation == Operation::Update && objects::pod::is_finished(object);
        let quota = call.served.is("", "resourcequotas");
        if quota || ended && self.has_quotas(namespace) {
            self.spawn_measuring(namespace);
        }
    }

    pub(super) fn measure_deleted(&self, served: &Served, namespace: &str) {
        if !namespace.is_empty() && !served.is("", "events") && self.has_quotas(namespace) {
            self.spawn_measuring(namespace);
        }
    }

    /// After a start: a charge may have been lost with the process that was to write it.
    pub(super) fn measure_all(&self) {
        for quota in Lookup::list(self, "", "resourcequotas", "") {
            self.spawn_measuring(metadata::text(&quota, "namespace"));
        }
    }

    /// Writes the status of a disruption budget that nobody has changed since it was read.
    pub(super) async fn write_budget(&self, namespace: &str, budget: &Value, status: &Value) -> bool {
        let Some(served) = self.any_version("policy", "poddisruptionbudgets") else {
            return false;
        };
        let name = metadata::text(budget, "name");
        let key = served
            .stored_as
            .as_ref()
            .and_then(|stored| Key::new(stored, Some(namespace), name).ok());
        let Some(key) = key else { return false };
        let mut value = budget.clone();
        value["status"] = status.clone();
        let revision = metadata::text(budget, "resourceVersion").parse().unwrap_or(0);
        match stored_form(&served, &mut value) {
            Ok(draft) => {
                let expected = Expected::Revision(revision);
                self.store.update(key, expected, draft).await.is_ok()
            }
            Err(_) => false,
        }
    }

    fn spawn_measuring(&self, namespace: &str) {
        if self.turns.waiting().insert(namespace.to_owned()) {
            let (registry, namespace) = (self.clone(), namespace.to_owned());
            tokio::spawn(async move { registry.measure(&namespace).await });
        }
    }

    async fn measure(&self, namespace: &str) {
        let _turn = self.turns.of(namespace).write().await;
        self.turns.waiting().remove(namespace);
        for quota in Lookup::list(self, "", "resourcequotas", namespace) {
            let name = metadata::text(&quota, "name");
            self.write_status(namespace, name, &quota::status(&quota, self))
                .await;
        }
    }

    /// Writes the status of a quota, whatever else is written to it meanwhile.
    async fn write_status(&self, namespace: &str, name: &str, status: &Value) {
        let Some(served) = self.any_version("", "resourcequotas") else {
            return;
        };
        let key = served
            .stored_as
            .as_ref()
            .and_then(|stored| Key::new(stored, Some(namespace), name).ok());
        let Some(key) = key else { return };
        for _ in 0..MAX_TRIES {
            let Some(found) = self.store.get(&key) else { return };
            let Ok(mut value) = complete(&served, &found) else {
                return;
            };
            if value["status"] == *status {
                return;
            }
            value["status"] = status.clone();
            let Ok(draft) = stored_form(&served, &mut value) else {
                return;
            };
            let expected = Expected::Revision(found.revision());
            match self.store.update(key.clone(), expected, draft).await {
                Err(store::Error::Conflict { .. }) => {}
                _ => return,
            }
        }
    }
}

impl Turn<'_> {
    /// Writes what the stored write is charged.
    pub(super) async fn settle(self, registry: &Registry) {
        for charge in &self.charges {
            let quota = registry.get("", "resourcequotas", &self.namespace, &charge.quota);
            if let Some(quota) = quota {
                let status = json!({"hard": quota["spec"]["hard"], "used": charge.used});
                registry
                    .write_status(&self.namespace, &charge.quota, &status)
                    .await;
            }
        }
    }
}

fn failure(call: &Call, name: &str, refusal: Refusal) -> Failure {
    let resource = &call.served.resource;
    match refusal {
        Refusal::Forbidden(cause) => Failure::forbidden(resource, name, &cause),
        Refusal::Invalid(causes) => Failure::invalid(&resource.group, &resource.kind, name, &causes),
        Refusal::NoNamespace(namespace) => {
            let mut namespaces = resource.clone();
            "namespaces".clone_into(&mut namespaces.plural);
            namespaces.group.clear();
            Failure::not_found(&namespaces, &namespace)
        }
        Refusal::Terminating(namespace) => {
            let cause = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            let mut failure = Failure::forbidden(resource, name, &cause);
            if let Some(details) = &mut failure.details {
                details["causes"] = json!([{
                    "reason": "NamespaceTerminating",
                    "message": format!("namespace {namespace} is being terminated"),
                    "field": "metadata.namespace",
                }]);
            }
            failure
        }
    }
}
