//! Deletion: at once, or in two steps where finalizers, dependents or a namespace's contents come first.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admission_policy::{self, Write};
use super::failure::Failure;
use super::list;
use super::query::DeleteOptions;
use super::reply::{self, Form, Reply};
use super::write::stored_form;
use super::{Call, Registry, body, complete, kinds, metadata};
use crate::store::{self, Expected, Object};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// How often a deletion is tried again because the object changed under it.
const MAX_TRIES: usize = 10;

/// What has become of an object.
enum Outcome {
    Gone(Value),
    /// It stays, marked, until whatever holds it lets go.
    Marked(Value),
}

/// `DELETE` on an object.
pub(super) async fn delete(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    if !call.subresource().is_empty() {
        return Err(Failure::method_not_allowed());
    }
    let options = options(call)?;
    let form = call.form;
    let include = call.query.get("includeObject");
    for _ in 0..MAX_TRIES {
        let found = registry.find(call)?;
        let outcome = match remove(registry, call, &found, &options).await {
            Err(failure)
                if failure.reason == "Conflict"
                    && options.resource_version.is_none()
                    && options.uid.is_none() =>
            {
                continue;
            }
            other => other?,
        };
        let shown = match outcome {
            Outcome::Marked(object) => reply::object(&call.served, form, include, object),
            Outcome::Gone(object) if kinds::answers_deleted_object(&call.served) => {
                reply::object(&call.served, Form::Object, include, object)
            }
            Outcome::Gone(object) => success(call, &object),
        };
        return Ok(Reply::json(200, &shown));
    }
    Err(Failure::modified(&call.served.resource, call.name()))
}

/// Deletes the object of a call, again if it changes meanwhile.
pub(super) async fn again(registry: &Registry, call: &Call, options: &DeleteOptions) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let found = registry.find(call)?;
        match remove(registry, call, &found, options).await {
            Err(failure)
                if failure.reason == "Conflict"
                    && options.resource_version.is_none()
                    && options.uid.is_none() => {}
            other => return other.map(|_| ()),
        }
    }
    Err(Failure::modified(&call.served.resource, call.name()))
}

/// `DELETE` on a collection: every object that the selectors take.
pub(super) async fn collection(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let options = options(call)?;
    let page = list::page(registry, call).await?;
    let mut shown = Vec::new();
    for object in &page.objects {
        match remove(registry, call, object, &options).await {
            Ok(Outcome::Gone(value) | Outcome::Marked(value)) => shown.push(value),
            // Somebody else was faster.
            Err(failure) if matches!(failure.code, 404 | 409) => {}
            Err(failure) => return Err(failure),
        }
    }
    let list = list::collection(
        &call.served,
        Form::Object,
        shown,
        &json!({"resourceVersion": page.revision.to_string()}),
    );
    Ok(Reply::json(200, &list))
}

fn options(call: &Call) -> Result<DeleteOptions, Failure> {
    let empty = call.body.iter().all(u8::is_ascii_whitespace);
    let body = if let Some(given) = &call.given {
        given.clone()
    } else if empty {
        Value::Null
    } else {
        body::json(&call.body)
            .or_else(|_| body::yaml(&call.body))
            .map_err(|cause| Failure::bad_request(format!("error decoding DeleteOptions: {cause}")))?
            .value
    };
    DeleteOptions::read(&call.query, &body)
}

async fn remove(
    registry: &Registry,
    call: &Call,
    found: &Arc<Object>,
    options: &DeleteOptions,
) -> Result<Outcome, Failure> {
    let served = &*call.served;
    let name = found.key().name().to_owned();
    registry.deletable(served, &name)?;
    let mut object = complete(served, found)?;
    check_preconditions(call, &object, &name, options)?;
    let write = Write {
        operation: "DELETE",
        object: None,
        old: Some(&object),
    };
    admission_policy::check(registry, call, &write)?;
    let already = metadata::is_terminating(&object);
    mark(call, &mut object, options);
    if options.dry_run {
        return Ok(if kinds::is_held(served, &object) {
            Outcome::Marked(object)
        } else {
            Outcome::Gone(object)
        });
    }
    let expected = Expected::Revision(found.revision());
    let failure = |error: store::Error| call.store_failure(&error, &name);
    if kinds::is_held(served, &object) {
        if already && object == complete(served, found)? {
            return Ok(Outcome::Marked(object));
        }
        let draft = stored_form(served, &mut object).map_err(failure)?;
        let event = registry
            .store
            .update(found.key().clone(), expected, draft)
            .await
            .map_err(failure)?;
        let object = complete(served, &event.object)?;
        registry.after_mark(&call.served, &object);
        return Ok(Outcome::Marked(object));
    }
    registry
        .store
        .delete(found.key().clone(), expected)
        .await
        .map_err(failure)?;
    registry.after_delete(served, &object).await;
    Ok(Outcome::Gone(object))
}

fn check_preconditions(
    call: &Call,
    object: &Value,
    name: &str,
    options: &DeleteOptions,
) -> Result<(), Failure> {
    let checks = [
        ("UID", "recreated", "uid", &options.uid),
        (
            "ResourceVersion",
            "modified",
            "resourceVersion",
            &options.resource_version,
        ),
    ];
    for (what, how, field, wanted) in checks {
        let actual = metadata::text(object, field);
        if let Some(wanted) = wanted
            && wanted != actual
        {
            let story = if how == "recreated" {
                "deleted and then recreated"
            } else {
                "modified"
            };
            let cause = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({actual}). The \
                 object might have been {story}"
            );
            return Err(Failure::precondition(&call.served.resource, name, &cause));
        }
    }
    Ok(())
}

/// Shortens the grace of an object that is being deleted already; it never grows.
fn hurry(object: &mut Value, grace: i64) {
    let fields = metadata::of_mut(object);
    let old = fields.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    let Some(old) = old.filter(|old| grace < *old) else {
        return;
    };
    let end = fields.get("deletionTimestamp").and_then(Value::as_str);
    let end = end.map(|end| later(end, grace - old));
    fields.insert("deletionTimestamp".to_owned(), json!(end));
    fields.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
}

/// A time so many seconds later.
fn later(time: &str, seconds: i64) -> String {
    let read = objects::time::parse(time);
    let moved = read.and_then(|time| time.checked_add(jiff::SignedDuration::from_secs(seconds)).ok());
    moved.map_or_else(|| time.to_owned(), objects::time::seconds)
}

/// Marks an object as being deleted, with the finalizers that the policy asks for.
fn mark(call: &Call, object: &mut Value, options: &DeleteOptions) {
    let grace = kinds::grace_seconds(&call.served, object, options.grace_seconds);
    if !metadata::is_terminating(object) {
        let generation = metadata::of(object).get("generation").and_then(Value::as_i64);
        let fields = metadata::of_mut(object);
        fields.insert(
            "deletionTimestamp".to_owned(),
            json!(later(&call.around.now(), grace)),
        );
        fields.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        if let Some(generation) = generation {
            fields.insert("generation".to_owned(), json!(generation.saturating_add(1)));
        }
    }
    hurry(object, grace);
    let policy = match options.propagation.as_deref() {
        Some("Foreground") => Some(FOREGROUND),
        Some("Orphan") => Some(ORPHAN),
        _ => None,
    };
    if let Some(policy) = policy {
        let fields = metadata::of_mut(object);
        let finalizers = fields.entry("finalizers").or_insert_with(|| json!([]));
        if let Some(all) = finalizers.as_array_mut()
            && !all.iter().any(|one| one == policy)
        {
            all.push(json!(policy));
        }
    }
    kinds::mark(call, object);
}

fn success(call: &Call, object: &Value) -> Value {
    let resource = &call.served.resource;
    let mut details = json!({
        "name": metadata::text(object, "name"),
        "kind": resource.plural,
        "uid": metadata::text(object, "uid"),
    });
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
