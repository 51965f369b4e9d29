//! The one function that decides what an operation does to the cluster's objects.
//!
//! ```text
//! wanted, previous, stray objects ┐
//! Live ───────────────────────────┴──► plan ──► Plan: applied, pruned, kept ── or every Refusal
//! ```
//!
//! Total and pure: the same inputs give the same plan, and nothing that it can see is left for the cluster to refuse.

use std::collections::{HashMap, HashSet};

use manifest::Object;
use objects::{Key, meta};
use serde_json::Value;

use crate::live::Live;
use crate::ownership::{self, MANAGER, Owner};
use crate::refusal::{Cause, Refusal};

/// What a release is to become, and what it was. All objects are placed (see [`crate::Served::place`]).
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub owner: Owner<'a>,
    /// As rendered, in install order.
    pub wanted: Vec<Object>,
    /// Those of the deployed revision.
    pub previous: &'a [Object],
    /// Those of later revisions that failed or were interrupted: they may have been applied.
    pub stray: &'a [Object],
    /// Whether objects that exist and are not the release's are made its own.
    pub take_ownership: bool,
}

/// What is done to the objects of a release, hooks and waits aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In install order.
    pub apply: Vec<Change>,
    /// In the order of uninstalling.
    pub prune: Vec<Prune>,
    /// No longer the release's, and left because their policy says so or because they are another's now.
    pub kept: Vec<Key>,
    /// How many objects the release had: what the share of deletions is of.
    pub had: usize,
}

/// One object that is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// With the marks of its owner.
    pub object: Object,
    pub action: Action,
    /// What `metadata.managedFields` is to be first, so that earlier managers' fields are ours.
    pub hand_over: Option<HandOver>,
}

/// A takeover of fields, for the live object of this version only.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOver {
    pub resource_version: String,
    pub managed_fields: Value,
}

/// What applying an object comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    /// It exists, belongs to nobody or to somebody else, and becomes the release's.
    Adopt,
    /// It is as it should be; no request is made.
    Nothing,
}

/// One object that is deleted, in this incarnation only.
#[derive(Clone, Debug, PartialEq)]
pub struct Prune {
    pub key: Key,
    pub api_version: String,
    pub uid: String,
}

/// Decides what becomes of every object.
///
/// # Errors
/// Every reason why the plan could not be carried out, as far as it can be known before.
pub fn plan(request: Request<'_>, live: &Live) -> Result<Plan, Vec<Refusal>> {
    let Request {
        owner,
        wanted,
        previous,
        stray,
        take_ownership,
    } = request;
    let known: HashMap<&Key, &Object> = stray
        .iter()
        .chain(previous)
        .map(|object| (&object.key, object))
        .collect();
    let mut refusals = Vec::new();
    let mut apply = Vec::with_capacity(wanted.len());
    for mut object in last_of_each(wanted) {
        let before = known.get(&object.key);
        // What did not change was accepted once; if it differs from what is live, the cluster made it so.
        let is_changed = before.is_none_or(|before| before.value != object.value);
        owner.stamp(&mut object);
        let there = live.objects.get(&object.key);
        if let Some(there) = there {
            let is_ours = take_ownership || before.is_some();
            refusals.extend(foreign(owner, &object, there, is_ours));
            if is_changed {
                refusals.extend(fixed(&object, there));
            }
        }
        apply.push(change(object, there, &known));
    }
    refusals.extend(over_quota(&apply, live));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let staying: HashSet<&Key> = apply.iter().map(|change| &change.object.key).collect();
    let mut leaving: Vec<Object> = known
        .values()
        .filter(|object| !staying.contains(&object.key))
        .map(|object| (*object).clone())
        .collect();
    leaving.sort_by(|a, b| a.key.cmp(&b.key));
    let (prune, kept) = leave(leaving, live, owner);
    Ok(Plan {
        apply,
        prune,
        kept,
        had: previous.len(),
    })
}

/// Decides what is deleted when a release goes, and what stays.
#[must_use]
pub fn plan_uninstall(owner: Owner<'_>, objects: Vec<Object>, live: &Live) -> Plan {
    let had = objects.len();
    let (prune, kept) = leave(objects, live, owner);
    Plan {
        prune,
        kept,
        had,
        ..Plan::default()
    }
}

impl Plan {
    /// How many objects are created, changed (or adopted), left as they are, and deleted.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let count = |actions: &[Action]| {
            let found = self
                .apply
                .iter()
                .filter(|change| actions.contains(&change.action));
            found.count()
        };
        [
            count(&[Action::Create]),
            count(&[Action::Update, Action::Adopt]),
            count(&[Action::Nothing]),
            self.prune.len(),
        ]
    }
}

/// Of objects that a chart gives twice the last one counts, as it does when they are applied one after another.
fn last_of_each(objects: Vec<Object>) -> Vec<Object> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut kept: Vec<Object> = Vec::with_capacity(objects.len());
    for object in objects {
        match places.get(&object.key) {
            Some(place) => kept[*place] = object,
            None => {
                places.insert(object.key.clone(), kept.len());
                kept.push(object);
            }
        }
    }
    kept
}

/// Why a live object can't be the release's.
fn foreign(owner: Owner<'_>, object: &Object, live: &Value, is_ours: bool) -> Option<Refusal> {
    if meta::is_deleted(live) {
        return Some(Refusal::of(object, Cause::Deleting));
    }
    let doubts = owner.doubts(live);
    (!is_ours && !doubts.is_empty()).then(|| Refusal::of(object, Cause::Owned { doubts }))
}

/// The fields that can't become what is wanted.
fn fixed(object: &Object, live: &Value) -> Vec<Refusal> {
    let fields = manifest::immutable(live, &object.value).into_iter();
    fields
        .map(|fixed| {
            let cause = Cause::Immutable {
                path: fixed.path,
                live: fixed.live.to_string(),
                wanted: fixed.desired.to_string(),
                cure: fixed.cure,
            };
            Refusal::of(object, cause)
        })
        .collect()
}

fn change(object: Object, live: Option<&Value>, known: &HashMap<&Key, &Object>) -> Change {
    let Some(live) = live else {
        return Change {
            object,
            action: Action::Create,
            hand_over: None,
        };
    };
    let hand_over = ownership::handed_over(live, &object.api_version).map(|managed_fields| HandOver {
        resource_version: meta::resource_version(live).to_owned(),
        managed_fields,
    });
    let action = match known.contains_key(&object.key) {
        false => Action::Adopt,
        true if hand_over.is_none() && is_as_wanted(&object, live) => Action::Nothing,
        true => Action::Update,
    };
    Change {
        object,
        action,
        hand_over,
    }
}

/// Whether applying would change nothing: all that is wanted is live, and nothing is ours that is no longer wanted.
fn is_as_wanted(object: &Object, live: &Value) -> bool {
    let entries = meta::list_at(live, "/metadata/managedFields");
    let is_ours =
        |entry: &&Value| meta::text(entry, "manager") == MANAGER && meta::text(entry, "operation") == "Apply";
    let Some(ours) = entries.iter().find(is_ours) else {
        return false;
    };
    let nothing_left = |owned| ownership::names_only(owned, &object.value);
    ours.get("fieldsV1").is_some_and(nothing_left) && manifest::covers(&object.value, live)
}

/// Sorts what leaves into what is deleted and what stays; what is not there needs neither.
fn leave(mut objects: Vec<Object>, live: &Live, owner: Owner<'_>) -> (Vec<Prune>, Vec<Key>) {
    crate::order::sort_to_delete(&mut objects);
    let (mut prune, mut kept) = (Vec::new(), Vec::new());
    for object in objects {
        let Some(there) = live.objects.get(&object.key) else {
            continue;
        };
        if ownership::is_kept(there) || ownership::is_kept(&object.value) || owner.is_other(there) {
            kept.push(object.key);
        } else {
            prune.push(Prune {
                uid: meta::uid(there).to_owned(),
                key: object.key,
                api_version: object.api_version,
            });
        }
    }
    (prune, kept)
}

/// What the changes ask of each namespace's quotas beyond what is left there.
fn over_quota(changes: &[Change], live: &Live) -> Vec<Refusal> {
    let mut namespaces: Vec<&String> = live.quotas.keys().collect();
    namespaces.sort();
    let mut refusals = Vec::new();
    for namespace in namespaces {
        let of_namespace = || {
            changes
                .iter()
                .filter(|change| *change.object.key.namespace == **namespace)
        };
        let pairs: Vec<(Option<&Value>, Option<&Value>)> = of_namespace()
            .map(|change| (live.objects.get(&change.object.key), Some(&change.object.value)))
            .collect();
        // The release as a whole asks for too much; its largest workload would be a guess, so the first one is named.
        let Some(first) = of_namespace().next() else {
            continue;
        };
        for exceeded in manifest::exceeds(&live.quotas[namespace], &pairs) {
            let cause = Cause::Quota {
                quota: exceeded.quota,
                resource: exceeded.resource,
                hard: exceeded.hard,
                used: exceeded.used,
                more: exceeded.more,
            };
            refusals.push(Refusal::of(&first.object, cause));
        }
    }
    refusals
}
