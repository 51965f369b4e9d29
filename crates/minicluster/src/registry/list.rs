//! Get and list: what readers see, as of when, in which form.

use std::time::Duration;

use serde_json::{Value, json};

use super::catalog::Served;
use super::failure::{Cause, Failure};
use super::reply::{self, Form, Reply};
use super::{Call, Registry, complete, complete_for, complete_json, table};
use crate::store::{At, Continue, Error, Page, Query as StoreQuery};

/// How long a reader waits for a version that the store has not come to: the real server's patience.
const PATIENCE: Duration = Duration::from_secs(3);

/// `GET` on an object or its status.
pub(super) fn get(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let form = call.form;
    let found = registry.find(call)?;
    if form == Form::Object {
        return Ok(Reply::bytes(200, complete_json(&call.served, &found)));
    }
    let include = call.query.get("includeObject");
    let shown = reply::object(
        &call.served,
        form,
        include,
        complete_for(&call.served, &found, form)?,
    );
    Ok(Reply::json(200, &shown))
}

/// `GET` on a collection.
pub(super) async fn list(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let form = call.form;
    let served = &*call.served;
    let page = page(registry, call).await?;
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    if let Some(next) = &page.next {
        metadata["continue"] = json!(next.to_string());
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = json!(remaining);
    }
    if form == Form::Object {
        return Ok(Reply::bytes(200, plain(served, &page, metadata)));
    }
    let values: Result<Vec<Value>, Failure> = page
        .objects
        .iter()
        .map(|object| complete_for(served, object, form))
        .collect();
    let shown = match form {
        Form::Table => table::table(
            served,
            values?,
            &metadata,
            (call.query.get("includeObject"), true),
        ),
        _ => collection(served, form, values?, &metadata),
    };
    Ok(Reply::json(200, &shown))
}

/// A list made of stored bytes: nothing is parsed.
fn plain(served: &Served, page: &Page, mut metadata: Value) -> Vec<u8> {
    let custom = served.custom.is_some();
    // The real server prints it for lists of custom resources even when it is empty.
    if custom && metadata.get("continue").is_none() {
        metadata["continue"] = json!("");
    }
    let size: usize = page.objects.iter().map(|object| object.json().len() + 64).sum();
    let mut out = Vec::with_capacity(size + 256);
    let head = json!(served.list_kind).to_string();
    out.extend_from_slice(format!("{{\"kind\":{head},\"apiVersion\":\"{}\",", served.api_version).as_bytes());
    out.extend_from_slice(format!("\"metadata\":{metadata},\"items\":[").as_bytes());
    for (at, object) in page.objects.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if custom {
            out.extend_from_slice(&complete_json(served, object));
        } else if served.conversion.is_some() {
            let mut value = complete(served, object).unwrap_or_default();
            anonymous(&mut value);
            out.extend_from_slice(value.to_string().as_bytes());
        } else {
            out.extend_from_slice(object.json());
        }
    }
    out.extend_from_slice(b"]}");
    out
}

/// A list of values in a form.
pub(super) fn collection(served: &Served, form: Form, values: Vec<Value>, metadata: &Value) -> Value {
    let (kind, version) = match form {
        Form::Metadata => ("PartialObjectMetadataList", "meta.k8s.io/v1"),
        _ => (&*served.list_kind, &*served.api_version),
    };
    let shown = values.into_iter().map(|mut value| {
        if form == Form::Metadata {
            return reply::metadata(value);
        }
        if served.custom.is_none() {
            anonymous(&mut value);
        }
        value
    });
    let items: Vec<Value> = shown.collect();
    json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items})
}

/// The items of a list of a built-in kind don't say what they are.
fn anonymous(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
}

/// Finds the page that a call asks for.
pub(super) async fn page(registry: &Registry, call: &Call) -> Result<Page, Failure> {
    let query = &call.query;
    let resource = call.stored_as()?;
    let selector = call.selector()?;
    let token = query.get("continue");
    let after = (!token.is_empty()).then(|| Continue::parse(token)).transpose();
    let after = after.map_err(|error| call.store_failure(&error, ""))?;
    let at = state(call)?;
    if let At::NotOlderThan(revision) = at {
        await_revision(registry, revision).await?;
    }
    let keep = |object: &crate::store::Object| selector.matches(object);
    let store_query = StoreQuery {
        namespace: call.namespace(),
        at,
        // Anything that is no positive number is no limit.
        limit: query
            .get("limit")
            .parse::<usize>()
            .ok()
            .filter(|limit| *limit > 0),
        after: after.as_ref(),
        keep: if selector.is_everything() {
            None
        } else {
            Some(&keep)
        },
        field: selector.certain_field(),
    };
    registry.store.list(resource, &store_query).map_err(|error| match (&error, &after) {
        (Error::Expired { .. }, Some(after)) => {
            let mut failure = Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a \
                 new list without the continue parameter, or use the continue token in this response to retrieve \
                 the remainder of the results. Continuing with the provided token results in an inconsistent list \
                 - objects that were created, modified, or deleted between the time the first chunk was returned \
                 and now may show up in the list.",
            );
            failure.details = Some(json!({"continue": after.inconsistent().to_string()}));
            failure
        }
        _ => call.store_failure(&error, ""),
    })
}

/// Waits for a version from the future.
///
/// # Errors
/// 504 when it does not come in time.
pub(super) async fn await_revision(registry: &Registry, revision: u64) -> Result<(), Failure> {
    if revision <= registry.store.revision() {
        return Ok(());
    }
    match tokio::time::timeout(PATIENCE, registry.store.reached(revision)).await {
        Ok(_) => Ok(()),
        Err(_) => {
            let current = registry.store.revision();
            let message = format!("Too large resource version: {revision}, current: {current}");
            Err(Failure::too_large_version(&message))
        }
    }
}

fn state(call: &Call) -> Result<At, Failure> {
    let query = &call.query;
    let (version, matching) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    let forbidden =
        |text: &str| Failure::invalid_option("ListOptions", Cause::forbidden("resourceVersionMatch", text));
    if query.has("continue") {
        if !matching.is_empty() {
            return Err(forbidden(
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !version.is_empty() && version != "0" {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        return Ok(At::Latest);
    }
    if !matching.is_empty() && version.is_empty() {
        return Err(forbidden(
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ));
    }
    if !matches!(matching, "" | "Exact" | "NotOlderThan") {
        let value = json!(matching);
        let cause = Cause::unsupported("resourceVersionMatch", &value, &["Exact", "NotOlderThan", ""]);
        return Err(Failure::invalid_option("ListOptions", cause));
    }
    if matching == "Exact" && version == "0" {
        return Err(forbidden(
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ));
    }
    if version.is_empty() {
        return Ok(At::Latest);
    }
    let revision: u64 = version.parse().map_err(|_| bad_version(version))?;
    Ok(match (matching, revision) {
        (_, 0) => At::Latest,
        ("Exact", _) => At::Exact(revision),
        // The old behaviour without a match: exact where there is a limit.
        ("", _) if query.has("limit") => At::Exact(revision),
        _ => At::NotOlderThan(revision),
    })
}

fn bad_version(version: &str) -> Failure {
    Failure::bad_request(format!(
        "Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax"
    ))
}
