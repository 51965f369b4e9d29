//! Volumes and where they are mounted.

use manifest::Severity;
use objects::meta;
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::pods::Pods;
use crate::view::{View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Volumes",
    checks: &[&NO_VOLUME, &UNUSED, &TWICE, &SAME_PATH],
    look,
};

static NO_VOLUME: Check = Check {
    id: "no-such-volume",
    title: "A mount of a volume that the pod does not have",
    severity: Severity::Error,
    softer: "",
    cure: "add the volume to the pod, or correct the mount's name",
    why: "The API server refuses the object.",
};

static UNUSED: Check = Check {
    id: "volume-unused",
    title: "A volume that no container mounts",
    severity: Severity::Note,
    softer: "",
    cure: "mount it, or leave it out",
    why: "The pod waits for it before it starts, for nothing.",
};

static TWICE: Check = Check {
    id: "volume-twice",
    title: "Two volumes of one name",
    severity: Severity::Error,
    softer: "",
    cure: "give each volume a name of its own",
    why: "The API server refuses the object.",
};

static SAME_PATH: Check = Check {
    id: "mount-path-twice",
    title: "Two mounts at one path",
    severity: Severity::Error,
    softer: "",
    cure: "mount each volume at a path of its own; several sources at one path are a projected volume",
    why: "The API server refuses the object.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let claims = meta::list_at(&view.items[pods.item].value, "/spec/volumeClaimTemplates");
        of_pods(pods, claims, found);
    }
}

fn of_pods(pods: &Pods<'_>, claims: &[Value], found: &mut Findings) {
    let volumes = pods.list("volumes");
    let claims: Vec<&str> = claims.iter().map(meta::name).collect();
    let mut names: Vec<&str> = claims.clone();
    for (at, volume) in &volumes {
        let name = meta::text(volume, "name");
        // A claim of the same name takes a volume's place.
        if names.contains(&name) && !claims.contains(&name) {
            let message = format!("two volumes are called {name:?}");
            found.add(&TWICE, (pods.item, &format!("{at}/name")), message);
        }
        names.push(name);
    }
    let mut mounted = Vec::new();
    for container in pods.containers() {
        let mut paths: Vec<&str> = Vec::new();
        for (at, mount) in each(container.value, &container.at, "/volumeMounts") {
            let path = meta::text(mount, "mountPath");
            if paths.contains(&path) {
                let message = format!("something is mounted at {path} already");
                found.add(&SAME_PATH, (pods.item, &format!("{at}/mountPath")), message);
            }
            paths.push(path);
        }
        for list in ["/volumeMounts", "/volumeDevices"] {
            for (at, mount) in each(container.value, &container.at, list) {
                let name = meta::text(mount, "name");
                mounted.push(name);
                if !names.contains(&name) {
                    let meant = meant(name, names.iter().copied());
                    let has = listed(names.iter().copied());
                    let message = format!("the pod has no volume {name:?} (volumes: {has}){meant}");
                    found.add(&NO_VOLUME, (pods.item, &format!("{at}/name")), message);
                }
            }
        }
    }
    if pods.is_injected() {
        return;
    }
    for (at, volume) in &volumes {
        let name = meta::text(volume, "name");
        if !mounted.contains(&name) && !claims.contains(&name) {
            found.add(&UNUSED, (pods.item, at), format!("no container mounts {name}"));
        }
    }
}
