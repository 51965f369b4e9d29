//! The garbage collector: what has lost its owners goes, and owners that wait for their dependents are let go.
//!
//! ```text
//! owner gone ──► its dependents ──► none of their owners is left? delete them
//! owner waits in the foreground ──► delete what blocks it, then drop the finalizer
//! owner leaves orphans ──► drop their references, then the finalizer
//! ```
//!
//! Behaves as the real one of the controller-manager. An owner of a kind that nobody serves is not known to be
//! gone, so its dependents stay.

use jiff::Timestamp;
use objects::control::{Action, Identity, Loop, Plan, Propagation};
use objects::{Change, Key, Kind, World, meta};
use serde_json::{Value, json};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// How many dependents are deleted in one go; the rest follows when these have happened.
const MAX_AT_ONCE: usize = 500;

/// The loop.
#[derive(Debug, Default)]
pub struct GarbageCollector;

/// What has become of the owners that an object names.
#[derive(Default)]
struct Owners<'a> {
    /// There, and not waiting for this object to go.
    solid: usize,
    dangling: Vec<&'a str>,
    waiting: Vec<&'a str>,
}

impl Loop for GarbageCollector {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:generic-garbage-collector",
            manager: "kube-controller-manager",
            component: "garbage-collector-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let object = change.object();
        let owners = meta::owners(object);
        if change.new.is_none() {
            keys.extend(world.owned(meta::uid(object)).map(|(key, _)| key.clone()));
        } else if waits(object) {
            keys.push(change.key.clone());
            keys.extend(world.owned(meta::uid(object)).map(|(key, _)| key.clone()));
        } else if !owners.is_empty() && change.changed("/metadata/ownerReferences") {
            keys.push(change.key.clone());
        }
        for owner in owners {
            if let Some((key, owner)) = find(world, change.key, owner)
                && waits(owner)
            {
                keys.push(key);
            }
        }
    }

    fn decide(&mut self, world: &World, key: &Key, _now: Timestamp) -> Plan {
        let Some(object) = world.get(key) else {
            return Plan::nothing();
        };
        if meta::is_deleted(object) {
            return match () {
                () if meta::has_finalizer(object, ORPHAN) => leave_orphans(world, key, object),
                () if meta::has_finalizer(object, FOREGROUND) => wait_for_dependents(world, key, object),
                () => Plan::nothing(),
            };
        }
        collect(world, key, object)
    }
}

/// Decides about an object that has owners and is not being deleted.
fn collect(world: &World, key: &Key, object: &Value) -> Plan {
    let owners = classify(world, key, object);
    if meta::owners(object).is_empty() {
        return Plan::nothing();
    }
    if owners.solid > 0 {
        let lost: Vec<&str> = owners.dangling.into_iter().chain(owners.waiting).collect();
        return if lost.is_empty() {
            Plan::nothing()
        } else {
            Plan::of(vec![without_owners(key, object, &lost)])
        };
    }
    let has_dependents = world.owned(meta::uid(object)).next().is_some();
    let propagation =
        if !owners.waiting.is_empty() && has_dependents || meta::has_finalizer(object, FOREGROUND) {
            Propagation::Foreground
        } else if meta::has_finalizer(object, ORPHAN) {
            Propagation::Orphan
        } else {
            Propagation::Background
        };
    Plan::of(vec![delete(key, object, propagation)])
}

/// Deletes what holds an owner in the foreground; lets the owner go when nothing does.
fn wait_for_dependents(world: &World, key: &Key, owner: &Value) -> Plan {
    let uid = meta::uid(owner);
    let mut blocked = false;
    let mut actions = Vec::new();
    for (dependent_key, dependent) in world.owned(uid) {
        let holds = |one: &Value| meta::text(one, "uid") == uid && one["blockOwnerDeletion"] == true;
        blocked |= meta::owners(dependent).iter().any(holds);
        if !meta::is_deleted(dependent) && actions.len() < MAX_AT_ONCE {
            actions.extend(collect(world, dependent_key, dependent).actions);
        }
    }
    if !blocked {
        actions.push(Action::drop_finalizer(key, owner, FOREGROUND));
    }
    Plan::of(actions)
}

/// Takes the owner out of its dependents, then lets it go.
fn leave_orphans(world: &World, key: &Key, owner: &Value) -> Plan {
    let uid = meta::uid(owner);
    let dependents = world.owned(uid);
    let mut actions: Vec<Action> = dependents
        .map(|(key, dependent)| without_owners(key, dependent, &[uid]))
        .collect();
    actions.push(Action::drop_finalizer(key, owner, ORPHAN));
    Plan::of(actions)
}

fn classify<'a>(world: &World, key: &Key, object: &'a Value) -> Owners<'a> {
    let mut owners = Owners::default();
    for reference in meta::owners(object) {
        let uid = meta::text(reference, "uid");
        match find(world, key, reference) {
            Some((_, owner)) if meta::is_deleted(owner) && meta::has_finalizer(owner, FOREGROUND) => {
                owners.waiting.push(uid);
            }
            Some(_) => owners.solid += 1,
            None if world.is_served(&Kind::of(reference)) => owners.dangling.push(uid),
            None => owners.solid += 1,
        }
    }
    owners
}

/// The owner of a reference: of the same namespace or of none, and of the same uid.
fn find<'a>(world: &'a World, key: &Key, reference: &Value) -> Option<(Key, &'a Value)> {
    let kind = Kind::of(reference);
    let name = meta::text(reference, "name");
    [&*key.namespace, ""].into_iter().find_map(|namespace| {
        let owner_key = Key::new(kind.clone(), namespace, name);
        let owner = world.get(&owner_key)?;
        (meta::uid(owner) == meta::text(reference, "uid")).then_some((owner_key, &**owner))
    })
}

/// Whether an object is on its way out and has the garbage collector do something first.
fn waits(object: &Value) -> bool {
    meta::is_deleted(object)
        && [FOREGROUND, ORPHAN]
            .iter()
            .any(|one| meta::has_finalizer(object, one))
}

fn delete(key: &Key, object: &Value, propagation: Propagation) -> Action {
    Action::Delete {
        key: key.clone(),
        uid: Some(meta::uid(object).to_owned()),
        grace: None,
        propagation: Some(propagation),
    }
}

fn without_owners(key: &Key, object: &Value, lost: &[&str]) -> Action {
    let rest: Vec<&Value> = meta::owners(object)
        .iter()
        .filter(|one| !lost.contains(&meta::text(one, "uid")))
        .collect();
    Action::set_metadata(key, object, "ownerReferences", json!(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CM: Kind = Kind::CONFIG_MAP;

    fn object(name: &str, owners: &[(&str, bool)]) -> Value {
        let owners: Vec<Value> = owners
            .iter()
            .map(|(owner, blocks)| {
                json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": format!("{owner}-uid"),
                       "blockOwnerDeletion": blocks})
            })
            .collect();
        json!({"metadata": {"name": name, "namespace": "n", "uid": format!("{name}-uid"), "resourceVersion": "1",
                            "ownerReferences": owners}})
    }

    fn dying(mut object: Value, finalizer: &str) -> Value {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["finalizers"] = json!([finalizer]);
        object
    }

    fn decide(objects: &[Value], name: &str) -> Vec<String> {
        let mut world = World::default();
        world.serve([(CM, "configmaps".to_owned())]);
        for object in objects {
            world.put(&Key::of(CM, object), object.clone());
        }
        let plan = GarbageCollector.decide(&world, &Key::new(CM, "n", name), Timestamp::UNIX_EPOCH);
        let show = |action: &Action| match action {
            Action::Delete {
                key,
                propagation: Some(propagation),
                ..
            } => format!("delete {} {propagation:?}", key.name),
            Action::Patch { key, patch, .. } => format!("patch {} {}", key.name, patch["metadata"]),
            other => format!("{other:?}"),
        };
        plan.actions.iter().map(show).collect()
    }

    #[test]
    fn what_has_no_owner_left_is_deleted() {
        let owner = object("o", &[]);
        let child = object("c", &[("o", true)]);
        assert_eq!(decide(&[owner.clone(), child.clone()], "c"), [""; 0]);
        assert_eq!(decide(&[child], "c"), ["delete c Background"]);
        let shared = object("c", &[("o", true), ("p", true)]);
        let patched = decide(&[owner, shared], "c");
        assert_eq!(patched.len(), 1);
        assert!(
            patched[0].starts_with("patch c") && !patched[0].contains("p-uid"),
            "{patched:?}"
        );
    }

    #[test]
    fn an_owner_of_a_kind_nobody_serves_is_not_known_to_be_gone() {
        let mut child = object("c", &[("o", true)]);
        child["metadata"]["ownerReferences"][0]["kind"] = json!("Widget");
        assert_eq!(decide(&[child], "c"), [""; 0]);
    }

    #[test]
    fn the_foreground_waits_for_what_blocks_it() {
        let owner = dying(object("o", &[]), FOREGROUND);
        let child = object("c", &[("o", true)]);
        let grandchild = object("g", &[("c", true)]);
        assert_eq!(
            decide(&[owner.clone(), child.clone()], "o"),
            ["delete c Background"]
        );
        assert_eq!(
            decide(&[owner.clone(), child, grandchild], "o"),
            ["delete c Foreground"]
        );
        let free = object("c", &[("o", false)]);
        let lets_go = r#"patch o {"finalizers":null,"resourceVersion":"1"}"#;
        assert_eq!(
            decide(&[owner.clone(), free], "o"),
            ["delete c Background", lets_go]
        );
        let going = dying(object("c", &[("o", true)]), "somebody/else");
        assert_eq!(decide(&[owner.clone(), going], "o"), [""; 0]);
        assert_eq!(decide(&[owner], "o"), [lets_go]);
    }

    #[test]
    fn orphans_lose_their_reference_and_stay() {
        let owner = dying(object("o", &[]), ORPHAN);
        let child = object("c", &[("o", true)]);
        assert_eq!(
            decide(&[owner, child], "o"),
            [
                r#"patch c {"ownerReferences":null,"resourceVersion":"1"}"#,
                r#"patch o {"finalizers":null,"resourceVersion":"1"}"#
            ]
        );
    }
}
