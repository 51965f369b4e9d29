//! An action becomes a call of the registry, as the loop's user: the same stages as for any client.

use bytes::Bytes;
use objects::control::{Action, Identity, Propagation};
use objects::{Key, Kind, meta};
use serde_json::{Value, json};

use super::kinds::Kinds;
use crate::auth::UserInfo;
use crate::registry::failure::Failure;
use crate::registry::query::Query;
use crate::registry::route::Target;
use crate::registry::{Call, Content, Form, Registry, Verb};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What a call needs beside the user.
struct Request {
    verb: Verb,
    /// Without a name for a new object.
    key: Key,
    subresource: Option<&'static str>,
    content_type: &'static str,
    body: Value,
}

/// Gives the object that was written, if the action wrote one.
///
/// # Errors
/// What the API server refuses; a kind that nobody serves is 404.
pub(super) async fn execute(
    registry: &Registry,
    kinds: &mut Kinds,
    identity: &Identity,
    action: &Action,
) -> Result<Option<Value>, Failure> {
    let Some(request) = request(action) else {
        return Ok(None);
    };
    let Request {
        verb,
        key,
        subresource,
        content_type,
        body,
    } = request;
    let Some(served) = kinds.served(registry, &key.kind) else {
        return Err(Failure::no_resource());
    };
    let resource = &served.resource;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let target = Target {
        group: resource.group.clone(),
        version: resource.version.clone(),
        namespace: given(&key.namespace),
        plural: resource.plural.clone(),
        name: given(&key.name),
        subresource: subresource.map(str::to_owned),
        rest: String::new(),
    };
    let call = Call {
        around: registry.around().clone(),
        target,
        query: Query::default(),
        user: user(identity),
        manager: identity.manager.to_owned(),
        form: Form::Value,
        content_type: content_type.to_owned(),
        body: Bytes::new(),
        given: Some(body),
        served,
    };
    Ok(match registry.answer(verb, &call).await?.content {
        Content::Value(written) => Some(written),
        _ => None,
    })
}

fn user(identity: &Identity) -> UserInfo {
    let account = identity.user.strip_prefix("system:serviceaccount:");
    match account.and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => UserInfo::service_account(namespace, name),
        None if identity.user.starts_with("system:node:") => {
            UserInfo::authenticated(identity.user, &["system:nodes"])
        }
        None => UserInfo::authenticated(identity.user, &[]),
    }
}

fn request(action: &Action) -> Option<Request> {
    let write = |verb, key, subresource, body| Request {
        verb,
        key,
        subresource,
        content_type: JSON,
        body,
    };
    Some(match action {
        Action::Create(object) => {
            let key = Key::new(Kind::of(object), meta::namespace(object), "");
            write(Verb::Create, key, None, object.clone())
        }
        Action::Update(kind, object) => {
            let key = Key::of(kind.clone(), object);
            write(Verb::Update, key, None, object.clone())
        }
        Action::UpdateStatus(kind, object) => {
            let key = Key::of(kind.clone(), object);
            write(Verb::Update, key, Some("status"), object.clone())
        }
        Action::UpdatePart(kind, part, object) => {
            let key = Key::of(kind.clone(), object);
            write(Verb::Update, key, Some(*part), object.clone())
        }
        Action::Patch {
            key,
            subresource,
            patch,
        } => Request {
            content_type: MERGE_PATCH,
            ..write(Verb::Patch, key.clone(), *subresource, patch.clone())
        },
        Action::Delete {
            key,
            uid,
            grace,
            propagation,
        } => {
            let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
            if let Some(uid) = uid {
                options["preconditions"] = json!({"uid": uid});
            }
            if let Some(grace) = grace {
                options["gracePeriodSeconds"] = json!(grace);
            }
            if let Some(propagation) = propagation {
                options["propagationPolicy"] = json!(policy(*propagation));
            }
            write(Verb::Delete, key.clone(), None, options)
        }
        Action::Bind { pod, uid, node } => {
            let body = json!({
                "kind": "Binding",
                "apiVersion": "v1",
                "metadata": {"name": &*pod.name, "namespace": &*pod.namespace, "uid": uid},
                "target": {"kind": "Node", "name": node},
            });
            write(Verb::Create, pod.clone(), Some("binding"), body)
        }
        Action::Scale { key, replicas } => {
            let patch = json!({"spec": {"replicas": replicas}});
            Request {
                content_type: MERGE_PATCH,
                ..write(Verb::Patch, key.clone(), Some("scale"), patch)
            }
        }
        // The recorder turns events into one of the above, and observations stay in the engine.
        Action::Record(_) | Action::Observe { .. } => return None,
    })
}

fn policy(propagation: Propagation) -> &'static str {
    match propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    }
}
