//! What pods take from ConfigMaps and Secrets, and the claims and accounts they name.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::{Map, Value};

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::pods::Pods;
use crate::uses::{self, Needed, Use};
use crate::view::{Target, View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Configuration of pods",
    checks: &[
        &NO_CONFIG_MAP,
        &NO_SECRET,
        &NO_KEY,
        &NO_FILE,
        &NO_PULL_SECRET,
        &NO_CLAIM,
        &NO_ACCOUNT,
    ],
    look,
};

static NO_CONFIG_MAP: Check = Check {
    id: "no-such-config-map",
    title: "A ConfigMap that is not there",
    severity: Severity::Error,
    softer: "A warning when the chart gives some program the right to make one",
    cure: "name a ConfigMap of the chart, make it beforehand, or say optional: true",
    why: "The container is not started (CreateContainerConfigError), or the pod's volumes are not mounted. Told only when \
          it is known what the namespace has.",
};

static NO_SECRET: Check = Check {
    id: "no-such-secret",
    title: "A Secret that is not there",
    severity: Severity::Error,
    softer: "A warning when the chart gives some program the right to make one",
    cure: "name a Secret of the chart, make it beforehand, or say optional: true",
    why: "The container is not started (CreateContainerConfigError), or the pod's volumes are not mounted. Told only when \
          it is known what the namespace has.",
};

static NO_KEY: Check = Check {
    id: "no-such-key",
    title: "A key that the ConfigMap or Secret does not have",
    severity: Severity::Error,
    softer: "",
    cure: "use a key that is in its data, or say optional: true",
    why: "The container is not started (CreateContainerConfigError), or the pod's volumes are not mounted.",
};

static NO_FILE: Check = Check {
    id: "no-such-file",
    title: "A subPath that is no key of the ConfigMap or Secret",
    severity: Severity::Warning,
    softer: "",
    cure: "give subPath a key of its data, or the path that items give it",
    why: "The kubelet makes an empty folder where the program looks for a file.",
};

static NO_PULL_SECRET: Check = Check {
    id: "no-such-pull-secret",
    title: "An imagePullSecret that is not there",
    severity: Severity::Warning,
    softer: "",
    cure: "name a Secret that is there, or leave it out",
    why: "Images are pulled without it, which a private registry refuses. Told only when it is known what the namespace has.",
};

static NO_CLAIM: Check = Check {
    id: "no-such-claim",
    title: "A PersistentVolumeClaim that is not there",
    severity: Severity::Error,
    softer: "",
    cure: "name a claim of the chart, or make it beforehand",
    why: "The pod stays Pending. Told only when it is known what the namespace has.",
};

static NO_ACCOUNT: Check = Check {
    id: "no-such-service-account",
    title: "A ServiceAccount that is not there",
    severity: Severity::Error,
    softer: "",
    cure: "name a ServiceAccount of the chart, or make it beforehand",
    why: "No pod is made: the API server refuses each. Told only when it is known what the namespace has.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        for one in uses::of(pods) {
            judge(view, pods, &one, found);
        }
        sub_paths(view, pods, found);
    }
}

fn judge(view: &View<'_>, pods: &Pods<'_>, one: &Use<'_>, found: &mut Findings) {
    // Every namespace has these by itself.
    let by_itself = [
        (Kind::SERVICE_ACCOUNT, "default"),
        (Kind::CONFIG_MAP, "kube-root-ca.crt"),
    ];
    if by_itself.contains(&(one.kind.clone(), one.name)) {
        return;
    }
    let namespace = pods.namespace;
    match view.find(&one.kind, namespace, one.name) {
        Target::Made(_, value) | Target::There(value) if one.needed == Needed::ToStart => {
            keys(pods, one, value, found);
        }
        Target::Missing if one.needed != Needed::No => {
            let Some(check) = missing(one) else { return };
            let (kind, name) = (&one.kind.name, one.name);
            let meant = meant(name, view.names(&one.kind, namespace));
            let mut message = format!("there is no {kind} {name:?}, in the chart or in {namespace}{meant}");
            let mut severity = check.severity;
            if check.severity == Severity::Error && may_be_made(view, &one.kind) {
                severity = Severity::Warning;
                message.push_str("; some program of the chart may make it");
            }
            found.add_as(check, severity, (pods.item, &one.at), message);
        }
        _ => {}
    }
}

fn missing(one: &Use<'_>) -> Option<&'static Check> {
    Some(match (one.kind.name.as_ref(), one.needed) {
        (_, Needed::ToPull) => &NO_PULL_SECRET,
        ("ConfigMap", _) => &NO_CONFIG_MAP,
        ("Secret", _) => &NO_SECRET,
        ("PersistentVolumeClaim", _) => &NO_CLAIM,
        ("ServiceAccount", _) => &NO_ACCOUNT,
        _ => return None,
    })
}

/// Whether the chart gives some program the right to make objects of a kind while it runs, or to do anything.
fn may_be_made(view: &View<'_>, kind: &Kind) -> bool {
    let resource = format!("{}s", kind.name.to_lowercase());
    let has = |rule: &Value, list: &str, words: &[&str]| {
        let words = |one: &Value| one.as_str().is_some_and(|one| words.contains(&one));
        meta::list_at(rule, list).iter().any(words)
    };
    let grants = |rule: &Value| {
        has(rule, "/verbs", &["create", "*"]) && has(rule, "/resources", &[resource.as_str(), "*"])
    };
    view.items.iter().any(|item| match item.kind().name.as_ref() {
        "Role" | "ClusterRole" => meta::list_at(&item.value, "/rules").iter().any(grants),
        "RoleBinding" | "ClusterRoleBinding" => {
            matches!(
                meta::text_at(&item.value, "/roleRef/name"),
                "cluster-admin" | "admin" | "edit"
            )
        }
        _ => false,
    })
}

fn keys(pods: &Pods<'_>, one: &Use<'_>, value: &Value, found: &mut Findings) {
    let Some(has) = content(value) else { return };
    for (at, key) in &one.keys {
        if !has.contains(key) {
            let (kind, name) = (&one.kind.name, one.name);
            let meant = meant(key, has.iter().copied());
            let has = listed(has.iter().copied());
            let message = format!("{kind} {name} has no key {key:?} (keys: {has}){meant}");
            found.add(&NO_KEY, (pods.item, at), message);
        }
    }
}

/// The keys of a ConfigMap or Secret; nothing where somebody else may fill it: it is empty, or of a type that is filled.
fn content(value: &Value) -> Option<Vec<&str>> {
    let maps = ["data", "binaryData", "stringData"];
    let maps = maps.iter().filter_map(|field| value.get(*field)?.as_object());
    let keys: Vec<&str> = maps.flat_map(Map::keys).map(String::as_str).collect();
    let is_filled = meta::text(value, "type") == "kubernetes.io/service-account-token";
    (!keys.is_empty() && !is_filled).then_some(keys)
}

/// Mounts of a single file: the file has to be one that the volume has.
fn sub_paths(view: &View<'_>, pods: &Pods<'_>, found: &mut Findings) {
    let volumes = pods.list("volumes");
    for container in pods.containers() {
        for (at, mount) in each(container.value, &container.at, "/volumeMounts") {
            let (volume, path) = (meta::text(mount, "name"), meta::text(mount, "subPath"));
            let path = path.trim_end_matches('/');
            let volume = volumes.iter().find(|(_, one)| meta::text(one, "name") == volume);
            let Some((_, volume)) = volume.filter(|_| !path.is_empty() && path != ".") else {
                continue;
            };
            let Some((source, files)) = files(view, pods.namespace, volume) else {
                continue;
            };
            let within = format!("{path}/");
            if !files
                .iter()
                .any(|file| *file == path || file.starts_with(&within))
            {
                let meant = meant(path, files.iter().copied());
                let has = listed(files.iter().copied());
                let message = format!("{source} has no file {path:?} (files: {has}){meant}");
                found.add(&NO_FILE, (pods.item, &format!("{at}/subPath")), message);
            }
        }
    }
}

/// The files of a volume that is one ConfigMap or Secret, and what it is called.
fn files<'v>(view: &'v View<'_>, namespace: &str, volume: &'v Value) -> Option<(String, Vec<&'v str>)> {
    let sources = [
        ("configMap", "name", Kind::CONFIG_MAP),
        ("secret", "secretName", Kind::SECRET),
    ];
    sources.into_iter().find_map(|(field, name, kind)| {
        let source = volume.get(field)?;
        let name = meta::text(source, name);
        let items = meta::list_at(source, "/items");
        let files = match view.find(&kind, namespace, name) {
            _ if !items.is_empty() => items.iter().map(|item| meta::text(item, "path")).collect(),
            Target::Made(_, value) | Target::There(value) => content(value)?,
            Target::Missing | Target::Unknown => return None,
        };
        Some((format!("{} {name}", kind.name), files))
    })
}
