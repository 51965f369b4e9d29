//! The readers of the mini cluster's API server: what a client may send in a body or a query.
//!
//! Inputs of patches are two lines of JSON, the object and what is to become of it.

use minicluster::apply::{self, FieldSet, Manager, Options};
use minicluster::schema::Table;
use minicluster::{fuzzing, patch};
use serde_json::Value;

/// The kind that everything is patched as: it has lists of every sort, maps, times and quantities.
const KIND: (&str, &str, &str) = ("apps", "v1", "Deployment");

/// Every type of patch, of a built-in kind.
pub fn patch(input: &[u8]) {
    let Some((object, change)) = pair(input) else {
        return;
    };
    let Some(ty) = Table::get().kind(KIND.0, KIND.1, KIND.2) else {
        return;
    };
    let _ = patch::json::apply(&mut object.clone(), &change);
    let _ = patch::merge::apply(&mut object.clone(), change.clone());
    let _ = patch::strategic::apply(&mut object.clone(), change, ty);
}

/// An apply by one owner over an object of others, and one of a new object.
pub fn apply(input: &[u8]) {
    let Some((object, configuration)) = pair(input) else {
        return;
    };
    let Some(ty) = Table::get().kind(KIND.0, KIND.1, KIND.2) else {
        return;
    };
    let reset = FieldSet::of_fields(&[&["status"]]);
    let target = apply::Target {
        ty,
        api_version: "apps/v1",
        kind: KIND.2,
        builtin: true,
        reset: &reset,
    };
    let options = Options {
        manager: Manager {
            name: "fuzz",
            subresource: "",
        },
        force: false,
        now: "2026-01-01T00:00:00Z",
    };
    let _ = apply::apply(Some(&object), &configuration, &options, &target);
    let _ = apply::apply(None, &configuration, &options, &target);
    let mut changed = configuration;
    apply::track(
        Some(&object),
        &mut changed,
        &options.manager,
        &target,
        options.now,
    );
}

/// The first line selects labels, the second fields.
pub fn selector(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (labels, fields) = text.split_once('\n').unwrap_or((&text, ""));
    fuzzing::selectors(labels, fields);
}

/// Decodes, and what can be decoded must survive the way back and forth.
pub fn protobuf(input: &[u8]) {
    let Ok(object) = minicluster::protobuf::decode(input, ("v1", "Pod")) else {
        return;
    };
    let Some(encoded) = minicluster::protobuf::encode(&object) else {
        return;
    };
    let again = minicluster::protobuf::decode(&encoded, ("", ""));
    assert!(again.is_ok(), "what was encoded can't be decoded: {again:?}");
}

fn pair(input: &[u8]) -> Option<(Value, Value)> {
    let at = input.iter().position(|byte| *byte == b'\n')?;
    let (object, change) = input.split_at(at);
    Some((
        serde_json::from_slice(object).ok()?,
        serde_json::from_slice(change).ok()?,
    ))
}
