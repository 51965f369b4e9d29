//! The claims that the pods of a StatefulSet come with, and what becomes of them with pod and set.

use objects::control::Action;
use objects::{Key, Kind, World, meta};
use serde_json::{Value, json};

use super::{identity, owner};
use crate::pod;

/// The claims of the pod with an ordinal, as they are to be created.
pub(super) fn of(set: &Value, ordinal: i64) -> Vec<Value> {
    let templates = meta::list_at(set, "/spec/volumeClaimTemplates").iter();
    let claims = templates.map(|template| {
        let mut claim = template.clone();
        claim["apiVersion"] = json!("v1");
        claim["kind"] = json!("PersistentVolumeClaim");
        claim["metadata"]["name"] = json!(name(set, template, ordinal));
        claim["metadata"]["namespace"] = json!(meta::namespace(set));
        if let Some(fields) = claim.as_object_mut() {
            fields.remove("status");
        }
        let labels = meta::map_mut(&mut claim, &["metadata", "labels"]);
        let selected = set
            .pointer("/spec/selector/matchLabels")
            .and_then(Value::as_object);
        for (label, value) in selected.into_iter().flatten() {
            labels.insert(label.clone(), value.clone());
        }
        claim
    });
    claims.collect()
}

/// Gives the pod a volume for each claim; they replace volumes of the same name.
pub(super) fn mount(pod: &mut Value, set: &Value, ordinal: i64) {
    let templates = meta::list_at(set, "/spec/volumeClaimTemplates");
    if templates.is_empty() {
        return;
    }
    let mut volumes: Vec<Value> = templates
        .iter()
        .map(|template| {
            let claim = name(set, template, ordinal);
            json!({"name": meta::name(template), "persistentVolumeClaim": {"claimName": claim}})
        })
        .collect();
    let is_claimed = |volume: &&Value| {
        let name = meta::text(volume, "name");
        templates.iter().any(|template| meta::name(template) == name)
    };
    let others = meta::list_at(pod, "/spec/volumes").iter();
    volumes.extend(others.filter(|volume| !is_claimed(volume)).cloned());
    pod["spec"]["volumes"] = json!(volumes);
}

/// Whether a claim's name is one that the set's pods may have.
pub(super) fn may_own(set: &Value, claim: &str) -> bool {
    let mut templates = meta::list_at(set, "/spec/volumeClaimTemplates").iter();
    templates.any(|template| {
        let rest = claim.strip_prefix(meta::name(template));
        let rest = rest.and_then(|rest| rest.strip_prefix('-')?.strip_prefix(meta::name(set)));
        rest.is_some_and(|rest| rest.starts_with('-'))
    })
}

/// The pod that a claim of this set is for.
pub(super) fn pod_of(set: &str, claim: &str) -> String {
    let ordinal = claim
        .rsplit_once('-')
        .and_then(|(_, ordinal)| ordinal.parse().ok());
    identity::pod_name(set, ordinal.unwrap_or_default())
}

/// The patches that make a pod's claims belong to whom the set's retention policy says: to nobody, so that they
/// stay; to the set, so that they go with it; or, when the pod is one too many, to the pod.
pub(super) fn settle(world: &World, set: &Value, pod: &Value, condemned: bool) -> Vec<Action> {
    let Some(ordinal) = identity::ordinal(set, pod) else {
        return Vec::new();
    };
    let deletes = |field| {
        let policy = set.pointer("/spec/persistentVolumeClaimRetentionPolicy");
        policy.is_some_and(|policy| meta::text(policy, field) == "Delete")
    };
    let of_set = owner(set);
    let wanted = if deletes("whenScaled") && condemned {
        Some(meta::controller_reference(pod, "v1", &pod::KIND))
    } else if deletes("whenDeleted") {
        Some(meta::controller_reference(set, of_set.api_version, of_set.kind))
    } else {
        None
    };
    let ours = [meta::uid(set), meta::uid(pod)];
    let templates = meta::list_at(set, "/spec/volumeClaimTemplates").iter();
    let claims = templates.filter_map(|template| {
        let name = name(set, template, ordinal);
        world.find(&Kind::PERSISTENT_VOLUME_CLAIM, meta::namespace(set), &name)
    });
    claims
        .filter_map(|claim| settle_one(claim, &ours, wanted.as_ref()))
        .collect()
}

fn settle_one(claim: &Value, ours: &[&str; 2], wanted: Option<&Value>) -> Option<Action> {
    let is_ours = |one: &&Value| ours.contains(&meta::text(one, "uid"));
    // What somebody else controls is left alone.
    if meta::controller(claim).is_some_and(|one| !is_ours(&one)) {
        return None;
    }
    let mut owners: Vec<Value> = meta::owners(claim)
        .iter()
        .filter(|one| !is_ours(one))
        .cloned()
        .collect();
    owners.extend(wanted.cloned());
    if owners == meta::owners(claim) {
        return None;
    }
    let owners = if owners.is_empty() {
        Value::Null
    } else {
        json!(owners)
    };
    Some(Action::Patch {
        key: Key::of(Kind::PERSISTENT_VOLUME_CLAIM, claim),
        subresource: None,
        patch: json!({"metadata": {"uid": meta::uid(claim), "ownerReferences": owners}}),
    })
}

fn name(set: &Value, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", meta::name(template), meta::name(set))
}
