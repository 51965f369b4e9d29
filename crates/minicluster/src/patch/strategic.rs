//! Strategic merge patch: lists of built-in kinds merge by the key that their schema names.
//!
//! ```text
//! object ─► $patch, $retainKeys ─► $setElementOrder lists ─► fields ─┬─► objects: again
//!                                                                    └─► lists: elements, then order
//! ```
//!
//! Follows what the API server does rather than what is documented, down to which broken patches succeed. Custom
//! resources have no strategic merge patch: the caller answers 415.

mod order;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Error, check_depth, json_type};
use crate::go_text;
use crate::schema::{Kind, TypeRef};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

type Object = Map<String, Value>;

/// Merges a patch into an object of a type.
///
/// Guarantees: elements of the patch come in its order; elements that only the object has keep theirs; new ones
/// stand before those the patch does not name.
///
/// # Errors
/// `BadRequest` for badly formed directives, `Unprocessable` for lists of lists, `Failed` for the rest, of which
/// the commonest is a list element without its merge key.
pub fn apply(document: &mut Value, patch: Value, ty: TypeRef<'_>) -> Result<(), Error> {
    check_depth(&patch)?;
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => return Ok(()),
        other => {
            let got = json_type(&other);
            return Err(Error::BadRequest(format!(
                "json: cannot unmarshal {got} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    let original = match document.take() {
        Value::Object(original) => original,
        _ => Map::new(),
    };
    *document = Value::Object(merge_objects(original, patch, ty)?);
    Ok(())
}

fn merge_objects(mut original: Object, mut patch: Object, ty: TypeRef<'_>) -> Result<Object, Error> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => {
                patch.insert(DIRECTIVE.to_owned(), directive.clone());
                Err(unknown_directive(&directive, &patch))
            }
        };
    }
    retain_keys(&mut original, &mut patch)?;
    merge_ordered_lists(&mut original, &mut patch, ty)?;
    for (name, value) in patch {
        merge_field(&mut original, name, value, ty)?;
    }
    Ok(original)
}

fn merge_field(original: &mut Object, name: String, value: Value, ty: TypeRef<'_>) -> Result<(), Error> {
    let deletes = name.starts_with(DELETE_FROM_LIST);
    let name = if deletes {
        list_of(&name, DELETE_FROM_LIST)
            .ok_or_else(|| bad_request("invalid patch format of primitive list"))?
            .to_owned()
    } else {
        name
    };
    if value.is_null() {
        original.remove(&name);
        return Ok(());
    }
    let field = child(ty, &name);
    match (original.get_mut(&name).map(Value::take), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let merged = if strategy(field) == "replace" {
                new
            } else {
                merge_objects(old, new, field)?
            };
            original.insert(name, Value::Object(merged));
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let merged = merge_lists(old, new, field, deletes)?;
            original.insert(name, Value::Array(merged));
        }
        (Some(old), _) if deletes => {
            original.insert(name, old);
        }
        (None, _) if deletes => {}
        (_, new) => match without_directives(without_nulls(new)) {
            Some(new) => {
                original.insert(name, new);
            }
            None => {
                original.remove(&name);
            }
        },
    }
    Ok(())
}

/// `$retainKeys` lists the only fields that an object may have afterwards.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<(), Error> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let malformed = || bad_request("invalid patch format of retainKeys");
    let retained = retained.as_array().ok_or_else(malformed)?;
    let retained: HashSet<_> = retained.iter().filter_map(Value::as_str).collect();
    let unlisted = patch.iter().any(|(name, value)| {
        let directive = name.starts_with(DELETE_FROM_LIST) || name.starts_with(SET_ORDER);
        !value.is_null() && !directive && !retained.contains(name.as_str())
    });
    if unlisted {
        return Err(malformed());
    }
    original.retain(|name, _| retained.contains(name.as_str()));
    Ok(())
}

/// Merges the lists for which the patch gives the order of all its elements (`$setElementOrder/containers`).
fn merge_ordered_lists(original: &mut Object, patch: &mut Object, ty: TypeRef<'_>) -> Result<(), Error> {
    let directives: Vec<_> = patch
        .keys()
        .filter(|name| name.starts_with(SET_ORDER))
        .cloned()
        .collect();
    for directive in directives {
        let wanted = match patch.remove(&directive) {
            Some(Value::Array(wanted)) => wanted,
            other => return Err(wrong_type("[]interface {}", &other.unwrap_or_default())),
        };
        let name = list_of(&directive, SET_ORDER)
            .ok_or_else(|| bad_request("invalid patch format of setElementOrder list"))?;
        let list = |object: &mut Object| match object.remove(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(wrong_type("[]interface {}", &other)),
        };
        let (old, new) = (list(original)?, list(patch)?);
        let field = ty.field(name).ok_or_else(|| unknown_field(ty, name))?;
        let key = field.patch_merge_key().unwrap_or_default();
        order::check(new.as_deref().unwrap_or_default(), &wanted, key)?;

        let live_order = old.clone().unwrap_or_default();
        let kind = element_kind(&[&live_order, new.as_deref().unwrap_or_default()]);
        let merged = match (old, new) {
            (Some(old), Some(new)) => merge_lists(old, new, field, false)?,
            (Some(old), None) => old,
            (None, Some(new)) => match without_directives(Value::Array(new)) {
                Some(Value::Array(new)) => new,
                _ => Vec::new(),
            },
            (None, None) => continue,
        };
        kind?;
        let ordered = order::arrange(merged, &wanted, &live_order, key)?;
        original.insert(name.to_owned(), Value::Array(ordered));
    }
    Ok(())
}

fn merge_lists(
    old: Vec<Value>,
    new: Vec<Value>,
    ty: TypeRef<'_>,
    deletes: bool,
) -> Result<Vec<Value>, Error> {
    if strategy(ty) != "merge" && !deletes {
        return Ok(new);
    }
    if old.is_empty() && new.is_empty() {
        return Ok(old);
    }
    if element_kind(&[&old, &new])? != Element::Object {
        if deletes {
            let gone: HashSet<_> = new.iter().map(ToString::to_string).collect();
            let kept = old.into_iter().filter(|item| !gone.contains(&item.to_string()));
            return Ok(kept.collect());
        }
        let live_order = old.clone();
        let mut seen = HashSet::new();
        let both = old.into_iter().chain(new.iter().cloned());
        let merged = both.filter(|item| seen.insert(item.to_string())).collect();
        return order::arrange(merged, &new, &live_order, "");
    }
    let Some(key) = ty.patch_merge_key() else {
        let name = type_name(ty.element().unwrap_or_else(TypeRef::untyped));
        return Err(Error::Failed(format!(
            "cannot merge lists without merge key for {name}"
        )));
    };
    let (old, new) = special_elements(old, new, key)?;
    let live_order: Vec<Value> = old.clone();
    let wanted = new.clone();
    let merged = merge_elements(old, new, ty, key)?;
    order::arrange(merged, &wanted, &live_order, key)
}

/// Carries out the elements that are directives, and takes them out of the patch.
fn special_elements(
    mut old: Vec<Value>,
    new: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut ordinary = Vec::with_capacity(new.len());
    let mut gone = HashSet::new();
    let mut replace = false;
    for item in new {
        let Value::Object(element) = &item else {
            return Err(wrong_type("map[string]interface {}", &item));
        };
        match element.get(DIRECTIVE) {
            None => ordinary.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    gone.insert(order::key_of(&item, key)?);
                }
                Some("replace") => replace = true,
                Some("merge") => {
                    let message = "merging lists cannot yet be specified in the patch";
                    return Err(Error::Failed(message.to_owned()));
                }
                _ => return Err(unknown_directive(directive, element)),
            },
        }
    }
    if replace {
        return Ok((ordinary, Vec::new()));
    }
    old.retain(|item| {
        item.get(key)
            .is_none_or(|value| !gone.contains(&value.to_string()))
    });
    Ok((old, ordinary))
}

fn merge_elements(
    mut old: Vec<Value>,
    new: Vec<Value>,
    ty: TypeRef<'_>,
    key: &str,
) -> Result<Vec<Value>, Error> {
    let element = ty.element().unwrap_or_else(TypeRef::untyped);
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, item) in old.iter().enumerate() {
        if let Some(value) = item.get(key) {
            places.entry(value.to_string()).or_insert(at);
        }
    }
    for item in new {
        let name = order::key_of(&item, key)?;
        match (places.get(&name).copied(), item) {
            (Some(at), Value::Object(patch)) => {
                let original = match old[at].take() {
                    Value::Object(original) => original,
                    _ => Map::new(),
                };
                old[at] = Value::Object(merge_objects(original, patch, element)?);
                // `$retainKeys` may take the key away; what follows then no longer finds the element.
                if order::key_of(&old[at], key).as_ref() != Ok(&name) {
                    places.remove(&name);
                }
            }
            (_, item) => {
                places.insert(name, old.len());
                old.push(item);
            }
        }
    }
    Ok(old)
}

/// What elements of one list are; all of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Bool,
    Integer,
    Float,
    String,
    Object,
}

fn element_kind(lists: &[&[Value]]) -> Result<Element, Error> {
    let mut found = None;
    for item in lists.iter().copied().flatten() {
        let kind = match item {
            Value::Bool(_) => Some(Element::Bool),
            Value::Number(number) if number.is_f64() => Some(Element::Float),
            Value::Number(_) => Some(Element::Integer),
            Value::String(_) => Some(Element::String),
            Value::Object(_) => Some(Element::Object),
            Value::Array(_) if found.is_none() => {
                return Err(Error::Unprocessable(
                    "lists of lists are not supported".to_owned(),
                ));
            }
            Value::Array(_) | Value::Null => None,
        };
        if kind.is_none() || found.is_some_and(|found| Some(found) != kind) {
            let lists: Vec<_> = lists
                .iter()
                .map(|list| go_text::plain(&Value::from(list.to_vec())))
                .collect();
            let lists = lists.join(" ");
            return Err(Error::Failed(format!(
                "list element types are not identical: [{lists}]"
            )));
        }
        found = kind;
    }
    found.ok_or_else(|| Error::Failed("no elements in any of the given slices".to_owned()))
}

/// Leaves out objects that are directives: there is nothing for them to act on.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(fields) => {
            if fields.contains_key(DIRECTIVE) {
                return None;
            }
            let kept = fields
                .into_iter()
                .filter_map(|(name, field)| Some((name, without_directives(field)?)));
            Value::Object(kept.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().filter_map(without_directives).collect()),
        other => other,
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(kept.map(|(name, field)| (name, without_nulls(field))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The strategy of a place, apart from `retainKeys`, which says what clients should send.
fn strategy(ty: TypeRef<'_>) -> &str {
    ty.patch_strategy()
        .split(',')
        .find(|strategy| *strategy != "retainKeys")
        .unwrap_or_default()
}

/// `$setElementOrder/containers` is about `containers`.
fn list_of<'a>(name: &'a str, directive: &str) -> Option<&'a str> {
    let (found, list) = name.split_once('/')?;
    (found == directive).then_some(list)
}

fn child<'a>(ty: TypeRef<'a>, name: &str) -> TypeRef<'a> {
    ty.field(name).unwrap_or_else(TypeRef::untyped)
}

/// The Go name of a type in messages: the last part of its definition's name.
fn type_name(ty: TypeRef<'_>) -> String {
    match ty.kind() {
        Kind::Struct { .. } => ty
            .definition_name()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        _ => "map".to_owned(),
    }
}

fn unknown_field(ty: TypeRef<'_>, name: &str) -> Error {
    let ty = type_name(ty);
    Error::Failed(format!(
        "unable to find api field in struct {ty} for the json field {name:?}"
    ))
}

fn unknown_directive(directive: &Value, object: &Object) -> Error {
    let directive = match directive {
        Value::String(text) => text.clone(),
        other => format!("%!s({}={})", go_text::type_name(other), go_text::plain(other)),
    };
    let object = go_text::plain(&Value::Object(object.clone()));
    Error::Failed(format!("unknown patch type: {directive} in map: {object}"))
}

fn wrong_type(expected: &str, got: &Value) -> Error {
    let got = go_text::type_name(got);
    Error::Failed(format!("expected a {expected}, but received a {got}"))
}

fn bad_request(message: &str) -> Error {
    Error::BadRequest(message.to_owned())
}
