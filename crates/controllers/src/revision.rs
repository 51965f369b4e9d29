//! ControllerRevisions: what a StatefulSet or a DaemonSet remembers of its earlier templates.
//!
//! A revision holds a template as a patch of its owner; `kubectl rollout undo` applies it. Equal templates share a
//! revision, whose number moves to the end when it is rolled back to.

use objects::control::Action;
use objects::{Key, Kind, meta};
use serde_json::{Value, json};

use crate::claim::Owner;
use crate::template_hash;

/// The kind, for those who need it for as long as the world.
pub static KIND: Kind = Kind::CONTROLLER_REVISION;

/// How much of its owner's name a revision's name keeps: 253 less the room for a hash and a hyphen, as the real
/// controllers reckon.
const LONGEST_PREFIX: usize = 223;

/// What a revision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub owner: Owner<'a>,
    pub hash: &'a str,
    /// The label that carries the hash.
    pub hash_label: &'static str,
    pub data: &'a Value,
    pub number: i64,
}

/// What became of the wish for a revision.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// There is one with this content and the highest number.
    Found(&'a Value),
    /// It is to be created or moved to the end first.
    Write(Action),
    /// Its name belongs to other content: the owner counts one more collision.
    Collision,
}

/// The `data` of a revision that holds this template.
#[must_use]
pub fn data(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}

/// The template that a revision holds.
#[must_use]
pub fn template(revision: &Value) -> Value {
    let mut template = revision
        .pointer("/data/spec/template")
        .cloned()
        .unwrap_or_default();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    template
}

#[must_use]
pub fn number(revision: &Value) -> i64 {
    meta::number_at(revision, "/revision").unwrap_or_default()
}

/// The number after all of these.
#[must_use]
pub fn next_number<'a>(revisions: impl IntoIterator<Item = &'a Value>) -> i64 {
    revisions.into_iter().map(number).max().unwrap_or_default() + 1
}

/// The name of a revision.
#[must_use]
pub fn name(owner: &Value, hash: &str) -> String {
    let prefix: String = meta::name(owner).chars().take(LONGEST_PREFIX).collect();
    format!("{prefix}-{hash}")
}

/// A revision as it is to be created.
#[must_use]
pub fn object(draft: &Draft<'_>) -> Value {
    let Owner {
        object: owner,
        api_version,
        kind,
    } = draft.owner;
    let mut metadata = json!({
        "name": name(owner, draft.hash),
        "namespace": meta::namespace(owner),
        "ownerReferences": [meta::controller_reference(owner, api_version, kind)],
    });
    let labels = owner
        .pointer("/spec/template/metadata/labels")
        .filter(|labels| labels.is_object());
    metadata["labels"] = labels.cloned().unwrap_or_else(|| json!({}));
    metadata["labels"][draft.hash_label] = json!(draft.hash);
    if let Some(annotations) = owner.pointer("/metadata/annotations") {
        metadata["annotations"] = annotations.clone();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": KIND.name,
        "metadata": metadata,
        "data": draft.data,
        "revision": draft.number,
    })
}

/// Sees to a revision with the content of `draft` that has the highest number among those of its owner.
///
/// Assumptions: `revisions` are the owner's, by number; `taken` is what has the draft's name, if anything has.
#[must_use]
pub fn settle<'a>(revisions: &[&'a Value], taken: Option<&Value>, draft: &Draft<'_>) -> Outcome<'a> {
    // The last of several equal ones wins: it is the one that was used last.
    let equal = revisions
        .iter()
        .rev()
        .find(|one| one.get("data") == Some(draft.data));
    let last = revisions.last().map_or(0, |last| number(last));
    match equal {
        Some(equal) if number(equal) == last => Outcome::Found(equal),
        Some(equal) => {
            let mut moved = (*equal).clone();
            moved["revision"] = json!(last + 1);
            Outcome::Write(Action::Update(Kind::CONTROLLER_REVISION, moved))
        }
        None if taken.is_some() => Outcome::Collision,
        None => Outcome::Write(Action::Create(object(draft))),
    }
}

/// Deletes the oldest of these, which are by number, but for as many as the owner keeps.
#[must_use]
pub fn surplus(history: &[&Value], keep: i64) -> Vec<Action> {
    let count = i64::try_from(history.len()).unwrap_or(i64::MAX) - keep.max(0);
    let old = history.iter().take(usize::try_from(count).unwrap_or_default());
    old.map(|one| Action::delete(Key::of(Kind::CONTROLLER_REVISION, one), one))
        .collect()
}

/// The hash of a revision with this content.
#[must_use]
pub fn hash(data: &Value, collisions: i64) -> String {
    template_hash::of_revision(data, Some(collisions))
}
