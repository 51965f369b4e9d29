//! Create and update: the stages between a decoded body and the store.
//!
//! A patch is an update whose object is computed from the stored one, so it comes through here too.

use std::sync::Arc;

use serde_json::{Value, json};

use super::catalog::Served;
use super::failure::Failure;
use super::fields::{self, Decoded};
use super::reply::{self, Reply};
use super::world::now;
use super::{Call, Registry, complete, defaults, identify, kinds, metadata, review, selector};
use crate::apply::{self, Manager, managed};
use crate::store::{Draft, Expected, Key, Object, Pairs};

/// How often a patch is computed again because the object changed under it. The real server gives up at 5.
pub(super) const MAX_TRIES: usize = 5;

/// A write that has passed all stages but the store.
pub(super) struct Ready {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// Who records field owners: this module by comparing, or an apply that already did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owners {
    Compare,
    Recorded,
}

/// `POST` on a collection.
pub(super) async fn create(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("CreateOptions")?;
    let decoded = fields::decode(call, "CreateOptions")?;
    if call.served.stored_as.is_none() {
        return review::answer(registry, call, decoded.object);
    }
    if !call.subresource().is_empty() {
        return kinds::subresource(registry, call, decoded.object).await;
    }
    let ready = prepare_new(registry, call, decoded, Owners::Compare)?;
    let object = insert(registry, call, ready.object, dry_run).await?;
    let form = call.form;
    let shown = reply::object(&call.served, form, call.query.get("includeObject"), object);
    Ok(Reply::json(201, &shown).with_warnings(ready.warnings))
}

/// `PUT` on an object or its status.
pub(super) async fn update(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("UpdateOptions")?;
    let decoded = fields::decode(call, "UpdateOptions")?;
    let found = match registry.find(call) {
        Err(_) if kinds::created_by_update(&call.served) && call.subresource().is_empty() => {
            let ready = prepare_new(registry, call, decoded, Owners::Compare)?;
            let object = insert(registry, call, ready.object, dry_run).await?;
            return Ok(Reply::json(201, &object).with_warnings(ready.warnings));
        }
        Err(failure) => {
            check_name(call, &decoded.object)?;
            return Err(failure);
        }
        Ok(found) => found,
    };
    let live = complete(&call.served, &found)?;
    let ready = prepare_changed(call, &live, decoded, Owners::Compare)?;
    let object = replace(registry, call, (&found, &live), ready.object, dry_run).await?;
    let form = call.form;
    let shown = reply::object(&call.served, form, call.query.get("includeObject"), object);
    Ok(Reply::json(200, &shown).with_warnings(ready.warnings))
}

fn check_name(call: &Call, object: &Value) -> Result<(), Failure> {
    metadata::check_identity(call, &json!({}), object).map_err(|failure| match failure.code {
        400 => failure,
        _ => Failure::not_found(&call.served.resource, call.name()),
    })
}

/// The stages of a new object.
pub(super) fn prepare_new(
    registry: &Registry,
    call: &Call,
    decoded: Decoded,
    owners: Owners,
) -> Result<Ready, Failure> {
    let served = &*call.served;
    let Decoded { mut object, warnings } = decoded;
    metadata::place(call, &mut object)?;
    registry.check_grant(call, None, &object)?;
    metadata::begin(served, &mut object)?;
    kinds::strip_status(served, &mut object);
    let recorded = metadata::of(&object).get("managedFields").cloned();
    defaults::fill(served, &mut object);
    metadata::validate(served, &object)?;
    registry.check_namespace(call, &object)?;
    kinds::begin(registry, call, &mut object)?;
    match (owners, recorded) {
        (Owners::Recorded, Some(recorded)) => {
            metadata::of_mut(&mut object).insert("managedFields".to_owned(), recorded);
        }
        _ => track(call, None, &mut object),
    }
    kinds::finish(served, &mut object);
    Ok(Ready { object, warnings })
}

/// The stages of an object that replaces another.
pub(super) fn prepare_changed(
    call: &Call,
    live: &Value,
    decoded: Decoded,
    owners: Owners,
) -> Result<Ready, Failure> {
    let served = &*call.served;
    let Decoded { mut object, warnings } = decoded;
    metadata::place(call, &mut object)?;
    metadata::check_identity(call, live, &object)?;
    metadata::of_mut(&mut object).insert("name".to_owned(), json!(call.name()));
    separate(call, live, &mut object);
    defaults::fill(served, &mut object);
    metadata::carry_over(served, live, &mut object);
    kinds::check_update(served, live, &mut object)?;
    if owners == Owners::Compare {
        track(call, Some(live), &mut object);
    }
    if served.is("apiextensions.k8s.io", "customresourcedefinitions") {
        kinds::establish(&mut object);
    }
    Ok(Ready { object, warnings })
}

/// Keeps what an endpoint does not write: the status on the main one, everything else on `status`.
fn separate(call: &Call, live: &Value, object: &mut Value) {
    let put = |from: &Value, field: &str, to: &mut Value| match from.get(field) {
        Some(value) => to[field] = value.clone(),
        None => {
            if let Some(fields) = to.as_object_mut() {
                fields.remove(field);
            }
        }
    };
    match call.subresource() {
        "" if call.served.has_status => put(live, "status", object),
        "status" => {
            let mut kept = live.clone();
            put(object, "status", &mut kept);
            let sent = metadata::of(object).clone();
            let mut fields = vec!["managedFields", "resourceVersion"];
            // Built-in kinds take labels and annotations with the status; custom ones only the status.
            if call.served.custom.is_none() {
                fields.extend(["annotations", "finalizers", "labels", "ownerReferences"]);
            }
            for field in fields {
                put(&sent, field, &mut kept["metadata"]);
            }
            *object = kept;
        }
        _ => {}
    }
}

pub(super) fn track(call: &Call, live: Option<&Value>, object: &mut Value) {
    let served = &*call.served;
    let target = target(served, call.subresource());
    let manager = Manager {
        name: &call.manager,
        subresource: call.subresource(),
    };
    apply::track(live, object, &manager, &target, &now());
}

pub(super) fn target<'a>(served: &'a Served, subresource: &str) -> apply::Target<'a> {
    apply::Target {
        ty: served.ty(),
        api_version: &served.api_version,
        kind: &served.resource.kind,
        builtin: served.custom.is_none(),
        reset: if subresource == "status" {
            &served.reset_status
        } else {
            &served.reset
        },
    }
}

/// Stores a new object and gives it as stored.
pub(super) async fn insert(
    registry: &Registry,
    call: &Call,
    mut object: Value,
    dry_run: bool,
) -> Result<Value, Failure> {
    let name = metadata::text(&object, "name").to_owned();
    let key = call.key(&name)?;
    if dry_run {
        if registry.store.get(&key).is_some() {
            return Err(Failure::exists(&call.served.resource, &name));
        }
        return Ok(object);
    }
    let draft = draft(call, &mut object, &name)?;
    let event = registry
        .store
        .create(key, draft)
        .await
        .map_err(|error| call.store_failure(&error, &name))?;
    let stored = complete(&call.served, &event.object)?;
    registry.after_create(call, &stored).await;
    Ok(stored)
}

/// Stores a changed object, or removes it if nothing holds it any more, and gives it as it is then.
pub(super) async fn replace(
    registry: &Registry,
    call: &Call,
    (found, live): (&Arc<Object>, &Value),
    mut object: Value,
    dry_run: bool,
) -> Result<Value, Failure> {
    registry.check_grant(call, Some(live), &object)?;
    if managed::only_times_differ(live, &object) {
        return Ok(live.clone());
    }
    if dry_run {
        return Ok(object);
    }
    let key: Key = found.key().clone();
    let expected = Expected::Revision(found.revision());
    let failure = |error: crate::store::Error| call.store_failure(&error, call.name());
    if metadata::is_terminating(&object) && !kinds::is_held(&call.served, &object) {
        registry.store.delete(key, expected).await.map_err(failure)?;
        registry.after_delete(&call.served, &object).await;
        return Ok(object);
    }
    let draft = draft(call, &mut object, call.name())?;
    let event = registry
        .store
        .update(key, expected, draft)
        .await
        .map_err(failure)?;
    registry.after_update(call).await;
    complete(&call.served, &event.object)
}

fn draft(call: &Call, object: &mut Value, name: &str) -> Result<Draft, Failure> {
    stored_form(&call.served, object).map_err(|error| call.store_failure(&error, name))
}

/// An object as it is stored: without kind and apiVersion, which every reader puts in front again.
pub(super) fn stored_form(served: &Served, object: &mut Value) -> Result<Draft, crate::store::Error> {
    if let Some(conversion) = served.conversion {
        let mut stored = object.clone();
        conversion.write(&mut stored);
        return draft_of(served, &mut stored);
    }
    let draft = draft_of(served, object);
    identify(served, object);
    draft
}

/// The draft of an object that has its stored form but for kind and apiVersion.
fn draft_of(served: &Served, object: &mut Value) -> Result<Draft, crate::store::Error> {
    let custom = served.custom.as_ref().map(|custom| custom.selectable.as_slice());
    let values: Pairs = selector::field_values(&served.resource, custom.unwrap_or_default(), object);
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    Draft::new(object, values)
}
