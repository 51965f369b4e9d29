//! What a write sets off at once: definitions become resources, namespaces are furnished, addresses come back.
//!
//! A trigger says only "look again": each pass reads the store and does what is left to do, so that passes may be
//! repeated, overlap, or follow a restart. Whatever may take its time is a controller's.

use std::sync::Arc;

use serde_json::{Value, json};

use super::catalog::Served;
use super::definition::is_definition;
use super::write::stored_form;
use super::{Call, Registry, complete, metadata};
use crate::admission::{self, Lookup as _};
use crate::store::{self, Expected, Key, Object};

/// How often one object is tried again when others write to it.
const MAX_TRIES: usize = 10;

impl Registry {
    pub(super) async fn after_create(&self, call: &Call, object: &Value) {
        if call.served.is("", "namespaces") {
            self.furnish(metadata::text(object, "name")).await;
        }
        self.settle_policy(call, object).await;
        self.after_update(call, object).await;
    }

    pub(super) async fn after_update(&self, call: &Call, object: &Value) {
        if is_definition(&call.served) {
            let group = object.pointer("/spec/group").and_then(Value::as_str);
            self.settle_definitions(group.unwrap_or_default()).await;
        }
    }

    /// An object waits for something before it goes.
    pub(super) fn after_mark(&self, served: &Served, object: &Value) {
        if is_definition(served) {
            self.refresh_catalog();
            self.spawn_removal(metadata::text(object, "name").to_owned());
        }
    }

    pub(super) async fn after_delete(&self, served: &Served, object: &Value) {
        if is_definition(served) {
            let group = object.pointer("/spec/group").and_then(Value::as_str);
            self.settle_definitions(group.unwrap_or_default()).await;
        }
        if served.custom.as_ref().is_some_and(|custom| custom.terminating) {
            let resource = &served.resource;
            self.spawn_removal(format!("{}.{}", resource.plural, resource.group));
        }
        if served.is("", "services") {
            self.services.free(object);
        }
        self.measure_deleted(served, metadata::text(object, "namespace"));
    }

    /// Nobody can have seen objects of a definition before it was there: watches from earlier versions start again.
    pub(super) fn begin_history(&self, definition: &Value) {
        let text = |pointer: &str| {
            definition
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        if let Ok(resource) = store::Resource::new(text("/spec/group"), text("/spec/names/plural")) {
            // A store without room for another resource says so at the first object.
            let _ = self.store.compact(&resource, self.store.revision());
        }
    }

    /// Makes the namespaces and the classes that every cluster has.
    pub(crate) async fn bootstrap(&self) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let metadata = json!({
                "name": name,
                "uid": self.around.uid(),
                "creationTimestamp": self.around.now(),
                "labels": {"kubernetes.io/metadata.name": name},
            });
            let object = json!({
                "metadata": metadata,
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            });
            self.put(("", "namespaces"), None, object).await;
            self.furnish(name).await;
        }
        for mut class in admission::system_priority_classes() {
            let fields = metadata::of_mut(&mut class);
            fields.insert("uid".to_owned(), json!(self.around.uid()));
            fields.insert("creationTimestamp".to_owned(), json!(self.around.now()));
            self.put(("scheduling.k8s.io", "priorityclasses"), None, class)
                .await;
        }
        self.resume_definitions().await;
        self.bootstrap_roles().await;
        self.measure_all();
    }

    /// A new pod never waits for the account that its namespace is about to get.
    pub(super) async fn furnish_for(&self, call: &Call) {
        let Some(namespace) = call.namespace().filter(|_| call.served.is("", "pods")) else {
            return;
        };
        if self.get("", "serviceaccounts", namespace, "default").is_none() {
            let found = self.namespace(namespace);
            let found = found.and_then(|(served, found)| complete(&served, &found).ok());
            if found.is_some_and(|value| !metadata::is_terminating(&value)) {
                self.furnish(namespace).await;
            }
        }
    }

    pub(super) fn reserve_addresses(&self) {
        if let Ok(services) = store::Resource::new("", "services") {
            for service in self.values(&services, None) {
                self.services.reserve(&service);
            }
        }
    }

    /// Puts into a namespace what controllers put there.
    async fn furnish(&self, namespace: &str) {
        let metadata = |name: &str| json!({"name": name, "namespace": namespace, "uid": self.around.uid(), "creationTimestamp": self.around.now()});
        self.put(
            ("", "serviceaccounts"),
            Some(namespace),
            json!({"metadata": metadata("default")}),
        )
        .await;
        let mut root =
            json!({"metadata": metadata("kube-root-ca.crt"), "data": {"ca.crt": &*self.authority}});
        root["metadata"]["annotations"] = json!({
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when \
                using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage \
                is guaranteed across distributions of Kubernetes clusters.",
        });
        root["metadata"]["managedFields"] = json!([{
            "manager": "kube-controller-manager",
            "operation": "Update",
            "apiVersion": "v1",
            "time": self.around.now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:ca.crt": {}},
                "f:metadata": {"f:annotations": {".": {}, "f:kubernetes.io/description": {}}},
            },
        }]);
        self.put(("", "configmaps"), Some(namespace), root).await;
    }

    /// Creates an object of a kind at `v1` unless it is there.
    pub(super) async fn put(
        &self,
        (group, plural): (&str, &str),
        namespace: Option<&str>,
        mut object: Value,
    ) {
        let catalog = self.catalog();
        let Some(served) = catalog.find(group, "v1", plural) else {
            return;
        };
        let name = metadata::text(&object, "name").to_owned();
        let key = served
            .stored_as
            .as_ref()
            .and_then(|stored| Key::new(stored, namespace, &name).ok());
        if let (Some(key), Ok(draft)) = (key, stored_form(served, &mut object)) {
            // `Exists` is what is wanted; anything else shows at the first request.
            let _ = self.store.create(key, draft).await;
        }
    }

    fn namespace(&self, name: &str) -> Option<(Arc<Served>, Arc<Object>)> {
        let catalog = self.catalog();
        let served = catalog.find("", "v1", "namespaces")?;
        let key = Key::new(served.stored_as.as_ref()?, None, name).ok()?;
        Some((Arc::clone(served), self.store.get(&key)?))
    }

    /// Deletes the objects of a resource; gives the number of those that stay for now.
    async fn delete_all(&self, served: &Arc<Served>, namespace: Option<&str>) -> usize {
        let Some(stored) = &served.stored_as else {
            return 0;
        };
        let mut left = 0;
        for object in self.objects(stored, namespace) {
            if !self.let_go(served, object.key(), true).await {
                left += 1;
            }
        }
        left
    }

    /// Deletes an object, or marks it if finalizers hold it. True if it is gone.
    async fn let_go(&self, served: &Arc<Served>, key: &Key, mark: bool) -> bool {
        for _ in 0..MAX_TRIES {
            let Some(found) = self.store.get(key) else {
                return true;
            };
            let Ok(mut value) = complete(served, &found) else {
                return false;
            };
            let expected = Expected::Revision(found.revision());
            let done = if metadata::has_finalizers(&value) {
                if metadata::is_terminating(&value) || !mark {
                    return false;
                }
                let fields = metadata::of_mut(&mut value);
                fields.insert("deletionTimestamp".to_owned(), json!(self.around.now()));
                fields.insert("deletionGracePeriodSeconds".to_owned(), json!(0));
                match stored_form(served, &mut value) {
                    Ok(draft) => self
                        .store
                        .update(key.clone(), expected, draft)
                        .await
                        .map(|_| false),
                    Err(_) => return false,
                }
            } else {
                if served.is("", "services") {
                    self.services.free(&value);
                }
                self.store.delete(key.clone(), expected).await.map(|_| true)
            };
            match done {
                Ok(gone) => {
                    if gone {
                        self.measure_deleted(served, metadata::text(&value, "namespace"));
                    }
                    return gone;
                }
                Err(store::Error::NotFound { .. }) => return true,
                Err(store::Error::Conflict { .. }) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Removes the objects of a definition that is going; gives the number of those that stay for now.
    pub(super) async fn empty_definition(&self, definition: &Value) -> usize {
        let text = |pointer: &str| {
            definition
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
        let catalog = self.catalog();
        match catalog.all().find(|served| served.is(group, plural)) {
            Some(served) => self.delete_all(served, None).await,
            None => 0,
        }
    }
}
