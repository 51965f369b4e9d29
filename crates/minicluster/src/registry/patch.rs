//! `PATCH`: a new object computed from the stored one, again if it changed meanwhile.

use serde_json::{Value, json};

use super::body::{self, Body};
use super::failure::Failure;
use super::fields::{self, Decoded, media_type};
use super::query::FieldValidation;
use super::reply::{self, Reply};
use super::write::{self, MAX_TRIES, Owners, insert, prepare_changed, prepare_new, replace};
use super::{Call, Registry, complete, metadata};
use crate::apply::{self, Manager};
use crate::patch;

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// `PATCH` on an object or its status.
pub(super) async fn patch(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("PatchOptions")?;
    let ty = patch_type(call)?;
    let patch = decode(call, ty)?;
    let mut tries = 1;
    loop {
        match attempt(registry, call, (ty, &patch), dry_run).await {
            // A patch that says what it changes is not repeated: that version will not come back.
            Err(failure) if failure.reason == "Conflict" && tries < MAX_TRIES && !names_version(&patch) => {
                if ty == Type::Apply && failure.message.starts_with("Apply failed") {
                    return Err(failure);
                }
                tries += 1;
            }
            other => return other,
        }
    }
}

async fn attempt(
    registry: &Registry,
    call: &Call,
    (ty, patch): (Type, &Body),
    dry_run: bool,
) -> Result<Reply, Failure> {
    let found = match registry.find(call) {
        Ok(found) => found,
        Err(failure) if ty != Type::Apply || !call.subresource().is_empty() => return Err(failure),
        Err(_) => {
            let decoded = applied(call, None, patch)?;
            registry.furnish_for(call).await;
            let ready = prepare_new(registry, call, decoded, Owners::Recorded)?;
            let (object, warnings) = insert(registry, call, ready, dry_run).await?;
            return Ok(reply::written(call, 201, object).with_warnings(warnings));
        }
    };
    let live = complete(&call.served, &found)?;
    let (decoded, owners) = match ty {
        Type::Apply => (applied(call, Some(&live), patch)?, Owners::Recorded),
        _ => (patched(call, &live, ty, patch)?, Owners::Compare),
    };
    let ready = prepare_changed(registry, call, &live, (decoded, owners))?;
    let (object, warnings) = replace(registry, call, (&found, &live), ready, dry_run).await?;
    Ok(reply::written(call, 200, object).with_warnings(warnings))
}

fn patched(call: &Call, live: &Value, ty: Type, patch: &Body) -> Result<Decoded, Failure> {
    let mut object = live.clone();
    match ty {
        Type::Json => patch::json::apply(&mut object, &patch.value)?,
        Type::Merge => patch::merge::apply(&mut object, patch.value.clone())?,
        Type::Strategic | Type::Apply => {
            patch::strategic::apply(&mut object, patch.value.clone(), call.served.ty())?;
        }
    }
    let validation = call.query.field_validation("PatchOptions")?;
    let body = Body {
        value: object,
        duplicates: patch.duplicates.clone(),
    };
    fields::decode_value(&call.served, body, validation).map_err(|failure| wrong_contents(call, failure))
}

/// The real server reports contents that don't fit the kind as a field called `patch`.
fn wrong_contents(call: &Call, failure: Failure) -> Failure {
    let prefix = " cannot be handled as a ";
    let Some((_, cause)) = failure.message.split_once(prefix) else {
        return failure;
    };
    if cause.contains("strict decoding error") || call.served.custom.is_some() {
        return failure;
    }
    let cause = cause.split_once(": ").map_or(cause, |(_, cause)| cause);
    let shown = String::from_utf8_lossy(&call.body).into_owned();
    let text = format!("Invalid value: {}: {cause}", Value::from(shown));
    let details = json!({"causes": [{"reason": "FieldValueInvalid", "message": text, "field": "patch"}]});
    Failure::new(422, "Invalid", format!(" \"\" is invalid: patch: {text}")).with_details(details)
}

fn applied(call: &Call, live: Option<&Value>, patch: &Body) -> Result<Decoded, Failure> {
    let mut configuration = patch.value.clone();
    metadata_of_path(call, &mut configuration)?;
    let options = apply::Options {
        manager: Manager {
            name: &call.manager,
            subresource: call.subresource(),
        },
        force: call.query.flag("force"),
        now: &call.around.now(),
    };
    let target = write::target(&call.served, call.subresource());
    let applied = apply::apply(live, &configuration, &options, &target)?;
    let recorded = metadata::of(&applied.object).get("managedFields").cloned();
    let body = Body {
        value: applied.object,
        duplicates: Vec::new(),
    };
    let mut decoded = fields::decode_value(&call.served, body, FieldValidation::Ignore)?;
    if let Some(recorded) = recorded {
        metadata::of_mut(&mut decoded.object).insert("managedFields".to_owned(), recorded);
    }
    Ok(decoded)
}

/// An applied configuration must name the object of the path, and may leave out what the path says.
fn metadata_of_path(call: &Call, configuration: &mut Value) -> Result<(), Failure> {
    if !configuration.is_object() {
        return Err(Failure::bad_request(
            "error decoding YAML: the configuration is no object",
        ));
    }
    let name = metadata::text(configuration, "name").to_owned();
    if !name.is_empty() && name != call.name() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name()
        )));
    }
    if let (Some(wanted), namespace) = (call.namespace(), metadata::text(configuration, "namespace"))
        && !namespace.is_empty()
        && namespace != wanted
    {
        return Err(metadata::wrong_namespace());
    }
    metadata::of_mut(configuration).insert("name".to_owned(), json!(call.name()));
    Ok(())
}

fn patch_type(call: &Call) -> Result<Type, Failure> {
    let strategic = call.served.custom.is_none();
    match media_type(&call.content_type) {
        JSON => Ok(Type::Json),
        MERGE => Ok(Type::Merge),
        STRATEGIC if strategic => Ok(Type::Strategic),
        STRATEGIC => Err(Failure::unsupported_media(&[JSON, MERGE, APPLY])),
        APPLY if call.query.has("fieldManager") => Ok(Type::Apply),
        APPLY => Err(Failure::invalid_option(
            "PatchOptions",
            super::failure::Cause::required("fieldManager", "is required for apply patch"),
        )),
        _ => Err(
            Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with_details(json!({})),
        ),
    }
}

fn decode(call: &Call, ty: Type) -> Result<Body, Failure> {
    if let Some(given) = &call.given {
        return Ok(Body::of(given));
    }
    let read = if ty == Type::Apply {
        body::yaml(&call.body)
    } else {
        body::json(&call.body)
    };
    let what = if ty == Type::Apply {
        "error decoding YAML"
    } else {
        "error decoding patch"
    };
    let body = read.map_err(|cause| Failure::bad_request(format!("{what}: {cause}")))?;
    if ty == Type::Json && !body.value.is_array() {
        let found = if body.value.is_object() { "object" } else { "value" };
        return Err(Failure::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
        )));
    }
    Ok(body)
}

fn names_version(patch: &Body) -> bool {
    patch.value.pointer("/metadata/resourceVersion").is_some()
}
