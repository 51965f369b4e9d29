//! What a write sets off: definitions become resources, namespaces are furnished and emptied, dependents go.
//!
//! A trigger says only "look again": each pass reads the world and does what is left to do, so that passes may be
//! repeated, overlap, or follow a restart. A real cluster has controllers for this; without them clients that wait
//! for a namespace to go would wait for ever.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::catalog::Served;
use super::definition::is_definition;
use super::world::{self, now};
use super::write::stored_form;
use super::{Call, Registry, complete, kinds, metadata};
use crate::admission::{self, Lookup as _};
use crate::store::{self, Expected, Key, Object};

/// How often one object is tried again when others write to it.
const MAX_TRIES: usize = 10;

/// Owners followed in one pass: far more than a chain of owners is long, few enough to end.
const MAX_OWNERS: usize = 100_000;

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
        if call.served.is("", "namespaces") && !call.name().is_empty() {
            self.spawn_emptying(call.name().to_owned());
        }
    }

    /// An object waits for something before it goes.
    pub(super) fn after_mark(&self, served: &Arc<Served>, object: &Value) {
        let name = metadata::text(object, "name").to_owned();
        if served.is("", "namespaces") {
            self.spawn_emptying(name);
            return;
        }
        if is_definition(served) {
            self.refresh_catalog();
            self.spawn_removal(name);
            return;
        }
        let finalizers = metadata::of(object)["finalizers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ours = |one: &Value| one == "foregroundDeletion" || one == "orphan";
        if finalizers.iter().any(ours) {
            let (registry, served, object) = (self.clone(), Arc::clone(served), object.clone());
            tokio::spawn(async move { registry.settle_dependents(&served, &object).await });
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
        let namespace = metadata::text(object, "namespace");
        if !namespace.is_empty()
            && let Some((namespaces, found)) = self.namespace(namespace)
            && complete(&namespaces, &found).is_ok_and(|value| metadata::is_terminating(&value))
        {
            self.spawn_emptying(namespace.to_owned());
        }
        self.measure_deleted(served, namespace);
        if served.is("", "serviceaccounts") || served.is("", "configmaps") {
            self.refurnish(namespace, metadata::text(object, "name")).await;
        }
        let uid = metadata::text(object, "uid").to_owned();
        let registry = self.clone();
        tokio::spawn(async move { registry.collect(uid).await });
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
                "uid": world::uid(),
                "creationTimestamp": now(),
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
            fields.insert("uid".to_owned(), json!(world::uid()));
            fields.insert("creationTimestamp".to_owned(), json!(now()));
            self.put(("scheduling.k8s.io", "priorityclasses"), None, class)
                .await;
        }
        self.resume_definitions().await;
        self.bootstrap_roles().await;
        self.measure_all();
    }

    /// Furnishes a namespace again that has lost what every namespace has.
    async fn refurnish(&self, namespace: &str, lost: &str) {
        let stays = self
            .namespace(namespace)
            .and_then(|(served, found)| complete(&served, &found).ok())
            .is_some_and(|value| !metadata::is_terminating(&value));
        if stays && matches!(lost, "default" | "kube-root-ca.crt") {
            self.furnish(namespace).await;
        }
    }

    /// A new pod never waits for the account that its namespace is about to get.
    pub(super) async fn furnish_for(&self, call: &Call) {
        let Some(namespace) = call.namespace().filter(|_| call.served.is("", "pods")) else {
            return;
        };
        if self.get("", "serviceaccounts", namespace, "default").is_none() {
            self.refurnish(namespace, "default").await;
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
        let metadata = |name: &str| json!({"name": name, "namespace": namespace, "uid": world::uid(), "creationTimestamp": now()});
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
            "time": now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:ca.crt": {}},
                "f:metadata": {"f:annotations": {".": {}, "f:kubernetes.io/description": {}}},
            },
        }]);
        self.put(("", "configmaps"), Some(namespace), root).await;
    }

    /// Creates an object of a kind at `v1` unless it is there.
    async fn put(&self, (group, plural): (&str, &str), namespace: Option<&str>, mut object: Value) {
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

    fn spawn_emptying(&self, namespace: String) {
        let registry = self.clone();
        tokio::spawn(async move { registry.empty_namespace(&namespace).await });
    }

    /// One pass over a namespace that is going: deletes what is in it, and it when nothing is left.
    async fn empty_namespace(&self, name: &str) {
        let Some((namespaces, found)) = self.namespace(name) else {
            return;
        };
        let Ok(mut value) = complete(&namespaces, &found) else {
            return;
        };
        if !metadata::is_terminating(&value) {
            return;
        }
        let mut left = 0;
        for served in self.stored().filter(|served| served.resource.namespaced) {
            left += self.delete_all(&served, Some(name)).await;
        }
        if left > 0 {
            return;
        }
        value["spec"] = json!({});
        let expected = Expected::Revision(found.revision());
        let key = found.key().clone();
        if kinds::is_held(&namespaces, &value) {
            if let Ok(draft) = stored_form(&namespaces, &mut value) {
                let _ = self.store.update(key, expected, draft).await;
            }
        } else {
            let _ = self.store.delete(key, expected).await;
        }
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
                fields.insert("deletionTimestamp".to_owned(), json!(now()));
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

    /// Deletes what an owner that is gone leaves behind, and what that owns, and so on.
    async fn collect(&self, uid: String) {
        let mut owners = VecDeque::from([uid]);
        for _ in 0..MAX_OWNERS {
            let Some(owner) = owners.pop_front() else {
                return;
            };
            for (served, object, mut value) in self.dependents(&owner) {
                let references = metadata::of_mut(&mut value)["ownerReferences"].as_array_mut();
                let others = references.map_or(0, |all| {
                    all.iter().filter(|one| one["uid"] != json!(owner)).count()
                });
                if others == 0 && self.let_go(&served, object.key(), true).await {
                    owners.push_back(object.uid().to_owned());
                }
            }
        }
    }

    /// The objects that name an owner.
    fn dependents(&self, uid: &str) -> Vec<(Arc<Served>, Arc<Object>, Value)> {
        let mut found = Vec::new();
        if uid.is_empty() {
            return found;
        }
        let owned = format!("\"uid\":\"{uid}\"");
        let keep = |object: &Object| {
            object.uid() != uid && memchr::memmem::find(object.json(), owned.as_bytes()).is_some()
        };
        for served in self.stored() {
            let query = store::Query {
                keep: Some(&keep),
                ..store::Query::default()
            };
            let Some(stored) = &served.stored_as else { continue };
            let page = self.store.list(stored, &query).unwrap_or_default();
            for object in page.objects {
                if let Ok(value) = complete(&served, &object) {
                    let owners = metadata::of(&value)["ownerReferences"].as_array();
                    if owners.is_some_and(|all| all.iter().any(|one| one["uid"] == json!(uid))) {
                        found.push((Arc::clone(&served), object, value));
                    }
                }
            }
        }
        found
    }

    /// Deletes or frees the dependents of an object that waits for it, then lets the object go.
    async fn settle_dependents(&self, served: &Arc<Served>, object: &Value) {
        let uid = metadata::text(object, "uid").to_owned();
        let orphan = metadata::of(object)["finalizers"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == "orphan"));
        for (dependent_of, dependent, mut value) in self.dependents(&uid) {
            if orphan {
                let fields = metadata::of_mut(&mut value);
                if let Some(references) = fields.get_mut("ownerReferences").and_then(Value::as_array_mut) {
                    references.retain(|one| one["uid"] != json!(uid));
                }
                if let Ok(draft) = stored_form(&dependent_of, &mut value) {
                    let expected = Expected::Revision(dependent.revision());
                    let _ = self.store.update(dependent.key().clone(), expected, draft).await;
                }
            } else if self.let_go(&dependent_of, dependent.key(), true).await {
                self.collect(dependent.uid().to_owned()).await;
            }
        }
        let namespace = metadata::text(object, "namespace");
        let namespace = (!namespace.is_empty()).then_some(namespace);
        let key = served
            .stored_as
            .as_ref()
            .and_then(|stored| Key::new(stored, namespace, metadata::text(object, "name")).ok());
        let Some(key) = key else { return };
        for _ in 0..MAX_TRIES {
            let Some(found) = self.store.get(&key) else { return };
            let Ok(mut value) = complete(served, &found) else {
                return;
            };
            let fields = metadata::of_mut(&mut value);
            if let Some(all) = fields.get_mut("finalizers").and_then(Value::as_array_mut) {
                all.retain(|one| one != "orphan" && one != "foregroundDeletion");
            }
            if !kinds::is_held(served, &value) {
                fields_without_finalizers(&mut value);
            }
            let Ok(draft) = stored_form(served, &mut value) else {
                return;
            };
            if self
                .store
                .update(key.clone(), Expected::Revision(found.revision()), draft)
                .await
                .is_ok()
            {
                self.let_go(served, &key, false).await;
                return;
            }
        }
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

    /// One of each stored resource.
    fn stored(&self) -> impl Iterator<Item = Arc<Served>> + use<> {
        let catalog = self.catalog();
        let mut seen = std::collections::HashSet::new();
        let all: Vec<Arc<Served>> = catalog
            .all()
            .filter(|served| {
                served
                    .stored_as
                    .as_ref()
                    .is_some_and(|stored| seen.insert(stored.as_str().to_owned()))
            })
            .map(Arc::clone)
            .collect();
        all.into_iter()
    }
}

fn fields_without_finalizers(value: &mut Value) {
    metadata::of_mut(value).remove("finalizers");
}
