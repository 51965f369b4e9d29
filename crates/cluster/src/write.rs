//! Writing: create, update, patch, server-side apply, delete. What of that may be done twice is said here.
//!
//! | write | sent again after a lost answer |
//! |---|---|
//! | apply, merge patch | yes: twice is the same as once |
//! | update with a resourceVersion | yes: the second is refused if the first was done; [`Error::may_be_done`] is true then |
//! | delete with a uid | yes: it can't meet another object of the name |
//! | delete all of some labels | yes: the labels say which |
//! | create, JSON patch, update and delete without | no: the caller looks what there is |

use bytes::Bytes;
use http::Method;
use objects::meta;
use serde_json::{Value, json};

use crate::backoff::Repeat;
use crate::client::Cluster;
use crate::error::{Error, Why};
use crate::resource::{At, Resource, with_query};
use crate::send::Call;

const JSON: &str = "application/json";

/// How something is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Write<'a> {
    /// The field manager; empty for the user agent's name.
    pub manager: &'a str,
    /// Only asks what would come of it.
    pub dry_run: bool,
    /// Refuses fields that the kind does not have, instead of dropping them.
    pub strict: bool,
}

/// How an object is applied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Apply<'a> {
    /// The field manager, which an apply must have.
    pub manager: &'a str,
    /// Takes fields from other managers.
    pub force: bool,
    /// Only asks what would come of it.
    pub dry_run: bool,
}

/// A change of an object.
#[derive(Debug, Clone, Copy)]
pub enum Patch<'a> {
    /// A list of operations, as in RFC 6902.
    Json(&'a Value),
    /// A partial object, as in RFC 7386.
    Merge(&'a Value),
}

/// How an object is deleted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delete<'a> {
    /// Only this very object, not another one of the same name; empty for whichever there is.
    pub uid: &'a str,
    /// Only in this state; empty for any.
    pub resource_version: &'a str,
    /// `None` for what the kind does by itself.
    pub propagation: Option<Propagation>,
    /// How long a pod has to end; `None` for what it says itself.
    pub grace_seconds: Option<u32>,
    /// Only asks whether it could be done.
    pub dry_run: bool,
}

/// What becomes of the objects that a deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

impl Cluster {
    /// Creates an object; for a subresource, what is posted to it, as an eviction. The name is the object's own; that
    /// of `at` counts for subresources only.
    ///
    /// # Errors
    /// See [`Error`]. It is never sent twice where the first might have been done: see [`Error::may_be_done`].
    pub async fn create(&self, at: At<'_>, object: &Value, how: Write<'_>) -> Result<Value, Error> {
        let path = match at.subresource {
            "" => at.resource.path(at.namespace),
            _ => at.path(),
        };
        let call = Call {
            method: Method::POST,
            repeat: Repeat::IfNotDone,
            ..write("create", at, (path, how), object)
        };
        self.value(call).await
    }

    /// Puts an object in the place of the one that is there.
    ///
    /// # Errors
    /// See [`Error`]; [`Why::Conflict`] if its resourceVersion is not the present one.
    pub async fn update(&self, at: At<'_>, object: &Value, how: Write<'_>) -> Result<Value, Error> {
        let repeat = match meta::resource_version(object) {
            "" => Repeat::IfNotDone,
            _ => Repeat::Harmless,
        };
        let call = Call {
            method: Method::PUT,
            repeat,
            ..write("update", at, (at.path(), how), object)
        };
        self.value(call).await
    }

    /// Changes an object.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch(&self, at: At<'_>, patch: Patch<'_>, how: Write<'_>) -> Result<Value, Error> {
        let (body, content_type, repeat) = match patch {
            Patch::Json(operations) => (operations, "application/json-patch+json", Repeat::IfNotDone),
            Patch::Merge(object) => (object, "application/merge-patch+json", Repeat::Harmless),
        };
        let call = Call {
            method: Method::PATCH,
            content_type,
            repeat,
            ..write("patch", at, (at.path(), how), body)
        };
        self.value(call).await
    }

    /// Applies an object: the server makes of it what is new, changed and, for this manager, gone.
    ///
    /// # Errors
    /// See [`Error`]; [`Why::Fields`] if it would take fields from others.
    pub async fn apply(&self, at: At<'_>, object: &Value, how: Apply<'_>) -> Result<Value, Error> {
        let Apply {
            manager,
            force,
            dry_run,
        } = how;
        let query = [
            ("fieldManager", manager),
            ("force", if force { "true" } else { "" }),
            ("dryRun", if dry_run { "All" } else { "" }),
        ];
        let call = Call {
            verb: "apply",
            method: Method::PATCH,
            // JSON is YAML, and there is no other name for the content type that all servers know.
            content_type: "application/apply-patch+yaml",
            body: Bytes::from(object.to_string()),
            repeat: Repeat::Harmless,
            ..Call::get(with_query(at.path(), &query), at.what())
        };
        self.value(call).await
    }

    /// Deletes an object, and says whether it was there. It may stay for a while, until it has ended or others let it
    /// go: watch it to see that.
    ///
    /// # Errors
    /// See [`Error`]; [`Why::Conflict`] if the uid or resourceVersion is another.
    pub async fn delete(&self, at: At<'_>, how: Delete<'_>) -> Result<bool, Error> {
        let call = Call {
            verb: "delete",
            method: Method::DELETE,
            body: Bytes::from(options(how).to_string()),
            repeat: match how.uid {
                "" => Repeat::IfNotDone,
                _ => Repeat::Harmless,
            },
            ..Call::get(at.path(), at.what())
        };
        match self.send(&call).await {
            Ok(_) => Ok(true),
            // An earlier try whose answer was lost has done it.
            Err(error) if error.is(&Why::NotFound) => Ok(error.may_be_done()),
            Err(error) => Err(error),
        }
    }
}

impl Cluster {
    /// Deletes all objects of a kind in a namespace that have these labels. Assumes that the labels mean those objects
    /// and no later ones: it is sent again after a lost answer.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_all(&self, resource: &Resource, namespace: &str, labels: &str) -> Result<(), Error> {
        let path = with_query(resource.path(namespace), &[("labelSelector", labels)]);
        let call = Call {
            verb: "deletecollection",
            method: Method::DELETE,
            body: Bytes::from(options(Delete::default()).to_string()),
            repeat: Repeat::Harmless,
            ..Call::get(path, resource.all(namespace))
        };
        self.send(&call).await.map(drop)
    }
}

fn write(verb: &'static str, at: At<'_>, (path, how): (String, Write<'_>), body: &Value) -> Call {
    let Write {
        manager,
        dry_run,
        strict,
    } = how;
    let query = [
        ("fieldManager", manager),
        ("dryRun", if dry_run { "All" } else { "" }),
        ("fieldValidation", if strict { "Strict" } else { "" }),
    ];
    let mut call = Call::get(with_query(path, &query), at.what());
    call.verb = verb;
    call.content_type = JSON;
    call.body = Bytes::from(body.to_string());
    call
}

fn options(how: Delete<'_>) -> Value {
    let Delete {
        uid,
        resource_version,
        propagation,
        grace_seconds,
        dry_run,
    } = how;
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
    let mut only = serde_json::Map::new();
    for (field, value) in [("uid", uid), ("resourceVersion", resource_version)] {
        if !value.is_empty() {
            only.insert(field.to_owned(), value.into());
        }
    }
    if !only.is_empty() {
        options["preconditions"] = only.into();
    }
    if let Some(propagation) = propagation {
        options["propagationPolicy"] = propagation.as_str().into();
    }
    if let Some(seconds) = grace_seconds {
        options["gracePeriodSeconds"] = seconds.into();
    }
    if dry_run {
        options["dryRun"] = json!(["All"]);
    }
    options
}

impl Propagation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}
