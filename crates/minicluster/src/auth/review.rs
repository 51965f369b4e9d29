//! Access reviews: requests that only ask, answered from the object sent and the authorizer.
//!
//! Each takes the object as it came and gives it back with a status; nothing is stored.

use serde_json::{Map, Value, json};

use super::{Attributes, Authorizer, Decision, UserInfo};
use crate::validate::Cause;

/// Why a review can't be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A 422 on a kind without name: the message is `validate::message("SubjectAccessReview", …)`.
    Invalid(Vec<Cause>),
    /// A 400.
    BadRequest(String),
}

/// Answers a SelfSubjectAccessReview: may the asking user do it.
///
/// # Errors
/// When the object doesn't say what it asks.
pub fn self_access(authorizer: &Authorizer, user: &UserInfo, review: Value) -> Result<Value, Refusal> {
    let causes = spec_causes(&review);
    if !causes.is_empty() {
        return Err(Refusal::Invalid(causes));
    }
    let decision = decide(authorizer, user, &review);
    Ok(with_decision(review, &decision))
}

/// Answers a SubjectAccessReview: may the user that it names do it.
///
/// # Errors
/// When the object doesn't say whom or what it asks.
pub fn access(authorizer: &Authorizer, review: Value) -> Result<Value, Refusal> {
    let mut causes = spec_causes(&review);
    let user = subject(&review);
    if user.name.is_empty() && user.groups.is_empty() {
        let why = "at least one of user or group must be specified";
        causes.push(Cause::invalid("spec.user", &json!(""), why));
    }
    if !causes.is_empty() {
        return Err(Refusal::Invalid(causes));
    }
    let decision = decide(authorizer, &user, &review);
    Ok(with_decision(review, &decision))
}

/// Answers a LocalSubjectAccessReview, which asks about the namespace of the request only.
///
/// # Errors
/// When the object asks about another namespace, about a path, or not at all.
pub fn local_access(authorizer: &Authorizer, namespace: &str, review: Value) -> Result<Value, Refusal> {
    let asked = text(&review, "/spec/resourceAttributes/namespace");
    if given(&review, "resourceAttributes") && asked != namespace {
        let message = format!("spec.resourceAttributes.namespace must match namespace: {namespace}");
        return Err(Refusal::BadRequest(message));
    }
    if given(&review, "nonResourceAttributes") {
        let value = &review["spec"]["nonResourceAttributes"];
        let why = "disallowed on this kind of request";
        return Err(Refusal::Invalid(vec![Cause::invalid(
            "spec.nonResourceAttributes",
            value,
            why,
        )]));
    }
    access(authorizer, review)
}

/// Answers a SelfSubjectRulesReview: everything that the user may do in a namespace.
///
/// # Errors
/// When the object names no namespace.
pub fn self_rules(authorizer: &Authorizer, user: &UserInfo, review: &Value) -> Result<Value, Refusal> {
    let namespace = text(review, "/spec/namespace");
    if namespace.is_empty() {
        return Err(Refusal::BadRequest("no namespace on request".to_owned()));
    }
    let held = authorizer.held(user, namespace);
    let mut status = Map::new();
    let resources = held.rules.iter().filter(|rule| !rule.resources.is_empty());
    let resources: Value = resources
        .map(|rule| without(rule.to_json(), "nonResourceURLs"))
        .collect();
    let paths = held.rules.iter().filter(|rule| !rule.urls.is_empty());
    let paths: Value = paths
        .map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.urls}))
        .collect();
    status.insert("resourceRules".to_owned(), resources);
    status.insert("nonResourceRules".to_owned(), paths);
    status.insert("incomplete".to_owned(), json!(false));
    if let Some(error) = super::index::aggregate(held.errors) {
        status.insert("evaluationError".to_owned(), json!(error));
    }
    Ok(json!({
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": status,
    }))
}

/// Answers a SelfSubjectReview of `group/version`: who is asking. `now` is an RFC 3339 time in seconds.
#[must_use]
pub fn who_am_i(user: &UserInfo, api_version: &str, now: &str) -> Value {
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": api_version,
        "metadata": {"creationTimestamp": now},
        "status": {"userInfo": user.to_json()},
    })
}

/// Answers a TokenReview: whose token it is, and for which audiences it is good; or why it is nobody's.
#[must_use]
pub fn token(mut review: Value, found: Result<(&UserInfo, &[String]), &str>) -> Value {
    let status = match found {
        Ok((user, audiences)) => {
            let mut status = json!({"authenticated": true, "user": user.to_json()});
            if !audiences.is_empty() {
                status["audiences"] = json!(audiences);
            }
            status
        }
        Err(error) => json!({"user": {}, "error": error}),
    };
    if let Some(review) = review.as_object_mut() {
        review.insert("status".to_owned(), status);
    }
    review
}

fn decide(authorizer: &Authorizer, user: &UserInfo, review: &Value) -> Decision {
    let spec = &review["spec"];
    if let Some(asked) = spec.get("nonResourceAttributes").filter(|asked| !asked.is_null()) {
        let asked = Attributes::path(user, text(asked, "/verb"), text(asked, "/path"));
        return authorizer.authorize(&asked);
    }
    let asked = &spec["resourceAttributes"];
    authorizer.authorize(&Attributes {
        group: text(asked, "/group"),
        version: text(asked, "/version"),
        resource: text(asked, "/resource"),
        subresource: text(asked, "/subresource"),
        namespace: text(asked, "/namespace"),
        name: text(asked, "/name"),
        ..Attributes::empty(user, text(asked, "/verb"))
    })
}

/// The user whom a review asks about; extras are of no interest to RBAC.
fn subject(review: &Value) -> UserInfo {
    let groups = review.pointer("/spec/groups").and_then(Value::as_array);
    let groups = groups.into_iter().flatten().filter_map(Value::as_str);
    UserInfo {
        name: text(review, "/spec/user").to_owned(),
        uid: text(review, "/spec/uid").to_owned(),
        groups: groups.map(str::to_owned).collect(),
        ..UserInfo::default()
    }
}

fn spec_causes(review: &Value) -> Vec<Cause> {
    match (
        given(review, "resourceAttributes"),
        given(review, "nonResourceAttributes"),
    ) {
        (true, true) => {
            let value = &review["spec"]["nonResourceAttributes"];
            let why = "cannot be specified in combination with resourceAttributes";
            vec![Cause::invalid("spec.nonResourceAttributes", value, why)]
        }
        (false, false) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            vec![Cause::invalid("spec.resourceAttributes", &Value::Null, why)]
        }
        _ => Vec::new(),
    }
}

fn given(review: &Value, field: &str) -> bool {
    review
        .get("spec")
        .and_then(|spec| spec.get(field))
        .is_some_and(|value| !value.is_null())
}

fn with_decision(mut review: Value, decision: &Decision) -> Value {
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    if let Some(review) = review.as_object_mut() {
        review.entry("metadata").or_insert_with(|| json!({}));
        review.insert("status".to_owned(), status);
    }
    review
}

fn without(mut value: Value, field: &str) -> Value {
    if let Some(value) = value.as_object_mut() {
        value.remove(field);
    }
    value
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}
