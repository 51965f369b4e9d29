//! Names of objects and labels, by the rules of the API server, and objects of one name.

use std::collections::HashMap;

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::pods::Pods;
use crate::view::{Item, View, step};

pub(crate) static THEME: Theme = Theme {
    title: "Names and labels",
    checks: &[&OBJECT_TWICE, &OBJECT_NAME, &NAME_TOO_LONG, &LABEL, &ANNOTATION],
    look,
};

static OBJECT_TWICE: Check = Check {
    id: "object-twice",
    title: "One object written twice",
    severity: Severity::Error,
    softer: "A warning when both are the same",
    cure: "leave one of them, or give them different names",
    why: "Helm 3 fails to install it (already exists); where objects are applied the last one takes the place of the first.",
};

static OBJECT_NAME: Check = Check {
    id: "object-name",
    title: "A name that the kind can't have",
    severity: Severity::Error,
    softer: "",
    cure: "use lower case letters, digits and hyphens; shorten with trunc 63 | trimSuffix \"-\"",
    why: "The API server refuses the object.",
};

static NAME_TOO_LONG: Check = Check {
    id: "name-too-long",
    title: "A workload's name that leaves no room for its pods' names",
    severity: Severity::Error,
    softer: "A warning for a StatefulSet where it depends on the length of a hash",
    cure: "shorten the name: 52 characters for a StatefulSet and a CronJob, 63 for a Job",
    why: "What the controller adds to the name, as a label or as a Job's name, is longer than 63 characters and refused, \
          so that there never is a pod.",
};

static LABEL: Check = Check {
    id: "label",
    title: "A label that the API server refuses",
    severity: Severity::Error,
    softer: "",
    cure: "use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends; chart versions write '+' as '_'",
    why: "The API server refuses the object.",
};

static ANNOTATION: Check = Check {
    id: "annotation",
    title: "An annotation whose key the API server refuses",
    severity: Severity::Error,
    softer: "",
    cure: "write the key as name or domain/name, the name with at most 63 letters, digits, '-', '_' and '.'",
    why: "The API server refuses the object.",
};

/// What a label's value, and a label or annotation without its domain, may be long.
const LABEL_MAX: usize = 63;
const SUBDOMAIN_MAX: usize = 253;

/// A revision's hash is a number of up to ten digits; few in a hundred thousand are shorter by this many.
const SHORTER_HASH: usize = 5;

fn look(view: &View<'_>, found: &mut Findings) {
    twice(view, found);
    for (at, item) in view.items.iter().enumerate() {
        if let Some(why) = wrong_name(item) {
            let message = format!("{:?} {why}", item.name());
            found.add(&OBJECT_NAME, (at, "/metadata/name"), message);
        }
        too_long((at, item), found);
        words((at, &item.value), "/metadata", found);
    }
    for pods in view
        .pods
        .iter()
        .filter(|pods| pods.built_in && !pods.root.is_empty())
    {
        let item = &view.items[pods.item];
        of_template(pods, &item.value, found);
    }
}

fn twice(view: &View<'_>, found: &mut Findings) {
    let mut seen: HashMap<(&Kind, &str, &str), usize> = HashMap::new();
    let installed = view.items.iter().enumerate();
    for (at, item) in installed.filter(|(_, item)| item.hook.is_none() && !item.name().is_empty()) {
        if let Some(before) = seen.insert((item.kind(), item.namespace, item.name()), at) {
            let source = &view.items[before].object.source;
            let place = match source.as_str() {
                "" => String::new(),
                source => format!(", in {source}"),
            };
            let message = format!("{} is there already{place}", item.short());
            let severity = match view.items[before].value == item.value {
                true => Severity::Warning,
                false => Severity::Error,
            };
            found.add_as(&OBJECT_TWICE, severity, (at, "/metadata/name"), message);
        }
    }
}

/// What is wrong with a name, by the rule of its kind.
fn wrong_name(item: &Item<'_>) -> Option<String> {
    let name = item.name();
    if name.is_empty() {
        return None;
    }
    match (item.kind().group.as_ref(), item.kind().name.as_ref()) {
        ("rbac.authorization.k8s.io", _) => {
            let bad = name == "." || name == ".." || name.contains(['/', '%']);
            bad.then(|| "is a path, or has '/' or '%'".to_owned())
        }
        // Served beside the API server, or as they please.
        ("certificates.k8s.io", _) => None,
        (group, _) if group.ends_with("openshift.io") => None,
        ("", "Service") => {
            let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
            wrong_label_name(name).or_else(|| (!begins).then(|| "does not begin with a letter".to_owned()))
        }
        ("", "Namespace") => wrong_label_name(name),
        _ if name.len() > SUBDOMAIN_MAX => Some(format!("is longer than {SUBDOMAIN_MAX} characters")),
        _ => (!name.split('.').all(is_label_name)).then(|| NOT_A_NAME.to_owned()),
    }
}

const NOT_A_NAME: &str =
    "has other characters than lower case letters, digits and hyphens, or one of those at an end";

fn wrong_label_name(name: &str) -> Option<String> {
    if name.len() > LABEL_MAX {
        return Some(format!("is longer than {LABEL_MAX} characters"));
    }
    (!is_label_name(name)).then(|| NOT_A_NAME.to_owned())
}

/// Whether it can be one part of a name in DNS.
pub(crate) fn is_label_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// Names that are fine by themselves and too long once the controller has added to them.
fn too_long((at, item): (usize, &Item<'_>), found: &mut Findings) {
    let max = match (item.kind().group.as_ref(), item.kind().name.as_ref()) {
        // "-" and ten characters of a revision, as a label.
        ("apps", "StatefulSet") => LABEL_MAX - 11,
        // "-" and ten digits of a time, as a Job's name.
        ("batch", "CronJob") => LABEL_MAX - 11,
        ("batch", "Job") => LABEL_MAX,
        _ => return,
    };
    let length = item.name().len();
    if length > max {
        let message = format!(
            "the name has {length} characters, and a {} may have {max}",
            item.kind().name
        );
        let is_sure = item.kind().name != "StatefulSet" || length > max + SHORTER_HASH;
        let severity = if is_sure {
            Severity::Error
        } else {
            Severity::Warning
        };
        found.add_as(&NAME_TOO_LONG, severity, (at, "/metadata/name"), message);
    }
}

fn of_template(pods: &Pods<'_>, whole: &Value, found: &mut Findings) {
    words((pods.item, whole), &pods.at("/metadata"), found);
}

/// The labels and annotations of a metadata.
fn words((at, whole): (usize, &Value), metadata: &str, found: &mut Findings) {
    let map = |field: &str| meta::at(whole, &format!("{metadata}/{field}")).and_then(Value::as_object);
    for (key, value) in map("labels").into_iter().flatten() {
        let place = format!("{metadata}/labels/{}", step(key));
        if let Some(why) = wrong_key(key) {
            found.add(&LABEL, (at, &place), format!("{key:?} {why}"));
        } else if let Some(why) = value.as_str().and_then(wrong_value) {
            let message = format!("{:?} {why}", value.as_str().unwrap_or_default());
            found.add(&LABEL, (at, &place), message);
        }
    }
    for (key, _) in map("annotations").into_iter().flatten() {
        // Annotations are compared in lower case, so that capitals in the domain are let through.
        if let Some(why) = wrong_key(&key.to_lowercase()) {
            let place = format!("{metadata}/annotations/{}", step(key));
            found.add(&ANNOTATION, (at, &place), format!("{key:?} {why}"));
        }
    }
}

fn wrong_key(key: &str) -> Option<String> {
    let name = match key.split_once('/') {
        Some((domain, name)) => {
            if domain.len() > SUBDOMAIN_MAX || !domain.split('.').all(is_label_name) {
                return Some("has a domain that is none".to_owned());
            }
            name
        }
        None => key,
    };
    match name {
        "" => Some("has no name".to_owned()),
        name => wrong_word(name),
    }
}

fn wrong_value(value: &str) -> Option<String> {
    if value.is_empty() { None } else { wrong_word(value) }
}

fn wrong_word(word: &str) -> Option<String> {
    if word.len() > LABEL_MAX {
        return Some(format!("has {} characters, more than {LABEL_MAX}", word.len()));
    }
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(bad) = word.chars().find(|c| !is_inner(*c)) {
        return Some(format!("has {bad:?} in it"));
    }
    let is_end = |c: char| c.is_ascii_alphanumeric();
    let ends = word.starts_with(is_end) && word.ends_with(is_end);
    (!ends).then(|| "does not begin and end with a letter or digit".to_owned())
}
