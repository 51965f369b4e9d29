//! The set of fields that a value has.

use serde_json::Value;

use super::fieldpath::PathElement;
use super::fieldset::{FieldSet, Node};
use super::shape::{Index, Shape, child, declares, element};
use crate::schema::{ListKind, TypeRef};

/// The fields of an object: its scalars, its atomic parts as one field each, the elements of its lists, the keys
/// of its maps, and empty or null objects.
///
/// Guarantees: structs that have fields are not members themselves. The value must be valid.
pub(super) fn fields_of(value: &Value, ty: TypeRef<'_>) -> FieldSet {
    node_of(value, ty).children
}

fn node_of(value: &Value, ty: TypeRef<'_>) -> Node {
    let mut node = Node::default();
    match Shape::of(ty, value) {
        Shape::Scalar(_) | Shape::List(ListKind::Atomic) | Shape::Map { granular: false } => {
            node.member = true;
        }
        Shape::List(list) => {
            let items = super::shape::items(Some(value));
            for (element_name, places) in Index::of(ty, list, items).places {
                // What several elements share is owned as one, without looking inside.
                let mut item = match places.as_slice() {
                    [only] => node_of(&items[*only], element(ty)),
                    _ => Node::default(),
                };
                item.member = true;
                node.children.attach(element_name, item);
            }
        }
        Shape::Map { granular: true } => {
            for (name, field) in super::shape::fields(Some(value)) {
                let mut inner = node_of(field, child(ty, name));
                let hollow = field.is_null() || field.as_object().is_some_and(serde_json::Map::is_empty);
                inner.member |= hollow || !declares(ty, name);
                node.children.attach(PathElement::field(name), inner);
            }
        }
    }
    node
}

/// Adds the declared fields on the way to the members: a set with `spec.replicas` then has `spec` as well, but
/// the keys of maps and the elements of lists are not added.
pub(super) fn with_named_parents(set: &FieldSet, ty: Option<TypeRef<'_>>) -> FieldSet {
    set.filtered(|step, node| {
        let below = match (step, ty) {
            (PathElement::Field(name), Some(ty)) => ty.field(name),
            (PathElement::Key(_), Some(ty)) => ty.element(),
            _ => None,
        };
        let named = match (step, ty) {
            (PathElement::Field(name), Some(ty)) => declares(ty, name),
            _ => false,
        };
        Some(Node {
            member: node.member || (named && !node.children.is_empty()),
            children: with_named_parents(&node.children, below),
        })
    })
}

/// Rewrites a stored set after its schema changed: what became atomic is owned as one field. `None` if nothing did,
/// as almost always.
pub(super) fn reconciled(set: &FieldSet, ty: TypeRef<'_>) -> Option<FieldSet> {
    is_outdated(set, ty).then(|| reconcile(set, ty))
}

/// Whether something in the set is owned below a field that is atomic now.
fn is_outdated(set: &FieldSet, ty: TypeRef<'_>) -> bool {
    use crate::schema::Kind;
    let mut inner = set.nodes().filter(|(_, node)| !node.children.is_empty());
    ty.kind() != Kind::Untyped
        && inner.any(|(step, node)| {
            step_into(step, ty).is_some_and(|below| is_atomic(below) || is_outdated(&node.children, below))
        })
}

fn is_atomic(ty: TypeRef<'_>) -> bool {
    use crate::schema::Kind;
    matches!(
        ty.kind(),
        Kind::List(ListKind::Atomic) | Kind::Struct { granular: false } | Kind::Map { granular: false }
    )
}

fn step_into<'a>(step: &PathElement, ty: TypeRef<'a>) -> Option<TypeRef<'a>> {
    match step {
        PathElement::Field(name) => ty.field(name),
        _ => ty.element(),
    }
}

fn reconcile(set: &FieldSet, ty: TypeRef<'_>) -> FieldSet {
    use crate::schema::Kind;
    if ty.kind() == Kind::Untyped {
        return set.clone();
    }
    set.filtered(|step, node| {
        let Some(below) = step_into(step, ty) else {
            return Some(node.clone());
        };
        let whole = node.children.is_empty();
        Some(match below.kind() {
            _ if is_atomic(below) && !whole => Node {
                member: true,
                children: FieldSet::new(),
            },
            Kind::Scalar(_) => node.clone(),
            _ => Node {
                member: node.member,
                children: reconcile(&node.children, below),
            },
        })
    })
}
