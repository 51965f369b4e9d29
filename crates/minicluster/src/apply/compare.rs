//! What changed between two values of one type, as field sets.

use serde_json::Value;

use super::fieldpath::PathElement;
use super::fieldset::{FieldSet, Node};
use super::shape::{Index, Shape, child, element, equal, fields, items};
use crate::schema::{ListKind, TypeRef};

/// The fields that differ. No field is in two of the sets.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

/// What happened to a field itself, apart from what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Modified,
    Removed,
}

impl Difference {
    /// Leaves out the given fields and everything below them.
    pub(super) fn without(mut self, fields: &FieldSet) -> Self {
        for set in [&mut self.added, &mut self.modified, &mut self.removed] {
            set.cut(fields);
        }
        self
    }

    /// What a manager of the change now owns: everything that it set. Taken out: only what was removed is left.
    pub(super) fn set(&mut self) -> FieldSet {
        let mut set = std::mem::take(&mut self.modified);
        set.extend(std::mem::take(&mut self.added));
        set
    }

    fn attach(&mut self, step: &PathElement, below: Difference, change: Option<Change>) {
        let one = |set: &mut FieldSet, children: FieldSet, kind: Change| {
            let member = change == Some(kind);
            if member || !children.is_empty() {
                set.attach(step.clone(), Node { member, children });
            }
        };
        one(&mut self.added, below.added, Change::Added);
        one(&mut self.modified, below.modified, Change::Modified);
        one(&mut self.removed, below.removed, Change::Removed);
    }
}

/// Compares two objects of one type.
pub(super) fn compare(old: &Value, new: &Value, ty: TypeRef<'_>) -> Difference {
    let mut difference = Difference::default();
    walk(Some(old), Some(new), ty, &mut difference);
    difference
}

fn walk(old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>, found: &mut Difference) -> Option<Change> {
    let shape = |value: &Value| Shape::of(ty, value);
    match (old.map(shape), new.map(shape)) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => by_shape(only, old, new, ty, found),
        (Some(before), Some(after)) if before == after => by_shape(after, old, new, ty, found),
        // An untyped value became something else: the field changed, and what was inside came or went.
        (Some(before), Some(after)) => {
            let first = by_shape(before, old, new, ty, found);
            by_shape(after, old, new, ty, found).or(first)
        }
    }
}

fn by_shape(
    shape: Shape<'_>,
    old: Option<&Value>,
    new: Option<&Value>,
    ty: TypeRef<'_>,
    found: &mut Difference,
) -> Option<Change> {
    match shape {
        Shape::List(list) if list != ListKind::Atomic => {
            let (before, after) = (items(old), items(new));
            // Two empty lists are compared as leaves, which tells null from [].
            if before.is_empty() && after.is_empty() {
                return leaf(old, new);
            }
            compare_items(list, before, after, ty, found);
            presence(old, new)
        }
        Shape::Map { granular: true } => {
            let (before, after) = (fields(old), fields(new));
            if before.is_empty() && after.is_empty() {
                return leaf(old, new);
            }
            for (name, value) in before {
                compare_child(Some(value), after.get(name), child(ty, name), name, found);
            }
            for (name, value) in after {
                if !before.contains_key(name) {
                    compare_child(None, Some(value), child(ty, name), name, found);
                }
            }
            presence(old, new)
        }
        _ => leaf(old, new),
    }
}

fn presence(old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
    match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => None,
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
    presence(old, new).or_else(|| {
        let same = old.zip(new).is_some_and(|(old, new)| equal(old, new));
        (!same).then_some(Change::Modified)
    })
}

fn compare_child(
    old: Option<&Value>,
    new: Option<&Value>,
    ty: TypeRef<'_>,
    name: &str,
    found: &mut Difference,
) {
    let mut below = Difference::default();
    let change = walk(old, new, ty, &mut below);
    if change.is_some() || !below.is_empty() {
        found.attach(&PathElement::field(name), below, change);
    }
}

fn compare_items(
    list: ListKind<'_>,
    before: &[Value],
    after: &[Value],
    ty: TypeRef<'_>,
    found: &mut Difference,
) {
    if before == after {
        return;
    }
    let old = Index::of(ty, list, before);
    let new = Index::of(ty, list, after);
    for (step, places) in &old.places {
        let was: Vec<_> = places.iter().map(|at| &before[*at]).collect();
        let is: Vec<_> = match new.places.get(step) {
            Some(places) => places.iter().map(|at| &after[*at]).collect(),
            None => Vec::new(),
        };
        compare_same(step, &was, &is, element(ty), found);
    }
    for (step, places) in new
        .places
        .iter()
        .filter(|(step, _)| !old.places.contains_key(*step))
    {
        let is: Vec<_> = places.iter().map(|at| &after[*at]).collect();
        compare_same(step, &[], &is, element(ty), found);
    }
}

/// Compares the elements that share an identity. Where there are several, they are owned as one.
fn compare_same(step: &PathElement, was: &[&Value], is: &[&Value], ty: TypeRef<'_>, found: &mut Difference) {
    let mut below = Difference::default();
    let change = match (was, is) {
        ([] | [_], [] | [_]) => walk(was.first().copied(), is.first().copied(), ty, &mut below),
        ([_, _, ..], [_, _, ..]) => {
            let same = was.len() == is.len() && was.iter().zip(is).all(|(a, b)| equal(a, b));
            (!same).then_some(Change::Modified)
        }
        ([_, _, ..], _) => {
            if let Some(only) = is.first() {
                let change = walk(None, Some(only), ty, &mut below);
                found.attach(step, std::mem::take(&mut below), change);
            }
            Some(Change::Removed)
        }
        (_, [_, _, ..]) => {
            if let Some(only) = was.first() {
                let change = walk(Some(only), None, ty, &mut below);
                found.attach(step, std::mem::take(&mut below), change);
            }
            Some(Change::Added)
        }
    };
    found.attach(step, below, change);
}

impl Difference {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}
