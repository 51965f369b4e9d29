//! What keeps a container from starting: configuration, secrets, claims and service accounts that are not there.
//!
//! The texts are those of a kubelet. Each finding names the object to wait for, so that its arrival wakes the pod.

use objects::{Key, Kind, World, meta};
use serde_json::Value;

use crate::pod::Container;

// A reference borrows its kind, which a constant can't lend for long enough.
static MAP: Kind = Kind::CONFIG_MAP;
static SECRET: Kind = Kind::SECRET;

/// The map with the cluster's certificate that every pod mounts. Where nobody publishes it, nobody waits for it.
const ROOT_CA: &str = "kube-root-ca.crt";

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What the event says.
    pub message: String,
    /// The object whose arrival or change may end it.
    pub awaits: Key,
}

/// A reference to a map or secret, and what it is called in messages.
#[derive(Clone, Copy, Debug)]
struct Reference<'a> {
    kind: &'a Kind,
    name: &'a str,
    optional: bool,
}

/// The first thing that the environment of a container lacks.
#[must_use]
pub fn environment(world: &World, pod: &Value, container: &Container<'_>) -> Option<Missing> {
    let namespace = meta::namespace(pod);
    let whole = |source: &Value| {
        let reference = reference(source, "configMapRef", "secretRef")?;
        check(world, namespace, reference).err().flatten()
    };
    let single = |variable: &Value| {
        let source = variable.get("valueFrom")?;
        let reference = reference(source, "configMapKeyRef", "secretKeyRef")?;
        let object = match check(world, namespace, reference) {
            Ok(object) => object,
            Err(missing) => return missing,
        };
        let field = source
            .get("configMapKeyRef")
            .or_else(|| source.get("secretKeyRef"))?;
        let key = meta::text(field, "key");
        (!has_key(object, key) && !reference.optional).then(|| Missing {
            message: format!(
                "couldn't find key {key} in {} {namespace}/{}",
                reference.kind.name, reference.name
            ),
            awaits: reference.key(namespace),
        })
    };
    let sources = meta::list_at(container.spec, "/envFrom").iter().find_map(whole);
    sources.or_else(|| meta::list_at(container.spec, "/env").iter().find_map(single))
}

/// What the volumes of a pod lack: at most one finding each.
#[must_use]
pub fn volumes(world: &World, pod: &Value) -> Vec<Missing> {
    let volumes = meta::list_at(pod, "/spec/volumes").iter();
    volumes
        .filter_map(|volume| one_volume(world, pod, volume))
        .collect()
}

fn one_volume(world: &World, pod: &Value, volume: &Value) -> Option<Missing> {
    let name = meta::text(volume, "name");
    if let Some(claim) = claim(pod, volume) {
        return claim_missing(world, pod, &claim, name);
    }
    let mut found: Vec<Missing> = Vec::new();
    match volume.get("projected") {
        Some(projected) => {
            let sources = meta::list_at(projected, "/sources").iter();
            found.extend(sources.filter_map(|source| one_source(world, pod, source)));
        }
        None => found.extend(one_source(world, pod, volume)),
    }
    let awaits = found.first()?.awaits.clone();
    let messages: Vec<String> = found.into_iter().map(|missing| missing.message).collect();
    let cause = match messages.as_slice() {
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    Some(Missing {
        message: format!("MountVolume.SetUp failed for volume \"{name}\" : {cause}"),
        awaits,
    })
}

/// A map, secret or token, of a volume of its own or projected.
fn one_source(world: &World, pod: &Value, source: &Value) -> Option<Missing> {
    let namespace = meta::namespace(pod);
    if source.get("serviceAccountToken").is_some() {
        return token_missing(world, pod);
    }
    let reference = reference(source, "configMap", "secret")?;
    if reference.name == ROOT_CA && world.find(&Kind::CONFIG_MAP, "kube-system", ROOT_CA).is_none() {
        return None;
    }
    let object = match check(world, namespace, reference) {
        Ok(object) => object,
        Err(missing) => return missing,
    };
    let field = source.get("configMap").or_else(|| source.get("secret"))?;
    let items = meta::list_at(field, "/items").iter();
    let absent = items
        .map(|item| meta::text(item, "key"))
        .find(|key| !has_key(object, key))
        .filter(|_| !reference.optional)?;
    Some(Missing {
        message: match reference.kind.name.as_ref() {
            "Secret" => format!("references non-existent secret key: {absent}"),
            _ => format!("configmap references non-existent config key: {absent}"),
        },
        awaits: reference.key(namespace),
    })
}

fn token_missing(world: &World, pod: &Value) -> Option<Missing> {
    let namespace = meta::namespace(pod);
    let account = match meta::text_at(pod, "/spec/serviceAccountName") {
        "" => "default",
        name => name,
    };
    let there = world.find(&Kind::SERVICE_ACCOUNT, namespace, account).is_some();
    (!there).then(|| Missing {
        message: format!("failed to fetch token: serviceaccounts \"{account}\" not found"),
        awaits: Key::new(Kind::SERVICE_ACCOUNT, namespace, account),
    })
}

/// The name of the claim behind a volume.
fn claim(pod: &Value, volume: &Value) -> Option<String> {
    if volume.get("ephemeral").is_some() {
        return Some(format!("{}-{}", meta::name(pod), meta::text(volume, "name")));
    }
    let claim = volume.get("persistentVolumeClaim")?;
    Some(meta::text(claim, "claimName").to_owned())
}

fn claim_missing(world: &World, pod: &Value, claim: &str, volume: &str) -> Option<Missing> {
    let namespace = meta::namespace(pod);
    let cause = match world.find(&Kind::PERSISTENT_VOLUME_CLAIM, namespace, claim) {
        Some(object) if meta::text_at(object, "/status/phase") == "Bound" => return None,
        Some(_) => "PVC is not bound".to_owned(),
        None => format!("failed to fetch PVC from API server: persistentvolumeclaim \"{claim}\" not found"),
    };
    Some(Missing {
        message: format!(
            "Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], failed to process volumes=[{volume}]: error processing PVC {namespace}/{claim}: {cause}"
        ),
        awaits: Key::new(Kind::PERSISTENT_VOLUME_CLAIM, namespace, claim),
    })
}

/// The map or secret that a source refers to, under either of two fields.
fn reference<'a>(source: &'a Value, map: &str, secret: &str) -> Option<Reference<'a>> {
    let (kind, field) = match (source.get(map), source.get(secret)) {
        (Some(field), _) => (&MAP, field),
        (_, Some(field)) => (&SECRET, field),
        _ => return None,
    };
    let name = match meta::text(field, "secretName") {
        "" => meta::text(field, "name"),
        name => name,
    };
    let optional = field.get("optional").and_then(Value::as_bool).unwrap_or(false);
    Some(Reference { kind, name, optional })
}

impl Reference<'_> {
    fn key(&self, namespace: &str) -> Key {
        Key::new(self.kind.clone(), namespace, self.name)
    }
}

/// The object of a reference, or what to say when it is not there: nothing if it may be missing.
fn check<'a>(
    world: &'a World,
    namespace: &str,
    reference: Reference<'_>,
) -> Result<&'a Value, Option<Missing>> {
    match world.find(reference.kind, namespace, reference.name) {
        Some(object) => Ok(object),
        None if reference.optional => Err(None),
        None => {
            let kind = reference.kind.name.to_lowercase();
            Err(Some(Missing {
                message: format!("{kind} \"{}\" not found", reference.name),
                awaits: reference.key(namespace),
            }))
        }
    }
}

fn has_key(object: &Value, key: &str) -> bool {
    ["data", "binaryData", "stringData"]
        .iter()
        .any(|field| object.get(field).is_some_and(|data| data.get(key).is_some()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pod;

    fn world() -> World {
        let mut world = World::default();
        for (kind, name, object) in [
            (Kind::CONFIG_MAP, "map", json!({"data": {"a": "1"}})),
            (Kind::SECRET, "secret", json!({"data": {"a": "MQ=="}})),
            (
                Kind::PERSISTENT_VOLUME_CLAIM,
                "bound",
                json!({"status": {"phase": "Bound"}}),
            ),
            (
                Kind::PERSISTENT_VOLUME_CLAIM,
                "pending",
                json!({"status": {"phase": "Pending"}}),
            ),
            (Kind::SERVICE_ACCOUNT, "default", json!({})),
        ] {
            world.put(&Key::new(kind, "n", name), object);
        }
        world
    }

    #[test]
    fn a_missing_key_or_object_of_the_environment_is_named() {
        for (container, expected) in [
            (json!({"envFrom": [{"configMapRef": {"name": "map"}}]}), None),
            (
                json!({"envFrom": [{"configMapRef": {"name": "x"}}]}),
                Some("configmap \"x\" not found"),
            ),
            (
                json!({"envFrom": [{"secretRef": {"name": "x", "optional": true}}]}),
                None,
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}),
                Some("secret \"x\" not found"),
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "map", "key": "k"}}}]}),
                Some("couldn't find key k in ConfigMap n/map"),
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "k"}}}]}),
                Some("couldn't find key k in Secret n/secret"),
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
                None,
            ),
        ] {
            let pod = json!({"metadata": {"namespace": "n"}, "spec": {"containers": [container]}});
            let one = pod::containers(&pod).next().unwrap();
            let missing = environment(&world(), &pod, &one).map(|missing| missing.message);
            assert_eq!(missing.as_deref(), expected, "{pod}");
        }
    }

    #[test]
    fn a_missing_part_of_a_volume_is_named() {
        for (volume, expected) in [
            (json!({"configMap": {"name": "map"}}), None),
            (json!({"emptyDir": {}}), None),
            (
                json!({"configMap": {"name": "x"}}),
                Some("MountVolume.SetUp failed for volume \"v\" : configmap \"x\" not found"),
            ),
            (
                json!({"configMap": {"name": "map", "items": [{"key": "k"}]}}),
                Some(
                    "MountVolume.SetUp failed for volume \"v\" : configmap references non-existent config key: k",
                ),
            ),
            (
                json!({"secret": {"secretName": "secret", "items": [{"key": "k"}]}}),
                Some("MountVolume.SetUp failed for volume \"v\" : references non-existent secret key: k"),
            ),
            (json!({"secret": {"secretName": "x", "optional": true}}), None),
            (
                json!({"projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "y"}}]}}),
                Some(
                    "MountVolume.SetUp failed for volume \"v\" : [configmap \"x\" not found, secret \"y\" not found]",
                ),
            ),
            (
                json!({"projected": {"sources": [
                    {"serviceAccountToken": {}}, {"configMap": {"name": "kube-root-ca.crt"}},
                ]}}),
                None,
            ),
            (json!({"persistentVolumeClaim": {"claimName": "bound"}}), None),
            (
                json!({"persistentVolumeClaim": {"claimName": "pending"}}),
                Some(
                    "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC n/pending: PVC is not bound",
                ),
            ),
        ] {
            let mut volume = volume;
            volume["name"] = json!("v");
            let pod = json!({"metadata": {"namespace": "n"}, "spec": {"volumes": [volume]}});
            let missing: Vec<String> = volumes(&world(), &pod)
                .into_iter()
                .map(|one| one.message)
                .collect();
            assert_eq!(missing.first().map(String::as_str), expected, "{pod}");
        }
    }
}
