//! Claims find volumes: PersistentVolumeClaims are bound to volumes that fit, or to new ones of their class.
//!
//! ```text
//! claim ──► a volume that is there and fits? bind ──► its class? provision ──► an event that says what is missing
//! volume ──► claim gone? Released, then deleted or kept as its policy says
//! ```
//!
//! Behaves as the real persistentvolume-controller, with one addition: the cluster plays the provisioner of every
//! StorageClass but `kubernetes.io/no-provisioner`, as nothing else would. Such a volume is a name, no disk.

mod fit;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan};
use objects::{Change, Key, Kind, Quantity, World, meta, pod};
use serde_json::{Value, json};

const CLAIM_IN_USE: &str = "kubernetes.io/pvc-protection";
const VOLUME_IN_USE: &str = "kubernetes.io/pv-protection";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_US: &str = "pv.kubernetes.io/bound-by-controller";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The loop. Its keys are claims and volumes.
#[derive(Debug, Default)]
pub struct VolumeBinder;

impl Loop for VolumeBinder {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:persistent-volume-binder",
            manager: "kube-controller-manager",
            component: "persistentvolume-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        match &change.key.kind {
            kind if *kind == Kind::PERSISTENT_VOLUME_CLAIM => {
                keys.push(change.key.clone());
                let volume = meta::text_at(change.object(), "/spec/volumeName");
                if !volume.is_empty() {
                    keys.push(Key::new(Kind::PERSISTENT_VOLUME, "", volume));
                }
            }
            kind if *kind == Kind::PERSISTENT_VOLUME => {
                keys.push(change.key.clone());
                keys.extend(pending(world));
            }
            kind if *kind == Kind::STORAGE_CLASS => keys.extend(pending(world)),
            kind if *kind == Kind::POD && (change.new.is_none() || change.changed("/status/phase")) => {
                let claims = claims_of(change.object());
                let key = |name: &str| Key::new(Kind::PERSISTENT_VOLUME_CLAIM, &change.key.namespace, name);
                keys.extend(claims.map(key));
            }
            _ => {}
        }
    }

    fn decide(&mut self, world: &World, key: &Key, _now: Timestamp) -> Plan {
        let Some(object) = world.get(key) else {
            return Plan::nothing();
        };
        let actions = if key.kind == Kind::PERSISTENT_VOLUME {
            volume(world, key, object)
        } else if meta::is_deleted(object) {
            let free = meta::has_finalizer(object, CLAIM_IN_USE) && !is_used(world, key);
            free.then(|| Action::drop_finalizer(key, object, CLAIM_IN_USE))
                .into_iter()
                .collect()
        } else {
            claim(world, key, object)
        };
        Plan::of(actions)
    }
}

/// Claims that wait for a volume.
fn pending(world: &World) -> impl Iterator<Item = Key> {
    let waits = |claim: &&std::sync::Arc<Value>| meta::text_at(claim, "/status/phase") != "Bound";
    let claims = world.all(&Kind::PERSISTENT_VOLUME_CLAIM).filter(waits);
    claims.map(|claim| Key::of(Kind::PERSISTENT_VOLUME_CLAIM, claim))
}

/// The claims that a pod names, generic ephemeral volumes included.
fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = meta::list_at(pod, "/spec/volumes").iter();
    volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

fn is_used(world: &World, claim: &Key) -> bool {
    world
        .list(&Kind::POD, &claim.namespace)
        .any(|pod| !pod::is_finished(pod) && claims_of(pod).any(|name| name == &*claim.name))
}

/// Decides about a claim that is not being deleted.
fn claim(world: &World, key: &Key, claim: &Value) -> Vec<Action> {
    let name = meta::text_at(claim, "/spec/volumeName");
    if !name.is_empty() {
        return match world.find(&Kind::PERSISTENT_VOLUME, "", name) {
            Some(volume) if fit::is_for(volume, claim) || !fit::is_claimed(volume) => {
                complete(volume, key, claim)
            }
            Some(_) => vec![tell(
                key,
                true,
                "ClaimMisbound",
                "Two claims are bound to the same volume, this one is bound incorrectly",
            )],
            None if meta::text_at(claim, "/status/phase") == "Bound" => lost(key, claim),
            None => Vec::new(),
        };
    }
    let class_name = meta::text_at(claim, "/spec/storageClassName");
    let class = world.find(&Kind::STORAGE_CLASS, "", class_name);
    let first_consumer =
        class.is_some_and(|class| meta::text(class, "volumeBindingMode") == "WaitForFirstConsumer");
    if first_consumer && meta::annotation(claim, SELECTED_NODE).is_none() {
        let message = "waiting for first consumer to be created before binding";
        return vec![tell(key, false, "WaitForFirstConsumer", message)];
    }
    if let Some(volume) = fit::best(world, claim) {
        return complete(volume, key, claim);
    }
    match class {
        Some(class) if meta::text(class, "provisioner") != NO_PROVISIONER => provision(key, claim, class),
        None if !class_name.is_empty() => {
            let message = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
            vec![tell(key, true, "ProvisioningFailed", &message)]
        }
        Some(_) | None => {
            let message = "no persistent volumes available for this claim and no storage class is set";
            vec![tell(key, false, "FailedBinding", message)]
        }
    }
}

/// The writes that are missing until a claim and a volume are bound to each other.
fn complete(volume: &Value, key: &Key, claim: &Value) -> Vec<Action> {
    let mut actions = Vec::new();
    let volume_key = Key::of(Kind::PERSISTENT_VOLUME, volume);
    if !fit::is_for(volume, claim) || meta::text_at(volume, "/spec/claimRef/uid").is_empty() {
        actions.push(patch(&volume_key, None, json!({
            "metadata": {"resourceVersion": meta::resource_version(volume), "annotations": {BOUND_BY_US: "yes"}},
            "spec": {"claimRef": fit::reference(claim)},
        })));
    }
    if meta::text_at(volume, "/status/phase") != "Bound" {
        actions.push(patch(
            &volume_key,
            Some("status"),
            json!({"status": {"phase": "Bound"}}),
        ));
    }
    if meta::annotation(claim, BIND_COMPLETED).is_none()
        || meta::text_at(claim, "/spec/volumeName").is_empty()
    {
        actions.push(patch(
            key,
            None,
            json!({
                "metadata": {"annotations": {BIND_COMPLETED: "yes", BOUND_BY_US: "yes"}},
                "spec": {"volumeName": meta::name(volume)},
            }),
        ));
    }
    let capacity = capacity(volume, claim);
    let same = claim.pointer("/status/capacity/storage") == Some(&capacity);
    if meta::text_at(claim, "/status/phase") != "Bound" || !same {
        actions.push(patch(
            key,
            Some("status"),
            json!({"status": {
                "phase": "Bound",
                "accessModes": volume["spec"]["accessModes"],
                "capacity": {"storage": capacity},
            }}),
        ));
    }
    actions
}

/// What a bound claim has: its volume's capacity, or what it asks for when a volume of ours grows.
fn capacity(volume: &Value, claim: &Value) -> Value {
    let has = &volume["spec"]["capacity"]["storage"];
    let asks = &claim["spec"]["resources"]["requests"]["storage"];
    let grows = meta::annotation(volume, "pv.kubernetes.io/provisioned-by").is_some();
    if grows && Quantity::of(asks) > Quantity::of(has) {
        asks.clone()
    } else {
        has.clone()
    }
}

fn provision(key: &Key, claim: &Value, class: &Value) -> Vec<Action> {
    let name = format!("pvc-{}", meta::uid(claim));
    let provisioner = meta::text(class, "provisioner");
    let reclaim = match meta::text(class, "reclaimPolicy") {
        "" => "Delete",
        policy => policy,
    };
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
        },
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": fit::reference(claim),
            "csi": {"driver": provisioner, "volumeHandle": name},
            "persistentVolumeReclaimPolicy": reclaim,
            "storageClassName": meta::name(class),
            "volumeMode": claim["spec"].get("volumeMode").cloned().unwrap_or_else(|| json!("Filesystem")),
        },
    });
    let done = format!("Successfully provisioned volume {name}");
    vec![
        Action::Create(volume),
        tell(key, false, "ProvisioningSucceeded", &done),
    ]
}

fn lost(key: &Key, claim: &Value) -> Vec<Action> {
    if meta::text_at(claim, "/status/phase") == "Lost" {
        return Vec::new();
    }
    let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
    vec![
        patch(key, Some("status"), json!({"status": {"phase": "Lost"}})),
        tell(key, true, "ClaimLost", message),
    ]
}

/// Decides about a volume: its phase, and what becomes of it when its claim is gone.
fn volume(world: &World, key: &Key, volume: &Value) -> Vec<Action> {
    let reference = &volume["spec"]["claimRef"];
    let claim = world.find(
        &Kind::PERSISTENT_VOLUME_CLAIM,
        meta::text(reference, "namespace"),
        meta::text(reference, "name"),
    );
    let has_uid = !meta::text(reference, "uid").is_empty();
    let claim = claim.filter(|claim| !has_uid || meta::uid(claim) == meta::text(reference, "uid"));
    let phase = match (fit::is_claimed(volume), claim) {
        (false, _) => "Available",
        (true, Some(claim)) if meta::text_at(claim, "/spec/volumeName") == &*key.name => "Bound",
        (true, Some(_)) => "Pending",
        // Meant for a claim that is still to come.
        (true, None) if !has_uid => "Available",
        (true, None) => "Released",
    };
    if meta::is_deleted(volume) {
        let free = phase != "Bound" && meta::has_finalizer(volume, VOLUME_IN_USE);
        return free
            .then(|| Action::drop_finalizer(key, volume, VOLUME_IN_USE))
            .into_iter()
            .collect();
    }
    if phase == "Released" && meta::text_at(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        return vec![Action::delete(key.clone(), volume)];
    }
    let known = meta::text_at(volume, "/status/phase");
    if known == phase || phase == "Pending" {
        return Vec::new();
    }
    vec![patch(key, Some("status"), json!({"status": {"phase": phase}}))]
}

fn patch(key: &Key, subresource: Option<&'static str>, patch: Value) -> Action {
    Action::Patch {
        key: key.clone(),
        subresource,
        patch,
    }
}

fn tell(key: &Key, warning: bool, reason: &'static str, message: &str) -> Action {
    let event = Event::normal(key, reason, message);
    Action::Record(Event { warning, ..event })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim_of(class: Option<&str>, storage: &str) -> Value {
        let mut claim = json!({
            "metadata": {"name": "c", "namespace": "n", "uid": "u", "resourceVersion": "1"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
            "status": {"phase": "Pending"},
        });
        if let Some(class) = class {
            claim["spec"]["storageClassName"] = json!(class);
        }
        claim
    }

    fn volume_of(name: &str, storage: &str) -> Value {
        json!({
            "metadata": {"name": name, "resourceVersion": "1"},
            "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": storage},
                     "persistentVolumeReclaimPolicy": "Delete"},
            "status": {"phase": "Available"},
        })
    }

    fn class(provisioner: &str, mode: &str) -> Value {
        json!({"metadata": {"name": "fast"}, "provisioner": provisioner, "volumeBindingMode": mode})
    }

    fn decide(objects: &[(Kind, Value)], key: &Key) -> Vec<String> {
        let mut world = World::default();
        for (kind, object) in objects {
            world.put(&Key::of(kind.clone(), object), object.clone());
        }
        let show = |action: &Action| match action {
            Action::Record(event) => format!("{}: {}", event.reason, event.message),
            Action::Create(object) => format!("create {}", meta::name(object)),
            Action::Patch { key, subresource, .. } => format!("patch {} {subresource:?}", key.name),
            Action::Delete { key, .. } => format!("delete {}", key.name),
            other => format!("{other:?}"),
        };
        let plan = VolumeBinder.decide(&world, key, Timestamp::UNIX_EPOCH);
        plan.actions.iter().map(show).collect()
    }

    #[test]
    fn a_claim_takes_the_smallest_volume_that_fits_or_says_what_it_lacks() {
        let key = Key::new(Kind::PERSISTENT_VOLUME_CLAIM, "n", "c");
        let claim = |class, storage| (Kind::PERSISTENT_VOLUME_CLAIM, claim_of(class, storage));
        let volume = |name, storage| (Kind::PERSISTENT_VOLUME, volume_of(name, storage));
        let class = |provisioner, mode| (Kind::STORAGE_CLASS, class(provisioner, mode));
        let bind = [
            "patch small None",
            "patch small Some(\"status\")",
            "patch c None",
            "patch c Some(\"status\")",
        ];
        let none =
            "FailedBinding: no persistent volumes available for this claim and no storage class is set";
        for (objects, expected) in [
            (vec![claim(None, "1Gi")], vec![none]),
            (
                vec![claim(None, "1Gi"), volume("big", "9Gi"), volume("small", "2Gi")],
                bind.to_vec(),
            ),
            (vec![claim(None, "3Gi"), volume("small", "2Gi")], vec![none]),
            (
                vec![claim(Some("fast"), "1Gi")],
                vec!["ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found"],
            ),
            (
                vec![claim(Some("fast"), "1Gi"), class("a/b", "Immediate")],
                vec![
                    "create pvc-u",
                    "ProvisioningSucceeded: Successfully provisioned volume pvc-u",
                ],
            ),
            (
                vec![claim(Some("fast"), "1Gi"), class("a/b", "WaitForFirstConsumer")],
                vec!["WaitForFirstConsumer: waiting for first consumer to be created before binding"],
            ),
            (
                vec![claim(Some("fast"), "1Gi"), class(NO_PROVISIONER, "Immediate")],
                vec![none],
            ),
        ] {
            assert_eq!(decide(&objects, &key), expected, "{objects:?}");
        }
    }

    #[test]
    fn a_released_volume_goes_or_stays_as_its_policy_says() {
        let key = Key::new(Kind::PERSISTENT_VOLUME, "", "v");
        let mut volume = volume_of("v", "1Gi");
        volume["spec"]["claimRef"] = json!({"namespace": "n", "name": "c", "uid": "gone"});
        volume["status"]["phase"] = json!("Bound");
        assert_eq!(
            decide(&[(Kind::PERSISTENT_VOLUME, volume.clone())], &key),
            ["delete v"]
        );
        volume["spec"]["persistentVolumeReclaimPolicy"] = json!("Retain");
        assert_eq!(
            decide(&[(Kind::PERSISTENT_VOLUME, volume)], &key),
            ["patch v Some(\"status\")"]
        );
    }

    #[test]
    fn a_claim_in_use_waits_for_its_pod() {
        let key = Key::new(Kind::PERSISTENT_VOLUME_CLAIM, "n", "c");
        let mut claim = claim_of(None, "1Gi");
        claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        claim["metadata"]["finalizers"] = json!([CLAIM_IN_USE]);
        let pod = json!({"metadata": {"name": "p", "namespace": "n"},
                         "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "c"}}]}});
        let claim = (Kind::PERSISTENT_VOLUME_CLAIM, claim);
        assert_eq!(decide(&[claim.clone(), (Kind::POD, pod)], &key), [""; 0]);
        assert_eq!(decide(&[claim], &key), ["patch c None"]);
    }
}
