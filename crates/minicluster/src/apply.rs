//! Server-side apply and the tracking of field owners, without a server.
//!
//! ```text
//! live + applied ─► validate ─► merge ─► prune ─► compare ─► conflicts │ object + managed fields
//! before + after ─────────────────────────────► compare ─────────────► managed fields
//! ```
//!
//! Follows KEP-555 and the behaviour recorded from a real API server. Every function is pure; the time is an
//! argument. Objects come and go complete: defaulting, admission and storing are the caller's. Not done here:
//! conversion of fields between versions of a kind (see `ownership`), and the decision whether a caller may write.

mod compare;
mod conflict;
mod empty;
mod extract;
pub mod fieldpath;
pub mod fields_v1;
pub mod fieldset;
mod last_applied;
pub mod managed;
mod merge;
mod ownership;
pub mod scale;
mod shape;
mod validate;

use serde_json::{Map, Value};

pub use conflict::{CAUSE, Cause, Conflicts};
pub use fieldset::FieldSet;

use crate::schema::TypeRef;
use managed::{Managed, Owner};
use ownership::{Outcome, Taking};
use validate::{Duplicates, validate};

/// JSON parsers refuse to read values much deeper than this (ours at 128), so no object can be; the walks below
/// follow the object's depth and must not overflow the stack whatever the caller made.
pub const MAX_DEPTH: usize = 256;

/// The owner of what is already there when an object without managed fields is first applied to.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What is written: a kind at a version.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub ty: TypeRef<'a>,
    /// As in the object: `apps/v1`.
    pub api_version: &'a str,
    pub kind: &'a str,
    /// False for custom resources, which differ in what a new object starts from.
    pub builtin: bool,
    /// What this endpoint does not write: `status` for an object with that subresource, `spec` for the
    /// subresource. See [`FieldSet::of_fields`].
    pub reset: &'a FieldSet,
}

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    pub name: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
}

/// How to apply.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    pub manager: Manager<'a>,
    /// Take fields from other owners instead of reporting conflicts.
    pub force: bool,
    /// RFC 3339, UTC, seconds.
    pub now: &'a str,
}

/// The object after an apply, with its managed fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub object: Value,
    /// False if nothing but managed fields may differ from the live object.
    pub changed: bool,
}

/// Why an apply is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 409 Conflict with one cause for each field.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// 400 BadRequest.
    #[error("{0}")]
    BadRequest(String),
    /// 500 without a reason, as the API server answers configurations that don't fit the schema.
    #[error("{0}")]
    Invalid(String),
}

/// Applies a configuration.
///
/// Guarantees: a second apply of the same configuration changes nothing. On creation (`live` is `None`) the
/// object is the configuration; the caller defaults it.
///
/// Assumptions: `live` has all its defaults.
///
/// # Errors
/// See [`Error`]. Nothing was changed then.
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    options: &Options<'_>,
    target: &Target<'_>,
) -> Result<Applied, Error> {
    check(applied, target)?;
    let nothing = Value::Object(Map::new());
    let mut live = live.unwrap_or(&nothing).clone();
    if !depth_within(&live, MAX_DEPTH) {
        return Err(Error::Invalid(too_deep(&live, target)));
    }
    let mut managed = Managed::of(&live)
        .map_err(|cause| Error::Invalid(format!("failed to decode managed fields: {cause}")))?;
    managed::strip(&mut live);
    validate(&live, target.ty, Duplicates::Allowed).map_err(|cause| {
        let named = identify(&live, target);
        Error::Invalid(format!("failed to create typed live object ({named}): {cause}"))
    })?;
    if managed.is_empty() && live != nothing {
        let first = Owner::updater(
            BEFORE_FIRST_APPLY,
            options.manager.subresource,
            target.api_version,
        );
        managed = ownership::update(
            &empty::empty(target),
            &live,
            managed,
            (&first, options.now),
            target,
        );
    }

    let outcome = decide(&live, applied, managed, options, target)?;
    let changed = outcome.object.is_some();
    let mut object = outcome.object.unwrap_or(live);
    let mut managed = outcome.managed;
    if changed && let Some(entry) = managed.entries.get_mut(&owner(options)) {
        entry.time = Some(options.now.to_owned());
    }
    if options.manager.name == last_applied::MANAGER {
        last_applied::refresh(&mut object, applied);
    }
    managed.store(&mut object);
    Ok(Applied { object, changed })
}

/// Records who owns what after a create, update or patch, by comparing the object before with the object after.
///
/// Guarantees: `after` is unchanged apart from its managed fields. A client may send managed fields to edit them,
/// or `[{}]` to forget them; ones that can't be read are replaced by those from before. Objects whose owners were
/// forgotten stay untracked until something is applied.
///
/// Assumptions: `after` is defaulted, and not yet stripped of what the endpoint does not write.
pub fn track(
    before: Option<&Value>,
    after: &mut Value,
    manager: &Manager<'_>,
    target: &Target<'_>,
    now: &str,
) {
    let recorded = recorded(before, after, manager);
    managed::strip(after);
    let exists = before
        .and_then(|object| object.pointer("/metadata/uid"))
        .and_then(Value::as_str)
        .is_some_and(|uid| !uid.is_empty());
    if recorded.is_empty() && exists {
        return;
    }
    let old = before.map_or_else(|| empty::empty(target), managed::stripped);
    let comparable = |object: &Value| {
        depth_within(object, MAX_DEPTH) && validate(object, target.ty, Duplicates::Allowed).is_ok()
    };
    if !comparable(&old) || !comparable(after) {
        recorded.store(after);
        return;
    }
    let owner = Owner::updater(manager.name, manager.subresource, target.api_version);
    let managed = ownership::update(&old, after, recorded, (&owner, now), target);
    managed.store(after);
}

/// The owners to start from: what the client sent, or else what was stored.
fn recorded(before: Option<&Value>, after: &Value, manager: &Manager<'_>) -> Managed {
    let stored = || {
        before
            .and_then(|before| Managed::of(before).ok())
            .unwrap_or_default()
    };
    if !manager.subresource.is_empty() {
        return stored();
    }
    if managed::is_reset(after) {
        return Managed::default();
    }
    match Managed::of(after) {
        Ok(sent) if !sent.is_empty() => sent,
        _ => stored(),
    }
}

/// Applies, and once more with force if kubectl only conflicts with its own client-side applies.
fn decide(
    live: &Value,
    applied: &Value,
    managed: Managed,
    options: &Options<'_>,
    target: &Target<'_>,
) -> Result<Outcome, Conflicts> {
    let owner = owner(options);
    let taking = if options.force {
        Taking::Forced
    } else {
        Taking::Conflicts
    };
    let kubectl = options.manager.name == last_applied::MANAGER && !options.force;
    if !kubectl {
        return ownership::apply(live, applied, managed, (&owner, taking), target);
    }
    ownership::apply(live, applied, managed.clone(), (&owner, taking), target).or_else(|conflicts| {
        let Some(own) = last_applied::still_applied(live, target) else {
            return Err(conflicts);
        };
        let left = conflicts.without(&own);
        if !left.is_empty() {
            return Err(left);
        }
        ownership::apply(live, applied, managed, (&owner, Taking::Forced), target)
    })
}

fn owner(options: &Options<'_>) -> Owner {
    Owner::applier(options.manager.name, options.manager.subresource)
}

fn check(applied: &Value, target: &Target<'_>) -> Result<(), Error> {
    let text = |name: &str| applied.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") != target.api_version || text("kind") != target.kind {
        let named = group_version_kind(text("apiVersion"), text("kind"));
        return Err(Error::BadRequest(format!("invalid object type: {named}")));
    }
    match applied.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => {}
        Some(_) => return Err(Error::BadRequest("metadata.managedFields must be nil".to_owned())),
    }
    if !depth_within(applied, MAX_DEPTH) {
        return Err(Error::Invalid(too_deep(applied, target)));
    }
    validate(applied, target.ty, Duplicates::Refused).map_err(|cause| {
        let named = identify(applied, target);
        Error::Invalid(format!("failed to create typed patch object ({named}): {cause}"))
    })
}

fn too_deep(object: &Value, target: &Target<'_>) -> String {
    let named = identify(object, target);
    format!("the object ({named}) is nested deeper than {MAX_DEPTH} levels")
}

/// `namespace/name; apps/v1, Kind=Deployment`
fn identify(object: &Value, target: &Target<'_>) -> String {
    let text = |name: &str| {
        let value = object
            .pointer("/metadata")
            .and_then(|metadata| metadata.get(name));
        value.and_then(Value::as_str).unwrap_or_default()
    };
    let kind = group_version_kind(target.api_version, target.kind);
    format!("{}/{}; {kind}", text("namespace"), text("name"))
}

/// As Go prints a GroupVersionKind: `/v1, Kind=ConfigMap` for the core group.
fn group_version_kind(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

/// True if nothing in the value is nested deeper.
pub(crate) fn depth_within(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit > 0 && items.iter().all(|item| depth_within(item, limit - 1)),
        Value::Object(fields) => limit > 0 && fields.values().all(|field| depth_within(field, limit - 1)),
        _ => true,
    }
}
