//! The API server's refusals: one type, printed as the `Status` object that clients know.
//!
//! The texts are the real server's, recorded in the conformance goldens. It decides nothing: every constructor is
//! called by the stage that found the problem.

use serde_json::{Map, Value, json};

use crate::apply;
use crate::patch;
use crate::schema::Resource;
use crate::store;
use crate::validate;

pub(crate) use crate::validate::Cause;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: u16,
    /// Empty for none.
    pub reason: &'static str,
    pub message: String,
    /// `None` for no `details` at all, which differs from empty ones.
    pub details: Option<Value>,
}

impl Failure {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 500 without a reason: what the real server answers where its code has an untyped error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub fn with_details(self, details: Value) -> Self {
        Self {
            details: Some(details),
            ..self
        }
    }

    /// A path or version that nothing serves.
    pub fn no_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with_details(json!({}))
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with_details(json!({}))
    }

    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", group_resource(resource));
        Self::new(404, "NotFound", message).with_details(details(&resource.group, &resource.plural, name))
    }

    pub fn exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", group_resource(resource));
        Self::new(409, "AlreadyExists", message).with_details(details(
            &resource.group,
            &resource.plural,
            name,
        ))
    }

    /// A write based on a state that has changed.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let cause =
            "the object has been modified; please apply your changes to the latest version and try again";
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {cause}",
            group_resource(resource)
        );
        Self::new(409, "Conflict", message).with_details(details(&resource.group, &resource.plural, name))
    }

    /// A precondition that does not hold; names the kind, not the resource.
    pub fn precondition(resource: &Resource, name: &str, cause: &str) -> Self {
        let kind = group_kind(&resource.group, &resource.kind);
        let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {cause}");
        Self::new(409, "Conflict", message).with_details(details(&resource.group, &resource.kind, name))
    }

    pub fn forbidden(resource: &Resource, name: &str, cause: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {cause}", group_resource(resource));
        Self::new(403, "Forbidden", message).with_details(details(&resource.group, &resource.plural, name))
    }

    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let mut details = details(group, kind, name);
        details["causes"] = causes.iter().map(Cause::to_json).collect();
        Self::new(422, "Invalid", validate::message(kind, group, name, causes)).with_details(details)
    }

    /// A bad option of a request (`CreateOptions`, `ListOptions`).
    pub fn invalid_option(kind: &str, cause: Cause) -> Self {
        Self::invalid("meta.k8s.io", kind, "", &[cause])
    }

    /// The answer of a path that nobody serves, which is no `Status`.
    pub fn page_not_found() -> Self {
        Self::new(404, "", "404 page not found\n")
    }

    pub fn is_page_not_found(&self) -> bool {
        *self == Self::page_not_found()
    }

    pub fn unsupported_media(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The store's refusal, for the object of a request.
    pub fn store(error: &store::Error, resource: &Resource, name: &str) -> Self {
        use store::Error;
        match error {
            Error::Exists { .. } => Self::exists(resource, name),
            Error::NotFound { .. } => Self::not_found(resource, name),
            Error::Conflict { .. } => Self::modified(resource, name),
            Error::Expired { .. } => Self::expired(error.to_string()),
            Error::Future { .. } => Self::too_large_version(&error.to_string()),
            Error::InvalidContinue { .. } => Self::bad_request(format!("invalid continue token: {error}")),
            Error::InvalidKey { .. } | Error::InvalidObject { .. } => Self::bad_request(error.to_string()),
            Error::TooLarge { .. } => Self::too_large(&error.to_string()),
            Error::Busy => Self::new(429, "TooManyRequests", error.to_string())
                .with_details(json!({"retryAfterSeconds": 1})),
            _ => Self::new(500, "InternalError", format!("Internal error occurred: {error}")),
        }
    }

    pub fn too_large(message: &str) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    pub fn too_large_version(message: &str) -> Self {
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        Self::new(504, "Timeout", format!("Timeout: {message}"))
            .with_details(json!({"causes": [cause], "retryAfterSeconds": 1}))
    }

    /// The `Status` object.
    pub fn status(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".to_owned(), json!("Status"));
        status.insert("apiVersion".to_owned(), json!("v1"));
        status.insert("metadata".to_owned(), json!({}));
        status.insert("status".to_owned(), json!("Failure"));
        status.insert("message".to_owned(), json!(self.message));
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), json!(self.reason));
        }
        if let Some(details) = &self.details {
            status.insert("details".to_owned(), details.clone());
        }
        status.insert("code".to_owned(), json!(self.code));
        Value::Object(status)
    }
}

impl From<apply::Error> for Failure {
    fn from(error: apply::Error) -> Self {
        match &error {
            apply::Error::Conflicts(conflicts) => {
                let rows = conflicts.causes().into_iter().map(
                    |cause| json!({"reason": apply::CAUSE, "message": cause.message, "field": cause.field}),
                );
                let causes: Vec<Value> = rows.collect();
                Self::new(409, "Conflict", error.to_string()).with_details(json!({"causes": causes}))
            }
            apply::Error::BadRequest(message) => Self::bad_request(message),
            apply::Error::Invalid(message) => Self::internal(message),
        }
    }
}

impl From<patch::Error> for Failure {
    fn from(error: patch::Error) -> Self {
        match error {
            patch::Error::BadRequest(message) => Self::bad_request(message),
            patch::Error::TooLarge(message) => Self::too_large(&message),
            patch::Error::Unprocessable(_) => {
                Self::new(422, "Invalid", patch::UNPROCESSABLE).with_details(json!({}))
            }
            patch::Error::Failed(message) => Self::internal(message),
        }
    }
}

/// `deployments.apps`, or `pods` for the core group.
pub fn group_resource(resource: &Resource) -> String {
    group_kind(&resource.group, &resource.plural)
}

fn group_kind(group: &str, kind: &str) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}.{group}")
    }
}

pub fn details(group: &str, kind: &str, name: &str) -> Value {
    let mut details = Map::new();
    let parts = [("name", name), ("group", group), ("kind", kind)];
    for (key, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
        details.insert(key.to_owned(), json!(value));
    }
    Value::Object(details)
}
