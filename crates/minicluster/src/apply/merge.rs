//! Merging an applied configuration into an object, and taking fields out of one.
//!
//! Nothing is removed by merging: what the configuration leaves out stays as it is.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fieldpath::PathElement;
use super::fieldset::FieldSet;
use super::shape::{Index, Shape, child, element, fields, identity, items};
use crate::schema::{ListKind, TypeRef};

/// Merges two objects of one type; scalars and atomic parts come from `new`.
///
/// Elements of lists that both have are merged, and come in the order of `new`; those which only `old` has keep
/// their places as far as that allows.
pub(super) fn merge(old: &Value, new: &Value, ty: TypeRef<'_>) -> Value {
    walk(Some(old), Some(new), ty).unwrap_or(Value::Null)
}

fn walk(old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>) -> Option<Value> {
    let decisive = new.or(old)?;
    match Shape::of(ty, decisive) {
        Shape::List(list) if list != ListKind::Atomic => {
            let (before, after) = (items(old), items(new));
            if before.is_empty() && after.is_empty() {
                return Some(decisive.clone());
            }
            Some(Value::Array(merge_items(list, before, after, ty)))
        }
        Shape::Map { granular: true } => {
            let (before, after) = (fields(old), fields(new));
            if before.is_empty() && after.is_empty() {
                return Some(decisive.clone());
            }
            let mut merged = Map::new();
            for (name, value) in before {
                let value = match after.get(name) {
                    None => Some(value.clone()),
                    both => walk(Some(value), both, child(ty, name)),
                };
                merged.extend(value.map(|value| (name.clone(), value)));
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                merged.insert(name.clone(), value.clone());
            }
            Some(Value::Object(merged))
        }
        _ => Some(decisive.clone()),
    }
}

/// Walks both lists at once. Elements of both lists are taken in the new order; an element of both lists that
/// stands too early in the old one is skipped there and taken when its turn comes.
fn merge_items(list: ListKind<'_>, before: &[Value], after: &[Value], ty: TypeRef<'_>) -> Vec<Value> {
    let old = Index::of(ty, list, before);
    let new = Index::of(ty, list, after);
    let pair = |step: &PathElement, place: usize| {
        // What the old list has twice can't be merged with one element.
        let same = match old.places.get(step).map(Vec::as_slice) {
            Some([only]) => Some(&before[*only]),
            _ => None,
        };
        walk(same, Some(&after[place]), element(ty))
    };
    let mut shared = new
        .order
        .iter()
        .map(|(step, _)| step)
        .filter(|step| old.places.contains_key(*step));
    let mut wanted = shared.next();
    let mut taken: BTreeSet<&PathElement> = BTreeSet::new();
    let mut merged = Vec::with_capacity(before.len().max(after.len()));
    let (mut left, mut right) = (0, 0);
    while left < old.order.len() || right < new.order.len() {
        let incoming = new.order.get(right);
        if let Some((step, place)) = old.order.get(left) {
            if !new.places.contains_key(step) {
                merged.push(before[*place].clone());
                left += 1;
                continue;
            }
            let meets = incoming.is_some_and(|(first, _)| first == step);
            if !meets && (incoming.is_none() || wanted.is_some_and(|wanted| wanted != step)) {
                left += 1;
                continue;
            }
            if meets || taken.contains(step) {
                left += 1;
            }
        }
        if let Some((step, place)) = incoming {
            merged.extend(pair(step, *place));
            taken.insert(step);
            if wanted == Some(step) {
                wanted = shared.next();
            }
            right += 1;
        }
    }
    merged
}

/// What becomes of a list or an object that lost everything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emptied {
    /// It is null, which counts as present: the form to reason about ownership.
    Null,
    /// It is left out: the form to store.
    Absent,
}

/// Takes fields out of an object.
pub(super) fn remove(value: &Value, set: &FieldSet, ty: TypeRef<'_>, emptied: Emptied) -> Value {
    match Shape::of(ty, value) {
        Shape::Scalar(_) => value.clone(),
        Shape::List(ListKind::Atomic) | Shape::Map { granular: false } => Value::Null,
        Shape::List(list) => remove_items(items(Some(value)), list, set, (ty, emptied)),
        Shape::Map { granular: true } => {
            let mut kept = Map::new();
            let mut hollow = false;
            for (name, field) in fields(Some(value)) {
                match set.node(&PathElement::field(name)) {
                    None => {
                        kept.insert(name.clone(), field.clone());
                    }
                    Some(node) if node.member => {}
                    Some(node) => {
                        let rest = remove(field, &node.children, child(ty, name), emptied);
                        if rest.is_null() && emptied == Emptied::Absent {
                            hollow = true;
                        } else {
                            kept.insert(name.clone(), rest);
                        }
                    }
                }
            }
            // An object that only lost hollow parts is still there.
            if kept.is_empty() && !hollow {
                return Value::Null;
            }
            Value::Object(kept)
        }
    }
}

fn remove_items(
    list: &[Value],
    kind: ListKind<'_>,
    set: &FieldSet,
    (ty, emptied): (TypeRef<'_>, Emptied),
) -> Value {
    let mut kept = Vec::with_capacity(list.len());
    for item in list {
        let node = identity(ty, kind, item).ok().and_then(|step| set.node(&step));
        match node {
            None => kept.push(item.clone()),
            Some(node) if node.member => {}
            Some(node) => kept.push(remove(item, &node.children, element(ty), emptied)),
        }
    }
    if kept.is_empty() {
        return Value::Null;
    }
    Value::Array(kept)
}
