//! Autoscalers: what they scale, and who else says how many.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, listed, meant};
use crate::view::{Item, Target, View};

pub(crate) static THEME: Theme = Theme {
    title: "Autoscalers",
    checks: &[&NO_TARGET, &WRONG_GROUP, &FIXED, &BOUNDS],
    look,
};

static NO_TARGET: Check = Check {
    id: "autoscaler-no-target",
    title: "A HorizontalPodAutoscaler for a workload that is not there",
    severity: Severity::Error,
    softer: "A warning while it is not known what the namespace has",
    cure: "name a workload of the chart in scaleTargetRef, by its kind and name",
    why: "It never scales anything; its condition AbleToScale says FailedGetScale, which nobody looks at.",
};

static WRONG_GROUP: Check = Check {
    id: "autoscaler-wrong-group",
    title: "A HorizontalPodAutoscaler whose target is of another API group",
    severity: Severity::Error,
    softer: "",
    cure: "write apiVersion: apps/v1 in scaleTargetRef",
    why: "The controller looks for the kind in that group, finds none and never scales.",
};

static FIXED: Check = Check {
    id: "autoscaler-fixed-replicas",
    title: "A workload that is scaled and fixes its replicas",
    severity: Severity::Warning,
    softer: "",
    cure: "leave spec.replicas out when the workload is scaled",
    why: "Every upgrade sets the number back, in the middle of the load that it was raised for.",
};

static BOUNDS: Check = Check {
    id: "autoscaler-bounds",
    title: "A HorizontalPodAutoscaler with less at most than at least",
    severity: Severity::Error,
    softer: "",
    cure: "give maxReplicas no less than minReplicas",
    why: "The API server refuses it.",
};

/// The kinds that can be scaled and their one group.
const SCALED: &[&str] = &["Deployment", "StatefulSet", "ReplicaSet"];

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, scaler) in view.of(&Kind::HORIZONTAL_POD_AUTOSCALER) {
        let spec = scaler.value.get("spec").unwrap_or(&Value::Null);
        let (min, max) = (
            meta::number_at(spec, "/minReplicas").unwrap_or(1),
            meta::number_at(spec, "/maxReplicas"),
        );
        if let Some(max) = max.filter(|max| *max < min) {
            let message = format!("maxReplicas is {max}, minReplicas {min}");
            found.add(&BOUNDS, (at, "/spec/maxReplicas"), message);
        }
        target(view, (at, scaler), found);
    }
}

fn target(view: &View<'_>, (at, scaler): (usize, &Item<'_>), found: &mut Findings) {
    let Some(target) = meta::at(&scaler.value, "/spec/scaleTargetRef") else {
        return;
    };
    let (kind, name) = (Kind::of(target), meta::text(target, "name"));
    if SCALED.contains(&kind.name.as_ref()) && kind.group != "apps" {
        // What reads `extensions` was written when it was served.
        let message = match meta::text(target, "apiVersion") {
            "" => format!(
                "scaleTargetRef says no apiVersion, so {} is looked for in the core group",
                kind.name
            ),
            version => format!("there is no {} in {version}", kind.name),
        };
        return found.add(&WRONG_GROUP, (at, "/spec/scaleTargetRef"), message);
    }
    let workloads = || {
        let all = view.items.iter();
        all.filter(|item| SCALED.contains(&item.kind().name.as_ref()) && item.namespace == scaler.namespace)
    };
    let is_own = view.makes_all(scaler.namespace) && workloads().next().is_some();
    let severity = match view.find(&kind, scaler.namespace, name) {
        Target::Made(workload, value) => {
            let replicas = meta::number_at(value, "/spec/replicas");
            if let (true, Some(replicas)) = (SCALED.contains(&kind.name.as_ref()), replicas) {
                let message = format!(
                    "fixes {replicas} replicas, and HorizontalPodAutoscaler {} scales it",
                    scaler.name()
                );
                found.add(&FIXED, (workload, "/spec/replicas"), message);
            }
            return;
        }
        Target::There(_) => return,
        Target::Missing => Severity::Error,
        // A chart without workloads is one for what others made.
        Target::Unknown if is_own && SCALED.contains(&kind.name.as_ref()) => Severity::Warning,
        Target::Unknown => return,
    };
    let message = match workloads().find(|item| item.name() == name) {
        Some(other) => format!(
            "there is no {} {name:?}; {name} is a {}",
            kind.name,
            other.kind().name
        ),
        None => {
            let meant = meant(name, workloads().map(Item::name));
            let all = listed(workloads().map(Item::name));
            format!("there is no {} {name:?} (workloads: {all}){meant}", kind.name)
        }
    };
    found.add_as(&NO_TARGET, severity, (at, "/spec/scaleTargetRef"), message);
}
