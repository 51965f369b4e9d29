//! Who owns what after a change: the rules that apply and update share.
//!
//! Entries recorded under another apiVersion of the object are compared as they are: field names are taken to be
//! the same in all versions of a kind. That holds for most kinds; where a field was renamed, its old entry stays
//! until its owner writes again.

use std::sync::LazyLock;

use serde_json::Value;

use super::compare::compare;
use super::conflict::Conflicts;
use super::extract::{fields_of, reconciled, with_named_parents};
use super::fieldset::FieldSet;
use super::managed::{Entry, Managed, Owner};
use super::merge::{Emptied, merge, remove};
use super::{Target, shape};
use crate::schema::TypeRef;

/// What nobody owns: identity and what the server itself keeps.
const UNOWNED: [&[&str]; 12] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Whether an applier takes the fields of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    Conflicts,
    Forced,
}

/// The result of an apply. `object` is `None` if nothing changed in it.
pub(super) struct Outcome {
    pub(super) object: Option<Value>,
    pub(super) managed: Managed,
}

/// Records an update by comparing what was with what is. Both objects come without managed fields.
pub(super) fn update(
    old: &Value,
    new: &Value,
    mut managed: Managed,
    (owner, now): (&Owner, &str),
    target: &Target<'_>,
) -> Managed {
    reconcile(&mut managed, target.ty);
    let mut difference = compare(old, new, target.ty).without(target.reset);
    let mut written = difference.set();
    // The updater's own entry is treated as any other, then joined with what it just wrote: a value that it
    // changed is its own again, a value that it removed is not.
    let lost = conflicts(&managed, &written, None);
    disown(&mut managed, &lost, &difference.removed, None);
    written.subtract(unowned());
    if !written.is_empty() {
        let entry = managed.entries.entry(owner.clone()).or_insert_with(|| Entry {
            fields: FieldSet::new(),
            api_version: target.api_version.to_owned(),
            time: None,
        });
        entry.fields.extend(written);
        entry.time = Some(now.to_owned());
    }
    managed.cap_updates();
    managed
}

/// Merges a configuration into an object and takes out what its owner no longer applies.
///
/// # Errors
/// The fields that others own and that would change, unless forced.
pub(super) fn apply(
    live: &Value,
    config: &Value,
    mut managed: Managed,
    (owner, taking): (&Owner, Taking),
    target: &Target<'_>,
) -> Result<Outcome, Conflicts> {
    reconcile(&mut managed, target.ty);
    let merged = merge(live, config, target.ty);
    let previous = managed.entries.remove(owner);
    let time = previous.as_ref().and_then(|entry| entry.time.clone());
    managed.entries.insert(
        owner.clone(),
        Entry {
            fields: fields_of(config, target.ty).without(target.reset),
            api_version: target.api_version.to_owned(),
            time,
        },
    );
    let object = match previous.filter(|entry| !entry.fields.is_empty()) {
        Some(previous) => prune(merged, &managed, &previous.fields, target.ty),
        None => merged,
    };
    let mut difference = compare(live, &object, target.ty).without(target.reset);
    let lost = conflicts(&managed, &difference.set(), Some(owner));
    if taking == Taking::Conflicts && !lost.is_empty() {
        return Err(lost);
    }
    disown(&mut managed, &lost, &difference.removed, Some(owner));
    if let Some(entry) = managed.entries.get_mut(owner) {
        entry.fields.subtract(unowned());
    }
    managed.entries.retain(|_, entry| !entry.fields.is_empty());
    let changed = !shape::equal(live, &object);
    Ok(Outcome {
        object: changed.then_some(object),
        managed,
    })
}

/// The owned fields which a change touches.
fn conflicts(managed: &Managed, set: &FieldSet, except: Option<&Owner>) -> Conflicts {
    let mut found = Conflicts::default();
    for (owner, entry) in managed.entries.iter().filter(|(owner, _)| Some(*owner) != except) {
        found.add(owner, entry.fields.intersection(set));
    }
    found
}

fn disown(managed: &mut Managed, lost: &Conflicts, removed: &FieldSet, except: Option<&Owner>) {
    for (owner, fields) in lost.owners() {
        if let Some(entry) = managed.entries.get_mut(owner) {
            entry.fields.subtract(fields);
        }
    }
    for (owner, entry) in &mut managed.entries {
        if Some(owner) != except {
            entry.fields.subtract(removed);
        }
    }
    managed.entries.retain(|_, entry| !entry.fields.is_empty());
}

/// Removes what the applier owned before, unless the new configuration or somebody else has it.
fn prune(merged: Value, managed: &Managed, previous: &FieldSet, ty: TypeRef<'_>) -> Value {
    let named = |set: &FieldSet| with_named_parents(set, Some(ty));
    let all = named(&fields_of(&merged, ty));
    let previous = named(previous);
    let pruned = remove(&merged, &previous, ty, Emptied::Null);
    let mut kept = named(&fields_of(&pruned, ty));
    let mut owned = FieldSet::new();
    for entry in managed.entries.values() {
        owned.extend(entry.fields.clone());
    }
    kept.extend(named(&owned));
    let pruned = remove(&merged, &all.difference(&kept), ty, Emptied::Null);
    // What nobody owned below something that went with its owner comes back.
    let kept = named(&fields_of(&pruned, ty));
    let gone = all.difference(&kept).intersection(&previous);
    if gone.is_empty() {
        return merged;
    }
    remove(&merged, &gone, ty, Emptied::Absent)
}

fn unowned() -> &'static FieldSet {
    static SET: LazyLock<FieldSet> = LazyLock::new(|| FieldSet::of_fields(&UNOWNED));
    &SET
}

fn reconcile(managed: &mut Managed, ty: TypeRef<'_>) {
    for entry in managed.entries.values_mut() {
        if let Some(fields) = reconciled(&entry.fields, ty) {
            entry.fields = fields;
        }
    }
}
