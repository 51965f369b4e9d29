//! The rules of what controllers report: counts that are never negative.

use serde_json::Value;

use super::findings::Findings;

/// Kinds and their counts in the order in which the real server looks at them.
const COUNTS: &[(&str, &str, &[&str])] = &[
    (
        "apps",
        "Deployment",
        &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
        ],
    ),
    (
        "apps",
        "ReplicaSet",
        &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
        ],
    ),
    (
        "apps",
        "StatefulSet",
        &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"],
    ),
    (
        "apps",
        "DaemonSet",
        &[
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
        ],
    ),
    ("batch", "Job", &["active", "succeeded", "failed"]),
    (
        "policy",
        "PodDisruptionBudget",
        &[
            "disruptionsAllowed",
            "currentHealthy",
            "desiredHealthy",
            "expectedPods",
        ],
    ),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        &["currentReplicas", "desiredReplicas"],
    ),
];

pub(super) fn status(out: &mut Findings, group: &str, kind: &str, object: &Value) {
    let counts = COUNTS.iter().find(|(of, name, _)| *of == group && *name == kind);
    for field in counts.into_iter().flat_map(|(_, _, fields)| *fields) {
        out.not_negative("status", &object["status"], field);
    }
    let status = &object["status"];
    if kind == "Deployment" {
        let of = |field: &str| status[field].as_i64().unwrap_or(0);
        for (field, most, what) in [
            ("updatedReplicas", "replicas", "replicas"),
            ("readyReplicas", "replicas", "replicas"),
            ("availableReplicas", "replicas", "replicas"),
            ("availableReplicas", "readyReplicas", "readyReplicas"),
        ] {
            if of(field) > of(most) {
                let why = if what == "replicas" {
                    "cannot be greater than status.replicas"
                } else {
                    "cannot be greater than readyReplicas"
                };
                out.invalid(format!("status.{field}"), &status[field], why);
            }
        }
    }
}
