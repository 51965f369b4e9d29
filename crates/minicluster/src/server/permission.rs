//! May they: every request, for a resource or for any other path, is asked of the authorizer before it is looked at
//! more closely. So whether a resource exists is told only to those who may use it.

use hyper::Method;

use crate::auth::{Attributes, UserInfo};
use crate::registry::Verb;
use crate::registry::access::Access;
use crate::registry::failure::{Failure, details};
use crate::registry::query::Query;
use crate::registry::route::Target;

/// # Errors
/// 403, with the words of the real server.
pub(super) fn path(access: &Access, user: &UserInfo, method: &Method, path: &str) -> Result<(), Failure> {
    let verb = method.as_str().to_lowercase();
    check(access, &Attributes::path(user, &verb, path))
}

/// # Errors
/// 403, with the words of the real server.
pub(super) fn resource(
    access: &Access,
    user: &UserInfo,
    method: &Method,
    (target, query): (&Target, &Query),
) -> Result<(), Failure> {
    let verb = verb(method, target, query);
    // A rule for a name permits the selection of that one object.
    let selected = target.name.is_none() && verb != Verb::Create.name();
    let selected = selected
        .then(|| selected_name(query.get("fieldSelector")))
        .flatten();
    let own_namespace = target.name.as_deref().filter(|_| target.is_namespace());
    check(
        access,
        &Attributes {
            group: &target.group,
            version: &target.version,
            resource: &target.plural,
            subresource: target.subresource.as_deref().unwrap_or_default(),
            namespace: target.namespace.as_deref().or(own_namespace).unwrap_or_default(),
            name: target.name.as_deref().or(selected).unwrap_or_default(),
            ..Attributes::empty(user, verb)
        },
    )
}

/// The verb as authorization sees it, which needs no knowledge of the resource; empty for a strange method.
fn verb(method: &Method, target: &Target, query: &Query) -> &'static str {
    let named = target.name.is_some();
    let verb = match method.as_str() {
        "GET" | "HEAD" if named => Verb::Get,
        "GET" | "HEAD" if query.flag("watch") => Verb::Watch,
        "GET" | "HEAD" => Verb::List,
        "POST" => Verb::Create,
        "PUT" => Verb::Update,
        "PATCH" => Verb::Patch,
        "DELETE" if named => Verb::Delete,
        "DELETE" => Verb::DeleteCollection,
        _ => return "",
    };
    verb.name()
}

/// The name that a field selector asks for.
fn selected_name(selector: &str) -> Option<&str> {
    let values = selector
        .split(',')
        .filter_map(|part| part.trim().strip_prefix("metadata.name="));
    let mut names = values.map(|value| value.strip_prefix('=').unwrap_or(value));
    names.find(|name| !name.is_empty())
}

fn check(access: &Access, asked: &Attributes<'_>) -> Result<(), Failure> {
    if asked.user.is_master() {
        return Ok(());
    }
    let decision = access.look(|authorizer| authorizer.authorize(asked));
    if decision.allowed {
        return Ok(());
    }
    let message = asked.forbidden(&decision);
    Err(Failure::new(403, "Forbidden", message).with_details(details(
        asked.group,
        asked.resource,
        asked.name,
    )))
}
