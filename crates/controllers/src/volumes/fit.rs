//! Which volume fits a claim.

use objects::{Kind, Quantity, Selector, World, meta};
use serde_json::{Value, json};

/// The smallest volume that fits, one that was made for this claim before all others.
pub(super) fn best<'a>(world: &'a World, claim: &Value) -> Option<&'a Value> {
    let volumes = world.all(&Kind::PERSISTENT_VOLUME).map(|volume| &**volume);
    let (mut meant, mut free): (Vec<&Value>, Vec<&Value>) = volumes
        .filter(|volume| is_for(volume, claim) || !is_claimed(volume) && fits(volume, claim))
        .partition(|volume| is_for(volume, claim));
    let size = |volume: &&Value| Quantity::of(&volume["spec"]["capacity"]["storage"]);
    meant.sort_by_key(size);
    free.sort_by_key(size);
    meant.into_iter().chain(free).next()
}

pub(super) fn is_claimed(volume: &Value) -> bool {
    volume
        .pointer("/spec/claimRef")
        .is_some_and(|reference| !reference.is_null())
}

/// Whether a volume says that it belongs to a claim.
pub(super) fn is_for(volume: &Value, claim: &Value) -> bool {
    let Some(reference) = volume.pointer("/spec/claimRef") else {
        return false;
    };
    let uid = meta::text(reference, "uid");
    meta::text(reference, "name") == meta::name(claim)
        && meta::text(reference, "namespace") == meta::namespace(claim)
        && (uid.is_empty() || uid == meta::uid(claim))
}

/// What a volume says of its claim.
pub(super) fn reference(claim: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": meta::name(claim),
        "namespace": meta::namespace(claim),
        "resourceVersion": meta::resource_version(claim),
        "uid": meta::uid(claim),
    })
}

fn fits(volume: &Value, claim: &Value) -> bool {
    let mode = |object: &Value| match meta::text_at(object, "/spec/volumeMode") {
        "" => "Filesystem".to_owned(),
        mode => mode.to_owned(),
    };
    let offered = meta::list_at(volume, "/spec/accessModes");
    let class = |object: &Value| meta::text_at(object, "/spec/storageClassName").to_owned();
    let selector = claim
        .pointer("/spec/selector")
        .map(Selector::from_json)
        .unwrap_or_default();
    let usable = matches!(
        meta::text_at(volume, "/status/phase"),
        "Available" | "Pending" | ""
    );
    usable
        && !meta::is_deleted(volume)
        && class(volume) == class(claim)
        && mode(volume) == mode(claim)
        && selector.selects(volume)
        && meta::list_at(claim, "/spec/accessModes")
            .iter()
            .all(|one| offered.contains(one))
        && Quantity::of(&volume["spec"]["capacity"]["storage"])
            >= Quantity::of(&claim["spec"]["resources"]["requests"]["storage"])
}
