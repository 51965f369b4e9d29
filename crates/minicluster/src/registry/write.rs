//! Create and update: the stages between a decoded body and the store.
//!
//! ```text
//! place ─► default ─► own fields ─► admission (mutate) ─► addresses ─► validate ─► admission ─► quota ─► store
//! ```
//!
//! A patch is an update whose object is computed from the stored one, so it comes through here too.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::addresses::Reservation;
use super::admission_policy::{self, Write};
use super::catalog::Served;
use super::failure::Failure;
use super::fields::{self, Decoded};
use super::reply::{self, Reply};
use super::{
    Call, Registry, complete, custom, definition, identify, kinds, metadata, pods, requests, review, selector,
};
use crate::admission::Operation;
use crate::apply::{self, Manager, managed};
use crate::store::{Draft, Expected, Key, Object, Pairs};
use crate::validate;

/// How often a patch is computed again because the object changed under it. The real server gives up at 5.
pub(super) const MAX_TRIES: usize = 5;

/// A write that has passed all stages but the store.
pub(super) struct Ready {
    pub object: Value,
    pub warnings: Vec<String>,
    /// What a Service has taken for this write.
    reserved: Option<Reservation>,
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
    if call.served.is("", "bindings") {
        return pods::bind_named(registry, call, dry_run).await;
    }
    if !call.subresource().is_empty() {
        return pods::create_part(registry, call, dry_run).await;
    }
    let decoded = fields::decode(call, "CreateOptions")?;
    if call.served.stored_as.is_none() {
        return review::answer(registry, call, decoded.object);
    }
    registry.furnish_for(call).await;
    let ready = prepare_new(registry, call, decoded, Owners::Compare)?;
    let (object, warnings) = insert(registry, call, ready, dry_run).await?;
    Ok(reply::written(call, 201, object).with_warnings(warnings))
}

/// `PUT` on an object or its status.
pub(super) async fn update(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("UpdateOptions")?;
    let decoded = fields::decode(call, "UpdateOptions")?;
    let found = match registry.find(call) {
        Err(_) if kinds::created_by_update(&call.served) && call.subresource().is_empty() => {
            let ready = prepare_new(registry, call, decoded, Owners::Compare)?;
            let (object, warnings) = insert(registry, call, ready, dry_run).await?;
            return Ok(reply::written(call, 201, object).with_warnings(warnings));
        }
        Err(failure) => {
            check_name(call, &decoded.object)?;
            return Err(failure);
        }
        Ok(found) => found,
    };
    let live = complete(&call.served, &found)?;
    let ready = prepare_changed(registry, call, &live, (decoded, Owners::Compare))?;
    let (object, warnings) = replace(registry, call, (&found, &live), ready, dry_run).await?;
    Ok(reply::written(call, 200, object).with_warnings(warnings))
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
    let Decoded {
        mut object,
        mut warnings,
    } = decoded;
    custom::check_going(served)?;
    metadata::place(call, &mut object)?;
    registry.begin_admission(call, &object)?;
    registry.check_grant(call, None, &object)?;
    metadata::begin(call, &mut object)?;
    kinds::strip_status(served, &mut object);
    let recorded = metadata::of(&object).get("managedFields").cloned();
    default(served, &mut object, None)?;
    admission_policy::prepare(call, &mut object)?;
    match (owners, recorded) {
        (Owners::Recorded, Some(recorded)) => {
            metadata::of_mut(&mut object).insert("managedFields".to_owned(), recorded);
        }
        _ => track(call, None, &mut object),
    }
    registry.mutate(call, None, &mut object)?;
    let reserved = registry.take_addresses(call, &mut object, None)?;
    let (group, kind) = (&served.resource.group, &served.resource.kind);
    if served.custom.is_none() {
        let uid = metadata::text(&object, "uid").to_owned();
        validate::on_create(group, kind, &mut object, &uid);
    }
    kinds::finish(served, &mut object);
    requests::begin(call, &mut object);
    warnings.extend(custom::validate(served, &object, None)?);
    let mut causes = validate::validate(group, kind, &object, None);
    causes.extend(requests::faults(call, &object));
    check(served, &object, &causes)?;
    warnings.extend(registry.validate(call, None, &object)?);
    let write = Write {
        operation: "CREATE",
        object: Some(&object),
        old: None,
    };
    warnings.extend(admission_policy::check(registry, call, &write)?);
    Ok(Ready {
        object,
        warnings,
        reserved,
    })
}

/// The stages of an object that replaces another.
pub(super) fn prepare_changed(
    registry: &Registry,
    call: &Call,
    live: &Value,
    (decoded, owners): (Decoded, Owners),
) -> Result<Ready, Failure> {
    let served = &*call.served;
    let Decoded {
        mut object,
        mut warnings,
    } = decoded;
    metadata::place(call, &mut object)?;
    metadata::check_identity(call, live, &object)?;
    metadata::of_mut(&mut object).insert("name".to_owned(), json!(call.name()));
    separate(call, live, &mut object);
    default(served, &mut object, Some(live))?;
    admission_policy::prepare(call, &mut object)?;
    metadata::carry_over(live, &mut object);
    if owners == Owners::Compare {
        track(call, Some(live), &mut object);
    }
    registry.mutate(call, Some(live), &mut object)?;
    let reserved = registry.take_addresses(call, &mut object, Some(live))?;
    kinds::keep(call, live, &mut object);
    requests::check_signer(registry, call, live, &object)?;
    metadata::count(served, live, &mut object);
    let (group, kind) = (&served.resource.group, &served.resource.kind);
    let causes = match call.subresource() {
        "" | "scale" => validate::validate(group, kind, &object, Some(live)),
        part => validate::part(part, group, kind, (&object, live)),
    };
    check(served, &object, &causes)?;
    warnings.extend(custom::validate(served, &object, Some(live))?);
    warnings.extend(registry.validate(call, Some(live), &object)?);
    let write = Write {
        operation: "UPDATE",
        object: Some(&object),
        old: Some(live),
    };
    warnings.extend(admission_policy::check(registry, call, &write)?);
    Ok(Ready {
        object,
        warnings,
        reserved,
    })
}

/// What the server reads of a built-in object that its schema does not say.
fn default(served: &Served, object: &mut Value, live: Option<&Value>) -> Result<(), Failure> {
    if served.custom.is_none() {
        kinds::read(served, object);
        validate::default(&served.resource.group, &served.resource.kind, object);
        kinds::count_template(served, object, live);
    }
    if definition::is_definition(served) {
        definition::default(object, live);
        definition::check(object, live)?;
    }
    Ok(())
}

fn check(served: &Served, object: &Value, causes: &[validate::Cause]) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    let resource = &served.resource;
    let name = metadata::text(object, "name");
    Err(Failure::invalid(&resource.group, &resource.kind, name, causes))
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
        "ephemeralcontainers" | "resize" if call.served.is("", "pods") => {
            *object = pods::part(call.subresource(), live, object);
        }
        "approval" => *object = requests::approval(live, object, &call.around.now()),
        "finalize" => {
            let mut kept = live.clone();
            put(&object["spec"].clone(), "finalizers", &mut kept["spec"]);
            put(
                &metadata::of(object).clone(),
                "resourceVersion",
                &mut kept["metadata"],
            );
            *object = kept;
        }
        "status" => {
            let mut kept = managed::stripped(live);
            let mut sent = object.as_object_mut().map(std::mem::take).unwrap_or_default();
            give(&mut sent, "status", &mut kept);
            let mut metadata = match sent.remove("metadata") {
                Some(Value::Object(metadata)) => metadata,
                _ => Map::new(),
            };
            let mut fields = vec!["managedFields", "resourceVersion"];
            // Built-in kinds take labels and annotations with the status; custom ones only the status.
            if call.served.custom.is_none() {
                fields.extend(["annotations", "finalizers", "labels", "ownerReferences"]);
            }
            for field in fields {
                give(&mut metadata, field, &mut kept["metadata"]);
            }
            *object = kept;
        }
        _ => {}
    }
}

/// Moves a field over, or takes it out where there is none.
fn give(from: &mut Map<String, Value>, field: &str, to: &mut Value) {
    match from.remove(field) {
        Some(value) => to[field] = value,
        None => {
            if let Some(fields) = to.as_object_mut() {
                fields.remove(field);
            }
        }
    }
}

pub(super) fn track(call: &Call, live: Option<&Value>, object: &mut Value) {
    let served = &*call.served;
    let target = target(served, call.subresource());
    let manager = Manager {
        name: &call.manager,
        subresource: call.subresource(),
    };
    apply::track(live, object, &manager, &target, &call.around.now());
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

/// Stores a new object and gives it as stored, with the warnings for the client.
pub(super) async fn insert(
    registry: &Registry,
    call: &Call,
    ready: Ready,
    dry_run: bool,
) -> Result<(Value, Vec<String>), Failure> {
    let Ready {
        mut object,
        warnings,
        reserved,
    } = ready;
    let name = metadata::text(&object, "name").to_owned();
    let key = call.key(&name)?;
    let turn = registry.charge(call, None, &object).await?;
    if dry_run {
        if registry.store.get(&key).is_some() {
            return Err(Failure::exists(&call.served.resource, &name));
        }
        return Ok((object, warnings));
    }
    let draft = draft(call, &mut object, &name)?;
    let event = registry
        .store
        .create(key, draft)
        .await
        .map_err(|error| call.store_failure(&error, &name))?;
    if let Some(reserved) = reserved {
        reserved.keep();
    }
    turn.settle(registry).await;
    let stored = as_stored(&call.served, object, &event.object)?;
    registry.after_create(call, &stored).await;
    registry.measure_after(Operation::Create, call, &stored);
    Ok((stored, warnings))
}

/// Stores a changed object, or removes it if nothing holds it any more, and gives it as it is then.
pub(super) async fn replace(
    registry: &Registry,
    call: &Call,
    (found, live): (&Arc<Object>, &Value),
    ready: Ready,
    dry_run: bool,
) -> Result<(Value, Vec<String>), Failure> {
    let Ready {
        mut object,
        warnings,
        reserved,
    } = ready;
    registry.check_grant(call, Some(live), &object)?;
    if managed::only_times_differ(live, &object) {
        return Ok((live.clone(), warnings));
    }
    let turn = registry.charge(call, Some(live), &object).await?;
    if dry_run {
        return Ok((object, warnings));
    }
    let key: Key = found.key().clone();
    let expected = Expected::Revision(found.revision());
    let failure = |error: crate::store::Error| call.store_failure(&error, call.name());
    if metadata::is_terminating(&object) && !kinds::is_held(&call.served, &object) {
        registry.store.delete(key, expected).await.map_err(failure)?;
        drop(turn);
        registry.after_delete(&call.served, &object).await;
        return Ok((object, warnings));
    }
    let draft = draft(call, &mut object, call.name())?;
    let event = registry
        .store
        .update(key, expected, draft)
        .await
        .map_err(failure)?;
    if let Some(reserved) = reserved {
        reserved.keep();
        registry.services.free_left(live, &object);
    }
    turn.settle(registry).await;
    let stored = as_stored(&call.served, object, &event.object)?;
    registry.after_update(call, &stored).await;
    registry.measure_after(Operation::Update, call, &stored);
    Ok((stored, warnings))
}

impl Ready {
    /// An object that a subresource computed, which needs no further stage.
    pub(super) fn computed(object: Value) -> Self {
        Self {
            object,
            warnings: Vec::new(),
            reserved: None,
        }
    }
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

/// What a reader finds of an object that was just stored: parsed only where reading changes it.
fn as_stored(served: &Served, mut object: Value, stored: &Object) -> Result<Value, Failure> {
    if served.conversion.is_some() || served.custom.is_some() {
        return complete(served, stored);
    }
    let version = json!(stored.revision().to_string());
    metadata::of_mut(&mut object).insert("resourceVersion".to_owned(), version);
    Ok(object)
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
