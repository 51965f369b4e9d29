//! Reviews: creates that ask about access or identity, are answered, and are stored nowhere.

use serde_json::{Value, json};

use super::failure::{Failure, details};
use super::reply::Reply;
use super::{Call, Registry, metadata, write};
use crate::auth::review::{self, Refusal};
use crate::validate::Cause;

/// `POST` of a review.
pub(super) fn answer(registry: &Registry, call: &Call, mut object: Value) -> Result<Reply, Failure> {
    let kind = call.served.resource.kind.as_str();
    metadata::place(call, &mut object)?;
    if !matches!(kind, "SelfSubjectRulesReview" | "SelfSubjectReview") {
        write::track(call, None, &mut object);
    }
    let api_version = &call.served.api_version;
    let user = &call.user;
    let access = registry.access();
    let answered = match kind {
        "SelfSubjectAccessReview" => access.look(|authorizer| review::self_access(authorizer, user, object)),
        "SubjectAccessReview" => access.look(|authorizer| review::access(authorizer, object)),
        "LocalSubjectAccessReview" => {
            let namespace = call.namespace().unwrap_or_default();
            access.look(|authorizer| review::local_access(authorizer, namespace, object))
        }
        "SelfSubjectRulesReview" => access.look(|authorizer| review::self_rules(authorizer, user, &object)),
        "SelfSubjectReview" => Ok(review::who_am_i(user, api_version, &call.around.now())),
        "TokenReview" => token(registry, object),
        _ => return Err(Failure::method_not_allowed()),
    };
    let answered = answered.map_err(|refusal| refused(&call.served.resource.group, "", refusal))?;
    Ok(Reply::json(201, &answered))
}

fn token(registry: &Registry, object: Value) -> Result<Value, Refusal> {
    let token = object
        .pointer("/spec/token")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if token.is_empty() {
        let message = "token is required for TokenReview in authentication";
        return Err(Refusal::BadRequest(message.to_owned()));
    }
    let audiences = object.pointer("/spec/audiences").and_then(Value::as_array);
    let audiences = audiences.into_iter().flatten().filter_map(Value::as_str);
    let audiences: Vec<String> = audiences.map(str::to_owned).collect();
    Ok(match registry.bearer(token, &audiences) {
        Ok(bearer) => review::token(object, Ok((&bearer.user, &bearer.audiences))),
        Err(refusal) => review::token(object, Err(&refusal.to_string())),
    })
}

/// The answer to a review or token request that can't be answered. The real server has lost the object's kind when it
/// says so, and prints an empty one.
pub(super) fn refused(group: &str, kind: &str, refusal: Refusal) -> Failure {
    let causes = match refusal {
        Refusal::BadRequest(message) => return Failure::bad_request(message),
        Refusal::Invalid(causes) => causes,
    };
    let text = |cause: &Cause| format!("{}: {}", cause.field, cause.message);
    let texts: Vec<String> = causes.iter().map(text).collect();
    let all = match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let mut details = details(group, kind, "");
    let rows = causes.iter();
    let rows =
        rows.map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}));
    details["causes"] = rows.collect();
    Failure::new(422, "Invalid", format!("{kind}.{group} \"\" is invalid: {all}")).with_details(details)
}
