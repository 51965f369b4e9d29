//! Which objects belong to a controller: its own that still match, and orphans that it adopts.
//!
//! ```text
//! owned and matching ──► mine        owned, no longer matching ──► released
//! orphan and matching ──► adopted    everything else ──► not ours
//! ```
//!
//! An owner on its way out neither adopts nor releases.

use std::sync::Arc;

use objects::control::Action;
use objects::{Brief, Change, Key, Kind, Selector, World, meta};
use serde_json::{Value, json};

/// Who claims.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub object: &'a Value,
    pub api_version: &'static str,
    pub kind: &'static Kind,
}

/// What an owner has, and the writes that make its claims true.
#[derive(Debug)]
pub struct Claims<'a> {
    /// By name. Without what is yet to be adopted.
    pub mine: Vec<&'a Arc<Value>>,
    pub actions: Vec<Action>,
}

/// Sorts out the objects of a kind in the owner's namespace. `eligible` narrows what the selector selects.
pub fn claim<'a>(
    world: &'a World,
    owner: &Owner<'a>,
    selector: &Selector,
    kind: &'static Kind,
    eligible: impl Fn(&Value) -> bool,
) -> Claims<'a> {
    let leaving = meta::is_deleted(owner.object);
    let matches = |object: &Value| selector.selects(object) && eligible(object);
    let mut claims = Claims {
        mine: Vec::new(),
        actions: Vec::new(),
    };
    for object in world.controlled(meta::uid(owner.object), kind) {
        if matches(object) {
            claims.mine.push(object);
        } else if !leaving {
            claims.actions.push(release(owner, kind, object));
        }
    }
    claims
        .actions
        .extend(adoptions(world, owner, (selector, kind), eligible));
    claims
}

/// [`claim`] for pods that may be very many: they are given in brief, and none is read that stays.
pub fn claim_pods<'a>(
    world: &'a World,
    owner: &Owner<'a>,
    selector: &Selector,
    eligible: impl Fn(&Value) -> bool,
) -> (Vec<(&'a Key, &'a Brief)>, Vec<Action>) {
    let leaving = meta::is_deleted(owner.object);
    let (mut mine, mut actions) = (Vec::new(), Vec::new());
    let mut chosen = Chosen::by(selector);
    for (key, brief) in world.pods_of(meta::uid(owner.object)) {
        if chosen.has(brief) {
            mine.push((key, brief));
        } else if let Some(pod) = world.get(key).filter(|_| !leaving) {
            actions.push(release(owner, &Kind::POD, pod));
        }
    }
    actions.extend(adoptions(world, owner, (selector, &Kind::POD), eligible));
    (mine, actions)
}

/// Whether pods are selected, asked once for all that share their labels.
#[derive(Debug)]
pub struct Chosen<'a, 'b> {
    selector: &'b Selector,
    last: Option<(&'a Arc<Value>, bool)>,
}

impl<'a, 'b> Chosen<'a, 'b> {
    #[must_use]
    pub fn by(selector: &'b Selector) -> Self {
        Self { selector, last: None }
    }

    pub fn has(&mut self, pod: &'a Brief) -> bool {
        match self.last {
            Some((labels, chosen)) if Arc::ptr_eq(labels, &pod.labels) => chosen,
            _ => {
                let chosen = self.selector.selects_labels(&pod.labels);
                self.last = Some((&pod.labels, chosen));
                chosen
            }
        }
    }
}

/// The object of a kind that controls this one, whether it is there or not.
#[must_use]
pub fn owner_of(object: &Value, kind: &Kind) -> Option<Key> {
    let owner = meta::controller(object)?;
    let group = meta::text(owner, "apiVersion")
        .rsplit_once('/')
        .map_or("", |(group, _)| group);
    (meta::text(owner, "kind") == kind.name && group == kind.group)
        .then(|| Key::new(kind.clone(), meta::namespace(object), meta::text(owner, "name")))
}

/// Names the owners, by kind, of an object that changed: those it has and had.
pub fn touch_owners(change: &Change<'_>, kind: &Kind, keys: &mut Vec<Key>) {
    for object in [change.old, change.new].into_iter().flatten() {
        if let Some(key) = owner_of(object, kind)
            && keys.last() != Some(&key)
        {
            keys.push(key);
        }
    }
}

/// Names those who would adopt an object that changed, when nothing controls it.
pub fn touch_adopters(
    world: &World,
    change: &Change<'_>,
    kind: &Kind,
    selector: impl Fn(&Value) -> Selector,
    keys: &mut Vec<Key>,
) {
    let Some(object) = change.new.filter(|object| meta::controller(object).is_none()) else {
        return;
    };
    if !change.changed("/metadata/labels") && !change.changed("/metadata/ownerReferences") {
        return;
    }
    for holder in world.list(kind, &change.key.namespace) {
        if wants(&selector(holder), object) {
            keys.push(Key::of(kind.clone(), holder));
        }
    }
}

/// Whether an orphan would be adopted by the holder of this selector.
#[must_use]
pub fn wants(selector: &Selector, object: &Value) -> bool {
    !selector.is_empty() && meta::controller(object).is_none() && selector.selects(object)
}

fn adoptions(
    world: &World,
    owner: &Owner<'_>,
    (selector, kind): (&Selector, &Kind),
    eligible: impl Fn(&Value) -> bool,
) -> Vec<Action> {
    // A selector that selects everything is a mistake, and no reason to take what others left.
    if meta::is_deleted(owner.object) || selector.is_empty() {
        return Vec::new();
    }
    let orphans = world.orphans(kind, meta::namespace(owner.object));
    let wanted =
        orphans.filter(|object| selector.selects(object) && eligible(object) && !meta::is_deleted(object));
    wanted.map(|object| adopt(owner, kind, object)).collect()
}

fn adopt(owner: &Owner<'_>, kind: &Kind, object: &Value) -> Action {
    let mut owners = others(owner, object);
    owners.push(meta::controller_reference(
        owner.object,
        owner.api_version,
        owner.kind,
    ));
    patch(kind, object, &json!(owners))
}

fn release(owner: &Owner<'_>, kind: &Kind, object: &Value) -> Action {
    let owners = others(owner, object);
    let owners = if owners.is_empty() {
        Value::Null
    } else {
        json!(owners)
    };
    patch(kind, object, &owners)
}

fn others(owner: &Owner<'_>, object: &Value) -> Vec<Value> {
    let uid = meta::uid(owner.object);
    let owners = meta::owners(object).iter();
    owners
        .filter(|one| meta::text(one, "uid") != uid)
        .cloned()
        .collect()
}

/// The uid makes sure that it is the object that was looked at.
fn patch(kind: &Kind, object: &Value, owners: &Value) -> Action {
    Action::Patch {
        key: Key::of(kind.clone(), object),
        subresource: None,
        patch: json!({"metadata": {"uid": meta::uid(object), "ownerReferences": owners}}),
    }
}
