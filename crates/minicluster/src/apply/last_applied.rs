//! Objects that `kubectl apply` managed by its annotation before it applied on the server's side.

use serde_json::Value;

use super::compare::compare;
use super::extract::fields_of;
use super::fieldset::FieldSet;
use super::validate::{Duplicates, validate};
use super::{MAX_DEPTH, Target, depth_within};

/// The annotation that holds the last configuration of client-side apply.
pub const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Only this manager takes over from the annotation and keeps it up to date.
pub(super) const MANAGER: &str = "kubectl";

/// All annotations of an object together may have this many bytes.
const MAX_ANNOTATIONS_BYTES: usize = 256 * 1024;

/// The fields that the last client-side apply set and that still have its values: kubectl may take them from
/// whoever owns them. `None` without a usable annotation.
pub(super) fn still_applied(live: &Value, target: &Target<'_>) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(target.api_version) {
        return None;
    }
    if !depth_within(&last, MAX_DEPTH) || validate(&last, target.ty, Duplicates::Refused).is_err() {
        return None;
    }
    let difference = compare(&last, live, target.ty);
    Some(
        fields_of(&last, target.ty)
            .difference(&difference.modified)
            .difference(&difference.added)
            .difference(&difference.removed),
    )
}

/// Rewrites the annotation, if there is one, with the configuration that was just applied.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = config
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{}\n", go_json(&config));
    let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    annotations.insert(ANNOTATION.to_owned(), Value::String(text));
    let bytes: usize = annotations
        .iter()
        .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
        .sum();
    if bytes > MAX_ANNOTATIONS_BYTES {
        annotations.remove(ANNOTATION);
    }
}

fn annotation(object: &Value) -> Option<&str> {
    let text = object
        .pointer("/metadata/annotations")?
        .get(ANNOTATION)?
        .as_str()?;
    (!text.is_empty()).then_some(text)
}

/// JSON as Go writes it: these five characters are escaped in strings, and stand nowhere else.
fn go_json(value: &Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
