//! The `scale` subresource: a view of an object's replicas that every scalable kind speaks.

use serde_json::{Value, json};

use super::body::{self, Body};
use super::failure::{Cause, Failure};
use super::fields::{self, Decoded};
use super::query::FieldValidation;
use super::reply::Reply;
use super::write::{Owners, prepare_changed, replace};
use super::{Call, Registry, Verb, complete, metadata};
use crate::patch;

/// Where a kind has its replicas, as dotted paths.
struct Paths {
    replicas: String,
    status: String,
    selector: Option<String>,
}

pub(super) fn get(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let found = registry.find(call)?;
    let live = complete(&call.served, &found)?;
    Ok(Reply::json(200, &scale_of(call, &live)?))
}

/// `PUT` and `PATCH`: the replicas of the Scale go into the object.
pub(super) async fn write(registry: &Registry, verb: Verb, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("UpdateOptions")?;
    let found = registry.find(call)?;
    let live = complete(&call.served, &found)?;
    let mut scale = scale_of(call, &live)?;
    let sent = match &call.given {
        Some(given) => Ok(Body::of(given)),
        None => body::yaml(&call.body).or_else(|_| body::json(&call.body)),
    };
    let sent = sent
        .map_err(|cause| Failure::bad_request(format!("error decoding patch: {cause}")))?
        .value;
    match (verb, fields::media_type(&call.content_type)) {
        (Verb::Update, _) => scale = sent,
        (_, "application/json-patch+json") => patch::json::apply(&mut scale, &sent)?,
        _ => patch::merge::apply(&mut scale, sent)?,
    }
    let version = metadata::text(&scale, "resourceVersion");
    if !version.is_empty() && version != metadata::text(&live, "resourceVersion") {
        return Err(Failure::modified(&call.served.resource, call.name()));
    }
    let replicas = scale
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    if replicas < 0 {
        let why = "must be greater than or equal to 0";
        let cause = Cause::invalid("spec.replicas", &json!(replicas), why);
        return Err(Failure::invalid("autoscaling", "Scale", call.name(), &[cause]));
    }
    let mut object = live.clone();
    put(&mut object, &paths(call).replicas, json!(replicas));
    let body = Body {
        value: object,
        duplicates: Vec::new(),
    };
    let Decoded { object, warnings } = fields::decode_value(&call.served, body, FieldValidation::Ignore)?;
    let decoded = Decoded { object, warnings };
    let mut ready = prepare_changed(registry, call, &live, (decoded, Owners::Compare))?;
    if call.served.custom.is_some() {
        forget_time(&mut ready.object);
    }
    let (stored, _) = replace(registry, call, (&found, &live), ready, dry_run).await?;
    Ok(Reply::json(200, &scale_of(call, &stored)?))
}

/// The real server records no time for what is written through the scale of a custom kind.
fn forget_time(object: &mut Value) {
    let owners = metadata::of_mut(object)
        .get_mut("managedFields")
        .and_then(Value::as_array_mut);
    for owner in owners.into_iter().flatten() {
        if owner["subresource"] == "scale"
            && let Some(owner) = owner.as_object_mut()
        {
            owner.remove("time");
        }
    }
}

fn scale_of(call: &Call, object: &Value) -> Result<Value, Failure> {
    let paths = paths(call);
    let replicas = at(object, &paths.replicas).and_then(Value::as_i64);
    if replicas.is_none() && call.served.custom.is_some() {
        let cause = format!("the spec replicas field \".{}\" does not exist", paths.replicas);
        let message = format!("Internal error occurred: {cause}");
        let details = json!({"causes": [{"message": cause}]});
        return Err(Failure::new(500, "InternalError", message).with_details(details));
    }
    let field = |name: &str| metadata::of(object).get(name).cloned();
    let mut shown = json!({});
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = field(name) {
            shown[name] = value;
        }
    }
    let mut status = json!({"replicas": at(object, &paths.status).and_then(Value::as_i64).unwrap_or(0)});
    let selector = match &paths.selector {
        Some(path) => at(object, path).and_then(Value::as_str).map(str::to_owned),
        None => object.pointer("/spec/selector").map(selector_text),
    };
    if let Some(selector) = selector.filter(|text| !text.is_empty()) {
        status["selector"] = json!(selector);
    }
    // A Scale leaves its replicas out where there are none.
    let spec = match replicas {
        Some(0) | None => json!({}),
        Some(replicas) => json!({"replicas": replicas}),
    };
    Ok(
        json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": shown, "spec": spec, "status": status}),
    )
}

/// `a=1,b in (x,y)`, in the order of keys.
pub(super) fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").or_else(|| {
        let plain = selector.get("matchExpressions").is_none();
        plain.then_some(selector)
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let equal = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={}", text(value))));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let set = expressions.into_iter().flatten().map(|one| {
        let key = text(&one["key"]);
        let mut values: Vec<String> = one["values"].as_array().into_iter().flatten().map(text).collect();
        values.sort();
        let shown = match one["operator"].as_str() {
            Some("Exists") => key.clone(),
            Some("DoesNotExist") => format!("!{key}"),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            _ => format!("{key} in ({})", values.join(",")),
        };
        (key, shown)
    });
    let mut all: Vec<(String, String)> = equal.chain(set).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.into_iter()
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(",")
}

fn paths(call: &Call) -> Paths {
    let custom = call
        .served
        .custom
        .as_ref()
        .and_then(|custom| custom.scale.as_ref());
    let path = |name: &str| {
        let text = custom?.get(name)?.as_str()?;
        Some(text.trim_start_matches('.').to_owned())
    };
    Paths {
        replicas: path("specReplicasPath").unwrap_or_else(|| "spec.replicas".to_owned()),
        status: path("statusReplicasPath").unwrap_or_else(|| "status.replicas".to_owned()),
        selector: path("labelSelectorPath"),
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, part| value.get(part))
}

fn put(object: &mut Value, path: &str, value: Value) {
    let mut target = object;
    for part in path.split('.') {
        if !target.is_object() {
            *target = json!({});
        }
        target = &mut target[part];
    }
    *target = value;
}
