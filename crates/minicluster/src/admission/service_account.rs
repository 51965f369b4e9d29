//! The ServiceAccount of a new pod: which one, that it exists, its token as a volume, its pull secrets.

use serde_json::{Value, json};

use super::{Lookup, Refusal, Request, is_mirror, list, list_mut, put, text};

const VOLUME: &str = "kube-api-access-";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// An hour and a little, by which kubelets know a token that was not asked for.
const EXPIRATION_SECONDS: i64 = 3607;

pub(super) fn mutate(request: &Request<'_>, pod: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    if !request.creates("pods") || !pod["spec"].is_object() {
        return Ok(());
    }
    if is_mirror(pod) {
        return check_mirror(&pod["spec"]);
    }
    let spec = &mut pod["spec"];
    if text(spec, "serviceAccountName").is_empty() {
        put(spec, "serviceAccountName", json!("default"));
        put(spec, "serviceAccount", json!("default"));
    }
    let name = text(spec, "serviceAccountName");
    let Some(account) = lookup.get("", "serviceaccounts", request.namespace, name) else {
        return Err(Refusal::Forbidden(format!(
            "error looking up service account {}/{name}: serviceaccount \"{name}\" not found",
            request.namespace
        )));
    };
    let asked = |value: &Value| value["automountServiceAccountToken"].as_bool();
    if asked(spec).or_else(|| asked(&account)).unwrap_or(true) {
        mount(spec, request.suffix);
    }
    if list(spec, "imagePullSecrets").is_empty() && !list(&account, "imagePullSecrets").is_empty() {
        put(spec, "imagePullSecrets", account["imagePullSecrets"].clone());
    }
    Ok(())
}

/// A mirror pod has no rights: no account and none of the objects that accounts can read.
fn check_mirror(spec: &Value) -> Result<(), Refusal> {
    if !text(spec, "serviceAccountName").is_empty() {
        return Err(Refusal::Forbidden(
            "a mirror pod may not reference service accounts".to_owned(),
        ));
    }
    let uses = |source: &str| {
        list(spec, "volumes")
            .iter()
            .any(|volume| volume.get(source).is_some_and(|source| !source.is_null()))
    };
    for (source, what) in [
        ("secret", "secrets"),
        ("persistentVolumeClaim", "persistentvolumeclaims"),
    ] {
        if uses(source) {
            return Err(Refusal::Forbidden(format!(
                "a mirror pod may not reference {what}"
            )));
        }
    }
    Ok(())
}

/// Mounts the token in each container that mounts nothing at its place.
fn mount(spec: &mut Value, suffix: &str) {
    let own = list(spec, "volumes")
        .iter()
        .map(|volume| text(volume, "name"))
        .find(|name| name.starts_with(VOLUME))
        .map(str::to_owned);
    let name = own.clone().unwrap_or_else(|| format!("{VOLUME}{suffix}"));
    let mut needed = false;
    for field in ["initContainers", "containers"] {
        let containers = spec.get_mut(field).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let taken = list(container, "volumeMounts")
                .iter()
                .any(|mount| text(mount, "mountPath") == MOUNT_PATH);
            if taken {
                continue;
            }
            if let Some(mounts) = list_mut(container, "volumeMounts") {
                mounts.push(json!({"mountPath": MOUNT_PATH, "name": name, "readOnly": true}));
                needed = true;
            }
        }
    }
    if needed
        && own.is_none()
        && let Some(volumes) = list_mut(spec, "volumes")
    {
        volumes.push(token_volume(&name));
    }
}

fn token_volume(name: &str) -> Value {
    let namespace =
        json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"});
    json!({
        "name": name,
        "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": EXPIRATION_SECONDS, "path": "token"}},
            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
            {"downwardAPI": {"items": [namespace]}},
        ]},
    })
}
