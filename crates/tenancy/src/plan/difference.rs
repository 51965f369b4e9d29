//! How what is wanted differs from what there is, in what would be applied and in words.

use manifest::{Change, covers, diff, immutable};
use objects::meta;
use serde_json::{Value, json};

use crate::names::LEAVING_ANNOTATION;

/// Maps that an apply replaces as a whole, of the kinds that a tenant is given.
const WHOLE: &[&str] = &["podSelector", "roleRef"];

/// What is to be applied, and what it changes. `None` when it would change nothing.
pub(crate) fn differences(wanted: &Value, live: &Value) -> Option<(Value, Vec<Change>)> {
    let mut object = wanted.clone();
    // Comes back from leaving. Not left out but emptied, as the annotation may be somebody else's.
    if meta::annotation(live, LEAVING_ANNOTATION).is_some_and(|since| !since.is_empty())
        && meta::annotation(wanted, LEAVING_ANNOTATION).is_none()
    {
        meta::map_mut(&mut object, &["metadata", "annotations"])
            .insert(LEAVING_ANNOTATION.to_owned(), json!(""));
    }
    if covers(&object, live) {
        return None;
    }
    let mut after = live.clone();
    overlay(&mut after, &object);
    let changes = diff(Some(live), Some(&after));
    Some((object, changes))
}

/// Whether the API server would refuse the change, so that the object is deleted first.
pub(crate) fn is_made_anew(wanted: &Value, live: &Value) -> bool {
    !immutable(live, wanted).is_empty()
}

/// Puts what is wanted over what there is, so that nobody reads the server's defaults as going away. As deep as what
/// is wanted, which we made.
fn overlay(live: &mut Value, wanted: &Value) {
    let (Value::Object(fields), Value::Object(wanted)) = (&mut *live, wanted) else {
        *live = wanted.clone();
        return;
    };
    for (name, wanted) in wanted {
        match fields.get_mut(name) {
            Some(field) if !WHOLE.contains(&name.as_str()) => overlay(field, wanted),
            _ => {
                fields.insert(name.clone(), wanted.clone());
            }
        }
    }
}
