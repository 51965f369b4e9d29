//! Calls from inside of the process: what a controller does, in the name of a user, without a connection.
//!
//! Such a call goes through every stage that a client's request goes through, but for the authorizer: the code that
//! makes it is the cluster's own. Its user is what admission sees, its name is the owner of the fields it writes.

use bytes::Bytes;
use serde_json::Value;

use super::failure::Failure;
use super::query::Query;
use super::route::Target;
use super::{Call, Content, Registry, Verb};
use crate::auth::UserInfo;

/// Somebody inside of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    registry: Registry,
    user: UserInfo,
    manager: String,
}

/// What a call is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub plural: &'a str,
    /// Empty for the cluster scope and for all namespaces.
    pub namespace: &'a str,
    /// Empty for a collection.
    pub name: &'a str,
    pub subresource: &'a str,
}

/// What is sent with a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent<'a> {
    /// The options, as in a URL: `propagationPolicy=Background`, `force=true`.
    pub query: &'a str,
    /// Empty for a whole object; a patch says its type.
    pub content_type: &'a str,
    /// `None` for no body.
    pub body: Option<&'a Value>,
}

impl Registry {
    /// A controller of the cluster's own: the user is its ServiceAccount in `kube-system`.
    pub(crate) fn controller(&self, name: &str) -> Caller {
        self.caller(UserInfo::service_account("kube-system", name), name)
    }

    /// Anybody inside of the process.
    pub(crate) fn caller(&self, user: UserInfo, manager: &str) -> Caller {
        Caller {
            registry: self.clone(),
            user,
            manager: manager.to_owned(),
        }
    }
}

impl Caller {
    /// Makes a call and gives what a client would get as its answer's object; a list has its items in one page.
    ///
    /// # Errors
    /// As for a client. A watch is refused: the store's own are better.
    pub(crate) async fn call(&self, verb: Verb, place: Place<'_>, sent: Sent<'_>) -> Result<Value, Failure> {
        let catalog = self.registry.catalog();
        let served = catalog.find(place.group, place.version, place.plural);
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let call = Call {
            around: self.registry.around.clone(),
            served: served.cloned().ok_or_else(Failure::no_resource)?,
            target: Target {
                group: place.group.to_owned(),
                version: place.version.to_owned(),
                namespace: given(place.namespace),
                plural: place.plural.to_owned(),
                name: given(place.name),
                subresource: given(place.subresource),
                rest: String::new(),
            },
            query: Query::parse(sent.query),
            user: self.user.clone(),
            manager: self.manager.clone(),
            form: super::Form::Value,
            content_type: sent.content_type.to_owned(),
            body: Bytes::new(),
            given: sent.body.cloned(),
        };
        match self.registry.answer(verb, &call).await?.content {
            Content::Json(json) | Content::Typed(_, json) => {
                serde_json::from_slice(&json).map_err(|error| Failure::internal(error.to_string()))
            }
            Content::Value(value) => Ok(value),
            Content::Text(_) | Content::Stream(_) | Content::Frames(_) => Err(Failure::method_not_allowed()),
        }
    }
}
