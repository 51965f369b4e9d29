//! What is taken to be in a cluster that nobody described: the kinds, classes, namespaces and labels of nodes that the
//! chart names and does not bring. Whatever is taken to be there is told.
//!
//! A kind stands in with a definition that takes any object, so what it would refuse is not found.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use cluster::Catalog;
use manifest::{Finding, Object, Severity, defined_kind};
use objects::{Kind, meta};
use serde_json::{Value, json};

/// Where an object may name a class, and the kind of the class.
const CLASSES: &[(&str, &str, &str)] = &[
    ("/spec/storageClassName", "storage.k8s.io/v1", "StorageClass"),
    (
        "/spec/template/spec/priorityClassName",
        "scheduling.k8s.io/v1",
        "PriorityClass",
    ),
];

/// The classes that every cluster has.
const PRIORITIES: &[&str] = &["system-cluster-critical", "system-node-critical"];

/// Something that is taken to be there.
pub(crate) struct Assumed {
    pub object: Value,
    pub finding: Finding,
}

/// The storage class of claims that name none, which nearly every cluster has.
pub(crate) fn default_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "shipway.dev/simulated",
    })
}

/// Finds what a chart's objects need of the cluster. `given` is what is known to be there.
pub(crate) fn assumed(objects: &[Object], given: &[Value], catalog: &Catalog) -> Vec<Assumed> {
    let mut all = kinds(objects, catalog);
    all.extend(classes(objects, given));
    all
}

/// The namespaces that the chart's objects are in and that it does not make.
pub(crate) fn namespaces(objects: &[Object], own: &str) -> Vec<Assumed> {
    let mut all: Vec<Assumed> = Vec::new();
    for object in objects {
        let name = object.key.namespace.as_ref();
        let is_it = |one: &Value| one["kind"] == "Namespace" && meta::name(one) == name;
        let known = ["", "default", "kube-system", own].contains(&name)
            || objects.iter().any(|one| is_it(&one.value))
            || all.iter().any(|one| is_it(&one.object));
        if !known {
            all.push(Assumed {
                object: json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
                finding: note(
                    object,
                    "namespace-not-given",
                    format!("namespace {name} is taken to be there"),
                ),
            });
        }
    }
    all
}

/// The nodes with the labels that the chart's pods ask for, if they ask for any. Of several values of a label each is on
/// some nodes.
pub(crate) fn labelled(objects: &[Object], nodes: &[Value]) -> Vec<Assumed> {
    let mut asked: BTreeMap<String, (Vec<String>, &Object)> = BTreeMap::new();
    for object in objects {
        let Some(pod) = checks::pod_spec(object) else {
            continue;
        };
        for (label, value) in selected(pod) {
            let has = |node: &Value| node["metadata"]["labels"][&label] == json!(value);
            if !nodes.iter().any(has) {
                let (values, _) = asked.entry(label).or_insert_with(|| (Vec::new(), object));
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
    }
    let mut all = Vec::new();
    for (label, (values, object)) in asked {
        let told = format!(
            "nodes with the label {label}={} are taken to be there",
            values.join(" or ")
        );
        for (node, value) in nodes.iter().zip(values.iter().cycle()) {
            all.push(Assumed {
                object: json!({
                    "apiVersion": "v1", "kind": "Node",
                    "metadata": {"name": meta::name(node), "labels": {label.as_str(): value}},
                }),
                finding: note(object, "node-label-not-given", told.clone()),
            });
        }
    }
    all
}

/// The labels that a pod's node must have, as far as they are said by single values.
fn selected(pod: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Some(selector) = pod["nodeSelector"].as_object() {
        let pairs = selector.iter();
        all.extend(pairs.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned()))));
    }
    let terms = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    // Any of the terms is enough.
    let first = meta::list_at(pod, terms).first();
    for expression in first.map_or(&[][..], |term| meta::list_at(term, "/matchExpressions")) {
        let label = meta::text(expression, "key").to_owned();
        match meta::text(expression, "operator") {
            "In" => {
                let value = meta::list_at(expression, "/values")
                    .first()
                    .and_then(Value::as_str);
                all.extend(value.map(|value| (label, value.to_owned())));
            }
            "Exists" => all.push((label, "true".to_owned())),
            _ => {}
        }
    }
    all
}

fn note(object: &Object, check: &'static str, message: String) -> Finding {
    Finding {
        check,
        severity: Severity::Note,
        object: object.key.to_string(),
        path: String::new(),
        source: object.source.clone(),
        line: 0,
        message,
        cure: Cow::Borrowed("nothing to do, if so; `--given` and `--nodes-from` put in the target's own"),
    }
}

fn kinds(objects: &[Object], catalog: &Catalog) -> Vec<Assumed> {
    let defined: HashSet<Kind> = objects
        .iter()
        .filter_map(|object| defined_kind(&object.value))
        .collect();
    let mut missing: BTreeMap<(&str, &str), (Vec<&str>, &Object)> = BTreeMap::new();
    for object in objects {
        let (group, kind) = (object.key.kind.group.as_ref(), object.key.kind.name.as_ref());
        let is_custom = group.contains('.') && !catalog.resources().any(|one| *one.kind.group == *group);
        if !is_custom || defined.contains(&object.key.kind) {
            continue;
        }
        let Some((_, version)) = object.api_version.split_once('/') else {
            continue;
        };
        let (versions, _) = missing
            .entry((group, kind))
            .or_insert_with(|| (Vec::new(), object));
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let assumed = missing.into_iter().map(|((group, kind), (versions, first))| Assumed {
        object: definition(group, kind, &versions),
        finding: Finding {
            check: "crd-not-given",
            severity: Severity::Warning,
            object: first.key.to_string(),
            path: String::new(),
            source: first.source.clone(),
            line: 0,
            message: format!(
                "kind {kind} of {group} is neither in the chart nor given: a definition that takes anything stood in"
            ),
            cure: Cow::Borrowed(
                "give the target's definitions: `kubectl get crd -o yaml > crds.yaml`, then `--given crds.yaml`",
            ),
        },
    });
    assumed.collect()
}

/// A definition that takes any object of its kind.
fn definition(group: &str, kind: &str, versions: &[&str]) -> Value {
    let singular = kind.to_lowercase();
    let plural = match singular.as_str() {
        word if word.ends_with('y') => format!("{}ies", &word[..word.len() - 1]),
        word if word.ends_with('s') || word.ends_with('x') || word.ends_with("ch") => format!("{word}es"),
        word => format!("{word}s"),
    };
    // By far the most that have no namespace are called so.
    let is_wide = kind.starts_with("Cluster") || kind.ends_with("Class");
    let versions = versions.iter().enumerate().map(|(place, version)| {
        json!({
            "name": version, "served": true, "storage": place == 0,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        })
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            // Groups of Kubernetes' own projects are refused without it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, stands in for the target's own"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular},
            "scope": if is_wide { "Cluster" } else { "Namespaced" },
            "versions": versions.collect::<Vec<_>>(),
        },
    })
}

fn classes(objects: &[Object], given: &[Value]) -> Vec<Assumed> {
    let mut all: Vec<Assumed> = Vec::new();
    for object in objects {
        let claims = meta::list_at(&object.value, "/spec/volumeClaimTemplates").iter();
        for value in std::iter::once(&object.value).chain(claims) {
            for (path, version, kind) in CLASSES {
                let name = meta::text_at(value, path);
                let is_it = |one: &Value| one["kind"] == *kind && meta::name(one) == name;
                let known = name.is_empty()
                    || PRIORITIES.contains(&name)
                    || given.iter().any(is_it)
                    || objects.iter().any(|one| is_it(&one.value))
                    || all.iter().any(|one| is_it(&one.object));
                if !known {
                    all.push(class(object, (version, kind), name));
                }
            }
        }
    }
    all
}

fn class(object: &Object, (version, kind): (&str, &str), name: &str) -> Assumed {
    let mut made = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    match kind {
        "StorageClass" => made["provisioner"] = json!("shipway.dev/simulated"),
        _ => made["value"] = json!(0),
    }
    Assumed {
        object: made,
        finding: note(
            object,
            "class-not-given",
            format!("{kind} {name} is taken to be there"),
        ),
    }
}
