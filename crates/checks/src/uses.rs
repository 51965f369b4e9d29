//! The ConfigMaps, Secrets, claims and accounts that a pod does not start without.

use manifest::Object;
use objects::{Kind, meta};
use serde_json::Value;

use crate::pods::Pods;
use crate::view::each;

/// Something that a pod names.
#[derive(Debug)]
pub(crate) struct Use<'a> {
    /// The pointer to the name.
    pub(crate) at: String,
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
    /// The keys that must be in it, with the pointer to each.
    pub(crate) keys: Vec<(String, &'a str)>,
    pub(crate) needed: Needed,
}

/// What becomes of a pod without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// It does not start.
    ToStart,
    /// It starts, and its images may not be pulled.
    ToPull,
    /// It starts all the same.
    No,
}

/// Something that pods don't start without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need<'a> {
    pub kind: Kind,
    pub name: &'a str,
    /// The keys that must be in it.
    pub keys: Vec<&'a str>,
}

/// What the pods that Kubernetes' own controllers make of an object don't start without.
#[must_use]
pub fn needs(object: &Object) -> Vec<Need<'_>> {
    let pods = Pods::of(0, &object.key.kind, &object.value, &object.key.namespace);
    let Some(pods) = pods.filter(|pods| pods.built_in) else {
        return Vec::new();
    };
    let uses = of(&pods).into_iter();
    uses.filter(|one| one.needed == Needed::ToStart)
        .map(|one| Need {
            kind: one.kind,
            name: one.name,
            keys: one.keys.into_iter().map(|(_, key)| key).collect(),
        })
        .collect()
}

/// Everything that pods name.
pub(crate) fn of<'a>(pods: &Pods<'a>) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for container in pods.containers() {
        for (at, from) in each(container.value, &container.at, "/envFrom") {
            uses.extend(named(from, &at, "/configMapRef", Kind::CONFIG_MAP));
            uses.extend(named(from, &at, "/secretRef", Kind::SECRET));
        }
        for (at, env) in each(container.value, &container.at, "/env") {
            uses.extend(key_of(env, &at, "/valueFrom/configMapKeyRef", Kind::CONFIG_MAP));
            uses.extend(key_of(env, &at, "/valueFrom/secretKeyRef", Kind::SECRET));
        }
    }
    for (at, volume) in pods.list("volumes") {
        uses.extend(mounted(volume, &at, "/configMap", ("name", Kind::CONFIG_MAP)));
        uses.extend(mounted(volume, &at, "/secret", ("secretName", Kind::SECRET)));
        for (at, source) in each(volume, &at, "/projected/sources") {
            uses.extend(mounted(source, &at, "/configMap", ("name", Kind::CONFIG_MAP)));
            uses.extend(mounted(source, &at, "/secret", ("name", Kind::SECRET)));
        }
        if let Some(claim) = meta::at(volume, "/persistentVolumeClaim/claimName").and_then(Value::as_str) {
            uses.push(Use {
                at: format!("{at}/persistentVolumeClaim/claimName"),
                kind: Kind::PERSISTENT_VOLUME_CLAIM,
                name: claim,
                keys: Vec::new(),
                needed: Needed::ToStart,
            });
        }
    }
    for (at, secret) in pods.list("imagePullSecrets") {
        uses.extend(named(secret, &at, "", Kind::SECRET).map(|one| Use {
            needed: Needed::ToPull,
            ..one
        }));
    }
    let account = ["serviceAccountName", "serviceAccount"]
        .iter()
        .find_map(|field| Some((*field, pods.spec().get(*field)?.as_str()?)));
    if let Some((field, name)) = account.filter(|(_, name)| !name.is_empty()) {
        uses.push(Use {
            at: pods.at(&format!("/spec/{field}")),
            kind: Kind::SERVICE_ACCOUNT,
            name,
            keys: Vec::new(),
            needed: Needed::ToStart,
        });
    }
    uses.retain(|one| !one.name.is_empty());
    uses
}

/// A reference without keys.
fn named<'a>(value: &'a Value, base: &str, pointer: &str, kind: Kind) -> Option<Use<'a>> {
    let reference = meta::at(value, pointer)?;
    Some(Use {
        at: format!("{base}{pointer}/name"),
        kind,
        name: meta::text(reference, "name"),
        keys: Vec::new(),
        needed: needed(reference),
    })
}

/// A reference to one key.
fn key_of<'a>(value: &'a Value, base: &str, pointer: &str, kind: Kind) -> Option<Use<'a>> {
    let reference = meta::at(value, pointer)?;
    let mut one = named(value, base, pointer, kind)?;
    let key = meta::text(reference, "key");
    one.keys.push((format!("{base}{pointer}/key"), key));
    Some(one)
}

/// A reference whose keys become files: all, or those of `items`.
fn mounted<'a>(value: &'a Value, base: &str, pointer: &str, (field, kind): (&str, Kind)) -> Option<Use<'a>> {
    let reference = meta::at(value, pointer)?;
    let items = each(reference, &format!("{base}{pointer}"), "/items");
    let keys = items
        .into_iter()
        .map(|(at, item)| (format!("{at}/key"), meta::text(item, "key")));
    Some(Use {
        at: format!("{base}{pointer}/{field}"),
        kind,
        name: meta::text(reference, field),
        keys: keys.collect(),
        needed: needed(reference),
    })
}

fn needed(reference: &Value) -> Needed {
    match reference.get("optional") {
        Some(Value::Bool(true)) => Needed::No,
        _ => Needed::ToStart,
    }
}
